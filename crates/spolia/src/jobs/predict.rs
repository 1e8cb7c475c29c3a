//! What a network says of each patch.

use spolia_dataset::{Patch, Problem, Reader};
use spolia_network::Cut;

use super::batches::{self, BATCH};
use super::model::Model;
use crate::context::Context;

/// Columns of predictions.csv for classes `normal` and `tumor`.
pub fn header(classes: &[String]) -> Vec<String> {
    let plain = ["id", "file", "label", "logit"].map(String::from);
    plain
        .into_iter()
        .chain(classes.iter().map(|class| format!("p_{class}")))
        .collect()
}

/// The logit of each patch, `None` where it could not be read, and what went wrong.
///
/// # Errors
/// The network has no logit.
pub fn logits(
    model: &Model,
    reader: &Reader,
    patches: &[&Patch],
    title: &str,
    context: &Context,
) -> miette::Result<(Vec<Option<f32>>, Vec<Problem>)> {
    let logit = model.logit()?;
    let mut whole = model.frozen(Cut::to(logit))?;
    let mut logits = vec![None; patches.len()];
    let mut problems = Vec::new();
    let task = context.progress.start(title, patches.len());
    let rows: Vec<usize> = (0..patches.len()).collect();
    for rows in rows.chunks(BATCH) {
        let (batches, failed) = batches::read(reader, patches, rows, model.network.least_side())?;
        problems.extend(failed);
        for batch in batches {
            let found = whole
                .forward(&batch.input, &[logit])
                .map_err(|e| miette::miette!("{e}"))?;
            for (&row, &value) in batch.rows.iter().zip(found[0].data()) {
                logits[row] = Some(value);
            }
        }
        task.advance(rows.len());
    }
    task.finish();
    Ok((logits, problems))
}

/// Probability of the positive class.
pub fn probability(logit: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(logit)).exp())
}

/// The row of a patch.
pub fn row(patch: &Patch, logit: f32) -> Vec<String> {
    let p = probability(logit);
    vec![
        patch.id.clone(),
        patch.file.clone(),
        patch
            .label
            .map_or_else(String::new, |label| label.to_string()),
        logit.to_string(),
        (1.0 - p).to_string(),
        p.to_string(),
    ]
}
