//! R² on patients that the fit has not seen.
//!
//! Ridge regression in a cross-validation whose folds share no group, repeated over several splits.
//! Features are standardised and the penalty is chosen on the training rows of each fold. Targets
//! share the decomposition of each fold, and so do the permutations of the test: a permutation costs
//! two matrix-vector products.

use faer::Mat;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::folds::{group_folds, rows_by_group};
use crate::matrix::check_regression;
use crate::ridge::{RidgeBasis, Targets};
use crate::summary::{mean, quantile, standard_deviation};
use crate::{Error, Matrix};

/// How the held-out R² is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldOutOptions {
    /// Folds of each cross-validation, at least 2.
    pub folds: usize,
    /// Cross-validations with different splits, at least 1.
    pub repeats: usize,
    /// Permutations of the test; 0 leaves the test out.
    pub permutations: usize,
    /// Draws of the bootstrap, at least 1.
    pub resamples: usize,
    /// Seed of splits, permutations and draws.
    pub seed: u64,
}

impl Default for HeldOutOptions {
    fn default() -> Self {
        Self {
            folds: 5,
            repeats: 10,
            permutations: 200,
            resamples: 1000,
            seed: 0,
        }
    }
}

/// Held-out R² of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// Mean over the repeats of R² = 1 - SS_res / SS_tot, sums over all folds. SS_tot is of the
    /// training fold's mean as prediction, so that 0 is "no better than the mean" and values below
    /// 0 are worse.
    pub r2: f64,
    /// Standard deviation over the repeats; none for one repeat. It is the noise of the split, not
    /// of the patients.
    pub sd: Option<f64>,
    /// Lower end of the 95 % percentile bootstrap over groups of the held-out predictions.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// (1 + permutations with an R² at least as large) / (1 + permutations), both over the folds of
    /// the first repeat; none without permutations.
    pub p_value: Option<f64>,
    /// Held-out prediction of each row, mean over the repeats.
    pub predictions: Vec<f64>,
}

/// Streams of the generator beyond those of the repeats (0, 1, ...).
const PERMUTATION_STREAM: u64 = 1 << 32;
const BOOTSTRAP_STREAM: u64 = 1 << 33;

/// Held-out R² of every column of `y` (n x m) on `x` (n x p); `groups[i]` is the patient of row i.
///
/// The permutation test keeps the patients' structure: the rows of `y`, patient by patient, are
/// laid end to end in a random order of patients, rotated by a random number of rows and put back
/// in the order of the data. Neighbours stay neighbours, but what belongs to one patient meets the
/// features of another. With one row per group this is a free permutation.
///
/// The penalty is chosen by generalised cross-validation on rows, not on patients: where patients
/// differ much it may come out too small, which lowers the held-out R² but never raises it by
/// leakage, as the test patients take no part.
///
/// The result does not depend on the number of threads (rayon's current pool).
///
/// # Errors
/// [`Error::Rows`], [`Error::TooFew`], [`Error::NotFinite`], [`Error::ConstantTarget`],
/// [`Error::TooFewGroups`] for fewer groups than folds, [`Error::NoConvergence`].
pub fn held_out_r2(
    x: &Matrix,
    y: &Matrix,
    groups: &[usize],
    options: HeldOutOptions,
) -> Result<Vec<HeldOut>, Error> {
    check_regression(x, y)?;
    check_options(x.rows(), groups, options)?;
    let HeldOutOptions {
        folds,
        repeats,
        permutations,
        resamples,
        seed,
    } = options;
    let splits: Vec<Vec<usize>> = (0..repeats as u64)
        .map(|repeat| group_folds(groups, folds, seed, repeat))
        .collect::<Result<_, _>>()?;
    let members = rows_by_group(groups);
    let orders: Vec<Vec<usize>> = (0..permutations as u64)
        .map(|k| permuted_rows(&members, groups.len(), seed, k))
        .collect();

    let jobs: Vec<(usize, usize)> = (0..repeats)
        .flat_map(|repeat| (0..folds).map(move |fold| (repeat, fold)))
        .collect();
    let parts: Vec<FoldResult> = jobs
        .par_iter()
        .map(|&(repeat, fold)| {
            let orders: &[Vec<usize>] = if repeat == 0 { &orders } else { &[] };
            one_fold(x, y, &splits[repeat], fold, orders)
        })
        .collect::<Result<_, _>>()?;

    (0..y.cols())
        .map(|target| {
            let sums = TargetSums::new(&parts, y, target, repeats, folds);
            let r2s = sums.r2_of_repeats();
            let (low, high) = sums.interval(&members, resamples, seed)?;
            Ok(HeldOut {
                r2: mean(&r2s),
                sd: standard_deviation(&r2s),
                low,
                high,
                p_value: (permutations > 0)
                    .then(|| p_value(r2s[0], &parts[..folds], target, permutations)),
                predictions: sums.predictions,
            })
        })
        .collect()
}

fn check_options(n: usize, groups: &[usize], options: HeldOutOptions) -> Result<(), Error> {
    if groups.len() != n {
        return Err(Error::Rows {
            what: "the groups",
            expected: n,
            got: groups.len(),
        });
    }
    for (what, got) in [
        ("repeats", options.repeats),
        ("draws of the bootstrap", options.resamples),
    ] {
        if got == 0 {
            return Err(Error::TooFew {
                what,
                needed: 1,
                got,
            });
        }
    }
    Ok(())
}

