//! What training costs, in operations, before anything is run.

use crate::{
    Cut, Error, Network, StageId,
    plan::Plan,
    profile::{Way, operations},
};

/// Multiplications and additions of convolutions and linear layers for one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrainingCost {
    /// Of the frozen stages, which run forward alone.
    pub frozen: u64,
    /// Of the trained stages, forward.
    pub forward: u64,
    /// Of the trained stages' gradients.
    pub backward: u64,
    /// Numbers of the last frozen stage's activation; 0 where none is frozen.
    pub activation: u64,
}

impl TrainingCost {
    /// What a training step of one image costs where the stages through `frozen` are not trained, for images of `height` x
    /// `width` pixels.
    ///
    /// # Errors
    /// [`Error::TooSmall`] where the network cannot take such images.
    pub fn new(
        network: &Network,
        frozen: Option<StageId>,
        height: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let mut cost = Self::default();
        let (mut height, mut width) = (height, width);
        if let Some(stage) = frozen {
            let head = Plan::new(network, Cut::to(stage), height, width)?;
            cost.frozen = operations(&head, Way::Forward);
            let last = head.stages.iter().find(|(id, _)| *id == stage);
            if let Some((_, buffer)) = last {
                let area = head.buffers[*buffer];
                (height, width) = (area.height, area.width);
                cost.activation = (height * width * area.channels) as u64;
            }
        }
        let cut = Cut {
            from: frozen,
            ..Cut::to(network.last())
        };
        let tail = Plan::new(network, cut, height, width)?;
        cost.forward = operations(&tail, Way::Forward);
        cost.backward = operations(&tail, Way::Training);
        Ok(cost)
    }

    /// All of it.
    #[must_use]
    pub fn total(self) -> u64 {
        self.frozen + self.forward + self.backward
    }
}
