//! Resampling by an affine map, and its transpose.

use super::transform::Affine;

/// A square image with a margin, as the warp reads it: four values a pixel (red, green, blue, 0), so that a pixel is
/// one vector load, in rows of `size + 3`. One pixel of zeros lies left and above, two right and below; coordinates
/// outside of the image are held there, so that everything outside counts as zero (mid-gray in the network's range).
#[derive(Clone, Debug)]
pub struct Padded {
    size: usize,
    pixels: Vec<[f32; 4]>,
}

/// The network's pixels' places in a padded image: for each, the left top of its four neighbours and the fractions
/// towards the right and the bottom ones.
#[derive(Clone, Debug)]
pub struct Sampling {
    size: usize,
    places: Vec<(u32, f32, f32)>,
}

impl Padded {
    /// All zeros.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            size,
            pixels: vec![[0.0; 4]; (size + 3) * (size + 3)],
        }
    }

    /// Takes red, green and blue planes in 0-1 behind each other into the network's range: 2 v - 1.
    pub fn set(&mut self, planes: &[f32]) {
        let (size, side) = (self.size, self.size + 3);
        let (red, rest) = planes.split_at(size * size);
        let (green, blue) = rest.split_at(size * size);
        for y in 0..size {
            let row = y * size..(y + 1) * size;
            let out = &mut self.pixels[(y + 1) * side + 1..][..size];
            let values = red[row.clone()]
                .iter()
                .zip(&green[row.clone()])
                .zip(&blue[row]);
            for (out, ((&r, &g), &b)) in out.iter_mut().zip(values) {
                *out = [2.0 * r - 1.0, 2.0 * g - 1.0, 2.0 * b - 1.0, 0.0];
            }
        }
    }

    /// The gradient with respect to the planes of [`Padded::set`], where `self` holds that of the pixels.
    pub fn gradient(&self, planes: &mut [f32]) {
        let (size, side) = (self.size, self.size + 3);
        let (red, rest) = planes.split_at_mut(size * size);
        let (green, blue) = rest.split_at_mut(size * size);
        for y in 0..size {
            let row = y * size..(y + 1) * size;
            let values = &self.pixels[(y + 1) * side + 1..][..size];
            let out = red[row.clone()]
                .iter_mut()
                .zip(&mut green[row.clone()])
                .zip(&mut blue[row]);
            for (((r, g), b), value) in out.zip(values) {
                (*r, *g, *b) = (2.0 * value[0], 2.0 * value[1], 2.0 * value[2]);
            }
        }
    }
}

