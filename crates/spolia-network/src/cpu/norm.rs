//! Batch norm with the batch's statistics, and the ReLU behind it (Ioffe and Szegedy 2015, algorithm 1).

use rayon::prelude::*;

use super::share::{Layout, Shared};
use crate::{Error, Weights, graph::EPSILON};

/// Pixels of one partial sum.
const CHUNK: usize = 1024;

/// Scale, shift and running statistics of a layer.
pub(crate) struct Norm {
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
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

/// For each channel, sums of two quantities over all pixels, in double precision and in one order.
fn sums(
    pixels: usize,
    channels: usize,
    add: impl Fn(usize, &mut [f64], &mut [f64]) + Sync,
) -> (Vec<f64>, Vec<f64>) {
    let parts: Vec<(Vec<f64>, Vec<f64>)> = (0..pixels.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut part = (vec![0.0; channels], vec![0.0; channels]);
            for pixel in chunk * CHUNK..((chunk + 1) * CHUNK).min(pixels) {
                add(pixel, &mut part.0, &mut part.1);
            }
            part
        })
        .collect();
    let mut total = (vec![0.0; channels], vec![0.0; channels]);
    for part in parts {
        total.0.iter_mut().zip(part.0).for_each(|(t, p)| *t += p);
        total.1.iter_mut().zip(part.1).for_each(|(t, p)| *t += p);
    }
    total
}

impl Norm {
    pub fn new(weights: &Weights, name: &str) -> Result<Self, Error> {
        let part = |p: &str| {
            weights
                .get(&format!("{name}.bn.{p}"))
                .map(|t| t.data.clone())
        };
        Ok(Self {
            gamma: part("weight")?,
            beta: part("bias")?,
            mean: part("running_mean")?,
            variance: part("running_var")?,
        })
    }

    /// The statistics of `raw`, pixels x channels.
    pub fn statistics(&self, raw: &[f32]) -> Batch {
        let channels = self.gamma.len();
        let pixels = raw.len() / channels;
        let (sum, squares) = sums(pixels, channels, |pixel, sum, squares| {
            let values = &raw[pixel * channels..][..channels];
            for ((s, q), &v) in sum.iter_mut().zip(squares).zip(values) {
                let v = f64::from(v);
                *s += v;
                *q += v * v;
            }
        });
        let n = pixels as f64;
        let mut batch = Batch::default();
        for (s, q) in sum.into_iter().zip(squares) {
            let mean = s / n;
            let variance = (q / n - mean * mean).max(0.0);
            batch.mean.push(mean as f32);
            batch
                .inverse
                .push((1.0 / (variance + f64::from(EPSILON)).sqrt()) as f32);
            batch
                .unbiased
                .push((variance * n / (n - 1.0).max(1.0)) as f32);
        }
        batch
    }

    /// y = relu(gamma (raw - mean) / sd + beta), into a view.
    pub fn forward(&self, raw: &[f32], batch: &Batch, y: &mut [f32], to: Layout) {
        let channels = to.channels;
        let scale: Vec<f32> = self
            .gamma
            .iter()
            .zip(&batch.inverse)
            .map(|(g, i)| g * i)
            .collect();
        let shift: Vec<f32> = self
            .beta
            .iter()
            .zip(&batch.mean)
            .zip(&scale)
            .map(|((b, m), s)| b - m * s)
            .collect();
        let shared = Shared::new(y);
        raw.par_chunks(CHUNK * channels)
            .enumerate()
            .for_each(|(chunk, part)| {
                for (i, values) in part.chunks_exact(channels).enumerate() {
                    // Safety: a pixel of the view belongs to one chunk.
                    let out = unsafe {
                        shared.slice((chunk * CHUNK + i) * to.stride + to.offset, channels)
                    };
                    for (((o, v), s), b) in out.iter_mut().zip(values).zip(&scale).zip(&shift) {
                        *o = (v * s + b).max(0.0);
                    }
                }
            });
    }

    /// From the gradient of y to that of `raw` (into `out`), gamma and beta.
    pub fn backward(
        &self,
        (raw, batch): (&[f32], &Batch),
        (y, dy, to): (&[f32], &[f32], Layout),
        out: &mut [f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let channels = to.channels;
        let pixels = to.pixels();
        let (beta, gamma) = sums(pixels, channels, |pixel, beta, gamma| {
            let at = pixel * to.stride + to.offset;
            let (y, dy, raw) = (
                &y[at..][..channels],
                &dy[at..][..channels],
                &raw[pixel * channels..][..channels],
            );
            for c in 0..channels {
                let d = f64::from(if y[c] > 0.0 { dy[c] } else { 0.0 });
                beta[c] += d;
                gamma[c] += d * f64::from((raw[c] - batch.mean[c]) * batch.inverse[c]);
            }
        });
        let n = pixels as f64;
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
        out.par_chunks_mut(CHUNK * channels)
            .enumerate()
            .for_each(|(chunk, part)| {
                for (i, out) in part.chunks_exact_mut(channels).enumerate() {
                    let pixel = chunk * CHUNK + i;
                    let at = pixel * to.stride + to.offset;
                    let (y, dy, raw) = (
                        &y[at..][..channels],
                        &dy[at..][..channels],
                        &raw[pixel * channels..][..channels],
                    );
                    for c in 0..channels {
                        let d = if y[c] > 0.0 { dy[c] } else { 0.0 };
                        let normal = (raw[c] - batch.mean[c]) * batch.inverse[c];
                        out[c] = factor[c] * (d - mean[c] - normal * slope[c]);
                    }
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
