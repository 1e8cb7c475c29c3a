//! Scores of several runs of a method (trainings with different seeds), with intervals over both patients and runs.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::auc::{check, falling, weighted_auc};
use crate::bootstrap::members_of;
use crate::calibration;
use crate::interval::{Interval, expanded};
use crate::matrix::check_groups;
use crate::summary::{mean, standard_deviation};

/// The bootstrap's stream of runs, apart from that of groups.
const RUNS_STREAM: u64 = 1;

/// How a bootstrap over groups and runs draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunDraws<'a> {
    /// Group (patient, slide) of each row.
    pub groups: &'a [usize],
    /// Number of draws.
    pub resamples: usize,
    /// Coverage of the interval, 0.95, say.
    pub level: f64,
    /// Seed.
    pub seed: u64,
}

/// A score of several runs.
#[derive(Debug, Clone, PartialEq)]
pub struct OverRuns {
    /// Score of each run on all rows.
    pub runs: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Standard deviation over the runs; none for one.
    pub sd: Option<f64>,
    /// Interval of the mean over groups and runs.
    pub interval: Interval,
    /// Two-sided, of a mean of 0: twice the smaller share of draws at or beyond 0, counting one more draw; at most 1.
    /// Means something for differences alone.
    pub p_value: f64,
}

/// AUC of each run's scores, and of their mean.
///
/// Whole groups and, independently, runs are drawn with replacement (the pigeonhole bootstrap of Owen 2007, for rows crossed
/// with runs), percentiles expanded for the number of groups as of [`crate::group_bootstrap`]. For crossed data it errs to the
/// wide side; of three runs it sees two thirds of the variance between runs. Draws of one class are left out.
///
/// # Errors
/// As [`crate::auc_bootstrap`]; [`Error::TooFew`] where there is no run.
pub fn auc_runs(
    scores: &[Vec<f64>],
    positive: &[bool],
    draws: RunDraws<'_>,
) -> Result<OverRuns, Error> {
    let curves = Curves::new(scores, positive)?;
    over_runs(scores.len(), positive.len(), draws, &|run, weights| {
        curves.area(run, weights)
    })
}

/// AUC of the first method less that of the second, run by run on the same rows: runs of the same place (the same seed) are a
/// pair, and so are the rows. Drawn as in [`auc_runs`].
///
/// # Errors
/// As [`auc_runs`]; [`Error::Rows`] where the methods have unlike numbers of runs.
pub fn auc_runs_difference(
    first: &[Vec<f64>],
    second: &[Vec<f64>],
    positive: &[bool],
    draws: RunDraws<'_>,
) -> Result<OverRuns, Error> {
    if first.len() != second.len() {
        return Err(Error::Rows {
            what: "the runs of the second method",
            expected: first.len(),
            got: second.len(),
        });
    }
    let (a, b) = (
        Curves::new(first, positive)?,
        Curves::new(second, positive)?,
    );
    over_runs(first.len(), positive.len(), draws, &|run, weights| {
        Some(a.area(run, weights)? - b.area(run, weights)?)
    })
}

/// Brier score ([`crate::brier`]) of each run's probabilities; drawn as in [`auc_runs`].
///
/// # Errors
/// As [`crate::brier`] and [`auc_runs`].
pub fn brier_runs(
    probabilities: &[Vec<f64>],
    positive: &[bool],
    draws: RunDraws<'_>,
) -> Result<OverRuns, Error> {
    for run in probabilities {
        calibration::brier(run, positive)?;
    }
    over_runs(
        probabilities.len(),
        positive.len(),
        draws,
        &|run, weights| {
            let (mut sum, mut n) = (0.0, 0);
            for ((p, y), w) in probabilities[run].iter().zip(positive).zip(weights) {
                sum += *w as f64 * (p - f64::from(u8::from(*y))).powi(2);
                n += w;
            }
            (n > 0).then(|| sum / n as f64)
        },
    )
}

/// Expected calibration error ([`crate::calibration_error`]) in `bins` bins of each run's probabilities; drawn as in
/// [`auc_runs`]. The error of few rows is above 0 by chance alone, and that of a draw above that of all.
///
/// # Errors
/// As [`crate::reliability`] and [`auc_runs`].
pub fn calibration_runs(
    probabilities: &[Vec<f64>],
    positive: &[bool],
    bins: usize,
    draws: RunDraws<'_>,
) -> Result<OverRuns, Error> {
    for run in probabilities {
        calibration::reliability(run, positive, bins)?;
    }
    over_runs(
        probabilities.len(),
        positive.len(),
        draws,
        &|run, weights| {
            let mut difference = vec![0.0; bins];
            let mut n = 0;
            for ((p, y), w) in probabilities[run].iter().zip(positive).zip(weights) {
                let bin = ((p * bins as f64) as usize).min(bins - 1);
                difference[bin] += *w as f64 * (p - f64::from(u8::from(*y)));
                n += w;
            }
            (n > 0).then(|| difference.iter().map(|d| d.abs()).sum::<f64>() / n as f64)
        },
    )
}

/// Each run's curve: its scores and their order.
struct Curves<'a> {
    positive: &'a [bool],
    runs: Vec<(&'a [f64], Vec<usize>)>,
}

impl<'a> Curves<'a> {
    fn new(scores: &'a [Vec<f64>], positive: &'a [bool]) -> Result<Self, Error> {
        let mut runs = Vec::with_capacity(scores.len());
        for run in scores {
            check(run, positive)?;
            runs.push((run.as_slice(), falling(run)));
        }
        Ok(Self { positive, runs })
    }

    fn area(&self, run: usize, weights: &[usize]) -> Option<f64> {
        let (scores, order) = &self.runs[run];
        weighted_auc(scores, self.positive, order, weights)
    }
}

