//! Activations of layers, averaged over space.

use std::path::Path;

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Problem, Reader};
use spolia_network::{Cut, StageId, Tensor};

use super::batches::{self, Pass};
use super::model::Model;
use crate::context::Context;

/// Spatial means: for each layer, patches x channels (row-major), of the patches that could be read.
pub struct Features {
    /// Places of the patches in the list that was asked for, in order.
    pub rows: Vec<usize>,
    /// Per layer.
    pub layers: Vec<Vec<f32>>,
}

impl Features {
    /// What belongs to these patches, of values for all that were asked for.
    pub fn pick<T: Copy>(&self, values: &[T]) -> Vec<T> {
        self.rows.iter().map(|&row| values[row]).collect()
    }

    /// Activations of a layer, and how many channels it has.
    pub fn layer(&self, index: usize) -> (&[f32], usize) {
        let activations = &self.layers[index];
        (activations, activations.len() / self.rows.len().max(1))
    }
}

/// The spatial means of `layers` for `patches`, from one pass; finished parts are kept in `parts`.
///
/// # Errors
/// The network cannot run.
pub fn means(
    model: &Model,
    (reader, patches): (&Reader, &[&Patch]),
    layers: &[StageId],
    title: &str,
    parts: Option<&Path>,
    context: &Context,
) -> miette::Result<(Features, Vec<Problem>)> {
    let last = layers.iter().max().copied().unwrap_or(model.network.last());
    let mut head = model.frozen(Cut::to(last))?;
    let pass = Pass {
        parts,
        ..Pass::new(model, reader, patches, title)
    };
    let (mut found, problems) = batches::each(&pass, context, |batch| {
        let taps = head.forward(&batch.input, layers).into_diagnostic()?;
        let means: Vec<Vec<Vec<f32>>> = taps.iter().map(Tensor::spatial_mean).collect();
        let of = |i: usize| means.iter().map(|layer| layer[i].clone()).collect();
        Ok(batch
            .rows
            .iter()
            .enumerate()
            .map(|(i, &row)| (row, of(i)))
            .collect::<Vec<(usize, Vec<Vec<f32>>)>>())
    })?;
    // A batch of several image sizes is handed over size by size.
    found.sort_by_key(|f| f.0);
    let mut features = Features {
        rows: Vec::new(),
        layers: vec![Vec::new(); layers.len()],
    };
    for (row, means) in found {
        features.rows.push(row);
        for (layer, values) in features.layers.iter_mut().zip(means) {
            layer.extend(values);
        }
    }
    Ok((features, problems))
}
