//! `concepts/relevance.csv`.

use std::path::Path;

use super::table;
use crate::Error;

/// How the logit follows a concept at a layer, over the patches of a class or all.
pub(crate) struct Relevance {
    pub(crate) network: String,
    pub(crate) layer: String,
    pub(crate) concept: String,
    /// `all`, or a class's name.
    pub(crate) class: String,
    /// Patches.
    pub(crate) n: usize,
    /// Share of patches for which more of the concept raises the logit; the same of shuffled concepts.
    pub(crate) tcav: Option<f64>,
    pub(crate) tcav_null: Option<f64>,
    pub(crate) tcav_q: Option<f64>,
    /// Bidirectional relevance, and the standard deviation that shuffled concepts have.
    pub(crate) br: Option<f64>,
    pub(crate) br_null_sd: Option<f64>,
    pub(crate) br_q: Option<f64>,
    /// The same of random directions, where they were tried.
    pub(crate) tcav_random: Option<f64>,
    pub(crate) tcav_random_q: Option<f64>,
    pub(crate) br_random_sd: Option<f64>,
}

/// Reads the table; empty where there is none.
pub(super) fn relevance(path: &Path) -> Result<Vec<Relevance>, Error> {
    table::read(path, |row| {
        Ok(Relevance {
            network: row.text("network")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            concept: row.text("concept")?.to_owned(),
            class: row.text("class")?.to_owned(),
            n: row.whole("n")?,
            tcav: row.known_finite("tcav")?,
            tcav_null: row.known_finite("tcav_null")?,
            tcav_q: row.known_finite("tcav_q")?,
            br: row.known_finite("br")?,
            br_null_sd: row.known_finite("br_null_sd")?,
            br_q: row.known_finite("br_q")?,
            tcav_random: row.optional_number("tcav_random")?,
            tcav_random_q: row.optional_number("tcav_random_q")?,
            br_random_sd: row.optional_number("br_random_sd")?,
        })
    })
}
