//! Controls of the held-out R²: equal dimension, and what is left beyond colour and brightness.

use miette::IntoDiagnostic;
use spolia_interpret::concepts::{Concept, Control, controls};
use spolia_measure::Measure;

use super::Job;
use crate::jobs::kept::kept;
use crate::progress::Task;
use crate::run_folder::cell;

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
pub const HEADER: [&str; 12] = [
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
    "r2_ceiling",
];

impl Job<'_> {
    /// Rows of controls.csv for all layers, kept in `LAYER.controls.json`.
    ///
    /// # Errors
    /// The statistics fail, or the folder cannot be written.
    pub fn controls(&self, task: &Task) -> miette::Result<()> {
        let components = self.components(COMPONENTS);
        for (index, (_, name)) in self.layers.iter().enumerate() {
            kept(&self.folder.join(format!("{name}.controls.json")), || {
                let found = controls(
                    (self.network, name),
                    self.features.layer(index),
                    &self.measured.numbers,
                    &self.measured.covariates,
                    &self.groups,
                    components,
                    self.options,
                )
                .into_diagnostic()?;
                let concepts = self.measured.numbers.iter().zip(found);
                Ok(concepts
                    .map(|(concept, c)| self.control(name, concept, &c))
                    .collect::<Vec<_>>())
            })?;
            task.advance(1);
        }
        Ok(())
    }

    fn control(&self, layer: &str, concept: &Concept, c: &Control) -> Vec<String> {
        let unique = c
            .unique
            .map_or([const { String::new() }; 3], |u| u.map(|v| v.to_string()));
        let ceiling = self.measured.ceilings.get(&concept.id);
        [self.network, layer, concept.id.as_str()]
            .map(String::from)
            .into_iter()
            .chain([self.images().to_string(), c.components.to_string()])
            .chain(c.equal.map(|v| v.to_string()))
            .chain(unique)
            .chain([cell(ceiling.copied())])
            .collect()
    }
}
