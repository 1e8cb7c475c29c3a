//! An image as a scaled Fourier spectrum, after Lucid's `fft_image`.
//!
//! Every frequency of a natural image carries energy in proportion to 1/f, so a step of the same size in each
//! coefficient of `S` changes all scales alike, where a step in each pixel would favour the highest frequencies:
//!
//! image = irfft2(S * sqrt(w h) / max(f, 1 / max(w, h))^decay) / 4
//!
//! with f the frequency in cycles per pixel. The division by 4 is Lucid's; with a spectrum of standard deviation .01
//! it makes the first image nearly gray. For an odd width Lucid transforms one column more and crops; here the
//! transform has the image's own size.

use std::sync::Arc;

use rustfft::{Fft, FftPlanner, num_complex::Complex};

/// Rows transformed together: eight values of a column fill one cache line.
const ROWS: usize = 8;

/// The linear map from a half spectrum to an image of `width` x `height`, and its transpose.
///
/// ```
/// use spolia_interpret::visualize::Fourier;
///
/// let fourier = Fourier::new(4, 4, 1.0);
/// let mut spectrum = vec![0f32; fourier.len()];
/// spectrum[fourier.index(0, 0)] = 1.0; // real part of the constant
/// let mut image = vec![0f32; 16];
/// fourier.image(&spectrum, &mut image, &mut fourier.workspace());
/// assert!(image.iter().all(|v| (v - 0.25).abs() < 1e-6));
/// ```
#[derive(Clone)]
pub struct Fourier {
    width: usize,
    height: usize,
    /// Columns of the half spectrum: width / 2 + 1.
    columns: usize,
    /// Weight of a coefficient in the image, in the spectrum's order; the gradient's weight is this times the number
    /// of times the coefficient counts (once or, with its mirror image, twice).
    scale: Vec<f32>,
    forward: [Arc<dyn Fft<f32>>; 2],
    inverse: [Arc<dyn Fft<f32>>; 2],
}

/// Memory that [`Fourier`] works in.
#[derive(Clone, Debug)]
pub struct Workspace {
    spectrum: Vec<Complex<f32>>,
    rows: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Fourier {
    /// Plans the transform of one colour plane; `decay` is 1 in Lucid.
    #[must_use]
    pub fn new(width: usize, height: usize, decay: f64) -> Self {
        let columns = width / 2 + 1;
        let side = width.max(height).max(1) as f64;
        // The inverse transform's 1/(w h) and Lucid's 1/4 are part of the scale.
        let norm = 1.0 / ((width * height).max(1) as f64).sqrt() / 4.0;
        let mut scale = Vec::with_capacity(columns * height);
        for k in 0..columns {
            let fx = k as f64 / width.max(1) as f64;
            for j in 0..height {
                let fy = j.min(height - j) as f64 / height as f64;
                scale.push((norm / fx.hypot(fy).max(1.0 / side).powf(decay)) as f32);
            }
        }
        let mut planner = FftPlanner::new();
        let sides = [height.max(1), width.max(1)];
        Self {
            width,
            height,
            columns,
            scale,
            forward: sides.map(|n| planner.plan_fft_forward(n)),
            inverse: sides.map(|n| planner.plan_fft_inverse(n)),
        }
    }

    /// Number of values of a spectrum: real and imaginary part of `width / 2 + 1` columns of `height` frequencies.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        2 * self.columns * self.height
    }

    /// Where in a spectrum the real part of the coefficient at vertical frequency `row`, horizontal frequency
    /// `column` lies; the imaginary part follows it.
    #[must_use]
    pub fn index(&self, row: usize, column: usize) -> usize {
        2 * (column * self.height + row)
    }

    /// Memory for one transform at a time.
    #[must_use]
    pub fn workspace(&self) -> Workspace {
        let zero = Complex::new(0.0, 0.0);
        let plans = self.forward.iter().chain(&self.inverse);
        let scratch = plans
            .map(|p| p.get_inplace_scratch_len())
            .max()
            .unwrap_or(0);
        Workspace {
            spectrum: vec![zero; self.columns * self.height],
            rows: vec![zero; ROWS / 2 * self.width],
            scratch: vec![zero; scratch],
        }
    }

    /// Whether a column stands for itself only; the others count twice, for their mirror image too.
    fn single(&self, column: usize) -> bool {
        column == 0 || 2 * column == self.width
    }

