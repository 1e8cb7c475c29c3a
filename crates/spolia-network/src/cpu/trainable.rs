//! Training on the CPU: batch norm with the batch's statistics, every parameter's gradient, SGD with Nesterov momentum.

use rayon::prelude::*;

use super::{
    conv::Kernel,
    frozen::FrozenCpu,
    norm::Norm,
    parameters::{Parameters, Values},
    passes::Passes,
};
use crate::{
    Cut, Error, Frozen, Network, Profile, Sgd, StageId, Tensor, Trainable, Weights,
    engine::{check_batch, check_labels, check_logit},
    plan::Plan,
    profile::Meter,
    training::cross_entropy,
};

pub(super) struct TrainableCpu {
    network: Network,
    /// The story of what it started from, and the frozen stages' tensors.
    start: Weights,
    /// The frozen stages.
    head: Option<(StageId, FrozenCpu)>,
    parameters: Parameters,
    gradients: Values,
    velocities: Values,
    gathered: Option<(Vec<[Vec<f64>; 2]>, usize)>,
    passes: Option<Passes>,
    meter: Meter,
}

impl TrainableCpu {
    pub fn new(network: &Network, weights: &Weights) -> Result<Self, Error> {
        weights.check(network)?;
        check_logit(network)?;
        Self::behind(network, weights, None)
    }

    /// Trains the stages behind `frozen`.
    fn behind(
        network: &Network,
        weights: &Weights,
        frozen: Option<StageId>,
    ) -> Result<Self, Error> {
        let head = match frozen {
            Some(stage) => Some((stage, FrozenCpu::new(network, weights, Cut::to(stage))?)),
            None => None,
        };
        // Any size that fits gives the same list of layers.
        let plan = Plan::new(network, Cut::behind(network, frozen), 299, 299)?;
        let parameters = Parameters::new(weights, &plan)?;
        if let Some(stage) = frozen.filter(|_| parameters.is_empty()) {
            return Err(Error::NothingToTrain {
                stage: network.name(stage).into(),
            });
        }
        let zeros = parameters.zeros();
        Ok(Self {
            network: network.clone(),
            start: weights.through(network, frozen)?,
            head,
            parameters,
            gradients: zeros.clone(),
            velocities: zeros,
            gathered: None,
            passes: None,
            meter: Meter::default(),
        })
    }

    /// Forward, loss and gradients.
    fn pass(&mut self, input: &Tensor, labels: &[f32]) -> Result<(f32, Passes), Error> {
        check_labels(input, labels)?;
        let mut passes = self.forward(input)?;
        let (loss, gradient) = cross_entropy(passes.output(), labels);
        if loss.is_finite() {
            let own = &self.parameters;
            passes.backward(own, &mut self.gradients, &gradient, &mut self.meter);
        }
        self.meter.end();
        if let Some((_, head)) = self.head.as_ref().filter(|_| !self.is_activation(input)) {
            self.meter.precede(head.profile());
        }
        Ok((loss, passes))
    }

    /// Forward through the frozen stages and the trained ones.
    fn forward(&mut self, input: &Tensor) -> Result<Passes, Error> {
        let seen_before = self.is_activation(input);
        check_batch(input, seen_before)?;
        let seen = match &mut self.head {
            Some((stage, head)) if !seen_before => head.forward(input, &[*stage])?.pop(),
            _ => None,
        };
        let input = seen.as_ref().unwrap_or(input);
        let shape = input.shape();
        let mut passes = match self.passes.take().filter(|p| p.shape == shape) {
            Some(passes) => passes,
            None => {
                let frozen = self.head.as_ref().map(|(stage, _)| *stage);
                let cut = Cut::behind(&self.network, frozen);
                Passes::new(Plan::new(&self.network, cut, shape[1], shape[2])?, shape)
            }
        };
        self.meter.begin(&self.network);
        passes.forward(&self.parameters, input, &mut self.meter);
        Ok(passes)
    }

    /// Is this the frozen stages' output, not images?
    fn is_activation(&self, input: &Tensor) -> bool {
        let channels = input.shape()[3];
        let head = self.head.as_ref();
        channels != 3 && head.is_some_and(|(stage, _)| self.network.channels(*stage) == channels)
    }

