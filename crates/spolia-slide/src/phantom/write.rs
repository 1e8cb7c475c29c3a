//! Writing a phantom cohort as files.

use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageBuffer, Luma};

use super::cohort::PhantomPatch;
use super::render::{Truth, patch};
use super::stain::Stains;
use crate::error::{Error, Result};
use crate::whole::{write_png, write_whole};

/// Draws patches and writes `patches/<id>.png`, `masks/<id>.png` (16 bit, the number of the
/// nucleus), `patches.csv` (`file` relative to it) and `truth.csv`
/// (`id,label,n_nuclei,mean_area_um2,area_cv,chromatin_contrast`, then the stains' optical
/// densities and strengths; cells are empty where there is no whole nucleus to measure).
///
/// `progress` is told the number of patches written so far. Files appear whole or not at all, the
/// tables last. One patch is held in memory at a time.
///
/// # Errors
/// A patch cannot be drawn, or a file cannot be written.
pub fn write(
    dir: &Path,
    patches: impl IntoIterator<Item = PhantomPatch>,
    seed: u64,
    mut progress: impl FnMut(usize),
) -> Result<()> {
    for folder in ["patches", "masks"] {
        let path = dir.join(folder);
        fs::create_dir_all(&path).map_err(|source| Error::Io { path, source })?;
    }
    let mut table = String::from("id,file,label,patient,centre,slide,x,y,mpp,split\n");
    let mut truths = String::from(
        "id,label,n_nuclei,mean_area_um2,area_cv,chromatin_contrast,\
         h_red,h_green,h_blue,e_red,e_green,e_blue,h_strength,e_strength\n",
    );
    for (done, spec) in patches.into_iter().enumerate() {
        let (image, truth) = patch(&spec, seed)?;
        let id = &spec.id;
        write_png(
            &dir.join(format!("patches/{id}.png")),
            &DynamicImage::ImageRgb8(image),
        )?;
        write_mask(&dir.join(format!("masks/{id}.png")), spec.size, &truth)?;
        table.push_str(&format!(
            "{id},patches/{id}.png,{},{},{},{},{},{},{},\n",
            spec.label,
            spec.patient_name(),
            spec.centre_name(),
            spec.slide_name(),
            spec.x,
            spec.y,
            spec.mpp
        ));
        truths.push_str(&truth_row(id, &truth));
        progress(done + 1);
    }
    write_whole(&dir.join("truth.csv"), truths.as_bytes())?;
    write_whole(&dir.join("patches.csv"), table.as_bytes())
}

/// A cell of a table; empty for none.
pub(super) fn number(value: Option<f64>) -> String {
    value.map(|v| format!("{v:.6}")).unwrap_or_default()
}

/// Optical densities of hematoxylin and eosin (red, green, blue), then their strengths.
pub(super) fn stain_cells(stains: &Stains) -> String {
    let cells: Vec<String> = stains
        .hematoxylin
        .iter()
        .chain(&stains.eosin)
        .chain([&stains.hematoxylin_strength, &stains.eosin_strength])
        .map(|v| format!("{v:.5}"))
        .collect();
    cells.join(",")
}

fn truth_row(id: &str, truth: &Truth) -> String {
    format!(
        "{id},{},{},{},{},{},{}\n",
        truth.label,
        truth.n_nuclei,
        number(truth.mean_area),
        number(truth.area_cv),
        number(truth.chromatin_contrast),
        stain_cells(&truth.stains)
    )
}

fn write_mask(path: &Path, size: u32, truth: &Truth) -> Result<()> {
    let mask = ImageBuffer::<Luma<u16>, _>::from_fn(size, size, |x, y| {
        Luma([truth.mask[y as usize * size as usize + x as usize]])
    });
    write_png(path, &DynamicImage::ImageLuma16(mask))
}
