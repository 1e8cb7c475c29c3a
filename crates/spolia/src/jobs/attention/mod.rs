//! Attention maps of patches: computed, drawn over the patch, judged, and compared with nuclei.
//!
//! [`run`] computes the maps ([`map`]) and, where nuclei or tumour are known, what they fall on ([`regions`]), asks whether the network's
//! answer depends on them ([`checks`]) and sums up over patches ([`tables`]); [`overlays::draw`] draws them.

pub mod annotated;
pub mod checks;
pub mod overlays;
pub mod regions;
pub mod tables;

use std::path::{Path, PathBuf};

use miette::IntoDiagnostic;
use npyz::WriterBuilder;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use spolia_dataset::{Patch, Problem, Reader, RgbPatch};
use spolia_interpret::attention::{
    Attention, Map, Method, Options, Path as Cuts, Picture, centre_map, random_map,
};
use spolia_network::StageId;

use super::batches::{self, Pass};
use super::model::Model;
use crate::context::Context;
use crate::run_folder::write_atomic;
use crate::seed;
use regions::{OnRegion, Regions};
use tables::{Over, Table};

/// Least side of a drawn patch, pixels.
const DRAWN: usize = 224;
/// Patches a pass.
const BATCH: usize = 8;

/// Columns of attention.csv.
pub const HEADER: [&str; 12] = [
    "network", "method", "layer", "id", "label", "p_tumor", "logit", "class", "height", "width",
    "min", "max",
];

/// What is mapped.
pub struct Job<'a> {
    /// Network's name in the tables.
    pub network: &'a str,
    /// Layers of the maps; several are fused into one map.
    pub layers: Vec<StageId>,
    /// Kinds of map.
    pub methods: &'a [Method],
    /// How they are made.
    pub options: Options,
    /// Label of the class whose evidence is mapped.
    pub class: usize,
    /// Its name.
    pub class_name: &'a str,
    /// Whether the classification layer is random, so that its probabilities mean nothing and are left out.
    pub headless: bool,
    /// Folder of maps: `<method>/<id>.npy` and `.png`.
    pub maps: PathBuf,
    /// Folder of the plain patches at the overlays' size.
    pub plain: PathBuf,
    /// What the maps are compared with.
    pub regions: Regions,
    /// Of the maps that know nothing.
    pub seed: u64,
}

impl Job<'_> {
    /// The layers' names as the tables show them.
    pub fn layer(&self, model: &Model) -> String {
        let names: Vec<&str> = self.layers.iter().map(|&l| model.network.name(l)).collect();
        names.join("+")
    }

    /// How its maps are made: glass is white in the network's own values.
    pub fn options(&self, model: &Model) -> Options {
        Options {
            baseline: model.network.normalisation().from_unit([1.0; 3]),
            ..self.options.clone()
        }
    }

    /// Two maps of a patch that know nothing of it: random values, and a blob in the centre.
    fn blind(&self, patch: &Patch, [height, width]: [usize; 2]) -> [Map; 2] {
        let seed = seed::derive(self.seed, "attention/random", &patch.id);
        [random_map(height, width, seed), centre_map(height, width)]
    }

    /// The network cut behind the layers.
    ///
    /// # Errors
    /// A parameter is unsound.
    pub fn cuts(&self, model: &Model) -> miette::Result<Cuts> {
        Cuts::new(
            crate::engine::chosen(),
            &model.network,
            &model.weights,
            &self.layers,
        )
        .into_diagnostic()
    }
}

/// A patch's maps, but for their values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mapped {
    /// The patch's place in the list that was mapped.
    pub place: usize,
    /// Its logit: the only one, or the mapped class's.
    pub logit: Option<f32>,
    /// The probability of the positive class, or, of several logits, of the mapped one.
    pub p: Option<f32>,
    /// Rows, columns, smallest and largest value of each method's map.
    pub maps: Vec<(usize, usize, f32, f32)>,
    /// Width of the drawn patch's pixels in µm, where it is known.
    pub um_per_px: Option<f64>,
    /// What the maps fall on.
    pub on: Vec<OnRegion>,
    /// Why that is not known.
    pub fault: Option<[String; 3]>,
}

