//! A training pass over a plan: forward with the batch's statistics, backward to every parameter's gradient.

use super::{
    buffers::Buffers,
    elementwise::{bias_gradient, relu_gradient},
    layers,
    norm::Batch,
    parameters::{Parameters, Values},
    share::Layout,
};
use crate::{
    ReluGradient, Tensor,
    plan::{Action, Plan, Step, View},
    profile::{Meter, Way},
    schedule::{Event, Schedule, Slot},
};

/// The plan and buffers for one input shape.
pub(super) struct Passes {
    pub shape: [usize; 4],
    pub plan: Plan,
    /// Of each batch norm, in the last forward pass.
    pub batches: Vec<Batch>,
    schedule: Schedule,
    buffers: Buffers,
}

impl Passes {
    pub fn new(plan: Plan, shape: [usize; 4]) -> Self {
        Self {
            shape,
            batches: vec![Batch::default(); plan.norms.len()],
            schedule: Schedule::training(&plan),
            buffers: Buffers::new(shape[0], plan.buffers.len(), plan.convs.len()),
            plan,
        }
    }

    /// Runs the steps with the batch's statistics.
    pub fn forward(&mut self, own: &Parameters, input: &Tensor, meter: &mut Meter) {
        self.buffers.begin(&self.schedule);
        for at in 0..self.schedule.forward.len() {
            let event = self.schedule.forward[at];
            self.buffers.follow(&event);
            match event {
                Event::Open {
                    slot: slot @ Slot::Activation(0),
                    ..
                } => {
                    let [values] = self.buffers.get_mut([slot]);
                    values.copy_from_slice(input.data());
                }
                Event::Forward(i) => {
                    let step = self.plan.steps[i];
                    let started = meter.start();
                    self.step(own, &step);
                    meter.stop(started, &self.plan, &step, self.shape[0], Way::Forward);
                }
                _ => {}
            }
        }
        meter.held(|| self.buffers.bytes());
    }

    fn layouts(&self, step: &Step) -> (Layout, Layout) {
        let of = |view: View| Layout::new(self.shape[0], self.plan.buffers[view.buffer], view);
        (of(step.source), of(step.target))
    }

    fn step(&mut self, own: &Parameters, step: &Step) {
        let (from, to) = self.layouts(step);
        let slots = self.slots(step);
        let [x, y, raw] = self.buffers.get_mut(slots);
        match step.action {
            Action::Conv { index, norm, relu } => {
                let bias = Some(own.biases[index].as_slice()).filter(|b| !b.is_empty());
                let Some(n) = norm else {
                    own.kernels[index].forward(x, from, y, to, bias, relu);
                    return;
                };
                own.kernels[index].forward(x, from, raw, dense(to), bias, false);
                self.batches[n] = own.norms[n].statistics(raw, dense(to));
                own.norms[n].forward((raw, dense(to)), &self.batches[n], (y, to), relu);
            }
            Action::Norm { index, relu } => {
                self.batches[index] = own.norms[index].statistics(x, from);
                own.norms[index].forward((x, from), &self.batches[index], (y, to), relu);
            }
            action => layers::forward(action, &own.linears, (x, from), (y, to)),
        }
    }

    /// Fills a step's target again, to the same bits.
    fn again(&mut self, own: &Parameters, step: &Step) {
        let (from, to) = self.layouts(step);
        let slots = self.slots(step);
        let [x, y, raw] = self.buffers.get_mut(slots);
        match step.action {
            Action::Conv {
                norm: Some(n),
                relu,
                ..
            } => {
                own.norms[n].forward((raw, dense(to)), &self.batches[n], (y, to), relu);
            }
            Action::Norm { index, relu } => {
                own.norms[index].forward((x, from), &self.batches[index], (y, to), relu);
            }
            action => layers::forward(action, &own.linears, (x, from), (y, to)),
        }
    }

    /// A step's source and target, and a convolution's own output; for other steps that is a slot that is never opened.
    fn slots(&self, step: &Step) -> [Slot; 3] {
        let raw = match step.action {
            Action::Conv { index, .. } => index,
            _ => self.plan.convs.len(),
        };
        [
            Slot::Activation(step.source.buffer),
            Slot::Activation(step.target.buffer),
            Slot::Raw(raw),
        ]
    }

    /// The last stage's activation.
    pub fn output(&self) -> &[f32] {
        let last = self.plan.stages.last().map_or(0, |(_, buffer)| *buffer);
        self.buffers.get(Slot::Activation(last))
    }

    /// Fills `gradients` from the gradient of the output.
    pub fn backward(
        &mut self,
        own: &Parameters,
        gradients: &mut Values,
        output: &[f32],
        meter: &mut Meter,
    ) {
        for at in 0..self.schedule.backward.len() {
            let event = self.schedule.backward[at];
            self.buffers.follow(&event);
            match event {
                Event::Open { slot, .. } if at < self.schedule.seeds => {
                    let [values] = self.buffers.get_mut([slot]);
                    values.copy_from_slice(output);
                }
                Event::Again(i) => {
                    let step = self.plan.steps[i];
                    let started = meter.start();
                    self.again(own, &step);
                    meter.again(started, &step);
                }
                Event::Backward { step, add } => {
                    let step = self.plan.steps[step];
                    let started = meter.start();
                    self.step_back(own, gradients, &step, add);
                    meter.stop(started, &self.plan, &step, self.shape[0], Way::Training);
                }
                _ => {}
            }
        }
    }

    /// Takes a step's gradients; that of its source is added where `add`.
    fn step_back(&mut self, own: &Parameters, gradients: &mut Values, step: &Step, add: bool) {
        let (source, target) = (step.source.buffer, step.target.buffer);
        let (from, to) = self.layouts(step);
        let [x, y, raw] = self.slots(step);
        let [x, y, raw, dx, dy] =
            self.buffers
                .get_mut([x, y, raw, Slot::Gradient(source), Slot::Gradient(target)]);
        // Batch norm sees from its input what its ReLU let through.
        let has_norm = matches!(
            step.action,
            Action::Norm { .. } | Action::Conv { norm: Some(_), .. }
        );
        if step.action.relu() && !has_norm {
            relu_gradient(dy, y, to, ReluGradient::True);
        }
        let (x, y, dy) = (&*x, &*y, &*dy);
        match step.action {
            Action::Conv { index, norm, relu } => {
                let (dy, to) = match norm {
                    Some(n) => {
                        (gradients.gammas[n], gradients.betas[n]) =
                            own.norms[n].backward_in_place(raw, &self.batches[n], (dy, to), relu);
                        (&*raw, dense(to))
                    }
                    None => (dy, to),
                };
                let kernel = &own.kernels[index];
                if kernel.shape.bias {
                    gradients.biases[index] = bias_gradient(dy, to);
                }
                kernel.weight_gradient(x, from, dy, to, &mut gradients.kernels[index]);
                if source != 0 {
                    kernel.input_gradient(dy, to, dx, from, add);
                }
            }
            Action::Norm { index: n, relu } => {
                let seen = (x, from, &self.batches[n]);
                let dx = (source != 0).then_some((dx, add));
                (gradients.gammas[n], gradients.betas[n]) =
                    own.norms[n].backward(seen, (dy, to), relu, dx);
            }
            action => {
                if let Action::Linear { index } = action {
                    let (weights, bias) = (
                        &mut gradients.linears[index],
                        &mut gradients.linear_biases[index],
                    );
                    own.linears[index].weight_gradient(x, dy, weights, bias);
                }
                if source != 0 {
                    layers::backward(action, &own.linears, (x, y), (dy, to), (dx, from), add);
                }
            }
        }
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
