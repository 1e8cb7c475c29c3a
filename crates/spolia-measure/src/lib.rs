//! What can be measured in a pathology image: a concept that a network's layer may encode.
//!
//! - [`measure_rgb`]: a list of measures by name ([`Measure`]), what they share computed once.
//! - [`Workspace`], [`Texture`]: co-occurrence matrices at any offsets, of an image or inside a
//!   mask, and their features by the definitions of Haralick's paper, scikit-image, mahotas or
//!   pyradiomics ([`Convention`]); [`haralick13`] is mahotas' `haralick`. [`Glcm`] is a single one.
//! - [`local_binary_pattern`]: scikit-image's codes.
//! - [`Colour`]: stains by colour deconvolution, hue, saturation, brightness.
//! - [`stain`]: stains estimated, normalised (Macenko, Reinhard) and perturbed.
//! - [`nuclei`]: nuclei found by colour deconvolution and watershed, and what their shapes say.
//!
//! Formulas, conventions and the values of degenerate images are in `docs/texture.md`. Gray is
//! scikit-image's (`rgb2gray`, `img_as_ubyte`), the same level for every colour.
//!
//! The measures named `glcm_` are taken the way of Graziani, Andrearczyk and Müller, *Visualizing and
//! Interpreting Feature Reuse of Pretrained CNNs for Histopathology* (IMVIP 2019): the whole image
//! in gray, distance 1, 0 degrees, 256 levels, symmetric.
//!
//! ```
//! use spolia_measure::{Measure, measure_rgb};
//!
//! // Two columns: black, white.
//! let rgb = [0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255];
//! let measures = [Measure::GlcmAsm, Measure::parse("glcm_contrast")?];
//! assert_eq!(measure_rgb(&rgb, 2, 2, &measures)?, [0.5, 65025.0]);
//! # Ok::<(), spolia_measure::Error>(())
//! ```
//!
//! Haralick's features of four directions, their mean and range:
//!
//! ```
//! use spolia_measure::{Feature, Gray, TextureOptions, Workspace};
//!
//! let image = Gray::new(vec![0, 0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 2, 3, 3], 4, 4)?;
//! let mut workspace = Workspace::new(); // one for many images
//! let texture = workspace.texture(&image, &TextureOptions::haralick(1)?)?;
//! assert_eq!(texture.get(Feature::Contrast, 0), Some(7.0 / 12.0));
//! assert!((texture.mean(Feature::Contrast) - 137.0 / 144.0).abs() < 1e-12);
//! assert!((texture.range(Feature::Contrast) - 4.0 / 3.0).abs() < 1e-12);
//! # Ok::<(), spolia_measure::Error>(())
//! ```
//!
//! A matrix of another distance, direction or number of levels:
//!
//! ```
//! use spolia_measure::{Direction, Glcm, GlcmOptions, Gray};
//!
//! let image = Gray::new(vec![0, 0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 2, 3, 3], 4, 4)?;
//! let options = GlcmOptions { direction: Direction::Deg90, levels: 4, ..GlcmOptions::default() };
//! let glcm = Glcm::new(&image, options)?;
//! assert_eq!(glcm.count(0, 0), 6);
//! assert_eq!(glcm.contrast(), 1.0);
//! # Ok::<(), spolia_measure::Error>(())
//! ```

mod colour;
mod error;
mod glcm;
mod gray;
mod lbp;
mod measures;
mod measuring;
pub mod nuclei;
pub mod stain;
mod texture;

pub use colour::{Colour, Spread, hsv, stains};
pub use error::Error;
pub use glcm::{Direction, Glcm, GlcmOptions};
pub use gray::Gray;
pub use lbp::{Pattern, lbp_histogram, local_binary_pattern, local_variance};
pub use measures::Measure;
pub use measuring::{measure_gray, measure_rgb, measure_rgb_at, measure_rgb_with_mask};
pub use texture::{
    Binning, Convention, Feature, Offset, Texture, TextureOptions, Workspace, haralick13,
};
