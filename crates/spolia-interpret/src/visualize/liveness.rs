//! Dead channels: what a channel answers to data, beside what optimisation makes it answer.
//!
//! An image of a channel that nothing excites shows the noise that it started from. Whether nothing excites it takes
//! two numbers: its activation on real images, and the optimum found. Where the data excite a channel more than its
//! "optimal" image, the optimisation failed, not the channel.

use spolia_network::{Frozen, StageId, Tensor};

use crate::Error;

/// What is to be thought of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its image excites it as much as the best of the data, or more.
    Alive,
    /// It answers to its image and to none of the data.
    Unused,
    /// The data excite it more than its image: more steps, another seed or another rate are needed.
    NotReached,
    /// It answers to nothing.
    Dead,
}

impl State {
    /// As it is written in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Unused => "unused",
            Self::NotReached => "not-reached",
            Self::Dead => "dead",
        }
    }
}

/// A channel's two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Liveness {
    /// Highest mean activation over the data's images.
    pub on_data: f32,
    /// Mean activation on the finished image.
    pub optimum: f32,
}

impl Liveness {
    /// What the numbers say. ReLUs in place, an activation is never below 0.
    #[must_use]
    pub fn state(&self) -> State {
        match (self.on_data > 0.0, self.optimum > 0.0) {
            (false, false) => State::Dead,
            (false, true) => State::Unused,
            (true, _) if self.optimum >= self.on_data => State::Alive,
            (true, _) => State::NotReached,
        }
    }
}

/// Each channel's highest mean activation over images, batch by batch: `best` grows to the layer's number of channels at
/// the first call and is raised at each. `images` is N H W 3 with values x / 127.5 - 1; `head` runs to `layer` or beyond.
///
/// # Errors
/// [`Error::Network`] where the engine refuses the images, [`Error::NotFinite`] for an activation that is no number.
pub fn raise_to_data(
    best: &mut Vec<f32>,
    head: &mut dyn Frozen,
    layer: StageId,
    images: &Tensor,
) -> Result<(), Error> {
    for tap in head.forward(images, &[layer])? {
        for means in tap.spatial_mean() {
            best.resize(means.len(), f32::NEG_INFINITY);
            for (best, mean) in best.iter_mut().zip(means) {
                if !mean.is_finite() {
                    return Err(Error::NotFinite {
                        what: "a channel's mean activation",
                        value: f64::from(mean),
                    });
                }
                *best = best.max(mean);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        for (on_data, optimum, name) in [
            (0.5, 2.0, "alive"),
            (0.5, 0.5, "alive"),
            (0.0, 2.0, "unused"),
            (0.5, 0.2, "not-reached"),
            (0.5, 0.0, "not-reached"),
            (0.0, 0.0, "dead"),
        ] {
            assert_eq!(Liveness { on_data, optimum }.state().name(), name);
        }
    }
}
