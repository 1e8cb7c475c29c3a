//! Features with mean 0 and standard deviation 1, measured on the training rows alone.

use faer::Mat;

use crate::Matrix;

/// Mean and scale of each feature over some rows.
#[derive(Debug, Clone)]
pub(crate) struct Scaling {
    pub means: Vec<f64>,
    /// 1 / standard deviation (divided by n); 0 for a constant feature, such as a dead channel,
    /// which then drops out.
    pub inverse_scales: Vec<f64>,
}

impl Scaling {
    pub fn new(x: &Matrix, rows: &[usize]) -> Self {
        let (n, p) = (rows.len() as f64, x.cols());
        let mut means = vec![0.0; p];
        let mut largest = vec![0.0_f64; p];
        for &i in rows {
            for (j, &value) in x.row(i).iter().enumerate() {
                means[j] += value;
                largest[j] = largest[j].max(value.abs());
            }
        }
        means.iter_mut().for_each(|mean| *mean /= n);
        let mut squares = vec![0.0; p];
        for &i in rows {
            for (j, &value) in x.row(i).iter().enumerate() {
                squares[j] += (value - means[j]).powi(2);
            }
        }
        // Below 1e-10 of its size a feature varies by rounding only (f32 has 6e-8).
        let inverse_scales = squares
            .iter()
            .zip(&largest)
            .map(|(&sum, &size)| {
                let deviation = (sum / n).sqrt();
                if deviation <= 1e-10 * size {
                    0.0
                } else {
                    1.0 / deviation
                }
            })
            .collect();
        Self {
            means,
            inverse_scales,
        }
    }

    /// The given rows of `x`, standardised: `rows.len() x p`.
    pub fn apply(&self, x: &Matrix, rows: &[usize]) -> Mat<f64> {
        Mat::from_fn(rows.len(), x.cols(), |i, j| self.value(x, rows[i], j))
    }

    /// Feature `j` of row `i` of `x`, standardised.
    pub fn value(&self, x: &Matrix, i: usize, j: usize) -> f64 {
        (x.at(i, j) - self.means[j]) * self.inverse_scales[j]
    }

    /// Coefficients per unit of the features as given, and their product with the means.
    pub fn unscale<'a>(&self, standardised: impl Iterator<Item = &'a f64>) -> (Vec<f64>, f64) {
        let coefficients: Vec<f64> = standardised
            .zip(&self.inverse_scales)
            .map(|(b, inverse)| b * inverse)
            .collect();
        let shift = coefficients
            .iter()
            .zip(&self.means)
            .map(|(b, mean)| b * mean)
            .sum();
        (coefficients, shift)
    }
}
