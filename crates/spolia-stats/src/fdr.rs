//! Many tests: false discovery rate, family-wise error rate.

use crate::Error;

/// Benjamini and Hochberg's q-value of each p-value, in the order given: the smallest false
/// discovery rate at which that test is called significant (Benjamini, Hochberg 1995).
///
/// `q(k) = min over j >= k of p(j) m / j`, p-values sorted ascending, m their number; at most 1.
///
/// # Errors
/// [`Error::Probability`] for a value below 0, above 1 or NaN.
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    crate::calibration::check_probabilities(p_values)?;
    let m = p_values.len();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut q_values = vec![0.0; m];
    let mut least = 1.0_f64;
    for (rank, &index) in order.iter().enumerate().rev() {
        least = least.min(p_values[index] * m as f64 / (rank + 1) as f64);
        q_values[index] = least;
    }
    Ok(q_values)
}

/// Holm's (1979) adjusted p-value of each p-value, in the order given: the smallest probability of
/// any false call at which that test is called significant, whatever the tests' dependence.
///
/// `max over j <= k of p(j) (m - j + 1)`, p-values sorted ascending; at most 1.
///
/// # Errors
/// As [`benjamini_hochberg`].
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    crate::calibration::check_probabilities(p_values)?;
    let m = p_values.len();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; m];
    let mut most = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        most = most.max((p_values[index] * (m - rank) as f64).min(1.0));
        adjusted[index] = most;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_by_hand() {
        // Sorted .01 .02 .03 .5 times 4 3 2 1: .04 .06 .06 .5.
        let adjusted = holm(&[0.02, 0.5, 0.01, 0.03]).unwrap();
        for (got, expected) in adjusted.into_iter().zip([0.06, 0.5, 0.04, 0.06]) {
            assert!((got - expected).abs() < 1e-15);
        }
        assert_eq!(holm(&[]), Ok(vec![]));
        assert!(holm(&[1.5]).is_err());
    }

    #[test]
    fn by_hand() {
        // Sorted .01 .02 .03 .5: p m / j = .04 .04 .04 .5.
        let q = benjamini_hochberg(&[0.02, 0.5, 0.01, 0.03]).unwrap();
        for (got, expected) in q.into_iter().zip([0.04, 0.5, 0.04, 0.04]) {
            assert!((got - expected).abs() < 1e-15);
        }
        assert_eq!(benjamini_hochberg(&[0.3]), Ok(vec![0.3]));
        assert_eq!(benjamini_hochberg(&[]), Ok(vec![]));
        assert!(benjamini_hochberg(&[0.1, f64::NAN]).is_err());
    }
}
