//! Resampling by an affine map with a filter that grows with the reduction, and its transpose.

use crate::visualize::transform::Affine;

/// What the network sees outside of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Mid-gray.
    Gray,
    /// The nearest pixel of the image's border.
    Continued,
}

/// From an image to the network's input. Each pixel of the input is a weighted mean of the image's about its place, the
/// weights falling linearly to zero at one pixel's distance, or at as many pixels as lie between two of the input
/// (bilinear interpolation; a triangle filter where the image is reduced, as in Pillow and PyTorch's `antialias`).
pub struct Resampler {
    image: [usize; 2],
    input: [usize; 2],
    outside: Outside,
    /// Red, green, blue, 0 in the network's range, where mid-gray is 0.
    pixels: Vec<[f32; 4]>,
    gradient: Vec<[f32; 4]>,
}

/// Pixels along one axis and their weights.
type Taps = Vec<(usize, f32)>;

impl Resampler {
    /// For an image and an input of these widths and heights.
    #[must_use]
    pub fn new(image: [usize; 2], input: [usize; 2], outside: Outside) -> Self {
        let zeros = vec![[0.0; 4]; image[0] * image[1]];
        Self {
            image,
            input,
            outside,
            gradient: zeros.clone(),
            pixels: zeros,
        }
    }

    /// Takes red, green and blue planes in 0-1 behind each other, in the network's range: 2 v - 1. Forgets gradients.
    pub fn set(&mut self, planes: &[f32]) {
        let size = self.pixels.len();
        for (i, pixel) in self.pixels.iter_mut().enumerate() {
            for (c, v) in pixel.iter_mut().take(3).enumerate() {
                *v = 2.0 * planes[c * size + i] - 1.0;
            }
        }
        self.gradient.fill([0.0; 4]);
    }

    /// The input: rows x columns x 3.
    pub fn forward(&self, affine: &Affine, out: &mut [f32]) {
        let mut out = out.chunks_exact_mut(3);
        self.each(affine, |rows, columns| {
            let Some(out) = out.next() else { return };
            let mut sum = [0f32; 4];
            for (y, by_row) in rows {
                let line = &self.pixels[y * self.image[0]..];
                for (x, by_column) in columns {
                    let weight = by_row * by_column;
                    for (sum, v) in sum.iter_mut().zip(line[*x]) {
                        *sum += weight * v;
                    }
                }
            }
            out.copy_from_slice(&sum[..3]);
        });
    }

    /// The transpose of [`Resampler::forward`]: adds to the image's gradient what that of the input gives.
    pub fn transpose(&mut self, affine: &Affine, gradient: &[f32]) {
        let mut image = std::mem::take(&mut self.gradient);
        let mut given = gradient.chunks_exact(3);
        self.each(affine, |rows, columns| {
            let Some(g) = given.next() else { return };
            let g = [g[0], g[1], g[2], 0.0];
            for (y, by_row) in rows {
                let line = &mut image[y * self.image[0]..];
                for (x, by_column) in columns {
                    let weight = by_row * by_column;
                    for (out, g) in line[*x].iter_mut().zip(g) {
                        *out += weight * g;
                    }
                }
            }
        });
        self.gradient = image;
    }

    /// The gradient with respect to the planes of [`Resampler::set`].
    pub fn gradient(&self, planes: &mut [f32]) {
        let size = self.gradient.len();
        for (i, pixel) in self.gradient.iter().enumerate() {
            for (c, v) in pixel.iter().take(3).enumerate() {
                planes[c * size + i] = 2.0 * v;
            }
        }
    }

    /// Calls `visit` for each of the input's pixels with the rows and columns that it is made of.
    fn each(&self, affine: &Affine, mut visit: impl FnMut(&Taps, &Taps)) {
        let [a, b, c] = affine.x;
        let [d, e, f] = affine.y;
        let reach = [a.hypot(b).max(1.0), d.hypot(e).max(1.0)];
        let (mut columns, mut rows) = (Taps::new(), Taps::new());
        for v in 0..self.input[1] {
            for u in 0..self.input[0] {
                let (u, v) = (u as f64, v as f64);
                self.about(a * u + b * v + c, reach[0], self.image[0], &mut columns);
                self.about(d * u + e * v + f, reach[1], self.image[1], &mut rows);
                visit(&rows, &columns);
            }
        }
    }

