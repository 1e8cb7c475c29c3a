//! Statistics for reading networks: how much of a concept do features explain, honestly?
//!
//! - [`ols`]: in-sample and adjusted R², with [`null_r2`], what noise would give;
//! - [`ridge`]: the direction of a concept in feature space;
//! - [`held_out_r2`]: R² on patients the fit has not seen, with an interval, a permutation test;
//! - [`benjamini_hochberg`]: q-values over many tests;
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
mod calibration;
mod error;
mod estimator;
mod fdr;
mod fold;
mod folds;
mod heldout;
mod lasso;
mod matrix;
mod pca;
mod permutation;
mod pls;
mod regression;
mod ridge;
mod squares;
mod standardise;
mod summary;
mod tridiagonal;

pub use auc::{AucInterval, RocPoint, auc, auc_bootstrap, roc_curve};
pub use calibration::{ReliabilityBin, brier, calibration_error, log_loss, reliability};
pub use error::Error;
pub use estimator::{Estimator, Linear, fit, lasso, pls};
pub use fdr::benjamini_hochberg;
pub use folds::{group_folds, number_groups};
pub use heldout::{Evaluated, Evaluation, HeldOut, HeldOutOptions, held_out, held_out_r2};
pub use matrix::Matrix;
pub use pca::{Pca, pca};
pub use regression::{Ols, null_r2, ols};
pub use ridge::{Ridge, ridge};
pub use summary::{mean, quantile, standard_deviation, standard_error};
