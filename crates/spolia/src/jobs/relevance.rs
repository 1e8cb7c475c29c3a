//! Which concepts the logit follows: sensitivities along concept vectors, beside those of shuffled concepts.

use std::path::Path;

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Reader};
use spolia_interpret::concepts::{R2Row, Relevance, relevance, sensitivities, shuffled_directions};
use spolia_network::{Cut, ReluGradient, StageId, Tensor};

use super::batches::{self, Pass};
use super::concepts::{Layer, Regression, fill_q};
use super::kept::kept;
use super::model::Model;
use crate::context::Context;
use crate::run_folder::write_csv;
use crate::seed;

/// Patches whose gradients are taken: enough for a share to ± .07, and a few minutes at most.
pub const PATCHES: usize = 200;
/// Shuffles of each concept; the least p-value is 1 / (SHUFFLES + 1).
pub const SHUFFLES: usize = 100;
/// Patches a pass.
const BATCH: usize = 8;

/// Columns of relevance.csv.
pub const HEADER: [&str; 17] = [
    "network",
    "layer",
    "concept",
    "class",
    "n",
    "sensitivity_mean",
    "sensitivity_sd",
    "tcav",
    "tcav_null",
    "tcav_null_sd",
    "tcav_p",
    "tcav_q",
    "br",
    "br_normalised",
    "br_null_sd",
    "br_p",
    "br_q",
];

/// What relevance is asked of.
pub struct Job<'a> {
    /// Concepts, layers and where finished ones are kept.
    pub regression: &'a Regression<'a>,
    /// The network; one logit.
    pub model: &'a Model,
    /// The patches that features were asked for.
    pub patches: &'a [&'a Patch],
    /// Where pixels come from.
    pub reader: &'a Reader,
    /// Names of the classes.
    pub classes: &'a [String],
}

/// The rows of relevance.csv without q and without `br_normalised`, layer by layer; finished layers are never redone.
///
/// # Errors
/// The network has no logit, the statistics fail, or the folder cannot be written.
pub fn rows(job: &Job<'_>, found: &[Layer], context: &Context) -> miette::Result<Vec<Vec<String>>> {
    let mut all = Vec::new();
    let chosen = chosen(job);
    let patches: Vec<&Patch> = chosen.iter().map(|&k| job.patches[k]).collect();
    let folder = &job.regression.folder;
    for (index, (&(stage, name), layer)) in job.regression.layers.iter().zip(found).enumerate() {
        let parts = folder.join(format!("{name}.gradients"));
        let rows = kept(&folder.join(format!("{name}.relevance.json")), || {
            let gradients = gradients(job, stage, name, &patches, &parts, context)?;
            layer_rows(job, (index, name), layer, (&chosen, &gradients))
        })?;
        batches::forget(&parts)?;
        all.extend(rows);
    }
    Ok(all)
}

/// Places in `job.patches` of up to [`PATCHES`] labelled patches, drawn by the seed.
fn chosen(job: &Job<'_>) -> Vec<usize> {
    let seed = job.regression.options.seed;
    let rows = job.regression.features.rows.iter();
    let mut drawn: Vec<(u64, usize)> = rows
        .filter(|&&k| job.patches[k].label.is_some())
        .map(|&k| (seed::derive(seed, "relevance", &job.patches[k].id), k))
        .collect();
    drawn.sort_unstable();
    let mut places: Vec<usize> = drawn.into_iter().take(PATCHES).map(|d| d.1).collect();
    places.sort_unstable();
    places
}

/// Places in the list of patches, and the logit's gradient in the layer's channels, summed over positions.
type Gradients = Vec<(usize, Vec<f32>)>;

fn gradients(
    job: &Job<'_>,
    stage: StageId,
    name: &str,
    patches: &[&Patch],
    parts: &Path,
    context: &Context,
) -> miette::Result<Gradients> {
    let logit = job.model.logit()?;
    let mut head = job.model.frozen(Cut::to(stage))?;
    let mut tail = job.model.frozen(Cut::between(stage, logit))?;
    let title = format!("relevance {}, {name}", job.regression.network);
    let pass = Pass {
        batch: BATCH,
        parts: Some(parts),
        ..Pass::new(job.model, job.reader, patches, &title)
    };
    // Patches that cannot be read were named when their features were asked for.
    let (found, _) = batches::each(&pass, context, |batch| {
        let taps = head.forward(&batch.input, &[stage]).into_diagnostic()?;
        let mut of_the_logit = |taps: &[Tensor]| {
            let mut ones = Tensor::zeros(taps[0].shape());
            ones.data_mut().fill(1.0);
            vec![ones]
        };
        let gradient = tail
            .input_gradient(&taps[0], &[logit], ReluGradient::True, &mut of_the_logit)
            .into_diagnostic()?;
        let [_, height, width, _] = gradient.shape();
        let positions = (height * width) as f32;
        let sums = gradient
            .spatial_mean()
            .into_iter()
            .map(|mean| mean.iter().map(|g| g * positions).collect());
        Ok(batch.rows.into_iter().zip(sums).collect())
    })?;
    Ok(found)
}