impl Sampling {
    /// For square images of `size` pixels.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            size,
            places: vec![(0, 0.0, 0.0); size * size],
        }
    }

    /// Places the network's pixels by `affine`.
    pub fn set(&mut self, affine: &Affine) {
        let (size, side) = (self.size, self.size as u32 + 3);
        let far = size as f32 + 1.0;
        for (v, row) in self.places.chunks_exact_mut(size.max(1)).enumerate() {
            let v = v as f64;
            let x0 = (affine.x[1] * v + affine.x[2] + 1.0) as f32;
            let y0 = (affine.y[1] * v + affine.y[2] + 1.0) as f32;
            let (dx, dy) = (affine.x[0] as f32, affine.y[0] as f32);
            for (u, place) in row.iter_mut().enumerate() {
                let u = u as i32 as f32;
                let x = (x0 + dx * u).clamp(0.0, far);
                let y = (y0 + dy * u).clamp(0.0, far);
                let (left, top) = (x as i32, y as i32);
                *place = (
                    top as u32 * side + left as u32,
                    x - left as f32,
                    y - top as f32,
                );
            }
        }
    }

    /// Bilinear interpolation: `out` is rows x columns x 3.
    pub fn forward(&self, image: &Padded, out: &mut [f32]) {
        let side = self.size + 3;
        for (&(at, fx, fy), out) in self.places.iter().zip(out.chunks_exact_mut(3)) {
            let top = &image.pixels[at as usize..at as usize + 2];
            let bottom = &image.pixels[at as usize + side..at as usize + side + 2];
            let mut value = [0f32; 4];
            for (c, value) in value.iter_mut().enumerate() {
                let upper = top[0][c] + fx * (top[1][c] - top[0][c]);
                let lower = bottom[0][c] + fx * (bottom[1][c] - bottom[0][c]);
                *value = upper + fy * (lower - upper);
            }
            out.copy_from_slice(&value[..3]);
        }
    }

    /// The transpose of [`Sampling::forward`]: spreads the gradient of the network's pixels over the image's, in the
    /// order of the network's pixels, replacing what `image` held.
    pub fn transpose(&self, gradient: &[f32], image: &mut Padded) {
        let side = self.size + 3;
        image.pixels.fill([0.0; 4]);
        for (&(at, fx, fy), g) in self.places.iter().zip(gradient.chunks_exact(3)) {
            let g = [g[0], g[1], g[2], 0.0];
            let lower = g.map(|g| g * fy);
            let upper = [g[0] - lower[0], g[1] - lower[1], g[2] - lower[2], 0.0];
            for (values, at) in [(upper, at as usize), (lower, at as usize + side)] {
                let pair = &mut image.pixels[at..at + 2];
                for c in 0..4 {
                    let right = values[c] * fx;
                    pair[0][c] += values[c] - right;
                    pair[1][c] += right;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::visualize::transform::{Motion, Transforms};

    fn warp(planes: &[f32], size: usize, motion: Motion) -> Vec<f32> {
        let (mut padded, mut sampling) = (Padded::new(size), Sampling::new(size));
        padded.set(planes);
        sampling.set(&motion.affine(size));
        let mut out = vec![0.0; size * size * 3];
        sampling.forward(&padded, &mut out);
        out
    }

    /// A 3 x 3 image with 0..9 (over 16) in red, 1 in green, .5 in blue.
    fn small() -> Vec<f32> {
        (0..9)
            .map(|v| v as f32 / 16.0)
            .chain([1.0; 9])
            .chain([0.5; 9])
            .collect()
    }

    fn red(out: &[f32]) -> Vec<f32> {
        out.chunks_exact(3).map(|p| (p[0] + 1.0) * 8.0).collect()
    }

    #[test]
    fn without_movement_the_image_itself() {
        let out = warp(&small(), 3, Motion::NONE);
        assert_eq!(red(&out), (0..9).map(|v| v as f32).collect::<Vec<_>>());
        assert!(out.chunks_exact(3).all(|p| p[1] == 1.0 && p[2] == 0.0));
    }

    #[test]
    fn outside_is_mid_gray() {
        // One column to the right: the last column comes from outside (.5 = 8 / 16).
        let motion = Motion {
            jitter: [1.0, 0.0],
            ..Motion::NONE
        };
        assert_eq!(
            red(&warp(&small(), 3, motion)),
            [1.0, 2.0, 8.0, 4.0, 5.0, 8.0, 7.0, 8.0, 8.0]
        );
        // Half a column: halfway to the neighbour, halfway to outside.
        let motion = Motion {
            jitter: [0.5, 0.0],
            ..Motion::NONE
        };
        assert_eq!(
            red(&warp(&small(), 3, motion)),
            [0.5, 1.5, 5.0, 3.5, 4.5, 6.5, 6.5, 7.5, 8.0]
        );
        // Far away: nothing of the image.
        let motion = Motion {
            jitter: [-40.0, 90.0],
            ..Motion::NONE
        };
        assert_eq!(red(&warp(&small(), 3, motion)), [8.0; 9]);
    }

    #[test]
    fn magnified_and_turned() {
        // By 2: half a pixel from the centre in each direction.
        let motion = Motion {
            scale: 2.0,
            ..Motion::NONE
        };
        assert_eq!(
            red(&warp(&small(), 3, motion)),
            [2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0]
        );
        let motion = Motion {
            degrees: 90.0,
            ..Motion::NONE
        };
        for (got, expected) in red(&warp(&small(), 3, motion))
            .iter()
            .zip([2.0, 5.0, 8.0, 1.0, 4.0, 7.0, 0.0, 3.0, 6.0])
        {
            assert!((got - expected).abs() < 1e-5, "{got} instead of {expected}");
        }
    }

    /// <A x, y> = <x, A' y> for the movements that are really drawn, and one that leaves the image.
    #[test]
    fn transpose_of_the_warp() {
        let size = 33;
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut motions: Vec<_> = (0..20)
            .map(|step| Transforms::Standard.draw(1, 9, step))
            .collect();
        motions.push(Motion {
            jitter: [14.5, -20.25],
            scale: 0.7,
            degrees: 33.0,
            second_jitter: [3.0, 1.0],
        });
        for motion in motions {
            let mut values = |n: usize| {
                (0..n)
                    .map(|_| rng.random_range(-1.0..1.0f32))
                    .collect::<Vec<_>>()
            };
            let (x, y) = (values(3 * size * size), values(3 * size * size));
            let zero = warp(&vec![0.0; x.len()], size, motion); // the map is affine: 2 v - 1
            let left: f64 = warp(&x, size, motion)
                .iter()
                .zip(&zero)
                .zip(&y)
                .map(|((&a, &z), &y)| f64::from(a - z) * f64::from(y))
                .sum();
            let (mut padded, mut sampling) = (Padded::new(size), Sampling::new(size));
            sampling.set(&motion.affine(size));
            sampling.transpose(&y, &mut padded);
            let mut back = vec![0.0; x.len()];
            padded.gradient(&mut back);
            let right: f64 = back
                .iter()
                .zip(&x)
                .map(|(&a, &b)| f64::from(a) * f64::from(b))
                .sum();
            assert!(
                (left - right).abs() < 1e-3,
                "{motion:?}: {left} and {right}"
            );
        }
    }
}