/// Maps every patch and writes the raw maps and the plain patches. Finished parts are kept in `parts`.
///
/// # Errors
/// The network has no logit, or a folder cannot be written.
fn map(
    job: &Job<'_>,
    model: &Model,
    reader: &Reader,
    patches: &[&Patch],
    parts: Option<&Path>,
    context: &Context,
) -> miette::Result<(Vec<Mapped>, Vec<Problem>)> {
    let logits = model.logits()?;
    let mut cuts = job.cuts(model)?;
    let options = job.options(model);
    let title = format!("attention {}", job.network);
    let pass = Pass {
        batch: BATCH,
        parts,
        ..Pass::new(model, reader, patches, &title)
    };
    let (mapped, mut problems) = batches::each(&pass, context, |batch| {
        let found = cuts
            .maps(&batch.input, job.class, job.methods, &options)
            .into_diagnostic()?;
        let images = batch.rows.into_par_iter().zip(batch.images).zip(found);
        images
            .map(|((place, image), found)| {
                keep(job, logits, (place, patches[place]), image, &found)
            })
            .collect()
    })?;
    problems.extend(
        mapped
            .iter()
            .filter_map(|m| m.fault.clone())
            .map(|[item, what, remedy]| Problem { item, what, remedy }),
    );
    Ok((mapped, problems))
}

/// Writes a patch and its maps, and finds what these fall on; `place` is the patch's in its list.
///
/// # Errors
/// A file cannot be written.
fn keep(
    job: &Job<'_>,
    logits: usize,
    (place, patch): (usize, &Patch),
    image: RgbPatch,
    found: &Attention,
) -> miette::Result<Mapped> {
    for (method, map) in job.methods.iter().zip(&found.maps) {
        let to = job.maps.join(method.name());
        write_atomic(&file(&to, &patch.id, "npy"), &npy(map)?)?;
    }
    let (on, fault) = match job.regions.under(job, patch, &image, &found.maps) {
        Ok(on) => (on, None),
        Err(p) => (Vec::new(), Some([p.item, p.what, p.remedy])),
    };
    let side = image.width;
    let picture = Picture::new(image.width, image.height, image.data)
        .into_diagnostic()?
        .enlarged(DRAWN);
    let um_per_px = patch
        .mpp
        .map(|mpp| mpp * side as f64 / picture.width as f64);
    overlays::write_picture(&file(&job.plain, &patch.id, "png"), picture)?;
    let at = if logits == 1 {
        (0, 1)
    } else {
        (job.class, job.class)
    };
    let known = |values: &[f32], at: usize| values.get(at).copied().filter(|_| !job.headless);
    Ok(Mapped {
        place,
        logit: known(&found.logits, at.0),
        p: known(&found.probabilities, at.1),
        maps: found
            .maps
            .iter()
            .map(|map| (map.height, map.width, map.range().0, map.range().1))
            .collect(),
        um_per_px,
        on,
        fault,
    })
}

/// How many patches, at even distances, the maps are judged on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// By insertion, deletion, ROAD, average drop and sensitivity-n.
    pub faithfulness: usize,
    /// By making the weights random.
    pub sanity: usize,
}

/// What [`run`] found.
pub struct Found {
    /// The patches' maps.
    pub mapped: Vec<Mapped>,
    /// The tables.
    pub tables: Vec<Table>,
    /// Patches that could not be used, or not in all.
    pub problems: Vec<Problem>,
    /// Sentences on what could not be told.
    pub notes: Vec<String>,
}

