//! Writing a cohort of phantom slides.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use image::imageops;

use super::super::write::{number, stain_cells};
use super::cohort::PhantomSlide;
use super::plan::{SlidePlan, TILE};
use super::truth::{Part, RegionTruth};
use crate::error::{Error, Result};
use crate::instances;
use crate::whole::write_whole;
use crate::write::{Codec, Options, pyramid};

/// Draws slides and writes `slides/centre_C/patient_PPP_node_N.tif` (a pyramid of JPEG tiles,
/// tiles of glass not stored), `annotations/patient_PPP_node_N.xml` (ASAP, group `metastases`;
/// without annotations where there is no tumour), `nuclei/patient_PPP_node_N.tif` (the number of
/// each pixel's nucleus, see [`instances`]) and `truth.csv`
/// (`slide,region,label,n_nuclei,mean_area_um2,area_cv,chromatin_contrast`, then the stains'
/// optical densities and strengths; cells are empty where there is no nucleus to measure).
///
/// `progress` is told the number of slides written so far. Files appear whole or not at all, the
/// table last. Tiles are drawn by all threads; the bytes do not depend on their number.
///
/// # Errors
/// A slide cannot be drawn, or a file cannot be written.
pub fn write(
    dir: &Path,
    slides: impl IntoIterator<Item = PhantomSlide>,
    seed: u64,
    mut progress: impl FnMut(usize),
) -> Result<()> {
    let mut table = String::from(
        "slide,region,label,n_nuclei,mean_area_um2,area_cv,chromatin_contrast,\
         h_red,h_green,h_blue,e_red,e_green,e_blue,h_strength,e_strength\n",
    );
    for (done, slide) in slides.into_iter().enumerate() {
        let plan = SlidePlan::new(&slide, seed)?;
        let name = slide.name();
        let file = |folder: &str, ending: &str| -> Result<_> {
            let path = dir.join(folder);
            fs::create_dir_all(&path).map_err(|source| Error::Io {
                path: path.clone(),
                source,
            })?;
            Ok(path.join(format!("{name}.{ending}")))
        };
        let pixels = file(&format!("slides/{}", slide.centre_name()), "tif")?;
        let truth = draw(&plan, &pixels, &file("nuclei", "tif")?)?;
        plan.annotations().write_asap(file("annotations", "xml")?)?;
        for region in truth {
            table.push_str(&row(&name, &region, &plan));
        }
        progress(done + 1);
    }
    write_whole(&dir.join("truth.csv"), table.as_bytes())
}

fn draw(plan: &SlidePlan, pixels: &Path, nuclei: &Path) -> Result<Vec<RegionTruth>> {
    let slide = plan.slide();
    let (width, height) = (u64::from(slide.width), u64::from(slide.height));
    let options = Options {
        tile: TILE,
        codec: Codec::Jpeg { quality: 90 },
        mpp: Some(slide.mpp),
        ..Options::default()
    };
    let mask = instances::Writer::new(width, height, TILE)?;
    let parts: Mutex<Vec<Part>> = Mutex::default();
    pyramid(pixels, width, height, &options, |area| {
        // At most 65,536 pixels on a side.
        let (column, row) = (
            (area.x / u64::from(TILE)) as u32,
            (area.y / u64::from(TILE)) as u32,
        );
        if !plan.has_tissue(column, row) {
            return Ok(None);
        }
        let tile = plan.tile(column, row);
        mask.put(column, row, &tile.nuclei)?;
        // A holder that panicked cannot have left a part half added.
        let mut all = parts.lock().unwrap_or_else(PoisonError::into_inner);
        for part in &tile.parts {
            let at = part.number as usize - 1;
            if all.len() <= at {
                all.resize(at + 1, Part::default());
            }
            all[at].add(part);
        }
        drop(all);
        if (area.width, area.height) == (TILE, TILE) {
            return Ok(Some(tile.image));
        }
        let cut = imageops::crop_imm(&tile.image, 0, 0, area.width, area.height);
        Ok(Some(cut.to_image()))
    })?;
    mask.write(nuclei, Some(slide.mpp))?;
    let parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(plan.truth(&parts))
}

fn row(slide: &str, region: &RegionTruth, plan: &SlidePlan) -> String {
    format!(
        "{slide},{},{},{},{},{},{},{}\n",
        region.name,
        region.label,
        region.n_nuclei,
        number(region.mean_area),
        number(region.area_cv),
        number(region.chromatin_contrast),
        stain_cells(plan.stains())
    )
}
