//! Ordinary least squares and what its R² means.
//!
//! In-sample R² rises with the number of features even if they are noise: with p independent noise
//! features and n observations its expectation is p / (n - 1) ([`null_r2`]), and it is 1 as soon as
//! p >= n - 1. A layer with more channels therefore "explains" more of anything. Compare
//! [`Ols::r2`] only with [`null_r2`] and a held-out R² ([`crate::held_out_r2`]) beside it.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_transpose_on_the_left_in_place_scratch as scratch,
    apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj as apply_transpose,
};
use faer::{Conj, Mat, Par};

use crate::matrix::check_regression;
use crate::standardise::Scaling;
use crate::{Error, Matrix};

/// A least-squares fit of one target, with intercept.
#[derive(Debug, Clone, PartialEq)]
pub struct Ols {
    /// Observations.
    pub n: usize,
    /// Features, without the intercept.
    pub features: usize,
    /// Features that are linearly independent of each other and of the intercept.
    pub rank: usize,
    /// In-sample R² = 1 - SS_res / SS_tot. Exactly 1 where rank = n - 1: the fit passes through
    /// every point.
    pub r2: f64,
    /// 1 - (1 - R²) (n - 1) / (n - 1 - rank); none where rank = n - 1, as nothing is left to
    /// estimate the error from.
    pub r2_adjusted: Option<f64>,
    /// One coefficient per feature; 0 for those that depend on others (a dead channel, a copy).
    pub coefficients: Vec<f64>,
    /// Value where all features are 0.
    pub intercept: f64,
}

/// Fits every column of `y` on the columns of `x` (n x p) and an intercept by a QR decomposition
/// with column pivoting, which all targets share. Works for dependent features and for p >= n.
///
/// A feature counts as dependent if what others leave of it, after centring and scaling, is below
/// max(n, p) times the machine epsilon.
///
/// # Errors
/// [`Error::Rows`], [`Error::TooFew`] (three observations, one feature, one target),
/// [`Error::NotFinite`], [`Error::ConstantTarget`].
pub fn ols(x: &Matrix, y: &Matrix) -> Result<Vec<Ols>, Error> {
    check_regression(x, y)?;
    let (n, p, targets) = (x.rows(), x.cols(), y.cols());
    let rows: Vec<usize> = (0..n).collect();
    let scaling = Scaling::new(x, &rows);
    // Constant features add nothing to the intercept.
    let used: Vec<usize> = (0..p)
        .filter(|&j| scaling.inverse_scales[j] > 0.0)
        .collect();
    let standardised = Mat::from_fn(n, used.len(), |i, k| scaling.value(x, i, used[k]));
    let qr = standardised.col_piv_qr();
    let r = qr.thin_R();
    let tolerance = (0..r.nrows().min(1)).map(|k| r[(k, k)].abs()).sum::<f64>()
        * n.max(p) as f64
        * f64::EPSILON;
    let rank = (0..r.nrows().min(n - 1))
        .take_while(|&k| r[(k, k)].abs() > tolerance)
        .count();

    let y_means: Vec<f64> = (0..targets)
        .map(|t| (0..n).map(|i| y.at(i, t)).sum::<f64>() / n as f64)
        .collect();
    let mut qty = Mat::from_fn(n, targets, |i, t| y.at(i, t) - y_means[t]);
    let totals: Vec<f64> = (0..targets).map(|t| qty.col(t).squared_norm_l2()).collect();
    apply_transpose(
        qr.Q_basis(),
        qr.Q_coeff(),
        Conj::No,
        qty.as_mut(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch::<f64>(
            n,
            qr.Q_coeff().nrows(),
            targets,
        ))),
    );

    // R b = Q'y over the independent features; b belongs to pivoted, scaled columns.
    let mut solved = qty.as_ref().subrows(0, rank).to_owned();
    r.submatrix(0, 0, rank, rank)
        .solve_upper_triangular_in_place(solved.as_mut());
    let (pivots, _) = qr.P().arrays();

    let fits = (0..targets).map(|t| {
        let mut coefficients = vec![0.0; p];
        for k in 0..rank {
            let feature = used[pivots[k]];
            coefficients[feature] = solved[(k, t)] * scaling.inverse_scales[feature];
        }
        let shift: f64 = coefficients
            .iter()
            .zip(&scaling.means)
            .map(|(b, mean)| b * mean)
            .sum();
        // What Q'y holds beyond the rank is the residual.
        let residual = qty.col(t).subrows(rank, n - rank).squared_norm_l2();
        let free = n - 1 - rank;
        let r2 = if free == 0 {
            1.0
        } else {
            1.0 - residual / totals[t]
        };
        Ols {
            n,
            features: p,
            rank,
            r2,
            r2_adjusted: (free > 0).then(|| adjusted_r2(r2, n, rank)),
            coefficients,
            intercept: y_means[t] - shift,
        }
    });
    Ok(fits.collect())
}

