//! Many patches: means, with intervals over whole groups.

use spolia_stats::{Interval, group_bootstrap, mean, number_groups};

use super::Localization;
use crate::Error;

/// A measure's mean over patches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aggregate {
    /// Its name, of [`Localization::NAMES`].
    pub measure: &'static str,
    /// Mean over patches.
    pub mean: f64,
    /// Interval with whole groups (patients) resampled; none for fewer than two groups.
    pub interval: Option<Interval>,
    /// Patches.
    pub patches: usize,
    /// Different groups.
    pub groups: usize,
}

/// The mean of every measure over patches. `groups` has a number per patch, equal for what belongs together (a patient);
/// `level` is the interval's coverage (.95, say).
///
/// # Errors
/// [`Error::Shape`] for no patches or another number of groups, [`Error::Statistics`] for a level that is not between 0
/// and 1.
pub fn aggregate(
    patches: &[Localization],
    groups: &[usize],
    resamples: usize,
    level: f64,
    seed: u64,
) -> Result<Vec<Aggregate>, Error> {
    let values: Vec<[f64; 5]> = patches.iter().map(Localization::values).collect();
    means(&values, groups, resamples, level, seed)
}

/// The mean difference of every measure, `first` less `second`, of the same patches in the same order.
///
/// # Errors
/// As [`aggregate`]; [`Error::Shape`] for unequal numbers of patches.
pub fn difference(
    first: &[Localization],
    second: &[Localization],
    groups: &[usize],
    resamples: usize,
    level: f64,
    seed: u64,
) -> Result<Vec<Aggregate>, Error> {
    if first.len() != second.len() {
        return Err(Error::Shape {
            what: "patches of the second map".into(),
            expected: first.len().to_string(),
            got: second.len().to_string(),
        });
    }
    let values: Vec<[f64; 5]> = first
        .iter()
        .zip(second)
        .map(|(a, b)| {
            let (a, b) = (a.values(), b.values());
            std::array::from_fn(|k| a[k] - b[k])
        })
        .collect();
    means(&values, groups, resamples, level, seed)
}

fn means(
    values: &[[f64; 5]],
    groups: &[usize],
    resamples: usize,
    level: f64,
    seed: u64,
) -> Result<Vec<Aggregate>, Error> {
    if values.is_empty() || groups.len() != values.len() {
        return Err(Error::Shape {
            what: "groups of patches".into(),
            expected: format!("one for each of {} patches, at least one", values.len()),
            got: groups.len().to_string(),
        });
    }
    let count = number_groups(groups).into_iter().max().unwrap_or(0) + 1;
    Localization::NAMES
        .into_iter()
        .enumerate()
        .map(|(k, measure)| {
            let column: Vec<f64> = values.iter().map(|v| v[k]).collect();
            let interval = if count < 2 {
                None
            } else {
                Some(group_bootstrap(groups, resamples, level, seed, |rows| {
                    Some(rows.iter().map(|&r| column[r]).sum::<f64>() / rows.len() as f64)
                })?)
            };
            Ok(Aggregate {
                measure,
                mean: mean(&column),
                interval,
                patches: column.len(),
                groups: count,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(pointing: f64) -> Localization {
        Localization {
            pointing,
            energy: 0.5,
            top_share: 0.5,
            enrichment: 2.0,
            auc: 0.7,
        }
    }

    #[test]
    fn means_and_intervals() {
        let patches = [patch(1.0), patch(1.0), patch(0.0), patch(0.0)];
        let found = aggregate(&patches, &[0, 0, 1, 1], 200, 0.95, 1).unwrap();
        assert_eq!((found[0].measure, found[0].mean), ("pointing", 0.5));
        assert_eq!((found[0].patches, found[0].groups), (4, 2));
        let interval = found[0].interval.unwrap();
        assert_eq!((interval.low, interval.high), (0.0, 1.0));
        assert!((found[4].interval.unwrap().low - 0.7).abs() < 1e-12);
        let one = aggregate(&patches, &[3; 4], 200, 0.95, 1).unwrap();
        assert!(one[0].interval.is_none());
        assert!(aggregate(&[], &[], 200, 0.95, 1).is_err());
        assert!(aggregate(&patches, &[0; 3], 200, 0.95, 1).is_err());
    }

    #[test]
    fn paired_differences() {
        let (a, b) = ([patch(1.0), patch(1.0)], [patch(1.0), patch(0.0)]);
        let found = difference(&a, &b, &[0, 1], 100, 0.9, 1).unwrap();
        assert_eq!((found[0].mean, found[3].mean), (0.5, 0.0));
        assert!(difference(&a, &b[..1], &[0, 1], 100, 0.9, 1).is_err());
    }
}
