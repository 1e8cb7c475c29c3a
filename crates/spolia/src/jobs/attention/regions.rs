//! What maps fall on: nuclei of given masks or segmented ones, and annotated tumour.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use spolia_dataset::{Patch, Problem, RgbPatch};
use spolia_interpret::attention::atypia::{Observation, attention_of_nuclei};
use spolia_interpret::attention::localization::{Region, localization};
use spolia_interpret::attention::{Map, stain_map};
use spolia_measure::nuclei::{InstanceMask, NucleiOptions, measure_nuclei, segment_nuclei};

use super::Job;
use super::annotated::Annotated;
use crate::jobs::masks::instance_mask;

/// The maps that every method is compared with, in the order of [`OnRegion::baselines`]: two that know nothing, one that
/// knows the stain alone, and the mask itself, which is the best that a map of this resolution can be.
pub const BASELINES: [&str; 4] = ["random", "centre", "stain", "mask"];

/// What maps are compared with.
#[derive(Debug, Default)]
pub struct Regions {
    /// A folder of instance masks, `ID.png`.
    pub masks: Option<PathBuf>,
    /// Whether nuclei are segmented where there is no mask.
    pub segment: bool,
    /// Annotated tumour.
    pub annotated: Option<Annotated>,
}

/// What a region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// Nuclei of a given mask.
    Nuclei,
    /// Segmented nuclei.
    Segmented,
    /// Annotated tumour.
    Annotation,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nuclei, Self::Segmented, Self::Annotation];

    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nuclei => "nuclei",
            Self::Segmented => "segmented_nuclei",
            Self::Annotation => "annotation",
        }
    }
}

/// A patch's maps against a region of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OnRegion {
    /// What the region is.
    pub target: Target,
    /// What a map that knows nothing scores, by [`spolia_interpret::attention::localization::Localization::NAMES`].
    pub chance: [f64; 5],
    /// What each method's map scores.
    pub methods: Vec<[f64; 5]>,
    /// What the [`BASELINES`] score at the resolution of the first method's map.
    pub baselines: Vec<[f64; 5]>,
    /// Its nuclei; none of an annotation.
    pub nuclei: Vec<OneNucleus>,
}

/// A nucleus and the attention on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OneNucleus {
    /// Its number in the mask.
    pub label: u32,
    /// Row and column of its centroid, pixels of the patch.
    pub centroid: (f64, f64),
    /// Shape and stain, by [`spolia_interpret::attention::atypia::Morphology::ALL`].
    pub morphology: [f64; 5],
    /// Whether all of it lies within the patch.
    pub whole: bool,
    /// Mean of each method's map over it.
    pub attention: Vec<f64>,
}

impl Regions {
    /// Whether there is anything to compare with.
    pub fn any(&self) -> bool {
        self.masks.is_some() || self.segment || self.annotated.is_some()
    }

    /// The maps of a patch against its regions; none where it has no mask, no nucleus, or nothing else.
    ///
    /// # Errors
    /// A [`Problem`] of the mask or the measures.
    pub(super) fn under(
        &self,
        job: &Job<'_>,
        patch: &Patch,
        image: &RgbPatch,
        maps: &[Map],
    ) -> Result<Vec<OnRegion>, Problem> {
        let size = (image.width, image.height);
        let mut found = Vec::new();
        let wrong = |what: String| problem(patch, what);
        if let Some((mask, target)) = self.mask(patch, image)? {
            let of = compared(job, patch, image, (&mask, target), maps);
            found.extend(of.map_err(|e| wrong(e.to_string()))?);
        }
        if let Some(annotated) = &self.annotated
            && let Some(inside) = annotated.under(patch, size).map_err(wrong)?
        {
            let labels = inside.into_iter().map(u32::from).collect();
            let mask =
                InstanceMask::new(labels, size.0, size.1).map_err(|e| wrong(e.to_string()))?;
            let of = compared(job, patch, image, (&mask, Target::Annotation), maps);
            found.extend(of.map_err(|e| wrong(e.to_string()))?);
        }
        Ok(found)
    }

    /// The patch's nuclei, and whether they are segmented.
    fn mask(
        &self,
        patch: &Patch,
        image: &RgbPatch,
    ) -> Result<Option<(InstanceMask, Target)>, Problem> {
        let size = (image.width, image.height);
        if let Some(masks) = &self.masks
            && let Some(mask) = instance_mask(patch, size, masks)?
        {
            return Ok(Some((mask, Target::Nuclei)));
        }
        if !self.segment {
            return Ok(None);
        }
        let options = NucleiOptions {
            microns_per_pixel: patch.mpp,
            ..NucleiOptions::default()
        };
        segment_nuclei(&image.data, size.0, size.1, &options)
            .map(|mask| Some((mask, Target::Segmented)))
            .map_err(|error| problem(patch, error.to_string()))
    }
}

fn problem(patch: &Patch, what: String) -> Problem {
    Problem {
        item: patch.id.clone(),
        what,
        remedy: "its maps are drawn but not compared".into(),
    }
}

fn compared(
    job: &Job<'_>,
    patch: &Patch,
    image: &RgbPatch,
    (mask, target): (&InstanceMask, Target),
    maps: &[Map],
) -> Result<Option<OnRegion>, spolia_interpret::Error> {
    let region = Region::of_nuclei(mask, 0.0)?;
    let (Some(chance), Some(first)) = (region.chance(), maps.first()) else {
        return Ok(None);
    };
    let [height, width] = [first.height, first.width];
    let [random, centre] = job.blind(patch, [height, width]);
    let marked = Map {
        height: image.height,
        width: image.width,
        values: region
            .inside()
            .iter()
            .map(|&m| f32::from(u8::from(m)))
            .collect(),
    };
    let stain = stain_map(&image.data, image.width, image.height)?;
    let baselines = [
        random,
        centre,
        stain.averaged(width, height),
        marked.averaged(width, height),
    ];
    let judge = |map: &Map| -> Result<[f64; 5], spolia_interpret::Error> {
        Ok(localization(map, &region)?.unwrap_or(chance).values())
    };
    let nuclei = if target == Target::Annotation {
        Vec::new()
    } else {
        nuclei(image, mask, maps)?
    };
    Ok(Some(OnRegion {
        target,
        chance: chance.values(),
        methods: maps.iter().map(judge).collect::<Result<_, _>>()?,
        baselines: baselines.iter().map(judge).collect::<Result<_, _>>()?,
        nuclei,
    }))
}

/// The nuclei of a mask with the attention on each.
fn nuclei(
    image: &RgbPatch,
    mask: &InstanceMask,
    maps: &[Map],
) -> Result<Vec<OneNucleus>, spolia_interpret::Error> {
    let measured = measure_nuclei(&image.data, mask)?;
    let attention = maps
        .iter()
        .map(|map| attention_of_nuclei(map, mask, &measured))
        .collect::<Result<Vec<_>, _>>()?;
    let nuclei = measured.iter().enumerate().map(|(k, nucleus)| {
        let seen = Observation::new(0.0, nucleus, 0, 0);
        OneNucleus {
            label: nucleus.label,
            centroid: nucleus.centroid,
            morphology: seen.morphology,
            whole: seen.whole,
            attention: attention.iter().map(|of| of[k]).collect(),
        }
    });
    Ok(nuclei.collect())
}
