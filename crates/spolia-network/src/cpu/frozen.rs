//! A cut with frozen weights: batch norm folded into the kernels, ReLU fused, buffers kept between calls.

use super::{
    conv::Kernel,
    elementwise::{Affine, relu_gradient},
    layers::{self, Linear},
    norm::Norm,
    share::{Layout, claim, pair},
};
use crate::{
    Cut, Error, Frozen, Network, Objective, Profile, ReluGradient, StageId, Tensor, Weights,
    engine::check_seeds,
    plan::{Action, Plan, Step},
    profile::{Meter, Way},
};

pub(super) struct FrozenCpu {
    network: Network,
    cut: Cut,
    kernels: Vec<Kernel>,
    biases: Vec<Option<Vec<f32>>>,
    /// Every batch norm; those behind a convolution are folded into its kernel and bias.
    norms: Vec<Affine>,
    linears: Vec<Linear>,
    has_backward: bool,
    laid: Option<Laid>,
    meter: Meter,
}

/// The plan and buffers for one input shape.
struct Laid {
    shape: [usize; 4],
    plan: Plan,
    activations: Vec<Vec<f32>>,
    gradients: Vec<Vec<f32>>,
}

impl FrozenCpu {
    pub fn new(network: &Network, weights: &Weights, cut: Cut) -> Result<Self, Error> {
        weights.check_stages(network, cut.from, cut.to)?;
        // Any size that fits gives the same list of layers.
        let plan = Plan::new(network, cut, 299, 299)?;
        let norms = plan
            .norms
            .iter()
            .map(|norm| Ok(Norm::new(weights, norm)?.folded()))
            .collect::<Result<Vec<_>, Error>>()?;
        let mut kernels = Vec::new();
        let mut biases = Vec::new();
        for (conv, norm) in plan.convs() {
            let kernel = &weights.get(&format!("{}.weight", conv.name))?.data;
            let own = if conv.bias {
                Some(weights.get(&format!("{}.bias", conv.name))?.data.clone())
            } else {
                None
            };
            let Some(norm) = norm.map(|n| &norms[n]) else {
                kernels.push(Kernel::new(conv, kernel, |_| 1.0, false));
                biases.push(own);
                continue;
            };
            kernels.push(Kernel::new(conv, kernel, |o| norm.scale[o], false));
            let mut bias = norm.shift.clone();
            for ((b, own), s) in bias.iter_mut().zip(own.iter().flatten()).zip(&norm.scale) {
                *b += own * s;
            }
            biases.push(Some(bias));
        }
        let linears = plan
            .linears
            .iter()
            .map(|layer| Linear::new(weights, layer))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            network: network.clone(),
            cut,
            kernels,
            biases,
            norms,
            linears,
            has_backward: false,
            laid: None,
            meter: Meter::default(),
        })
    }

    fn lay(&mut self, input: &Tensor) -> Result<Laid, Error> {
        let shape = input.shape();
        if let Some(laid) = self.laid.take().filter(|l| l.shape == shape) {
            return Ok(laid);
        }
        let plan = Plan::for_input(&self.network, self.cut, shape)?;
        let empty = || vec![Vec::new(); plan.buffers.len()];
        Ok(Laid {
            shape,
            activations: empty(),
            gradients: empty(),
            plan,
        })
    }

    /// Runs the cut; with `keep`, every activation stays, else those of `wanted` alone.
    fn run(
        &self,
        laid: &mut Laid,
        input: &Tensor,
        (wanted, keep): (&[usize], bool),
        meter: &mut Meter,
    ) {
        let images = laid.shape[0];
        let Laid {
            plan, activations, ..
        } = laid;
        let mut last_use: Vec<usize> = vec![0; plan.buffers.len()];
        for (i, step) in plan.steps.iter().enumerate() {
            last_use[step.source.buffer] = i;
        }
        let mut spare: Vec<Vec<f32>> = activations
            .iter_mut()
            .map(std::mem::take)
            .filter(|b| b.capacity() > 0)
            .collect();
        claim(&mut activations[0], &mut spare, input.data().len());
        activations[0].copy_from_slice(input.data());
        for (i, step) in plan.steps.iter().enumerate() {
            let area = plan.buffers[step.target.buffer];
            let target = &mut activations[step.target.buffer];
            if target.is_empty() {
                claim(
                    target,
                    &mut spare,
                    images * area.height * area.width * area.channels,
                );
            }
            let started = meter.start();
            self.step(plan, step, images, activations);
            meter.stop(started, plan, step, images, Way::Forward);
            meter.held(|| bytes(activations) + bytes(&spare));
            if !keep && last_use[step.source.buffer] == i && !wanted.contains(&step.source.buffer) {
                spare.push(std::mem::take(&mut activations[step.source.buffer]));
            }
        }
        if !keep {
            // What was lent back stays with the plan for the next call.
            let mut spare = spare.into_iter();
            for buffer in activations.iter_mut().filter(|b| b.capacity() == 0) {
                let Some(free) = spare.next() else { break };
                *buffer = free;
            }
        }
    }

    fn step(&self, plan: &Plan, step: &Step, images: usize, activations: &mut [Vec<f32>]) {
        let from = Layout::new(images, plan.buffers[step.source.buffer], step.source);
        let to = Layout::new(images, plan.buffers[step.target.buffer], step.target);
        let (x, y) = pair(activations, step.source.buffer, step.target.buffer);
        match step.action {
            Action::Conv { index, relu, .. } => {
                let bias = self.biases[index].as_deref();
                self.kernels[index].forward(x, from, y, to, bias, relu);
            }
            Action::Norm { index, relu } => {
                self.norms[index].forward((x, from), (y, to), relu);
            }
            action => layers::forward(action, &self.linears, (x, from), (y, to)),
        }
    }

    fn tensor(laid: &Laid, buffer: usize) -> Result<Tensor, Error> {
        let area = laid.plan.buffers[buffer];
        Tensor::new(
            [laid.shape[0], area.height, area.width, area.channels],
            laid.activations[buffer].clone(),
        )
    }

    /// Carries the gradients of the taps back to the input.
    fn backward(&self, laid: &mut Laid, relu: ReluGradient, seeded: &[usize], meter: &mut Meter) {
        let images = laid.shape[0];
        let Laid {
            plan,
            activations,
            gradients,
            ..
        } = laid;
        let mut begun: Vec<bool> = (0..plan.buffers.len())
            .map(|b| seeded.contains(&b))
            .collect();
        for step in plan.steps.iter().rev() {
            let (source, target) = (step.source.buffer, step.target.buffer);
            if !begun[target] {
                continue;
            }
            let started = meter.start();
            let from = Layout::new(images, plan.buffers[source], step.source);
            let to = Layout::new(images, plan.buffers[target], step.target);
            gradients[source].resize(from.pixels() * from.stride, 0.0);
            if step.action.relu() {
                relu_gradient(&mut gradients[target], &activations[target], to, relu);
            }
            let add = begun[source];
            let (dy, dx) = pair(gradients, target, source);
            match step.action {
                Action::Conv { index, .. } => {
                    self.kernels[index].input_gradient(dy, to, dx, from, add)
                }
                Action::Norm { index, .. } => {
                    self.norms[index].input_gradient((dy, to), (dx, from), add);
                }
                action => {
                    let seen = (
                        activations[source].as_slice(),
                        activations[target].as_slice(),
                    );
                    layers::backward(action, &self.linears, seen, (dy, to), (dx, from), add);
                }
            }
            begun[source] = true;
            meter.stop(started, plan, step, images, Way::InputGradient);
        }
        meter.held(|| bytes(activations) + bytes(gradients));
        if !begun[0] {
            let len = activations[0].len();
            gradients[0].clear();
            gradients[0].resize(len, 0.0);
        }
    }
}

