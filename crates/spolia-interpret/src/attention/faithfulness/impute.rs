//! Noisy linear imputation (Rong et al. 2022, section 5).
//!
//! Each removed pixel is the weighted mean of its neighbours, 1/6 for the four beside it and 1/12 for the four at its
//! corners, those outside the image left out: a sparse, symmetric, positive definite system, solved by conjugate
//! gradients with the diagonal as preconditioner. Without noise a network can tell the smooth patches from tissue.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::Error;

/// Row, column and weight of the neighbours.
const NEIGHBOURS: [(isize, isize, f64); 8] = [
    (-1, 0, 1.0 / 6.0),
    (0, -1, 1.0 / 6.0),
    (0, 1, 1.0 / 6.0),
    (1, 0, 1.0 / 6.0),
    (-1, -1, 1.0 / 12.0),
    (-1, 1, 1.0 / 12.0),
    (1, -1, 1.0 / 12.0),
    (1, 1, 1.0 / 12.0),
];
/// Residual, relative to the right side, at which the system is solved.
const TOLERANCE: f64 = 1e-7;
/// Iterations; holes of n pixels across need about n.
const MOST: usize = 10_000;

/// The image (rows x columns x 3) with the pixels of `removed` imputed, plus normal noise of standard deviation
/// `noise` on them.
///
/// # Errors
/// [`Error::Shape`] where the image or mask has another length, [`Error::Setting`] where every pixel is removed or the
/// noise is negative.
pub fn impute(
    image: &[f32],
    [rows, columns]: [usize; 2],
    removed: &[bool],
    noise: f64,
    seed: u64,
) -> Result<Vec<f32>, Error> {
    for (what, got, expected) in [
        ("image", image.len(), rows * columns * 3),
        ("mask of removed pixels", removed.len(), rows * columns),
    ] {
        if got != expected {
            return Err(Error::Shape {
                what: what.into(),
                expected: format!("{expected} values for {rows} x {columns}"),
                got: got.to_string(),
            });
        }
    }
    if !(noise >= 0.0 && noise.is_finite()) {
        return Err(Error::Setting {
            what: "the noise of imputed pixels",
            value: noise.to_string(),
            allowed: "0 or more",
        });
    }
    let unknown: Vec<usize> = (0..removed.len()).filter(|&p| removed[p]).collect();
    if unknown.len() == removed.len() {
        return Err(Error::Setting {
            what: "the share of removed pixels",
            value: "1".into(),
            allowed: "less, so that some pixels are left to impute from",
        });
    }
    let system = System::new(image, [rows, columns], removed, &unknown);
    let solved = system.solve();
    let mut out = image.to_vec();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for (&pixel, value) in unknown.iter().zip(&solved) {
        for (slot, v) in out[pixel * 3..pixel * 3 + 3].iter_mut().zip(value) {
            let z: f64 = StandardNormal.sample(&mut rng);
            *slot = (v + noise * z) as f32;
        }
    }
    Ok(out)
}

/// (diagonal - neighbours) x = right, for three colours at once.
struct System {
    diagonal: Vec<f64>,
    /// For each unknown pixel its unknown neighbours and their weights.
    neighbours: Vec<Vec<(u32, f64)>>,
    right: Vec<[f64; 3]>,
}

impl System {
    fn new(
        image: &[f32],
        [rows, columns]: [usize; 2],
        removed: &[bool],
        unknown: &[usize],
    ) -> Self {
        let mut place = vec![0u32; removed.len()];
        for (i, &pixel) in unknown.iter().enumerate() {
            place[pixel] = i as u32;
        }
        let mut system = Self {
            diagonal: vec![0.0; unknown.len()],
            neighbours: vec![Vec::new(); unknown.len()],
            right: vec![[0.0; 3]; unknown.len()],
        };
        for (i, &pixel) in unknown.iter().enumerate() {
            for (dy, dx, weight) in NEIGHBOURS {
                let (Some(y), Some(x)) = (
                    (pixel / columns)
                        .checked_add_signed(dy)
                        .filter(|y| *y < rows),
                    (pixel % columns)
                        .checked_add_signed(dx)
                        .filter(|x| *x < columns),
                ) else {
                    continue;
                };
                let neighbour = y * columns + x;
                system.diagonal[i] += weight;
                if removed[neighbour] {
                    system.neighbours[i].push((place[neighbour], weight));
                } else {
                    let colours = &image[neighbour * 3..neighbour * 3 + 3];
                    for (r, &v) in system.right[i].iter_mut().zip(colours) {
                        *r += weight * f64::from(v);
                    }
                }
            }
        }
        system
    }

