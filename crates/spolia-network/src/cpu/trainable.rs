//! Training on the CPU: batch norm with the batch's statistics, every parameter's gradient, SGD with Nesterov momentum.

use rayon::prelude::*;

use super::{
    conv::Kernel,
    elementwise::{bias_gradient, relu_gradient},
    frozen::FrozenCpu,
    layers,
    norm::{Batch, Norm},
    parameters::{Parameters, Values},
    share::{Layout, pair},
};
use crate::{
    Cut, Error, Frozen, Network, ReluGradient, Sgd, StageId, Tensor, Trainable, Weights,
    plan::{Action, Plan},
};

pub(super) struct TrainableCpu {
    network: Network,
    /// What it started from: the frozen stages' weights, and the story.
    start: Weights,
    /// The frozen stages.
    head: Option<(StageId, FrozenCpu)>,
    parameters: Parameters,
    gradients: Values,
    velocities: Values,
    gathered: Option<(Vec<[Vec<f64>; 2]>, usize)>,
    laid: Option<Laid>,
}

struct Laid {
    shape: [usize; 4],
    plan: Plan,
    activations: Vec<Vec<f32>>,
    /// Each convolution's output before batch norm, where there is one.
    raw: Vec<Vec<f32>>,
    batches: Vec<Batch>,
    flow: Vec<Vec<f32>>,
    /// The gradient of one convolution's raw output.
    raw_gradient: Vec<f32>,
}

impl TrainableCpu {
    pub fn new(network: &Network, weights: &Weights) -> Result<Self, Error> {
        weights.check(network)?;
        if network.outputs() != 1 {
            return Err(Error::Shape {
                what: "a network to be trained".into(),
                expected: "one logit".into(),
                got: format!("{} logits", network.outputs()),
            });
        }
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
        let plan = Plan::new(network, tail(network, frozen), 299, 299)?;
        let parameters = Parameters::new(weights, &plan)?;
        if let Some(stage) = frozen.filter(|_| parameters.is_empty()) {
            return Err(Error::NothingToTrain {
                stage: network.name(stage).into(),
            });
        }
        let zeros = parameters.zeros();
        Ok(Self {
            network: network.clone(),
            start: weights.clone(),
            head,
            parameters,
            gradients: zeros.clone(),
            velocities: zeros,
            gathered: None,
            laid: None,
        })
    }

    fn frozen_through(&self) -> Option<StageId> {
        self.head.as_ref().map(|(stage, _)| *stage)
    }

    fn lay(&mut self, input: &Tensor) -> Result<Laid, Error> {
        let shape = input.shape();
        if let Some(laid) = self.laid.take().filter(|l| l.shape == shape) {
            return Ok(laid);
        }
        let [images, height, width, _] = shape;
        let cut = tail(&self.network, self.frozen_through());
        let plan = Plan::new(&self.network, cut, height, width)?;
        let size = |area: &crate::plan::Area| images * area.height * area.width * area.channels;
        let activations: Vec<Vec<f32>> = plan.buffers.iter().map(|a| vec![0.0; size(a)]).collect();
        let mut raw = vec![Vec::new(); plan.convs.len()];
        for step in &plan.steps {
            if let Action::Conv {
                index,
                norm: Some(_),
                ..
            } = step.action
            {
                let area = plan.buffers[step.target.buffer];
                raw[index] = vec![0.0; images * area.height * area.width * step.target.channels];
            }
        }
        let flow = vec![Vec::new(); plan.buffers.len()];
        let batches = vec![Batch::default(); plan.norms.len()];
        Ok(Laid {
            shape,
            activations,
            raw,
            batches,
            flow,
            raw_gradient: Vec::new(),
            plan,
        })
    }

    /// Runs the network with the batch's statistics.
    fn forward(&self, laid: &mut Laid, input: &Tensor) {
        let images = laid.shape[0];
        let Laid {
            plan,
            activations,
            raw,
            batches,
            ..
        } = laid;
        let own = &self.parameters;
        activations[0].copy_from_slice(input.data());
        for step in &plan.steps {
            let from = Layout::new(images, plan.buffers[step.source.buffer], step.source);
            let to = Layout::new(images, plan.buffers[step.target.buffer], step.target);
            let (x, y) = pair(activations, step.source.buffer, step.target.buffer);
            match step.action {
                Action::Conv { index, norm, relu } => {
                    let bias = Some(own.biases[index].as_slice()).filter(|b| !b.is_empty());
                    let Some(n) = norm else {
                        own.kernels[index].forward(x, from, y, to, bias, relu);
                        continue;
                    };
                    let raw = &mut raw[index];
                    own.kernels[index].forward(x, from, raw, dense(to), bias, false);
                    batches[n] = own.norms[n].statistics(raw, dense(to));
                    own.norms[n].forward((raw, dense(to)), &batches[n], (y, to), relu);
                }
                Action::Norm { index, relu } => {
                    batches[index] = own.norms[index].statistics(x, from);
                    own.norms[index].forward((x, from), &batches[index], (y, to), relu);
                }
                action => layers::forward(action, &own.linears, (x, from), (y, to)),
            }
        }
    }

