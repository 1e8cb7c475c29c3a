//! A cut with frozen weights: batch norm folded into the kernels, ReLU at their end.

use super::{
    product::Kernel,
    runner::{Image, NO_FLOOR, Runner, Values, fours, layout},
};
use crate::{
    Cut, Error, Frozen, Network, Objective, Profile, ReluGradient, StageId, Tensor, Weights,
    cpu::{Affine, Norm},
    engine::check_seeds,
    plan::{Action, Plan, Step, View},
    profile::{Meter, Way},
};

pub(super) struct FrozenGpu {
    runner: Runner,
    network: Network,
    cut: Cut,
    kernels: Vec<Kernel>,
    linears: Vec<Kernel>,
    /// Where the scales of each batch norm lie; those behind a convolution are folded into it.
    norms: Vec<usize>,
    scales: Values,
    shifts: Values,
    /// Kernels and biases.
    weights: Values,
    /// The kernels for the way back, made when they are first asked for.
    transposed: Option<Values>,
    plan: Option<([usize; 4], Plan)>,
    meter: Meter,
}

/// A pass over a plan.
struct Pass {
    images: usize,
    plan: Plan,
    activations: Vec<Option<Values>>,
}

impl Pass {
    fn image(&self, values: &Values, view: View) -> Image {
        Image {
            values: values.clone(),
            layout: layout(self.images, self.plan.buffers[view.buffer], view),
            // What a caller sends is padded with zeros; a kernel leaves what lies behind a view alone.
            zeros_behind: view.buffer == 0
                && view.channels == self.plan.buffers[view.buffer].channels,
        }
    }

    /// A view of an activation.
    fn activation(&self, view: View) -> Result<Image, Error> {
        let values = self.activations[view.buffer].as_ref();
        Ok(self.image(values.ok_or_else(|| missing("an activation"))?, view))
    }

    /// The whole of a buffer.
    fn whole(&self, buffer: usize) -> View {
        View {
            buffer,
            offset: 0,
            channels: self.plan.buffers[buffer].channels,
        }
    }
}

impl FrozenGpu {
    pub fn new(
        runner: &Runner,
        network: &Network,
        weights: &Weights,
        cut: Cut,
    ) -> Result<Self, Error> {
        weights.check_stages(network, cut.from, cut.to)?;
        // Any size that fits gives the same list of layers.
        let plan = Plan::new(network, cut, 299, 299)?;
        let mut packed = Vec::new();
        let affines: Vec<Affine> = plan
            .norms
            .iter()
            .map(|norm| Ok(Norm::new(weights, norm)?.folded()))
            .collect::<Result<_, Error>>()?;
        let mut kernels = Vec::new();
        for (conv, norm) in plan.convs() {
            let oihw = &weights.get(&format!("{}.weight", conv.name))?.data;
            let mut kernel = Kernel::of(conv, packed.len(), None);
            packed.resize(packed.len() + kernel.len(), 0.0);
            let to = &mut packed[kernel.weights..];
            let affine = norm.map(|n| &affines[n]);
            kernel.pack(oihw, |o| affine.map_or(1.0, |a| a.scale[o]), to);
            let mut bias = affine.map_or_else(|| vec![0.0; conv.outputs], |a| a.shift.clone());
            if conv.bias {
                let own = &weights.get(&format!("{}.bias", conv.name))?.data;
                for (o, (b, own)) in bias.iter_mut().zip(own).enumerate() {
                    *b += own * affine.map_or(1.0, |a| a.scale[o]);
                }
            }
            kernel.bias = (conv.bias || norm.is_some()).then(|| push(&mut packed, &bias));
            kernels.push(kernel);
        }
        let mut linears = Vec::new();
        for (name, inputs, outputs) in &plan.linears {
            let mut kernel = Kernel::linear(*inputs, *outputs, packed.len(), None);
            packed.resize(packed.len() + kernel.len(), 0.0);
            let rows = &weights.get(&format!("{name}.weight"))?.data;
            kernel.pack(rows, |_| 1.0, &mut packed[kernel.weights..]);
            let bias = &weights.get(&format!("{name}.bias"))?.data;
            kernel.bias = Some(push(&mut packed, bias));
            linears.push(kernel);
        }
        let (mut scales, mut shifts) = (vec![0.0; 4], vec![0.0; 4]);
        let mut norms = Vec::new();
        for affine in &affines {
            norms.push(push(&mut scales, &affine.scale));
            push(&mut shifts, &affine.shift);
        }
        packed.resize(packed.len().max(4), 0.0);
        Ok(Self {
            runner: runner.clone(),
            network: network.clone(),
            cut,
            kernels,
            linears,
            norms,
            scales: runner.upload(scales),
            shifts: runner.upload(shifts),
            weights: runner.upload(packed),
            transposed: None,
            plan: None,
            meter: Meter::default(),
        })
    }

