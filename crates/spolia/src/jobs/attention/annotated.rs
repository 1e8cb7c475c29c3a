//! Where in a patch of a slide tumour is annotated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use spolia_dataset::{Mpp, Patch, Resolution, Source};
use spolia_slide::Slide;
use spolia_slide::annotation::Shape;

use crate::jobs::slides::{annotated, name};

/// The annotated tumour of slides.
#[derive(Debug)]
pub struct Annotated {
    /// By the slide's name.
    tumor: BTreeMap<String, Shape>,
    /// Pixels of level 0 in a pixel of each patch that is read from a slide, by the patch's id.
    scale: BTreeMap<String, f64>,
    /// µm/px of level 0 of slides whose patches are files of their own.
    slide_mpp: Option<f64>,
}

impl Annotated {
    /// Reads the annotations of the patches' slides, each called as its slide, and opens the slides that patches are read from.
    ///
    /// # Errors
    /// An annotation or a slide cannot be used.
    pub fn read(
        annotations: &[PathBuf],
        patches: &[&Patch],
        slide_mpp: Option<f64>,
    ) -> miette::Result<Self> {
        let mut tumor = BTreeMap::new();
        for file in annotations {
            let own = name(file);
            if patches.iter().any(|p| p.slide.as_deref() == Some(&*own)) {
                tumor.insert(own, annotated(file, None)?);
            }
        }
        let mut slides: BTreeMap<&Path, Slide> = BTreeMap::new();
        let mut scale = BTreeMap::new();
        for patch in patches {
            let Source::Region { file, region } = &patch.source else {
                continue;
            };
            if !slides.contains_key(file.as_path()) {
                let slide = Slide::open(file).map_err(|e| miette::miette!("{e}"))?;
                slides.insert(file, slide);
            }
            let Some(slide) = slides.get(file.as_path()) else {
                continue;
            };
            let level_0 = region
                .slide_mpp
                .map(Mpp::value)
                .or(slide.mpp().map(|m| m.mean()));
            let of = match region.resolution {
                Resolution::Mpp(mpp) => level_0.map(|level_0| mpp.value() / level_0),
                Resolution::Level(level) => slide.levels().get(level).map(|l| l.downsample),
            };
            if let Some(of) = of {
                scale.insert(patch.id.clone(), of);
            }
        }
        Ok(Self {
            tumor,
            scale,
            slide_mpp,
        })
    }

    /// Whether each pixel of a patch is tumour; none where its slide is not annotated.
    ///
    /// # Errors
    /// Says what of the patch's place is not known.
    pub(super) fn under(
        &self,
        patch: &Patch,
        (width, height): (usize, usize),
    ) -> Result<Option<Vec<bool>>, String> {
        let Some(shape) = patch.slide.as_ref().and_then(|slide| self.tumor.get(slide)) else {
            return Ok(None);
        };
        let (Some(x0), Some(y0)) = (patch.x, patch.y) else {
            return Err("its slide is annotated, but its x and y are not known".into());
        };
        let stated = || Some(patch.mpp? / self.slide_mpp?);
        let Some(scale) = self.scale.get(&patch.id).copied().or_else(stated) else {
            return Err("its slide is annotated, but not how large its pixels are on level 0; state --slide-mpp".into());
        };
        let place = |from: i64, i: usize| from as f64 + (i as f64 + 0.5) * scale;
        let whole = (scale * width as f64, scale * height as f64);
        let share = shape.share(x0 as f64, y0 as f64, whole.0, whole.1);
        if share <= 0.0 {
            return Ok(Some(vec![false; width * height]));
        }
        let inside = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| shape.contains(place(x0, x), place(y0, y)));
        Ok(Some(inside.collect()))
    }
}
