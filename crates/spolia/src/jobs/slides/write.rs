//! What is written of a slide: patches as pictures or in CLAM's layout, and a picture of what was found.

use std::path::Path;

use hdf5_pure::{AttrValue, FileBuilder};
use miette::IntoDiagnostic;
use spolia_slide::Slide;
use spolia_slide::annotation::{Label, Shape};
use spolia_slide::patches::{self, Patch};
use spolia_slide::tissue::{self, Mask};

use super::names::name;
use crate::jobs::visualize::png;
use crate::run_folder::write_atomic;

/// Writes `patches/LABEL/ID.png`.
pub(super) fn pictures(slide: &Slide, found: &[Patch], out: &Path) -> miette::Result<()> {
    for (patch, image) in patches::read(slide, found) {
        let folder = out.join("patches").join(class(patch));
        std::fs::create_dir_all(&folder).into_diagnostic()?;
        patches::write_png(&folder, patch, image.into_diagnostic()?).into_diagnostic()?;
    }
    Ok(())
}

/// Writes `h5/SLIDE.h5`, whole or not at all.
pub(super) fn hdf5(slide: &Slide, found: &[Patch], out: &Path) -> miette::Result<()> {
    let Some(first) = found.first() else {
        return Ok(());
    };
    let (n, side) = (found.len() as u64, u64::from(first.size));
    let mut pixels = Vec::with_capacity((n * side * side * 3) as usize);
    for (_, image) in patches::read(slide, found) {
        pixels.extend(image.into_diagnostic()?.into_raw());
    }
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
pub fn picture(picture: image::RgbImage, file: &Path) -> miette::Result<()> {
    let (width, height) = picture.dimensions();
    let bytes = png(width as usize, height as usize, picture.into_raw())?;
    Ok(write_atomic(file, &bytes)?)
}
