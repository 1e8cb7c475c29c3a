//! Linear estimators and how each chooses its hyperparameter.

use faer::Mat;
use rayon::prelude::*;

use crate::basis::{Basis, PENALTIES, centre, penalty};
use crate::fold::{Fold, least_squares};
use crate::folds::{group_folds, number_groups};
use crate::lasso::{Problem, SHARES, share};
use crate::matrix::{check_groups, check_regression};
use crate::{Error, Matrix, pls as partial};

/// A linear model of one target, and how its hyperparameter is chosen. Features are centred and
/// divided by their standard deviation over the training rows; a constant one drops out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Estimator {
    /// Least squares of minimum norm; nothing to choose.
    Ols,
    /// Ridge, the penalty chosen by generalised cross-validation on the training rows, as
    /// [`crate::ridge`] does.
    #[default]
    Ridge,
    /// Ridge, the penalty (n times 1e-6 to 1e4, three per decade) chosen by cross-validation over
    /// groups.
    RidgeByGroups,
    /// Partial least squares (PLS1) with 1 to `most` components, chosen by cross-validation over
    /// groups. The coefficients are those of scikit-learn's `PLSRegression`.
    Pls {
        /// Most components tried, at least 1.
        most: usize,
    },
    /// Lasso with scikit-learn's objective `|y - Z b|² / (2 n) + penalty |b|₁`, the penalty (the
    /// target's standard deviation times 1 to 1e-2, six per decade) chosen by cross-validation over
    /// groups.
    Lasso,
}

/// Relative duality gap at which a lasso of a cross-validation is done.
const LASSO_GAP: f64 = 1e-4;

impl Estimator {
    /// Number of values its hyperparameter may take.
    fn choices(self) -> usize {
        match self {
            Self::Ols | Self::Ridge => 1,
            Self::RidgeByGroups => PENALTIES,
            Self::Pls { most } => most,
            Self::Lasso => SHARES,
        }
    }

    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Pls { most: 0 } => Err(Error::TooFew {
                what: "components of partial least squares",
                needed: 1,
                got: 0,
            }),
            _ => Ok(()),
        }
    }

    /// The value of a choice for a target of standard deviation `sd` over n training rows.
    fn value(self, choice: usize, n: usize, sd: f64) -> Option<f64> {
        match self {
            Self::Ols => None,
            Self::Ridge | Self::RidgeByGroups => Some(penalty(choice, n)),
            Self::Pls { .. } => Some((choice + 1) as f64),
            Self::Lasso => Some(sd * share(choice)),
        }
    }

    /// Calls `visit` with each choice and the predictions of new rows by its fits, less the mean.
    fn path(
        self,
        fold: &Fold,
        centred: &Mat<f64>,
        visit: &mut dyn FnMut(usize, Mat<f64>),
    ) -> Result<(), Error> {
        let new = &fold.new;
        match self {
            Self::Ols => visit(0, new * least_squares(&fold.train, centred)?),
            Self::Ridge => {
                let basis = Basis::new(fold.train.as_ref());
                let c = basis.covariances(centred);
                let steps = basis.generalised_cross_validation(&c, &squares(centred));
                visit(0, basis.predict(new, &basis.ridge(&c, &steps)));
            }
            Self::RidgeByGroups => {
                let basis = Basis::new(fold.train.as_ref());
                let c = basis.covariances(centred);
                let projected = basis.project(new);
                for step in 0..PENALTIES {
                    let w = basis.ridge(&c, &vec![step; c.ncols()]);
                    visit(step, &projected * w);
                }
            }
            Self::Pls { most } => {
                let basis = Basis::new(fold.train.as_ref());
                let c = basis.covariances(centred);
                let projected = basis.project(new);
                partial::components(&basis, &c, most, &mut |k, w| visit(k, &projected * w));
            }
            Self::Lasso => {
                for (step, b) in lasso_path(&fold.train, centred)?.into_iter().enumerate() {
                    visit(step, new * b);
                }
            }
        }
        Ok(())
    }

    /// The coefficients of standardised features (p x m), each target with its own choice.
    fn coefficients(
        self,
        fold: &Fold,
        centred: &Mat<f64>,
        choices: &mut [usize],
    ) -> Result<Mat<f64>, Error> {
        let mut b = Mat::zeros(fold.train.ncols(), centred.ncols());
        let take = |b: &mut Mat<f64>, choice: usize, fits: &Mat<f64>| {
            for (t, _) in choices.iter().enumerate().filter(|(_, c)| **c == choice) {
                b.col_mut(t).copy_from(fits.col(t));
            }
        };
        match self {
            Self::Ols => b = least_squares(&fold.train, centred)?,
            Self::Ridge => {
                let basis = Basis::new(fold.train.as_ref());
                let c = basis.covariances(centred);
                let steps = basis.generalised_cross_validation(&c, &squares(centred));
                choices.copy_from_slice(&steps);
                b = basis.coefficients(&basis.ridge(&c, &steps));
            }
            Self::RidgeByGroups => {
                let basis = Basis::new(fold.train.as_ref());
                let c = basis.covariances(centred);
                b = basis.coefficients(&basis.ridge(&c, choices));
            }
            Self::Pls { most } => {
                let basis = Basis::new(fold.train.as_ref());
                let c = basis.covariances(centred);
                partial::components(&basis, &c, most, &mut |k, w| {
                    take(&mut b, k, &basis.coefficients(&w));
                });
            }
            Self::Lasso => {
                for (step, fits) in lasso_path(&fold.train, centred)?.iter().enumerate() {
                    take(&mut b, step, fits);
                }
            }
        }
        Ok(b)
    }
}

