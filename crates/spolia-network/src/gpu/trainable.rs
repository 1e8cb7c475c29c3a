//! Training: batch norm with the batch's statistics, every parameter's gradient, SGD with Nesterov momentum.

use cubecl::prelude::*;

use super::{
    frozen::FrozenGpu,
    kernels::{
        UNITS,
        elementwise::{descend, follow},
    },
    norm::Batch,
    parameters::Parameters,
    passes::Passes,
    runner::{Image, Runner, Values},
};
use crate::{
    Cut, Error, Frozen, Network, Profile, Sgd, StageId, Tensor, Trainable, Weights,
    engine::{check_batch, check_labels, check_logit},
    plan::Plan,
    profile::Meter,
    training::cross_entropy,
};

/// How far running statistics move to the batch's.
const MOMENTUM: f32 = 0.1;

pub(super) struct TrainableGpu {
    runner: Runner,
    network: Network,
    /// The story of what it started from, and the frozen stages' tensors.
    start: Weights,
    /// The frozen stages.
    head: Option<(StageId, FrozenGpu)>,
    parameters: Parameters,
    batch: Batch,
    gradients: Values,
    velocities: Values,
    transposed: Values,
    gathered: Option<(Vec<f64>, usize)>,
    plan: Option<([usize; 4], Plan)>,
    meter: Meter,
}

impl TrainableGpu {
    pub fn new(runner: &Runner, network: &Network, weights: &Weights) -> Result<Self, Error> {
        weights.check(network)?;
        check_logit(network)?;
        Self::behind(runner, network, weights, None)
    }

    /// Trains the stages behind `frozen`.
    fn behind(
        runner: &Runner,
        network: &Network,
        weights: &Weights,
        frozen: Option<StageId>,
    ) -> Result<Self, Error> {
        let head = match frozen {
            Some(stage) => Some((
                stage,
                FrozenGpu::new(runner, network, weights, Cut::to(stage))?,
            )),
            None => None,
        };
        // Any size that fits gives the same list of layers.
        let plan = Plan::new(network, Cut::behind(network, frozen), 299, 299)?;
        let parameters = Parameters::new(runner, weights, &plan)?;
        if let Some(stage) = frozen.filter(|_| parameters.is_empty()) {
            return Err(Error::NothingToTrain {
                stage: network.name(stage).into(),
            });
        }
        Ok(Self {
            batch: Batch::new(runner, parameters.channels)?,
            gradients: runner.zeros(parameters.len())?,
            velocities: runner.zeros(parameters.len())?,
            transposed: runner.empty(parameters.len())?,
            runner: runner.clone(),
            network: network.clone(),
            start: weights.through(network, frozen)?,
            head,
            parameters,
            gathered: None,
            plan: None,
            meter: Meter::default(),
        })
    }

    /// Runs the frozen stages and lays out the others for what they give.
    fn lay(&mut self, input: &Tensor) -> Result<(Plan, Image), Error> {
        check_batch(input, false)?;
        let seen = match &mut self.head {
            Some((stage, head)) => head.forward(input, &[*stage])?.pop(),
            None => None,
        };
        let input = seen.as_ref().unwrap_or(input);
        let shape = input.shape();
        let plan = match self.plan.take() {
            Some((of, plan)) if of == shape => plan,
            _ => {
                let frozen = self.head.as_ref().map(|(stage, _)| *stage);
                Plan::for_input(&self.network, Cut::behind(&self.network, frozen), shape)?
            }
        };
        self.meter.begin(&self.network);
        let image = self.runner.upload_tensor(input, &mut self.meter)?;
        Ok((plan, image))
    }

    /// Forward, loss and gradients; gradients are not taken of a loss that is not finite.
    fn pass(&mut self, input: &Tensor, labels: &[f32]) -> Result<f32, Error> {
        check_labels(input, labels)?;
        let (plan, image) = self.lay(input)?;
        let (own, meter) = (&self.parameters, &mut self.meter);
        let passes = Passes::forward(&self.runner, own, &self.batch, &plan, &image, meter)?;
        let logits = self
            .runner
            .read_tensors(&[passes.output()?], meter)?
            .swap_remove(0);
        let (loss, gradient) = cross_entropy(logits.data(), labels);
        if loss.is_finite() {
            for kernel in own.kernels.iter().chain(&own.linears) {
                self.runner.transpose(kernel, &own.values, &self.transposed);
            }
            let gradient = Tensor::new(logits.shape(), gradient)?;
            let gradient = self.runner.upload_tensor(&gradient, meter)?;
            passes.backward(&self.transposed, &self.gradients, &gradient, meter)?;
        }
        meter.end();
        if let Some((_, head)) = &self.head {
            meter.precede(head.profile());
        }
        self.plan = Some((image_shape(&image), plan));
        Ok(loss)
    }

