//! How an objective is optimised: parametrization, transformations, optimiser, schedule.

use std::sync::Arc;

use super::{
    colour::Colour,
    parametrization::{Kind, Magnitude},
    transformation::Sequence,
};
use crate::Error;

/// The optimiser and its learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimiser {
    /// [`super::Adam`].
    Adam(f64),
    /// [`super::NAdam`].
    NAdam(f64),
}

/// When to stop before the last step: once the mean objective of the last `window` steps is above that of the `window`
/// steps before by no more than `gain` times its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    /// Steps.
    pub window: usize,
    /// Relative gain that still counts.
    pub gain: f64,
}

impl Plateau {
    /// Whether the curve no longer rises.
    ///
    /// ```
    /// use spolia_interpret::visualize::Plateau;
    ///
    /// let plateau = Plateau { window: 2, gain: 0.01 };
    /// assert!(!plateau.is_reached(&[1.0, 2.0, 3.0, 4.0]));
    /// assert!(!plateau.is_reached(&[4.0, 4.0, 4.0]));
    /// assert!(plateau.is_reached(&[1.0, 4.0, 4.0, 4.02, 4.01]));
    /// ```
    #[must_use]
    pub fn is_reached(&self, curve: &[f32]) -> bool {
        let window = self.window.max(1);
        let Some(start) = curve.len().checked_sub(2 * window) else {
            return false;
        };
        let mean = |part: &[f32]| part.iter().map(|&v| f64::from(v)).sum::<f64>() / window as f64;
        let (before, last) = curve[start..].split_at(window);
        let (before, last) = (mean(before), mean(last));
        last - before <= self.gain * before.abs()
    }
}

/// All that [`super::optimise()`] needs beside the objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Width and height of the image.
    pub size: [usize; 2],
    /// Width and height of the network's input.
    pub input: [usize; 2],
    /// From numbers to planes.
    pub parametrization: Kind,
    /// From planes to colours.
    pub colour: Colour,
    /// From the image to what the network sees.
    pub transformations: Sequence,
    /// How many differently transformed views of an image the network sees at each step; the objective is their mean.
    pub views: usize,
    /// The optimiser.
    pub optimiser: Optimiser,
    /// Steps at most.
    pub steps: usize,
    /// When to stop early.
    pub plateau: Option<Plateau>,
    /// Steps during which a gradient that is zero everywhere is redirected, so that a channel that is silent at first
    /// finds a way up; 16 in Lucid.
    pub redirected: usize,
    /// Leaves out the ReLUs that feed the deepest layer's output while climbing.
    pub linear_end: bool,
    /// Seed of all random numbers.
    pub seed: u64,
}

impl Recipe {
    /// Lucid's defaults at `side` x `side` pixels: Fourier spectra, decorrelated colours, standard transformations, 512
    /// steps of Adam with rate .05.
    #[must_use]
    pub fn lucid(side: usize, seed: u64) -> Self {
        Self {
            size: [side; 2],
            input: [side; 2],
            parametrization: Kind::Fourier { decay: 1.0 },
            colour: Colour::LUCID,
            transformations: Sequence::lucid(),
            views: 1,
            optimiser: Optimiser::Adam(0.05),
            steps: 512,
            plateau: None,
            redirected: 16,
            linear_end: false,
            seed,
        }
    }

    /// MACO's defaults (xplique): the phases of spectra of this magnitude, 32 boxes a step of 50 % falling to 5 % of the
    /// image, with noise, seen at `input` x `input` pixels; 256 steps of NAdam with rate 1. `colour` must be what the
    /// magnitude was gathered with.
    #[must_use]
    pub fn maco(magnitude: Arc<Magnitude>, colour: Colour, input: usize, seed: u64) -> Self {
        Self {
            size: magnitude.size(),
            input: [input; 2],
            parametrization: Kind::Maco(magnitude),
            colour,
            transformations: Sequence::maco(),
            views: 32,
            optimiser: Optimiser::NAdam(1.0),
            steps: 256,
            plateau: None,
            redirected: 16,
            linear_end: false,
            seed,
        }
    }

    /// Checks what is not checked elsewhere.
    pub(super) fn check(&self) -> Result<(), Error> {
        let side = self.size.into_iter().chain(self.input).min().unwrap_or(0);
        if self.steps == 0 || side == 0 {
            return Err(Error::EmptyVisualization {
                steps: self.steps,
                size: side,
            });
        }
        let fault = |what, value: String, allowed| {
            Err(Error::Setting {
                what,
                value,
                allowed,
            })
        };
        let (Optimiser::Adam(rate) | Optimiser::NAdam(rate)) = self.optimiser;
        if !(rate.is_finite() && rate > 0.0) {
            return fault("the learning rate", rate.to_string(), "a number above 0");
        }
        if self.views == 0 {
            return fault("the number of views", "0".into(), "at least one");
        }
        match &self.parametrization {
            Kind::Pyramid { levels: 0 } => {
                fault("the number of levels", "0".into(), "at least one")
            }
            Kind::Fourier { decay } if !decay.is_finite() => {
                fault("the spectrum's decay", decay.to_string(), "a number")
            }
            Kind::Maco(magnitude) if magnitude.size() != self.size => fault(
                "the size of the image",
                format!("{} x {}", self.size[0], self.size[1]),
                "the magnitude's size",
            ),
            _ => match self.plateau {
                Some(p) if p.window == 0 || !p.gain.is_finite() => fault(
                    "the plateau",
                    format!("{} steps, gain {}", p.window, p.gain),
                    "at least one step and a finite gain",
                ),
                _ => Ok(()),
            },
        }
    }
}
