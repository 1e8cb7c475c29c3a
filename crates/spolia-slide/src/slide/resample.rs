//! Regions at any resolution: read from the nearest finer level, then resampled with antialiasing.

use std::collections::VecDeque;

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use super::Slide;
use crate::tiff::Tile;
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

    /// `w * h` means of `block * block` pixels of a level, read one row of tiles after the other: sums are held of the
    /// blocks that the row touches, so that memory does not depend on the level's height.
    fn averaged(
        &self,
        level: usize,
        (x, y): (i64, i64),
        block: i64,
        (w, h): (u32, u32),
    ) -> Result<RgbImage> {
        let mut means = Means {
            block,
            origin: (x, y),
            size: self.level_size(level)?,
            row: 0,
            sums: VecDeque::new(),
            out: RgbImage::new(w, h),
        };
        let right = x.saturating_add(block.saturating_mul(w.into()));
        let bottom = y.saturating_add(block.saturating_mul(h.into()));
        let rows = self.tile_rows(level);
        let mut top = y;
        while top < bottom {
            let end = if top < 0 {
                0
            } else if top as u64 >= means.size.1 {
                bottom
            } else {
                (top / rows + 1) * rows
            };
            let end = end.min(bottom);
            self.tiles(level, (x, top), (right, end), |tile, at| {
                means.add(tile, at, (top, end));
            })?;
            means.finish((end - y) / block);
            top = end;
        }
        Ok(means.out)
    }
}

/// Sums of a block's pixels, and their number.
type Sums = Vec<([u64; 3], u64)>;

/// Means of blocks, from the top to the bottom.
struct Means {
    block: i64,
    /// Top left corner of the first block in pixels of the level.
    origin: (i64, i64),
    /// Size of the level.
    size: (u64, u64),
    /// The first row of blocks that is not finished.
    row: i64,
    /// Sums of that row and those below it that were begun.
    sums: VecDeque<Sums>,
    out: RgbImage,
}

impl Means {
    /// Adds the pixels of a tile between two rows of the level.
    fn add(&mut self, tile: &Tile, at: (u64, u64), (first, last): (i64, i64)) {
        let ((x, y), block, w) = (self.origin, self.block, self.out.width() as usize);
        let end = x.saturating_add(block.saturating_mul(w as i64));
        let left = x.max(at.0 as i64);
        let right = end.min((at.0 + tile.width as u64).min(self.size.0) as i64);
        let top = first.max(at.1 as i64);
        let bottom = last.min((at.1 + tile.height as u64).min(self.size.1) as i64);
        for py in top..bottom {
            let line = (py - at.1 as i64) as usize * tile.width;
            let own = ((py - y) / block - self.row) as usize;
            while self.sums.len() <= own {
                self.sums.push_back(vec![([0; 3], 0); w]);
            }
            let mut px = left;
            while px < right {
                let column = (px - x) / block;
                let stop = (x + (column + 1) * block).min(right);
                let from = (line + (px - at.0 as i64) as usize) * 3;
                let to = from + (stop - px) as usize * 3;
                let (sums, count) = &mut self.sums[own][column as usize];
                for pixel in tile.rgb[from..to].as_chunks::<3>().0 {
                    for (sum, &value) in sums.iter_mut().zip(pixel) {
                        *sum += u64::from(value);
                    }
                }
                *count += (stop - px) as u64;
                px = stop;
            }
        }
    }

    /// Writes the rows of blocks above `end`, of which no more pixels come.
    fn finish(&mut self, end: i64) {
        let all = (self.block as u64).saturating_mul(self.block as u64);
        let w = self.out.width() as usize;
        while self.row < end {
            let blank = || vec![([0; 3], 0); w];
            let sums = self.sums.pop_front().unwrap_or_else(blank);
            let pixels = self.out.as_mut()[self.row as usize * w * 3..]
                .as_chunks_mut::<3>()
                .0;
            for (pixel, (sum, count)) in pixels.iter_mut().zip(sums) {
                // what no tile covers is white
                *pixel = sum.map(|s| ((s + 255 * (all - count) + all / 2) / all) as u8);
            }
            self.row += 1;
        }
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