fn squares(y: &Mat<f64>) -> Vec<f64> {
    y.col_iter()
        .map(|column| column.squared_norm_l2())
        .collect()
}

/// Lasso coefficients p x m for each penalty, each fit starting where the last one ended.
fn lasso_path(z: &Mat<f64>, y: &Mat<f64>) -> Result<Vec<Mat<f64>>, Error> {
    let n = z.nrows() as f64;
    let gram = faer::Scale(1.0 / n) * (z.transpose() * z);
    let covariances = faer::Scale(1.0 / n) * (z.transpose() * y);
    let squares = squares(y);
    let paths: Vec<Vec<Vec<f64>>> = (0..y.ncols())
        .into_par_iter()
        .map(|t| {
            let problem = Problem {
                gram: &gram,
                covariances: covariances.col_as_slice(t),
                variance: squares[t] / n,
            };
            let mut b = vec![0.0; z.ncols()];
            (0..SHARES)
                .map(|step| {
                    let penalty = problem.variance.sqrt() * share(step);
                    if problem.descend(penalty, LASSO_GAP, &mut b) {
                        Ok(b.clone())
                    } else {
                        Err(NOT_REACHED)
                    }
                })
                .collect()
        })
        .collect::<Result<_, Error>>()?;
    Ok((0..SHARES)
        .map(|step| Mat::from_fn(z.ncols(), y.ncols(), |j, t| paths[t][step][j]))
        .collect())
}

const NOT_REACHED: Error = Error::NotReached {
    what: "coordinate descent of the lasso",
};

/// The features and groups from which training rows are drawn, and how fits are made.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub x: &'a Matrix,
    pub groups: &'a [usize],
    pub estimator: Estimator,
    pub components: Option<usize>,
    pub inner_folds: usize,
    pub seed: u64,
    /// Stream of the splits of the inner cross-validation.
    pub stream: u64,
}

/// Predictions of held-out rows.
pub(crate) struct Predicted {
    /// Mean of each target over the training rows.
    pub means: Vec<f64>,
    /// Held-out rows x targets.
    pub predictions: Mat<f64>,
    /// Hyperparameter of each target; none where there is none or it is chosen inside the fit.
    pub chosen: Vec<Option<f64>>,
}

