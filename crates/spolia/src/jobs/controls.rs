//! Controls of the held-out R²: equal dimension, and what is left beyond colour and brightness.

use std::path::Path;

use miette::IntoDiagnostic;
use spolia_interpret::concepts::{Concept, ConceptOptions, controls};
use spolia_measure::Measure;

use super::features::Features;
use crate::progress::Task;
use crate::run_folder::{write_atomic, write_csv};

/// What texture must tell more than.
pub const COVARIATES: [Measure; 4] = [
    Measure::BrightnessMean,
    Measure::SaturationMean,
    Measure::HedHaematoxylinMean,
    Measure::HedEosinMean,
];
/// Most principal components that layers are reduced to.
const COMPONENTS: usize = 64;

/// Columns of controls.csv.
pub const HEADER: [&str; 11] = [
    "network",
    "layer",
    "concept",
    "n",
    "components",
    "r2_equal",
    "r2_equal_low",
    "r2_equal_high",
    "r2_unique",
    "r2_unique_low",
    "r2_unique_high",
];

/// Rows of controls.csv for all layers of a network; finished layers (`LAYER.controls.json` in `folder`) are never redone.
///
/// # Errors
/// The statistics fail, or `folder` cannot be written.
pub fn rows(
    network: &str,
    names: &[&'static str],
    features: &Features,
    (concepts, covariates, groups): (&[Concept], &[Concept], &[usize]),
    options: ConceptOptions,
    folder: &Path,
    task: &Task,
) -> miette::Result<Vec<Vec<String>>> {
    let of_rows = |all: &[Concept]| -> Vec<Concept> {
        all.iter()
            .map(|c| Concept {
                id: c.id.clone(),
                values: features.rows.iter().map(|&row| c.values[row]).collect(),
            })
            .collect()
    };
    let (concepts, covariates) = (of_rows(concepts), of_rows(covariates));
    let groups: Vec<usize> = features.rows.iter().map(|&row| groups[row]).collect();
    let n = groups.len();
    let width = |layer: &Vec<f32>| layer.len() / n.max(1);
    // Alike for all layers; a training fold must hold several images for each component.
    let narrowest = features.layers.iter().map(width).min().unwrap_or(1);
    let components = COMPONENTS.min(narrowest).min((n / 4).max(1));
    let mut all = Vec::new();
    for (name, activations) in names.iter().zip(&features.layers) {
        let file = folder.join(format!("{name}.controls.json"));
        let kept: Option<Vec<Vec<String>>> = std::fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let rows = match kept {
            Some(rows) => rows,
            None => {
                let found = controls(
                    (network, name),
                    (activations, width(activations)),
                    &concepts,
                    &covariates,
                    &groups,
                    components,
                    options,
                )
                .into_diagnostic()?;
                let rows: Vec<Vec<String>> = concepts
                    .iter()
                    .zip(found)
                    .map(|(concept, c)| {
                        let place = [network, name, &concept.id].map(String::from);
                        let unique = c
                            .unique
                            .map_or([const { String::new() }; 3], |u| u.map(|v| v.to_string()));
                        place
                            .into_iter()
                            .chain([n.to_string(), c.components.to_string()])
                            .chain(c.equal.map(|v| v.to_string()))
                            .chain(unique)
                            .collect()
                    })
                    .collect();
                write_atomic(&file, &serde_json::to_vec(&rows).into_diagnostic()?)?;
                rows
            }
        };
        all.extend(rows);
        task.advance(1);
    }
    Ok(all)
}

/// Writes controls.csv.
///
/// # Errors
/// The file cannot be written.
pub fn write_table(rows: Vec<Vec<String>>, file: &Path) -> miette::Result<()> {
    Ok(write_csv(file, &HEADER, rows)?)
}