    fn named(&self, values: &Values) -> Result<Weights, Error> {
        let values = self.runner.read(vec![values.clone()])?.swap_remove(0);
        Ok(Weights {
            metadata: self.start.metadata.clone(),
            ..self.parameters.named(&values)
        })
    }
}

fn image_shape(image: &Image) -> [usize; 4] {
    let l = &image.layout;
    [l.images, l.height, l.width, l.channels]
}

impl Trainable for TrainableGpu {
    fn step(&mut self, input: &Tensor, labels: &[f32], sgd: Sgd) -> Result<f32, Error> {
        let loss = self.pass(input, labels)?;
        if loss.is_finite() {
            let own = &self.parameters;
            let (len, moments) = (self.gradients.len, self.batch.moments.len);
            // Safety: every unit checks its place against the length, which the buffers share.
            unsafe {
                follow::launch_unchecked(
                    &self.runner.client,
                    self.runner.count(moments),
                    CubeDim::new_1d(UNITS),
                    own.running.arg(),
                    self.batch.moments.arg(),
                    MOMENTUM,
                    moments,
                );
                descend::launch_unchecked(
                    &self.runner.client,
                    self.runner.count(len),
                    CubeDim::new_1d(UNITS),
                    own.values.arg(),
                    self.velocities.arg(),
                    self.gradients.arg(),
                    sgd.rate as f32,
                    sgd.momentum as f32,
                    len,
                );
            }
        }
        Ok(loss)
    }

    fn gradients(&mut self, input: &Tensor, labels: &[f32]) -> Result<(f32, Weights), Error> {
        let loss = self.pass(input, labels)?;
        Ok((loss, self.named(&self.gradients)?))
    }

    fn gather_statistics(&mut self, input: &Tensor) -> Result<(), Error> {
        let (plan, image) = self.lay(input)?;
        let (own, meter) = (&self.parameters, &mut self.meter);
        Passes::forward(&self.runner, own, &self.batch, &plan, &image, meter)?;
        meter.end();
        self.plan = Some((image_shape(&image), plan));
        let found = self.runner.read(vec![self.batch.moments.clone()])?;
        let (sums, count) = self
            .gathered
            .get_or_insert_with(|| (vec![0.0; found[0].len()], 0));
        sums.iter_mut()
            .zip(&found[0])
            .for_each(|(s, v)| *s += f64::from(*v));
        *count += 1;
        Ok(())
    }

    fn finish_statistics(&mut self) {
        let Some((sums, count)) = self.gathered.take() else {
            return;
        };
        let means: Vec<f32> = sums
            .into_iter()
            .map(|s| (s / count as f64) as f32)
            .collect();
        self.parameters.running = self.runner.upload(means);
    }

    fn weights(&self) -> Result<Weights, Error> {
        let mut weights = self.start.clone();
        let own = &self.parameters;
        weights.tensors.extend(self.named(&own.values)?.tensors);
        let running = self.runner.read(vec![own.running.clone()])?;
        let statistics = own.named_statistics(&running[0]);
        weights.tensors.extend(statistics.tensors);
        Ok(weights)
    }

    fn velocities(&self) -> Result<Weights, Error> {
        self.named(&self.velocities)
    }

    fn set_velocities(&mut self, velocities: &Weights) -> Result<(), Error> {
        let architecture = self.network.architecture();
        let values = self.parameters.pack(velocities, architecture)?;
        self.velocities = self.runner.upload(values);
        Ok(())
    }

    fn freeze(&mut self, through: Option<StageId>) -> Result<(), Error> {
        let weights = self.weights()?;
        let mut velocities = self.velocities()?;
        let mut fresh = Self::behind(&self.runner, &self.network, &weights, through)?;
        // What is trained only from now on starts at rest.
        for (name, tensor) in fresh.velocities()?.tensors {
            velocities.tensors.entry(name).or_insert(tensor);
        }
        fresh.set_velocities(&velocities)?;
        fresh.measure(self.meter.profile().is_some());
        *self = fresh;
        Ok(())
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
