//! What work needs of memory, before anything is run.

use crate::{
    Cut, Error, Network, StageId,
    cpu::Floats,
    plan::{Action, Plan},
    schedule::Schedule,
};

/// Bytes that the CPU engine holds for a piece of work. What belongs to the caller is not counted: the weights that it was given,
/// the input, and what a call returns.
///
/// ```
/// use spolia_network::{Convention, Memory, inception_v3};
/// # fn main() -> Result<(), spolia_network::Error> {
/// let network = inception_v3(Convention::Keras, Some(1));
/// let training = Memory::training(&network, None, 224, 224)?;
/// assert!(training.of(32) < 1_500_000_000);
/// assert_eq!(training.most(training.of(32)), 32);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Parameters, and what training keeps for each of them, whatever the batch.
    pub parameters: u64,
    /// Activations and gradients of each image of a batch.
    pub image: u64,
}

impl Memory {
    /// A forward pass through a cut with frozen weights, for inputs of `height` x `width`, to the activations of `taps`.
    ///
    /// # Errors
    /// [`Error::TooSmall`] where the network cannot take such inputs, [`Error::UnknownStage`] where a tap lies outside of
    /// the cut.
    pub fn forward(
        network: &Network,
        cut: Cut,
        taps: &[StageId],
        height: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let plan = Plan::new(network, cut, height, width)?;
        let schedule = Schedule::forward(&plan, &plan.buffers_of(network, taps)?);
        let (all, others) = parameters(&plan);
        let own = all.forward + all.forward_tiled + others;
        Ok(Self::new(own, schedule.values))
    }

    /// As [`Memory::forward`], with the gradient of the input.
    ///
    /// # Errors
    /// As [`Memory::forward`].
    pub fn input_gradient(
        network: &Network,
        cut: Cut,
        taps: &[StageId],
        height: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let plan = Plan::new(network, cut, height, width)?;
        let schedule = Schedule::input_gradient(&plan, &plan.buffers_of(network, taps)?);
        let (all, others) = parameters(&plan);
        let own = all.forward + all.forward_tiled + all.backward + all.backward_tiled + others;
        Ok(Self::new(own, schedule.values))
    }

    /// A training step where the stages through `frozen` are not trained.
    ///
    /// # Errors
    /// [`Error::TooSmall`] where the network cannot take such images.
    pub fn training(
        network: &Network,
        frozen: Option<StageId>,
        height: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let mut all = Self::default();
        let (mut height, mut width) = (height, width);
        if let Some(stage) = frozen {
            let plan = Plan::new(network, Cut::to(stage), height, width)?;
            all = Self::forward(network, Cut::to(stage), &[stage], height, width)?;
            if let Some((_, buffer)) = plan.stages.last() {
                let area = plan.buffers[*buffer];
                (height, width) = (area.height, area.width);
                // What the frozen stages hand over to the others.
                all.image += 4 * (area.height * area.width * area.channels) as u64;
            }
        }
        let plan = Plan::new(network, Cut::behind(network, frozen), height, width)?;
        let (floats, others) = parameters(&plan);
        // Each with its gradient and its velocity.
        let own = Self::new(
            3 * (floats.forward + others)
                + floats.backward
                + floats.forward_tiled
                + floats.backward_tiled,
            Schedule::training(&plan).values,
        );
        Ok(Self {
            parameters: all.parameters + own.parameters,
            image: all.image + own.image,
        })
    }

    fn new(parameters: usize, image: usize) -> Self {
        Self {
            parameters: 4 * parameters as u64,
            image: 4 * image as u64,
        }
    }

    /// Bytes for a batch of so many images.
    #[must_use]
    pub fn of(self, batch: usize) -> u64 {
        self.parameters + batch as u64 * self.image
    }

    /// The most images whose batch needs no more than `bytes`; 0 where not one does.
    #[must_use]
    pub fn most(self, bytes: u64) -> usize {
        let left = bytes.saturating_sub(self.parameters);
        usize::try_from(left / self.image.max(1)).unwrap_or(usize::MAX)
    }
}

/// Floats of a plan's kernels in all layouts, and of its other parameters.
fn parameters(plan: &Plan) -> (Floats, usize) {
    let mut all = Floats::default();
    for step in &plan.steps {
        if let Action::Conv { index, .. } = step.action {
            let [from, to] = [step.source, step.target].map(|view| plan.buffers[view.buffer]);
            let own = Floats::new(&plan.convs[index], from, to);
            all.forward += own.forward;
            all.backward += own.backward;
            all.forward_tiled += own.forward_tiled;
            all.backward_tiled += own.backward_tiled;
        }
    }
    let linears = plan.linears.iter();
    (all, linears.map(|(_, i, o)| i * o).sum())
}
