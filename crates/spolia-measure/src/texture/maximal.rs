//! The maximal correlation coefficient (f14) and what mahotas computes in its stead.

use super::eigen::{Square, eigenvalues};
use super::workspace::Matrix;

/// Square root of the second largest eigenvalue of `Q(i, j) = sum over k of p(i, k) p(j, k) /
/// (px(i) py(k))`.
///
/// With `M(i, j) = p(i, j) / sqrt(px(i) py(j))`, Q is similar to `M M^T`, so that the coefficient
/// is M's second largest singular value; in a symmetric matrix the second largest of the absolute
/// eigenvalues of M. 1 for a single level, as in pyradiomics.
pub(crate) fn coefficient(matrix: &Matrix<'_>) -> f64 {
    let (table, sums) = (matrix.table, matrix.sums);
    if table.span() == 1 {
        return 1.0;
    }
    let levels = occurring(&sums.rows, &sums.columns);
    if levels.len() < 2 {
        // The other level of the image has no neighbour at this offset.
        return 0.0;
    }
    let mut scaled = Square::zeros(levels.len());
    for (row, &i) in levels.iter().enumerate() {
        for (out, &j) in scaled.row_mut(row).iter_mut().zip(&levels) {
            let count = table.get(i, j);
            if count > 0 {
                let (x, y) = (sums.rows[i] as f64, sums.columns[j] as f64);
                *out = count as f64 / (x.sqrt() * y.sqrt());
            }
        }
    }
    let last = levels.len() - 1;
    let value = if table.symmetric() {
        // The largest is 1: px makes an eigenvector.
        eigenvalues(scaled, [0, last - 1]).map(|[low, second]| low.abs().max(second.abs()))
    } else {
        eigenvalues(scaled.gram(), [last - 1]).map(|[second]| second.max(0.0).sqrt())
    };
    value.unwrap_or(0.0).min(1.0)
}

/// mahotas' feature 14: square root of the second largest eigenvalue of the correlation matrix of
/// the rows of p, empty rows and columns left out; 0 for fewer than three levels. A row without
/// variance, for which mahotas fails, correlates with no other.
pub(crate) fn of_rows(matrix: &Matrix<'_>) -> f64 {
    let levels = occurring(&matrix.sums.rows, &matrix.sums.columns);
    let n = levels.len();
    if n < 3 {
        return 0.0;
    }
    let mut rows = Square::zeros(n);
    for (row, &i) in levels.iter().enumerate() {
        let row = rows.row_mut(row);
        let mut total = 0.0;
        for (out, &j) in row.iter_mut().zip(&levels) {
            *out = matrix.table.get(i, j) as f64;
            total += *out;
        }
        let mean = total / n as f64;
        let mut squares = 0.0;
        for out in row.iter_mut() {
            *out -= mean;
            squares += *out * *out;
        }
        if squares > 0.0 {
            let length = squares.sqrt();
            row.iter_mut().for_each(|out| *out /= length);
        }
    }
    eigenvalues(rows.gram(), [n - 2]).map_or(0.0, |[second]| second.max(0.0).sqrt())
}

/// Levels that occur as the first or second of a pair.
fn occurring(rows: &[u64], columns: &[u64]) -> Vec<usize> {
    let each = rows.iter().zip(columns).enumerate();
    each.filter(|(_, (row, column))| **row + **column > 0)
        .map(|(level, _)| level)
        .collect()
}