    /// Mean loss of the logits, and its gradient.
    fn loss(logits: &[f32], labels: &[f32]) -> (f32, Vec<f32>) {
        let n = labels.len() as f64;
        let mut loss = 0.0;
        let gradient = logits
            .iter()
            .zip(labels)
            .map(|(&z, &y)| {
                let (z, y) = (f64::from(z), f64::from(y));
                loss += z.max(0.0) - z * y + (-z.abs()).exp().ln_1p();
                ((1.0 / (1.0 + (-z).exp()) - y) / n) as f32
            })
            .collect();
        ((loss / n) as f32, gradient)
    }

    /// Fills `gradients` from the gradient of the logits.
    fn backward(&mut self, laid: &mut Laid, logits: Vec<f32>) {
        let images = laid.shape[0];
        let Laid {
            plan,
            activations,
            raw,
            batches,
            flow,
            raw_gradient,
            ..
        } = laid;
        let own = &self.parameters;
        let gradients = &mut self.gradients;
        let mut begun = vec![false; plan.buffers.len()];
        let Some(last) = plan.steps.last() else {
            return;
        };
        begun[last.target.buffer] = true;
        flow[last.target.buffer] = logits;
        for step in plan.steps.iter().rev() {
            let (source, target) = (step.source.buffer, step.target.buffer);
            let from = Layout::new(images, plan.buffers[source], step.source);
            let to = Layout::new(images, plan.buffers[target], step.target);
            flow[source].resize(from.pixels() * from.stride, 0.0);
            let add = begun[source];
            begun[source] = true;
            let has_norm = matches!(
                step.action,
                Action::Norm { .. } | Action::Conv { norm: Some(_), .. }
            );
            // Batch norm's way back goes through its own ReLU.
            if step.action.relu() && !has_norm {
                relu_gradient(
                    &mut flow[target],
                    &activations[target],
                    to,
                    ReluGradient::True,
                );
            }
            let (dy, dx) = pair(flow, target, source);
            let (x, y) = (&activations[source], &activations[target]);
            match step.action {
                Action::Conv { index, norm, relu } => {
                    let (dy, to) = match norm {
                        Some(n) => {
                            raw_gradient.resize(raw[index].len(), 0.0);
                            let seen = (raw[index].as_slice(), dense(to), &batches[n]);
                            (gradients.gammas[n], gradients.betas[n]) = own.norms[n].backward(
                                seen,
                                (y, dy, to),
                                relu,
                                (raw_gradient, false),
                            );
                            (raw_gradient.as_slice(), dense(to))
                        }
                        None => (dy, to),
                    };
                    let kernel = &own.kernels[index];
                    if kernel.shape.bias {
                        gradients.biases[index] = bias_gradient(dy, to);
                    }
                    kernel.weight_gradient(x, from, dy, to, &mut gradients.kernels[index]);
                    // Nobody asks for the gradient of the input.
                    if source != 0 {
                        kernel.input_gradient(dy, to, dx, from, add);
                    }
                }
                Action::Norm { index: n, relu } => {
                    let seen = (x.as_slice(), from, &batches[n]);
                    (gradients.gammas[n], gradients.betas[n]) =
                        own.norms[n].backward(seen, (y, dy, to), relu, (dx, add));
                }
                action => {
                    if let Action::Linear { index } = action {
                        own.linears[index].weight_gradient(
                            x,
                            dy,
                            &mut gradients.linears[index],
                            &mut gradients.linear_biases[index],
                        );
                    }
                    layers::backward(action, &own.linears, (x, y), (dy, to), (dx, from), add);
                }
            }
        }
    }

