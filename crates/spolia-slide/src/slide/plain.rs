//! Images that are no TIFF: slides of one level, decoded whole.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;
use std::sync::Arc;

use image::{ImageDecoder, ImageReader, RgbImage};

use super::{Level, MOST_PIXELS, Pixels, Slide, TileCache};
use crate::tiff::Tile;
use crate::vendor::Vendor;
use crate::{Error, Result};

pub(super) fn open(path: &Path, cache: Arc<TileCache>) -> Result<Slide> {
    let file = File::open(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    let image = decode(BufReader::new(file), path)?;
    let (w, h) = image.dimensions();
    let level = Level {
        width: w.into(),
        height: h.into(),
        downsample: 1.0,
        tile: (w.into(), h.into()),
        compression: "none",
    };
    Ok(Slide {
        path: path.to_owned(),
        vendor: Vendor::Image,
        levels: vec![level],
        mpp: None,
        objective: None,
        description: String::new(),
        number: cache.register(),
        cache,
        pixels: Pixels::Plain(image),
    })
}

/// Decodes an image over white; `path` is named where it cannot be.
pub(super) fn decode(from: impl BufRead + Seek, path: &Path) -> Result<RgbImage> {
    let refuse = |reason: String| Error::NotSlide {
        path: path.to_owned(),
        reason,
    };
    let mut reader = ImageReader::new(from)
        .with_guessed_format()
        .map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(4 * MOST_PIXELS);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|e| refuse(e.to_string()))?;
    let (w, h) = decoder.dimensions();
    let pixels = u64::from(w) * u64::from(h);
    if pixels == 0 || pixels > MOST_PIXELS {
        return Err(Error::Region {
            path: path.to_owned(),
            what: "the image's size in pixels",
            value: pixels as f64,
            expected: format!(
                "between 1 and {MOST_PIXELS}; make it a pyramid: `vips tiffsave IN OUT.tif --tile --pyramid`"
            ),
        });
    }
    let image = image::DynamicImage::from_decoder(decoder).map_err(|e| refuse(e.to_string()))?;
    Ok(over_white(image))
}

fn over_white(image: image::DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    let mut out = RgbImage::new(image.width(), image.height());
    for (to, from) in out.pixels_mut().zip(image.pixels()) {
        let [r, g, b, a] = from.0.map(u32::from);
        to.0 = [r, g, b].map(|value| ((value * a + 255 * (255 - a) + 127) / 255) as u8);
    }
    out
}

/// The part of an image from `start` to `end` (not included), which lie inside of it.
pub(super) fn cut(image: &RgbImage, start: (u64, u64), end: (u64, u64)) -> Tile {
    let (left, right) = (start.0 as usize, end.0 as usize);
    let row = image.width() as usize * 3;
    let rgb = image
        .as_raw()
        .chunks_exact(row)
        .skip(start.1 as usize)
        .take((end.1 - start.1) as usize)
        .flat_map(|line| &line[left * 3..right * 3])
        .copied()
        .collect();
    Tile {
        width: right - left,
        height: (end.1 - start.1) as usize,
        rgb,
    }
}
