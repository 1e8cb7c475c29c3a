//! R² on patients that the fit has not seen.
//!
//! A cross-validation whose folds share no group, repeated over several splits. Features are
//! standardised, reduced and fitted on the training rows of each fold. Targets share the
//! decomposition of each fold, and so do the permutations of the test.

use faer::Mat;
use rayon::prelude::*;

use crate::estimator::{Estimator, Plan};
use crate::fold::{residuals, rows_of_fold};
use crate::folds::{group_folds, rows_by_group};
use crate::matrix::{check_groups, check_regression};
use crate::permutation::{p_value, permutation};
use crate::squares::Squares;
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

/// How features are turned into predictions, and how those are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// The linear model.
    pub estimator: Estimator,
    /// Standardised features are replaced by this many principal components of the training rows:
    /// layers of different widths then offer equally many. None keeps the features.
    pub components: Option<usize>,
    /// Folds over the groups of the training rows by which a hyperparameter is chosen, at least 2;
    /// fewer where there are fewer groups.
    pub inner_folds: usize,
    /// Folds, repeats, permutations, draws and seed.
    pub options: HeldOutOptions,
}

impl Default for Evaluation {
    /// Ridge on all features; three inner folds.
    fn default() -> Self {
        Self {
            estimator: Estimator::Ridge,
            components: None,
            inner_folds: 3,
            options: HeldOutOptions::default(),
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
    /// Lower end of the 95 % bootstrap interval over groups: of the R² of fits to (folds - 1)/folds
    /// of the data.
    pub low: f64,
    /// Upper end of the 95 % bootstrap interval over groups: of [`HeldOut::without_noise`], or of the
    /// R² where that is none. The interval holds both, the R² of such fits and the R² that their mean
    /// attains, which is the planted one where the model is right and little penalised. Never below 0,
    /// as the mean attains that.
    pub high: f64,
    /// R² less what the noise of the fits costs: of the mean of many fits to as many other patients,
    /// estimated from how the predictions of a row differ between repeats (delete-d jackknife, Shao
    /// and Wu 1989). None for one repeat, or where each fold is one group, so that repeats agree.
    pub without_noise: Option<f64>,
    /// (1 + permutations with an R² at least as large) / (1 + permutations), both over the folds of
    /// the first repeat; none without permutations.
    pub p_value: Option<f64>,
    /// Mean R² of the permutations, what chance gives (below 0); none without permutations.
    pub null: Option<f64>,
    /// 95th percentile of the permutations' R²; none without permutations.
    pub null_high: Option<f64>,
    /// Held-out prediction of each row, mean over the repeats.
    pub predictions: Vec<f64>,
}

/// Held-out R² of one target, and what each fit chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// R², interval, test, predictions.
    pub held_out: HeldOut,
    /// Hyperparameter chosen by groups in each fold, repeat by repeat; empty for estimators that
    /// choose none by groups.
    pub hyperparameters: Vec<f64>,
}

/// Streams of the generator: splits of the repeats take 0, 1, ...
const INNER_STREAM: u64 = 1 << 34;

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
    let evaluation = Evaluation {
        options,
        ..Evaluation::default()
    };
    let fits = held_out(x, y, groups, &evaluation)?;
    Ok(fits.into_iter().map(|fit| fit.held_out).collect())
}

/// [`held_out_r2`] with any [`Estimator`], its hyperparameter chosen inside each training fold, and
/// with features optionally reduced to equally many principal components. The permutation test
/// repeats everything, choices included.
///
/// # Errors
/// As [`held_out_r2`]; [`Error::TooFew`] also for fewer than two inner folds and for training rows
/// of fewer dimensions than components asked for; [`Error::NotReached`] by the lasso.
pub fn held_out(
    x: &Matrix,
    y: &Matrix,
    groups: &[usize],
    evaluation: &Evaluation,
) -> Result<Vec<Evaluated>, Error> {
    let runs = run(x, None, y, groups, evaluation)?;
    runs.into_iter()
        .map(|run| run.evaluate(evaluation.options))
        .collect()
}