    /// The image of a spectrum: `height` rows of `width`.
    pub fn image(&self, spectrum: &[f32], image: &mut [f32], work: &mut Workspace) {
        let (w, h) = (self.width, self.height);
        for ((out, s), &scale) in work
            .spectrum
            .iter_mut()
            .zip(spectrum.chunks_exact(2))
            .zip(&self.scale)
        {
            *out = Complex::new(s[0] * scale, s[1] * scale);
        }
        self.inverse[0].process_with_scratch(&mut work.spectrum, &mut work.scratch);
        for top in (0..h).step_by(ROWS) {
            let count = ROWS.min(h - top);
            // Two real rows a and b make one complex row a + ib, whose spectrum is A + iB.
            for k in 0..self.columns {
                let column = &work.spectrum[k * h + top..k * h + top + count];
                for (pair, ab) in column.chunks(2).enumerate() {
                    let mut a = ab[0];
                    let mut b = ab.get(1).copied().unwrap_or_default();
                    if self.single(k) {
                        a.im = 0.0;
                        b.im = 0.0;
                    } else {
                        work.rows[pair * w + w - k] = Complex::new(a.re + b.im, b.re - a.im);
                    }
                    work.rows[pair * w + k] = Complex::new(a.re - b.im, a.im + b.re);
                }
            }
            let used = count.div_ceil(2) * w;
            self.inverse[1].process_with_scratch(&mut work.rows[..used], &mut work.scratch);
            for (rows, pair) in image[top * w..(top + count) * w]
                .chunks_mut(2 * w)
                .zip(work.rows.chunks_exact(w))
            {
                let (a, b) = rows.split_at_mut(w);
                for (out, z) in a.iter_mut().zip(pair) {
                    *out = z.re;
                }
                for (out, z) in b.iter_mut().zip(pair) {
                    *out = z.im;
                }
            }
        }
    }

    /// The spectrum whose [`Fourier::image`] this is; coefficients that are mirror images of each other, both.
    pub fn analyse(&self, image: &[f32], spectrum: &mut [f32], work: &mut Workspace) {
        self.gradient(image, spectrum, work);
        // The gradient is the forward transform times the scale and the number of times that a coefficient counts.
        let pixels = (self.width * self.height) as f32;
        for (i, (s, &scale)) in spectrum.chunks_exact_mut(2).zip(&self.scale).enumerate() {
            let times = if self.single(i / self.height.max(1)) {
                1.0
            } else {
                2.0
            };
            let weight = 1.0 / (scale * scale * times * pixels);
            s[0] *= weight;
            s[1] *= weight;
        }
    }

