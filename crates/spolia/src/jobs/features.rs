//! Activations of layers, averaged over space.

use spolia_dataset::{Patch, Problem, Reader};
use spolia_network::{Cut, StageId};

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
    let mut problems = Vec::new();
    let task = context.progress.start(title, patches.len());
    let rows: Vec<usize> = (0..patches.len()).collect();
    for rows in rows.chunks(BATCH) {
        let (batches, failed) = batches::read(reader, patches, rows, model.network.least_side())?;
        problems.extend(failed);
        for batch in batches {
            let taps = head
                .forward(&batch.input, layers)
                .map_err(|e| miette::miette!("{e}"))?;
            let means: Vec<Vec<Vec<f32>>> = taps
                .iter()
                .map(spolia_network::Tensor::spatial_mean)
                .collect();
            for (i, &row) in batch.rows.iter().enumerate() {
                found[row] = Some(means.iter().map(|layer| layer[i].clone()).collect());
            }
        }
        task.advance(rows.len());
    }
    task.finish();
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
