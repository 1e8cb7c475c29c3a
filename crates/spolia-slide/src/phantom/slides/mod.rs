//! Phantom slides: pyramidal whole-slide images with known tumour, nuclei and stains.
//!
//! A slide is a piece of lymph node on white glass, its capsule and septa of connective tissue;
//! in half of the slides one to three tumours grow in it. Nuclei, fibres and stains are those of
//! the phantom's patches. Where everything lies is decided first ([`SlidePlan`], a few MB); from
//! it any tile is drawn alone, the same whatever was drawn before.
//!
//! ```
//! use spolia_slide::phantom::slides::{self, SlidePlan};
//! # fn main() -> Result<(), spolia_slide::Error> {
//! let mut slide = slides::cohort(2, 1, 1, 7)?.find(|s| s.tumour).unwrap();
//! (slide.width, slide.height) = (1_024, 768);
//! let plan = SlidePlan::new(&slide, 7)?;
//! let tile = plan.tile(2, 1); // the third of the second row
//! assert_eq!(tile.image.dimensions(), (256, 256));
//! assert!(tile.nuclei.iter().any(|&number| number > 0));
//! assert!(!plan.annotations().annotations.is_empty());
//! # Ok(())
//! # }
//! ```

mod cohort;
mod ground;
mod nuclei;
mod plan;
mod truth;
mod write;

pub use cohort::{HEIGHT, PhantomSlide, WIDTH, cohort};
pub use plan::{SlidePlan, TILE, Tile};
pub use truth::RegionTruth;
pub use write::write;