/// Maps patches, judges the maps and sums up; nuclei.csv is written beside the maps. `groups` are the patches' groups and `unit` what a group is. Finished parts are
/// kept below `parts`.
///
/// # Errors
/// As [`map`] and [`checks`].
pub fn run(
    job: &Job<'_>,
    model: &Model,
    (reader, patches): (&Reader, &[&Patch]),
    (groups, unit): (&[usize], &str),
    checks: Checks,
    parts: Option<&Path>,
    context: &Context,
) -> miette::Result<Found> {
    let below = |name: &str| parts.map(|parts| parts.join(name));
    let (mapped, mut problems) = map(
        job,
        model,
        reader,
        patches,
        below("maps").as_deref(),
        context,
    )?;
    let layer = job.layer(model);
    let over = Over {
        job,
        layer: &layer,
        patches,
        groups,
        unit,
    };
    let mut tables = vec![Table::new(
        "attention",
        &HEADER,
        rows(job, &layer, patches, &mapped),
    )];
    let mut notes = Vec::new();
    if job.regions.any() {
        let (atypia, untold) = tables::atypia(&over, &mapped)?;
        notes.extend(untold);
        let localized = tables::localization(&over, &mapped)?;
        tables.push(Table::new("localization", &tables::LOCALIZATION, localized));
        tables.push(Table::new("atypia", &tables::ATYPIA, atypia));
        tables::write_nuclei(&over, &mapped, &job.maps)?;
    }
    let places: Vec<usize> = mapped.iter().map(|m| m.place).collect();
    let readable = (patches, &places[..]);
    if checks.faithfulness > 0 {
        let parts = below("faithfulness");
        let most = checks.faithfulness;
        let judged = checks::faithful(
            job,
            model,
            reader,
            readable,
            most,
            parts.as_deref(),
            context,
        )?;
        let means = tables::faithfulness(&over, &judged)?;
        tables.push(Table::new("faithfulness", &tables::FAITHFULNESS, means));
        let curves = tables::curves(&over, &judged);
        tables.push(Table::new("curves", &tables::CURVES, curves));
        let each = checks::patch_rows(job, &layer, patches, &judged);
        tables.push(Table::new(
            "faithfulness_patches",
            &checks::patch_header(),
            each,
        ));
    }
    if checks.sanity > 0 {
        let parts = below("sanity");
        let (rows, failed) = checks::sanity(
            job,
            model,
            reader,
            readable,
            checks.sanity,
            parts.as_deref(),
            context,
        )?;
        problems.extend(failed);
        tables.push(Table::new("sanity", &checks::SANITY, rows));
    }
    Ok(Found {
        mapped,
        tables,
        problems,
        notes,
    })
}

/// Rows of attention.csv.
fn rows(job: &Job<'_>, layer: &str, patches: &[&Patch], mapped: &[Mapped]) -> tables::Rows {
    let shown = |v: Option<f32>| v.map_or_else(String::new, |v| v.to_string());
    let mut rows = Vec::new();
    for found in mapped {
        let patch = patches[found.place];
        for (method, (height, width, least, most)) in job.methods.iter().zip(&found.maps) {
            rows.push(vec![
                job.network.into(),
                method.name().into(),
                layer.into(),
                patch.id.clone(),
                patch.label.map_or_else(String::new, |l| l.to_string()),
                shown(found.p),
                shown(found.logit),
                job.class_name.into(),
                height.to_string(),
                width.to_string(),
                least.to_string(),
                most.to_string(),
            ]);
        }
    }
    rows
}

/// Up to `most` of `all` places, at even distances.
fn spread(all: usize, most: usize) -> Vec<usize> {
    let n = most.min(all);
    (0..n).map(|i| i * all / n).collect()
}

/// Where an item's file lies; an id may name folders.
fn file(folder: &Path, id: &str, ending: &str) -> PathBuf {
    folder.join(format!("{id}.{ending}"))
}

fn npy(map: &Map) -> miette::Result<Vec<u8>> {
    npy_f32(&map.values, &[map.height as u64, map.width as u64])
}

/// float32 values as an npy file's bytes, last axis fastest.
///
/// # Errors
/// The shape does not fit the number of values.
pub fn npy_f32(values: &[f32], shape: &[u64]) -> miette::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .writer(&mut bytes)
        .begin_nd()
        .into_diagnostic()?;
    writer.extend(values.iter().copied()).into_diagnostic()?;
    writer.finish().into_diagnostic()?;
    Ok(bytes)
}

/// A map that [`map`] wrote.
fn read_map(file: &Path) -> miette::Result<Map> {
    let unreadable = |e: std::io::Error| miette::miette!("{}: {e}; map it again", file.display());
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let npy = npyz::NpyFile::new(bytes.as_slice()).map_err(unreadable)?;
    let (height, width) = match npy.shape() {
        &[height, width] => (height as usize, width as usize),
        other => miette::bail!("{}: shape {other:?} is not that of a map", file.display()),
    };
    Ok(Map {
        height,
        width,
        values: npy.into_vec().map_err(unreadable)?,
    })
}
