//! Principal directions of points in three dimensions.

/// Covariance (divided by n - 1) of points.
pub(super) fn covariance(points: &[[f64; 3]]) -> [[f64; 3]; 3] {
    let n = points.len() as f64;
    let mut mean = [0.0; 3];
    for point in points {
        for c in 0..3 {
            mean[c] += point[c] / n;
        }
    }
    let mut sums = [[0.0; 3]; 3];
    for point in points {
        for i in 0..3 {
            for j in 0..3 {
                sums[i][j] += (point[i] - mean[i]) * (point[j] - mean[j]);
            }
        }
    }
    sums.map(|row| row.map(|sum| sum / (n - 1.0)))
}

/// Eigenvalues of a symmetric matrix from the largest to the smallest, each with its unit vector:
/// Jacobi's rotations (Golub and Van Loan, *Matrix Computations*, 8.5).
pub(super) fn eigen(mut a: [[f64; 3]; 3]) -> [(f64, [f64; 3]); 3] {
    let mut vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    // Each sweep squares what is beside the diagonal: a handful is enough.
    for _ in 0..32 {
        let beside = a[0][1].abs() + a[0][2].abs() + a[1][2].abs();
        if beside == 0.0 {
            break;
        }
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q] == 0.0 {
                continue;
            }
            let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
            let c = 1.0 / t.hypot(1.0);
            let s = t * c;
            for row in &mut a {
                let (x, y) = (row[p], row[q]);
                (row[p], row[q]) = (c * x - s * y, s * x + c * y);
            }
            let (x, y) = (a[p], a[q]);
            a[p] = std::array::from_fn(|k| c * x[k] - s * y[k]);
            a[q] = std::array::from_fn(|k| s * x[k] + c * y[k]);
            for row in &mut vectors {
                let (x, y) = (row[p], row[q]);
                (row[p], row[q]) = (c * x - s * y, s * x + c * y);
            }
        }
    }
    let mut pairs = [0, 1, 2].map(|k| (a[k][k], vectors.map(|row| row[k])));
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_by_hand() {
        // Eigenvalues 3 and 1 in the first plane, 2 beside it.
        let [(a, va), (b, vb), (c, _)] = eigen([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 2.0]]);
        assert!((a - 3.0).abs() < 1e-14 && (b - 2.0).abs() < 1e-14 && (c - 1.0).abs() < 1e-14);
        assert!((va[0].abs() - 0.5f64.sqrt()).abs() < 1e-14);
        assert!((va[0] - va[1]).abs() < 1e-14);
        assert!((vb[2].abs() - 1.0).abs() < 1e-14);
    }

    #[test]
    fn covariance_of_two_points() {
        let points = [[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]];
        assert_eq!(
            covariance(&points),
            [[2.0, 0.0, -2.0], [0.0, 0.0, 0.0], [-2.0, 0.0, 2.0]]
        );
    }
}
