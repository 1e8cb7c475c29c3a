//! Batch norm with the batch's statistics, and the ReLU behind it (Ioffe and Szegedy 2015, algorithm 1).

use super::{
    elementwise::{Affine, chunks, sums},
    share::{Layout, Shared},
};
use crate::{Error, Weights, graph::BatchNorm};

/// Scale, shift and running statistics of a layer.
pub(crate) struct Norm {
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
    pub epsilon: f32,
}

/// A batch's statistics.
#[derive(Clone, Default)]
pub(crate) struct Batch {
    pub mean: Vec<f32>,
    /// 1 / sqrt(variance + epsilon).
    pub inverse: Vec<f32>,
    /// n / (n - 1) times the variance, as PyTorch keeps it.
    pub unbiased: Vec<f32>,
}

impl Norm {
    pub fn new(weights: &Weights, norm: &BatchNorm) -> Result<Self, Error> {
        let part = |p: &str| {
            weights
                .get(&format!("{}.{p}", norm.name))
                .map(|t| t.data.clone())
        };
        Ok(Self {
            gamma: part("weight")?,
            beta: part("bias")?,
            mean: part("running_mean")?,
            variance: part("running_var")?,
            epsilon: norm.epsilon,
        })
    }

    /// Scale and shift with the running statistics.
    pub fn folded(&self) -> Affine {
        let scale: Vec<f32> = self
            .gamma
            .iter()
            .zip(&self.variance)
            .map(|(g, v)| g / (v + self.epsilon).sqrt())
            .collect();
        let shift = self
            .beta
            .iter()
            .zip(&self.mean)
            .zip(&scale)
            .map(|((b, m), s)| b - m * s)
            .collect();
        Affine { scale, shift }
    }

    /// The statistics of a view.
    pub fn statistics(&self, x: &[f32], from: Layout) -> Batch {
        let (sum, squares) = sums(from.pixels(), from.channels, |pixel, sum, squares| {
            let values = &x[pixel * from.stride + from.offset..][..from.channels];
            for ((s, q), &v) in sum.iter_mut().zip(squares).zip(values) {
                let v = f64::from(v);
                *s += v;
                *q += v * v;
            }
        });
        let n = from.pixels() as f64;
        let mut batch = Batch::default();
        for (s, q) in sum.into_iter().zip(squares) {
            let mean = s / n;
            let variance = (q / n - mean * mean).max(0.0);
            batch.mean.push(mean as f32);
            batch
                .inverse
                .push((1.0 / (variance + f64::from(self.epsilon)).sqrt()) as f32);
            batch
                .unbiased
                .push((variance * n / (n - 1.0).max(1.0)) as f32);
        }
        batch
    }

    /// y = gamma (x - mean) / sd + beta with the batch's statistics, then ReLU where asked.
    pub fn forward(&self, x: (&[f32], Layout), batch: &Batch, y: (&mut [f32], Layout), relu: bool) {
        let scale: Vec<f32> = self
            .gamma
            .iter()
            .zip(&batch.inverse)
            .map(|(g, i)| g * i)
            .collect();
        let shift = self
            .beta
            .iter()
            .zip(&batch.mean)
            .zip(&scale)
            .map(|((b, m), s)| b - m * s)
            .collect();
        Affine { scale, shift }.forward(x, y, relu);
    }

    /// From the gradient of y to that of x (`dx`, of x's layout; added where asked), gamma and beta.
    pub fn backward(
        &self,
        (x, from, batch): (&[f32], Layout, &Batch),
        (y, dy, to): (&[f32], &[f32], Layout),
        relu: bool,
        (dx, add): (&mut [f32], bool),
    ) -> (Vec<f32>, Vec<f32>) {
        let channels = to.channels;
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        let at = |pixel: usize| {
            let (source, target) = (
                pixel * from.stride + from.offset,
                pixel * to.stride + to.offset,
            );
            (
                &x[source..][..channels],
                &y[target..][..channels],
                &dy[target..][..channels],
            )
        };
        let (beta, gamma) = sums(to.pixels(), channels, |pixel, beta, gamma| {
            let (x, y, dy) = at(pixel);
            for c in 0..channels {
                let d = f64::from(if y[c] > floor { dy[c] } else { 0.0 });
                beta[c] += d;
                gamma[c] += d * f64::from((x[c] - batch.mean[c]) * batch.inverse[c]);
            }
        });
        let n = to.pixels() as f64;
        let factor: Vec<f32> = self
            .gamma
            .iter()
            .zip(&batch.inverse)
            .map(|(g, i)| g * i)
            .collect();
        let (mean, slope): (Vec<f32>, Vec<f32>) = beta
            .iter()
            .zip(&gamma)
            .map(|(b, g)| ((b / n) as f32, (g / n) as f32))
            .unzip();
        let shared = Shared::new(dx);
        chunks(to.pixels(), |pixel| {
            let (x, y, dy) = at(pixel);
            // Safety: a pixel belongs to one chunk.
            let out = unsafe { shared.slice(pixel * from.stride + from.offset, channels) };
            for c in 0..channels {
                let d = if y[c] > floor { dy[c] } else { 0.0 };
                let normal = (x[c] - batch.mean[c]) * batch.inverse[c];
                let g = factor[c] * (d - mean[c] - normal * slope[c]);
                out[c] = if add { out[c] + g } else { g };
            }
        });
        let narrow = |v: Vec<f64>| v.into_iter().map(|x| x as f32).collect();
        (narrow(gamma), narrow(beta))
    }

    /// Moves the running statistics a tenth of the way to the batch's.
    pub fn follow(&mut self, batch: &Batch) {
        const MOMENTUM: f32 = 0.1;
        for (running, new) in [
            (&mut self.mean, &batch.mean),
            (&mut self.variance, &batch.unbiased),
        ] {
            running
                .iter_mut()
                .zip(new)
                .for_each(|(r, n)| *r += MOMENTUM * (n - *r));
        }
    }
}