    fn times(&self, x: &[[f64; 3]], out: &mut [[f64; 3]]) {
        for (i, slot) in out.iter_mut().enumerate() {
            let mut sum = x[i].map(|v| v * self.diagonal[i]);
            for &(j, weight) in &self.neighbours[i] {
                let other = x[j as usize];
                for (s, v) in sum.iter_mut().zip(other) {
                    *s -= weight * v;
                }
            }
            *slot = sum;
        }
    }

    fn solve(&self) -> Vec<[f64; 3]> {
        let n = self.right.len();
        let mut x = vec![[0.0; 3]; n];
        let mut residual = self.right.clone();
        let mut scaled = self.scaled(&residual);
        let mut direction = scaled.clone();
        let mut product = vec![[0.0; 3]; n];
        let mut along = dot(&residual, &scaled);
        let goal = along.map(|v| v * TOLERANCE * TOLERANCE);
        for _ in 0..MOST {
            if (0..3).all(|c| along[c] <= goal[c]) {
                break;
            }
            self.times(&direction, &mut product);
            let curvature = dot(&direction, &product);
            let step = std::array::from_fn::<f64, 3, _>(|c| ratio(along[c], curvature[c]));
            for i in 0..n {
                for c in 0..3 {
                    x[i][c] += step[c] * direction[i][c];
                    residual[i][c] -= step[c] * product[i][c];
                }
            }
            scaled = self.scaled(&residual);
            let next = dot(&residual, &scaled);
            let keep = std::array::from_fn::<f64, 3, _>(|c| ratio(next[c], along[c]));
            for (d, s) in direction.iter_mut().zip(&scaled) {
                for c in 0..3 {
                    d[c] = s[c] + keep[c] * d[c];
                }
            }
            along = next;
        }
        x
    }

    fn scaled(&self, residual: &[[f64; 3]]) -> Vec<[f64; 3]> {
        residual
            .iter()
            .zip(&self.diagonal)
            .map(|(r, d)| r.map(|v| v / d))
            .collect()
    }
}

fn dot(a: &[[f64; 3]], b: &[[f64; 3]]) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for (a, b) in a.iter().zip(b) {
        for c in 0..3 {
            sum[c] += a[c] * b[c];
        }
    }
    sum
}

/// a / b; 0 where a colour is solved already.
fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of three with the middle removed: its two neighbours' mean; with two removed between 0 and 3 the ramp.
    #[test]
    fn by_hand() {
        let row = |values: &[f32]| {
            values
                .iter()
                .flat_map(|&v| [v, -v, 7.0])
                .collect::<Vec<_>>()
        };
        let filled = impute(
            &row(&[1.0, 50.0, 3.0]),
            [1, 3],
            &[false, true, false],
            0.0,
            1,
        );
        for (got, expected) in filled.unwrap().iter().zip(row(&[1.0, 2.0, 3.0])) {
            assert!((got - expected).abs() < 1e-6);
        }
        let mask = [false, true, true, false];
        let filled = impute(&row(&[0.0, 50.0, 50.0, 3.0]), [1, 4], &mask, 0.0, 1);
        for (got, expected) in filled.unwrap().iter().zip(row(&[0.0, 1.0, 2.0, 3.0])) {
            assert!((got - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn noise_has_its_deviation_and_repeats() {
        let image = vec![0.5; 40 * 40 * 3];
        let removed: Vec<bool> = (0..1600).map(|i| i % 5 != 0).collect();
        let filled = impute(&image, [40, 40], &removed, 0.1, 3).unwrap();
        assert_eq!(filled, impute(&image, [40, 40], &removed, 0.1, 3).unwrap());
        assert_ne!(filled, impute(&image, [40, 40], &removed, 0.1, 4).unwrap());
        let squares: f64 = filled.iter().map(|v| f64::from(v - 0.5).powi(2)).sum();
        let sd = (squares / (1280.0 * 3.0)).sqrt();
        assert!((sd - 0.1).abs() < 0.005, "{sd}");
        assert!(filled.chunks(15).all(|five| five[0] == 0.5));
    }

    #[test]
    fn what_is_refused() {
        assert!(impute(&[0.0; 6], [1, 2], &[true, true], 0.0, 1).is_err());
        assert!(impute(&[0.0; 6], [1, 2], &[true], 0.0, 1).is_err());
        assert!(impute(&[0.0; 5], [1, 2], &[true, false], 0.0, 1).is_err());
        assert!(impute(&[0.0; 6], [1, 2], &[true, false], -1.0, 1).is_err());
    }
}
