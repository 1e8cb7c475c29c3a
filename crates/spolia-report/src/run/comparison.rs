//! `visualize/comparison.csv` and `comparison_slopes.csv`: two networks' images of the same channels.

use std::path::Path;

use super::table;
use crate::Error;
use crate::run::judged::Estimate;

/// A layer's mean over channels.
pub(crate) struct Compared {
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) layer: String,
    pub(crate) measure: String,
    pub(crate) channels: usize,
    /// Between the networks.
    pub(crate) between: Estimate,
    /// Between two starts of one network.
    pub(crate) null: Estimate,
    /// Between the networks less between starts.
    pub(crate) excess: Estimate,
    pub(crate) q: Option<f64>,
}

impl Compared {
    /// Both networks, as the figures name them.
    pub(crate) fn pair(&self) -> String {
        super::pair(&self.before, &self.after)
    }
}

/// How the excess changes from layer to layer.
pub(crate) struct Slope {
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) measure: String,
    pub(crate) layers: usize,
    pub(crate) channels: usize,
    pub(crate) slope: Estimate,
}

impl Slope {
    /// As [`Compared::pair`].
    pub(crate) fn pair(&self) -> String {
        super::pair(&self.before, &self.after)
    }
}

/// Reads the table of layers; empty where there is none.
pub(super) fn compared(path: &Path) -> Result<Vec<Compared>, Error> {
    table::read(path, |row| {
        let estimate = |name: &str| {
            let (low, high) = (format!("{name}_low"), format!("{name}_high"));
            Estimate::required(row, [name, &low, &high])
        };
        Ok(Compared {
            before: row.text("before")?.to_owned(),
            after: row.text("after")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            measure: row.text("measure")?.to_owned(),
            channels: row.whole("channels")?,
            between: estimate("between")?,
            null: estimate("null")?,
            excess: estimate("excess")?,
            q: row.known_finite("q_value")?,
        })
    })
}

/// Reads the table of slopes; empty where there is none.
pub(super) fn slopes(path: &Path) -> Result<Vec<Slope>, Error> {
    table::read(path, |row| {
        Ok(Slope {
            before: row.text("before")?.to_owned(),
            after: row.text("after")?.to_owned(),
            measure: row.text("measure")?.to_owned(),
            layers: row.whole("layers")?,
            channels: row.whole("channels")?,
            slope: Estimate::required(row, ["slope", "low", "high"])?,
        })
    })
}
