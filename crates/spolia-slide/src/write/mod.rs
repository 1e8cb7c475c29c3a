//! Writing pyramidal tiled TIFF and BigTIFF.
//!
//! A slide is drawn tile by tile, in parallel, and is never in memory as a whole: each row of
//! tiles goes to the file, and its half-size copy to the row of the next level, which follows when
//! it is full.
//!
//! ```
//! use spolia_slide::{Slide, write};
//! # fn main() -> Result<(), spolia_slide::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("slide.tif");
//! let options = write::Options { mpp: Some(0.5), ..write::Options::default() };
//! write::pyramid(&path, 1_000, 700, &options, |area| {
//!     Ok(Some(image::RgbImage::from_pixel(area.width, area.height, image::Rgb([220, 180, 210]))))
//! })?;
//! let slide = Slide::open(&path)?;
//! assert_eq!(slide.dimensions(), (1_000, 700));
//! assert_eq!(slide.levels()[1].width, 500);
//! assert_eq!(slide.mpp().map(|mpp| mpp.x), Some(0.5));
//! # Ok(())
//! # }
//! ```

mod encode;
mod file;
mod pyramid;

pub(crate) use file::{TiffFile, Values};
pub use pyramid::pyramid;
pub(crate) use pyramid::{check_tile, resolution};

/// How tiles are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Baseline JPEG, YCbCr without subsampling, its tables stored once for a level.
    Jpeg {
        /// 1 (smallest) to 100 (best).
        quality: u8,
    },
    /// Lossless (zlib), as TIFF's compression 8.
    Deflate,
    /// As they are.
    Raw,
}

/// How a pyramid is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Side of a tile in pixels: a multiple of 16.
    pub tile: u32,
    /// How tiles are stored.
    pub codec: Codec,
    /// µm/px of level 0, written as the resolution tags.
    pub mpp: Option<f64>,
    /// Description of level 0, empty for none.
    pub description: String,
    /// Levels at most; each is half as large as the one before, and the last fits in one tile.
    pub levels: usize,
    /// BigTIFF even where 4 GiB would do.
    pub big: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tile: 256,
            codec: Codec::Jpeg { quality: 90 },
            mpp: None,
            description: String::new(),
            levels: 32,
            big: false,
        }
    }
}

/// The part of level 0 that is to be drawn, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left side.
    pub x: u64,
    /// Upper side.
    pub y: u64,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}
