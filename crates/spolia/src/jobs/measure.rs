//! Measures of one patch, and of copies of it changed as training changes them.

use std::path::Path;

use spolia_dataset::{Augment, Patch, Problem, Reader, RgbPatch};
use spolia_measure::{Measure, measure_rgb_at, measure_rgb_with_mask};

use super::masks::instance_mask;

/// The patch's measures, in their order.
///
/// # Errors
/// A [`Problem`] that names the patch: it cannot be read, or a measure is not defined for it.
pub fn measure(patch: &Patch, reader: &Reader, measures: &[Measure]) -> Result<Vec<f64>, Problem> {
    of_image(patch, &read(patch, reader)?, measures)
}

/// The patch's measures with the nuclei of `masks/ID.png`, an instance mask (gray, 8 or 16 bits, 0 background), or as
/// [`measure`] where there is none.
///
/// # Errors
/// As [`measure`]; the mask cannot be read, or is of another size.
pub fn measure_with_masks(
    patch: &Patch,
    reader: &Reader,
    measures: &[Measure],
    masks: &Path,
) -> Result<Vec<f64>, Problem> {
    let image = read(patch, reader)?;
    let size = (image.width, image.height);
    let Some(mask) = instance_mask(patch, size, masks)? else {
        return of_image(patch, &image, measures);
    };
    measure_rgb_with_mask(&image.data, size, patch.mpp, &mask, measures)
        .map_err(|e| problem(patch, e.to_string()))
}

/// Measures of a patch's copies; none where one is not defined.
pub type Copies = Vec<Option<Vec<f64>>>;

/// The patch's measures, and some of them on `seeds.len()` copies, each changed as the paper's augmentation does by its
/// seed. A copy on which a measure is not defined has no values.
///
/// # Errors
/// As [`measure`], for the patch itself.
pub fn measure_with_copies(
    patch: &Patch,
    reader: &Reader,
    measures: &[Measure],
    (repeated, seeds): (&[Measure], &[u64]),
) -> Result<(Vec<f64>, Copies), Problem> {
    let image = read(patch, reader)?;
    let values = of_image(patch, &image, measures)?;
    let copies = seeds.iter().map(|&seed| {
        let mut rgb: Vec<f32> = image.data.iter().map(|&v| f32::from(v) / 255.0).collect();
        Augment::PAPER
            .draw(seed)
            .apply(&mut rgb, image.width, image.height);
        let bytes: Vec<u8> = rgb.iter().map(|v| (v * 255.0).round() as u8).collect();
        measure_rgb_at(&bytes, image.width, image.height, patch.mpp, repeated).ok()
    });
    Ok((values, copies.collect()))
}

fn read(patch: &Patch, reader: &Reader) -> Result<RgbPatch, Problem> {
    reader
        .read(patch)
        .map_err(|e| problem(patch, e.to_string()))
}

fn of_image(patch: &Patch, image: &RgbPatch, measures: &[Measure]) -> Result<Vec<f64>, Problem> {
    measure_rgb_at(&image.data, image.width, image.height, patch.mpp, measures)
        .map_err(|e| problem(patch, e.to_string()))
}

fn problem(patch: &Patch, what: String) -> Problem {
    Problem {
        item: patch.id.clone(),
        what,
        remedy: "the others are measured without it".into(),
    }
}