fn layer_rows(
    job: &Job<'_>,
    (index, name): (usize, &str),
    layer: &Layer,
    (chosen, gradients): (&[usize], &Gradients),
) -> miette::Result<Vec<Vec<String>>> {
    let Regression {
        network,
        features,
        concepts,
        groups,
        options,
        ..
    } = job.regression;
    let values: Vec<&[f64]> = concepts.iter().map(|c| c.values.as_slice()).collect();
    let nulls = shuffled_directions(
        (network, name),
        features.layer(index),
        &values,
        groups,
        SHUFFLES,
        seed::derive(options.seed, "relevance/shuffles", name),
    )
    .into_diagnostic()?;
    let flat: Vec<f32> = gradients.iter().flat_map(|g| g.1.iter().copied()).collect();
    let label = |k: usize| job.patches[chosen[gradients[k].0]].label.map(usize::from);
    let classes = [("all", None)].into_iter().chain(
        job.classes
            .iter()
            .enumerate()
            .map(|(i, c)| (c.as_str(), Some(i))),
    );
    let classes: Vec<(&str, Vec<usize>)> = classes
        .map(|(name, class)| {
            let rows = (0..gradients.len()).filter(|&k| class.is_none() || label(k) == class);
            (name, rows.collect())
        })
        .collect();
    let test = R2Row::COLUMNS
        .iter()
        .position(|c| *c == "r2_test")
        .unwrap_or_default();
    let mut rows = Vec::new();
    for (((concept, unit), null), r2) in layer.vectors.iter().zip(&nulls).zip(&layer.rows) {
        let unit: Vec<f64> = unit
            .iter()
            .map(|v| v.parse())
            .collect::<Result<_, _>>()
            .into_diagnostic()?;
        if unit.is_empty() {
            continue;
        }
        let own = sensitivities(&flat, &unit);
        let null: Vec<Vec<f64>> = null.iter().map(|d| sensitivities(&flat, d)).collect();
        let r2: f64 = r2[test].parse().into_diagnostic()?;
        for (class, images) in &classes {
            if let Some(found) = relevance(&own, &null, images, r2) {
                rows.push(row([network, name, concept, class], &found));
            }
        }
    }
    Ok(rows)
}

fn row(place: [&str; 4], r: &Relevance) -> Vec<String> {
    let option = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
    let mut row: Vec<String> = place.into_iter().map(String::from).collect();
    row.extend([
        r.n.to_string(),
        r.mean.to_string(),
        r.sd.to_string(),
        r.tcav.to_string(),
        r.tcav_null.to_string(),
        r.tcav_null_sd.to_string(),
        r.tcav_p.to_string(),
        String::new(),
        option(r.br),
        String::new(),
        option(r.br_null_sd),
        option(r.br_p),
        String::new(),
    ]);
    row
}

/// Writes relevance.csv: q-values (Benjamini-Hochberg) over all rows, and Br divided by the largest |Br| of the network.
///
/// # Errors
/// A kept number is none, or the file cannot be written.
pub fn write_table(mut rows: Vec<Vec<String>>, file: &Path) -> miette::Result<()> {
    const BR: usize = 12;
    fill_q(&mut rows, 10, 11)?;
    fill_q(&mut rows, 15, 16)?;
    let of_network = |rows: &[Vec<String>], network: &str| {
        rows.iter()
            .filter(|row| row[0] == network)
            .filter_map(|row| row[BR].parse::<f64>().ok())
            .fold(0.0, |most: f64, br| most.max(br.abs()))
    };
    for i in 0..rows.len() {
        let most = of_network(&rows, &rows[i][0]);
        if let Ok(br) = rows[i][BR].parse::<f64>()
            && most > 0.0
        {
            rows[i][BR + 1] = (br / most).to_string();
        }
    }
    Ok(write_csv(file, &HEADER, rows)?)
}