    /// The pixels of a side about `at`, with a half width of `reach` pixels.
    fn about(&self, at: f64, reach: f64, side: usize, taps: &mut Taps) {
        // Further out nothing changes.
        let at = at.clamp(-reach - 1.0, side as f64 + reach);
        let first = (at - reach).floor() as i64 + 1;
        let last = (at + reach).ceil() as i64 - 1;
        let weight = |i: i64| 1.0 - (i as f64 - at).abs() / reach;
        let sum: f64 = (first..=last).map(weight).sum();
        taps.clear();
        for i in first..=last {
            let place = match self.outside {
                _ if (0..side as i64).contains(&i) => i as usize,
                Outside::Gray => continue,
                Outside::Continued => i.clamp(0, side as i64 - 1) as usize,
            };
            taps.push((place, (weight(i) / sum) as f32));
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::visualize::transformation::{Moment, Sequence, Transformation};

    fn run(
        list: Vec<Transformation>,
        planes: &[f32],
        image: [usize; 2],
        input: [usize; 2],
    ) -> Vec<f32> {
        let sequence = Sequence::new(list).unwrap();
        let moment = Moment {
            step: 0,
            steps: 1,
            view: 0,
        };
        let affine = sequence.draw(1, 1, moment, image, input).affine;
        let mut resampler = Resampler::new(image, input, sequence.outside());
        resampler.set(planes);
        let mut out = vec![0.0; 3 * input[0] * input[1]];
        resampler.forward(&affine, &mut out);
        out.chunks_exact(3).map(|p| (p[0] + 1.0) / 2.0).collect()
    }

    fn gray(values: &[f32]) -> Vec<f32> {
        values.repeat(3)
    }

    #[test]
    fn the_image_itself_and_its_surroundings() {
        let image: Vec<f32> = (0..6).map(|v| v as f32 / 8.0).collect();
        assert_eq!(run(vec![], &gray(&image), [3, 2], [3, 2]), image);
        // Half the size: seen about the centre, half a pixel from the border there is what lies outside.
        let smaller = |pad| {
            let list = vec![Transformation::Pad(pad), Transformation::Scale(vec![0.5])];
            run(list, &gray(&[1.0; 16]), [4, 4], [4, 4])
        };
        assert_eq!(smaller(0), [1.0; 16]);
        let framed = smaller(12);
        // Places -1.5, .5, 2.5, 4.5 with a reach of 2 pixels: the corner sees 1/8 + 1/8 … of the image.
        for (i, expected) in [(0, 0.125), (1, 0.875)] {
            let expected = 0.5 + 0.5 * expected * 0.125;
            assert!((framed[i] - expected).abs() < 1e-6, "{framed:?}");
        }
    }

    /// torch.nn.functional.interpolate(mode="bilinear", antialias=True) (torch 2.15), away from the border; exported
    /// with tests/reference/visualize_images.py.
    #[test]
    fn reduces_as_pytorch() {
        let image: Vec<f32> = (0..144).map(|i| (i * i * 7 % 101) as f32 / 100.0).collect();
        let out = run(vec![], &gray(&image), [12, 12], [5, 5]);
        let expected = [
            [0.467_952, 0.441_752, 0.405_998],
            [0.534_939, 0.675_835, 0.540_076],
            [0.516_728, 0.472_512, 0.521_899],
        ];
        for (row, expected) in expected.iter().enumerate() {
            for (column, expected) in expected.iter().enumerate() {
                let got = out[(row + 1) * 5 + column + 1];
                assert!(
                    (got - expected).abs() < 1e-5,
                    "{row} {column}: {got} instead of {expected}"
                );
            }
        }
    }

    /// The finest checkerboard, reduced by 2.4: gray, where bilinear interpolation alone would leave a pattern.
    #[test]
    fn no_frequency_folds_back() {
        let board: Vec<f32> = (0..576).map(|i| ((i / 24 + i % 24) % 2) as f32).collect();
        let out = run(vec![], &gray(&board), [24, 24], [10, 10]);
        assert!(out.iter().all(|v| (v - 0.5).abs() < 0.05), "{out:?}");
    }

    /// <A x, y> = <x, A' y> for lists as they are drawn, summed over views.
    #[test]
    fn transpose() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut values = |n: usize| {
            (0..n)
                .map(|_| rng.random_range(-1.0..1.0f32))
                .collect::<Vec<_>>()
        };
        for (sequence, image, input) in [
            (Sequence::lucid(), [33, 33], [33, 33]),
            (Sequence::maco(), [48, 40], [21, 23]),
            ("scale(0.4) rotate(37)".parse().unwrap(), [20, 31], [16, 16]),
        ] {
            let (x, zero) = (
                values(3 * image[0] * image[1]),
                vec![0.5; 3 * image[0] * image[1]],
            );
            let mut resampler = Resampler::new(image, input, sequence.outside());
            resampler.set(&x);
            let mut left = 0.0;
            for view in 0..3 {
                let moment = Moment {
                    step: 2,
                    steps: 9,
                    view,
                };
                let affine = sequence.draw(1, 9, moment, image, input).affine;
                let y = values(3 * input[0] * input[1]);
                let mut out = vec![0.0; y.len()];
                resampler.forward(&affine, &mut out);
                left += out
                    .iter()
                    .zip(&y)
                    .map(|(&a, &y)| f64::from(a) * f64::from(y))
                    .sum::<f64>();
                resampler.transpose(&affine, &y);
            }
            let mut back = vec![0.0; x.len()];
            resampler.gradient(&mut back);
            // The map is linear in 2 x - 1.
            let right: f64 = back
                .iter()
                .zip(x.iter().zip(&zero))
                .map(|(&a, (&x, &z))| f64::from(a) * f64::from(x - z))
                .sum();
            assert!(
                (left - right).abs() < 1e-3 * left.abs().max(1.0),
                "{left} and {right}"
            );
        }
    }
}
