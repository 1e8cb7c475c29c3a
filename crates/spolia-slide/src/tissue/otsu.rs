//! Otsu's threshold.

/// The value that divides `values` into two classes (up to it, and above) with the largest variance
/// between them (Otsu, IEEE Trans SMC 1979, eq. 14); of several the lowest, and for values that are
/// all the same that one. As scikit-image's `threshold_otsu` for 8 bits.
#[must_use]
pub fn otsu(values: &[u8]) -> u8 {
    let mut counts = [0_u64; 256];
    for &value in values {
        counts[usize::from(value)] += 1;
    }
    let all = values.len() as f64;
    let total: f64 = counts
        .iter()
        .enumerate()
        .map(|(value, &n)| value as f64 * n as f64)
        .sum();
    let (mut below, mut sum) = (0.0, 0.0);
    let mut best = (values.first().copied().unwrap_or(0), 0.0);
    for value in 0..=255_u8 {
        let n = counts[usize::from(value)] as f64;
        below += n;
        sum += f64::from(value) * n;
        let above = all - below;
        if below > 0.0 && above > 0.0 {
            let distance = sum / below - (total - sum) / above;
            let between = below * above * distance * distance;
            if between > best.1 {
                best = (value, between);
            }
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::otsu;

    #[test]
    fn two_classes() {
        assert_eq!(otsu(&[1, 1, 2, 2, 200, 201]), 2);
        assert_eq!(otsu(&[7; 5]), 7);
        assert_eq!(otsu(&[]), 0);
        // skimage.filters.threshold_otsu (0.26) of (arange(1000)**2 // 7 % 256)
        let values: Vec<u8> = (0..1_000_u32).map(|i| (i * i / 7 % 256) as u8).collect();
        assert_eq!(otsu(&values), 115);
    }
}
