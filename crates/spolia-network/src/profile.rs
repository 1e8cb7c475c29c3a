//! Where the time of a pass goes, stage by stage.

use std::time::Instant;

use crate::{
    Network, StageId,
    plan::{Action, Plan, Step},
};

/// What a stage costs in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Wall time.
    pub seconds: f64,
    /// Multiplications and additions of convolutions and linear layers; those of other operations are not counted.
    pub operations: u64,
    /// Bytes that must be read and written at least: activations, gradients and kernels, each once for every product
    /// or pass over them.
    pub bytes: u64,
}

impl Work {
    /// 10^9 operations a second; 0 where no time passed.
    #[must_use]
    pub fn gflops(&self) -> f64 {
        if self.seconds > 0.0 {
            self.operations as f64 / self.seconds / 1e9
        } else {
            0.0
        }
    }
}

/// A stage's share of a pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageProfile {
    /// The stage.
    pub stage: StageId,
    /// From the input on.
    pub forward: Work,
    /// The gradients: of the input alone, or of input and parameters.
    pub backward: Work,
}

/// What one pass (a forward pass, an input gradient, a training step) cost, stage by stage in path order. The
/// optimiser's step belongs to no stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The stages that were run.
    pub stages: Vec<StageProfile>,
    /// Copies of inputs, activations asked for and gradients between the processor's memory and a device's; none on the CPU.
    pub copies: Work,
    /// Bytes of the block in which activations and their gradients lie in turn; on a GPU the most that they held at once.
    pub peak_bytes: usize,
}

impl Profile {
    /// All stages together, forward and backward.
    #[must_use]
    pub fn total(&self) -> Work {
        let mut total = self.copies;
        for work in self.stages.iter().flat_map(|s| [s.forward, s.backward]) {
            total.seconds += work.seconds;
            total.operations += work.operations;
            total.bytes += work.bytes;
        }
        total
    }
}

/// Which products a step makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    InputGradient,
    /// The gradients of input and parameters.
    Training,
}

impl Way {
    /// How many products of its forward pass's size a step makes.
    fn products(self, step: &Step) -> usize {
        match self {
            // Nobody asks for the gradient of a training batch.
            Self::Training if step.source.buffer != 0 => 2,
            _ => 1,
        }
    }
}

/// Weights of a step's kernel, and the positions that it is laid on; 0 where it multiplies by no weights.
fn products_of(plan: &Plan, step: &Step, images: usize) -> (usize, usize) {
    match step.action {
        Action::Conv { index, .. } => {
            let c = &plan.convs[index];
            let area = &plan.buffers[step.target.buffer];
            let kernel = c.kernel[0] * c.kernel[1] * c.inputs * c.outputs;
            (kernel, images * area.height * area.width)
        }
        Action::Linear { index } => (plan.linears[index].1 * plan.linears[index].2, images),
        _ => (0, 0),
    }
}

/// Multiplications and additions of a plan's convolutions and linear layers for one image.
pub(crate) fn operations(plan: &Plan, way: Way) -> u64 {
    let of = |step: &Step| {
        let (kernel, positions) = products_of(plan, step, 1);
        (way.products(step) * 2 * kernel * positions) as u64
    };
    plan.steps.iter().map(of).sum()
}

/// Fills a profile where one is asked for; else costs nothing.
#[derive(Default)]
pub(crate) struct Meter(Option<Profile>);

impl Meter {
    pub fn turn(&mut self, on: bool) {
        self.0 = on.then(Profile::default);
    }

    pub fn profile(&self) -> Option<&Profile> {
        self.0.as_ref()
    }

    /// Begins a pass over the stages of a network.
    pub fn begin(&mut self, network: &Network) {
        if let Some(profile) = &mut self.0 {
            profile.peak_bytes = 0;
            profile.copies = Work::default();
            profile.stages = network
                .stages()
                .map(|(stage, _)| StageProfile {
                    stage,
                    forward: Work::default(),
                    backward: Work::default(),
                })
                .collect();
        }
    }

    /// Leaves out the stages that were not run.
    pub fn end(&mut self) {
        if let Some(profile) = &mut self.0 {
            profile.stages.retain(|s| s.forward.bytes > 0);
        }
    }

    pub fn start(&self) -> Option<Instant> {
        self.0.as_ref().map(|_| Instant::now())
    }

    pub fn stop(
        &mut self,
        started: Option<Instant>,
        plan: &Plan,
        step: &Step,
        images: usize,
        way: Way,
    ) {
        let (Some(profile), Some(started)) = (&mut self.0, started) else {
            return;
        };
        let stage = &mut profile.stages[step.stage.0];
        let work = match way {
            Way::Forward => &mut stage.forward,
            Way::InputGradient | Way::Training => &mut stage.backward,
        };
        let (kernel, positions) = products_of(plan, step, images);
        let pixels =
            |buffer: usize| images * plan.buffers[buffer].height * plan.buffers[buffer].width;
        let values = pixels(step.source.buffer) * step.source.channels
            + pixels(step.target.buffer) * step.target.channels;
        let products = way.products(step);
        work.seconds += started.elapsed().as_secs_f64();
        work.operations += (products * 2 * kernel * positions) as u64;
        work.bytes += (products * 4 * (values + kernel)) as u64;
    }

    /// Adds the time of making a step's target again, which the way back needs.
    pub fn again(&mut self, started: Option<Instant>, step: &Step) {
        if let (Some(profile), Some(started)) = (&mut self.0, started) {
            let stage = &mut profile.stages[step.stage.0];
            stage.backward.seconds += started.elapsed().as_secs_f64();
        }
    }

    /// Ends the timing of a copy between memories.
    #[cfg(any(feature = "cuda", feature = "wgpu"))]
    pub fn copied(&mut self, started: Option<Instant>, bytes: usize) {
        if let (Some(profile), Some(started)) = (&mut self.0, started) {
            profile.copies.seconds += started.elapsed().as_secs_f64();
            profile.copies.bytes += bytes as u64;
        }
    }

    /// Notes what is held now.
    pub fn held(&mut self, bytes: impl FnOnce() -> usize) {
        if let Some(profile) = &mut self.0 {
            profile.peak_bytes = profile.peak_bytes.max(bytes());
        }
    }

    /// Puts the frozen stages' profile in front of the trained ones'.
    pub fn precede(&mut self, head: Option<&Profile>) {
        if let (Some(profile), Some(head)) = (&mut self.0, head) {
            profile.stages.splice(0..0, head.stages.iter().copied());
            profile.peak_bytes += head.peak_bytes;
            profile.copies.seconds += head.copies.seconds;
            profile.copies.bytes += head.copies.bytes;
        }
    }
}
