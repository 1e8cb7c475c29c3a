//! `concepts/r2.csv`.

use std::path::Path;

use super::table;
use crate::Error;

/// How well one layer's features explain one concept measure.
pub(crate) struct Fit {
    pub(crate) network: String,
    pub(crate) layer: String,
    pub(crate) concept: String,
    /// Patches and features of the regression.
    pub(crate) n: usize,
    pub(crate) features: usize,
    pub(crate) adjusted: Option<f64>,
    /// Expected in-sample R² of features that are pure noise.
    pub(crate) null: Option<f64>,
    /// In-sample R² of ordinary least squares, mean over the repeats, and its standard error.
    pub(crate) paper: Option<f64>,
    pub(crate) paper_se: Option<f64>,
    /// R² on patches held out by group, mean over the repeats, with a bootstrap interval.
    pub(crate) test: Option<f64>,
    pub(crate) test_low: Option<f64>,
    pub(crate) test_high: Option<f64>,
    /// Of a permutation test, and after control of the false discovery rate.
    pub(crate) p: Option<f64>,
    pub(crate) q: Option<f64>,
}

impl Fit {
    /// The interval of the held-out R², where both ends are known.
    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        self.test_low.zip(self.test_high)
    }
}

/// Reads the table of fits; empty where there is none.
pub(super) fn fits(path: &Path) -> Result<Vec<Fit>, Error> {
    table::read(path, |row| {
        Ok(Fit {
            network: row.text("network")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            concept: row.text("concept")?.to_owned(),
            n: row.whole("n")?,
            features: row.whole("features")?,
            adjusted: row.known_finite("r2_adjusted")?,
            null: row.known_finite("r2_null")?,
            paper: row.known_finite("r2_paper")?,
            paper_se: row.known_finite("r2_paper_se")?,
            test: row.known_finite("r2_test")?,
            test_low: row.known_finite("r2_test_low")?,
            test_high: row.known_finite("r2_test_high")?,
            p: row.known_finite("p_value")?,
            q: row.known_finite("q_value")?,
        })
    })
}
