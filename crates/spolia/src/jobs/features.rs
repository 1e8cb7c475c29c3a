//! Features of layers: activations averaged over space, their maximum, or cell by cell and reduced.

use std::path::Path;

use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_dataset::{Patch, Problem, Reader};
use spolia_interpret::concepts::{Pool, reduce};
use spolia_network::{Cut, StageId};

use super::batches::{self, Pass};
use super::model::Model;
use crate::context::Context;

/// Most principal components of [`Pool::Flat`]; a quarter of the patches where that is fewer.
const COMPONENTS: usize = 256;

/// Features of the patches that could be read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Features {
    /// Places of the patches in the list that was asked for (as a study keeps them: in its table), in order.
    pub rows: Vec<usize>,
    /// Per layer.
    pub layers: Vec<LayerFeatures>,
}

/// Features of a layer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LayerFeatures {
    /// Patches x features, row by row.
    pub values: Vec<f32>,
    /// Where features are scores: the principal components, components x cells x channels.
    pub components: Option<Vec<f32>>,
    /// Shape of a direction: channels, or rows x columns of cells x channels.
    pub shape: Vec<usize>,
}

impl Features {
    /// What belongs to these patches, of values for all that were asked for.
    pub fn pick<T: Copy>(&self, values: &[T]) -> Vec<T> {
        self.rows.iter().map(|&row| values[row]).collect()
    }

    /// Features of a layer, and how many it has.
    pub fn layer(&self, index: usize) -> (&[f32], usize) {
        let features = &self.layers[index].values;
        (features, features.len() / self.rows.len().max(1))
    }

    /// Features of a layer for the patches at some places of `rows` alone.
    pub fn layer_of(&self, index: usize, at: &[usize]) -> Vec<f32> {
        let (values, width) = self.layer(index);
        at.iter()
            .flat_map(|&i| values[i * width..(i + 1) * width].iter().copied())
            .collect()
    }

    /// The features of the patches at some places of `rows` alone.
    pub fn keep(&mut self, at: &[usize]) {
        for index in 0..self.layers.len() {
            self.layers[index].values = self.layer_of(index, at);
        }
        self.rows = at.iter().map(|&i| self.rows[i]).collect();
    }
}

/// Features of `layers` for `patches`, from one pass; finished parts are kept in `parts`.
///
/// # Errors
/// The network cannot run; images of several sizes, or a layer that answers alike to all, with [`Pool::Flat`].
pub fn features(
    model: &Model,
    (reader, patches): (&Reader, &[&Patch]),
    layers: &[StageId],
    pool: Pool,
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
        let features: Vec<Vec<Vec<f32>>> = taps.iter().map(|tap| pool.features(tap)).collect();
        let shapes: Vec<Vec<usize>> = taps
            .iter()
            .map(|tap| {
                let [_, height, width, channels] = tap.shape();
                pool.shape(height, width, channels)
            })
            .collect();
        let of = |i: usize| features.iter().map(|layer| layer[i].clone()).collect();
        Ok(batch
            .rows
            .iter()
            .enumerate()
            .map(|(i, &row)| (row, of(i), shapes.clone()))
            .collect::<Vec<(usize, Vec<Vec<f32>>, Vec<Vec<usize>>)>>())
    })?;
    // A batch of several image sizes is handed over size by size.
    found.sort_by_key(|f| f.0);
    let shapes = found.first().map(|f| f.2.clone()).unwrap_or_default();
    if found.iter().any(|f| f.2 != shapes) {
        return Err(miette::miette!(
            "the images are of several sizes, so that their cells do not match; pool by \"mean\" or \"max\", or give images of one size"
        ));
    }
    let mut features = Features {
        rows: Vec::new(),
        layers: shapes
            .into_iter()
            .map(|shape| LayerFeatures {
                shape,
                ..LayerFeatures::default()
            })
            .collect(),
    };
    features
        .layers
        .resize(layers.len(), LayerFeatures::default());
    for (row, values, _) in found {
        features.rows.push(row);
        for (layer, values) in features.layers.iter_mut().zip(values) {
            layer.values.extend(values);
        }
    }
    if pool == Pool::Flat {
        let most = COMPONENTS.min(features.rows.len() / 4).max(1);
        for (index, &stage) in layers.iter().enumerate() {
            let place = (title, model.network.name(stage));
            let reduced = reduce(place, features.layer(index), most).into_diagnostic()?;
            features.layers[index].values = reduced.scores;
            features.layers[index].components = Some(reduced.components);
        }
    }
    Ok((features, problems))
}