impl Frozen for FrozenCpu {
    fn forward(&mut self, input: &Tensor, taps: &[StageId]) -> Result<Vec<Tensor>, Error> {
        let mut laid = self.lay(input)?;
        let buffers = laid.plan.buffers_of(&self.network, taps)?;
        self.meter.begin(&self.network);
        let mut meter = std::mem::take(&mut self.meter);
        self.run(&mut laid, input, (&buffers, false), &mut meter);
        meter.end();
        self.meter = meter;
        let found = buffers.iter().map(|&b| Self::tensor(&laid, b)).collect();
        self.laid = Some(laid);
        found
    }

    fn input_gradient(
        &mut self,
        input: &Tensor,
        taps: &[StageId],
        relu: ReluGradient,
        objective: &mut Objective<'_>,
    ) -> Result<Tensor, Error> {
        if !self.has_backward {
            self.kernels.iter_mut().for_each(Kernel::lay_out_backward);
            self.has_backward = true;
        }
        let mut laid = self.lay(input)?;
        let buffers = laid.plan.buffers_of(&self.network, taps)?;
        self.meter.begin(&self.network);
        let mut meter = std::mem::take(&mut self.meter);
        self.run(&mut laid, input, (&buffers, true), &mut meter);
        self.meter = meter;
        let activations: Vec<Tensor> = buffers
            .iter()
            .map(|&b| Self::tensor(&laid, b))
            .collect::<Result<_, _>>()?;
        let seeds = objective(&activations);
        check_seeds(&activations, &seeds)?;
        for (&buffer, seed) in buffers.iter().zip(&seeds) {
            let gradient = &mut laid.gradients[buffer];
            gradient.clear();
            gradient.extend_from_slice(seed.data());
        }
        let mut meter = std::mem::take(&mut self.meter);
        self.backward(&mut laid, relu, &buffers, &mut meter);
        meter.end();
        self.meter = meter;
        let gradient = Tensor::new(input.shape(), laid.gradients[0].clone());
        self.laid = Some(laid);
        gradient
    }

    fn measure(&mut self, on: bool) {
        self.meter.turn(on);
    }

    fn profile(&self) -> Option<&Profile> {
        self.meter.profile()
    }
}

fn bytes(buffers: &[Vec<f32>]) -> usize {
    4 * buffers.iter().map(Vec::capacity).sum::<usize>()
}
