//! Statistics for reading networks: how much of a concept do features explain, honestly?
//!
//! - [`ols`]: in-sample and adjusted R², with [`null_r2`], what noise would give;
//! - [`ridge`]: the direction of a concept in feature space;
//! - [`held_out_r2`]: R² on patients the fit has not seen, with an interval, a permutation test;
//! - [`held_out`]: the same by any [`Estimator`] (least squares, ridge, partial least squares,
//!   lasso), features optionally reduced to equally many principal components ([`pca`]);
//! - [`held_out_partial`], [`held_out_gain`]: what features explain beyond covariates;
//! - [`held_out_classification`], [`logistic`]: which class, which centre;
//! - [`repeatability`]: how far a measure agrees with itself, the ceiling of every R² on it;
//! - [`fit`], [`pls`], [`lasso`]: single fits;
//! - [`delong`], [`auc_difference`], [`spearman_test`], [`line()`], [`slope_interval`], [`t_test`],
//!   [`welch_test`], [`sign_flip_test`], [`kolmogorov_uniform`]: comparisons;
//! - [`permanova`]: groups in several columns at once;
//! - [`group_bootstrap`]: the interval of any statistic, whole patients resampled;
//! - [`auc_runs`], [`auc_runs_difference`], [`delong_runs`], [`brier_runs`], [`calibration_runs`]: of several
//!   trainings, drawn over patients and trainings;
//! - [`benjamini_hochberg`], [`holm`]: many tests;
//! - [`roc_curve`], [`auc`], [`auc_bootstrap`]: with whole patients resampled;
//! - [`reliability`], [`calibration_error`], [`brier`], [`log_loss`].
//!
//! Randomness comes from the seed given, results do not depend on the number of threads, and data
//! for which a statistic is not defined is an [`Error`] that names the row or column.
//!
//! ```
//! use spolia_stats::{HeldOutOptions, Matrix, held_out_r2, null_r2, ols};
//!
//! // 40 patches of 10 patients; the target follows the first of 20 features.
//! let value = |k: usize| ((k * 7919 + 13) % 1009) as f64 / 1009.0;
//! let x = Matrix::new(40, 20, (0..800).map(|k| value(k * k + k)).collect())?;
//! let y: Vec<f64> = (0..40).map(|i| 2.0 * x.row(i)[0] + 0.1 * value(i)).collect();
//! let y = Matrix::new(40, 1, y)?;
//! let patients: Vec<usize> = (0..40).map(|i| i / 4).collect();
//!
//! let in_sample = ols(&x, &y)?[0].r2;
//! let held_out = &held_out_r2(&x, &y, &patients, HeldOutOptions::default())?[0];
//! assert!(null_r2(40, 20) > 0.5);
//! assert!(in_sample > held_out.r2 && held_out.r2 > 0.5);
//! assert!(held_out.p_value.is_some_and(|p| p < 0.01));
//! # Ok::<(), spolia_stats::Error>(())
//! ```

mod auc;
mod basis;
mod bootstrap;
mod calibration;
mod classification;
mod correlation;
mod delong;
mod distribution;
mod error;
mod estimator;
mod fdr;
mod fold;
mod folds;
mod heldout;
mod interval;
mod jackknife;
mod kolmogorov;
mod lasso;
mod line;
mod location;
mod logistic;
mod matrix;
mod partial;
mod pca;
mod permanova;
mod permutation;
mod pls;
mod regression;
mod repeatability;
mod ridge;
mod runs;
mod squares;
mod standardise;
mod summary;
mod tridiagonal;

pub use auc::{AucInterval, RocPoint, auc, auc_bootstrap, roc_curve};
pub use bootstrap::{AucDifference, auc_difference, group_bootstrap};
pub use calibration::{ReliabilityBin, brier, calibration_error, log_loss, reliability};
pub use classification::{Classification, Classified, Score, held_out_classification};
pub use correlation::{Correlation, spearman, spearman_test};
pub use delong::{DeLong, delong, delong_runs, delong_variance};
pub use error::Error;
pub use estimator::{Estimator, Linear, fit, lasso, pls};
pub use fdr::{benjamini_hochberg, holm};
pub use folds::{group_folds, number_groups};
pub use heldout::{Evaluated, Evaluation, HeldOut, HeldOutOptions, held_out, held_out_r2};
pub use interval::Interval;
pub use jackknife::group_jackknife;
pub use kolmogorov::{Test, kolmogorov_uniform};
pub use line::{Line, LineFit, line, slope_interval};
pub use location::{sign_flip_test, t_test, welch_test};
pub use logistic::{Logistic, logistic};
pub use matrix::Matrix;
pub use partial::{Gain, Partial, held_out_gain, held_out_partial};
pub use pca::{Pca, pca};
pub use permanova::{Permanova, permanova};
pub use permutation::permuted_rows;
pub use regression::{Ols, null_r2, ols};
pub use repeatability::{Repeatability, repeatability};
pub use ridge::{Ridge, ridge};
pub use runs::{OverRuns, RunDraws, auc_runs, auc_runs_difference, brier_runs, calibration_runs};
pub use summary::{mean, quantile, standard_deviation, standard_error};