    /// A pass with nothing run.
    fn lay(&mut self, input: &Tensor) -> Result<Pass, Error> {
        let shape = input.shape();
        let plan = match self.plan.take() {
            Some((of, plan)) if of == shape => plan,
            _ => Plan::for_input(&self.network, self.cut, shape)?,
        };
        Ok(Pass {
            images: shape[0],
            activations: vec![None; plan.buffers.len()],
            plan,
        })
    }

    /// Runs the cut; with `keep`, every activation stays, else those of `wanted` alone.
    fn run(
        &self,
        pass: &mut Pass,
        input: &Tensor,
        (wanted, keep): (&[usize], bool),
        meter: &mut Meter,
    ) -> Result<(), Error> {
        let mut last_use = vec![0; pass.plan.buffers.len()];
        for (i, step) in pass.plan.steps.iter().enumerate() {
            last_use[step.source.buffer] = i;
        }
        pass.activations[0] = Some(self.runner.upload_tensor(input, meter)?.values);
        for i in 0..pass.plan.steps.len() {
            let step = pass.plan.steps[i];
            let (source, target) = (step.source.buffer, step.target.buffer);
            if pass.activations[target].is_none() {
                let room = self.runner.room(pass.images, pass.plan.buffers[target])?;
                pass.activations[target] = Some(room);
            }
            let (x, y) = (pass.activation(step.source)?, pass.activation(step.target)?);
            let started = meter.start();
            self.step(&step, &x, &y)?;
            let timed = (&pass.plan, &step, pass.images);
            self.runner.timed(meter, started, timed, Way::Forward)?;
            meter.held(|| bytes(&pass.activations));
            if !keep && last_use[source] == i && !wanted.contains(&source) {
                pass.activations[source] = None;
            }
        }
        Ok(())
    }

    fn step(&self, step: &Step, x: &Image, y: &Image) -> Result<(), Error> {
        let runner = &self.runner;
        let floor = if step.action.relu() { 0.0 } else { NO_FLOOR };
        match step.action {
            Action::Conv { index, .. } => {
                runner.convolve(&self.kernels[index], &self.weights, x, y, floor)?;
            }
            Action::Norm { index, .. } => {
                runner.affine(x, (&self.scales, &self.shifts, self.norms[index]), y, floor);
            }
            action => forward(runner, action, (&self.linears, &self.weights), x, y)?,
        }
        Ok(())
    }

