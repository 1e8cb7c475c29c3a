//! Ridge regression of several targets on shared features, the penalty chosen in closed form.

use faer::Mat;

use crate::basis::{Basis, centre, penalty};
use crate::matrix::check_regression;
use crate::standardise::Scaling;
use crate::{Error, Matrix};

/// A ridge fit of one target, with an intercept that is not penalised.
#[derive(Debug, Clone, PartialEq)]
pub struct Ridge {
    /// One coefficient per feature, in target units per unit of the feature as given. As a
    /// direction in feature space this is the concept vector.
    pub coefficients: Vec<f64>,
    /// Value where all features are 0.
    pub intercept: f64,
    /// The penalty chosen, on standardised features: minimises
    /// `|y - Z b|² + penalty |b|²`.
    pub penalty: f64,
    /// Effective number of parameters, intercept included: the trace of the hat matrix.
    pub degrees_of_freedom: f64,
}

/// Fits every column of `y` (n x m) on `x` (n x p). The penalty of each target minimises
/// generalised cross-validation, `n SS_res / (n - df)²` (Golub, Heath, Wahba 1979), the closed form
/// of leave-one-out with the leverages replaced by their mean.
///
/// # Errors
/// [`Error::Rows`], [`Error::TooFew`] (three observations, one feature, one target),
/// [`Error::NotFinite`], [`Error::ConstantTarget`], [`Error::NoConvergence`].
pub fn ridge(x: &Matrix, y: &Matrix) -> Result<Vec<Ridge>, Error> {
    check_regression(x, y)?;
    let rows: Vec<usize> = (0..x.rows()).collect();
    let scaling = Scaling::new(x, &rows);
    let z = scaling.apply(x, &rows);
    let basis = Basis::new(z.as_ref());
    let mut targets = Mat::from_fn(x.rows(), y.cols(), |i, t| y.at(i, t));
    let means = centre(&mut targets);
    let squares: Vec<f64> = targets.col_iter().map(|c| c.squared_norm_l2()).collect();
    let covariances = basis.covariances(&targets);
    let steps = basis.generalised_cross_validation(&covariances, &squares);
    let standardised = basis.coefficients(&basis.ridge(&covariances, &steps));
    let fits = (0..y.cols()).map(|t| {
        let (coefficients, shift) = scaling.unscale(standardised.col(t).iter());
        let penalty = penalty(steps[t], x.rows());
        Ridge {
            coefficients,
            intercept: means[t] - shift,
            penalty,
            degrees_of_freedom: x.rows() as f64 - basis.free(penalty),
        }
    });
    Ok(fits.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Uniform noise.
    fn noise(n: usize, p: usize, seed: u64) -> Matrix {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let data = (0..n * p).map(|_| rng.random_range(-1.0..1.0)).collect();
        Matrix::new(n, p, data).unwrap()
    }

    #[test]
    fn normal_equations_hold() {
        // Z'(y - mean - Z b) = penalty b, with b on the standardised scale; tall and wide.
        for (n, p) in [(30, 4), (12, 40)] {
            let x = noise(n, p, 5);
            let y = noise(n, 2, 6);
            let rows: Vec<usize> = (0..n).collect();
            let scaling = Scaling::new(&x, &rows);
            let z = scaling.apply(&x, &rows);
            for (t, fit) in ridge(&x, &y).unwrap().into_iter().enumerate() {
                let residuals: Vec<f64> = (0..n)
                    .map(|i| {
                        let fitted: f64 = x
                            .row(i)
                            .iter()
                            .zip(&fit.coefficients)
                            .map(|(x, b)| x * b)
                            .sum();
                        y.at(i, t) - fit.intercept - fitted
                    })
                    .collect();
                for j in 0..p {
                    let gradient: f64 = (0..n).map(|i| z[(i, j)] * residuals[i]).sum();
                    let b = fit.coefficients[j] / scaling.inverse_scales[j];
                    assert!((gradient - fit.penalty * b).abs() < 1e-9 * fit.penalty.max(1.0));
                }
            }
        }
    }

    #[test]
    fn a_clear_relation_is_kept_and_noise_is_shrunk() {
        let x = noise(60, 5, 1);
        let exact: Vec<f64> = (0..60)
            .map(|i| 3.0 + 2.0 * x.at(i, 1) - x.at(i, 4))
            .collect();
        let y = Matrix::from_columns(&[exact, noise(60, 1, 9).column(0)]).unwrap();
        let fits = ridge(&x, &y).unwrap();
        for (got, expected) in fits[0].coefficients.iter().zip([0.0, 2.0, 0.0, 0.0, -1.0]) {
            assert!((got - expected).abs() < 1e-4);
        }
        assert!((fits[0].intercept - 3.0).abs() < 1e-4);
        assert!(fits[0].degrees_of_freedom > 5.99);
        assert!(fits[1].degrees_of_freedom < 5.0);
    }
}
