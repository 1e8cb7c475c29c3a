//! How good predictions are.

use miette::IntoDiagnostic;
use serde::Serialize;
use spolia_stats::{auc_bootstrap, brier, calibration_error, log_loss, reliability, roc_curve};

/// Draws of the bootstrap of an AUC.
const RESAMPLES: usize = 1000;
/// Coverage of its interval.
const LEVEL: f64 = 0.95;
/// Bins of the reliability diagram.
const BINS: usize = 10;

/// Labelled predictions of one part of the patches.
pub struct Scored {
    /// Probability of the positive class.
    pub probabilities: Vec<f64>,
    /// Is it positive?
    pub positive: Vec<bool>,
    /// Number of the patient, slide or image.
    pub groups: Vec<usize>,
    /// `patient`, `slide` or `image`.
    pub unit: &'static str,
}

/// A bin of the reliability diagram.
#[derive(Debug, Serialize)]
pub struct Bin {
    low: f64,
    high: f64,
    n: usize,
    mean_p: Option<f64>,
    share: Option<f64>,
}

/// metrics.json of one part of the patches.
#[derive(Debug, Serialize)]
pub struct Metrics {
    /// Patches.
    pub n: usize,
    /// Of the positive class.
    pub positives: usize,
    /// Share told right at a probability of one half.
    pub accuracy: f64,
    /// Area under the ROC curve; `None` where one class is absent.
    pub auc: Option<f64>,
    /// Lower end of its 95 % interval.
    pub auc_low: Option<f64>,
    /// Upper end.
    pub auc_high: Option<f64>,
    /// What was drawn in the bootstrap.
    pub auc_unit: &'static str,
    /// How many of those.
    pub groups: usize,
    brier: f64,
    log_loss: f64,
    calibration_error: f64,
    calibration: Vec<Bin>,
}

/// The metrics of scored patches.
///
/// # Errors
/// There are none, or a probability is no number.
pub fn metrics(scored: &Scored, seed: u64) -> miette::Result<Metrics> {
    let Scored {
        probabilities,
        positive,
        groups,
        unit,
    } = scored;
    let n = positive.len();
    if n == 0 {
        return Err(miette::miette!(
            "no labelled patch could be scored; labels come from class folders, labels.csv or a label column"
        ));
    }
    let right = probabilities
        .iter()
        .zip(positive)
        .filter(|(p, y)| (**p > 0.5) == **y)
        .count();
    let interval = auc_bootstrap(probabilities, positive, groups, RESAMPLES, LEVEL, seed).ok();
    let auc = spolia_stats::auc(probabilities, positive).ok();
    let bins = reliability(probabilities, positive, BINS).into_diagnostic()?;
    Ok(Metrics {
        n,
        positives: positive.iter().filter(|y| **y).count(),
        accuracy: right as f64 / n as f64,
        auc,
        auc_low: interval.map(|i| i.low),
        auc_high: interval.map(|i| i.high),
        auc_unit: unit,
        groups: groups
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        brier: brier(probabilities, positive).into_diagnostic()?,
        log_loss: log_loss(probabilities, positive).into_diagnostic()?,
        calibration_error: calibration_error(&bins),
        calibration: bins
            .into_iter()
            .map(|b| Bin {
                low: b.low,
                high: b.high,
                n: b.n,
                mean_p: b.mean_p,
                share: b.share,
            })
            .collect(),
    })
}

/// Rows of roc.csv (split,threshold,fpr,tpr) of one part; none where one class is absent.
pub fn roc(scored: &Scored, split: &str) -> Vec<[String; 4]> {
    roc_curve(&scored.probabilities, &scored.positive)
        .unwrap_or_default()
        .into_iter()
        .map(|p| {
            [
                split.to_string(),
                p.threshold.to_string(),
                p.fpr.to_string(),
                p.tpr.to_string(),
            ]
        })
        .collect()
}
