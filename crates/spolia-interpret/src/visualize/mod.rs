//! Feature visualization: the image that excites a channel most (Olah et al. 2017, "Feature Visualization"; the
//! reference implementation is Lucid 0.3.10).
//!
//! Three functions compose: a *parametrization* from numbers to an image ([`Fourier`] spectra of decorrelated
//! [`colour`] planes), a *transform* from the image to what the network sees ([`Transforms`], one random affine
//! movement a step), and an *objective* from the layer's activation to a number ([`objective`]). [`render()`] climbs
//! the objective's gradient through the transposes of all three with [`Adam`]: one image per channel, by a [`Preset`].
//!
//! [`optimise()`] does the same for any written [`Objective`] (neurons, directions, logits, sums, several images that
//! should differ), with any [`parametrization`], explicit [`transformation`]s, Adam or NAdam, and a stop where nothing
//! more is gained; [`Recipe::lucid`] and [`Recipe::maco`] are two ready ones. [`liveness`] tells dead channels from those
//! that were not reached, and [`compare`] says in numbers how two networks' images differ.

mod adam;
mod climb;
pub mod colour;
pub mod compare;
mod fourier;
mod image;
pub mod liveness;
mod nadam;
pub mod objective;
mod optimise;
pub mod parametrization;
#[cfg(test)]
mod photograph;
mod preset;
mod recipe;
mod render;
mod stream;
mod transform;
pub mod transformation;
mod warp;

pub use adam::Adam;
pub use fourier::{Fourier, Workspace};
pub use image::Image;
pub use nadam::NAdam;
pub use objective::Objective;
pub use optimise::{Job, Optimised, optimise};
pub use preset::{Phase, Preset};
pub use recipe::{Optimiser, Plateau, Recipe};
pub use render::{Rendered, Settings, render};
pub use transform::{Affine, Motion, Transforms};
pub use warp::{Padded, Sampling};
