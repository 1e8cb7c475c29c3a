//! Steps that treat every value by itself: copying, adding, scale and shift, and the gradient of a ReLU.

use rayon::prelude::*;

use super::{
    product::widest,
    share::{Layout, Shared},
};
use crate::ReluGradient;

/// Pixels of one task.
const CHUNK: usize = 1024;

/// Runs `work` on each pixel by its number; the pixels of a chunk are one task.
pub(crate) fn chunks(count: usize, work: impl Fn(usize) + Sync) {
    (0..count.div_ceil(CHUNK))
        .into_par_iter()
        .for_each(|chunk| {
            widest(|| (chunk * CHUNK..((chunk + 1) * CHUNK).min(count)).for_each(&work));
        });
}

/// Runs `work` on each pixel's channels of a view that is read and one of as many pixels and channels that is written.
pub(crate) fn pixels(
    (x, from): (&[f32], Layout),
    (y, to): (&mut [f32], Layout),
    work: impl Fn(&[f32], &mut [f32]) + Sync,
) {
    let shared = Shared::new(y);
    chunks(to.pixels(), |pixel| {
        // Safety: a pixel of the view belongs to one task.
        let out = unsafe { shared.slice(pixel * to.stride + to.offset, to.channels) };
        work(
            &x[pixel * from.stride + from.offset..][..from.channels],
            out,
        );
    });
}

/// y = x.
pub(crate) fn copy(x: (&[f32], Layout), y: (&mut [f32], Layout)) {
    pixels(x, y, |x, y| y.copy_from_slice(x));
}

/// y = y + x, then ReLU where asked.
pub(crate) fn add(x: (&[f32], Layout), y: (&mut [f32], Layout), relu: bool) {
    if relu {
        pixels(x, y, |x, y| {
            y.iter_mut()
                .zip(x)
                .for_each(|(y, x)| *y = (*y + x).max(0.0));
        });
    } else {
        pixels(x, y, |x, y| y.iter_mut().zip(x).for_each(|(y, x)| *y += x));
    }
}

/// A scale and a shift for each channel: batch norm with fixed statistics.
pub(crate) struct Affine {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

impl Affine {
    /// y = x scale + shift, then ReLU where asked.
    pub fn forward(&self, x: (&[f32], Layout), y: (&mut [f32], Layout), relu: bool) {
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        pixels(x, y, |x, y| {
            for (((y, x), s), b) in y.iter_mut().zip(x).zip(&self.scale).zip(&self.shift) {
                *y = (x * s + b).max(floor);
            }
        });
    }

    /// dx (+)= dy scale.
    pub fn input_gradient(&self, dy: (&[f32], Layout), dx: (&mut [f32], Layout), add: bool) {
        pixels(dy, dx, |dy, dx| {
            for ((dx, dy), s) in dx.iter_mut().zip(dy).zip(&self.scale) {
                *dx = if add { *dx + dy * s } else { dy * s };
            }
        });
    }
}

/// The value, or 0. By bits, not by a choice: of a choice the compiler may make a jump for each value.
#[inline(always)]
pub(crate) fn kept(value: f32, keep: bool) -> f32 {
    f32::from_bits(value.to_bits() & u32::from(keep).wrapping_neg())
}

/// Lets the gradient of a view through where its ReLU was open, and where `rule` says.
pub(crate) fn relu_gradient(
    gradient: &mut [f32],
    output: &[f32],
    layout: Layout,
    rule: ReluGradient,
) {
    let shared = Shared::new(gradient);
    let pixels = layout.height * layout.width;
    // Safety: the loops below ask for each pixel once.
    let at = |pixel: usize| {
        let start = pixel * layout.stride + layout.offset;
        let g = unsafe { shared.slice(start, layout.channels) };
        (g, &output[start..][..layout.channels])
    };
    let redirected: Vec<bool> = (0..layout.images)
        .map(|image| {
            rule == ReluGradient::Redirected
                && (image * pixels..(image + 1) * pixels)
                    .into_par_iter()
                    .with_min_len(CHUNK)
                    .all(|pixel| {
                        let (g, y) = at(pixel);
                        g.iter().zip(y).all(|(g, y)| *y <= 0.0 || *g == 0.0)
                    })
        })
        .collect();
    chunks(layout.images * pixels, |pixel| {
        let (g, y) = at(pixel);
        let redirected = redirected[pixel / pixels];
        for (g, y) in g.iter_mut().zip(y) {
            *g = kept(*g, (*y > 0.0) | (redirected & (*g < 0.0)));
        }
    });
}

/// For each channel, sums of two quantities over all pixels, in double precision and in one order.
pub(crate) fn sums(
    pixels: usize,
    channels: usize,
    add: impl Fn(usize, &mut [f64], &mut [f64]) + Sync,
) -> (Vec<f64>, Vec<f64>) {
    let parts: Vec<(Vec<f64>, Vec<f64>)> = (0..pixels.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut part = (vec![0.0; channels], vec![0.0; channels]);
            widest(|| {
                for pixel in chunk * CHUNK..((chunk + 1) * CHUNK).min(pixels) {
                    add(pixel, &mut part.0, &mut part.1);
                }
            });
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

/// The gradient of a bias: dy summed over all pixels.
pub(crate) fn bias_gradient(dy: &[f32], to: Layout) -> Vec<f32> {
    let (sum, _) = sums(to.pixels(), to.channels, |pixel, sum, _| {
        let values = &dy[pixel * to.stride + to.offset..][..to.channels];
        sum.iter_mut()
            .zip(values)
            .for_each(|(s, &v)| *s += f64::from(v));
    });
    sum.into_iter().map(|s| s as f32).collect()
}
