//! Where tissue lies on a slide, and what is wrong with it.
//!
//! Everything is seen on one small picture of the slide: [`Mask::find`] marks tissue on it,
//! [`Flags::of`] tells pen marks, folds and blur, [`picture`] draws what was found for a person to
//! check.
//!
//! ```
//! use spolia_slide::{Slide, tissue, write};
//! # fn main() -> Result<(), spolia_slide::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("slide.tif");
//! // the left half is pink, the rest glass
//! write::pyramid(&path, 2_048, 1_024, &write::Options::default(), |area| {
//!     let tissue = image::Rgb([200, 90, 150]);
//!     Ok((area.x < 1_024).then(|| image::RgbImage::from_pixel(area.width, area.height, tissue)))
//! })?;
//! let slide = Slide::open(&path)?;
//! let mask = tissue::Mask::find(&slide, &tissue::Options::default())?;
//! assert!(mask.share(0.0, 0.0, 1_000.0, 1_000.0) > 0.99);
//! assert!(mask.share(1_100.0, 0.0, 500.0, 500.0) < 0.01);
//! # Ok(())
//! # }
//! ```

mod clean;
mod flags;
mod otsu;
mod picture;

use image::RgbImage;

pub use flags::Flags;
pub use otsu::otsu;
pub use picture::picture;

use crate::Result;
use crate::slide::Slide;

/// How tissue is told from glass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Otsu's threshold (IEEE Trans SMC 1979) on saturation: glass has no colour.
    Otsu,
    /// The rule of the paper's sampling, on luma (ITU-R BT.601): above `white_level` is glass;
    /// below `gray_threshold` is too dark for tissue (pen, folds, the slide's edge). Its other two
    /// numbers are asked of patches: a share of tissue of at least 1 - white_threshold (0.6 to
    /// 0.7), and tumour over 0.6 of the area.
    White {
        /// 200 in the paper's sampling.
        white_level: u8,
        /// 90 in the paper's sampling.
        gray_threshold: u8,
    },
}

/// How a mask is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How tissue is told from glass.
    pub method: Method,
    /// Longer side of the picture it is made on, in pixels.
    pub longest: u32,
    /// Pieces of tissue with fewer pixels than this are dust.
    pub smallest_piece: usize,
    /// Holes with at most this many pixels are filled.
    pub largest_hole: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            method: Method::Otsu,
            longest: 2_048,
            smallest_piece: 64,
            largest_hole: 64,
        }
    }
}

/// Why a mask is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoTissue {
    /// The picture has hardly any colour (Otsu's threshold is below 10 of 255): a blank slide, or
    /// one that is not stained.
    NoColour,
    /// What was found are pieces smaller than `smallest_piece`.
    OnlySpecks,
    /// No pixel lies between the thresholds.
    NoneBetweenThresholds,
}

impl std::fmt::Display for NoTissue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoColour => "the slide has no colour: it is blank or not stained",
            Self::OnlySpecks => "only specks were found; lower the smallest piece to keep them",
            Self::NoneBetweenThresholds => "no pixel lies between the gray and the white threshold",
        })
    }
}

/// Tissue of a slide, on a grid of square cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    width: usize,
    height: usize,
    downsample: f64,
    tissue: Vec<bool>,
    /// Number of tissue cells above and left of each corner: `(height + 1) * (width + 1)`.
    sums: Vec<u64>,
    /// Luma or saturation at which tissue begins.
    threshold: u8,
    empty: Option<NoTissue>,
}

/// Below this saturation Otsu's threshold only divides noise.
const LEAST_SATURATION: u8 = 10;

impl Mask {
    /// Finds tissue on a slide.
    ///
    /// # Errors
    /// The slide cannot be read, or `longest` is 0.
    pub fn find(slide: &Slide, options: &Options) -> Result<Self> {
        let picture = slide.thumbnail(options.longest)?;
        Ok(Self::of(&picture, downsample(slide, &picture), options))
    }

