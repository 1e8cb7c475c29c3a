//! What is written of a slide: patches as pictures or in CLAM's layout, and a picture of what was found.

use std::collections::BTreeSet;
use std::path::Path;

use hdf5_pure::{AttrValue, FileBuilder};
use image::RgbImage;
use miette::IntoDiagnostic;
use rayon::prelude::*;
use spolia_slide::Slide;
use spolia_slide::annotation::{Label, Shape};
use spolia_slide::patches::{self, Patch};
use spolia_slide::tissue::{self, Mask};

use super::names::name;
use super::stain::Fitted;
use crate::jobs::visualize::png;
use crate::run_folder::write_atomic;

/// Most bytes of patches in one HDF5 file: they are held until it is written.
const MOST_BYTES: u64 = 1 << 30;
/// Side of the squares, in pixels of level 0, in whose order patches are read, so that tiles are decoded once.
const NEAR: u64 = 2_048;

/// Writes `patches/LABEL/ID.png`, in parallel; a patch for each thread is in memory.
pub(super) fn pictures(
    slide: &Slide,
    found: &[Patch],
    stain: Option<&Fitted>,
    out: &Path,
) -> miette::Result<()> {
    for class in found.iter().map(class).collect::<BTreeSet<_>>() {
        std::fs::create_dir_all(out.join("patches").join(class)).into_diagnostic()?;
    }
    let mut near: Vec<&Patch> = found.iter().collect();
    near.sort_by_key(|p| (p.y / NEAR, p.x / NEAR, p.y, p.x));
    let written: Vec<miette::Result<()>> = near
        .par_iter()
        .map(|patch| {
            let image = read(slide, patch, stain)?;
            let folder = out.join("patches").join(class(patch));
            patches::write_png(&folder, patch, image).into_diagnostic()
        })
        .collect();
    written.into_iter().collect()
}

fn read(slide: &Slide, patch: &Patch, stain: Option<&Fitted>) -> miette::Result<RgbImage> {
    let image = patch.read(slide).into_diagnostic()?;
    match stain {
        Some(stain) => stain.repaint(&image),
        None => Ok(image),
    }
}

/// Writes `h5/SLIDE.h5`, whole or not at all; all its patches are in memory.
pub(super) fn hdf5(
    slide: &Slide,
    found: &[Patch],
    stain: Option<&Fitted>,
    out: &Path,
) -> miette::Result<()> {
    let Some(first) = found.first() else {
        return Ok(());
    };
    let (n, side) = (found.len() as u64, u64::from(first.size));
    let bytes = n * side * side * 3;
    if bytes > MOST_BYTES {
        return Err(miette::miette!(
            "{}: its {n} patches take {:.1} GiB, more than the 1 GiB that is held for an HDF5 file; write png, or csv (places alone), or              fewer patches",
            slide.path().display(),
            bytes as f64 / MOST_BYTES as f64
        ));
    }
    let mut pixels = vec![0; bytes as usize];
    pixels
        .par_chunks_exact_mut((side * side * 3) as usize)
        .zip(found.par_iter())
        .map(|(to, patch)| {
            to.copy_from_slice(&read(slide, patch, stain)?);
            Ok(())
        })
        .collect::<Vec<miette::Result<()>>>()
        .into_iter()
        .collect::<miette::Result<()>>()?;
    let coordinates: Vec<i64> = found
        .iter()
        .flat_map(|p| [p.x as i64, p.y as i64])
        .collect();
    let downsample = slide
        .levels()
        .get(first.level)
        .map_or(1.0, |l| l.downsample);
    let mut file = FileBuilder::new();
    let coords = file.create_dataset("coords");
    coords.with_i64_data(&coordinates).with_shape(&[n, 2]);
    for (name, value) in [
        ("patch_level", first.level as i64),
        // In pixels of that level, from which patches of another µm/px are resampled.
        ("patch_size", (first.span / downsample).round() as i64),
        ("patch_size_level0", first.span.round() as i64),
    ] {
        coords.set_attr(name, AttrValue::I64(value));
    }
    file.create_dataset("imgs")
        .with_u8_data(&pixels)
        .with_shape(&[n, side, side, 3]);
    drop(pixels);
    let target = out.join(format!("h5/{}.h5", name(slide.path())));
    let bytes = file
        .finish()
        .map_err(|e| miette::miette!("{}: cannot be written: {e}", target.display()))?;
    Ok(write_atomic(&target, &bytes)?)
}

/// Folder of a patch of this label.
pub(super) fn class(patch: &Patch) -> &'static str {
    patch.label.map_or("unlabelled", Label::name)
}

/// A picture of what was found, and the mask.
pub(super) fn qc(
    slide: &Slide,
    mask: &Mask,
    tumor: Option<&Shape>,
    found: &[Patch],
    out: &Path,
) -> miette::Result<()> {
    let folder = out.join("qc");
    std::fs::create_dir_all(&folder).into_diagnostic()?;
    let own = name(slide.path());
    let drawn = tissue::picture(slide, mask, tumor, found).into_diagnostic()?;
    picture(drawn, &folder.join(format!("{own}.png")))?;
    mask.write_png(&folder.join(format!("{own}_mask.png")))
        .into_diagnostic()
}

/// Writes a picture whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn picture(picture: RgbImage, file: &Path) -> miette::Result<()> {
    let (width, height) = picture.dimensions();
    let bytes = png(width as usize, height as usize, picture.into_raw())?;
    Ok(write_atomic(file, &bytes)?)
}
