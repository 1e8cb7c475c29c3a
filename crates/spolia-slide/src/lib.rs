//! Where patches of tissue come from.
//!
//! Today this crate makes them: [`phantom`] draws procedural hematoxylin and eosin (H&E) patches
//! whose truth is known: every nucleus, its size and chromatin, the stains, the patient and the
//! centre. A method that claims to find nuclear size in a network can so be tested without a
//! microscope. Whole-slide images and their annotations are not read yet.
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

mod error;
pub mod phantom;

pub use error::{Error, Result};
