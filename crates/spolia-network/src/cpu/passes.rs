//! A training pass over a plan: forward with the batch's statistics, backward to every parameter's gradient.
//!
//! What is kept between the two is each convolution's output before batch norm. What batch norm, ReLU and pools make of
//! it is given back as soon as no later step reads it, and made again when the way back needs it. Buffers that are given
//! back serve the next step.

use super::{
    elementwise::{bias_gradient, relu_gradient},
    layers,
    norm::Batch,
    parameters::{Parameters, Values},
    share::{Layout, claim, give_back, pair},
};
use crate::{
    ReluGradient, Tensor,
    plan::{Action, Plan, Step, View},
    profile::{Meter, Way},
};

/// The plan and buffers for one input shape.
pub(super) struct Passes {
    pub shape: [usize; 4],
    pub plan: Plan,
    /// Of each batch norm, in the last forward pass.
    pub batches: Vec<Batch>,
    activations: Vec<Vec<f32>>,
    /// Each convolution's output before batch norm, where there is one; on the way back, its gradient.
    raw: Vec<Vec<f32>>,
    /// The gradient of each activation.
    flow: Vec<Vec<f32>>,
    spare: Vec<Vec<f32>>,
    /// For each buffer: the steps that write it, and the last that reads it.
    writers: Vec<Vec<usize>>,
    last_use: Vec<Option<usize>>,
}

impl Passes {
    pub fn new(plan: Plan, shape: [usize; 4]) -> Self {
        let buffers = plan.buffers.len();
        let mut writers = vec![Vec::new(); buffers];
        let mut last_use = vec![None; buffers];
        for (i, step) in plan.steps.iter().enumerate() {
            writers[step.target.buffer].push(i);
            last_use[step.source.buffer] = Some(i);
        }
        Self {
            shape,
            batches: vec![Batch::default(); plan.norms.len()],
            activations: vec![Vec::new(); buffers],
            raw: vec![Vec::new(); plan.convs.len()],
            flow: vec![Vec::new(); buffers],
            spare: Vec::new(),
            writers,
            last_use,
            plan,
        }
    }

    /// Runs the steps with the batch's statistics.
    pub fn forward(&mut self, own: &Parameters, input: &Tensor, meter: &mut Meter) {
        // What the last pass left.
        let Self {
            activations,
            raw,
            flow,
            spare,
            ..
        } = self;
        for buffer in activations.iter_mut().chain(raw).chain(flow) {
            give_back(buffer, spare);
        }
        claim(
            &mut self.activations[0],
            &mut self.spare,
            input.data().len(),
        );
        self.activations[0].copy_from_slice(input.data());
        for i in 0..self.plan.steps.len() {
            let step = self.plan.steps[i];
            self.open(step.target.buffer);
            let started = meter.start();
            self.step(own, &step);
            meter.stop(started, &self.plan, &step, self.shape[0], Way::Forward);
            meter.held(|| self.held());
            let source = step.source.buffer;
            if self.last_use[source] == Some(i) && self.can_be_made_again(source) {
                give_back(&mut self.activations[source], &mut self.spare);
            }
        }
    }

    /// A buffer's room, where it has none.
    fn open(&mut self, buffer: usize) {
        if self.activations[buffer].is_empty() {
            let len = self.len(buffer);
            claim(&mut self.activations[buffer], &mut self.spare, len);
        }
    }

    /// Values of a buffer.
    fn len(&self, buffer: usize) -> usize {
        let area = self.plan.buffers[buffer];
        self.shape[0] * area.height * area.width * area.channels
    }

    fn layouts(&self, step: &Step) -> (Layout, Layout) {
        let of = |view: View| Layout::new(self.shape[0], self.plan.buffers[view.buffer], view);
        (of(step.source), of(step.target))
    }

