//! Controls of the held-out R²: equal dimension, and what is left beyond colour and brightness.

use miette::IntoDiagnostic;
use spolia_interpret::concepts::{Concept, Control, controls};
use spolia_measure::Measure;

use super::concepts::Regression;
use super::kept::kept;
use crate::progress::Task;

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

/// Rows of controls.csv for all layers of a network; finished layers are never redone.
///
/// # Errors
/// The statistics fail, or the folder cannot be written.
pub fn rows(
    regression: &Regression<'_>,
    covariates: &[Concept],
    task: &Task,
) -> miette::Result<Vec<Vec<String>>> {
    let Regression {
        network,
        layers,
        features,
        concepts,
        groups,
        options,
        folder,
    } = regression;
    let n = groups.len();
    // Alike for all layers; a training fold must hold several images for each component.
    let narrowest = (0..layers.len()).map(|k| features.layer(k).1).min();
    let components = COMPONENTS.min(narrowest.unwrap_or(1)).min((n / 4).max(1));
    let mut all = Vec::new();
    for (index, (_, name)) in layers.iter().enumerate() {
        let rows = kept(&folder.join(format!("{name}.controls.json")), || {
            let layer = features.layer(index);
            let place = (*network, *name);
            let found = controls(
                place, layer, concepts, covariates, groups, components, *options,
            )
            .into_diagnostic()?;
            let row = |(concept, c): (&Concept, Control)| -> Vec<String> {
                let unique = c
                    .unique
                    .map_or([const { String::new() }; 3], |u| u.map(|v| v.to_string()));
                [network, name, concept.id.as_str()]
                    .map(String::from)
                    .into_iter()
                    .chain([n.to_string(), c.components.to_string()])
                    .chain(c.equal.map(|v| v.to_string()))
                    .chain(unique)
                    .collect()
            };
            Ok(concepts.iter().zip(found).map(row).collect::<Vec<_>>())
        })?;
        all.extend(rows);
        task.advance(1);
    }
    Ok(all)
}