    /// Forward, loss and gradients.
    fn pass(&mut self, input: &Tensor, labels: &[f32]) -> Result<(f32, Laid), Error> {
        if labels.len() != input.shape()[0] {
            return Err(Error::Shape {
                what: "the labels of a batch".into(),
                expected: format!("{}", input.shape()[0]),
                got: format!("{}", labels.len()),
            });
        }
        let mut laid = self.run(input)?;
        let logits = laid.plan.stages.last().map_or(0, |(_, buffer)| *buffer);
        let (loss, gradient) = Self::loss(&laid.activations[logits], labels);
        if loss.is_finite() {
            self.backward(&mut laid, gradient);
        }
        Ok((loss, laid))
    }

    /// Forward through the frozen stages and the trained ones.
    fn run(&mut self, input: &Tensor) -> Result<Laid, Error> {
        let [images, .., channels] = input.shape();
        if channels != 3 || images == 0 {
            return Err(Error::Shape {
                what: "a training batch".into(),
                expected: "images of 3 channels".into(),
                got: format!("{:?}", input.shape()),
            });
        }
        let seen = match &mut self.head {
            Some((stage, head)) => head.forward(input, &[*stage])?.pop(),
            None => None,
        };
        let input = seen.as_ref().unwrap_or(input);
        let mut laid = self.lay(input)?;
        self.forward(&mut laid, input);
        Ok(laid)
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
        let (loss, laid) = self.pass(input, labels)?;
        if loss.is_finite() {
            let own = &mut self.parameters;
            for (norm, batch) in own.norms.iter_mut().zip(&laid.batches) {
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
            own.kernels
                .par_iter_mut()
                .for_each(Kernel::lay_out_backward);
        }
        self.laid = Some(laid);
        Ok(loss)
    }

    fn gradients(&mut self, input: &Tensor, labels: &[f32]) -> Result<(f32, Weights), Error> {
        let (loss, laid) = self.pass(input, labels)?;
        self.laid = Some(laid);
        Ok((loss, self.named(&self.gradients)))
    }

    fn gather_statistics(&mut self, input: &Tensor) -> Result<(), Error> {
        let laid = self.run(input)?;
        let fresh = || {
            let zeros = |n: &Norm| [vec![0f64; n.mean.len()], vec![0f64; n.mean.len()]];
            (self.parameters.norms.iter().map(zeros).collect(), 0)
        };
        let (sums, count) = self.gathered.get_or_insert_with(fresh);
        for ([mean, variance], batch) in sums.iter_mut().zip(&laid.batches) {
            mean.iter_mut()
                .zip(&batch.mean)
                .for_each(|(s, v)| *s += f64::from(*v));
            variance
                .iter_mut()
                .zip(&batch.unbiased)
                .for_each(|(s, v)| *s += f64::from(*v));
        }
        *count += 1;
        self.laid = Some(laid);
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

    fn weights(&self) -> Weights {
        let mut weights = self.parameters.weights();
        let frozen = self.network.stages().map(|(id, _)| id);
        for stage in frozen.take_while(|id| Some(*id) <= self.frozen_through()) {
            for (name, _) in self.network.stage_parameters(stage) {
                if let Some(tensor) = self.start.tensors.get(&name) {
                    weights.tensors.insert(name, tensor.clone());
                }
            }
        }
        weights.metadata = self.start.metadata.clone();
        weights.source.clone_from(&self.start.source);
        weights
    }

    fn velocities(&self) -> Weights {
        self.named(&self.velocities)
    }

    fn set_velocities(&mut self, velocities: &Weights) -> Result<(), Error> {
        let architecture = self.network.architecture();
        self.velocities = self.parameters.values_of(velocities, architecture)?;
        Ok(())
    }

    fn freeze(&mut self, through: Option<StageId>) -> Result<(), Error> {
        let weights = self.weights();
        let mut velocities = self.velocities();
        let mut fresh = Self::behind(&self.network, &weights, through)?;
        // What is trained only from now on starts at rest.
        for (name, tensor) in fresh.velocities().tensors {
            velocities.tensors.entry(name).or_insert(tensor);
        }
        fresh.set_velocities(&velocities)?;
        *self = fresh;
        Ok(())
    }
}

/// The trained part.
fn tail(network: &Network, frozen: Option<StageId>) -> Cut {
    Cut {
        from: frozen,
        ..Cut::to(network.last())
    }
}

/// The layout of a convolution's own output: nothing between its pixels.
fn dense(view: Layout) -> Layout {
    Layout {
        stride: view.channels,
        offset: 0,
        ..view
    }
}
