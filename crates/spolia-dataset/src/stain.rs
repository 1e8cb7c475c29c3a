//! The stains of each slide of a patch table, to compare centres.

use std::collections::BTreeMap;

use rayon::prelude::*;
use spolia_measure::stain::{StainBasis, StainOptions};

use crate::read::Reader;
use crate::table::{Patch, PatchTable};

/// Patches that a slide's stains are estimated of.
const PATCHES: usize = 16;
/// Most of their pixels that are looked at.
const PIXELS: usize = 1 << 19;
/// Most slides of a centre that are looked at.
const SLIDES: usize = 64;

/// The stains of a slide.
#[derive(Debug, Clone, PartialEq)]
pub struct SlideStain {
    /// Its name; its patient's where it is unknown.
    pub slide: String,
    /// Its patient; the slide where it is unknown.
    pub patient: String,
    /// Its centre.
    pub centre: String,
    /// Patches that were looked at.
    pub patches: usize,
    /// Haematoxylin and eosin (Macenko et al. 2009), or why they cannot be told.
    pub stains: std::result::Result<StainBasis, String>,
}

/// Estimates the stains of up to 64 slides of each centre, each over up to 16 of its patches, spread evenly over the table.
/// Patches whose centre, or whose slide and patient, are unknown are left aside, as are those that cannot be read. Sorted by
/// centre and slide.
#[must_use]
pub fn slide_stains(table: &PatchTable, reader: &Reader) -> Vec<SlideStain> {
    let mut centres: BTreeMap<&str, BTreeMap<&str, Vec<&Patch>>> = BTreeMap::new();
    for patch in table.patches() {
        let slide = patch.slide.as_deref().or(patch.patient.as_deref());
        if let (Some(centre), Some(slide)) = (patch.centre.as_deref(), slide) {
            let slides = centres.entry(centre).or_default();
            slides.entry(slide).or_default().push(patch);
        }
    }
    let mut chosen: Vec<(&str, &str, Vec<&Patch>)> = Vec::new();
    for (centre, slides) in centres {
        let every = step(slides.len(), SLIDES);
        for (slide, patches) in slides.into_iter().step_by(every) {
            let every = step(patches.len(), PATCHES);
            chosen.push((centre, slide, patches.into_iter().step_by(every).collect()));
        }
    }
    let of = |(centre, slide, patches): &(&str, &str, Vec<&Patch>)| {
        let patient = patches.iter().find_map(|p| p.patient.as_deref());
        SlideStain {
            slide: (*slide).to_owned(),
            patient: patient.unwrap_or(slide).to_owned(),
            centre: (*centre).to_owned(),
            patches: patches.len(),
            stains: stains(patches, reader),
        }
    };
    chosen.par_iter().map(of).collect()
}

fn stains(patches: &[&Patch], reader: &Reader) -> std::result::Result<StainBasis, String> {
    let mut rgb = Vec::new();
    for patch in patches {
        let Ok(image) = reader.read(patch) else {
            continue;
        };
        let stride = (image.data.len() / 3 * patches.len())
            .div_ceil(PIXELS)
            .max(1);
        rgb.extend(image.data.chunks_exact(3).step_by(stride).flatten());
    }
    if rgb.is_empty() {
        return Err("none of its patches can be read".to_owned());
    }
    StainBasis::estimate(&rgb, rgb.len() / 3, 1, &StainOptions::default())
        .map_err(|e| e.to_string())
}

/// Each how many-th of `n` items to take, so that there are at most so many.
fn step(n: usize, most: usize) -> usize {
    n.div_ceil(most).max(1)
}
