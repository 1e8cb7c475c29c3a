//! Predictions, metrics and ROC of a network with a classification layer, on validation and test patches.

use std::collections::BTreeMap;

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Split, Unit, groups};

use super::Run;
use crate::jobs::evaluate::{Scored, metrics, roc};
use crate::jobs::{batches, predict};
use crate::run_folder::Begin;
use crate::seed;

/// Writes predictions.csv, metrics.json and roc.csv; nothing for a network without a classification layer.
pub fn step(run: &mut Run<'_>, network: &str) -> miette::Result<()> {
    let name = format!("predict/{network}");
    let key = run.key(&name, &["patches", &format!("train/{network}")]);
    let file = |what: &str| format!("networks/{network}/{what}");
    let outputs = [
        file("predictions.csv"),
        file("metrics.json"),
        file("roc.csv"),
        file("parts"),
    ];
    if run.begin(&name, key, &outputs.each_ref().map(String::as_str))? == Begin::Done {
        return Ok(());
    }
    let model = run.model(network)?;
    if model.network.outputs() != 1 || run.table.is_empty() {
        return Ok(run.folder.finish(&name, 0)?);
    }
    let grouped = groups(&run.table, Unit::Patient, None).into_diagnostic()?;
    let chosen: Vec<(usize, &Patch)> = run
        .table
        .patches()
        .iter()
        .enumerate()
        .filter(|(_, p)| matches!(p.split, Some(Split::Val | Split::Test)))
        .collect();
    let patches: Vec<&Patch> = chosen.iter().map(|c| c.1).collect();
    let parts = run.folder.path(&outputs[3]);
    let (logits, problems) = predict::logits(
        &model,
        (&run.reader, &patches),
        &name,
        Some(&parts),
        run.context,
    )?;
    predict::write(
        &run.folder.path(&outputs[0]),
        run.table.classes(),
        &patches,
        &logits,
    )?;
    let (mut found, mut curve) = (BTreeMap::new(), Vec::new());
    for split in [Split::Val, Split::Test] {
        let mut scored = Scored {
            probabilities: Vec::new(),
            positive: Vec::new(),
            groups: Vec::new(),
            unit: grouped.unit.name(),
        };
        for ((row, patch), logit) in chosen.iter().zip(&logits) {
            if let (Some(logit), Some(label), true) =
                (logit, patch.label, patch.split == Some(split))
            {
                scored.probabilities.push(predict::probability(*logit));
                scored.positive.push(label == 1);
                scored.groups.push(grouped.of[*row]);
            }
        }
        if scored.positive.is_empty() {
            continue;
        }
        let seed = seed::derive(run.seed, "evaluate", split.name());
        found.insert(split.name(), metrics(&scored, seed)?);
        curve.extend(roc(&scored, split.name()));
    }
    run.folder
        .write_csv(&outputs[2], &["split", "threshold", "fpr", "tpr"], curve)?;
    run.folder.write_json(&outputs[1], &found)?;
    batches::forget(&parts)?;
    let items = patches.len();
    run.problems(&name, &problems)?;
    Ok(run.folder.finish(&name, items)?)
}
