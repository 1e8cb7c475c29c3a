//! `drift/drift.csv`: how far layers moved between networks.

use std::path::Path;

use super::table;
use crate::Error;

/// A layer of two networks.
pub(crate) struct Drift {
    pub(crate) before: String,
    pub(crate) after: String,
    /// `change`, or a null: `retrained` (another seed of the same training) or `random` (two random networks).
    pub(crate) kind: String,
    pub(crate) layer: String,
    /// Patches.
    pub(crate) n: usize,
    /// Debiased linear CKA, with its interval.
    pub(crate) cka: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) svcca: Option<f64>,
    pub(crate) procrustes: Option<f64>,
    /// Mean correlation of a channel with itself.
    pub(crate) own: Option<f64>,
    pub(crate) weight_distance: Option<f64>,
    pub(crate) kernel_cosine: Option<f64>,
}

impl Drift {
    /// Both networks, as figures and sentences call the pair.
    pub(crate) fn pair(&self) -> String {
        super::pair(&self.before, &self.after)
    }

    /// Whether the two networks differ by seeds alone.
    pub(crate) fn is_null(&self) -> bool {
        self.kind != "change"
    }
}

/// Reads the table; empty where there is none.
pub(super) fn drift(path: &Path) -> Result<Vec<Drift>, Error> {
    table::read(path, |row| {
        Ok(Drift {
            before: row.text("before")?.to_owned(),
            after: row.text("after")?.to_owned(),
            kind: row.text("kind")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            n: row.whole("n")?,
            cka: row.known_finite("cka")?,
            low: row.known_finite("cka_low")?,
            high: row.known_finite("cka_high")?,
            svcca: row.known_finite("svcca")?,
            procrustes: row.known_finite("procrustes")?,
            own: row.known_finite("channel_correlation")?,
            weight_distance: row.known_finite("weight_distance")?,
            kernel_cosine: row.known_finite("kernel_cosine")?,
        })
    })
}
