//! Mean, standard deviation, quantile.

use crate::Error;

/// Arithmetic mean; NaN for no values.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation of a sample (divided by n - 1); none for fewer than two values.
#[must_use]
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values);
    let sum: f64 = values.iter().map(|x| (x - centre).powi(2)).sum();
    Some((sum / (values.len() - 1) as f64).sqrt())
}

/// Standard error of the mean, sd / sqrt(n); none for fewer than two values.
#[must_use]
pub fn standard_error(values: &[f64]) -> Option<f64> {
    standard_deviation(values).map(|sd| sd / (values.len() as f64).sqrt())
}

/// Quantile `q` (0 to 1, clamped), linear between order statistics (type 7, numpy's default).
///
/// # Errors
/// [`Error::TooFew`] for no values, [`Error::NotFinite`] for a NaN or an infinity.
pub fn quantile(values: &[f64], q: f64) -> Result<f64, Error> {
    if values.is_empty() {
        return Err(Error::TooFew {
            what: "values of a quantile",
            needed: 1,
            got: 0,
        });
    }
    check_finite(values, "the values")?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let low = position.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    Ok(sorted[low] + (position - low as f64) * (sorted[high] - sorted[low]))
}

/// Fails on the first NaN or infinity of one column.
pub(crate) fn check_finite(values: &[f64], what: &'static str) -> Result<(), Error> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(row) => Err(Error::NotFinite {
            what,
            row,
            column: 0,
            value: values[row],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(mean(&x), 2.5);
        assert_eq!(standard_deviation(&x), Some((5.0_f64 / 3.0).sqrt()));
        assert_eq!(standard_error(&x), Some((5.0_f64 / 3.0).sqrt() / 2.0));
        assert_eq!(standard_deviation(&x[..1]), None);
        // numpy.quantile([4, 1, 3, 2], [0, .1, .5, 1])
        assert_eq!(quantile(&x, 0.0), Ok(1.0));
        assert!((quantile(&x, 0.1).unwrap() - 1.3).abs() < 1e-15);
        assert_eq!(quantile(&x, 0.5), Ok(2.5));
        assert_eq!(quantile(&x, 1.0), Ok(4.0));
        assert!(quantile(&[], 0.5).is_err());
        assert!(quantile(&[f64::NAN], 0.5).is_err());
    }
}
