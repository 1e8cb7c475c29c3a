//! Many patches: a mean with its interval over whole groups.

use spolia_stats::{Interval, group_bootstrap, mean, number_groups};

use crate::Error;

/// A measure's mean over patches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// Mean over patches.
    pub mean: f64,
    /// Interval with whole groups (patients) resampled; none for fewer than two groups.
    pub interval: Option<Interval>,
    /// Patches.
    pub patches: usize,
    /// Different groups.
    pub groups: usize,
}

/// The mean of one value per patch; of the differences of two maps' values on the same patches for a paired comparison.
/// `groups` has a number per patch, equal for what belongs together (a patient); `level` is the interval's coverage (.95,
/// say).
///
/// # Errors
/// [`Error::Shape`] for no patches or another number of groups, [`Error::Statistics`] for a level that is not between 0
/// and 1.
pub fn mean_over_groups(
    values: &[f64],
    groups: &[usize],
    resamples: usize,
    level: f64,
    seed: u64,
) -> Result<Mean, Error> {
    if values.is_empty() || groups.len() != values.len() {
        return Err(Error::Shape {
            what: "groups of patches".into(),
            expected: format!("one for each of {} patches, at least one", values.len()),
            got: groups.len().to_string(),
        });
    }
    let count = number_groups(groups).into_iter().max().unwrap_or(0) + 1;
    let interval = if count < 2 {
        None
    } else {
        Some(group_bootstrap(groups, resamples, level, seed, |rows| {
            Some(rows.iter().map(|&r| values[r]).sum::<f64>() / rows.len() as f64)
        })?)
    };
    Ok(Mean {
        mean: mean(values),
        interval,
        patches: values.len(),
        groups: count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_intervals() {
        let pointing = [1.0, 1.0, 0.0, 0.0];
        let found = mean_over_groups(&pointing, &[0, 0, 1, 1], 200, 0.95, 1).unwrap();
        assert_eq!((found.mean, found.patches, found.groups), (0.5, 4, 2));
        let interval = found.interval.unwrap();
        assert_eq!((interval.low, interval.high), (0.0, 1.0));
        let even = mean_over_groups(&[0.7; 4], &[0, 0, 1, 1], 200, 0.95, 1).unwrap();
        assert!((even.interval.unwrap().low - 0.7).abs() < 1e-12);
        let one = mean_over_groups(&pointing, &[3; 4], 200, 0.95, 1).unwrap();
        assert!(one.interval.is_none());
        assert!(mean_over_groups(&[], &[], 200, 0.95, 1).is_err());
        assert!(mean_over_groups(&pointing, &[0; 3], 200, 0.95, 1).is_err());
    }
}
