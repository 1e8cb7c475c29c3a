//! Integrated gradients (Sundararajan et al. 2017, equation 1).
//!
//! (x - x') times the integral over a from 0 to 1 of the logit's gradient at x' + a (x - x'), where x' is an image of one
//! colour. The integral is Gauss and Legendre's quadrature (as captum's default). The values of an image sum
//! to the logit less that of x' ("completeness"), up to the quadrature. The map is the positive part of the sum over
//! the three colours.

use spolia_network::Tensor;

use super::{Map, Options, path::Walk};
use crate::Error;

/// The attribution of every colour value, with its sign: the images' shape.
pub(super) fn attribution(
    walk: &mut Walk<'_>,
    images: &Tensor,
    class: usize,
    options: &Options,
) -> Result<Tensor, Error> {
    let [n, rows, columns, depth] = images.shape();
    let mut out = Tensor::zeros([n, rows, columns, depth]);
    let size = rows * columns * depth;
    let points = gauss_legendre(options.steps);
    for i in 0..n {
        let image = images.image(i);
        let base = |k: usize| options.baseline[(k % depth.max(1)).min(2)];
        let mut integral = vec![0f64; size];
        for chunk in points.chunks(options.batch) {
            let mut data = Vec::with_capacity(chunk.len() * size);
            for &(at, _) in chunk {
                let between = |(k, &v): (usize, &f32)| base(k) + at as f32 * (v - base(k));
                data.extend(image.iter().enumerate().map(between));
            }
            let steps = Tensor::new([chunk.len(), rows, columns, depth], data)?;
            let (gradient, _) = walk.at_image(&steps, class)?;
            for (j, &(_, weight)) in chunk.iter().enumerate() {
                for (sum, &g) in integral.iter_mut().zip(gradient.image(j)) {
                    *sum += weight * f64::from(g);
                }
            }
        }
        let slots = out.data_mut()[i * size..(i + 1) * size].iter_mut();
        for (k, ((slot, &v), sum)) in slots.zip(image).zip(&integral).enumerate() {
            *slot = (f64::from(v - base(k)) * sum) as f32;
        }
    }
    Ok(out)
}

/// One map per image, of its size.
pub(super) fn maps(
    walk: &mut Walk<'_>,
    images: &Tensor,
    class: usize,
    options: &Options,
) -> Result<Vec<Map>, Error> {
    let [n, height, width, depth] = images.shape();
    let signed = attribution(walk, images, class, options)?;
    Ok((0..n)
        .map(|i| Map {
            height,
            width,
            values: signed
                .image(i)
                .chunks_exact(depth.max(1))
                .map(|colours| colours.iter().sum::<f32>().max(0.0))
                .collect(),
        })
        .collect())
}

/// Points in 0 to 1 and their weights, which sum to 1: the zeros of the Legendre polynomial of degree `n` by Newton's
/// method.
fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    (0..n)
        .map(|i| {
            let mut x = -(std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..100 {
                let (mut before, mut value) = (1.0, x);
                for k in 2..=n {
                    let k = k as f64;
                    (before, value) = (
                        value,
                        ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k,
                    );
                }
                slope = n as f64 * (x * value - before) / (x * x - 1.0);
                let step = value / slope;
                x -= step;
                if step.abs() < 1e-15 {
                    break;
                }
            }
            ((x + 1.0) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::gauss_legendre;

    /// n points integrate polynomials through degree 2 n - 1 exactly.
    #[test]
    fn quadrature() {
        for n in 1..=20 {
            for degree in 0..2 * n as i32 {
                let sum: f64 = gauss_legendre(n)
                    .iter()
                    .map(|(x, w)| w * x.powi(degree))
                    .sum();
                let exact = 1.0 / f64::from(degree + 1);
                assert!((sum - exact).abs() < 1e-13, "{n} {degree}: {sum}");
            }
        }
        let two = gauss_legendre(2);
        assert!((two[0].0 - (0.5 - 0.5 / 3f64.sqrt())).abs() < 1e-15);
    }
}