    /// Finds tissue on a picture whose pixels are `downsample` pixels of level 0 wide.
    #[must_use]
    pub fn of(picture: &RgbImage, downsample: f64, options: &Options) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let (mut tissue, threshold, mut empty) = match options.method {
            Method::Otsu => {
                let values = smooth(&saturation(picture), width, height);
                let threshold = otsu(&values);
                if threshold < LEAST_SATURATION {
                    (
                        vec![false; values.len()],
                        threshold,
                        Some(NoTissue::NoColour),
                    )
                } else {
                    (
                        values.iter().map(|&v| v > threshold).collect(),
                        threshold,
                        None,
                    )
                }
            }
            Method::White {
                white_level,
                gray_threshold,
            } => {
                let values = smooth(&luma(picture), width, height);
                let between = |&v: &u8| (gray_threshold..=white_level).contains(&v);
                let tissue: Vec<bool> = values.iter().map(between).collect();
                let none = !tissue.contains(&true);
                (
                    tissue,
                    white_level,
                    none.then_some(NoTissue::NoneBetweenThresholds),
                )
            }
        };
        clean::clean(
            &mut tissue,
            width,
            options.smallest_piece,
            options.largest_hole,
        );
        if empty.is_none() && !tissue.contains(&true) {
            empty = Some(NoTissue::OnlySpecks);
        }
        let sums = sums(&tissue, width, height);
        Self {
            width,
            height,
            downsample,
            tissue,
            sums,
            threshold,
            empty,
        }
    }

    /// A mask of tissue everywhere, for images that were cut out of tissue.
    ///
    /// # Errors
    /// The slide cannot be read.
    pub fn everywhere(slide: &Slide, longest: u32) -> Result<Self> {
        let picture = slide.thumbnail(longest)?;
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let tissue = vec![true; width * height];
        let sums = sums(&tissue, width, height);
        let downsample = downsample(slide, &picture);
        Ok(Self {
            width,
            height,
            downsample,
            tissue,
            sums,
            threshold: 0,
            empty: None,
        })
    }

    /// Width and height in cells.
    #[must_use]
    pub fn dimensions(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Side of a cell in pixels of level 0.
    #[must_use]
    pub fn downsample(&self) -> f64 {
        self.downsample
    }

    /// Saturation (Otsu) or luma (white) at which tissue begins.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Why no tissue was found, where none was.
    #[must_use]
    pub fn empty_reason(&self) -> Option<NoTissue> {
        self.empty
    }

    /// Cells in rows, `true` for tissue.
    #[must_use]
    pub fn cells(&self) -> &[bool] {
        &self.tissue
    }

    /// Share of the slide that is tissue.
    #[must_use]
    pub fn total_share(&self) -> f64 {
        let all = self.sums.last().copied().unwrap_or(0);
        all as f64 / (self.tissue.len().max(1)) as f64
    }

    /// Share of a rectangle (pixels of level 0) that is tissue, to the nearest cell.
    #[must_use]
    pub fn share(&self, x: f64, y: f64, w: f64, h: f64) -> f64 {
        let span = |start: f64, length: f64, most: usize| {
            let first = (start / self.downsample).round().clamp(0.0, most as f64) as usize;
            let last = ((start + length) / self.downsample)
                .round()
                .clamp(0.0, most as f64) as usize;
            // a rectangle smaller than a cell takes the cell that holds it
            if last > first {
                (first, last)
            } else {
                (first.min(most - 1), first.min(most - 1) + 1)
            }
        };
        let ((left, right), (top, bottom)) = (span(x, w, self.width), span(y, h, self.height));
        let row = self.width + 1;
        let at = |x: usize, y: usize| self.sums[y * row + x];
        let inside = at(right, bottom) + at(left, top) - at(right, top) - at(left, bottom);
        inside as f64 / ((right - left) * (bottom - top)) as f64
    }

    /// The mask as a picture: white where tissue is.
    #[must_use]
    pub fn image(&self) -> image::GrayImage {
        image::GrayImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            let tissue = self.tissue[y as usize * self.width + x as usize];
            image::Luma([if tissue { 255 } else { 0 }])
        })
    }

    /// Writes the mask as a PNG, white where tissue is.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_png(&self, path: &std::path::Path) -> Result<()> {
        crate::whole::write_png(path, &image::DynamicImage::ImageLuma8(self.image()))
    }
}

fn downsample(slide: &Slide, picture: &RgbImage) -> f64 {
    let (width, height) = slide.dimensions();
    // the picture's longer side was rounded least
    (width.max(height) as f64) / f64::from(picture.width().max(picture.height()))
}

fn sums(tissue: &[bool], width: usize, height: usize) -> Vec<u64> {
    let row = width + 1;
    let mut sums = vec![0; row * (height + 1)];
    for y in 0..height {
        for x in 0..width {
            sums[(y + 1) * row + x + 1] =
                u64::from(tissue[y * width + x]) + sums[y * row + x + 1] + sums[(y + 1) * row + x]
                    - sums[y * row + x];
        }
    }
    sums
}

/// Saturation of HSV, 0 to 255. Pixels close to black have none: theirs is noise.
pub(crate) fn saturation(picture: &RgbImage) -> Vec<u8> {
    let of = |[r, g, b]: [u8; 3]| {
        let (most, least) = (r.max(g).max(b), r.min(g).min(b));
        if most < 20 {
            0
        } else {
            (u32::from(most - least) * 255 / u32::from(most)) as u8
        }
    };
    picture.pixels().map(|pixel| of(pixel.0)).collect()
}

/// ITU-R BT.601 luma, as Pillow's mode `L`.
pub(crate) fn luma(picture: &RgbImage) -> Vec<u8> {
    let of = |[r, g, b]: [u8; 3]| {
        let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
        ((sum + 0x8000) >> 16) as u8
    };
    picture.pixels().map(|pixel| of(pixel.0)).collect()
}

/// Means of 3 x 3, borders repeated: single pixels of noise do not decide.
fn smooth(values: &[u8], width: usize, height: usize) -> Vec<u8> {
    let at = |x: usize, y: usize| u32::from(values[y.min(height - 1) * width + x.min(width - 1)]);
    let mut out = Vec::with_capacity(values.len());
    for y in 0..height {
        for x in 0..width {
            let rows = [y.saturating_sub(1), y, y + 1];
            let columns = [x.saturating_sub(1), x, x + 1];
            let sum: u32 = rows.iter().flat_map(|&y| columns.map(|x| at(x, y))).sum();
            out.push(((sum + 4) / 9) as u8);
        }
    }
    out
}
