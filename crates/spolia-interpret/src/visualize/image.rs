//! One image under optimisation: its parameters, the chain from them to the network's pixels, and back.

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{
    adam::Adam,
    colour,
    fourier::{Fourier, Workspace},
    objective,
    transform::Affine,
    warp::{Padded, Sampling},
};

/// Standard deviation of the first spectrum (Lucid).
const DEVIATION: f32 = 0.01;

/// A square RGB image as three Fourier spectra of decorrelated colour planes, with its optimiser. All memory is
/// allocated once.
#[derive(Clone)]
pub struct Image {
    fourier: Arc<Fourier>,
    size: usize,
    spectra: Vec<f32>,
    rgb: Vec<f32>,
    adam: Adam,
    work: Workspace,
    padded: Padded,
    sampling: Sampling,
    plane_gradient: Vec<f32>,
    gradient: Vec<f32>,
}

impl Image {
    /// Starts from a normal spectrum with standard deviation .01, drawn from stream `item` of `seed`.
    #[must_use]
    pub fn new(fourier: &Arc<Fourier>, size: usize, seed: u64, item: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(item);
        let count = 3 * fourier.len();
        let spectra = (0..count)
            .map(|_| DEVIATION * Distribution::<f32>::sample(&StandardNormal, &mut rng))
            .collect();
        let mut image = Self {
            fourier: Arc::clone(fourier),
            size,
            spectra,
            rgb: vec![0.0; 3 * size * size],
            adam: Adam::new(count),
            work: fourier.workspace(),
            padded: Padded::new(size),
            sampling: Sampling::new(size),
            plane_gradient: vec![0.0; 3 * size * size],
            gradient: vec![0.0; count],
        };
        image.draw();
        image
    }

    /// Red, green and blue planes in 0-1, behind each other.
    #[must_use]
    pub fn rgb(&self) -> &[f32] {
        &self.rgb
    }

    /// Rows x columns x 3, 8 bits, rounded to nearest.
    #[must_use]
    pub fn rgb8(&self) -> Vec<u8> {
        let len = self.size * self.size;
        (0..len)
            .flat_map(|i| [0, 1, 2].map(|c| (self.rgb[c * len + i] * 255.0).round() as u8))
            .collect()
    }

    /// The total variation of the RGB image (see [`objective::total_variation`]).
    #[must_use]
    pub fn total_variation(&self) -> f32 {
        objective::total_variation(&self.rgb, self.size, self.size)
    }

    /// What the network sees of the image through `affine`: rows x columns x 3, values in -1 to 1.
    pub fn view(&mut self, affine: &Affine, pixels: &mut [f32]) {
        self.padded.set(&self.rgb);
        self.sampling.set(affine);
        self.sampling.forward(&self.padded, pixels);
    }

    /// Starts a new optimiser.
    pub fn reset_optimiser(&mut self) {
        self.adam.reset();
    }

    /// One optimiser step: `pixels` is the gradient of the loss with respect to the last [`Image::view`], to which
    /// `total_variation` times the image's total variation is added.
    pub fn step(&mut self, pixels: &[f32], total_variation: f32, rate: f64) {
        self.back(pixels, total_variation);
        self.adam.step(&mut self.spectra, &self.gradient, rate);
        self.draw();
    }

    /// Image from spectra.
    fn draw(&mut self) {
        let spectra = self.spectra.chunks_exact(self.fourier.len());
        for (spectrum, plane) in spectra.zip(self.rgb.chunks_exact_mut(self.size * self.size)) {
            self.fourier.image(spectrum, plane, &mut self.work);
        }
        colour::to_rgb(&mut self.rgb);
    }

