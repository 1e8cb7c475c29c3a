//! Concept measures regressed on layers' features, layer by layer.

use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_interpret::concepts::regress;

use super::Job;
use crate::jobs::kept::kept;
use crate::progress::Task;

/// What is kept of a layer: rows of r2.csv and one direction per concept. Numbers as text, so that they come back as
/// they were.
#[derive(Debug, Serialize, Deserialize)]
pub struct Layer {
    /// Rows, without q-values.
    pub rows: Vec<Vec<String>>,
    /// One direction of unit length per row, in the space of the layer's channels (and cells); empty where the regression
    /// found none.
    pub vectors: Vec<Vec<String>>,
}

impl Job<'_> {
    /// Regresses all concepts on every layer, kept in `LAYER.json`.
    ///
    /// # Errors
    /// A concept is constant or no number, there are too few patches or groups, the folder cannot be written.
    pub fn regression(&self, task: &Task) -> miette::Result<Vec<Layer>> {
        let mut done = Vec::new();
        for (index, (_, name)) in self.layers.iter().enumerate() {
            let layer = kept(&self.folder.join(format!("{name}.json")), || {
                let (features, width) = self.features.layer(index);
                let found = regress(
                    self.network,
                    name,
                    features,
                    width,
                    &self.measured.numbers,
                    &self.groups,
                    self.options,
                )
                .into_diagnostic()?;
                let units = found.vectors.iter().map(|v| v.unit.as_deref());
                Ok(Layer {
                    rows: found.rows.iter().map(|row| row.fields().to_vec()).collect(),
                    vectors: units.map(|unit| self.vector_texts(index, unit)).collect(),
                })
            })?;
            done.push(layer);
            task.advance(1);
        }
        Ok(done)
    }
}
