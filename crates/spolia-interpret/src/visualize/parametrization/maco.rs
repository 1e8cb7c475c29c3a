//! Magnitude-constrained optimisation (Fel et al. 2023, "Unlocking Feature Visualization for Deeper Networks with
//! MAgnitude Constrained Optimization"): the spectrum's magnitude is fixed, its phase is optimised.
//!
//! A real plane's spectrum repeats itself mirrored and conjugated. Each pair has one phase here, so that the magnitude
//! stays what it is whatever the phases are. A coefficient that is its own mirror image (the mean among them) is real
//! and has no phase: it keeps its value. xplique leaves such phases free, which changes these magnitudes, and divides
//! each image by its own standard deviation instead.

use std::sync::Arc;

use crate::Error;
use crate::visualize::{
    colour::Colour,
    fourier::{Fourier, Workspace},
};

/// The magnitudes of three decorrelated planes, in the units of [`Fourier`]'s spectra (1/f taken out), each for
/// `width / 2 + 1` columns of `height` frequencies. Coefficients that are their own mirror image have a sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Magnitude {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Magnitude {
    /// Natural images': in proportion to 1/f, a standard deviation of 1 in each plane, a mean of 0.
    #[must_use]
    pub fn natural(width: usize, height: usize) -> Self {
        let mirrors = Mirrors::new(width, height);
        // A plane of equal coefficients has the deviation that all planes of their magnitude have (Parseval).
        let fourier = Fourier::new(width, height, 1.0);
        let mut spectrum = vec![0.0; fourier.len()];
        for (i, s) in spectrum.chunks_exact_mut(2).enumerate() {
            s[0] = f32::from(u8::from(i != 0));
        }
        let mut plane = vec![0.0; width * height];
        fourier.image(&spectrum, &mut plane, &mut fourier.workspace());
        let square: f64 = plane.iter().map(|&v| f64::from(v).powi(2)).sum();
        let deviation = (square / (width * height).max(1) as f64).sqrt();
        let each = if deviation > 0.0 {
            (1.0 / deviation) as f32
        } else {
            0.0
        };
        let mut plane = vec![each; mirrors.len];
        if let Some(mean) = plane.first_mut() {
            *mean = 0.0;
        }
        Self {
            width,
            height,
            values: plane.repeat(3),
        }
    }

    /// Width and height of the images.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    /// One value per coefficient, in the order of [`Fourier`]'s spectra, plane after plane.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// The mean magnitude of images' spectra, gathered image by image.
pub struct MagnitudeStatistics {
    colour: Colour,
    fourier: Fourier,
    work: Workspace,
    mirrors: Mirrors,
    sum: Vec<f64>,
    images: usize,
}

impl MagnitudeStatistics {
    /// For images of `width` x `height`, their planes decorrelated by `colour` (which must be the one that the
    /// visualization uses).
    #[must_use]
    pub fn new(width: usize, height: usize, colour: Colour) -> Self {
        let fourier = Fourier::new(width, height, 1.0);
        let mirrors = Mirrors::new(width, height);
        Self {
            colour,
            work: fourier.workspace(),
            sum: vec![0.0; 3 * mirrors.len],
            fourier,
            mirrors,
            images: 0,
        }
    }

    /// Takes in an image, 8-bit red, green, blue for each pixel.
    ///
    /// # Errors
    /// [`Error::Shape`] where it has another size.
    pub fn add(&mut self, rgb: &[u8]) -> Result<(), Error> {
        let pixels = self.mirrors.width * self.mirrors.height;
        if rgb.len() != 3 * pixels {
            return Err(Error::Shape {
                what: "an image for the mean magnitude".into(),
                expected: format!(
                    "{} x {} x 3 values",
                    self.mirrors.height, self.mirrors.width
                ),
                got: format!("{}", rgb.len()),
            });
        }
        let mut planes: Vec<f32> = (0..3)
            .flat_map(|c| rgb.iter().skip(c).step_by(3).map(|&v| f32::from(v) / 255.0))
            .collect();
        self.colour.to_planes(&mut planes);
        let mut spectrum = vec![0.0; self.fourier.len()];
        let sums = self.sum.chunks_exact_mut(self.mirrors.len.max(1));
        for (plane, sums) in planes.chunks_exact(pixels.max(1)).zip(sums) {
            self.fourier.analyse(plane, &mut spectrum, &mut self.work);
            for (sum, s) in sums.iter_mut().zip(spectrum.chunks_exact(2)) {
                *sum += f64::from(s[0].hypot(s[1]));
            }
            // Those without a phase: the mean of the values themselves, with their sign.
            for &i in &self.mirrors.real {
                let (re, magnitude) = (spectrum[2 * i], spectrum[2 * i].hypot(spectrum[2 * i + 1]));
                sums[i] += f64::from(re - magnitude);
            }
        }
        self.images += 1;
        Ok(())
    }

