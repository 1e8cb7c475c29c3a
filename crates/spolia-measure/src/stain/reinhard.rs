//! Mean and spread of an image's colour, and another image given them.
//!
//! Reinhard, Ashikhmin, Gooch and Shirley, *Color transfer between images*, IEEE Computer Graphics
//! and Applications 21(5), 2001: colours in the space lαβ of Ruderman et al. (equations 2 to 6),
//! shifted and scaled channel by channel (equations 10 and 11). Only pixels of tissue count and
//! change; glass stays as it is.

use super::{StainOptions, is_tissue, tissue};
use crate::Error;
use crate::colour::inverse;
use crate::gray::check_size;

/// From red, green and blue to the responses of the eye's cones (equation 4).
const LMS: [[f64; 3]; 3] = [
    [0.3811, 0.5783, 0.0402],
    [0.1967, 0.7244, 0.0782],
    [0.0241, 0.1288, 0.8444],
];

/// From logarithms of these to l, α and β, before each is scaled (equation 6).
const OPPONENT: [[f64; 3]; 3] = [[1.0, 1.0, 1.0], [1.0, 1.0, -2.0], [1.0, -1.0, 0.0]];

/// Squares of the scales of l, α and β.
const SCALES: [f64; 3] = [3.0, 6.0, 2.0];

/// Mean and spread of colour over the tissue of an image, for l, α and β of gray values from 0 to
/// 255 and natural logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reinhard {
    /// Means.
    pub mean: [f64; 3],
    /// Standard deviations (divided by the number of pixels).
    pub sd: [f64; 3],
}

impl Reinhard {
    /// The target published with HistomicsTK, of slide TCGA-A2-A3XS-DX1.
    pub const REFERENCE: Self = Self {
        mean: [8.741_081_09, -0.124_404_19, 0.044_498_2],
        sd: [0.613_544_7, 0.109_895_45, 0.028_603_2],
    };

    /// Mean and spread of an 8-bit RGB image (interleaved, row-major) of `width x height` pixels.
    ///
    /// # Errors
    /// [`Error::Empty`] or [`Error::Size`] for an image that is none, [`Error::TooLittleTissue`]
    /// for one of glass, [`Error::FlatColour`] for one whose tissue has one colour.
    pub fn of(
        rgb: &[u8],
        width: usize,
        height: usize,
        options: &StainOptions,
    ) -> Result<Self, Error> {
        let tissue = tissue(rgb, (width, height), options, opponent)?;
        let n = tissue.len() as f64;
        let mean = [0, 1, 2].map(|c| tissue.iter().map(|v| v[c]).sum::<f64>() / n);
        let sd = [0, 1, 2].map(|c| {
            let squares: f64 = tissue.iter().map(|v| (v[c] - mean[c]).powi(2)).sum();
            (squares / n).sqrt()
        });
        match sd.iter().position(|&sd| sd.is_nan() || sd <= 1e-9) {
            None => Ok(Self { mean, sd }),
            Some(c) => Err(Error::FlatColour {
                channel: ["l", "α", "β"][c],
            }),
        }
    }

    /// The image with the target's mean and spread; glass is left as it is.
    ///
    /// # Errors
    /// [`Error::Empty`] or [`Error::Size`] for an image that is none.
    pub fn normalise(
        &self,
        target: &Self,
        rgb: &[u8],
        width: usize,
        height: usize,
        options: &StainOptions,
    ) -> Result<Vec<u8>, Error> {
        check_size(rgb.len(), width, height, 3)?;
        Ok(rgb
            .chunks_exact(3)
            .flat_map(|pixel| {
                if !is_tissue(pixel, options) {
                    return [pixel[0], pixel[1], pixel[2]];
                }
                let own = opponent(pixel);
                let moved = [0, 1, 2].map(|c| {
                    let scale = target.sd[c] / self.sd[c];
                    ((own[c] - self.mean[c]) * scale + target.mean[c]) / SCALES[c].sqrt()
                });
                // The rows of the matrix are orthogonal, of squared lengths 3, 6 and 2.
                let lms = [0, 1, 2].map(|k| {
                    let sum: f64 = (0..3).map(|c| OPPONENT[c][k] * moved[c]).sum();
                    sum.exp()
                });
                RGB.map(|row| {
                    let value: f64 = row.iter().zip(lms).map(|(a, b)| a * b).sum();
                    value.round().clamp(0.0, 255.0) as u8
                })
            })
            .collect())
    }
}

/// l, α and β of a pixel; black counts as the smallest number that has a logarithm, as in
/// HistomicsTK.
fn opponent(pixel: &[u8]) -> [f64; 3] {
    let logs = LMS.map(|row| {
        let sum: f64 = row.iter().zip(pixel).map(|(a, &v)| a * f64::from(v)).sum();
        sum.max(f64::EPSILON).ln()
    });
    [0, 1, 2].map(|c| {
        let sum: f64 = OPPONENT[c].iter().zip(logs).map(|(a, b)| a * b).sum();
        sum / SCALES[c].sqrt()
    })
}

/// From the responses of cones to red, green and blue.
const RGB: [[f64; 3]; 3] = inverse(LMS);
