//! Concept measures regressed on layers' activations, layer by layer; finished layers are never redone.

use std::path::{Path, PathBuf};

use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_interpret::concepts::{Concept, ConceptOptions, R2Row, regress};
use spolia_network::StageId;

use super::features::Features;
use super::kept::kept;
use crate::progress::Task;
use crate::run_folder::write_csv;

/// What is kept of a layer: rows of r2.csv and one direction per concept. Numbers as text, so that they come back as
/// they were.
#[derive(Debug, Serialize, Deserialize)]
pub struct Layer {
    /// Rows, without q-values.
    pub rows: Vec<Vec<String>>,
    /// Name and the direction of unit length in the space of the layer's channels; empty where the regression found
    /// none.
    pub vectors: Vec<(String, Vec<String>)>,
}

/// Concepts, and the layers that may tell them.
pub struct Regression<'a> {
    /// Network's name in the tables.
    pub network: &'a str,
    /// Layers and their names, in the order of `features.layers`.
    pub layers: Vec<(StageId, &'static str)>,
    /// Spatial means of the patches that could be read.
    pub features: &'a Features,
    /// The concepts, one value for each of those patches.
    pub concepts: Vec<Concept>,
    /// Group (patient, slide, image) of each of those patches.
    pub groups: Vec<usize>,
    /// How concepts are regressed.
    pub options: ConceptOptions,
    /// Folder of what is finished: `LAYER.json`, `LAYER.controls.json`, `LAYER.relevance.json`.
    pub folder: PathBuf,
}

/// Of concepts of all patches, those of the patches that could be read.
pub fn picked(features: &Features, concepts: &[Concept]) -> Vec<Concept> {
    let of = |c: &Concept| Concept {
        id: c.id.clone(),
        values: features.pick(&c.values),
    };
    concepts.iter().map(of).collect()
}

impl Regression<'_> {
    /// Regresses all concepts on every layer; finished layers are never redone.
    ///
    /// # Errors
    /// A concept is constant or no number, there are too few patches or groups, `folder` cannot be written.
    pub fn run(&self, task: &Task) -> miette::Result<Vec<Layer>> {
        let mut done = Vec::new();
        for (index, (_, name)) in self.layers.iter().enumerate() {
            let layer = kept(&self.folder.join(format!("{name}.json")), || {
                let (activations, channels) = self.features.layer(index);
                let found = regress(
                    self.network,
                    name,
                    activations,
                    channels,
                    &self.concepts,
                    &self.groups,
                    self.options,
                )
                .into_diagnostic()?;
                Ok(Layer {
                    rows: found.rows.iter().map(|row| row.fields().to_vec()).collect(),
                    vectors: found
                        .vectors
                        .into_iter()
                        .map(|v| {
                            let unit = v.unit.unwrap_or_default();
                            let texts = unit.iter().map(|x| (*x as f32).to_string());
                            (v.concept, texts.collect())
                        })
                        .collect(),
                })
            })?;
            done.push(layer);
            task.advance(1);
        }
        Ok(done)
    }
}

/// Fills column `q` with Benjamini-Hochberg's q-values over all rows whose column `p` holds a number.
///
/// # Errors
/// A p-value is out of range.
pub fn fill_q(rows: &mut [Vec<String>], p: usize, q: usize) -> miette::Result<()> {
    let tested: Vec<(usize, f64)> = rows
        .iter()
        .enumerate()
        .filter_map(|(i, row)| Some((i, row[p].parse().ok()?)))
        .collect();
    let values: Vec<f64> = tested.iter().map(|t| t.1).collect();
    let adjusted = spolia_stats::benjamini_hochberg(&values).into_diagnostic()?;
    for ((i, _), value) in tested.iter().zip(adjusted) {
        rows[*i][q] = value.to_string();
    }
    Ok(())
}

/// Writes r2.csv over all networks and layers, with q-values, and vectors.safetensors.
///
/// # Errors
/// A kept p-value is no number, or a file cannot be written.
pub fn write_tables(layers: &[Layer], folder: &Path) -> miette::Result<()> {
    let mut rows: Vec<Vec<String>> = layers.iter().flat_map(|l| l.rows.iter().cloned()).collect();
    let last = R2Row::COLUMNS.len() - 1;
    fill_q(&mut rows, last - 1, last)?;
    write_csv(&folder.join("r2.csv"), &R2Row::COLUMNS, &rows)?;
    let mut vectors = spolia_network::Weights::default();
    for layer in layers {
        for ((concept, unit), row) in layer
            .vectors
            .iter()
            .zip(&layer.rows)
            .filter(|((_, u), _)| !u.is_empty())
        {
            let data: Vec<f32> = unit
                .iter()
                .map(|v| v.parse())
                .collect::<Result<_, _>>()
                .into_diagnostic()?;
            let tensor = spolia_network::WeightTensor {
                shape: vec![data.len()],
                data,
            };
            vectors
                .tensors
                .insert(format!("{}/{}/{concept}", row[0], row[1]), tensor);
        }
    }
    vectors.metadata.history.push(
        "unit concept vectors, network/layer/concept, in the space of the layer's spatial means"
            .into(),
    );
    vectors
        .save(folder.join("vectors.safetensors"))
        .into_diagnostic()?;
    Ok(())
}