    fn named(&self, values: &Values) -> Weights {
        Weights {
            metadata: self.start.metadata.clone(),
            ..self.parameters.named(values)
        }
    }
}

impl Trainable for TrainableCpu {
    fn step(&mut self, input: &Tensor, labels: &[f32], sgd: Sgd) -> Result<f32, Error> {
        let (loss, passes) = self.pass(input, labels)?;
        if loss.is_finite() {
            let own = &mut self.parameters;
            for (norm, batch) in own.norms.iter_mut().zip(&passes.batches) {
                norm.follow(batch);
            }
            let (rate, momentum) = (sgd.rate as f32, sgd.momentum as f32);
            own.parts(&mut self.velocities, &self.gradients)
                .into_par_iter()
                .for_each(|(part, velocity, gradient)| {
                    for ((w, v), g) in part.iter_mut().zip(velocity).zip(gradient) {
                        *v = momentum * *v - rate * g;
                        *w += momentum * *v - rate * g;
                    }
                });
            own.kernels.par_iter_mut().for_each(Kernel::lay_out);
        }
        self.passes = Some(passes);
        Ok(loss)
    }

    fn gradients(&mut self, input: &Tensor, labels: &[f32]) -> Result<(f32, Weights), Error> {
        let (loss, passes) = self.pass(input, labels)?;
        self.passes = Some(passes);
        Ok((loss, self.named(&self.gradients)))
    }

    fn gather_statistics(&mut self, input: &Tensor) -> Result<(), Error> {
        let passes = self.forward(input)?;
        self.meter.end();
        let fresh = || {
            let zeros = |n: &Norm| [vec![0f64; n.mean.len()], vec![0f64; n.mean.len()]];
            (self.parameters.norms.iter().map(zeros).collect(), 0)
        };
        let (sums, count) = self.gathered.get_or_insert_with(fresh);
        for ([mean, variance], batch) in sums.iter_mut().zip(&passes.batches) {
            mean.iter_mut()
                .zip(&batch.mean)
                .for_each(|(s, v)| *s += f64::from(*v));
            variance
                .iter_mut()
                .zip(&batch.unbiased)
                .for_each(|(s, v)| *s += f64::from(*v));
        }
        *count += 1;
        self.passes = Some(passes);
        Ok(())
    }

    fn finish_statistics(&mut self) {
        let Some((sums, count)) = self.gathered.take() else {
            return;
        };
        for (norm, [mean, variance]) in self.parameters.norms.iter_mut().zip(sums) {
            norm.mean = mean
                .into_iter()
                .map(|s| (s / count as f64) as f32)
                .collect();
            norm.variance = variance
                .into_iter()
                .map(|s| (s / count as f64) as f32)
                .collect();
        }
    }

    fn weights(&self) -> Result<Weights, Error> {
        let mut weights = self.start.clone();
        weights.tensors.extend(self.parameters.weights().tensors);
        Ok(weights)
    }

    fn velocities(&self) -> Result<Weights, Error> {
        Ok(self.named(&self.velocities))
    }

    fn set_velocities(&mut self, velocities: &Weights) -> Result<(), Error> {
        let architecture = self.network.architecture();
        self.velocities = self.parameters.values_of(velocities, architecture)?;
        Ok(())
    }

    fn freeze(&mut self, through: Option<StageId>) -> Result<(), Error> {
        let weights = self.weights()?;
        let mut velocities = self.velocities()?;
        let mut fresh = Self::behind(&self.network, &weights, through)?;
        // What is trained only from now on starts at rest.
        for (name, tensor) in fresh.velocities()?.tensors {
            velocities.tensors.entry(name).or_insert(tensor);
        }
        fresh.set_velocities(&velocities)?;
        fresh.measure(self.meter.profile().is_some());
        *self = fresh;
        Ok(())
    }

    fn takes_activations(&self) -> bool {
        true
    }

    fn measure(&mut self, on: bool) {
        self.meter.turn(on);
        if let Some((_, head)) = &mut self.head {
            head.measure(on);
        }
    }

    fn profile(&self) -> Option<&Profile> {
        self.meter.profile()
    }
}
