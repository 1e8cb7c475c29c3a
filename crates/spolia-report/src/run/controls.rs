//! `concepts/controls.csv`.

use std::path::Path;

use super::table;
use crate::Error;

/// Controls of the held-out R² of one concept at one layer.
pub(crate) struct Control {
    pub(crate) network: String,
    pub(crate) layer: String,
    pub(crate) concept: String,
    pub(crate) n: usize,
    /// Principal components that every layer was reduced to.
    pub(crate) components: usize,
    /// Held-out R² on those, with its interval.
    pub(crate) equal: Option<f64>,
    pub(crate) equal_low: Option<f64>,
    pub(crate) equal_high: Option<f64>,
    /// Held-out R² beyond colour and brightness, with its interval.
    pub(crate) unique: Option<f64>,
    pub(crate) unique_low: Option<f64>,
    pub(crate) unique_high: Option<f64>,
    /// The R² that the measure's own noise allows at most.
    pub(crate) ceiling: Option<f64>,
}

impl Control {
    /// The interval of R² at equal dimension, where both ends are known.
    pub(crate) fn equal_ends(&self) -> Option<(f64, f64)> {
        self.equal_low.zip(self.equal_high)
    }

    /// The interval of R² beyond colour and brightness, where both ends are known.
    pub(crate) fn unique_ends(&self) -> Option<(f64, f64)> {
        self.unique_low.zip(self.unique_high)
    }
}

/// Reads the table; empty where there is none.
pub(super) fn controls(path: &Path) -> Result<Vec<Control>, Error> {
    table::read(path, |row| {
        Ok(Control {
            network: row.text("network")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            concept: row.text("concept")?.to_owned(),
            n: row.whole("n")?,
            components: row.whole("components")?,
            equal: row.known_finite("r2_equal")?,
            equal_low: row.known_finite("r2_equal_low")?,
            equal_high: row.known_finite("r2_equal_high")?,
            unique: row.known_finite("r2_unique")?,
            unique_low: row.known_finite("r2_unique_low")?,
            unique_high: row.known_finite("r2_unique_high")?,
            ceiling: row.optional_number("r2_ceiling")?,
        })
    })
}
