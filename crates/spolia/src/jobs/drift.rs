//! How far layers moved between two networks: in what they answer to the same patches, and in their weights.

use miette::IntoDiagnostic;
use rayon::prelude::*;
use spolia_interpret::drift::{
    Kernel, channels, cka, cka_jackknife, procrustes, svcca, weight_drift,
};
use spolia_network::StageId;
use spolia_stats::Matrix;

use super::features::Features;
use super::model::Model;
use crate::progress::Task;
use crate::run_folder::cell;

/// Share of a layer's variance whose directions SVCCA and PWCCA compare (Raghu et al. 2017).
const VARIANCE: f64 = 0.99;
/// Width of the Gaussian kernel, of the median distance (Kornblith et al. 2019 try 0.2 to 0.8).
const WIDTH: f64 = 0.8;

/// Columns of a drift table.
pub const HEADER: [&str; 20] = [
    "layer",
    "weight_distance",
    "cka",
    "svcca",
    "pwcca",
    "procrustes",
    "cka_low",
    "cka_high",
    "cka_biased",
    "cka_gaussian",
    "channel_correlation",
    "nearest_correlation",
    "nearest_same",
    "weight_cosine",
    "kernel_cosine",
    "kernel_cosine_low",
    "kernel_distance",
    "batch_norm_distance",
    "n",
    "groups",
];

/// Two networks, and what their layers answer to the same patches.
pub struct Pair<'a> {
    /// The network before, and its features.
    pub before: (&'a Model, &'a Features),
    /// The network after, and its features.
    pub after: (&'a Model, &'a Features),
    /// Layers, in the order of the features.
    pub layers: &'a [StageId],
    /// Group (patient, slide, image) of each patch.
    pub groups: &'a [usize],
}

impl Pair<'_> {
    /// One row per layer. A measure that is not defined is an empty cell: of a layer that answers alike to all patches, of the
    /// weights of a pool.
    ///
    /// # Errors
    /// The networks are of different architectures.
    pub fn rows(&self, task: &Task) -> miette::Result<Vec<Vec<String>>> {
        let (a, b) = (self.before.0, self.after.0);
        if a.network.architecture() != b.network.architecture() {
            return Err(miette::miette!(
                "{} is a network of {}, {} of {}; drift compares networks of one architecture",
                a.weights.source,
                a.network.architecture(),
                b.weights.source,
                b.network.architecture()
            ));
        }
        (0..self.layers.len())
            .into_par_iter()
            .map(|index| {
                let row = self.row(index);
                task.advance(1);
                row
            })
            .collect()
    }

    fn row(&self, index: usize) -> miette::Result<Vec<String>> {
        let stage = self.layers[index];
        let n = self.groups.len();
        let of = |features: &Features| {
            let (values, width) = features.layer(index);
            Matrix::from_f32(n, width, values).into_diagnostic()
        };
        let (x, y) = (of(self.before.1)?, of(self.after.1)?);
        let (a, b) = (self.before.0, self.after.0);
        let linear = cka_jackknife(&x, &y, Kernel::Linear, self.groups).ok();
        let gaussian = cka(&x, &y, Kernel::Gaussian { scale: WIDTH }).ok();
        let canonical = svcca(&x, &y, VARIANCE).ok();
        let own = channels(&x, &y).ok();
        let weights = weight_drift(&a.network, stage, &a.weights, &b.weights).into_diagnostic()?;
        let different = self
            .groups
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len();
        let mut row = vec![a.network.name(stage).to_string()];
        row.extend(
            [
                weights.as_ref().map(|w| w.distance),
                linear.map(|(cka, _)| cka.debiased),
                canonical.as_ref().map(|c| c.svcca()),
                canonical.as_ref().map(|c| c.pwcca()),
                procrustes(&x, &y).ok(),
                linear.map(|(_, ends)| ends[0]),
                linear.map(|(_, ends)| ends[1]),
                linear.map(|(cka, _)| cka.biased),
                gaussian.map(|cka| cka.debiased),
                own.as_ref().and_then(|c| c.mean_own()),
                own.as_ref().and_then(|c| c.mean_nearest()),
                own.as_ref().and_then(|c| c.share_same()),
                weights.as_ref().map(|w| w.cosine),
                weights.as_ref().map(|w| w.kernels.mean_cosine),
                weights.as_ref().map(|w| w.kernels.low_cosine),
                weights.as_ref().map(|w| w.kernels.mean_distance),
                weights.as_ref().and_then(|w| w.batch_norm),
            ]
            .map(|v| cell(v.filter(|v| v.is_finite()))),
        );
        row.extend([n.to_string(), different.to_string()]);
        Ok(row)
    }
}

/// Every stage that has channels: all but the logits.
pub fn every_layer(model: &Model) -> Vec<StageId> {
    let logits = (model.network.outputs() > 0).then(|| model.network.last());
    model
        .network
        .stages()
        .map(|(id, _)| id)
        .filter(|id| Some(*id) != logits)
        .collect()
}