/// Everything held out about one target.
pub(crate) struct Run {
    pub squares: Squares,
    /// R² of each permutation, over the folds of the first repeat.
    permuted: Vec<f64>,
    hyperparameters: Vec<f64>,
}

impl Run {
    pub fn evaluate(self, options: HeldOutOptions) -> Result<Evaluated, Error> {
        let r2s = self.squares.r2_of_repeats();
        let tested = options.permutations > 0;
        let null: Vec<f64> = self
            .permuted
            .iter()
            .copied()
            .filter(|r2| r2.is_finite())
            .collect();
        let (low, high) = self.squares.interval(options.resamples, options.seed)?;
        Ok(Evaluated {
            held_out: HeldOut {
                r2: mean(&r2s),
                sd: standard_deviation(&r2s),
                low,
                high,
                without_noise: self.squares.r2_without_noise(),
                p_value: tested.then(|| p_value(r2s[0], self.permuted.iter().copied())),
                null: (!null.is_empty()).then(|| mean(&null)),
                null_high: quantile(&null, 0.95).ok(),
                predictions: self.squares.predictions,
            },
            hyperparameters: self.hyperparameters,
        })
    }
}

/// What one fold of one split gives.
pub(crate) struct FoldResult {
    pub test: Vec<usize>,
    /// Number of training rows.
    pub training: usize,
    /// Errors of the model and of the training mean of each held-out row, target by target.
    pub errors: Vec<Vec<(f64, f64)>>,
    /// Predictions, target by target.
    pub predictions: Vec<Vec<f64>>,
    /// (SS_res, SS_tot) of each permutation and target, permutation by permutation.
    permuted: Vec<(f64, f64)>,
    chosen: Vec<Option<f64>>,
}

/// Cross-validates every column of `y`, with `covariates` taken out of features and targets.
pub(crate) fn run(
    x: &Matrix,
    covariates: Option<&Matrix>,
    y: &Matrix,
    groups: &[usize],
    evaluation: &Evaluation,
) -> Result<Vec<Run>, Error> {
    check_regression(x, y)?;
    check_groups(x.rows(), groups)?;
    check_evaluation(evaluation)?;
    let HeldOutOptions {
        folds,
        repeats,
        permutations,
        seed,
        ..
    } = evaluation.options;
    let splits: Vec<Vec<usize>> = (0..repeats as u64)
        .map(|repeat| group_folds(groups, folds, seed, repeat))
        .collect::<Result<_, _>>()?;
    let members = rows_by_group(groups);
    let orders: Vec<Vec<usize>> = (0..permutations as u64)
        .map(|k| permutation(&members, groups.len(), seed, k))
        .collect();

    // What is exchanged: the targets, or what the covariates leave of them (Freedman, Lane 1983).
    let all: Vec<usize> = (0..y.rows()).collect();
    let exchanged = covariates.map(|z| residuals(y, z, &all)).transpose()?;
    let exchanged = exchanged.as_ref().unwrap_or(y);

    let parts: Vec<FoldResult> = (0..repeats * folds)
        .into_par_iter()
        .map(|job| {
            let (repeat, fold) = (job / folds, job % folds);
            let orders: &[Vec<usize>] = if repeat == 0 { &orders } else { &[] };
            let plan = Plan {
                x,
                groups,
                estimator: evaluation.estimator,
                components: evaluation.components,
                inner_folds: evaluation.inner_folds,
                seed,
                stream: INNER_STREAM + job as u64,
            };
            let permutations = Permutations { exchanged, orders };
            one_fold(plan, covariates, y, &splits[repeat], fold, permutations)
        })
        .collect::<Result<_, _>>()?;

    let m = y.cols();
    Ok((0..m)
        .map(|target| Run {
            squares: Squares::new(&parts, target, y.rows(), folds, &members),
            permuted: (0..permutations)
                .map(|k| {
                    let sums = parts[..folds]
                        .iter()
                        .map(|part| part.permuted[k * m + target]);
                    let (residual, total) = sums.fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
                    1.0 - residual / total
                })
                .collect(),
            hyperparameters: parts
                .iter()
                .filter_map(|part| part.chosen[target])
                .collect(),
        })
        .collect())
}