impl Plan<'_> {
    /// Fits targets `y` (training rows x m) and predicts the new rows.
    pub fn predict(
        &self,
        train: &[usize],
        new: &[usize],
        mut y: Mat<f64>,
    ) -> Result<Predicted, Error> {
        let choices = self.choose(train, &y)?;
        let means = centre(&mut y);
        let fold = Fold::new(self.x, train, new, self.components)?;
        let mut predictions = Mat::zeros(new.len(), y.ncols());
        self.estimator.path(&fold, &y, &mut |choice, fits| {
            for t in (0..choices.len()).filter(|&t| choices[t] == choice) {
                predictions.col_mut(t).copy_from(fits.col(t));
            }
        })?;
        for (column, mean) in predictions.col_iter_mut().zip(&means) {
            column.iter_mut().for_each(|value| *value += mean);
        }
        let n = train.len();
        let sds = squares(&y).into_iter().map(|s| (s / n as f64).sqrt());
        let chosen = choices
            .iter()
            .zip(sds)
            .map(|(&choice, sd)| match self.estimator {
                Estimator::Ridge => None,
                other => other.value(choice, n, sd),
            })
            .collect();
        Ok(Predicted {
            means,
            predictions,
            chosen,
        })
    }

    /// The choice of each target with the least squared error on the inner folds; of equals the
    /// first.
    fn choose(&self, train: &[usize], y: &Mat<f64>) -> Result<Vec<usize>, Error> {
        let (choices, m) = (self.estimator.choices(), y.ncols());
        if choices == 1 {
            return Ok(vec![0; m]);
        }
        let mut groups: Vec<usize> = train.iter().map(|&row| self.groups[row]).collect();
        if groups.iter().all(|group| *group == groups[0]) {
            // Of two patients one is left to train on: its rows are all there is to choose by.
            groups = (0..train.len()).collect();
        }
        let folds = self
            .inner_folds
            .min(1 + number_groups(&groups).into_iter().max().unwrap_or(0));
        let split = group_folds(&groups, folds, self.seed, self.stream)?;
        let mut errors = vec![0.0; choices * m];
        for fold in 0..folds {
            let (held, kept) = crate::fold::rows_of_fold(&split, fold)?;
            let of = |rows: &[usize]| rows.iter().map(|&k| train[k]).collect::<Vec<usize>>();
            let mut inner = Mat::from_fn(kept.len(), m, |i, t| y[(kept[i], t)]);
            let means = centre(&mut inner);
            let truth = Mat::from_fn(held.len(), m, |i, t| y[(held[i], t)] - means[t]);
            let fold = Fold::new(self.x, &of(&kept), &of(&held), self.components)?;
            self.estimator.path(&fold, &inner, &mut |choice, fits| {
                for t in 0..m {
                    errors[choice * m + t] += (fits.col(t) - truth.col(t)).squared_norm_l2();
                }
            })?;
        }
        Ok((0..m)
            .map(|t| {
                let mut best = 0;
                for choice in 1..choices {
                    if errors[choice * m + t] < errors[best * m + t] {
                        best = choice;
                    }
                }
                best
            })
            .collect())
    }
}

/// A linear model of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// One coefficient per feature, in target units per unit of the feature as given.
    pub coefficients: Vec<f64>,
    /// Value where all features are 0.
    pub intercept: f64,
    /// What was chosen: a penalty (on standardised features), a number of components; none for
    /// least squares.
    pub hyperparameter: Option<f64>,
}

impl Linear {
    /// The prediction for one observation; features beyond the coefficients do not count.
    #[must_use]
    pub fn predict(&self, features: &[f64]) -> f64 {
        let products = features.iter().zip(&self.coefficients).map(|(x, b)| x * b);
        self.intercept + products.sum::<f64>()
    }
}

