//! Can a map be trusted? Whether the network's answer depends on what it points at, and whether it changes with the weights.

use std::path::Path;

use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_dataset::{Patch, Problem, Reader};
use spolia_interpret::attention::Map;
use spolia_interpret::attention::faithfulness::{Faithfulness, Settings, faithfulness};
use spolia_interpret::attention::sanity::{cascade, randomised, similarity};
use spolia_network::Tensor;

use super::tables::Rows;
use super::{BATCH, Job, file, read_map, spread};
use crate::context::Context;
use crate::jobs::batches::{self, Pass};
use crate::jobs::kept::kept;
use crate::jobs::model::Model;
use crate::run_folder::cell;
use crate::seed;

/// The maps that every method is compared with, after the methods in [`Judged::measures`].
pub const BASELINES: [&str; 2] = ["random", "centre"];

/// How faithful a patch's maps are: the methods' in their order, then the [`BASELINES`]'.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Judged {
    /// The patch's place in the list that was mapped.
    pub place: usize,
    /// By [`Faithfulness::NAMES`].
    pub measures: Vec<[Option<f64>; 6]>,
    /// The curves behind them, by [`CURVES`]: shares of the pixels, and the score at each.
    pub curves: Vec<[(Vec<f64>, Vec<f64>); 4]>,
}

/// The curves' names.
pub const CURVES: [&str; 4] = [
    "insertion",
    "deletion",
    "road_most_first",
    "road_least_first",
];

/// Up to `most` of the places, at even distances.
fn chosen(places: &[usize], most: usize) -> Vec<usize> {
    let kept = spread(places.len(), most);
    kept.into_iter().map(|k| places[k]).collect()
}

/// Judges the maps that [`super::map`] wrote of up to `most` patches, taken at even distances.
///
/// # Errors
/// The network cannot run, or a map is gone.
pub fn faithful(
    job: &Job<'_>,
    model: &Model,
    reader: &Reader,
    (patches, mapped): (&[&Patch], &[usize]),
    most: usize,
    parts: Option<&Path>,
    context: &Context,
) -> miette::Result<Vec<Judged>> {
    let chosen = chosen(mapped, most);
    let own: Vec<&Patch> = chosen.iter().map(|&place| patches[place]).collect();
    let mut cuts = job.cuts(model)?;
    let title = format!("faithfulness {}", job.network);
    // A part a patch: each takes hundreds of passes.
    let pass = Pass {
        batch: 1,
        parts,
        ..Pass::new(model, reader, &own, &title)
    };
    let (judged, _) = batches::each(&pass, context, |batch| {
        let mut judged = Vec::new();
        for (k, &row) in batch.rows.iter().enumerate() {
            let patch = own[row];
            let image = single(&batch.input, k)?;
            let mut maps = Vec::new();
            for method in job.methods {
                maps.push(read_map(&file(
                    &job.maps.join(method.name()),
                    &patch.id,
                    "npy",
                ))?);
            }
            let [height, width] = maps.first().map_or([1, 1], |m| [m.height, m.width]);
            maps.extend(job.blind(patch, [height, width]));
            let settings = Settings {
                seed: seed::derive(job.seed, "attention/faithfulness", &patch.id),
                ..Settings::default()
            };
            let (mut measures, mut curves) = (Vec::new(), Vec::new());
            for map in &maps {
                let mut score = |images: &Tensor| cuts.probabilities(images, job.class);
                let found = faithfulness(&image, map, &settings, &mut score).into_diagnostic()?;
                measures.push(found.measures.values());
                let (inserted, deleted, road) = (found.insertion, found.deletion, found.road);
                curves.push([
                    (inserted.shares, inserted.scores),
                    (deleted.shares, deleted.scores),
                    (road.shares.clone(), road.most_first),
                    (road.shares, road.least_first),
                ]);
            }
            judged.push(Judged {
                place: chosen[row],
                measures,
                curves,
            });
        }
        Ok(judged)
    })?;
    Ok(judged)
}

/// Columns of a network's faithfulness of each patch.
pub fn patch_header() -> Vec<&'static str> {
    let fixed = ["network", "method", "layer", "id"];
    fixed.into_iter().chain(Faithfulness::NAMES).collect()
}

