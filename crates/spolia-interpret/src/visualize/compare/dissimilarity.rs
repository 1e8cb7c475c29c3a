//! How far two images are apart.

use super::{check, colour_histogram, gray, spectrum::spectrum};
use crate::Error;

/// How far two images' pixels are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelDissimilarity {
    /// Mean absolute difference of values at the same place, 0-1.
    pub absolute: f64,
    /// Half the sum of the absolute differences of the shares of 8 x 8 x 8 colours: 0 for the same colours wherever they
    /// are, 1 for none in common.
    pub colour: f64,
    /// Mean absolute difference of the natural logarithm of the gray planes' power at the frequencies that both have: 0
    /// for equally rough images whatever they show. None where they have none in common.
    pub spectrum: Option<f64>,
}

/// Compares two 8-bit RGB images of one size, rows x columns x 3.
///
/// # Errors
/// [`Error::Shape`] where an image has another size.
pub fn pixel_dissimilarity(
    first: &[u8],
    second: &[u8],
    width: usize,
    height: usize,
) -> Result<PixelDissimilarity, Error> {
    check(first, width, height)?;
    check(second, width, height)?;
    let sum: u64 = first
        .iter()
        .zip(second)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    let colours = colour_histogram(first)
        .iter()
        .zip(colour_histogram(second))
        .map(|(a, b)| (a - b).abs())
        .sum::<f64>();
    let power = |rgb| spectrum(&gray(rgb), width, height).radial;
    let logs: Vec<f64> = power(first)
        .iter()
        .zip(power(second))
        .filter(|(a, b)| **a > 0.0 && *b > 0.0)
        .map(|(a, b)| (a.ln() - b.ln()).abs())
        .collect();
    Ok(PixelDissimilarity {
        absolute: sum as f64 / 255.0 / first.len() as f64,
        colour: colours / 2.0,
        spectrum: (!logs.is_empty()).then(|| logs.iter().sum::<f64>() / logs.len() as f64),
    })
}

/// 1 - cosine of two images' features in a third network: 0 for the same direction, 1 for orthogonal ones, 2 at most.
/// None where a vector is zero.
///
/// # Errors
/// [`Error::Shape`] where the vectors differ in length, [`Error::NotFinite`].
pub fn feature_dissimilarity(first: &[f32], second: &[f32]) -> Result<Option<f64>, Error> {
    if first.len() != second.len() {
        return Err(Error::Shape {
            what: "the second image's features".into(),
            expected: format!("{} values", first.len()),
            got: format!("{}", second.len()),
        });
    }
    if let Some(value) = first.iter().chain(second).find(|v| !v.is_finite()) {
        return Err(Error::NotFinite {
            what: "a feature",
            value: f64::from(*value),
        });
    }
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    };
    let norms = (dot(first, first) * dot(second, second)).sqrt();
    Ok((norms > 0.0).then(|| 1.0 - dot(first, second) / norms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let first: Vec<u8> = (0..64).flat_map(|i| [i * 3, 10, 200]).collect();
        let same = pixel_dissimilarity(&first, &first, 8, 8).unwrap();
        assert_eq!((same.absolute, same.spectrum), (0.0, Some(0.0)));
        assert!(same.colour.abs() < 1e-12);
        // One of three channels differs by 51 = a fifth, and no colour is shared.
        let second: Vec<u8> = first
            .chunks_exact(3)
            .flat_map(|p| [p[0], 61, p[2]])
            .collect();
        let other = pixel_dissimilarity(&first, &second, 8, 8).unwrap();
        assert!((other.absolute - 0.2 / 3.0).abs() < 1e-12);
        assert!((other.colour - 1.0).abs() < 1e-12);
        // Mirrored: same colours, same power at each frequency, another place (up to the window's missing column).
        let mirrored: Vec<u8> = first.chunks_exact(3).rev().flatten().copied().collect();
        let mirrored = pixel_dissimilarity(&first, &mirrored, 8, 8).unwrap();
        assert!(mirrored.colour.abs() < 1e-12 && mirrored.absolute > 0.1);
        assert!(pixel_dissimilarity(&first, &second[3..], 8, 8).is_err());
    }

    #[test]
    fn cosines() {
        let of = |a: &[f32], b: &[f32]| feature_dissimilarity(a, b).unwrap();
        assert_eq!(of(&[3.0, 4.0], &[6.0, 8.0]), Some(0.0));
        assert_eq!(of(&[1.0, 0.0], &[0.0, 5.0]), Some(1.0));
        assert_eq!(of(&[3.0, 4.0], &[4.0, 3.0]), Some(1.0 - 24.0 / 25.0));
        assert_eq!(of(&[0.0, 0.0], &[1.0, 0.0]), None);
        assert!(feature_dissimilarity(&[1.0], &[]).is_err());
        assert!(feature_dissimilarity(&[f32::NAN], &[1.0]).is_err());
    }
}
