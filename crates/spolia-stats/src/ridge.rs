//! Ridge regression of several targets on shared features, the penalty chosen in closed form.
//!
//! Features are standardised on the rows of the fit. With `Z` (n x p) of them, the decomposition is
//! the singular value decomposition `Z = U S V'`, had from the eigenvalues of the smaller Gram
//! matrix: `Z'Z = V S² V'` if p <= n, else `Z Z' = U S² U'`. That is several times faster and loses
//! the singular values below about 1e-8 of the largest; the smallest penalty shrinks those to
//! nothing anyway.

use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{Mat, MatRef, Side};

use crate::matrix::check_regression;
use crate::standardise::Scaling;
use crate::{Error, Matrix};

/// Penalties tried: n times 1e-6 to 1e4, three per decade. As standardised features have squared
/// norm n, this is from nearly none to a constant prediction.
const STEPS: usize = 31;

fn penalty(step: usize, n: usize) -> f64 {
    n as f64 * 10_f64.powf(step as f64 / 3.0 - 6.0)
}

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
    let basis = RidgeBasis::new(x, &rows)?;
    let targets = Targets::new(&basis, Mat::from_fn(x.rows(), y.cols(), |i, t| y.at(i, t)));
    let shrunk = targets.shrunk(&basis);
    let standardised = &basis.directions() * &shrunk.scores;
    let fits = (0..y.cols()).map(|t| {
        let coefficients: Vec<f64> = (0..x.cols())
            .map(|j| standardised[(j, t)] * basis.scaling.inverse_scales[j])
            .collect();
        let shift: f64 = coefficients
            .iter()
            .zip(&basis.scaling.means)
            .map(|(b, mean)| b * mean)
            .sum();
        let alpha = shrunk.penalties[t];
        Ridge {
            coefficients,
            intercept: targets.means[t] - shift,
            penalty: alpha,
            degrees_of_freedom: 1.0
                + basis
                    .eigenvalues
                    .iter()
                    .map(|l| l / (l + alpha))
                    .sum::<f64>(),
        }
    });
    Ok(fits.collect())
}

/// The decomposition of the features of some rows, shared by all targets.
pub(crate) struct RidgeBasis {
    scaling: Scaling,
    /// Z, n x p.
    standardised: Mat<f64>,
    /// Squared singular values above the rounding of the largest, r of them.
    eigenvalues: Vec<f64>,
    vectors: Vectors,
}

/// The eigenvectors that came with the smaller Gram matrix.
enum Vectors {
    /// V, p x r.
    Features(Mat<f64>),
    /// U, n x r.
    Rows(Mat<f64>),
}

impl RidgeBasis {
    pub fn new(x: &Matrix, rows: &[usize]) -> Result<Self, Error> {
        let scaling = Scaling::new(x, rows);
        let standardised = scaling.apply(x, rows);
        let (n, p) = (standardised.nrows(), standardised.ncols());
        let gram = if p <= n {
            standardised.transpose() * &standardised
        } else {
            &standardised * standardised.transpose()
        };
        let size = gram.nrows();
        let eigen = gram
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| Error::NoConvergence { size })?;
        let values = eigen.S().column_vector();
        // Ascending. Centring leaves at most n - 1 directions.
        let largest = values[size - 1];
        let tolerance = largest * n.max(p) as f64 * f64::EPSILON;
        let kept: Vec<usize> = (0..size)
            .rev()
            .take(n - 1)
            .take_while(|&k| values[k] > tolerance)
            .collect();
        let eigenvalues = kept.iter().map(|&k| values[k]).collect();
        let vectors = Mat::from_fn(size, kept.len(), |i, k| eigen.U()[(i, kept[k])]);
        Ok(Self {
            scaling,
            standardised,
            eigenvalues,
            vectors: if p <= n {
                Vectors::Features(vectors)
            } else {
                Vectors::Rows(vectors)
            },
        })
    }

    fn n(&self) -> usize {
        self.standardised.nrows()
    }

    /// U'Y of centred targets, r x m.
    fn scores(&self, centred: MatRef<'_, f64>) -> Mat<f64> {
        match &self.vectors {
            Vectors::Rows(u) => u.transpose() * centred,
            Vectors::Features(v) => {
                let mut scores = v.transpose() * (self.standardised.transpose() * centred);
                for (k, eigenvalue) in self.eigenvalues.iter().enumerate() {
                    let inverse = 1.0 / eigenvalue.sqrt();
                    scores.row_mut(k).iter_mut().for_each(|c| *c *= inverse);
                }
                scores
            }
        }
    }

    /// V, p x r.
    fn directions(&self) -> Mat<f64> {
        match &self.vectors {
            Vectors::Features(v) => v.clone(),
            Vectors::Rows(u) => {
                let mut v = self.standardised.transpose() * u;
                for (k, eigenvalue) in self.eigenvalues.iter().enumerate() {
                    let inverse = 1.0 / eigenvalue.sqrt();
                    v.col_mut(k).iter_mut().for_each(|x| *x *= inverse);
                }
                v
            }
        }
    }

    /// New rows along the directions, Z_new V: `rows.len() x r`.
    pub fn project(&self, x: &Matrix, rows: &[usize]) -> Mat<f64> {
        let new = self.scaling.apply(x, rows);
        match &self.vectors {
            Vectors::Features(v) => &new * v,
            Vectors::Rows(u) => {
                let mut projected = (&new * self.standardised.transpose()) * u;
                for (k, eigenvalue) in self.eigenvalues.iter().enumerate() {
                    let inverse = 1.0 / eigenvalue.sqrt();
                    projected.col_mut(k).iter_mut().for_each(|x| *x *= inverse);
                }
                projected
            }
        }
    }
}