/// For each row of the data, the row whose target it gets.
fn permuted_rows(members: &[Vec<usize>], n: usize, seed: u64, k: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(PERMUTATION_STREAM + k);
    let mut shuffled: Vec<&Vec<usize>> = members.iter().collect();
    shuffled.shuffle(&mut rng);
    let mut from: Vec<usize> = shuffled.into_iter().flatten().copied().collect();
    from.rotate_left(rng.random_range(0..n));
    let mut order = vec![0; n];
    for (row, source) in members.iter().flatten().zip(from) {
        order[*row] = source;
    }
    order
}

/// What one fold of one split gives.
struct FoldResult {
    test: Vec<usize>,
    /// Mean of each target over the training rows.
    means: Vec<f64>,
    /// Predictions, test rows x targets.
    predictions: Mat<f64>,
    /// (SS_res, SS_tot) of each permutation and target, permutation by permutation.
    permuted: Vec<(f64, f64)>,
}

fn one_fold(
    x: &Matrix,
    y: &Matrix,
    split: &[usize],
    fold: usize,
    orders: &[Vec<usize>],
) -> Result<FoldResult, Error> {
    let (test, train): (Vec<usize>, Vec<usize>) =
        (0..x.rows()).partition(|&row| split[row] == fold);
    if train.len() < 3 {
        return Err(Error::TooFew {
            what: "training rows of a fold",
            needed: 3,
            got: train.len(),
        });
    }
    let basis = RidgeBasis::new(x, &train)?;
    let projected = basis.project(x, &test);
    let predict = |targets: Mat<f64>| {
        let targets = Targets::new(&basis, targets);
        let mut predictions = &projected * targets.shrunk(&basis).scores;
        for (t, mean) in targets.means.iter().enumerate() {
            predictions.col_mut(t).iter_mut().for_each(|v| *v += mean);
        }
        (targets.means, predictions)
    };
    let m = y.cols();
    let (means, predictions) = predict(Mat::from_fn(train.len(), m, |i, t| y.at(train[i], t)));

    let mut permuted = Vec::with_capacity(orders.len() * m);
    if !orders.is_empty() {
        let at = |row: usize, column: usize| y.at(orders[column / m][row], column % m);
        let (means, predictions) = predict(Mat::from_fn(train.len(), orders.len() * m, |i, c| {
            at(train[i], c)
        }));
        for (c, mean) in means.iter().enumerate() {
            let (mut residual, mut total) = (0.0, 0.0);
            for (i, &row) in test.iter().enumerate() {
                residual += (at(row, c) - predictions[(i, c)]).powi(2);
                total += (at(row, c) - mean).powi(2);
            }
            permuted.push((residual, total));
        }
    }
    Ok(FoldResult {
        test,
        means,
        predictions,
        permuted,
    })
}

/// Squared errors of one target.
struct TargetSums {
    /// Per repeat, (SS_res, SS_tot) of each row.
    squares: Vec<Vec<(f64, f64)>>,
    predictions: Vec<f64>,
}

impl TargetSums {
    fn new(parts: &[FoldResult], y: &Matrix, target: usize, repeats: usize, folds: usize) -> Self {
        let mut squares = vec![vec![(0.0, 0.0); y.rows()]; repeats];
        let mut predictions = vec![0.0; y.rows()];
        for (job, part) in parts.iter().enumerate() {
            for (i, &row) in part.test.iter().enumerate() {
                let prediction = part.predictions[(i, target)];
                let value = y.at(row, target);
                squares[job / folds][row] = (
                    (value - prediction).powi(2),
                    (value - part.means[target]).powi(2),
                );
                predictions[row] += prediction / repeats as f64;
            }
        }
        Self {
            squares,
            predictions,
        }
    }

    fn r2_of_repeats(&self) -> Vec<f64> {
        self.squares
            .iter()
            .map(|rows| {
                let (residual, total) = rows
                    .iter()
                    .fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
                1.0 - residual / total
            })
            .collect()
    }

    /// 2.5 and 97.5 % of R² (sums over all repeats) over draws of whole groups.
    fn interval(
        &self,
        members: &[Vec<usize>],
        resamples: usize,
        seed: u64,
    ) -> Result<(f64, f64), Error> {
        let by_group: Vec<(f64, f64)> = members
            .iter()
            .map(|rows| {
                self.squares
                    .iter()
                    .flat_map(|repeat| rows.iter().map(|&row| repeat[row]))
                    .fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
            })
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(BOOTSTRAP_STREAM);
        let r2s: Vec<f64> = (0..resamples)
            .map(|_| {
                let (mut residual, mut total) = (0.0, 0.0);
                for _ in 0..by_group.len() {
                    let group = by_group[rng.random_range(0..by_group.len())];
                    residual += group.0;
                    total += group.1;
                }
                1.0 - residual / total
            })
            .collect();
        Ok((quantile(&r2s, 0.025)?, quantile(&r2s, 0.975)?))
    }
}

fn p_value(observed: f64, parts: &[FoldResult], target: usize, permutations: usize) -> f64 {
    let targets = parts.first().map_or(1, |part| part.means.len());
    let as_large = (0..permutations)
        .filter(|k| {
            let (mut residual, mut total) = (0.0, 0.0);
            for part in parts {
                let sums = part.permuted[k * targets + target];
                residual += sums.0;
                total += sums.1;
            }
            1.0 - residual / total >= observed
        })
        .count();
    (1 + as_large) as f64 / (1 + permutations) as f64
}