    fn step(&mut self, own: &Parameters, step: &Step) {
        let (from, to) = self.layouts(step);
        let (x, y) = pair(
            &mut self.activations,
            step.source.buffer,
            step.target.buffer,
        );
        match step.action {
            Action::Conv { index, norm, relu } => {
                let bias = Some(own.biases[index].as_slice()).filter(|b| !b.is_empty());
                let Some(n) = norm else {
                    own.kernels[index].forward(x, from, y, to, bias, relu);
                    return;
                };
                let raw = &mut self.raw[index];
                claim(raw, &mut self.spare, to.pixels() * to.channels);
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

    /// Is a buffer cheap to fill again from what is kept?
    fn can_be_made_again(&self, buffer: usize) -> bool {
        let writers = &self.writers[buffer];
        !writers.is_empty()
            && writers.iter().all(|&i| {
                matches!(
                    self.plan.steps[i].action,
                    Action::Conv { norm: Some(_), .. }
                        | Action::Norm { .. }
                        | Action::Max { .. }
                        | Action::Average { .. }
                )
            })
    }

    /// Fills a buffer again where it was given back.
    fn make_again(&mut self, own: &Parameters, buffer: usize) {
        if !self.activations[buffer].is_empty() {
            return;
        }
        self.open(buffer);
        for i in self.writers[buffer].clone() {
            let step = self.plan.steps[i];
            if !matches!(step.action, Action::Conv { .. }) {
                self.make_again(own, step.source.buffer);
            }
            let (from, to) = self.layouts(&step);
            let (x, y) = pair(&mut self.activations, step.source.buffer, buffer);
            match step.action {
                Action::Conv {
                    index,
                    norm: Some(n),
                    relu,
                } => {
                    let raw = (self.raw[index].as_slice(), dense(to));
                    own.norms[n].forward(raw, &self.batches[n], (y, to), relu);
                }
                Action::Norm { index, relu } => {
                    own.norms[index].forward((x, from), &self.batches[index], (y, to), relu);
                }
                action => layers::forward(action, &own.linears, (x, from), (y, to)),
            }
        }
    }

    /// The last stage's activation.
    pub fn output(&self) -> &[f32] {
        let last = self.plan.stages.last().map_or(0, |(_, buffer)| *buffer);
        &self.activations[last]
    }

    /// Fills `gradients` from the gradient of the output.
    pub fn backward(
        &mut self,
        own: &Parameters,
        gradients: &mut Values,
        output: Vec<f32>,
        meter: &mut Meter,
    ) {
        let mut begun = vec![false; self.plan.buffers.len()];
        let Some(last) = self.plan.stages.last().map(|(_, buffer)| *buffer) else {
            return;
        };
        begun[last] = true;
        self.flow[last] = output;
        for i in (0..self.plan.steps.len()).rev() {
            let step = self.plan.steps[i];
            let (source, target) = (step.source.buffer, step.target.buffer);
            let started = meter.start();
            self.step_back(own, gradients, &step, begun[source]);
            meter.stop(started, &self.plan, &step, self.shape[0], Way::Training);
            begun[source] = true;
            meter.held(|| self.held());
            if self.writers[target].first() == Some(&i) {
                give_back(&mut self.flow[target], &mut self.spare);
                give_back(&mut self.activations[target], &mut self.spare);
            }
        }
    }

    /// Takes a step's gradients; that of its source is added where `add`.
    fn step_back(&mut self, own: &Parameters, gradients: &mut Values, step: &Step, add: bool) {
        let (source, target) = (step.source.buffer, step.target.buffer);
        let (from, to) = self.layouts(step);
        match step.action {
            Action::Conv { .. } | Action::Norm { .. } | Action::Linear { .. } => {
                self.make_again(own, source);
            }
            Action::Max { .. } => {
                self.make_again(own, source);
                self.make_again(own, target);
            }
            _ => {}
        }
        // Nobody asks for the gradient of the input.
        if source != 0 && !add {
            let len = self.len(source);
            claim(&mut self.flow[source], &mut self.spare, len);
        }
        // Batch norm sees from its input what its ReLU let through.
        let has_norm = matches!(
            step.action,
            Action::Norm { .. } | Action::Conv { norm: Some(_), .. }
        );
        if step.action.relu() && !has_norm {
            let y = &self.activations[target];
            relu_gradient(&mut self.flow[target], y, to, ReluGradient::True);
        }
        let (dy, dx) = pair(&mut self.flow, target, source);
        let (x, y) = (&self.activations[source], &self.activations[target]);
        match step.action {
            Action::Conv { index, norm, relu } => {
                let mut raw = std::mem::take(&mut self.raw[index]);
                let (dy, to) =
                    match norm {
                        Some(n) => {
                            (gradients.gammas[n], gradients.betas[n]) = own.norms[n]
                                .backward_in_place(&mut raw, &self.batches[n], (dy, to), relu);
                            (raw.as_slice(), dense(to))
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
                give_back(&mut raw, &mut self.spare);
            }
            Action::Norm { index: n, relu } => {
                let seen = (x.as_slice(), from, &self.batches[n]);
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

    /// Bytes of all buffers.
    fn held(&self) -> usize {
        let all = [&self.activations, &self.raw, &self.flow, &self.spare];
        4 * all.into_iter().flatten().map(Vec::capacity).sum::<usize>()
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