/// Targets of the rows of a basis.
pub(crate) struct Targets {
    pub means: Vec<f64>,
    /// U'Y, r x m.
    scores: Mat<f64>,
    /// |y|² of each centred target.
    squares: Vec<f64>,
}

/// Coefficients along the directions, and the penalty of each target.
pub(crate) struct Shrunk {
    /// S / (S² + penalty) U'Y, r x m; times Z_new V it is the prediction less the mean.
    pub scores: Mat<f64>,
    pub penalties: Vec<f64>,
}

impl Targets {
    /// Takes targets n x m.
    pub fn new(basis: &RidgeBasis, mut y: Mat<f64>) -> Self {
        let n = y.nrows() as f64;
        let mut means = Vec::with_capacity(y.ncols());
        let mut squares = Vec::with_capacity(y.ncols());
        for mut column in y.col_iter_mut() {
            let mean = column.rb().iter().sum::<f64>() / n;
            column.rb_mut().iter_mut().for_each(|value| *value -= mean);
            means.push(mean);
            squares.push(column.squared_norm_l2());
        }
        Self {
            means,
            scores: basis.scores(y.as_ref()),
            squares,
        }
    }

    /// Chooses each target's penalty by generalised cross-validation and applies it.
    pub fn shrunk(&self, basis: &RidgeBasis) -> Shrunk {
        let n = basis.n();
        let (r, m) = (self.scores.nrows(), self.scores.ncols());
        // Share of each direction that a penalty leaves in the residual, and n - df.
        let left: Vec<Vec<f64>> = (0..STEPS)
            .map(|step| {
                let alpha = penalty(step, n);
                basis
                    .eigenvalues
                    .iter()
                    .map(|l| alpha / (l + alpha))
                    .collect()
            })
            .collect();
        let free: Vec<f64> = left
            .iter()
            .map(|left| left.iter().sum::<f64>() + (n - 1 - r) as f64)
            .collect();

        let mut scores = self.scores.clone();
        let mut penalties = Vec::with_capacity(m);
        for t in 0..m {
            let squared: Vec<f64> = self.scores.col(t).iter().map(|c| c * c).collect();
            // What no direction reaches, whatever the penalty.
            let outside = (self.squares[t] - squared.iter().sum::<f64>()).max(0.0);
            let mut best = (f64::INFINITY, STEPS - 1);
            // From strong to weak: of equals the stronger penalty wins.
            for step in (0..STEPS).rev() {
                let residual = outside
                    + squared
                        .iter()
                        .zip(&left[step])
                        .map(|(c, left)| c * left * left)
                        .sum::<f64>();
                let criterion = residual / (free[step] * free[step]);
                if criterion < best.0 {
                    best = (criterion, step);
                }
            }
            let alpha = penalty(best.1, n);
            for (score, l) in scores.col_mut(t).iter_mut().zip(&basis.eigenvalues) {
                *score *= l.sqrt() / (l + alpha);
            }
            penalties.push(alpha);
        }
        Shrunk { scores, penalties }
    }
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