/// 1 - (1 - R²) (n - 1) / (n - 1 - p) for p independent features; meaningful for p < n - 1.
fn adjusted_r2(r2: f64, n: usize, p: usize) -> f64 {
    1.0 - (1.0 - r2) * (n - 1) as f64 / (n - 1 - p) as f64
}

/// What in-sample R² is expected to be if the features are `features` columns of noise:
/// p / (n - 1), at most 1. Features that depend on others (dead channels) do not count; with them
/// this is an upper bound.
#[must_use]
pub fn null_r2(n: usize, features: usize) -> f64 {
    if n < 2 || features >= n - 1 {
        return 1.0;
    }
    features as f64 / (n - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f64]) -> Matrix {
        Matrix::new(values.len(), 1, values.to_vec()).unwrap()
    }

    #[test]
    fn a_line_by_hand() {
        // y = 1 + 2 x and errors 1, -2, 1: slope 2 stays, SS_res 6, SS_tot 14.
        let fit = &ols(&column(&[0.0, 1.0, 2.0]), &column(&[2.0, 1.0, 6.0])).unwrap()[0];
        assert!((fit.coefficients[0] - 2.0).abs() < 1e-14);
        assert!((fit.intercept - 1.0).abs() < 1e-14);
        assert!((fit.r2 - 8.0 / 14.0).abs() < 1e-14);
        assert!((fit.r2_adjusted.unwrap() - (1.0 - 6.0 / 7.0)).abs() < 1e-14);
    }

    #[test]
    fn dependent_and_constant_features_add_nothing() {
        let x = Matrix::from_columns(&[
            vec![1.0, 2.0, 4.0, 7.0, 1.5],
            vec![2.0, 4.0, 8.0, 14.0, 3.0],
            vec![3.3; 5],
            vec![0.0; 5],
        ])
        .unwrap();
        let y = column(&[1.0, 0.0, 2.0, 5.0, 3.0]);
        let fit = &ols(&x, &y).unwrap()[0];
        let alone = &ols(&column(&x.column(0)), &y).unwrap()[0];
        assert_eq!((fit.rank, fit.features), (1, 4));
        assert!((fit.r2 - alone.r2).abs() < 1e-14);
        assert!((fit.r2_adjusted.unwrap() - alone.r2_adjusted.unwrap()).abs() < 1e-14);
    }

    #[test]
    fn many_copies_of_two_features() {
        let pair = [
            [1.0, 2.0],
            [0.0, 4.0],
            [3.0, 0.5],
            [2.0, 2.0],
            [5.0, 1.0],
            [0.5, 3.0],
        ];
        let y = column(&[1.0, 0.0, 2.0, 5.0, 3.0, 1.0]);
        let alone = &ols(&Matrix::new(6, 2, pair.concat()).unwrap(), &y).unwrap()[0];
        for copies in [2, 40] {
            let data = pair.iter().flat_map(|row| row.repeat(copies)).collect();
            let x = Matrix::new(6, 2 * copies, data).unwrap();
            let fit = &ols(&x, &y).unwrap()[0];
            assert_eq!(fit.rank, 2);
            assert!((fit.r2 - alone.r2).abs() < 1e-13);
        }
    }

    #[test]
    fn as_many_features_as_points_fit_anything() {
        let x = Matrix::new(3, 3, vec![1.0, 0.0, 2.0, 0.0, 1.0, 1.0, 4.0, 1.0, 0.0]).unwrap();
        let fit = &ols(&x, &column(&[1.0, -5.0, 9.0])).unwrap()[0];
        assert_eq!((fit.r2, fit.r2_adjusted, fit.rank), (1.0, None, 2));
        for (i, y) in [1.0, -5.0, 9.0].into_iter().enumerate() {
            let got: f64 = x
                .row(i)
                .iter()
                .zip(&fit.coefficients)
                .map(|(a, b)| a * b)
                .sum();
            assert!((got + fit.intercept - y).abs() < 1e-12);
        }
    }

    #[test]
    fn only_constant_features() {
        let fit = &ols(&column(&[2.0; 4]), &column(&[1.0, 2.0, 3.0, 5.0])).unwrap()[0];
        assert_eq!((fit.r2, fit.rank), (0.0, 0));
    }

    #[test]
    fn null_expectation() {
        assert_eq!(null_r2(1000, 768), 768.0 / 999.0);
        assert_eq!(null_r2(1000, 999), 1.0);
        assert_eq!(null_r2(10, 2048), 1.0);
    }

    #[test]
    fn errors_name_row_and_column() {
        let x = column(&[0.0, f64::NAN, 2.0]);
        let y = column(&[0.0, 1.0, 2.0]);
        let message = ols(&x, &y).unwrap_err().to_string();
        assert!(message.contains("row 1, column 0"), "{message}");
        assert_eq!(
            ols(&y, &column(&[4.0; 3])),
            Err(Error::ConstantTarget { column: 0 })
        );
        assert!(ols(&y, &column(&[4.0, 1.0])).is_err());
    }
}
