//! How complex one image is.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use spolia_stats::{LineFit, line};

use super::{check, colour_histogram, gray, spectrum::spectrum};
use crate::Error;

/// Gradients of gray above this, per pixel, are edges.
const EDGE: f64 = 0.1;
/// Power below this is rounding.
const NOTHING: f64 = 1e-20;

/// How complex an image is, five ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Complexity {
    /// Slope of the logarithm of the gray plane's mean power at a frequency over the logarithm of the frequency, least
    /// squares over k / side cycles a pixel, k from 1 to side / 2: about -2 for photographs, 0 for noise. None where there
    /// is nothing to fit.
    pub spectral_slope: Option<f64>,
    /// Share of the power above .25 cycles a pixel, half the highest frequency along an axis. None for one gray.
    pub high_frequency: Option<f64>,
    /// Share of the pixels whose Sobel gradient of gray (scikit-image's, 0-1) is above .1.
    pub edge_density: f64,
    /// Entropy of the colours in 8 x 8 x 8 cells, bits: 0 for one colour, at most 9.
    pub colour_entropy: f64,
    /// Bits a pixel after each value's difference from its left neighbour's was compressed by zlib at its highest level,
    /// as in a PNG file.
    pub compressed_bits: f64,
}

/// The complexity of an 8-bit RGB image, rows x columns x 3.
///
/// # Errors
/// [`Error::Shape`] where it has another size; [`Error::Statistics`] never for such an image.
pub fn complexity(rgb: &[u8], width: usize, height: usize) -> Result<Complexity, Error> {
    check(rgb, width, height)?;
    let gray = gray(rgb);
    let power = spectrum(&gray, width, height);
    let is_flat = power.all <= NOTHING * gray.len() as f64;
    let (mut logs, mut powers) = (Vec::new(), Vec::new());
    for (k, &p) in power.radial.iter().enumerate() {
        if p > NOTHING && !is_flat {
            logs.push(((k + 1) as f64).ln());
            powers.push(p.ln());
        }
    }
    let spectral_slope = if logs.len() < 2 {
        None
    } else {
        Some(line(&logs, &powers, LineFit::LeastSquares)?.slope)
    };
    let entropy = colour_histogram(rgb)
        .iter()
        .filter(|p| **p > 0.0)
        .map(|p| -p * p.log2())
        .sum::<f64>();
    Ok(Complexity {
        spectral_slope,
        high_frequency: (!is_flat).then(|| power.high / power.all),
        edge_density: edge_density(&gray, width, height),
        colour_entropy: entropy.max(0.0),
        compressed_bits: 8.0 * compressed(rgb, width) as f64 / (width * height) as f64,
    })
}

fn edge_density(gray: &[f64], width: usize, height: usize) -> f64 {
    let at = |x: i64, y: i64| {
        let inside = |i: i64, n: usize| i.clamp(0, n as i64 - 1) as usize;
        gray[inside(y, height) * width + inside(x, width)]
    };
    let edges = (0..gray.len())
        .filter(|i| {
            let (x, y) = ((i % width) as i64, (i / width) as i64);
            let smooth = |a: f64, b: f64, c: f64| (a + 2.0 * b + c) / 4.0;
            let row = |y| smooth(at(x - 1, y), at(x, y), at(x + 1, y));
            let column = |x| smooth(at(x, y - 1), at(x, y), at(x, y + 1));
            let (down, right) = (row(y + 1) - row(y - 1), column(x + 1) - column(x - 1));
            ((down * down + right * right) / 2.0).sqrt() > EDGE
        })
        .count();
    edges as f64 / gray.len() as f64
}

/// Bytes of the compressed differences.
fn compressed(rgb: &[u8], width: usize) -> usize {
    let mut differences = Vec::with_capacity(rgb.len());
    for row in rgb.chunks_exact(3 * width) {
        for (i, v) in row.iter().enumerate() {
            let left = i.checked_sub(3).map_or(0, |j| row[j]);
            differences.push(v.wrapping_sub(left));
        }
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let written = encoder
        .write_all(&differences)
        .and_then(|()| encoder.finish());
    written.map_or(differences.len(), |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_colour() {
        let found = complexity(&[120; 3 * 16 * 16], 16, 16).unwrap();
        assert_eq!((found.spectral_slope, found.high_frequency), (None, None));
        assert_eq!((found.edge_density, found.colour_entropy), (0.0, 0.0));
        assert!(found.compressed_bits < 1.5, "{found:?}");
        assert!(complexity(&[0; 10], 2, 2).is_err() && complexity(&[], 0, 0).is_err());
    }

    /// Left half black, right half white: the two columns about the edge are edges, and two colours are one bit.
    #[test]
    fn of_one_edge() {
        let rgb: Vec<u8> = (0..8 * 10)
            .flat_map(|i| [255 * u8::from(i % 10 >= 5); 3])
            .collect();
        let found = complexity(&rgb, 10, 8).unwrap();
        assert!((found.edge_density - 0.2).abs() < 1e-12);
        assert!((found.colour_entropy - 1.0).abs() < 1e-12);
    }

    /// A wave of .375 cycles a pixel has all its power above .25, one of .125 nearly none.
    #[test]
    fn of_waves() {
        let wave = |f: f64| {
            let value = |i: usize| {
                (127.5 + 100.0 * (std::f64::consts::TAU * f * (i % 64) as f64).cos()) as u8
            };
            let rgb: Vec<u8> = (0..64 * 64).flat_map(|i| [value(i); 3]).collect();
            complexity(&rgb, 64, 64).unwrap().high_frequency.unwrap()
        };
        assert!(wave(0.375) > 0.99 && wave(0.125) < 0.01);
    }

    /// numpy 2.4 and scikit-image 0.26, exported with tests/reference/visualize_complexity.py.
    #[test]
    fn follows_numpy_and_scikit_image() {
        let (w, h) = (26, 21);
        let rgb: Vec<u8> = (0..3 * w * h)
            .map(|i| {
                let (c, x, y) = (i % 3, i / 3 % w, i / 3 / w);
                ((9 * x + 5 * y + (x * y) % 37 * (c + 1)) % 256) as u8
            })
            .collect();
        let found = complexity(&rgb, w, h).unwrap();
        for (got, expected) in [
            (found.spectral_slope.unwrap(), -2.142_942_178_419_01),
            (found.high_frequency.unwrap(), 0.342_143_825_055_744),
            (found.edge_density, 0.435_897_435_897_436),
            (found.colour_entropy, 5.030_125_841_611_1),
        ] {
            assert!((got - expected).abs() < 1e-9, "{got} instead of {expected}");
        }
    }
}
