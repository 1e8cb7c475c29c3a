//! Squared errors of held-out predictions, and R² of them.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::heldout::FoldResult;
use crate::summary::quantile;

/// Stream of the bootstrap's draws.
const BOOTSTRAP_STREAM: u64 = 1 << 33;

/// Squared errors of one target.
pub(crate) struct Squares {
    /// Per repeat, (SS_res, SS_tot) of each row.
    repeats: Vec<Vec<(f64, f64)>>,
    /// Rows of each group.
    members: Vec<Vec<usize>>,
    /// Held-out prediction of each row, mean over the repeats.
    pub predictions: Vec<f64>,
}

impl Squares {
    pub fn new(
        parts: &[FoldResult],
        target: usize,
        n: usize,
        folds: usize,
        members: Vec<Vec<usize>>,
    ) -> Self {
        let count = parts.len() / folds;
        let mut repeats = vec![vec![(0.0, 0.0); n]; count];
        let mut predictions = vec![0.0; n];
        for (job, part) in parts.iter().enumerate() {
            for (i, &row) in part.test.iter().enumerate() {
                repeats[job / folds][row] = part.squares[target][i];
                predictions[row] += part.predictions[target][i] / count as f64;
            }
        }
        Self {
            repeats,
            members,
            predictions,
        }
    }

    pub fn r2_of_repeats(&self) -> Vec<f64> {
        self.repeats.iter().map(|rows| r2(rows.iter())).collect()
    }

    /// (SS_res, SS_tot) of each group over all repeats.
    fn by_group(&self) -> Vec<(f64, f64)> {
        self.members
            .iter()
            .map(|rows| {
                self.repeats
                    .iter()
                    .flat_map(|repeat| rows.iter().map(|&row| repeat[row]))
                    .fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
            })
            .collect()
    }

    /// 2.5 and 97.5 % of R² (sums over all repeats) over draws of whole groups.
    pub fn interval(&self, resamples: usize, seed: u64) -> Result<(f64, f64), Error> {
        let groups = self.by_group();
        interval(groups.len(), resamples, seed, |drawn| {
            r2(drawn.iter().map(|&k| &groups[k]))
        })
    }

    /// The same of this R² less that of `other`, both over the same draws.
    pub fn interval_of_gain(
        &self,
        other: &Self,
        resamples: usize,
        seed: u64,
    ) -> Result<(f64, f64), Error> {
        let (own, others) = (self.by_group(), other.by_group());
        interval(own.len(), resamples, seed, |drawn| {
            r2(drawn.iter().map(|&k| &own[k])) - r2(drawn.iter().map(|&k| &others[k]))
        })
    }
}

fn r2<'a>(sums: impl Iterator<Item = &'a (f64, f64)>) -> f64 {
    let (residual, total) = sums.fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    1.0 - residual / total
}

fn interval(
    groups: usize,
    resamples: usize,
    seed: u64,
    statistic: impl Fn(&[usize]) -> f64,
) -> Result<(f64, f64), Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(BOOTSTRAP_STREAM);
    let mut drawn = vec![0; groups];
    let values: Vec<f64> = (0..resamples)
        .map(|_| {
            drawn
                .iter_mut()
                .for_each(|k| *k = rng.random_range(0..groups));
            statistic(&drawn)
        })
        .collect();
    Ok((quantile(&values, 0.025)?, quantile(&values, 0.975)?))
}