    /// The mean magnitude.
    ///
    /// # Errors
    /// [`Error::Setting`] where no image was added.
    pub fn magnitude(&self) -> Result<Magnitude, Error> {
        if self.images == 0 {
            return Err(Error::Setting {
                what: "the number of images for the mean magnitude",
                value: "0".into(),
                allowed: "at least one",
            });
        }
        let mean = |s: &f64| (s / self.images as f64) as f32;
        Ok(Magnitude {
            width: self.mirrors.width,
            height: self.mirrors.height,
            values: self.sum.iter().map(mean).collect(),
        })
    }
}

/// Which coefficients of a half spectrum are each other's mirror image.
struct Mirrors {
    width: usize,
    height: usize,
    /// Coefficients of a plane.
    len: usize,
    /// Those that have a phase of their own, and the one that has it negated, if it is part of the half spectrum.
    free: Vec<(usize, Option<usize>)>,
    /// Those that are their own mirror image.
    real: Vec<usize>,
}

impl Mirrors {
    fn new(width: usize, height: usize) -> Self {
        let columns = width / 2 + 1;
        let (mut free, mut real) = (Vec::new(), Vec::new());
        for k in 0..columns {
            let single = k == 0 || 2 * k == width;
            for j in 0..height {
                let (i, mirror) = (k * height + j, (height - j) % height);
                match mirror {
                    _ if !single => free.push((i, None)),
                    m if m == j => real.push(i),
                    m if m > j => free.push((i, Some(k * height + m))),
                    _ => {}
                }
            }
        }
        Self {
            width,
            height,
            len: columns * height,
            free,
            real,
        }
    }
}

/// The map from phases to planes.
pub(super) struct Phases {
    magnitude: Arc<Magnitude>,
    fourier: Fourier,
    work: Workspace,
    mirrors: Mirrors,
    spectrum: Vec<f32>,
}

impl Phases {
    pub fn new(magnitude: Arc<Magnitude>) -> Self {
        let [width, height] = magnitude.size();
        let fourier = Fourier::new(width, height, 1.0);
        Self {
            work: fourier.workspace(),
            spectrum: vec![0.0; fourier.len()],
            mirrors: Mirrors::new(width, height),
            fourier,
            magnitude,
        }
    }

    /// Number of phases of the three planes.
    pub fn len(&self) -> usize {
        3 * self.mirrors.free.len()
    }

    pub fn planes(&mut self, phases: &[f32], planes: &mut [f32]) {
        let free = self.mirrors.free.len().max(1);
        let size = (self.mirrors.width * self.mirrors.height).max(1);
        let values = self.magnitude.values.chunks_exact(self.mirrors.len.max(1));
        for ((plane, values), phases) in planes
            .chunks_exact_mut(size)
            .zip(values)
            .zip(padded_chunks(phases, free))
        {
            for &i in &self.mirrors.real {
                (self.spectrum[2 * i], self.spectrum[2 * i + 1]) = (values[i], 0.0);
            }
            for (&(i, mirror), phase) in self.mirrors.free.iter().zip(phases) {
                let (sin, cos) = phase.sin_cos();
                let (re, im) = (values[i] * cos, values[i] * sin);
                (self.spectrum[2 * i], self.spectrum[2 * i + 1]) = (re, im);
                if let Some(m) = mirror {
                    (self.spectrum[2 * m], self.spectrum[2 * m + 1]) = (re, -im);
                }
            }
            self.fourier.image(&self.spectrum, plane, &mut self.work);
        }
    }

    pub fn gradient(&mut self, phases: &[f32], planes: &[f32], gradient: &mut [f32]) {
        let free = self.mirrors.free.len();
        let size = (self.mirrors.width * self.mirrors.height).max(1);
        for (plane, image) in planes.chunks_exact(size).enumerate() {
            self.fourier
                .gradient(image, &mut self.spectrum, &mut self.work);
            let values = &self.magnitude.values[plane * self.mirrors.len..];
            let own = plane * free..(plane + 1) * free;
            let places = self.mirrors.free.iter();
            for ((&(i, mirror), phase), g) in
                places.zip(&phases[own.clone()]).zip(&mut gradient[own])
            {
                let (sin, cos) = phase.sin_cos();
                let (mut re, mut im) = (self.spectrum[2 * i], self.spectrum[2 * i + 1]);
                if let Some(m) = mirror {
                    re += self.spectrum[2 * m];
                    im -= self.spectrum[2 * m + 1];
                }
                *g = values[i] * (cos * im - sin * re);
            }
        }
    }
}

