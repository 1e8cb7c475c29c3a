//! A training pass over a plan: forward with the batch's statistics, backward to every parameter's gradient. What the way
//! back needs stays on the device; the rest is given back as soon as it was read.

use super::{
    frozen::{backward, begin, bytes, forward, missing},
    norm::Batch,
    parameters::Parameters,
    runner::{Image, NO_FLOOR, Runner, Values, layout},
};
use crate::{
    Error, ReluGradient,
    plan::{Action, Area, Plan, Step, View},
    profile::{Meter, Way},
};

/// A pass in progress.
pub(super) struct Passes<'a> {
    runner: &'a Runner,
    own: &'a Parameters,
    batch: &'a Batch,
    plan: &'a Plan,
    images: usize,
    activations: Vec<Option<Values>>,
    /// Each convolution's output before batch norm, where there is one.
    raw: Vec<Option<Values>>,
}

impl<'a> Passes<'a> {
    /// Runs the plan on `input`.
    pub fn forward(
        runner: &'a Runner,
        own: &'a Parameters,
        batch: &'a Batch,
        plan: &'a Plan,
        input: &Image,
        meter: &mut Meter,
    ) -> Result<Self, Error> {
        let mut pass = Self {
            runner,
            own,
            batch,
            plan,
            images: input.layout.images,
            activations: vec![None; plan.buffers.len()],
            raw: vec![None; plan.convs.len()],
        };
        pass.activations[0] = Some(input.values.clone());
        for step in &plan.steps {
            let target = step.target.buffer;
            if pass.activations[target].is_none() {
                let room = runner.room(pass.images, plan.buffers[target])?;
                pass.activations[target] = Some(room);
            }
            let started = meter.start();
            pass.step(step)?;
            runner.timed(meter, started, (plan, step, pass.images), Way::Forward)?;
            meter.held(|| bytes(&pass.activations) + bytes(&pass.raw));
        }
        Ok(pass)
    }

    fn image(&self, values: &Values, view: View) -> Image {
        let area = self.plan.buffers[view.buffer];
        Image {
            values: values.clone(),
            layout: layout(self.images, area, view),
            zeros_behind: view.buffer == 0 && view.channels == area.channels,
        }
    }

    fn activation(&self, view: View) -> Result<Image, Error> {
        let values = self.activations[view.buffer].as_ref();
        Ok(self.image(values.ok_or_else(|| missing("an activation"))?, view))
    }

    /// The last stage's activation.
    pub fn output(&self) -> Result<Image, Error> {
        let buffer = self.plan.stages.last().map_or(0, |(_, buffer)| *buffer);
        self.activation(View {
            buffer,
            offset: 0,
            channels: self.plan.buffers[buffer].channels,
        })
    }

    /// What a convolution's own output takes, dense.
    fn dense(&self, target: View) -> Area {
        Area {
            channels: target.channels,
            ..self.plan.buffers[target.buffer]
        }
    }

