//! Mean and variation of what was drawn.

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        None
    } else {
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// Standard deviation (of the sample) divided by the mean.
pub(super) fn variation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    if values.len() < 2 || mean == 0.0 {
        return None;
    }
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt() / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variation_is_the_sample_deviation_over_the_mean() {
        // Mean 4, squares 4 + 0 + 4, deviation 2.
        assert_eq!(variation(&[2.0, 4.0, 6.0]), Some(0.5));
        assert_eq!(variation(&[2.0]), None);
        assert_eq!(mean(&[]), None);
    }
}
