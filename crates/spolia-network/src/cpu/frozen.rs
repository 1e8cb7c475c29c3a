//! A cut with frozen weights: batch norm folded into the kernels, ReLU fused, buffers kept between calls.

use super::{
    buffers::Buffers,
    conv::Kernel,
    elementwise::{Affine, relu_gradient},
    layers::{self, Linear},
    norm::Norm,
    share::Layout,
};
use crate::{
    Cut, Error, Frozen, Network, Objective, Profile, ReluGradient, StageId, Tensor, Weights,
    engine::check_seeds,
    plan::{Action, Plan, Step},
    profile::{Meter, Way},
    schedule::{Event, Schedule, Slot},
};

/// The network's input.
const INPUT: Slot = Slot::Activation(0);

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
    /// The last pass's, and the buffers that it was for.
    schedule: Option<(Way, Vec<usize>, Schedule)>,
    buffers: Buffers,
}

impl Laid {
    /// The schedule of a pass, with the memory that it needs; whoever runs it brings it back.
    fn begin(&mut self, way: Way, taps: &[usize]) -> Schedule {
        let known = self.schedule.take();
        let known = known.filter(|(w, t, _)| *w == way && t == taps);
        let schedule = known.map_or_else(
            || match way {
                Way::Forward => Schedule::forward(&self.plan, taps),
                _ => Schedule::input_gradient(&self.plan, taps),
            },
            |(.., schedule)| schedule,
        );
        self.buffers.begin(&schedule);
        schedule
    }

    /// A buffer as a tensor.
    fn tensor(&self, buffer: usize) -> Result<Tensor, Error> {
        let area = self.plan.buffers[buffer];
        Tensor::new(
            [self.shape[0], area.height, area.width, area.channels],
            self.buffers.get(Slot::Activation(buffer)).to_vec(),
        )
    }
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
        Ok(Laid {
            shape,
            schedule: None,
            buffers: Buffers::new(shape[0], plan.buffers.len(), plan.convs.len()),
            plan,
        })
    }

    /// Runs the cut.
    fn run(&self, laid: &mut Laid, schedule: &Schedule, input: &Tensor, meter: &mut Meter) {
        let Laid { plan, buffers, .. } = laid;
        let images = laid.shape[0];
        for event in &schedule.forward {
            buffers.follow(event);
            match *event {
                Event::Open { slot: INPUT, .. } => {
                    let [values] = buffers.get_mut([INPUT]);
                    values.copy_from_slice(input.data());
                }
                Event::Forward(i) => {
                    let step = &plan.steps[i];
                    let started = meter.start();
                    self.step(plan, step, images, buffers);
                    meter.stop(started, plan, step, images, Way::Forward);
                }
                _ => {}
            }
        }
        meter.held(|| buffers.bytes());
    }

    fn step(&self, plan: &Plan, step: &Step, images: usize, buffers: &mut Buffers) {
        let from = Layout::new(images, plan.buffers[step.source.buffer], step.source);
        let to = Layout::new(images, plan.buffers[step.target.buffer], step.target);
        let [x, y] =
            buffers.get_mut([step.source.buffer, step.target.buffer].map(Slot::Activation));
        let x = &*x;
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

    /// Carries the gradients of the taps back to the input.
    fn backward(
        &self,
        laid: &mut Laid,
        schedule: &Schedule,
        (relu, seeds): (ReluGradient, &[(usize, Tensor)]),
        meter: &mut Meter,
    ) {
        let Laid { plan, buffers, .. } = laid;
        let images = laid.shape[0];
        let (first, rest) = schedule.backward.split_at(schedule.seeds);
        for event in first {
            buffers.follow(event);
        }
        for (buffer, seed) in seeds {
            let [gradient] = buffers.get_mut([Slot::Gradient(*buffer)]);
            gradient.copy_from_slice(seed.data());
        }
        let mut reached = seeds.iter().any(|(buffer, _)| *buffer == 0);
        for event in rest {
            buffers.follow(event);
            let Event::Backward { step, add } = *event else {
                continue;
            };
            let step = &plan.steps[step];
            let (source, target) = (step.source.buffer, step.target.buffer);
            let started = meter.start();
            let from = Layout::new(images, plan.buffers[source], step.source);
            let to = Layout::new(images, plan.buffers[target], step.target);
            let [x, y, dx, dy] = buffers.get_mut([
                Slot::Activation(source),
                Slot::Activation(target),
                Slot::Gradient(source),
                Slot::Gradient(target),
            ]);
            if step.action.relu() {
                relu_gradient(dy, y, to, relu);
            }
            let dy = &*dy;
            match step.action {
                Action::Conv { index, .. } => {
                    self.kernels[index].input_gradient(dy, to, dx, from, add)
                }
                Action::Norm { index, .. } => {
                    self.norms[index].input_gradient((dy, to), (dx, from), add);
                }
                action => {
                    layers::backward(action, &self.linears, (x, y), (dy, to), (dx, from), add);
                }
            }
            reached |= source == 0;
            meter.stop(started, plan, step, images, Way::InputGradient);
        }
        if !reached {
            let [gradient] = buffers.get_mut([Slot::Gradient(0)]);
            gradient.fill(0.0);
        }
    }
}

impl Frozen for FrozenCpu {
    fn forward(&mut self, input: &Tensor, taps: &[StageId]) -> Result<Vec<Tensor>, Error> {
        let mut laid = self.lay(input)?;
        let buffers = laid.plan.buffers_of(&self.network, taps)?;
        let schedule = laid.begin(Way::Forward, &buffers);
        self.meter.begin(&self.network);
        let mut meter = std::mem::take(&mut self.meter);
        self.run(&mut laid, &schedule, input, &mut meter);
        meter.end();
        self.meter = meter;
        let found = buffers.iter().map(|&b| laid.tensor(b)).collect();
        laid.schedule = Some((Way::Forward, buffers, schedule));
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
            self.kernels.iter_mut().for_each(Kernel::lay_out);
            self.has_backward = true;
        }
        let mut laid = self.lay(input)?;
        let buffers = laid.plan.buffers_of(&self.network, taps)?;
        let schedule = laid.begin(Way::InputGradient, &buffers);
        self.meter.begin(&self.network);
        let mut meter = std::mem::take(&mut self.meter);
        self.run(&mut laid, &schedule, input, &mut meter);
        self.meter = meter;
        let activations: Vec<Tensor> = buffers
            .iter()
            .map(|&b| laid.tensor(b))
            .collect::<Result<_, _>>()?;
        let seeds = objective(&activations);
        check_seeds(&activations, &seeds)?;
        drop(activations);
        let seeds: Vec<(usize, Tensor)> = buffers.iter().copied().zip(seeds).collect();
        let mut meter = std::mem::take(&mut self.meter);
        self.backward(&mut laid, &schedule, (relu, &seeds), &mut meter);
        meter.end();
        self.meter = meter;
        let gradient = Tensor::new(input.shape(), laid.buffers.get(Slot::Gradient(0)).to_vec());
        laid.schedule = Some((Way::InputGradient, buffers, schedule));
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
