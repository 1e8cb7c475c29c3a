//! The stitched maps of a slide as files: pyramids, pictures over the slide, and numbers.

use std::path::Path;

use image::{Rgb, RgbImage};
use miette::IntoDiagnostic;
use spolia_interpret::attention::{ColourMap, Drawing, Map, Picture, overlay};
use spolia_slide::{Slide, write};

use super::write::picture;
use crate::jobs::attention::npy_f32;
use crate::run_folder::write_atomic;

/// Longest side of a picture, pixels.
const LONGEST: u32 = 2_048;
const COLOURS: ColourMap = ColourMap::Viridis;

/// A slide's maps, NaN where no patch lies.
pub(super) struct Drawn<'a> {
    pub slide: &'a Slide,
    /// Side of a cell, pixels of level 0.
    pub cell: f64,
    pub probability: &'a Map,
    pub attention: &'a Map,
    /// Attention that the strongest colour stands for.
    pub scale: f32,
    pub class_name: &'a str,
}

/// Writes of probability and attention `.npy` (rows x columns, float32), `.tif` (a pyramid in colours over white, which lies on
/// the slide by its µm/px) and `.png` (over the slide, with the line of half the scale).
///
/// # Errors
/// The slide cannot be read or a file cannot be written.
pub(super) fn write(drawn: &Drawn<'_>, out: &Path) -> miette::Result<()> {
    let thumbnail = drawn.slide.thumbnail(LONGEST).into_diagnostic()?;
    let probability = format!("probability of {}", drawn.class_name);
    let attention = format!("attention for {}", drawn.class_name);
    for (name, map, high, words) in [
        ("probability", drawn.probability, 1.0, &probability),
        ("attention", drawn.attention, drawn.scale, &attention),
    ] {
        let shape = [map.height as u64, map.width as u64];
        write_atomic(
            &out.join(format!("{name}.npy")),
            &npy_f32(&map.values, &shape)?,
        )?;
        pyramid(drawn, map, high, &out.join(format!("{name}.tif")))?;
        let over = over(drawn, map, high, &thumbnail, words)?;
        picture(over, &out.join(format!("{name}.png")))?;
    }
    Ok(())
}

fn pyramid(drawn: &Drawn<'_>, map: &Map, high: f32, file: &Path) -> miette::Result<()> {
    let options = write::Options {
        codec: write::Codec::Deflate,
        mpp: drawn.slide.mpp().map(|mpp| mpp.mean() * drawn.cell),
        ..write::Options::default()
    };
    write::pyramid(
        file,
        map.width as u64,
        map.height as u64,
        &options,
        |area| {
            let (x0, y0) = (area.x as usize, area.y as usize);
            let mut covered = false;
            let tile = RgbImage::from_fn(area.width, area.height, |x, y| {
                let value = map.values[(y0 + y as usize) * map.width + x0 + x as usize];
                covered |= !value.is_nan();
                Rgb(if value.is_nan() {
                    [255; 3]
                } else {
                    COLOURS.at(value / high.max(f32::MIN_POSITIVE))
                })
            });
            Ok(covered.then_some(tile))
        },
    )
    .into_diagnostic()
}

fn over(
    drawn: &Drawn<'_>,
    map: &Map,
    high: f32,
    thumbnail: &RgbImage,
    words: &str,
) -> miette::Result<RgbImage> {
    let (width, height) = thumbnail.dimensions();
    let size = (width as usize, height as usize);
    let values = sampled(map, size, drawn.slide.dimensions(), drawn.cell);
    let ground = Picture::new(size.0, size.1, thumbnail.clone().into_raw()).into_diagnostic()?;
    let drawing = Drawing {
        colours: COLOURS,
        range: Some((0.0, high)),
        ..Drawing::default()
    };
    let mut shown = overlay(&ground, &values, &drawing).rgb;
    if let Some(mpp) = drawn.slide.mpp() {
        let um_per_px = mpp.mean() * drawn.slide.dimensions().0 as f64 / f64::from(width);
        spolia_report::scale_bar(&mut shown, size, um_per_px);
    }
    spolia_report::colour_bar(
        &mut shown,
        size,
        COLOURS.name(),
        (words, &format!("{high:.3}")),
    );
    RgbImage::from_raw(width, height, shown)
        .ok_or_else(|| miette::miette!("a picture of another size than its slide's"))
}

/// The map at the size of a picture of the whole slide, bilinear; 0 where no patch lies. The last cells reach beyond the slide,
/// so that the picture is cut out of the map.
fn sampled(map: &Map, (width, height): (usize, usize), slide: (u64, u64), cell: f64) -> Map {
    let value = |row: usize, column: usize| {
        let value = map.values[row * map.width + column];
        if value.is_nan() { 0.0 } else { value }
    };
    // Two neighbouring cells, and the share of the second.
    let between = |i: usize, side: usize, whole: u64, cells: usize| {
        let place = (i as f64 + 0.5) / side as f64 * whole as f64 / cell - 0.5;
        let place = place.clamp(0.0, (cells - 1) as f64);
        let first = place as usize;
        (
            first,
            (first + 1).min(cells - 1),
            (place - first as f64) as f32,
        )
    };
    let values = (0..height).flat_map(|y| {
        let (top, bottom, down) = between(y, height, slide.1, map.height);
        (0..width).map(move |x| {
            let (left, right, across) = between(x, width, slide.0, map.width);
            let mix = |row| value(row, left) * (1.0 - across) + value(row, right) * across;
            mix(top) * (1.0 - down) + mix(bottom) * down
        })
    });
    Map {
        height,
        width,
        values: values.collect(),
    }
}

/// The value below which `share` of the map's cells lie that a patch covers; 0 where there is none.
pub(super) fn percentile(map: &Map, share: f64) -> f32 {
    let mut values: Vec<f32> = map.values.iter().copied().filter(|v| !v.is_nan()).collect();
    if values.is_empty() {
        return 0.0;
    }
    let place = ((values.len() - 1) as f64 * share).round() as usize;
    *values.select_nth_unstable_by(place, f32::total_cmp).1
}
