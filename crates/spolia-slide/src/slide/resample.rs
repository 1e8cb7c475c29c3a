//! Regions at any resolution: read from the nearest finer level, then resampled with antialiasing.

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use super::Slide;
use crate::{Error, Result};

/// Pixels are taken as they are where their size differs from the one asked for by less than this.
const SAME: f64 = 0.01;
/// Up to this many pixels a region is read whole and resampled at once.
const WHOLE: f64 = (1 << 22) as f64;
/// A larger one is averaged in blocks first, tile by tile, down to this ratio: Pillow's
/// `reducing_gap`, at the value from which it calls the difference invisible.
const GAP: f64 = 3.0;

/// What was asked for and what was given, in µm/px.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// Asked for.
    pub asked: f64,
    /// Size of the given pixels: `asked`, or `level_mpp` where the two differ by less than 1% and
    /// pixels are given as the slide has them.
    pub effective: f64,
    /// The level that was read.
    pub level: usize,
    /// Its own µm/px. Above `asked`, where the slide is coarser than that and nothing finer can be
    /// seen in the result.
    pub level_mpp: f64,
}

/// A region and its resolution.
#[derive(Debug, Clone)]
pub struct Region {
    /// The pixels.
    pub image: RgbImage,
    /// What was asked for and given.
    pub resolution: Resolution,
}

impl Slide {
    /// The level and µm/px that a region at `mpp` µm/px would have.
    ///
    /// # Errors
    /// The slide's µm/px are not known, or `mpp` is not a positive number.
    pub fn resolution(&self, mpp: f64) -> Result<Resolution> {
        let own = self.mpp().ok_or_else(|| Error::NoResolution {
            path: self.path.clone(),
            asked: mpp,
        })?;
        let level = self.level_for(self.ratio(mpp / own.mean())?);
        let level_mpp = own.mean() * self.levels[level].downsample;
        let same = (mpp / level_mpp - 1.0).abs() < SAME;
        Ok(Resolution {
            asked: mpp,
            effective: if same { level_mpp } else { mpp },
            level,
            level_mpp,
        })
    }

    /// Reads `w * h` pixels of `mpp` µm each, with `x`, `y` (pixels of level 0) at their top left.
    ///
    /// # Errors
    /// The slide's µm/px are not known, `mpp` is not a positive number, the region is empty or too
    /// large, or a tile is damaged.
    pub fn region_at(&self, mpp: f64, x: i64, y: i64, w: u32, h: u32) -> Result<Region> {
        let resolution = self.resolution(mpp)?;
        let own = self.mpp().ok_or_else(|| Error::NoResolution {
            path: self.path.clone(),
            asked: mpp,
        })?;
        let image = self.scaled([mpp / own.x, mpp / own.y], resolution.level, (x, y), (w, h))?;
        Ok(Region { image, resolution })
    }

    /// Reads `w * h` pixels, each as wide as `downsample` pixels of level 0, with `x`, `y` (pixels
    /// of level 0) at their top left: [`Slide::region_at`] for slides whose µm/px are not known.
    ///
    /// # Errors
    /// `downsample` is not a positive number, the region is empty or too large, or a tile is
    /// damaged.
    pub fn region_scaled(
        &self,
        downsample: f64,
        x: i64,
        y: i64,
        w: u32,
        h: u32,
    ) -> Result<RgbImage> {
        let level = self.level_for(self.ratio(downsample)?);
        self.scaled([downsample; 2], level, (x, y), (w, h))
    }

    /// The whole slide, its longer side at most `longest` pixels.
    ///
    /// # Errors
    /// `longest` is 0, or a tile is damaged.
    pub fn thumbnail(&self, longest: u32) -> Result<RgbImage> {
        let (width, height) = self.dimensions();
        let ratio = (width.max(height) as f64 / f64::from(longest)).max(1.0);
        let side = |length: u64| ((length as f64 / ratio).round() as u32).clamp(1, longest.max(1));
        self.region_scaled(ratio, 0, 0, side(width), side(height))
    }

    fn ratio(&self, ratio: f64) -> Result<f64> {
        if ratio.is_finite() && ratio > 1e-3 && ratio < 1e9 {
            return Ok(ratio);
        }
        Err(self.refuse(
            "the resolution asked for, in pixels of level 0,",
            ratio,
            || "a positive number of a slide's order".to_owned(),
        ))
    }

    /// The coarsest level that is not coarser than `ratio` pixels of level 0.
    fn level_for(&self, ratio: f64) -> usize {
        let fine = |level: &super::Level| level.downsample <= ratio * (1.0 + SAME);
        self.levels.iter().rposition(fine).unwrap_or(0)
    }

