//! Bootstrap over whole groups of any statistic, and of the difference of two AUCs.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::auc::{check, falling, weighted_auc};
use crate::folds::rows_by_group;
use crate::interval::{Interval, expanded};
use crate::matrix::check_groups;

/// Interval of coverage `level` (0.95, say) of any statistic, whole groups (patients, slides) drawn
/// with replacement (Efron 1979): percentiles of the draws, expanded for the number of groups
/// (Hesterberg 2015). `statistic` gets the rows drawn, a row as often as its group; it answers none
/// where it is not defined for them, and such draws are left out.
///
/// # Errors
/// [`Error::TooFew`] for fewer than two groups or where no draw has a finite statistic,
/// [`Error::Setting`] for a level that is not between 0 and 1.
pub fn group_bootstrap(
    groups: &[usize],
    resamples: usize,
    level: f64,
    seed: u64,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Result<Interval, Error> {
    let members = members_of(groups)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::with_capacity(groups.len());
    let mut values = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        rows.clear();
        for _ in 0..members.len() {
            rows.extend_from_slice(&members[rng.random_range(0..members.len())]);
        }
        values.extend(statistic(&rows).filter(|value| value.is_finite()));
    }
    expanded(&values, members.len(), level)
}

/// Rows of each group, of which a bootstrap needs two.
pub(crate) fn members_of(groups: &[usize]) -> Result<Vec<Vec<usize>>, Error> {
    let members = rows_by_group(groups);
    if members.len() < 2 {
        return Err(Error::TooFew {
            what: "groups of a bootstrap",
            needed: 2,
            got: members.len(),
        });
    }
    Ok(members)
}

/// The statistic over draws of groups, given how often each row was drawn.
pub(crate) fn weighted_draws(
    members: &[Vec<usize>],
    n: usize,
    resamples: usize,
    seed: u64,
    stream: u64,
    statistic: &dyn Fn(&[usize]) -> Option<f64>,
) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let mut weights = vec![0; n];
    (0..resamples)
        .filter_map(|_| {
            weights.fill(0);
            for _ in 0..members.len() {
                for &row in &members[rng.random_range(0..members.len())] {
                    weights[row] += 1;
                }
            }
            statistic(&weights)
        })
        .collect()
}

/// Difference of the AUCs of two scores of the same observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AucDifference {
    /// AUC of the first less that of the second.
    pub difference: f64,
    /// Interval over groups: expanded percentiles, as of [`group_bootstrap`].
    pub interval: Interval,
    /// Two-sided: twice the smaller share of draws at or beyond 0, counting one more draw; at most
    /// 1.
    pub p_value: f64,
}

/// Paired bootstrap: both scores are judged on the same draws of whole groups.
///
/// # Errors
/// As [`crate::auc_bootstrap`]; [`Error::Setting`] for a level that is not between 0 and 1.
pub fn auc_difference(
    first: &[f64],
    second: &[f64],
    positive: &[bool],
    groups: &[usize],
    resamples: usize,
    level: f64,
    seed: u64,
) -> Result<AucDifference, Error> {
    check(first, positive)?;
    check(second, positive)?;
    check_groups(first.len(), groups)?;
    let members = members_of(groups)?;
    let orders = [falling(first), falling(second)];
    let difference = |weights: &[usize]| {
        Some(
            weighted_auc(first, positive, &orders[0], weights)?
                - weighted_auc(second, positive, &orders[1], weights)?,
        )
    };
    let draws = weighted_draws(&members, first.len(), resamples, seed, 0, &difference);
    let below = draws.iter().filter(|d| **d <= 0.0).count();
    let above = draws.iter().filter(|d| **d >= 0.0).count();
    let tail = (1 + below.min(above)) as f64 / (1 + draws.len()) as f64;
    Ok(AucDifference {
        // Both classes are present, as checked.
        difference: difference(&vec![1; first.len()]).unwrap_or(f64::NAN),
        interval: expanded(&draws, members.len(), level)?,
        p_value: (2.0 * tail).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mean;

    #[test]
    fn mean_of_groups() {
        // Two groups at 0 and 1: the mean is 0, 1/2 or 1.
        let values = [0.0, 0.0, 1.0, 1.0];
        let of = |rows: &[usize]| Some(mean(&rows.iter().map(|&r| values[r]).collect::<Vec<_>>()));
        let got = group_bootstrap(&[4, 4, 9, 9], 200, 0.9, 1, of).unwrap();
        assert_eq!((got.low, got.high, got.resamples), (0.0, 1.0, 200));
        assert!(group_bootstrap(&[4; 4], 200, 0.9, 1, of).is_err());
        assert!(group_bootstrap(&[1, 2, 3, 4], 200, 1.5, 1, of).is_err());
        assert!(group_bootstrap(&[1, 2], 9, 0.9, 1, |_| None).is_err());
    }

    #[test]
    fn equal_scores_do_not_differ() {
        let labels = [true, false, true, false, true, false];
        let scores = [0.9, 0.1, 0.4, 0.5, 0.7, 0.6];
        let groups = [0, 0, 1, 1, 2, 2];
        let same = auc_difference(&scores, &scores, &labels, &groups, 99, 0.95, 3).unwrap();
        assert_eq!((same.difference, same.p_value), (0.0, 1.0));
        assert_eq!((same.interval.low, same.interval.high), (0.0, 0.0));
        let perfect = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3];
        let better = auc_difference(&perfect, &scores, &labels, &groups, 99, 0.95, 3).unwrap();
        assert!((better.difference - 2.0 / 9.0).abs() < 1e-15);
    }
}
