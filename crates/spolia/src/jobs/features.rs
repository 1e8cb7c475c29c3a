//! Activations of layers, averaged over space.

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Problem, Reader};
use spolia_network::{Cut, StageId, Tensor};

use super::batches::{self, BATCH};
use super::model::Model;
use crate::context::Context;

/// Spatial means: for each layer, patches x channels (row-major), of the patches that could be read.
pub struct Features {
    /// Places of the patches in the list that was asked for, in order.
    pub rows: Vec<usize>,
    /// Per layer.
    pub layers: Vec<Vec<f32>>,
}

/// The spatial means of `layers` for `patches`, from one pass.
///
/// # Errors
/// The network cannot run.
pub fn means(
    model: &Model,
    reader: &Reader,
    patches: &[&Patch],
    layers: &[StageId],
    title: &str,
    context: &Context,
) -> miette::Result<(Features, Vec<Problem>)> {
    let last = layers.iter().max().copied().unwrap_or(model.network.last());
    let mut head = model.frozen(Cut::to(last))?;
    let mut found: Vec<Option<Vec<Vec<f32>>>> = vec![None; patches.len()];
    let limits = (BATCH, model.network.least_side());
    let problems = batches::each((reader, patches), limits, title, context, |batch| {
        let taps = head.forward(&batch.input, layers).into_diagnostic()?;
        let means: Vec<Vec<Vec<f32>>> = taps.iter().map(Tensor::spatial_mean).collect();
        for (i, &row) in batch.rows.iter().enumerate() {
            found[row] = Some(means.iter().map(|layer| layer[i].clone()).collect());
        }
        Ok(())
    })?;
    let mut features = Features {
        rows: Vec::new(),
        layers: vec![Vec::new(); layers.len()],
    };
    for (row, means) in found.into_iter().enumerate() {
        let Some(means) = means else { continue };
        features.rows.push(row);
        for (layer, values) in features.layers.iter_mut().zip(means) {
            layer.extend(values);
        }
    }
    Ok((features, problems))
}
