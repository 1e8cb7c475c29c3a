//! What a network says of each patch.

use std::path::Path;

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Problem, Reader};
use spolia_network::Cut;

use super::batches::{self, Pass};
use super::model::Model;
use crate::context::Context;
use crate::run_folder::write_csv;

/// The logit of each patch, `None` where it could not be read, and what went wrong; finished parts are kept in `parts`.
///
/// # Errors
/// The network has no logit.
pub fn logits(
    model: &Model,
    (reader, patches): (&Reader, &[&Patch]),
    title: &str,
    parts: Option<&Path>,
    context: &Context,
) -> miette::Result<(Vec<Option<f32>>, Vec<Problem>)> {
    let logit = model.logit()?;
    let mut whole = model.frozen(Cut::to(logit))?;
    let pass = Pass {
        parts,
        ..Pass::new(model, reader, patches, title)
    };
    let (found, problems) = batches::each(&pass, context, |batch| {
        let found = whole.forward(&batch.input, &[logit]).into_diagnostic()?;
        let values = found[0].data().iter().copied();
        Ok(batch.rows.into_iter().zip(values).collect())
    })?;
    let mut logits = vec![None; patches.len()];
    for (row, value) in found {
        logits[row] = Some(value);
    }
    Ok((logits, problems))
}

/// Probability of the positive class.
pub fn probability(logit: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(logit)).exp())
}

/// Writes predictions.csv (id,file,label,logit, then a probability per class) of the patches that have a logit.
///
/// # Errors
/// The file cannot be written.
pub fn write(
    file: &Path,
    classes: &[String],
    patches: &[&Patch],
    logits: &[Option<f32>],
) -> miette::Result<()> {
    let plain = ["id", "file", "label", "logit"].map(String::from);
    let header: Vec<String> = plain
        .into_iter()
        .chain(classes.iter().map(|class| format!("p_{class}")))
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = patches
        .iter()
        .zip(logits)
        .filter_map(|(p, l)| Some(row(p, (*l)?)));
    Ok(write_csv(file, &header, rows)?)
}

/// The row of a patch.
fn row(patch: &Patch, logit: f32) -> Vec<String> {
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
