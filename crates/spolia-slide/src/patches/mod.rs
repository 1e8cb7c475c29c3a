//! Where patches lie on a slide: drawn at random from its tissue, or on a grid.
//!
//! A [`Patch`] is a place; pixels are read when they are needed, by [`Patch::read`], or for many
//! patches in parallel and in order by [`read`].
//!
//! ```
//! use spolia_slide::annotation::{Label, Shape};
//! use spolia_slide::patches::{self, Resolved, Sampling};
//! use spolia_slide::{Slide, tissue, write};
//! # fn main() -> Result<(), spolia_slide::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("slide.tif");
//! let options = write::Options { mpp: Some(0.5), ..write::Options::default() };
//! write::pyramid(&path, 2_048, 2_048, &options, |area| {
//!     let tissue = image::Rgb([200, 90, 150]);
//!     Ok((area.x < 1_024).then(|| image::RgbImage::from_pixel(area.width, area.height, tissue)))
//! })?;
//! let slide = Slide::open(&path)?;
//! let mask = tissue::Mask::find(&slide, &tissue::Options::default())?;
//! let tumor = Shape::rectangle(0.0, 0.0, 1_024.0, 1_024.0);
//! let sampling = Sampling { size: 96, resolved: Resolved::Mpp(1.0), ..Sampling::default() };
//! let drawn = patches::random(&slide, &mask, Some(&tumor), &sampling, 20, 7)?;
//! assert_eq!(drawn.iter().filter(|p| p.label == Some(Label::Tumor)).count(), 20);
//! assert!(drawn.iter().all(|p| p.tissue_share >= sampling.tissue));
//! assert_eq!(drawn[0].read(&slide)?.dimensions(), (96, 96));
//! # Ok(())
//! # }
//! ```

mod read;
mod sample;

use image::RgbImage;

pub use read::{read, write_png};
pub use sample::{grid, random};

use crate::Result;
use crate::annotation::{Label, LabelRule};
use crate::slide::Slide;

/// At which resolution patches are read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolved {
    /// µm per pixel, of any slide the same.
    Mpp(f64),
    /// A level of the slide's own pyramid.
    Level(usize),
}

/// What patches are taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Side of a patch in its own pixels.
    pub size: u32,
    /// At which resolution it is read.
    pub resolved: Resolved,
    /// Least share of it that is tissue: 1 - `white_threshold` of the paper's sampling (0.6 to
    /// 0.7).
    pub tissue: f64,
    /// How it gets its label.
    pub rule: LabelRule,
    /// Classes that are taken. On a slide whose tumour is not annotated exhaustively, tissue
    /// outside of the annotations is not known to be normal: leave [`Label::Normal`] out.
    pub classes: Vec<Label>,
    /// Largest share of a patch that another of the same slide may cover: 1 for any (as in the
    /// paper's sampling), 0 for none. On a grid, the overlap of neighbours, below 1.
    pub overlap: f64,
}

impl Default for Sampling {
    /// The paper's parameters: 224 px, tissue and labels by their shares; patches overlap freely.
    fn default() -> Self {
        Self {
            size: 224,
            resolved: Resolved::Mpp(1.0),
            tissue: 0.4,
            rule: LabelRule::default(),
            classes: vec![Label::Normal, Label::Tumor],
            overlap: 1.0,
        }
    }
}

/// A place on a slide.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// Name of the slide: its file's name without ending.
    pub slide: String,
    /// Left side in pixels of level 0.
    pub x: u64,
    /// Upper side in pixels of level 0.
    pub y: u64,
    /// Side in its own pixels.
    pub size: u32,
    /// Side in pixels of level 0.
    pub span: f64,
    /// The level it is read from.
    pub level: usize,
    /// µm/px asked for; `None` where a level was.
    pub mpp_asked: Option<f64>,
    /// µm/px of its pixels, where the slide's are known.
    pub mpp: Option<f64>,
    /// Its label; `None` on a slide without annotations.
    pub label: Option<Label>,
    /// Share of its area that is tumour; `None` on a slide without annotations.
    pub tumor_share: Option<f64>,
    /// Share of its area that is tissue.
    pub tissue_share: f64,
}

impl Patch {
    /// Its name in tables: slide, x and y.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}_x{}_y{}", self.slide, self.x, self.y)
    }

    /// Its pixels.
    ///
    /// # Errors
    /// The slide cannot be read there.
    pub fn read(&self, slide: &Slide) -> Result<RgbImage> {
        let resolved = self
            .mpp_asked
            .map_or(Resolved::Level(self.level), Resolved::Mpp);
        pixels(slide, (self.x, self.y), self.size, resolved)
    }
}

/// The pixels of a square of `size` pixels at a resolution; its top left corner in pixels of level 0.
///
/// # Errors
/// The slide cannot be read there.
pub fn pixels(
    slide: &Slide,
    (x, y): (u64, u64),
    size: u32,
    resolved: Resolved,
) -> Result<RgbImage> {
    match resolved {
        Resolved::Mpp(mpp) => Ok(slide.region_at(mpp, x as i64, y as i64, size, size)?.image),
        Resolved::Level(level) => {
            let downsample = slide
                .levels()
                .get(level)
                .map_or(1.0, |level| level.downsample);
            let own = |place: u64| (place as f64 / downsample).round() as i64;
            slide.region(level, own(x), own(y), size, size)
        }
    }
}
