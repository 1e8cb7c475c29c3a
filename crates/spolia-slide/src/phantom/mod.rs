//! Procedural H&E patches and whole slides with known truth.
//!
//! Nuclei are irregular ellipses with chromatin texture, stroma is stretched and bent noise, both
//! are concentrations of hematoxylin and eosin, and Beer and Lambert's law with the stain vectors
//! of Ruifrok and Johnston (Anal Quant Cytol Histol 2001) turns them into colour; the optics blur
//! and the sensor adds noise. Tumour patches have larger, denser nuclei that differ more in size,
//! shape and chromatin. Stains differ by centre and, more, by patch, so that mean colour alone
//! does not tell the classes apart; nuclear size differs a little by patient.
//!
//! All of it is drawn from a seed: the same patch and seed give the same bytes.

mod canvas;
mod cohort;
mod draw;
mod frame;
mod measure;
mod near;
mod noise;
mod nucleus;
mod outline;
mod render;
mod scatter;
pub mod slides;
mod stain;
mod tissue;
mod write;

pub use cohort::{DEFAULT_MPP, PhantomPatch, cohort};
pub use render::{Truth, patch};
pub use stain::{EOSIN, HEMATOXYLIN, Stains};
pub use write::write;

/// Names of the classes, in the order of their labels.
pub const CLASSES: [&str; 2] = ["normal", "tumor"];
