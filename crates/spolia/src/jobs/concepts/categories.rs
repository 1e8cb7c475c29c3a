//! Concepts that are present or not, or one of several categories: how well layers tell them.

use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_interpret::concepts::{ClassOptions, ClassRow, classify, restore};

use super::Job;
use crate::jobs::kept::kept;
use crate::progress::Task;

/// Columns of classes.csv.
pub const HEADER: [&str; ClassRow::COLUMNS.len()] = ClassRow::COLUMNS;

/// What is kept of a layer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Layer {
    /// Rows of classes.csv, one per concept.
    pub rows: Vec<Vec<String>>,
    /// Direction of unit length of each concept; empty where there is none.
    pub vectors: Vec<Vec<String>>,
}

impl Job<'_> {
    /// How well every layer tells the categories of each concept, kept in `LAYER.classes.json`.
    ///
    /// # Errors
    /// The statistics fail, or the folder cannot be written.
    pub fn categories(&self, task: &Task) -> miette::Result<()> {
        let options = self.class_options();
        for (index, (_, name)) in self.layers.iter().enumerate() {
            kept(&self.folder.join(format!("{name}.classes.json")), || {
                let (mut rows, mut vectors) = (Vec::new(), Vec::new());
                for concept in &self.measured.categories {
                    let place = (self.network, *name);
                    let found = classify(
                        place,
                        self.features.layer(index),
                        concept,
                        &self.groups,
                        options,
                    )
                    .into_diagnostic()?;
                    rows.push(found.row.fields());
                    vectors.push(self.vector_texts(index, found.unit.as_deref()));
                }
                Ok(Layer { rows, vectors })
            })?;
            task.advance(1);
        }
        Ok(())
    }

    /// How categories, the centre's too, are told.
    pub fn class_options(&self) -> ClassOptions {
        let default = ClassOptions::default();
        ClassOptions {
            components: self.components(default.components),
            seed: self.options.seed,
            ..default
        }
    }

    /// A direction among a layer's features as one of unit length among its channels (and cells), as text; empty for none.
    pub fn vector_texts(&self, index: usize, direction: Option<&[f64]>) -> Vec<String> {
        let Some(direction) = direction else {
            return Vec::new();
        };
        let values = match &self.features.layers[index].components {
            Some(components) => restore(direction, components),
            None => direction.to_vec(),
        };
        values.iter().map(|v| (*v as f32).to_string()).collect()
    }
}
