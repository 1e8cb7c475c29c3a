//! Concept measures regressed on layers' activations, layer by layer; finished layers are never redone.

use std::path::Path;

use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_interpret::concepts::{Concept, ConceptOptions, R2Row, regress};

use super::features::Features;
use crate::progress::Task;
use crate::run_folder::{write_atomic, write_csv};

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

/// Regresses all concepts on every layer. `features.rows` say which of `concepts`' and `groups`' entries they belong to.
///
/// # Errors
/// A concept is constant or no number, there are too few patches or groups, `folder` cannot be written.
pub fn layers(
    network: &str,
    names: &[&'static str],
    features: &Features,
    (concepts, groups): (&[Concept], &[usize]),
    options: ConceptOptions,
    folder: &Path,
    task: &Task,
) -> miette::Result<Vec<Layer>> {
    let concepts: Vec<Concept> = concepts
        .iter()
        .map(|c| Concept {
            id: c.id.clone(),
            values: features.rows.iter().map(|&row| c.values[row]).collect(),
        })
        .collect();
    let groups: Vec<usize> = features.rows.iter().map(|&row| groups[row]).collect();
    let mut done = Vec::new();
    for (name, activations) in names.iter().zip(&features.layers) {
        let file = folder.join(format!("{name}.json"));
        if let Some(kept) = std::fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        {
            done.push(kept);
            task.advance(1);
            continue;
        }
        let channels = activations.len() / groups.len().max(1);
        let found = regress(
            network,
            name,
            activations,
            channels,
            &concepts,
            &groups,
            options,
        )
        .into_diagnostic()?;
        let layer = Layer {
            rows: found.rows.iter().map(|row| row.fields().to_vec()).collect(),
            vectors: found
                .vectors
                .into_iter()
                .map(|v| {
                    (
                        v.concept,
                        v.unit
                            .unwrap_or_default()
                            .iter()
                            .map(|x| (*x as f32).to_string())
                            .collect(),
                    )
                })
                .collect(),
        };
        write_atomic(&file, &serde_json::to_vec(&layer).into_diagnostic()?)?;
        done.push(layer);
        task.advance(1);
    }
    Ok(done)
}

/// Writes r2.csv over all networks and layers, with q-values, and vectors.safetensors.
///
/// # Errors
/// A kept p-value is no number, or a file cannot be written.
pub fn write_tables(layers: &[Layer], folder: &Path) -> miette::Result<()> {
    let mut rows: Vec<Vec<String>> = layers.iter().flat_map(|l| l.rows.iter().cloned()).collect();
    let last = R2Row::COLUMNS.len() - 1;
    let tested: Vec<(usize, f64)> = rows
        .iter()
        .enumerate()
        .filter_map(|(i, row)| Some((i, row[last - 1].parse().ok()?)))
        .collect();
    let p: Vec<f64> = tested.iter().map(|t| t.1).collect();
    for ((i, _), q) in tested
        .iter()
        .zip(spolia_stats::benjamini_hochberg(&p).into_diagnostic()?)
    {
        rows[*i][last] = q.to_string();
    }
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