/// Rows of a network's faithfulness of each patch.
pub fn patch_rows(job: &Job<'_>, layer: &str, patches: &[&Patch], judged: &[Judged]) -> Rows {
    let mut rows = Vec::new();
    for found in judged {
        for (name, measures) in names(job).iter().zip(&found.measures) {
            let id = &patches[found.place].id;
            let mut row = vec![
                job.network.into(),
                name.to_string(),
                layer.into(),
                id.clone(),
            ];
            row.extend(measures.iter().map(|v| cell(*v)));
            rows.push(row);
        }
    }
    rows
}

/// The methods and then the baselines.
pub fn names(job: &Job<'_>) -> Vec<&'static str> {
    let methods = job.methods.iter().map(|m| m.name());
    methods.chain(BASELINES).collect()
}

/// Columns of sanity.csv.
pub const SANITY: [&str; 8] = [
    "network",
    "method",
    "layer",
    "stage",
    "rho",
    "rho_absolute",
    "patches",
    "flat",
];

/// Rows of sanity.csv: the maps of up to `most` patches with the network's stages made random from the logits down,
/// compared by rank with those of the network as it is. Each stage is kept below `parts`.
///
/// # Errors
/// The network cannot run.
pub fn sanity(
    job: &Job<'_>,
    model: &Model,
    reader: &Reader,
    (patches, mapped): (&[&Patch], &[usize]),
    most: usize,
    parts: Option<&Path>,
    context: &Context,
) -> miette::Result<(Rows, Vec<Problem>)> {
    let chosen = chosen(mapped, most);
    let own: Vec<&Patch> = chosen.iter().map(|&place| patches[place]).collect();
    let title = format!("sanity {}, patches", job.network);
    let pass = Pass {
        batch: BATCH,
        ..Pass::new(model, reader, &own, &title)
    };
    let (inputs, problems) = batches::each(&pass, context, |batch| {
        let shape = batch.input.shape();
        Ok(vec![(shape, batch.input.data().to_vec())])
    })?;
    let inputs = inputs
        .into_iter()
        .map(|(shape, data)| Tensor::new(shape, data).into_diagnostic())
        .collect::<miette::Result<Vec<Tensor>>>()?;
    let trained = maps_of(job, model, &inputs)?;
    let layer = job.layer(model);
    let stages = cascade(&model.network);
    let task = context
        .progress
        .start(&format!("sanity {}", job.network), stages.len());
    let seed = seed::derive(job.seed, "attention/sanity", "weights");
    let mut rows = Vec::new();
    for stage in stages {
        let name = model.network.name(stage);
        let compare = || {
            let weights =
                randomised(&model.network, &model.weights, stage, seed).into_diagnostic()?;
            let random = maps_of(job, &Model::new(weights, None)?, &inputs)?;
            let mut rows = Rows::new();
            for ((method, a), b) in job.methods.iter().zip(&trained).zip(&random) {
                let found = similarity(a, b).into_diagnostic()?;
                rows.push(vec![
                    job.network.into(),
                    method.name().into(),
                    layer.clone(),
                    name.to_string(),
                    cell(found.rho),
                    cell(found.absolute),
                    found.compared.to_string(),
                    found.flat.to_string(),
                ]);
            }
            Ok(rows)
        };
        rows.extend(match parts {
            Some(parts) => kept(&parts.join(format!("{name}.json")), compare)?,
            None => compare()?,
        });
        task.advance(1);
    }
    task.finish();
    Ok((rows, problems))
}

/// Each method's maps of all images.
fn maps_of(job: &Job<'_>, model: &Model, inputs: &[Tensor]) -> miette::Result<Vec<Vec<Map>>> {
    let mut cuts = job.cuts(model)?;
    let options = job.options(model);
    let mut maps = vec![Vec::new(); job.methods.len()];
    for input in inputs {
        let found = cuts
            .maps(input, job.class, job.methods, &options)
            .into_diagnostic()?;
        for of_image in found {
            maps.iter_mut()
                .zip(of_image.maps)
                .for_each(|(m, map)| m.push(map));
        }
    }
    Ok(maps)
}

fn single(images: &Tensor, k: usize) -> miette::Result<Tensor> {
    let [_, height, width, channels] = images.shape();
    Tensor::new([1, height, width, channels], images.image(k).to_vec()).into_diagnostic()
}
