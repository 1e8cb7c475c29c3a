//! Feature visualization: the image that excites a channel most (Olah et al. 2017, "Feature Visualization"; the
//! reference implementation is Lucid 0.3.10).
//!
//! Three functions compose: a *parametrization* from numbers to an image ([`Fourier`] spectra of decorrelated
//! [`colour`] planes), a *transform* from the image to what the network sees ([`Transforms`], one random affine
//! movement a step), and an *objective* from the layer's activation to a number ([`objective`]). [`render()`] climbs
//! the objective's gradient through the transposes of all three with [`Adam`].

mod adam;
pub mod colour;
mod fourier;
mod image;
mod nadam;
pub mod objective;
mod preset;
mod render;
mod transform;
mod warp;

pub use adam::Adam;
pub use fourier::{Fourier, Workspace};
pub use image::Image;
pub use nadam::NAdam;
pub use preset::{Phase, Preset};
pub use render::{Rendered, Settings, render};
pub use transform::{Affine, Motion, Transforms};
pub use warp::{Padded, Sampling};
