//! Nuclei in H&E patches, without a learned model.
//!
//! [`segment_nuclei`] finds them, [`measure_nuclei`] gives the size, shape and stain of each,
//! [`summarize_nuclei`] the count, density and pleomorphism of a patch ([`measure_patch`]: all three
//! steps). Where masks of the nuclei exist, [`measure_nuclei`] and [`measure_patch_with_mask`] take
//! them as an [`InstanceMask`]. [`agreement()`] compares two masks.
//!
//! ```
//! use spolia_measure::nuclei::{NucleiMeasure, NucleiOptions, measure_patch};
//!
//! // Three dark round nuclei of radius 6 px on pink.
//! let (width, height) = (64, 48);
//! let inside = |x: i32, y: i32| {
//!     let centres = [(15, 15), (45, 16), (30, 34)];
//!     centres.iter().any(|(cx, cy)| (x - cx).pow(2) + (y - cy).pow(2) <= 36)
//! };
//! let mut rgb = Vec::new();
//! for y in 0..height {
//!     for x in 0..width {
//!         rgb.extend(if inside(x, y) { [90, 60, 140] } else { [235, 190, 215] });
//!     }
//! }
//! let options = NucleiOptions { microns_per_pixel: Some(0.5), ..NucleiOptions::default() };
//! let patch = measure_patch(&rgb, 64, 48, &options)?;
//! assert_eq!(patch.count, 3);
//! let per_mm2 = NucleiMeasure::DensityPerMm2.of(&patch)?;
//! assert!((per_mm2 - 3.0 / (64.0 * 48.0 * 0.5e-3 * 0.5e-3)).abs() < 1e-9);
//! # Ok::<(), spolia_measure::Error>(())
//! ```

mod agreement;
mod distance;
mod filter;
mod hull;
mod mask;
mod measure;
mod merge;
mod moments;
mod morphology;
mod nucleus;
mod segment;
mod stain;
mod summary;
mod watershed;

pub use agreement::{Agreement, aggregated_jaccard, agreement, dice, f1};
pub use mask::InstanceMask;
pub use measure::NucleiMeasure;
pub use nucleus::{Nucleus, measure_nuclei};
pub use segment::{NucleiOptions, nuclear_diameter, segment_nuclei};
pub use stain::haematoxylin;
pub use summary::{NucleiSummary, measure_patch, measure_patch_with_mask, summarize_nuclei};