    /// Carries the gradients of the taps back to the input.
    fn backward(
        &self,
        pass: &Pass,
        transposed: &Values,
        relu: ReluGradient,
        mut gradients: Vec<Option<Values>>,
        meter: &mut Meter,
    ) -> Result<Option<Values>, Error> {
        let runner = &self.runner;
        let plan = &pass.plan;
        let mut writers = vec![usize::MAX; plan.buffers.len()];
        for (i, step) in plan.steps.iter().enumerate().rev() {
            writers[step.target.buffer] = i;
        }
        let open = runner.zeros(plan.steps.len() * pass.images)?;
        for (i, step) in plan.steps.iter().enumerate().rev() {
            let (source, target) = (step.source.buffer, step.target.buffer);
            let Some(dy) = gradients[target].clone() else {
                continue;
            };
            let dy = pass.image(&dy, step.target);
            let add = gradients[source].is_some();
            let dx = match &gradients[source] {
                Some(values) => values.clone(),
                None => begin(runner, pass.images, plan, step.source)?,
            };
            gradients[source] = Some(dx.clone());
            let dx = pass.image(&dx, step.source);
            let started = meter.start();
            if step.action.relu() {
                let y = pass.activation(step.target)?;
                runner.relu_gradient(&dy, &y, relu, (&open, i * pass.images));
            }
            match step.action {
                Action::Conv { index, .. } => {
                    runner.input_gradient(&self.kernels[index], transposed, &dy, &dx, add)?;
                }
                Action::Norm { index, .. } => {
                    runner.affine_gradient(&dy, (&self.scales, self.norms[index]), &dx, add);
                }
                action => {
                    let seen = (pass.activation(step.source)?, pass.activation(step.target)?);
                    backward(
                        runner,
                        action,
                        (&self.linears, transposed),
                        &seen,
                        &dy,
                        &dx,
                        add,
                    )?;
                }
            }
            let timed = (plan, step, pass.images);
            runner.timed(meter, started, timed, Way::InputGradient)?;
            meter.held(|| bytes(&pass.activations) + bytes(&gradients));
            if writers[target] == i {
                gradients[target] = None;
            }
        }
        Ok(gradients.swap_remove(0))
    }

    /// The kernels for the way back.
    fn transposed(&mut self) -> Result<Values, Error> {
        if let Some(values) = &self.transposed {
            return Ok(values.clone());
        }
        let values = self.runner.empty(self.weights.len)?;
        for kernel in self.kernels.iter().chain(&self.linears) {
            self.runner.transpose(kernel, &self.weights, &values);
        }
        self.transposed = Some(values.clone());
        Ok(values)
    }

    /// The taps' activations, on the CPU.
    fn taken(
        &self,
        pass: &Pass,
        buffers: &[usize],
        meter: &mut Meter,
    ) -> Result<Vec<Tensor>, Error> {
        let images: Vec<Image> = buffers
            .iter()
            .map(|&b| pass.activation(pass.whole(b)))
            .collect::<Result<_, _>>()?;
        self.runner.read_tensors(&images, meter)
    }

    /// A call whose steps are timed where that is asked for.
    fn metered<R>(
        &mut self,
        call: impl FnOnce(&mut Self, &mut Meter) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut meter = std::mem::take(&mut self.meter);
        meter.begin(&self.network);
        let found = call(self, &mut meter);
        meter.end();
        self.meter = meter;
        found
    }
}

impl Frozen for FrozenGpu {
    fn forward(&mut self, input: &Tensor, taps: &[StageId]) -> Result<Vec<Tensor>, Error> {
        self.metered(|own, meter| {
            let mut pass = own.lay(input)?;
            let buffers = pass.plan.buffers_of(&own.network, taps)?;
            own.run(&mut pass, input, (&buffers, false), meter)?;
            let found = own.taken(&pass, &buffers, meter)?;
            own.plan = Some((input.shape(), pass.plan));
            Ok(found)
        })
    }

    fn input_gradient(
        &mut self,
        input: &Tensor,
        taps: &[StageId],
        relu: ReluGradient,
        objective: &mut Objective<'_>,
    ) -> Result<Tensor, Error> {
        self.metered(|own, meter| {
            let transposed = own.transposed()?;
            let mut pass = own.lay(input)?;
            let buffers = pass.plan.buffers_of(&own.network, taps)?;
            own.run(&mut pass, input, (&buffers, true), meter)?;
            let activations = own.taken(&pass, &buffers, meter)?;
            let seeds = objective(&activations);
            check_seeds(&activations, &seeds)?;
            let mut gradients = vec![None; pass.plan.buffers.len()];
            for (&buffer, seed) in buffers.iter().zip(&seeds) {
                gradients[buffer] = Some(own.runner.upload_tensor(seed, meter)?.values);
            }
            let found = match own.backward(&pass, &transposed, relu, gradients, meter)? {
                Some(values) => {
                    let image = pass.image(&values, pass.whole(0));
                    own.runner.read_tensors(&[image], meter)?.swap_remove(0)
                }
                None => Tensor::zeros(input.shape()),
            };
            own.plan = Some((input.shape(), pass.plan));
            Ok(found)
        })
    }

