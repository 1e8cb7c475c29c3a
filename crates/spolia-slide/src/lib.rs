//! Whole-slide images, annotations, tissue, and where patches lie.
//!
//! A [`Slide`] is a pyramid of tiles (TIFF, BigTIFF, Aperio SVS, Philips, OME) or a plain image;
//! any region is read at any µm/px. [`phantom`] draws procedural hematoxylin and eosin (H&E)
//! patches whose truth is known, so that a method can be tested without a microscope.
//!
//! ```
//! use spolia_slide::phantom;
//! # fn main() -> Result<(), spolia_slide::Error> {
//! let mut cohort = phantom::cohort(4, 2, 10, 96, 7)?;
//! let spec = cohort.next().ok_or(spolia_slide::Error::Cohort { what: "no patch" })?;
//! let (image, truth) = phantom::patch(&spec, 7)?;
//! assert_eq!(image.dimensions(), (96, 96));
//! assert_eq!(truth.mask.iter().copied().max(), u16::try_from(truth.n_nuclei).ok());
//! # Ok(())
//! # }
//! ```

pub mod annotation;
mod error;
pub mod instances;
pub mod patches;
pub mod phantom;
pub mod slide;
mod tiff;
pub mod tissue;
mod vendor;
mod whole;
pub mod write;
mod xml;

pub use error::{Error, Result};
pub use slide::{Level, Region, Resolution, Slide, TileCache};
pub use tiff::Fault;
pub use vendor::{Mpp, Vendor};
pub use xml::XmlFault;