    /// The gradient with respect to the spectrum's real and imaginary parts, from that with respect to the image:
    /// the transpose of [`Fourier::image`].
    pub fn gradient(&self, image: &[f32], spectrum: &mut [f32], work: &mut Workspace) {
        let (w, h) = (self.width, self.height);
        for top in (0..h).step_by(ROWS) {
            let count = ROWS.min(h - top);
            for (rows, pair) in image[top * w..(top + count) * w]
                .chunks(2 * w)
                .zip(work.rows.chunks_exact_mut(w))
            {
                let (a, b) = rows.split_at(w);
                for (x, z) in pair.iter_mut().enumerate() {
                    *z = Complex::new(a[x], b.get(x).copied().unwrap_or(0.0));
                }
            }
            let used = count.div_ceil(2) * w;
            self.forward[1].process_with_scratch(&mut work.rows[..used], &mut work.scratch);
            for k in 0..self.columns {
                // A = (Z[k] + conj Z[-k]) / 2, B = (Z[k] - conj Z[-k]) / 2i; columns with a mirror image count twice.
                let half = if self.single(k) { 0.5 } else { 1.0 };
                let mirror = (w - k) % w;
                let column = &mut work.spectrum[k * h + top..k * h + top + count];
                for (pair, ab) in column.chunks_mut(2).enumerate() {
                    let (z, m) = (work.rows[pair * w + k], work.rows[pair * w + mirror]);
                    ab[0] = Complex::new((z.re + m.re) * half, (z.im - m.im) * half);
                    if let Some(b) = ab.get_mut(1) {
                        *b = Complex::new((z.im + m.im) * half, (m.re - z.re) * half);
                    }
                }
            }
        }
        self.forward[0].process_with_scratch(&mut work.spectrum, &mut work.scratch);
        for ((out, s), &scale) in spectrum
            .chunks_exact_mut(2)
            .zip(&work.spectrum)
            .zip(&self.scale)
        {
            out[0] = s.re * scale;
            out[1] = s.im * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn image_of(width: usize, height: usize, set: &[(usize, usize, f32, f32)]) -> Vec<f32> {
        let fourier = Fourier::new(width, height, 1.0);
        let mut spectrum = vec![0.0; fourier.len()];
        for &(row, column, re, im) in set {
            spectrum[fourier.index(row, column)] = re;
            spectrum[fourier.index(row, column) + 1] = im;
        }
        let mut image = vec![0.0; width * height];
        fourier.image(&spectrum, &mut image, &mut fourier.workspace());
        image
    }

    fn assert_close(got: &[f32], expected: &[f32]) {
        assert_eq!(got.len(), expected.len());
        for (i, (g, e)) in got.iter().zip(expected).enumerate() {
            assert!((g - e).abs() < 1e-5, "value {i}: {g} instead of {e}");
        }
    }

    /// What Lucid 0.3.10 gives.
    #[test]
    fn lucid_values() {
        for side in [4, 5, 16] {
            assert_close(
                &image_of(side, side, &[(0, 0, 1.0, 0.0)]),
                &vec![0.25; side * side],
            );
        }
        assert_close(
            &image_of(4, 4, &[(0, 1, 1.0, 0.0)]),
            &[0.5, 0.0, -0.5, 0.0].repeat(4),
        );
        let h = 0.353_553_39;
        assert_close(
            &image_of(4, 4, &[(1, 1, 0.0, 1.0)])[..4],
            &[0.0, -h, 0.0, h],
        );
    }

    /// The definition, summed term by term in double precision, for odd and even sides.
    #[test]
    fn follows_the_definition() {
        for (w, h) in [(6, 4), (5, 7), (8, 9), (7, 6), (1, 3), (2, 1)] {
            let fourier = Fourier::new(w, h, 1.0);
            let mut rng = ChaCha8Rng::seed_from_u64(3);
            let spectrum: Vec<f32> = (0..fourier.len())
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            let mut image = vec![0.0; w * h];
            fourier.image(&spectrum, &mut image, &mut fourier.workspace());
            for y in 0..h {
                for x in 0..w {
                    let mut sum = 0.0;
                    for k in 0..w / 2 + 1 {
                        for j in 0..h {
                            let i = fourier.index(j, k);
                            let f = (k as f64 / w as f64).hypot(j.min(h - j) as f64 / h as f64);
                            let scale = ((w * h) as f64).sqrt() / f.max(1.0 / w.max(h) as f64);
                            let angle = std::f64::consts::TAU
                                * ((j * y) as f64 / h as f64 + (k * x) as f64 / w as f64);
                            let twice = if k == 0 || 2 * k == w { 1.0 } else { 2.0 };
                            let value = f64::from(spectrum[i]) * angle.cos()
                                - f64::from(spectrum[i + 1]) * angle.sin();
                            sum += value * scale * twice / (w * h) as f64 / 4.0;
                        }
                    }
                    let got = f64::from(image[y * w + x]);
                    assert!(
                        (got - sum).abs() < 1e-5,
                        "{w}x{h} at {x},{y}: {got} instead of {sum}"
                    );
                }
            }
        }
    }

    /// <A s, y> = <s, A' y>.
    #[test]
    fn gradient_is_the_transpose() {
        for (w, h) in [(16, 16), (5, 7), (9, 12), (12, 9), (10, 3)] {
            let fourier = Fourier::new(w, h, 1.0);
            let mut work = fourier.workspace();
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            let s: Vec<f32> = (0..fourier.len())
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            let y: Vec<f32> = (0..w * h).map(|_| rng.random_range(-1.0..1.0)).collect();
            let (mut image, mut gradient) = (vec![0.0; w * h], vec![0.0; fourier.len()]);
            fourier.image(&s, &mut image, &mut work);
            fourier.gradient(&y, &mut gradient, &mut work);
            let dot = |a: &[f32], b: &[f32]| {
                a.iter()
                    .zip(b)
                    .map(|(&a, &b)| f64::from(a) * f64::from(b))
                    .sum::<f64>()
            };
            let (left, right) = (dot(&image, &y), dot(&s, &gradient));
            assert!(
                (left - right).abs() < 1e-4 * left.abs().max(1.0),
                "{w}x{h}: {left} and {right}"
            );
        }
    }
}
