//! `networks/<name>/`: what training and prediction left.

use std::path::Path;

use serde::Deserialize;

use super::manifest::About;
use super::table;
use crate::Error;

/// A network and its tables; what was not run is empty.
pub(crate) struct Network {
    pub(crate) about: About,
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) roc: Vec<RocPoint>,
    pub(crate) metrics: Option<Metrics>,
}

/// One row of `epochs.csv`. A value is missing where it was not defined.
pub(crate) struct Epoch {
    pub(crate) epoch: usize,
    pub(crate) train_loss: Option<f64>,
    pub(crate) val_loss: Option<f64>,
    pub(crate) val_accuracy: Option<f64>,
    pub(crate) val_auc: Option<f64>,
}

/// One row of `roc.csv`.
pub(crate) struct RocPoint {
    pub(crate) split: String,
    /// False and true positive rate, 0 to 1.
    pub(crate) fpr: f64,
    pub(crate) tpr: f64,
}

/// `metrics.json`.
#[derive(Deserialize)]
pub(crate) struct Metrics {
    #[serde(default)]
    pub(crate) val: Option<SplitMetrics>,
    #[serde(default)]
    pub(crate) test: Option<SplitMetrics>,
}

impl Metrics {
    /// The test patches' metrics with the word `test`; validation's where there are none.
    pub(crate) fn judged(&self) -> Option<(&'static str, &SplitMetrics)> {
        let test = self.test.as_ref().map(|m| ("test", m));
        test.or(self.val.as_ref().map(|m| ("val", m)))
            .filter(|(_, m)| m.n > 0)
    }
}

/// Metrics of one split.
#[derive(Deserialize)]
pub(crate) struct SplitMetrics {
    pub(crate) n: usize,
    #[serde(default)]
    pub(crate) positives: usize,
    #[serde(default)]
    pub(crate) accuracy: Option<f64>,
    /// Area under the ROC curve; none where one class is absent.
    #[serde(default)]
    pub(crate) auc: Option<f64>,
    #[serde(default)]
    pub(crate) auc_low: Option<f64>,
    #[serde(default)]
    pub(crate) auc_high: Option<f64>,
    /// What the bootstrap draws: `patient`, `slide` or `image`.
    #[serde(default)]
    pub(crate) auc_unit: Option<String>,
    /// How many such units there are.
    #[serde(default)]
    pub(crate) groups: Option<usize>,
    #[serde(default)]
    pub(crate) brier: Option<f64>,
    #[serde(default)]
    pub(crate) log_loss: Option<f64>,
    #[serde(default)]
    pub(crate) calibration_error: Option<f64>,
    #[serde(default)]
    pub(crate) calibration: Vec<Bin>,
}

/// Patches whose predicted probability lies between `low` and `high`.
#[derive(Deserialize)]
pub(crate) struct Bin {
    pub(crate) n: usize,
    /// Mean predicted probability of the positive class.
    #[serde(default)]
    pub(crate) mean_p: Option<f64>,
    /// Share of the patches that are positive.
    #[serde(default)]
    pub(crate) share: Option<f64>,
}

/// Reads one network's folder.
pub(super) fn network(folder: &Path, about: About) -> Result<Network, Error> {
    Ok(Network {
        about,
        epochs: epochs(&folder.join("epochs.csv"))?,
        roc: roc(&folder.join("roc.csv"))?,
        metrics: super::json(&folder.join("metrics.json"))?,
    })
}

fn epochs(path: &Path) -> Result<Vec<Epoch>, Error> {
    table::read(path, |row| {
        Ok(Epoch {
            epoch: row.whole("epoch")?,
            train_loss: row.known_number("train_loss")?,
            val_loss: row.known_number("val_loss")?,
            val_accuracy: row.known_number("val_accuracy")?,
            val_auc: row.known_number("val_auc")?,
        })
    })
}

fn roc(path: &Path) -> Result<Vec<RocPoint>, Error> {
    table::read(path, |row| {
        Ok(RocPoint {
            split: row.text("split")?.to_owned(),
            fpr: row.number("fpr")?,
            tpr: row.number("tpr")?,
        })
    })
}
