//! What features explain beyond covariates.

use crate::heldout::{Run, run};
use crate::summary::mean;
use crate::{Error, Evaluated, Evaluation, Matrix};

/// Held-out share of one target that features explain beyond covariates, measured twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    /// Of what the covariates leave of the target, the share that is predicted by what they leave of
    /// the features (Frisch and Waugh 1933): the partial R², with interval and permutation test. Its
    /// predictions are those of covariates and features together.
    pub partial: Evaluated,
    /// Held-out R² of the covariates alone.
    pub covariates: f64,
    /// Held-out R² of covariates and features in one model.
    pub both: f64,
    /// Unique R²: `both` less `covariates`, a share of all of the target.
    pub gain: f64,
    /// Lower end of the 95 % bootstrap interval of the gain, over groups; it holds the gain with and
    /// without the noise of the fits, as that of [`crate::HeldOut`] does.
    pub gain_low: f64,
    /// Upper end of that interval.
    pub gain_high: f64,
}

/// Held-out R² of every column of `y` (n x m) on `x` (n x p) beyond the covariates `z` (n x q).
///
/// Covariates are taken out by least squares with an intercept, fitted on the training rows of each
/// fold; they are to be few, and their part linear. Permutations exchange whole patients' residuals
/// of a fit to all rows, and the covariates are then taken out anew, as they are of the targets
/// (Freedman and Lane 1983), so that targets keep their relation to the covariates. In the inner
/// folds that choose a hyperparameter the covariates stay as fitted on all training rows.
///
/// For the gain the estimator sees covariates and features side by side, then covariates alone; a
/// ridge or lasso penalises covariates as well. With [`Evaluation::components`] the side-by-side
/// features are reduced together and covariates alone are not.
///
/// # Errors
/// As [`crate::held_out`]; [`Error::Rows`] and [`Error::NotFinite`] also for the covariates.
pub fn held_out_partial(
    x: &Matrix,
    z: &Matrix,
    y: &Matrix,
    groups: &[usize],
    evaluation: &Evaluation,
) -> Result<Vec<Partial>, Error> {
    let gains = held_out_gain(x, z, y, groups, evaluation)?;
    let partials = run(x, Some(z), y, groups, evaluation)?;
    partials
        .into_iter()
        .zip(gains)
        .map(|(partial, gain)| {
            Ok(Partial {
                partial: partial.evaluate(evaluation.options)?,
                covariates: gain.covariates,
                both: gain.both,
                gain: gain.gain,
                gain_low: gain.low,
                gain_high: gain.high,
            })
        })
        .collect()
}

/// Unique held-out R² of features beyond covariates: that of both less that of covariates alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// Held-out R² of the covariates alone.
    pub covariates: f64,
    /// Held-out R² of covariates and features in one model.
    pub both: f64,
    /// `both` less `covariates`, a share of all of the target.
    pub gain: f64,
    /// Lower end of the 95 % bootstrap interval of the gain, over groups; it holds the gain with and
    /// without the noise of the fits, as that of [`crate::HeldOut`] does.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
}

/// The gain of [`held_out_partial`] without the partial R², a third of whose work it saves. It has no permutation test.
///
/// # Errors
/// As [`held_out_partial`].
pub fn held_out_gain(
    x: &Matrix,
    z: &Matrix,
    y: &Matrix,
    groups: &[usize],
    evaluation: &Evaluation,
) -> Result<Vec<Gain>, Error> {
    if z.rows() != x.rows() {
        return Err(Error::Rows {
            what: "the covariates z",
            expected: x.rows(),
            got: z.rows(),
        });
    }
    if z.cols() == 0 {
        return Err(Error::TooFew {
            what: "covariates",
            needed: 1,
            got: 0,
        });
    }
    z.check_finite("the covariates z")?;
    let mut untested = *evaluation;
    untested.options.permutations = 0;
    let side_by_side = Matrix::new(
        x.rows(),
        x.cols() + z.cols(),
        (0..x.rows())
            .flat_map(|i| z.row(i).iter().chain(x.row(i)).copied())
            .collect(),
    )?;
    let both = run(&side_by_side, None, y, groups, &untested)?;
    untested.components = None;
    let covariates = run(z, None, y, groups, &untested)?;
    let options = evaluation.options;
    let r2 = |run: &Run| mean(&run.squares.r2_of_repeats());
    both.iter()
        .zip(&covariates)
        .map(|(both, covariates)| {
            let (low, high) = both.squares.interval_of_gain(
                &covariates.squares,
                options.resamples,
                options.seed,
            )?;
            Ok(Gain {
                covariates: r2(covariates),
                both: r2(both),
                gain: r2(both) - r2(covariates),
                low,
                high,
            })
        })
        .collect()
}
