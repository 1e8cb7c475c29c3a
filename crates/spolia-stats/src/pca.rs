//! Principal components.

use faer::reborrow::Reborrow;
use faer::{Mat, MatRef, Side};

use crate::basis::smaller_gram;
use crate::{Error, Matrix};

/// Principal components of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// Mean of each feature.
    pub means: Vec<f64>,
    /// Directions of unit length, one per row (k x p), by falling variance. The loading of largest
    /// magnitude is positive (of equals the first), as in scikit-learn.
    pub components: Matrix,
    /// Variance along each direction (divided by n - 1).
    pub variances: Vec<f64>,
    /// Share of the total variance along each direction.
    pub shares: Vec<f64>,
}

impl Pca {
    /// Coordinates of observations (n x p) along the components: n x k.
    ///
    /// # Errors
    /// [`Error::Columns`] for another number of features.
    pub fn transform(&self, x: &Matrix) -> Result<Matrix, Error> {
        if x.cols() != self.means.len() {
            return Err(Error::Columns {
                what: "the features x",
                expected: self.means.len(),
                got: x.cols(),
            });
        }
        let scores = (0..x.rows()).flat_map(|i| {
            (0..self.components.rows()).map(move |k| {
                x.row(i)
                    .iter()
                    .zip(&self.means)
                    .zip(self.components.row(k))
                    .map(|((x, mean), v)| (x - mean) * v)
                    .sum()
            })
        });
        Matrix::new(x.rows(), self.components.rows(), scores.collect())
    }
}

/// The first `k` principal components of `x` (n x p), not standardised. Directions come from the
/// smaller Gram matrix, so that a standard deviation below about 1e-7 of the largest is not told
/// from none.
///
/// # Errors
/// [`Error::TooFew`] for fewer than two observations, no component asked for, or fewer dimensions
/// than components; [`Error::NotFinite`], [`Error::NoConvergence`].
pub fn pca(x: &Matrix, k: usize) -> Result<Pca, Error> {
    let (n, p) = (x.rows(), x.cols());
    for (what, got, needed) in [("observations", n, 2), ("components", k, 1)] {
        if got < needed {
            return Err(Error::TooFew { what, needed, got });
        }
    }
    x.check_finite("the features x")?;
    let means: Vec<f64> = (0..p)
        .map(|j| (0..n).map(|i| x.at(i, j)).sum::<f64>() / n as f64)
        .collect();
    let centred = Mat::from_fn(n, p, |i, j| x.at(i, j) - means[j]);
    let total = centred.squared_norm_l2();
    let (directions, squares) = principal_directions(centred.as_ref(), k)?;
    let components = (0..k).flat_map(|c| (0..p).map(move |j| (j, c)));
    Ok(Pca {
        components: Matrix::new(k, p, components.map(|at| directions[at]).collect())?,
        means,
        variances: squares.iter().map(|s| s / (n - 1) as f64).collect(),
        shares: squares.iter().map(|s| s / total).collect(),
    })
}

/// Directions (p x k) and squared singular values of centred features `z` (n x p).
pub(crate) fn principal_directions(
    z: MatRef<'_, f64>,
    k: usize,
) -> Result<(Mat<f64>, Vec<f64>), Error> {
    let (n, p) = (z.nrows(), z.ncols());
    let size = n.min(p);
    let gram = smaller_gram(z);
    let eigen = gram
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| Error::NoConvergence { size })?;
    // Ascending. Centring leaves at most n - 1 directions.
    let values = eigen.S().column_vector();
    let largest = values.iter().copied().fold(0.0, f64::max);
    let tolerance = largest * n.max(p) as f64 * f64::EPSILON;
    let rank = values.iter().filter(|&&v| v > tolerance).count().min(n - 1);
    if rank < k {
        return Err(Error::TooFew {
            what: "independent features for that many principal components",
            needed: k,
            got: rank,
        });
    }
    let squares: Vec<f64> = (0..k).map(|c| values[size - 1 - c]).collect();
    let vectors = Mat::from_fn(size, k, |i, c| eigen.U()[(i, size - 1 - c)]);
    let mut directions = if p <= n {
        vectors
    } else {
        z.transpose() * vectors
    };
    for (c, direction) in directions.col_iter_mut().enumerate() {
        let mut loading = 0.0_f64;
        for &v in direction.rb().iter() {
            // Rounding does not decide between equals.
            if v.abs() > loading.abs() * (1.0 + 1e-12) {
                loading = v;
            }
        }
        let length = if p <= n { 1.0 } else { squares[c].sqrt() };
        let factor = loading.signum() / length;
        direction.iter_mut().for_each(|v| *v *= factor);
    }
    Ok((directions, squares))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Along (1, 2) with coordinates -1, 0, 1 times sqrt 5; the copy for p > n agrees.
        let x = Matrix::new(3, 2, vec![1.0, 0.0, 2.0, 2.0, 3.0, 4.0]).unwrap();
        let fit = pca(&x, 1).unwrap();
        let root = 5.0_f64.sqrt();
        assert!((fit.components.row(0)[0] - 1.0 / root).abs() < 1e-14);
        assert!((fit.components.row(0)[1] - 2.0 / root).abs() < 1e-14);
        assert!((fit.variances[0] - 5.0).abs() < 1e-13 && (fit.shares[0] - 1.0).abs() < 1e-14);
        let scores = fit.transform(&x).unwrap();
        assert!((scores.row(2)[0] - root).abs() < 1e-13);
        assert!(matches!(pca(&x, 2), Err(Error::TooFew { got: 1, .. })));
        assert!(
            fit.transform(&Matrix::new(1, 3, vec![0.0; 3]).unwrap())
                .is_err()
        );
        assert!(
            pca(
                &Matrix::new(2, 2, vec![0.0, f64::NAN, 1.0, 1.0]).unwrap(),
                1
            )
            .is_err()
        );

        let wide = Matrix::new(3, 4, x.data().chunks(2).flat_map(|r| r.repeat(2)).collect());
        let wide = pca(&wide.unwrap(), 1).unwrap();
        assert!((wide.components.row(0)[1] - 2.0 / 10.0_f64.sqrt()).abs() < 1e-14);
        assert!((wide.variances[0] - 10.0).abs() < 1e-13);
    }
}
