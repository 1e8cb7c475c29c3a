//! Reading many patches, and writing them as PNG.

use std::path::Path;

use image::{DynamicImage, RgbImage};
use rayon::prelude::*;

use super::Patch;
use crate::Result;
use crate::slide::Slide;

/// Patches read at once for each thread.
const AHEAD: usize = 4;

/// Reads patches of one slide, in parallel and in order. No more than four patches for each thread
/// are in memory, beside the slide's tile cache. One that cannot be read does not stop the others.
pub fn read<'a>(
    slide: &'a Slide,
    patches: &'a [Patch],
) -> impl Iterator<Item = (&'a Patch, Result<RgbImage>)> {
    let batch = rayon::current_num_threads() * AHEAD;
    patches.chunks(batch.max(1)).flat_map(move |some| {
        let read: Vec<_> = some.par_iter().map(|patch| patch.read(slide)).collect();
        some.iter().zip(read)
    })
}

/// Writes a patch as `<id>.png` into a folder that exists, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write_png(folder: &Path, patch: &Patch, image: RgbImage) -> Result<()> {
    let path = folder.join(format!("{}.png", patch.id()));
    crate::whole::write_png(&path, &DynamicImage::ImageRgb8(image))
}
