//! Batch norm with the batch's statistics.

use cubecl::prelude::*;

use super::{
    kernels::{
        UNITS,
        norm::{CHANNELS, moments, norm_gradient, slope_means, slopes, statistics},
    },
    product::spans,
    runner::{Image, Runner, Values},
};
use crate::Error;

/// A batch norm and where its numbers lie.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    pub channels: usize,
    pub epsilon: f32,
    /// Its place among the statistics of all batch norms.
    pub at: usize,
    /// Where gamma and beta begin among the parameters.
    pub gamma: usize,
    pub beta: usize,
}

/// The statistics of a batch, of all batch norms.
pub(super) struct Batch {
    /// Channels of all batch norms.
    pub total: usize,
    /// Means, and unbiased variances behind them.
    pub moments: Values,
    /// 1 / sqrt(variance + epsilon).
    inverse: Values,
    pub scale: Values,
    pub shift: Values,
    /// What passes through the batch's mean, and through its variance, on the way back.
    by_mean: Values,
    by_normal: Values,
}

impl Batch {
    pub fn new(runner: &Runner, total: usize) -> Result<Self, Error> {
        Ok(Self {
            total,
            moments: runner.zeros(2 * total)?,
            inverse: runner.empty(total)?,
            scale: runner.empty(total)?,
            shift: runner.empty(total)?,
            by_mean: runner.empty(total)?,
            by_normal: runner.empty(total)?,
        })
    }
}

impl Runner {
    /// The statistics of x, into the norm's place in `batch`.
    pub fn statistics(
        &self,
        norm: &Norm,
        x: &Image,
        parameters: &Values,
        batch: &Batch,
    ) -> Result<(), Error> {
        let pixels = x.layout.pixels();
        let (spans, length) = spans(pixels);
        let sums = self.empty(2 * spans * norm.channels)?;
        let blocks = norm.channels.div_ceil(CHANNELS);
        // Safety: the kernels check channels and pixels.
        unsafe {
            moments::launch_unchecked(
                &self.client,
                CubeCount::Static((spans * blocks) as u32, 1, 1),
                CubeDim::new_1d(UNITS),
                x.values.arg(),
                sums.arg(),
                x.shape(),
                pixels,
                length,
            );
            statistics::launch_unchecked(
                &self.client,
                CubeCount::Static(blocks as u32, 1, 1),
                CubeDim::new_1d(UNITS),
                x.values.arg(),
                sums.arg(),
                parameters.arg(),
                batch.moments.arg(),
                batch.inverse.arg(),
                batch.scale.arg(),
                batch.shift.arg(),
                x.shape(),
                pixels,
                spans,
                norm.at,
                batch.total,
                norm.gamma,
                norm.beta,
                norm.epsilon,
            );
        }
        Ok(())
    }

    /// From the gradient of a norm's output behind its ReLU (`floor` 0) to those of gamma and beta, and to that of x
    /// where `dx` is given; added where it says.
    pub fn norm_gradient(
        &self,
        norm: &Norm,
        (x, dy, floor): (&Image, &Image, f32),
        batch: &Batch,
        gradients: &Values,
        dx: Option<(&Image, bool)>,
    ) -> Result<(), Error> {
        let pixels = x.layout.pixels();
        let (spans, length) = spans(pixels);
        let sums = self.empty(2 * spans * norm.channels)?;
        let blocks = norm.channels.div_ceil(CHANNELS);
        // Safety: the kernels check channels and pixels, or their place against the length.
        unsafe {
            slopes::launch_unchecked(
                &self.client,
                CubeCount::Static((spans * blocks) as u32, 1, 1),
                CubeDim::new_1d(UNITS),
                x.values.arg(),
                dy.values.arg(),
                batch.moments.arg(),
                batch.inverse.arg(),
                batch.scale.arg(),
                batch.shift.arg(),
                sums.arg(),
                x.shape(),
                dy.shape(),
                pixels,
                length,
                norm.at,
                floor,
            );
            slope_means::launch_unchecked(
                &self.client,
                CubeCount::Static(blocks as u32, 1, 1),
                CubeDim::new_1d(UNITS),
                sums.arg(),
                gradients.arg(),
                batch.by_mean.arg(),
                batch.by_normal.arg(),
                norm.channels,
                pixels,
                spans,
                norm.at,
                norm.gamma,
                norm.beta,
            );
            if let Some((dx, add)) = dx {
                norm_gradient::launch_unchecked(
                    &self.client,
                    self.count(x.len()),
                    CubeDim::new_1d(UNITS),
                    x.values.arg(),
                    dy.values.arg(),
                    batch.moments.arg(),
                    batch.inverse.arg(),
                    batch.scale.arg(),
                    batch.shift.arg(),
                    batch.by_mean.arg(),
                    batch.by_normal.arg(),
                    dx.values.arg(),
                    x.shape(),
                    dy.shape(),
                    dx.shape(),
                    x.len(),
                    norm.at,
                    floor,
                    u32::from(add),
                );
            }
        }
        Ok(())
    }
}