    fn scaled(
        &self,
        ratio: [f64; 2],
        level: usize,
        at: (i64, i64),
        (w, h): (u32, u32),
    ) -> Result<RgbImage> {
        self.check_pixels(w.into(), h.into())?;
        let base = self.levels[level].downsample;
        let scale = ratio.map(|r| r / base);
        let start = [at.0 as f64 / base, at.1 as f64 / base];
        if scale.iter().all(|s| (s - 1.0).abs() < SAME) {
            return self.region(
                level,
                start[0].round() as i64,
                start[1].round() as i64,
                w,
                h,
            );
        }
        let size = [f64::from(w) * scale[0], f64::from(h) * scale[1]];
        let block = if size[0] * size[1] <= WHOLE {
            1.0
        } else {
            (scale[0].min(scale[1]) / GAP).floor().max(1.0)
        };
        // the triangle reaches one result pixel beyond the region: neighbours join without a seam
        let margin = [0, 1].map(|axis| (scale[axis].max(1.0) / block).ceil() * block + block);
        let from = [0, 1].map(|axis| (start[axis] - margin[axis]).floor());
        let blocks = [0, 1].map(|axis| {
            ((start[axis] + size[axis] + margin[axis] - from[axis]) / block).ceil() as u64
        });
        self.check_pixels(blocks[0], blocks[1])?;
        let corner = (from[0] as i64, from[1] as i64);
        let (bw, bh) = (blocks[0] as u32, blocks[1] as u32);
        let read = if block > 1.0 {
            self.averaged(level, corner, block as i64, (bw, bh))?
        } else {
            self.region(level, corner.0, corner.1, bw, bh)?
        };
        let crop = [0, 1].map(|axis| (start[axis] - from[axis]) / block);
        resize(read, crop, size.map(|s| s / block), (w, h)).ok_or_else(|| {
            self.refuse("the resolution asked for", ratio[0], || {
                "what this region can have".to_owned()
            })
        })
    }

    /// `w * h` means of `block * block` pixels of a level, read tile by tile.
    fn averaged(
        &self,
        level: usize,
        (x, y): (i64, i64),
        block: i64,
        (w, h): (u32, u32),
    ) -> Result<RgbImage> {
        let cells = w as usize * h as usize;
        let mut sums = vec![[0_u64; 3]; cells];
        let mut counts = vec![0_u64; cells];
        let size = self.level_size(level)?;
        let end = (
            x.saturating_add(block.saturating_mul(w.into())),
            y.saturating_add(block.saturating_mul(h.into())),
        );
        self.tiles(level, (x, y), end, |tile, at| {
            let left = x.max(at.0 as i64);
            let right = end.0.min((at.0 + tile.width as u64).min(size.0) as i64);
            let top = y.max(at.1 as i64);
            let bottom = end.1.min((at.1 + tile.height as u64).min(size.1) as i64);
            for py in top..bottom {
                let row = (py - at.1 as i64) as usize * tile.width;
                let cell_row = ((py - y) / block) as usize * w as usize;
                let mut px = left;
                while px < right {
                    let column = (px - x) / block;
                    let stop = (x + (column + 1) * block).min(right);
                    let first = (row + (px - at.0 as i64) as usize) * 3;
                    let last = first + (stop - px) as usize * 3;
                    let cell = cell_row + column as usize;
                    for pixel in tile.rgb[first..last].as_chunks::<3>().0 {
                        for (sum, &value) in sums[cell].iter_mut().zip(pixel) {
                            *sum += u64::from(value);
                        }
                    }
                    counts[cell] += (stop - px) as u64;
                    px = stop;
                }
            }
        })?;
        let all = (block as u64).saturating_mul(block as u64);
        let mut out = RgbImage::new(w, h);
        for ((pixel, sum), count) in out.pixels_mut().zip(&sums).zip(&counts) {
            // what no tile covers is white
            pixel.0 = sum.map(|s| ((s + 255 * (all - count) + all / 2) / all) as u8);
        }
        Ok(out)
    }
}

fn resize(read: RgbImage, crop: [f64; 2], size: [f64; 2], (w, h): (u32, u32)) -> Option<RgbImage> {
    let (rw, rh) = read.dimensions();
    let from = Image::from_vec_u8(rw, rh, read.into_raw(), PixelType::U8x3).ok()?;
    let mut to = Image::new(w, h, PixelType::U8x3);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(crop[0], crop[1], size[0], size[1]);
    Resizer::new().resize(&from, &mut to, &options).ok()?;
    RgbImage::from_raw(w, h, to.into_vec())
}
