//! Formats that are read by OpenSlide (feature `openslide`): its levels, in tiles of a size of our own, so that they share the cache.

use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use openslide_rs::{Address, OpenSlide, Region, Size};

use super::{Level, Pixels, Slide, TileCache};
use crate::tiff::Tile;
use crate::vendor::{Mpp, Vendor};
use crate::{Error, Result};

/// Side of a tile, pixels.
pub(super) const TILE: u64 = 512;

/// OpenSlide's names of vendors.
const VENDORS: [&str; 12] = [
    "aperio",
    "dicom",
    "generic-tiff",
    "hamamatsu",
    "leica",
    "mirax",
    "philips",
    "sakura",
    "synthetic",
    "trestle",
    "ventana",
    "zeiss",
];

/// A slide in OpenSlide's hands.
#[derive(Debug)]
pub(super) struct Foreign {
    slide: OpenSlide,
    pub(super) associated: Vec<String>,
}

/// Whether OpenSlide knows the file.
pub(super) fn knows(path: &Path) -> bool {
    OpenSlide::detect_vendor(path).is_ok()
}

pub(super) fn open(path: &Path, cache: Arc<TileCache>) -> Result<Slide> {
    let fail = |error| refuse(path, &error);
    let slide = OpenSlide::new(path).map_err(fail)?;
    let sizes = slide.all_level_dimensions().iter();
    let levels = sizes.zip(slide.all_level_downsamples());
    let levels: Vec<Level> = levels
        .map(|(size, &downsample)| Level {
            width: size.w.into(),
            height: size.h.into(),
            downsample,
            tile: (TILE, TILE),
            compression: "openslide",
        })
        .collect();
    let number = |name: &str| -> Option<f64> {
        let text = slide.property_value(name).ok()?;
        text.parse().ok().filter(|v: &f64| v.is_finite())
    };
    let mpp = number("openslide.mpp-x").zip(number("openslide.mpp-y"));
    let name = slide.property_value("openslide.vendor").unwrap_or_default();
    let known = VENDORS.into_iter().find(|vendor| *vendor == name);
    Ok(Slide {
        path: path.to_owned(),
        vendor: Vendor::OpenSlide(known.unwrap_or("openslide")),
        levels,
        mpp: mpp.and_then(|(x, y)| Mpp::plausible(x, y)),
        objective: number("openslide.objective-power"),
        description: slide
            .property_value("openslide.comment")
            .unwrap_or_default(),
        number: cache.register(),
        cache,
        pixels: Pixels::OpenSlide(Foreign {
            associated: slide.associated_image_names().map_err(fail)?,
            slide,
        }),
    })
}

fn refuse(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::OpenSlide {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

impl Foreign {
    /// A tile of a level, with its column and row in the grid of tiles.
    pub(super) fn tile(
        &self,
        path: &Path,
        (number, level): (usize, &Level),
        (column, row): (u64, u64),
    ) -> Result<Tile> {
        let fail = |error: &dyn std::fmt::Display| refuse(path, error);
        let (left, top) = (column * TILE, row * TILE);
        let side = |from: u64, length: u64| (length - from).min(TILE) as u32;
        let size = Size {
            w: side(left, level.width),
            h: side(top, level.height),
        };
        let place = |own: u64| (own as f64 * level.downsample).round() as u32;
        let region = Region {
            size,
            level: number as u32,
            address: Address {
                x: place(left),
                y: place(top),
            },
        };
        let pixels = self.slide.read_region(&region).map_err(|e| fail(&e))?;
        Ok(Tile {
            width: size.w as usize,
            height: size.h as usize,
            rgb: over_white(&pixels),
        })
    }

    /// An associated image.
    pub(super) fn image(&self, path: &Path, name: &str) -> Result<RgbImage> {
        let (size, pixels) = self
            .slide
            .read_associated_buffer(name)
            .map_err(|e| refuse(path, &e))?;
        RgbImage::from_raw(size.w, size.h, over_white(&pixels)).ok_or_else(|| {
            refuse(
                path,
                &format!("its image `{name}` has another size than it says"),
            )
        })
    }
}

/// RGB over white of premultiplied ARGB, a native-endian word for each pixel.
fn over_white(pixels: &[u8]) -> Vec<u8> {
    let (words, _) = pixels.as_chunks::<4>();
    let rgb = words.iter().flat_map(|word| {
        let [a, r, g, b] = u32::from_ne_bytes(*word).to_be_bytes();
        [r, g, b].map(|value| value.saturating_add(255 - a))
    });
    rgb.collect()
}