    /// Gradient with respect to the spectra.
    fn back(&mut self, pixels: &[f32], total_variation: f32) {
        self.sampling.transpose(pixels, &mut self.padded);
        self.padded.gradient(&mut self.plane_gradient);
        if total_variation != 0.0 {
            let (size, planes) = (self.size, &mut self.plane_gradient);
            objective::add_total_variation_gradient(&self.rgb, size, size, total_variation, planes);
        }
        colour::gradient(&self.rgb, &mut self.plane_gradient);
        let planes = self.plane_gradient.chunks_exact(self.size * self.size);
        for (plane, spectrum) in planes.zip(self.gradient.chunks_exact_mut(self.fourier.len())) {
            self.fourier.gradient(plane, spectrum, &mut self.work);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::visualize::{
        photograph::photograph,
        transform::{Motion, Transforms},
    };

    fn image(size: usize, seed: u64) -> Image {
        Image::new(&Arc::new(Fourier::new(size, size, 1.0)), size, seed, 4)
    }

    #[test]
    fn starts_nearly_gray_and_by_its_seed() {
        let (a, b, c) = (image(32, 1), image(32, 1), image(32, 2));
        assert_eq!(a.rgb(), b.rgb());
        assert_ne!(a.rgb(), c.rgb());
        assert!(a.rgb().iter().all(|v| (v - 0.5).abs() < 0.1));
        assert!(a.rgb().iter().any(|v| (v - 0.5).abs() > 1e-3));
    }

    /// The whole chain, parameters to network pixels and total variation, against finite differences.
    #[test]
    fn gradient_by_differences() {
        for size in [12, 15] {
            let mut image = image(size, 3);
            let mut rng = ChaCha8Rng::seed_from_u64(8);
            for s in &mut image.spectra {
                *s = rng.random_range(-0.3..0.3);
            }
            image.draw();
            let motion = Transforms::Standard.draw(1, 1, 3);
            assert_ne!((motion.scale, motion.degrees), (1.0, 0.0));
            let affine = motion.affine(size);
            let weight: Vec<f32> = (0..3 * size * size)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            let mut pixels = vec![0.0; weight.len()];
            let variation = 30.0;
            let mut loss = |image: &mut Image| {
                image.draw();
                image.view(&affine, &mut pixels);
                let linear: f64 = pixels
                    .iter()
                    .zip(&weight)
                    .map(|(&p, &w)| f64::from(p) * f64::from(w))
                    .sum();
                linear + f64::from(variation * image.total_variation())
            };
            loss(&mut image);
            image.back(&weight, variation);
            let gradient = image.gradient.clone();
            let scale = gradient.iter().fold(0f32, |a, g| a.max(g.abs()));
            let mut checked = 0;
            for i in (0..gradient.len()).step_by(7) {
                let (value, d) = (image.spectra[i], 2e-3);
                image.spectra[i] = value + d;
                let up = loss(&mut image);
                image.spectra[i] = value - d;
                let down = loss(&mut image);
                image.spectra[i] = value;
                let numeric = ((up - down) / f64::from(2.0 * d)) as f32;
                assert!(
                    (numeric - gradient[i]).abs() < 0.01 * scale,
                    "{i}: {numeric} and {}",
                    gradient[i]
                );
                checked += usize::from(gradient[i].abs() > 0.05 * scale);
            }
            assert!(checked > 5, "only {checked} sizeable gradients");
        }
    }

    /// Lucid's own test of a parametrization: a photograph is fitted to a mean error below .01 within 1,000 steps of
    /// Adam .05. The target has smooth regions, an edge, texture and noise.
    #[test]
    fn fits_a_photograph() {
        let size = 48;
        let target = photograph(size, size);
        let mut image = image(size, 5);
        let affine = Motion::NONE.affine(size);
        let mut pixels = vec![0.0; target.len()];
        let error = |image: &Image| {
            image
                .rgb()
                .iter()
                .zip(&target)
                .map(|(a, b)| f64::from((a - b).abs()))
                .sum::<f64>()
                / target.len() as f64
        };
        assert!(error(&image) > 0.05);
        for _ in 0..1000 {
            image.view(&affine, &mut pixels);
            for (i, p) in pixels.iter_mut().enumerate() {
                let (pixel, c) = (i / 3, i % 3);
                *p = (*p + 1.0) / 2.0 - target[c * size * size + pixel]; // half the squared error's gradient
            }
            image.step(&pixels, 0.0, 0.05);
        }
        let left = error(&image);
        assert!(left < 0.01, "mean error {left}");
    }

    #[test]
    fn eight_bits_are_rounded() {
        let mut image = image(2, 1);
        image.rgb.copy_from_slice(&[
            0.0, 1.0, 0.5, 0.1, 0.2, 0.3, 0.4, 0.6, 0.999, 0.001, 0.7, 0.8,
        ]);
        assert_eq!(
            image.rgb8(),
            [0, 51, 255, 255, 77, 0, 128, 102, 179, 26, 153, 204]
        );
    }
}