fn check_evaluation(evaluation: &Evaluation) -> Result<(), Error> {
    evaluation.estimator.check()?;
    let options = evaluation.options;
    for (what, needed, got) in [
        ("repeats", 1, options.repeats),
        ("draws of the bootstrap", 1, options.resamples),
        ("inner folds", 2, evaluation.inner_folds),
        ("components", 1, evaluation.components.unwrap_or(1)),
    ] {
        if got < needed {
            return Err(Error::TooFew { what, needed, got });
        }
    }
    Ok(())
}

/// Values and the orders in which they are dealt to the rows.
#[derive(Clone, Copy)]
struct Permutations<'a> {
    exchanged: &'a Matrix,
    orders: &'a [Vec<usize>],
}

impl Permutations<'_> {
    fn at(&self, k: usize, row: usize, target: usize) -> f64 {
        self.exchanged.at(self.orders[k][row], target)
    }

    /// n rows; the columns of the first permutation, then of the second, ...
    fn columns(&self) -> Result<Matrix, Error> {
        let (n, m) = (self.exchanged.rows(), self.exchanged.cols());
        let columns = m * self.orders.len();
        let cells = (0..n).flat_map(|row| (0..columns).map(move |c| (row, c)));
        let data = cells.map(|(row, c)| self.at(c / m, row, c % m)).collect();
        Matrix::new(n, columns, data)
    }
}

fn one_fold(
    plan: Plan<'_>,
    covariates: Option<&Matrix>,
    y: &Matrix,
    split: &[usize],
    fold: usize,
    permutations: Permutations<'_>,
) -> Result<FoldResult, Error> {
    let (test, train) = rows_of_fold(split, fold)?;
    // With covariates, what they leave takes the place of features and targets, permuted ones too.
    let left = |values: &Matrix| covariates.map(|z| residuals(values, z, &train)).transpose();
    let (features, targets) = (left(plan.x)?, left(y)?);
    let x = features.as_ref().unwrap_or(plan.x);
    let targets = targets.as_ref().unwrap_or(y);
    let permuted = covariates
        .map(|z| residuals(&permutations.columns()?, z, &train))
        .transpose()?;
    let plan = Plan { x, ..plan };

    // Targets, then targets of the first permutation, of the second, ...
    let m = y.cols();
    let columns = m * (1 + permutations.orders.len());
    let at = |row: usize, column: usize| match (column / m, &permuted) {
        (0, _) => targets.at(row, column),
        (_, Some(permuted)) => permuted.at(row, column - m),
        (k, None) => permutations.at(k - 1, row, column % m),
    };
    let predicted = plan.predict(
        &train,
        &test,
        Mat::from_fn(train.len(), columns, |i, c| at(train[i], c)),
    )?;
    let errors = |column: usize| -> Vec<(f64, f64)> {
        let predictions = predicted.predictions.col(column);
        test.iter()
            .zip(predictions.iter())
            .map(|(&row, prediction)| {
                let value = at(row, column);
                (value - prediction, value - predicted.means[column])
            })
            .collect()
    };
    let permuted = (m..columns)
        .map(|column| {
            errors(column).iter().fold((0.0, 0.0), |sum, error| {
                (sum.0 + error.0 * error.0, sum.1 + error.1 * error.1)
            })
        })
        .collect();
    let of_target = |target: usize| {
        let predictions = predicted.predictions.col(target);
        test.iter()
            .zip(predictions.iter())
            .map(|(&row, prediction)| prediction + (y.at(row, target) - targets.at(row, target)))
            .collect()
    };
    Ok(FoldResult {
        training: train.len(),
        errors: (0..m).map(errors).collect(),
        predictions: (0..m).map(of_target).collect(),
        permuted,
        chosen: predicted.chosen[..m].to_vec(),
        test,
    })
}
