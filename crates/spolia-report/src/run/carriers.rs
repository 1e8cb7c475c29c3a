//! `concepts/carriers.csv`: which concepts carry the centre.

use std::path::Path;

use super::table;
use crate::Error;

/// How much of a concept differs between centres, and what a layer tells of the centre without it.
pub(crate) struct Carrier {
    pub(crate) network: String,
    pub(crate) layer: String,
    pub(crate) concept: String,
    /// Share of the concept's variance that lies between centres; the same of permuted centres.
    pub(crate) eta_squared: f64,
    pub(crate) null: f64,
    pub(crate) q: Option<f64>,
    /// Balanced accuracy of telling the centre, with the concept and without.
    pub(crate) with: Option<f64>,
    pub(crate) without: Option<f64>,
}

/// Reads the table; empty where there is none.
pub(super) fn carriers(path: &Path) -> Result<Vec<Carrier>, Error> {
    table::read(path, |row| {
        Ok(Carrier {
            network: row.text("network")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            concept: row.text("concept")?.to_owned(),
            eta_squared: row.number("eta_squared")?,
            null: row.number("eta_squared_null")?,
            q: row.known_number("q_value")?,
            with: row.known_number("balanced_accuracy")?,
            without: row.known_number("balanced_accuracy_without")?,
        })
    })
}