    /// A convolution's own output.
    fn raw(&self, values: &Values, target: View) -> Image {
        let area = self.dense(target);
        let view = View {
            offset: 0,
            ..target
        };
        Image {
            values: values.clone(),
            layout: layout(self.images, area, view),
            zeros_behind: false,
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), Error> {
        let (runner, own, batch) = (self.runner, self.own, self.batch);
        let (x, y) = (self.activation(step.source)?, self.activation(step.target)?);
        let floor = floor(step);
        match step.action {
            Action::Conv {
                index, norm: None, ..
            } => runner.convolve(&own.kernels[index], &own.values, &x, &y, floor)?,
            Action::Conv {
                index,
                norm: Some(n),
                ..
            } => {
                let room = runner.room(self.images, self.dense(step.target))?;
                let raw = self.raw(&room, step.target);
                runner.convolve(&own.kernels[index], &own.values, &x, &raw, NO_FLOOR)?;
                runner.statistics(&own.norms[n], &raw, &own.values, batch)?;
                let affine = (&batch.scale, &batch.shift, own.norms[n].at);
                runner.affine(&raw, affine, &y, floor);
                self.raw[index] = Some(room);
            }
            Action::Norm { index, .. } => {
                let norm = &own.norms[index];
                runner.statistics(norm, &x, &own.values, batch)?;
                runner.affine(&x, (&batch.scale, &batch.shift, norm.at), &y, floor);
            }
            action => forward(runner, action, (&own.linears, &own.values), &x, &y)?,
        }
        Ok(())
    }

    /// Fills `gradients` from the gradient of the output; `transposed` are the kernels for the way back.
    pub fn backward(
        mut self,
        transposed: &Values,
        gradients: &Values,
        output: &Image,
        meter: &mut Meter,
    ) -> Result<(), Error> {
        let runner = self.runner;
        let mut first_writer = vec![0; self.plan.buffers.len()];
        for (i, step) in self.plan.steps.iter().enumerate().rev() {
            first_writer[step.target.buffer] = i;
        }
        let mut flow: Vec<Option<Values>> = vec![None; self.plan.buffers.len()];
        let last = self.plan.stages.last().map_or(0, |(_, buffer)| *buffer);
        flow[last] = Some(output.values.clone());
        let open = runner.zeros(self.images)?;
        for (i, step) in self.plan.steps.iter().enumerate().rev() {
            let (source, target) = (step.source.buffer, step.target.buffer);
            let dy = flow[target].clone().ok_or_else(|| missing("a gradient"))?;
            let dy = self.image(&dy, step.target);
            let started = meter.start();
            // Nobody asks for the gradient of the input.
            let dx = match &flow[source] {
                _ if source == 0 => None,
                Some(values) => Some((values.clone(), true)),
                None => Some((begin(runner, self.images, self.plan, step.source)?, false)),
            };
            if let Some((values, _)) = &dx {
                flow[source] = Some(values.clone());
            }
            let dx = dx.map(|(values, add)| (self.image(&values, step.source), add));
            let dx = dx.as_ref().map(|(image, add)| (image, *add));
            // Batch norm sees from its input what its ReLU let through.
            let has_norm = matches!(
                step.action,
                Action::Norm { .. } | Action::Conv { norm: Some(_), .. }
            );
            if step.action.relu() && !has_norm {
                let y = self.activation(step.target)?;
                runner.relu_gradient(&dy, &y, ReluGradient::True, (&open, 0));
            }
            self.step_back(step, transposed, gradients, &dy, dx)?;
            let timed = (self.plan, step, self.images);
            runner.timed(meter, started, timed, Way::Training)?;
            meter.held(|| bytes(&self.activations) + bytes(&self.raw) + bytes(&flow));
            if first_writer[target] == i {
                flow[target] = None;
                self.activations[target] = None;
            }
        }
        Ok(())
    }

    fn step_back(
        &mut self,
        step: &Step,
        transposed: &Values,
        gradients: &Values,
        dy: &Image,
        dx: Option<(&Image, bool)>,
    ) -> Result<(), Error> {
        let (runner, own, batch) = (self.runner, self.own, self.batch);
        let x = self.activation(step.source)?;
        match step.action {
            Action::Conv { index, norm, .. } => {
                let raw = match norm {
                    Some(n) => {
                        let raw = self.raw[index].take().ok_or_else(|| missing("an output"))?;
                        let raw = self.raw(&raw, step.target);
                        let gradient = Image {
                            values: runner.empty(raw.values.len)?,
                            ..raw.clone()
                        };
                        let (seen, to) = ((&raw, dy, floor(step)), Some((&gradient, false)));
                        runner.norm_gradient(&own.norms[n], seen, batch, gradients, to)?;
                        gradient
                    }
                    None => dy.clone(),
                };
                let kernel = &own.kernels[index];
                if let Some(bias) = kernel.bias {
                    runner.bias_gradient(bias, &raw, gradients)?;
                }
                runner.kernel_gradient(kernel, &x, &raw, gradients)?;
                if let Some((dx, add)) = dx {
                    runner.input_gradient(kernel, transposed, &raw, dx, add)?;
                }
            }
            Action::Norm { index, .. } => {
                let seen = (&x, dy, floor(step));
                runner.norm_gradient(&own.norms[index], seen, batch, gradients, dx)?;
            }
            action => {
                if let Action::Linear { index } = action {
                    let kernel = &own.linears[index];
                    if let Some(bias) = kernel.bias {
                        runner.bias_gradient(bias, dy, gradients)?;
                    }
                    runner.kernel_gradient(kernel, &x, dy, gradients)?;
                }
                if let Some((dx, add)) = dx {
                    let seen = (x, self.activation(step.target)?);
                    backward(
                        runner,
                        action,
                        (&own.linears, transposed),
                        &seen,
                        dy,
                        dx,
                        add,
                    )?;
                }
            }
        }
        Ok(())
    }
}

/// What a step's ReLU leaves nothing below.
fn floor(step: &Step) -> f32 {
    if step.action.relu() { 0.0 } else { NO_FLOOR }
}
