//! Training on the CPU: batch norm with the batch's statistics, every parameter's gradient, SGD with Nesterov momentum.

use rayon::prelude::*;

use super::{
    conv::Kernel,
    layers::{self, Linear},
    norm::{Batch, Norm},
    share::{Layout, pair},
};
use crate::{
    Cut, Error, Network, Sgd, Tensor, Trainable, WeightTensor, Weights,
    plan::{Action, Plan},
};

pub(super) struct TrainableCpu {
    network: Network,
    start: Weights,
    kernels: Vec<Kernel>,
    norms: Vec<Norm>,
    linears: Vec<Linear>,
    /// Gradients and velocities in [`TrainableCpu::parts`]' order.
    gradients: Vec<Vec<f32>>,
    velocities: Vec<Vec<f32>>,
    gathered: Option<(Vec<[Vec<f64>; 2]>, usize)>,
    laid: Option<Laid>,
}

struct Laid {
    shape: [usize; 4],
    plan: Plan,
    activations: Vec<Vec<f32>>,
    /// Each convolution's output before batch norm.
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
        let plan = Plan::new(network, Cut::to(network.last()), 299, 299)?;
        let mut kernels = Vec::new();
        let mut norms = Vec::new();
        for conv in &plan.convs {
            let oihw = &weights.get(&format!("{}.conv.weight", conv.name))?.data;
            kernels.push(Kernel::new(conv, oihw, |_| 1.0, true));
            norms.push(Norm::new(weights, &conv.name)?);
        }
        let linears: Vec<Linear> = plan
            .linears
            .iter()
            .map(|l| Linear::new(weights, l))
            .collect::<Result<_, _>>()?;
        let mut sizes = Vec::new();
        for (kernel, norm) in kernels.iter().zip(&norms) {
            sizes.extend([kernel.forward.len(), norm.gamma.len(), norm.beta.len()]);
        }
        linears
            .iter()
            .for_each(|l| sizes.extend([l.weights.len(), l.bias.len()]));
        let zeros: Vec<Vec<f32>> = sizes.into_iter().map(|n| vec![0.0; n]).collect();
        Ok(Self {
            network: network.clone(),
            start: weights.clone(),
            kernels,
            norms,
            linears,
            gradients: zeros.clone(),
            velocities: zeros,
            gathered: None,
            laid: None,
        })
    }

    /// The trained parameters in the order of gradients and velocities.
    fn parts(&mut self) -> Vec<&mut [f32]> {
        let mut parts: Vec<&mut [f32]> = Vec::new();
        for (kernel, norm) in self.kernels.iter_mut().zip(&mut self.norms) {
            parts.extend([
                kernel.forward.as_mut_slice(),
                &mut norm.gamma,
                &mut norm.beta,
            ]);
        }
        for linear in &mut self.linears {
            parts.extend([linear.weights.as_mut_slice(), &mut linear.bias]);
        }
        parts
    }

    fn lay(&mut self, input: &Tensor) -> Result<Laid, Error> {
        let shape = input.shape();
        if let Some(laid) = self.laid.take().filter(|l| l.shape == shape) {
            return Ok(laid);
        }
        let [images, height, width, channels] = shape;
        if channels != 3 || images == 0 {
            return Err(Error::Shape {
                what: "a training batch".into(),
                expected: "images of 3 channels".into(),
                got: format!("{shape:?}"),
            });
        }
        let plan = Plan::new(&self.network, Cut::to(self.network.last()), height, width)?;
        let size = |area: &crate::plan::Area| images * area.height * area.width * area.channels;
        let activations: Vec<Vec<f32>> = plan.buffers.iter().map(|a| vec![0.0; size(a)]).collect();
        let mut raw = vec![Vec::new(); plan.convs.len()];
        for step in &plan.steps {
            if let Action::Conv { index, .. } = step.action {
                let area = plan.buffers[step.target.buffer];
                raw[index] = vec![0.0; images * area.height * area.width * step.target.channels];
            }
        }
        let flow = vec![Vec::new(); plan.buffers.len()];
        let batches = vec![Batch::default(); plan.convs.len()];
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
        activations[0].copy_from_slice(input.data());
        for step in &plan.steps {
            let from = Layout::new(images, plan.buffers[step.source.buffer], step.source);
            let to = Layout::new(images, plan.buffers[step.target.buffer], step.target);
            let (x, y) = pair(activations, step.source.buffer, step.target.buffer);
            match step.action {
                Action::Conv { index, .. } => {
                    self.kernels[index].forward(x, from, &mut raw[index], dense(to), None, false);
                    batches[index] = self.norms[index].statistics(&raw[index]);
                    self.norms[index].forward(&raw[index], &batches[index], y, to);
                }
                action => layers::forward(action, &self.linears, (x, from), (y, to)),
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
        let linears_from = 3 * self.kernels.len();
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
            let (dy, dx) = pair(flow, target, source);
            match step.action {
                Action::Conv { index, .. } => {
                    raw_gradient.resize(raw[index].len(), 0.0);
                    let seen = (raw[index].as_slice(), &batches[index]);
                    let (gamma, beta) = self.norms[index].backward(
                        seen,
                        (&activations[target], dy, to),
                        raw_gradient,
                    );
                    self.gradients[3 * index + 1] = gamma;
                    self.gradients[3 * index + 2] = beta;
                    let to = dense(to);
                    let kernel = &self.kernels[index];
                    let gradient = &mut self.gradients[3 * index];
                    kernel.weight_gradient(&activations[source], from, raw_gradient, to, gradient);
                    // Nobody asks for the gradient of the image.
                    if source != 0 {
                        kernel.input_gradient(raw_gradient, to, dx, from, add);
                    }
                }
                action => {
                    if let Action::Linear { index } = action {
                        let [weights, bias] = &mut self.gradients[linears_from + 2 * index..][..2]
                        else {
                            return;
                        };
                        self.linears[index].weight_gradient(
                            &activations[source],
                            dy,
                            weights,
                            bias,
                        );
                    }
                    let seen = (
                        activations[source].as_slice(),
                        activations[target].as_slice(),
                    );
                    layers::backward(action, &self.linears, seen, (dy, to), (dx, from), add);
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
        let mut laid = self.lay(input)?;
        self.forward(&mut laid, input);
        let logits = laid.activations.last().map_or(&[][..], Vec::as_slice);
        let (loss, gradient) = Self::loss(logits, labels);
        if loss.is_finite() {
            self.backward(&mut laid, gradient);
        }
        Ok((loss, laid))
    }

    /// Names `parts`-ordered values, in PyTorch's axis order.
    fn named(&self, parts: &[Vec<f32>]) -> Weights {
        let mut weights = Weights {
            metadata: self.start.metadata.clone(),
            ..Weights::default()
        };
        let mut put = |name: String, shape: Vec<usize>, data: Vec<f32>| {
            weights.tensors.insert(name, WeightTensor { shape, data });
        };
        for (kernel, three) in self.kernels.iter().zip(parts.chunks(3)) {
            let (c, name) = (&kernel.shape, &kernel.shape.name);
            let shape = vec![c.outputs, c.inputs, c.kernel[0], c.kernel[1]];
            put(
                format!("{name}.conv.weight"),
                shape,
                kernel.to_oihw(&three[0]),
            );
            put(
                format!("{name}.bn.weight"),
                vec![c.outputs],
                three[1].clone(),
            );
            put(format!("{name}.bn.bias"), vec![c.outputs], three[2].clone());
        }
        let names = self
            .network
            .parameters()
            .into_iter()
            .filter(|(n, _)| n.starts_with("fc."));
        for ((name, shape), data) in names.zip(&parts[3 * self.kernels.len()..]) {
            put(name, shape, data.clone());
        }
        weights
    }
}

impl Trainable for TrainableCpu {
    fn step(&mut self, input: &Tensor, labels: &[f32], sgd: Sgd) -> Result<f32, Error> {
        let (loss, laid) = self.pass(input, labels)?;
        if loss.is_finite() {
            for (norm, batch) in self.norms.iter_mut().zip(&laid.batches) {
                norm.follow(batch);
            }
            let (rate, momentum) = (sgd.rate as f32, sgd.momentum as f32);
            let gradients = std::mem::take(&mut self.gradients);
            let mut velocities = std::mem::take(&mut self.velocities);
            self.parts()
                .into_par_iter()
                .zip(&mut velocities)
                .zip(&gradients)
                .for_each(|((part, velocity), gradient)| {
                    for ((w, v), g) in part.iter_mut().zip(velocity).zip(gradient) {
                        *v = momentum * *v - rate * g;
                        *w += momentum * *v - rate * g;
                    }
                });
            (self.gradients, self.velocities) = (gradients, velocities);
            self.kernels
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
        let mut laid = self.lay(input)?;
        self.forward(&mut laid, input);
        let fresh = || {
            let zeros = |n: &Norm| [vec![0f64; n.mean.len()], vec![0f64; n.mean.len()]];
            (self.norms.iter().map(zeros).collect(), 0)
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
        for (norm, [mean, variance]) in self.norms.iter_mut().zip(sums) {
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
        let mut parts = Vec::new();
        for (kernel, norm) in self.kernels.iter().zip(&self.norms) {
            parts.extend([
                kernel.forward.clone(),
                norm.gamma.clone(),
                norm.beta.clone(),
            ]);
        }
        self.linears
            .iter()
            .for_each(|l| parts.extend([l.weights.clone(), l.bias.clone()]));
        let mut weights = self.named(&parts);
        for (kernel, norm) in self.kernels.iter().zip(&self.norms) {
            for (part, data) in [
                ("running_mean", &norm.mean),
                ("running_var", &norm.variance),
            ] {
                let tensor = WeightTensor {
                    shape: vec![data.len()],
                    data: data.clone(),
                };
                weights
                    .tensors
                    .insert(format!("{}.bn.{part}", kernel.shape.name), tensor);
            }
        }
        weights.source.clone_from(&self.start.source);
        weights
    }

    fn velocities(&self) -> Weights {
        self.named(&self.velocities)
    }

    fn set_velocities(&mut self, velocities: &Weights) -> Result<(), Error> {
        let mut parts = Vec::new();
        for kernel in &self.kernels {
            let name = &kernel.shape.name;
            let oihw = &velocities.get(&format!("{name}.conv.weight"))?.data;
            parts.push(Kernel::new(&kernel.shape, oihw, |_| 1.0, false).forward);
            for part in ["weight", "bias"] {
                parts.push(velocities.get(&format!("{name}.bn.{part}"))?.data.clone());
            }
        }
        for part in ["weight", "bias"] {
            parts.push(velocities.get(&format!("fc.{part}"))?.data.clone());
        }
        for (i, (new, old)) in parts.iter().zip(&self.velocities).enumerate() {
            if new.len() != old.len() {
                return Err(Error::TensorShape {
                    file: velocities.source.clone(),
                    tensor: format!("velocity {i}"),
                    expected: vec![old.len()],
                    got: vec![new.len()],
                    architecture: self.network.architecture().into(),
                });
            }
        }
        self.velocities = parts;
        Ok(())
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