    fn measure(&mut self, on: bool) {
        self.meter.turn(on);
    }

    fn profile(&self) -> Option<&Profile> {
        self.meter.profile()
    }
}

/// Bytes of the buffers that are held.
pub(super) fn bytes(buffers: &[Option<Values>]) -> usize {
    4 * buffers.iter().flatten().map(|v| v.len).sum::<usize>()
}

/// A buffer that a plan reads before it writes it: a fault of the plan, not of the user.
pub(super) fn missing(what: &str) -> Error {
    Error::Shape {
        what: "a plan's buffers".into(),
        expected: format!("{what} that was written before"),
        got: "none".into(),
    }
}

/// Appends numbers at a multiple of four; where they begin.
fn push(to: &mut Vec<f32>, numbers: &[f32]) -> usize {
    let at = to.len();
    to.extend_from_slice(numbers);
    to.resize(fours(to.len()), 0.0);
    at
}

/// Room for the gradient of a view: zeros where only a part of its buffer is about to be written.
pub(super) fn begin(
    runner: &Runner,
    images: usize,
    plan: &Plan,
    view: View,
) -> Result<Values, Error> {
    let area = plan.buffers[view.buffer];
    let values = runner.room(images, area)?;
    if view.channels < area.channels {
        runner.fill(&values, 0.0);
    }
    Ok(values)
}

/// Runs a step that is neither a convolution nor a batch norm.
pub(super) fn forward(
    runner: &Runner,
    action: Action,
    (linears, weights): (&[Kernel], &Values),
    x: &Image,
    y: &Image,
) -> Result<(), Error> {
    match action {
        Action::Max { window } => runner.maximum(window, x, y),
        Action::Average {
            window,
            count_padding,
        } => runner.average(window, count_padding, x, y),
        Action::GlobalAverage => runner.global(x, y),
        Action::Linear { index } => runner.convolve(&linears[index], weights, x, y, NO_FLOOR)?,
        Action::Add { relu } => runner.combine(x, y, true, if relu { 0.0 } else { NO_FLOOR }),
        Action::Copy => runner.combine(x, y, false, NO_FLOOR),
        Action::Conv { .. } | Action::Norm { .. } => unreachable!("they have their own path"),
    }
    Ok(())
}

/// dx (+)= the gradient through a step that is neither a convolution nor a batch norm; `seen` are its input and output,
/// `dy` is behind the step's ReLU already.
pub(super) fn backward(
    runner: &Runner,
    action: Action,
    (linears, transposed): (&[Kernel], &Values),
    seen: &(Image, Image),
    dy: &Image,
    dx: &Image,
    add: bool,
) -> Result<(), Error> {
    match action {
        Action::Max { window } => {
            runner.maximum_gradient(window, (&seen.0, &seen.1), dy, dx, add);
        }
        Action::Average {
            window,
            count_padding,
        } => runner.average_gradient(window, count_padding, dy, dx, add),
        Action::GlobalAverage => runner.global_gradient(dy, dx, add),
        Action::Linear { index } => {
            runner.input_gradient(&linears[index], transposed, dy, dx, add)?;
        }
        Action::Add { .. } | Action::Copy => runner.combine(dy, dx, add, NO_FLOOR),
        Action::Conv { .. } | Action::Norm { .. } => unreachable!("they have their own path"),
    }
    Ok(())
}
