//! Squared errors of held-out predictions, R² of them, and its interval.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::heldout::FoldResult;
use crate::interval::{expanded, of_ratio};

/// Stream of the bootstrap's draws.
const BOOTSTRAP_STREAM: u64 = 1 << 33;

/// Level of every interval of a held-out R².
const LEVEL: f64 = 0.95;

/// Sums of squares: of the model, of the training mean.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    residual: f64,
    total: f64,
}

impl Sums {
    fn add(self, residual: f64, total: f64) -> Self {
        Self {
            residual: self.residual + residual,
            total: self.total + total,
        }
    }

    fn ratio(self) -> f64 {
        self.residual / self.total
    }
}

/// Squared errors of one target.
pub(crate) struct Squares {
    /// Per repeat, sums over all rows.
    repeats: Vec<Sums>,
    /// Per group, sums over its rows and all repeats.
    groups: Vec<Sums>,
    /// The same less what the noise of the fits adds; none where the repeats do not tell.
    noiseless: Option<Vec<Sums>>,
    /// Held-out prediction of each row, mean over the repeats.
    pub predictions: Vec<f64>,
}

impl Squares {
    pub fn new(
        parts: &[FoldResult],
        target: usize,
        n: usize,
        folds: usize,
        members: &[Vec<usize>],
    ) -> Self {
        let count = parts.len() / folds;
        let mut repeats = vec![Sums::default(); count];
        let mut predictions = vec![0.0; n];
        let mut rows = vec![Row::default(); n];
        for (job, part) in parts.iter().enumerate() {
            let repeat = &mut repeats[job / folds];
            for (i, &row) in part.test.iter().enumerate() {
                let (model, mean) = part.errors[target][i];
                *repeat = repeat.add(model * model, mean * mean);
                rows[row].errors.push((model, mean));
                rows[row].per_training_row += 1.0 / (part.training as f64 * count as f64);
                predictions[row] += part.predictions[target][i] / count as f64;
            }
        }
        Self {
            repeats,
            groups: by_group(&rows, members, |row, _| Some(row.squares())).unwrap_or_default(),
            noiseless: by_group(&rows, members, |row, others| {
                let (squares, noise) = (row.squares(), row.noise(others)?);
                Some((squares.0 - noise.0, squares.1 - noise.1))
            }),
            predictions,
        }
    }

    pub fn r2_of_repeats(&self) -> Vec<f64> {
        self.repeats.iter().map(|sums| 1.0 - sums.ratio()).collect()
    }

    /// R² without the noise of the fits; none where the repeats do not tell.
    pub fn r2_without_noise(&self) -> Option<f64> {
        let ratio = ratio(self.noiseless.as_ref()?);
        ratio.is_finite().then_some(1.0 - ratio.max(0.0))
    }

    /// From the lower end of R² to the upper end of R² without the noise of the fits, over draws of
    /// whole groups, on the scale of ln(1 - R²). The upper end is not below 0: the mean is a model too,
    /// so that no R² which could be attained is.
    pub fn interval(&self, resamples: usize, seed: u64) -> Result<(f64, f64), Error> {
        let of = |groups: &[Sums]| {
            let draws = draws(groups.len(), resamples, seed, |drawn| {
                drawn_ratio(groups, drawn)
            });
            of_ratio(&draws, ratio(groups), groups.len(), LEVEL)
        };
        let plain = of(&self.groups)?;
        let mut least = plain.low;
        if let (Some(groups), Some(_)) = (&self.noiseless, self.r2_without_noise()) {
            least = least.min(of(groups)?.low.max(0.0));
        }
        Ok((1.0 - plain.high, (1.0 - least).max(0.0)))
    }

    /// The same of this R² less that of `other`, both over the same draws; expanded percentiles.
    pub fn interval_of_gain(
        &self,
        other: &Self,
        resamples: usize,
        seed: u64,
    ) -> Result<(f64, f64), Error> {
        let of = |own: &[Sums], others: &[Sums]| {
            let draws = draws(own.len(), resamples, seed, |drawn| {
                drawn_ratio(others, drawn) - drawn_ratio(own, drawn)
            });
            expanded(&draws, own.len(), LEVEL)
        };
        let plain = of(&self.groups, &other.groups)?;
        let (mut low, mut high) = (plain.low, plain.high);
        if let (Some(own), Some(others)) = (&self.noiseless, &other.noiseless) {
            let noiseless = of(own, others)?;
            (low, high) = (low.min(noiseless.low), high.max(noiseless.high));
        }
        Ok((low, high.max(0.0)))
    }
}

/// Held-out errors of one row, a pair for each repeat.
#[derive(Clone, Default)]
struct Row {
    /// Of the model, of the training mean.
    errors: Vec<(f64, f64)>,
    /// Mean over the repeats of 1 / training rows.
    per_training_row: f64,
}

impl Row {
    fn squares(&self) -> (f64, f64) {
        self.errors.iter().fold((0.0, 0.0), |sum, (model, mean)| {
            (sum.0 + model * model, sum.1 + mean * mean)
        })
    }

    /// What the variance of the predictions adds to the squares, by the delete-d jackknife (Shao and
    /// Wu 1989): fits to m of the `others` N rows at random (the row's own group is never among
    /// them) differ by V (1/m - 1/N), where V/m is the variance of one such fit. None for a single
    /// repeat, and where every fit has all N.
    fn noise(&self, others: usize) -> Option<(f64, f64)> {
        let count = self.errors.len() as f64;
        let differing = self.per_training_row - 1.0 / others as f64;
        if count < 2.0 || differing <= 1e-9 * self.per_training_row {
            return None;
        }
        let sum = self
            .errors
            .iter()
            .fold((0.0, 0.0), |s, e| (s.0 + e.0, s.1 + e.1));
        let mean = (sum.0 / count, sum.1 / count);
        let squares = self.errors.iter().fold((0.0, 0.0), |s, e| {
            (s.0 + (e.0 - mean.0).powi(2), s.1 + (e.1 - mean.1).powi(2))
        });
        let scale = count / (count - 1.0) * self.per_training_row / differing;
        Some((squares.0 * scale, squares.1 * scale))
    }
}

/// Sums over the rows of each group of what is known of a row and the number of rows in other groups;
/// none where that is none for any row.
fn by_group(
    rows: &[Row],
    members: &[Vec<usize>],
    of: impl Fn(&Row, usize) -> Option<(f64, f64)>,
) -> Option<Vec<Sums>> {
    members
        .iter()
        .map(|group| {
            group.iter().try_fold(Sums::default(), |sums, &row| {
                let (residual, total) = of(&rows[row], rows.len() - group.len())?;
                Some(sums.add(residual, total))
            })
        })
        .collect()
}

fn ratio(groups: &[Sums]) -> f64 {
    groups
        .iter()
        .fold(Sums::default(), |sum, g| sum.add(g.residual, g.total))
        .ratio()
}

fn drawn_ratio(groups: &[Sums], drawn: &[usize]) -> f64 {
    let sums = drawn.iter().fold(Sums::default(), |sum, &k| {
        sum.add(groups[k].residual, groups[k].total)
    });
    sums.ratio()
}

fn draws(
    groups: usize,
    resamples: usize,
    seed: u64,
    statistic: impl Fn(&[usize]) -> f64,
) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(BOOTSTRAP_STREAM);
    let mut drawn = vec![0; groups];
    (0..resamples)
        .map(|_| {
            drawn
                .iter_mut()
                .for_each(|k| *k = rng.random_range(0..groups));
            statistic(&drawn)
        })
        .collect()
}
