//! Patches from the lowest to the highest value of each measure: what a measure sees.

use std::collections::BTreeMap;

use image::imageops::{self, FilterType};
use image::{ImageReader, RgbImage};
use serde::Serialize;

use super::pictures::png_address;
use crate::Error;
use crate::numbers::{count, counted, significant};
use crate::run::measures::Measure;
use crate::run::{Run, first_seen};

/// The shown percentiles: nearly the ends (an extreme is often a fold or a scratch) and even
/// steps between.
const PLACES: [u32; 6] = [2, 20, 40, 60, 80, 98];
/// Largest side of a picture on the page, pixels; less where many concepts share it.
const SIDE: u32 = 96;
const SIDE_OF_MANY: u32 = 64;

/// The strips as the page shows them.
#[derive(Serialize)]
pub(crate) struct Examples {
    pub(crate) strips: Vec<Strip>,
    /// Why strips are left out, once.
    pub(crate) note: Option<String>,
}

/// One concept's patches.
#[derive(Serialize)]
pub(crate) struct Strip {
    pub(crate) concept: String,
    /// Patches measured.
    pub(crate) n: String,
    pub(crate) tiles: Vec<Tile>,
}

/// One patch.
#[derive(Serialize)]
pub(crate) struct Tile {
    pub(crate) id: String,
    pub(crate) picture: String,
    pub(crate) value: String,
    pub(crate) percentile: u32,
}

/// Chooses and reads the patches; `None` where nothing was measured.
///
/// # Errors
/// [`Error::Figure`] when a picture cannot be packed.
pub(crate) fn draw(run: &Run) -> Result<Option<Examples>, Error> {
    let ids = run.patches.iter().map(|p| (p.id.as_str(), p.file.as_str()));
    let files: BTreeMap<&str, &str> = ids.collect();
    let concepts = first_seen(run.fits.iter().map(|f| f.concept.as_str()));
    let shown: Vec<&Measure> = concepts
        .iter()
        .filter_map(|c| run.measures.iter().find(|m| m.concept == *c))
        .filter(|m| m.values.len() >= PLACES.len())
        .collect();
    if shown.is_empty() {
        return Ok(None);
    }
    let side = if shown.len() > 8 { SIDE_OF_MANY } else { SIDE };
    let mut strips = Vec::new();
    let mut failed: Option<String> = None;
    for measure in &shown {
        match strip(run, measure, &files, side)? {
            Ok(strip) => strips.push(strip),
            Err(reason) => {
                failed.get_or_insert(reason);
            }
        }
    }
    let lost = shown.len() - strips.len();
    let note = failed.map(|reason| {
        format!(
            "Example patches of {} are not shown, because a patch's picture cannot be read here \
             ({reason}).",
            counted(lost, "measure", "measures")
        )
    });
    Ok(Some(Examples { strips, note }))
}

/// One concept's strip, or why it cannot be shown.
fn strip(
    run: &Run,
    measure: &Measure,
    files: &BTreeMap<&str, &str>,
    side: u32,
) -> Result<Result<Strip, String>, Error> {
    let mut tiles = Vec::new();
    for (percentile, (id, value)) in chosen(&measure.values) {
        let picture = match files.get(id.as_str()) {
            None => Err(format!("{id} is not in patches.csv")),
            Some(file) => read(run, file),
        };
        match picture {
            Err(reason) => return Ok(Err(reason)),
            Ok(picture) => tiles.push(Tile {
                id: id.clone(),
                picture: png_address(&shrunk(&picture, side), id)?,
                value: significant(*value),
                percentile,
            }),
        }
    }
    Ok(Ok(Strip {
        concept: measure.concept.clone(),
        n: count(measure.values.len()),
        tiles,
    }))
}

/// The values at [`PLACES`] of the sorted ones (nearest rank), with their percentiles.
fn chosen(values: &[(String, f64)]) -> Vec<(u32, &(String, f64))> {
    let mut sorted: Vec<&(String, f64)> = values.iter().collect();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    let last = sorted.len().saturating_sub(1) as f64;
    PLACES
        .iter()
        .filter_map(|&place| {
            let rank = (f64::from(place) / 100.0 * last).round() as usize;
            Some((place, *sorted.get(rank)?))
        })
        .collect()
}

fn read(run: &Run, file: &str) -> Result<RgbImage, String> {
    if file.contains("::") {
        return Err(format!("{file} lies inside an HDF5 file"));
    }
    ImageReader::open(run.folder.join(file))
        .and_then(ImageReader::with_guessed_format)
        .map_err(image::ImageError::from)
        .and_then(ImageReader::decode)
        .map(image::DynamicImage::into_rgb8)
        .map_err(|reason| format!("{file}: {reason}"))
}

/// A picture no larger than `side` pixels, its shape kept.
fn shrunk(picture: &RgbImage, side: u32) -> RgbImage {
    let largest = picture.width().max(picture.height());
    if largest <= side {
        return picture.clone();
    }
    let to = |v: u32| (u64::from(v) * u64::from(side) / u64::from(largest)).max(1) as u32;
    let (width, height) = (to(picture.width()), to(picture.height()));
    imageops::resize(picture, width, height, FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_lie_at_their_percentiles() {
        // 101 values, shuffled: the value at percentile k is k.
        let values: Vec<(String, f64)> = (0..101)
            .map(|i| (i * 37) % 101)
            .map(|v| (format!("p{v}"), f64::from(v)))
            .collect();
        let found: Vec<(u32, f64)> = chosen(&values).iter().map(|(p, v)| (*p, v.1)).collect();
        let expected = PLACES.map(|p| (p, f64::from(p)));
        assert_eq!(found, expected);
    }

    #[test]
    fn large_pictures_keep_their_shape() {
        let picture = RgbImage::new(400, 200);
        assert_eq!(shrunk(&picture, 96).dimensions(), (96, 48));
        assert_eq!(shrunk(&RgbImage::new(30, 20), 96).dimensions(), (30, 20));
    }
}