/// Chunks of `size`, or three empty ones where there is nothing.
fn padded_chunks(values: &[f32], size: usize) -> impl Iterator<Item = &[f32]> {
    (0..3).map(move |i| values.get(i * size..(i + 1) * size).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visualize::parametrization::{Kind, Parametrization};

    fn map(magnitude: &Arc<Magnitude>) -> Parametrization {
        Parametrization::new(&Kind::Maco(Arc::clone(magnitude)), 0, 0)
    }

    /// Whatever the phases, each plane has the magnitudes given.
    #[test]
    fn the_magnitude_stays() {
        for (w, h) in [(8, 8), (9, 6), (6, 9), (7, 5)] {
            let magnitude = Arc::new(Magnitude::natural(w, h));
            let mut map = map(&magnitude);
            assert_eq!(map.size(), [w, h]);
            // One phase for each pair of mirrored coefficients.
            let own =
                (w % 2 == 0) as usize * (1 + (h % 2 == 0) as usize) + 1 + (h % 2 == 0) as usize;
            assert_eq!(map.len(), 3 * (w * h - own) / 2);
            let mut planes = vec![0.0; 3 * w * h];
            map.planes(&map.start(5, 1), &mut planes);
            let fourier = Fourier::new(w, h, 1.0);
            let mut spectrum = vec![0.0; fourier.len()];
            for (plane, values) in planes
                .chunks_exact(w * h)
                .zip(magnitude.values().chunks_exact(fourier.len() / 2))
            {
                let square: f32 = plane.iter().map(|v| v * v).sum();
                let mean: f32 = plane.iter().sum();
                assert!((square / (w * h) as f32 - 1.0).abs() < 1e-3 && mean.abs() < 1e-3);
                fourier.analyse(plane, &mut spectrum, &mut fourier.workspace());
                for (s, value) in spectrum.chunks_exact(2).zip(values) {
                    assert!(
                        (s[0].hypot(s[1]) - value.abs()).abs() < 1e-4,
                        "{s:?} and {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn gradient_by_differences() {
        let magnitude = Arc::new(Magnitude::natural(6, 5));
        let mut map = map(&magnitude);
        let mut phases = map.start(3, 1);
        let weight: Vec<f32> = (0..90)
            .map(|i| ((i * 37 % 61) as f32 / 30.0) - 1.0)
            .collect();
        let mut gradient = vec![0.0; map.len()];
        map.gradient(&phases, &weight, &mut gradient);
        let mut planes = vec![0.0; 90];
        for i in (0..phases.len()).step_by(5) {
            let mut at = |d: f32| {
                phases[i] += d;
                map.planes(&phases, &mut planes);
                planes
                    .iter()
                    .zip(&weight)
                    .map(|(&a, &b)| f64::from(a * b))
                    .sum::<f64>()
            };
            let numeric = (at(1e-2) - at(-2e-2)) / 2e-2;
            at(1e-2);
            assert!(
                (numeric - f64::from(gradient[i])).abs() < 2e-3,
                "{numeric} and {}",
                gradient[i]
            );
        }
    }

    /// The spectrum of one patch is that patch's: with its own phases the patch comes back.
    #[test]
    fn of_one_patch() {
        let (w, h) = (6, 4);
        let rgb: Vec<u8> = (0..3 * w * h).map(|i| (40 + i * 97 % 170) as u8).collect();
        let mut statistics = MagnitudeStatistics::new(w, h, Colour::LUCID);
        assert!(statistics.magnitude().is_err() && statistics.add(&rgb[1..]).is_err());
        statistics.add(&rgb).unwrap();
        let magnitude = Arc::new(statistics.magnitude().unwrap());
        let mut phases = Phases::new(Arc::clone(&magnitude));
        let mut planes: Vec<f32> = (0..3)
            .flat_map(|c| rgb.iter().skip(c).step_by(3).map(|&v| f32::from(v) / 255.0))
            .collect();
        Colour::LUCID.to_planes(&mut planes);
        let mut angles = Vec::new();
        let mut spectrum = vec![0.0; phases.fourier.len()];
        for plane in planes.chunks_exact(w * h) {
            phases
                .fourier
                .analyse(plane, &mut spectrum, &mut phases.work);
            angles.extend(
                phases
                    .mirrors
                    .free
                    .iter()
                    .map(|&(i, _)| spectrum[2 * i + 1].atan2(spectrum[2 * i])),
            );
        }
        let mut back = vec![0.0; planes.len()];
        phases.planes(&angles, &mut back);
        for (got, expected) in back.iter().zip(&planes) {
            assert!((got - expected).abs() < 1e-3, "{got} instead of {expected}");
        }
    }
}