/// Fits every column of `y` (n x m) on all rows of `x` (n x p), the hyperparameter chosen by
/// `inner_folds` folds over `groups` (fewer where there are fewer groups).
///
/// # Errors
/// [`Error::Rows`], [`Error::TooFew`], [`Error::NotFinite`], [`Error::ConstantTarget`],
/// [`Error::TooFewGroups`] where a choice needs two groups, [`Error::NoConvergence`].
pub fn fit(
    x: &Matrix,
    y: &Matrix,
    groups: &[usize],
    estimator: Estimator,
    inner_folds: usize,
    seed: u64,
) -> Result<Vec<Linear>, Error> {
    check_regression(x, y)?;
    check_groups(x.rows(), groups)?;
    estimator.check()?;
    let rows: Vec<usize> = (0..x.rows()).collect();
    let mut targets = Mat::from_fn(x.rows(), y.cols(), |i, t| y.at(i, t));
    let plan = Plan {
        x,
        groups,
        estimator,
        components: None,
        inner_folds,
        seed,
        stream: 0,
    };
    let choices = plan.choose(&rows, &targets)?;
    fit_chosen(x, &mut targets, estimator, choices)
}

fn fit_chosen(
    x: &Matrix,
    targets: &mut Mat<f64>,
    estimator: Estimator,
    mut choices: Vec<usize>,
) -> Result<Vec<Linear>, Error> {
    let rows: Vec<usize> = (0..x.rows()).collect();
    let means = centre(targets);
    let fold = Fold::new(x, &rows, &[], None)?;
    let b = estimator.coefficients(&fold, targets, &mut choices)?;
    let sds = squares(targets);
    Ok((0..targets.ncols())
        .map(|t| {
            let (coefficients, shift) = fold.unscale(b.col_as_slice(t));
            let sd = (sds[t] / x.rows() as f64).sqrt();
            Linear {
                coefficients,
                intercept: means[t] - shift,
                hyperparameter: estimator.value(choices[t], x.rows(), sd),
            }
        })
        .collect())
}

/// Partial least squares with a given number of components, one target at a time; scikit-learn's
/// `PLSRegression(components).fit(x, y[:, t])` with its scaling.
///
/// # Errors
/// As [`fit`], without groups.
pub fn pls(x: &Matrix, y: &Matrix, components: usize) -> Result<Vec<Linear>, Error> {
    check_regression(x, y)?;
    let estimator = Estimator::Pls { most: components };
    estimator.check()?;
    let mut targets = Mat::from_fn(x.rows(), y.cols(), |i, t| y.at(i, t));
    fit_chosen(x, &mut targets, estimator, vec![components - 1; y.cols()])
}

/// The lasso of scikit-learn, `|y - b0 - x b|² / (2 n) + penalty |b|₁`, on features as given (not
/// standardised), to a relative duality gap of 1e-12.
///
/// # Errors
/// As [`crate::ridge`]; [`Error::Setting`] for a penalty that is not above 0,
/// [`Error::NotReached`] where coordinate descent does not come to its end.
pub fn lasso(x: &Matrix, y: &Matrix, penalty: f64) -> Result<Vec<Linear>, Error> {
    check_regression(x, y)?;
    if !(penalty > 0.0 && penalty.is_finite()) {
        return Err(Error::Setting {
            what: "the penalty of the lasso",
            value: penalty,
            allowed: "a number above 0",
        });
    }
    let (n, p) = (x.rows(), x.cols());
    let mut z = Mat::from_fn(n, p, |i, j| x.at(i, j));
    let x_means = centre(&mut z);
    let mut targets = Mat::from_fn(n, y.cols(), |i, t| y.at(i, t));
    let means = centre(&mut targets);
    let scale = faer::Scale(1.0 / n as f64);
    let gram = scale * (z.transpose() * &z);
    let covariances = scale * (z.transpose() * &targets);
    let squares = squares(&targets);
    (0..y.cols())
        .map(|t| {
            let problem = Problem {
                gram: &gram,
                covariances: covariances.col_as_slice(t),
                variance: squares[t] / n as f64,
            };
            let mut coefficients = vec![0.0; p];
            if !problem.descend(penalty, 1e-12, &mut coefficients) {
                return Err(NOT_REACHED);
            }
            let shift: f64 = coefficients.iter().zip(&x_means).map(|(b, m)| b * m).sum();
            Ok(Linear {
                coefficients,
                intercept: means[t] - shift,
                hyperparameter: Some(penalty),
            })
        })
        .collect()
}
