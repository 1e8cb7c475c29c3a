//! From numbers to an image: what is optimised.
//!
//! An image is never climbed pixel by pixel unless asked for: high frequencies would win. It is a function of
//! parameters instead, three planes whose colours [`super::colour`] mixes:
//!
//! - [`Kind::Fourier`]: scaled Fourier spectra (Lucid), the default;
//! - [`Kind::Pyramid`]: a Laplacian pyramid, the sum of enlarged planes of falling size;
//! - [`Kind::Pixels`]: the planes themselves;
//! - [`Kind::Maco`]: the phases of spectra of fixed magnitude (Fel et al. 2023), so that every scale keeps the energy
//!   that it has in real images.

mod maco;
mod painting;
mod pyramid;

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

pub use maco::{Magnitude, MagnitudeStatistics};
pub use painting::Painting;

use super::fourier::{Fourier, Workspace};
use maco::Phases;
use pyramid::Pyramid;

/// Standard deviation of the first parameters (Lucid).
const DEVIATION: f32 = 0.01;

/// Which function makes planes of parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Scaled Fourier spectra; `decay` is the power of the frequency that they are divided by, 1 in Lucid.
    Fourier {
        /// Power of the frequency.
        decay: f64,
    },
    /// The planes themselves.
    Pixels,
    /// A sum of `levels` planes, each half the size of the one before, enlarged bilinearly; 4 in Lucid.
    Pyramid {
        /// How many.
        levels: usize,
    },
    /// Phases of spectra of this magnitude; its size is the image's.
    Maco(Arc<Magnitude>),
}

/// A function from parameters to three planes of `width` x `height`, and its transpose. Linear in the parameters,
/// except for [`Kind::Maco`].
pub struct Parametrization {
    width: usize,
    height: usize,
    map: Map,
}

enum Map {
    Spectra(Fourier, Workspace),
    Planes,
    Pyramid(Pyramid),
    Phases(Box<Phases>),
}

impl Parametrization {
    /// Plans the function. [`Kind::Maco`] takes its magnitude's size, whatever `width` and `height` are.
    #[must_use]
    pub fn new(kind: &Kind, width: usize, height: usize) -> Self {
        let (map, [width, height]) = match kind {
            Kind::Fourier { decay } => {
                let fourier = Fourier::new(width, height, *decay);
                let work = fourier.workspace();
                (Map::Spectra(fourier, work), [width, height])
            }
            Kind::Pixels => (Map::Planes, [width, height]),
            Kind::Pyramid { levels } => {
                let pyramid = Pyramid::new(width, height, *levels);
                (Map::Pyramid(pyramid), [width, height])
            }
            Kind::Maco(magnitude) => {
                let phases = Phases::new(Arc::clone(magnitude));
                (Map::Phases(Box::new(phases)), magnitude.size())
            }
        };
        Self { width, height, map }
    }

    /// Width and height of the planes.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    /// Number of parameters.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        match &self.map {
            Map::Spectra(fourier, _) => 3 * fourier.len(),
            Map::Planes => 3 * self.width * self.height,
            Map::Pyramid(pyramid) => 3 * pyramid.len(),
            Map::Phases(phases) => phases.len(),
        }
    }

    /// First parameters, from stream `item` of `seed`: normal with standard deviation .01 (Lucid), phases uniform.
    #[must_use]
    pub fn start(&self, seed: u64, item: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(item);
        (0..self.len())
            .map(|_| match self.map {
                Map::Phases(_) => rng.random_range(-std::f32::consts::PI..std::f32::consts::PI),
                _ => DEVIATION * Distribution::<f32>::sample(&StandardNormal, &mut rng),
            })
            .collect()
    }

    /// The three planes of `parameters`, behind each other.
    pub fn planes(&mut self, parameters: &[f32], planes: &mut [f32]) {
        let size = (self.width * self.height).max(1);
        match &mut self.map {
            Map::Spectra(fourier, work) => {
                let spectra = parameters.chunks_exact(fourier.len());
                for (spectrum, plane) in spectra.zip(planes.chunks_exact_mut(size)) {
                    fourier.image(spectrum, plane, work);
                }
            }
            Map::Planes => planes.copy_from_slice(parameters),
            Map::Pyramid(pyramid) => {
                let parts = parameters.chunks_exact(pyramid.len());
                for (levels, plane) in parts.zip(planes.chunks_exact_mut(size)) {
                    pyramid.plane(levels, plane);
                }
            }
            Map::Phases(phases) => phases.planes(parameters, planes),
        }
    }

    /// The gradient with respect to the parameters, from that with respect to the planes that `parameters` make.
    pub fn gradient(&mut self, parameters: &[f32], planes: &[f32], gradient: &mut [f32]) {
        let size = (self.width * self.height).max(1);
        match &mut self.map {
            Map::Spectra(fourier, work) => {
                let spectra = gradient.chunks_exact_mut(fourier.len());
                for (spectrum, plane) in spectra.zip(planes.chunks_exact(size)) {
                    fourier.gradient(plane, spectrum, work);
                }
            }
            Map::Planes => gradient.copy_from_slice(planes),
            Map::Pyramid(pyramid) => {
                let parts = gradient.chunks_exact_mut(pyramid.len());
                for (levels, plane) in parts.zip(planes.chunks_exact(size)) {
                    pyramid.gradient(plane, levels);
                }
            }
            Map::Phases(phases) => phases.gradient(parameters, planes, gradient),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(seed: u64, len: usize) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    }

    /// <A p, y> = <p, A' y> for the linear ones, at odd and even sizes.
    #[test]
    fn linear_maps_and_their_transposes() {
        for kind in [
            Kind::Fourier { decay: 1.0 },
            Kind::Fourier { decay: 0.5 },
            Kind::Pixels,
            Kind::Pyramid { levels: 4 },
        ] {
            for (w, h) in [(16, 16), (15, 9), (7, 12), (1, 5)] {
                let mut map = Parametrization::new(&kind, w, h);
                let (p, y) = (random(1, map.len()), random(2, 3 * w * h));
                let (mut planes, mut back) = (vec![0.0; 3 * w * h], vec![0.0; map.len()]);
                map.planes(&p, &mut planes);
                map.gradient(&p, &y, &mut back);
                let (left, right) = (dot(&planes, &y), dot(&p, &back));
                assert!(
                    (left - right).abs() < 1e-4 * left.abs().max(1.0),
                    "{kind:?} {w}x{h}: {left} and {right}"
                );
            }
        }
    }

    #[test]
    fn starts_follow_seed_and_item() {
        let map = Parametrization::new(&Kind::Pixels, 20, 10);
        assert_eq!(map.len(), 600);
        let start = map.start(3, 4);
        assert_eq!(start, map.start(3, 4));
        assert!(start != map.start(3, 5) && start != map.start(4, 4));
        let square: f64 = dot(&start, &start) / 600.0;
        assert!((square.sqrt() - 0.01).abs() < 0.001, "{square}");
    }
}