/// A statistic of a run, given how often each row was drawn, over draws of groups and runs.
fn over_runs(
    runs: usize,
    rows: usize,
    draws: RunDraws<'_>,
    statistic: &dyn Fn(usize, &[usize]) -> Option<f64>,
) -> Result<OverRuns, Error> {
    if runs == 0 {
        return Err(Error::TooFew {
            what: "runs",
            needed: 1,
            got: 0,
        });
    }
    check_groups(rows, draws.groups)?;
    let members = members_of(draws.groups)?;
    let ones = vec![1; rows];
    let each: Vec<f64> = (0..runs)
        .map(|run| statistic(run, &ones).unwrap_or(f64::NAN))
        .collect();
    let mut of_groups = ChaCha8Rng::seed_from_u64(draws.seed);
    let mut of_runs = ChaCha8Rng::seed_from_u64(draws.seed);
    of_runs.set_stream(RUNS_STREAM);
    let mut weights = vec![0; rows];
    let mut means = Vec::with_capacity(draws.resamples);
    for _ in 0..draws.resamples {
        weights.fill(0);
        for _ in 0..members.len() {
            for &row in &members[of_groups.random_range(0..members.len())] {
                weights[row] += 1;
            }
        }
        let mut drawn = vec![0usize; runs];
        for _ in 0..runs {
            drawn[of_runs.random_range(0..runs)] += 1;
        }
        let sum: Option<f64> = drawn
            .iter()
            .enumerate()
            .filter(|(_, times)| **times > 0)
            .map(|(run, times)| Some(*times as f64 * statistic(run, &weights)?))
            .sum();
        means.extend(sum.map(|sum| sum / runs as f64));
    }
    let below = means.iter().filter(|d| **d <= 0.0).count();
    let above = means.iter().filter(|d| **d >= 0.0).count();
    let tail = (1 + below.min(above)) as f64 / (1 + means.len()) as f64;
    Ok(OverRuns {
        mean: mean(&each),
        sd: standard_deviation(&each),
        interval: expanded(&means, members.len(), draws.level)?,
        p_value: (2.0 * tail).min(1.0),
        runs: each,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auc, auc_difference, brier, calibration_error, reliability};

    const LABELS: [bool; 8] = [true, false, true, false, true, false, true, false];
    const GROUPS: [usize; 8] = [0, 0, 1, 1, 2, 2, 3, 3];
    const A: [f64; 8] = [0.9, 0.1, 0.4, 0.5, 0.7, 0.6, 0.8, 0.2];
    const B: [f64; 8] = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.65];

    fn draws() -> RunDraws<'static> {
        RunDraws {
            groups: &GROUPS,
            resamples: 400,
            level: 0.95,
            seed: 3,
        }
    }

    #[test]
    fn one_run_is_the_bootstrap_over_groups() {
        let one = auc_runs_difference(&[A.to_vec()], &[B.to_vec()], &LABELS, draws()).unwrap();
        let plain = auc_difference(&A, &B, &LABELS, &GROUPS, 400, 0.95, 3).unwrap();
        assert_eq!((one.mean, one.p_value), (plain.difference, plain.p_value));
        assert_eq!((one.interval, one.sd), (plain.interval, None));
    }

    #[test]
    fn scores_are_means_over_runs() {
        let both = [A.to_vec(), B.to_vec()];
        let got = auc_runs(&both, &LABELS, draws()).unwrap();
        let (a, b) = (auc(&A, &LABELS).unwrap(), auc(&B, &LABELS).unwrap());
        assert_eq!(got.runs, [a, b]);
        assert!((got.mean - (a + b) / 2.0).abs() < 1e-15);
        assert!(got.interval.low <= got.mean && got.mean <= got.interval.high);
        let got = brier_runs(&both, &LABELS, draws()).unwrap();
        assert!((got.runs[1] - brier(&B, &LABELS).unwrap()).abs() < 1e-15);
        let got = calibration_runs(&both, &LABELS, 5, draws()).unwrap();
        let expected = calibration_error(&reliability(&A, &LABELS, 5).unwrap());
        assert!((got.runs[0] - expected).abs() < 1e-15);
    }

    #[test]
    fn runs_that_differ_widen_the_interval() {
        // 24 patients of one patch of each class; a good training and one that knows nothing.
        let noise = |k: usize| ((k * 7919 + 13) % 1009) as f64 / 1009.0;
        let positive: Vec<bool> = (0..48).map(|i| i % 2 == 0).collect();
        let groups: Vec<usize> = (0..48).map(|i| i / 2).collect();
        let label = |i: usize| f64::from(u8::from(positive[i]));
        let good: Vec<f64> = (0..48).map(|i| label(i) + noise(i * i)).collect();
        let bad: Vec<f64> = (0..48).map(|i| noise(i * i + 5 * i + 1)).collect();
        let draws = RunDraws {
            groups: &groups,
            ..draws()
        };
        let width = |runs: &[Vec<f64>]| {
            let over = auc_runs(runs, &positive, draws).unwrap();
            (over.interval.high - over.interval.low, over.sd)
        };
        let (alike, none) = width(&vec![good.clone(); 4]);
        let (mixed, some) = width(&[good.clone(), bad.clone(), good, bad]);
        assert!(mixed > 1.5 * alike, "{mixed} {alike}");
        assert!(none == Some(0.0) && some.is_some_and(|sd| sd > 0.1));
    }

    #[test]
    fn unlike_runs_are_refused() {
        assert!(auc_runs(&[], &LABELS, draws()).is_err());
        let two = [A.to_vec(), B.to_vec()];
        assert!(auc_runs_difference(&two, &two[..1], &LABELS, draws()).is_err());
        assert!(brier_runs(&[vec![2.0; 8]], &LABELS, draws()).is_err());
    }
}
