//! The principal axes of images' colours.

use faer::Mat;

use super::{Colour, logit};
use crate::Error;

/// Least deviation along an axis, as a share of the largest: an axis without any could not be moved along.
const LEAST: f64 = 1e-3;

/// Mean and covariance of the colours of images, gathered image by image.
///
/// ```
/// use spolia_interpret::visualize::colour::ColourStatistics;
///
/// let mut statistics = ColourStatistics::default();
/// statistics.add(&[230, 180, 210, 120, 60, 140, 240, 235, 238, 200, 120, 170]);
/// let colour = statistics.colour()?;
/// let mut gray = [0.0; 3]; // planes of zeros have the mean colour
/// colour.to_rgb(&mut gray);
/// assert!((gray[0] * 255.0 - 197.5).abs() < 0.1);
/// # Ok::<(), spolia_interpret::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ColourStatistics {
    pixels: u64,
    sum: [f64; 3],
    products: [[f64; 3]; 3],
}

impl ColourStatistics {
    /// Takes in an image, 8-bit red, green, blue for each pixel.
    pub fn add(&mut self, rgb: &[u8]) {
        for pixel in rgb.chunks_exact(3) {
            let v = [0, 1, 2].map(|c| f64::from(pixel[c]) / 255.0);
            self.pixels += 1;
            for i in 0..3 {
                self.sum[i] += v[i];
                for j in 0..3 {
                    self.products[i][j] += v[i] * v[j];
                }
            }
        }
    }

    /// Mean red, green and blue, 0-1.
    #[must_use]
    pub fn mean(&self) -> [f64; 3] {
        self.sum.map(|s| s / self.pixels.max(1) as f64)
    }

    /// Covariance of red, green and blue in 0-1, over pixels.
    #[must_use]
    pub fn covariance(&self) -> [[f64; 3]; 3] {
        let (n, mean) = (self.pixels.max(1) as f64, self.mean());
        let mut covariance = self.products;
        for (i, row) in covariance.iter_mut().enumerate() {
            for (j, v) in row.iter_mut().enumerate() {
                *v = *v / n - mean[i] * mean[j];
            }
        }
        covariance
    }

    /// The colours' own decorrelation, as Lucid made natural images': M = U √S of the covariance U S U', divided by its
    /// largest column norm; the largest axis first, each pointing to where red grows. Unlike Lucid's, planes of zeros
    /// have the images' mean colour.
    ///
    /// # Errors
    /// [`Error::Setting`] where all pixels have one colour, or there are none.
    pub fn colour(&self) -> Result<Colour, Error> {
        let covariance = self.covariance();
        let constant = || Error::Setting {
            what: "the images' colour",
            value: format!("{:.3?} in all of {} pixels", self.mean(), self.pixels),
            allowed: "images of more than one colour",
        };
        let svd = Mat::from_fn(3, 3, |i, j| covariance[i][j])
            .svd()
            .map_err(|_| constant())?;
        let deviations = [0, 1, 2].map(|k| svd.S().column_vector()[k].max(0.0).sqrt());
        if deviations[0].is_nan() || deviations[0] < 1e-6 {
            return Err(constant());
        }
        let mut matrix = [[0.0; 3]; 3];
        for (k, deviation) in deviations.iter().enumerate() {
            let axis = [0, 1, 2].map(|i| svd.U()[(i, k)]);
            let first = axis.iter().find(|v| v.abs() > 1e-6).copied();
            let sign = first.map_or(1.0, f64::signum);
            for (row, v) in matrix.iter_mut().zip(axis) {
                // The columns of U have length 1, so that the largest column norm is the first deviation.
                row[k] = (sign * v * (deviation / deviations[0]).max(LEAST)) as f32;
            }
        }
        Colour::new(matrix, self.mean().map(|m| logit(m as f32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red and green together (±.2 each), blue alone (±.1): axes (1, 1, 0)/√2 with √2 · .2 and (0, 0, 1) with .1.
    #[test]
    fn axes_by_hand() {
        let mut statistics = ColourStatistics::default();
        for (rg, b) in [(76, 102), (76, 153), (178, 102), (178, 153)] {
            statistics.add(&[rg, rg, b]);
        }
        let mean = statistics.mean();
        assert!((mean[0] - 127.0 / 255.0).abs() < 1e-12 && (mean[2] - 0.5).abs() < 1e-12);
        let covariance = statistics.covariance();
        assert!((covariance[0][1] - 0.04).abs() < 1e-12 && (covariance[2][2] - 0.01).abs() < 1e-12);
        let matrix = statistics.colour().unwrap().matrix();
        let (half, small) = (0.5f32.sqrt(), 0.1 / (0.2 * 2f32.sqrt()));
        for (row, expected) in matrix.iter().zip([
            [half, 0.0, half * 1e-3],
            [half, 0.0, -half * 1e-3],
            [0.0, small, 0.0],
        ]) {
            for (got, expected) in row.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-6, "{matrix:?}");
            }
        }
    }

    /// Colours drawn with Lucid's covariance give Lucid's matrix.
    #[test]
    fn natural_colours_give_lucids_axes() {
        let lucid = Colour::LUCID.matrix();
        let mut statistics = ColourStatistics::default();
        // Two points on each axis, at ±√3 times the column: the covariance is C C' (.15)².
        for axis in [0, 1, 2].map(|k| lucid.map(|row| row[k])) {
            for sign in [1.0, -1.0] {
                let value = |v: f32| 0.5 + sign * 0.15 * 3f32.sqrt() * v;
                statistics.add(&axis.map(|v| (255.0 * value(v)).round() as u8));
            }
        }
        let matrix = statistics.colour().unwrap().matrix();
        // Lucid's columns are rounded to .01 and not quite orthogonal.
        for (row, expected) in matrix.iter().zip(lucid) {
            for (got, expected) in row.iter().zip(expected) {
                assert!((got - expected).abs() < 0.05, "{matrix:?}");
            }
        }
    }

    #[test]
    fn one_colour_has_no_axes() {
        let mut statistics = ColourStatistics::default();
        assert!(statistics.colour().is_err());
        statistics.add(&[90, 90, 90, 90, 90, 90]);
        let error = statistics.colour().unwrap_err().to_string();
        assert!(
            error.contains("2 pixels; give images of more than one colour"),
            "{error}"
        );
    }
}
