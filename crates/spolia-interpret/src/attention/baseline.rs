//! Maps that know nothing of the network: what a real one has to beat.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spolia_measure::nuclei::haematoxylin;

use super::Map;
use crate::Error;

/// Uniform random values in 0-1. Made at a layer's resolution it is as coarse as the maps it is compared with.
#[must_use]
pub fn random_map(height: usize, width: usize, seed: u64) -> Map {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Map {
        height,
        width,
        values: (0..height * width)
            .map(|_| rng.random_range(0.0..1.0))
            .collect(),
    }
}

/// A Gaussian around the centre with a standard deviation of a quarter of each side, 1 at its top: the centre bias that
/// maps of globally pooled networks often show whatever the image.
#[must_use]
pub fn centre_map(height: usize, width: usize) -> Map {
    let along = |i: usize, side: usize| {
        let z = 4.0 * ((i as f64 + 0.5) / side as f64 - 0.5);
        -0.5 * z * z
    };
    Map {
        height,
        width,
        values: (0..height)
            .flat_map(|y| {
                (0..width).map(move |x| (along(y, height) + along(x, width)).exp() as f32)
            })
            .collect(),
    }
}

/// The haematoxylin optical density of an 8-bit RGB patch: nuclei are dark, whatever a network has learnt.
///
/// # Errors
/// [`Error::Measure`] where the bytes do not fit the size.
pub fn stain_map(rgb: &[u8], width: usize, height: usize) -> Result<Map, Error> {
    Ok(Map {
        height,
        width,
        values: haematoxylin(rgb, width, height)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baselines() {
        let random = random_map(3, 5, 7);
        assert_eq!(random, random_map(3, 5, 7));
        assert_ne!(random, random_map(3, 5, 8));
        assert!(random.values.iter().all(|v| (0.0..1.0).contains(v)));

        let centre = centre_map(4, 4);
        // (.5, .5) px of the centre of 4: z = .5 along both sides, exp(-.25).
        assert!((centre.values[5] - (-0.25f32).exp()).abs() < 1e-6);
        assert_eq!(centre.values[5], centre.values[10]);
        assert!(centre.values[0] < centre.values[1]);

        let stain = stain_map(&[255, 255, 255, 90, 60, 140], 2, 1).unwrap();
        assert!(stain.values[0] == 0.0 && stain.values[1] > 0.3);
        assert!(stain_map(&[0; 5], 2, 1).is_err());
    }
}
