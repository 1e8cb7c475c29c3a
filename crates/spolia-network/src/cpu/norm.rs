//! Batch norm with the batch's statistics, and the ReLU behind it (Ioffe and Szegedy 2015, algorithm 1).

use super::{
    elementwise::{Affine, chunks, kept, sums},
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
        self.affine(batch).forward(x, y, relu);
    }

    /// Scale and shift with a batch's statistics.
    fn affine(&self, batch: &Batch) -> Affine {
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
        Affine { scale, shift }
    }

    /// From the gradient of y to that of x (`dx`, of x's layout; added where asked), gamma and beta.
    pub fn backward(
        &self,
        (x, from, batch): (&[f32], Layout, &Batch),
        dy: (&[f32], Layout),
        relu: bool,
        dx: Option<(&mut [f32], bool)>,
    ) -> (Vec<f32>, Vec<f32>) {
        let slope = self.slope((x, from, batch), dy, relu);
        if let Some((dx, add)) = dx {
            let shared = Shared::new(dx);
            chunks(from.pixels(), |pixel| {
                let at = pixel * from.stride + from.offset;
                let x = &x[at..][..from.channels];
                // Safety: a pixel belongs to one task.
                let out = unsafe { shared.slice(at, from.channels) };
                let dy = channels(dy, pixel);
                let n = x.len();
                let (out, dy, of) = (&mut out[..n], &dy[..n], slope.first(n));
                if add {
                    (0..n).for_each(|c| out[c] += of.gradient(c, x[c], dy[c]));
                } else {
                    (0..n).for_each(|c| out[c] = of.gradient(c, x[c], dy[c]));
                }
            });
        }
        slope.parameters()
    }

    /// [`Norm::backward`] where x's pixels are dense; its gradient takes its place.
    pub fn backward_in_place(
        &self,
        x: &mut [f32],
        batch: &Batch,
        dy: (&[f32], Layout),
        relu: bool,
    ) -> (Vec<f32>, Vec<f32>) {
        let width = dy.1.channels;
        let from = Layout {
            stride: width,
            offset: 0,
            ..dy.1
        };
        let slope = self.slope((x, from, batch), dy, relu);
        let shared = Shared::new(x);
        chunks(from.pixels(), |pixel| {
            // Safety: a pixel belongs to one task.
            let x = unsafe { shared.slice(pixel * width, width) };
            let dy = channels(dy, pixel);
            let (dy, of) = (&dy[..width], slope.first(width));
            (0..width).for_each(|c| x[c] = of.gradient(c, x[c], dy[c]));
        });
        slope.parameters()
    }

    fn slope(
        &self,
        (x, from, batch): (&[f32], Layout, &Batch),
        dy: (&[f32], Layout),
        relu: bool,
    ) -> Slope {
        let Affine { scale, shift } = self.affine(batch);
        let mut slope = Slope {
            floor: if relu { 0.0 } else { f32::NEG_INFINITY },
            mean: batch.mean.clone(),
            inverse: batch.inverse.clone(),
            scale,
            shift,
            gamma: Vec::new(),
            beta: Vec::new(),
            by_mean: vec![0.0; from.channels],
            by_normal: vec![0.0; from.channels],
        };
        let (beta, gamma) = sums(from.pixels(), from.channels, |pixel, beta, gamma| {
            let (x, dy) = (channels((x, from), pixel), channels(dy, pixel));
            let n = x.len();
            let (beta, gamma) = (&mut beta[..n], &mut gamma[..n]);
            let (dy, of) = (&dy[..n], slope.first(n));
            for c in 0..n {
                let d = f64::from(of.through(c, x[c], dy[c]));
                beta[c] += d;
                gamma[c] += d * f64::from(of.normal(c, x[c]));
            }
        });
        let n = from.pixels() as f64;
        slope.by_mean = beta.iter().map(|b| (b / n) as f32).collect();
        slope.by_normal = gamma.iter().map(|g| (g / n) as f32).collect();
        slope.gamma = gamma;
        slope.beta = beta;
        slope
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

/// A pixel's channels.
fn channels((values, layout): (&[f32], Layout), pixel: usize) -> &[f32] {
    &values[pixel * layout.stride + layout.offset..][..layout.channels]
}

/// How the gradient passes a batch norm and its ReLU (Ioffe and Szegedy 2015, section 3).
struct Slope {
    floor: f32,
    mean: Vec<f32>,
    inverse: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    gamma: Vec<f64>,
    beta: Vec<f64>,
    /// What passes through the batch's mean, and through its variance.
    by_mean: Vec<f32>,
    by_normal: Vec<f32>,
}

/// A slope's values of channels that a loop runs over.
#[derive(Clone, Copy)]
struct SlopeOf<'a> {
    floor: f32,
    mean: &'a [f32],
    inverse: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    by_mean: &'a [f32],
    by_normal: &'a [f32],
}

impl SlopeOf<'_> {
    /// dy where the ReLU was open: the forward pass's own arithmetic decides.
    #[inline(always)]
    fn through(self, c: usize, x: f32, dy: f32) -> f32 {
        kept(dy, x * self.scale[c] + self.shift[c] > self.floor)
    }

    #[inline(always)]
    fn normal(self, c: usize, x: f32) -> f32 {
        (x - self.mean[c]) * self.inverse[c]
    }

    #[inline(always)]
    fn gradient(self, c: usize, x: f32, dy: f32) -> f32 {
        let d = self.through(c, x, dy);
        self.scale[c] * (d - self.by_mean[c] - self.normal(c, x) * self.by_normal[c])
    }
}

impl Slope {
    /// Its values for the first `n` channels, all of one length, so that a loop over them needs no checks.
    #[inline(always)]
    fn first(&self, n: usize) -> SlopeOf<'_> {
        SlopeOf {
            floor: self.floor,
            mean: &self.mean[..n],
            inverse: &self.inverse[..n],
            scale: &self.scale[..n],
            shift: &self.shift[..n],
            by_mean: &self.by_mean[..n],
            by_normal: &self.by_normal[..n],
        }
    }

    /// The gradients of gamma and beta.
    fn parameters(self) -> (Vec<f32>, Vec<f32>) {
        let narrow = |v: Vec<f64>| v.into_iter().map(|x| x as f32).collect();
        (narrow(self.gamma), narrow(self.beta))
    }
}
