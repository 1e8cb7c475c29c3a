//! `attention/attention.csv`.

use std::path::Path;

use super::table;
use crate::Error;

/// One class activation map.
pub(crate) struct Map {
    pub(crate) network: String,
    /// `grad-cam`, `grad-cam++`, ...
    pub(crate) method: String,
    pub(crate) layer: String,
    /// The patch.
    pub(crate) id: String,
    pub(crate) label: Option<usize>,
    /// Predicted probability of the positive class.
    pub(crate) p: Option<f64>,
    /// The class the map explains.
    pub(crate) class: String,
    /// Size of the map before it was enlarged.
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Largest value of the map; a map that is zero everywhere shows nothing.
    pub(crate) max: Option<f64>,
}

impl Map {
    /// Where its overlay lies, below the run folder.
    pub(crate) fn overlay(&self) -> String {
        format!("attention/{}/{}/{}.png", self.network, self.method, self.id)
    }

    /// Where its values lie, below the run folder.
    pub(crate) fn raw(&self) -> String {
        format!("attention/{}/{}/{}.npy", self.network, self.method, self.id)
    }
}

/// Reads the table of maps; empty where there is none.
pub(super) fn maps(path: &Path) -> Result<Vec<Map>, Error> {
    table::read(path, |row| {
        Ok(Map {
            network: row.text("network")?.to_owned(),
            method: row.text("method")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            id: row.text("id")?.to_owned(),
            label: row.known_whole("label")?,
            p: row.known_number("p_tumor")?,
            class: row.text("class")?.to_owned(),
            height: row.whole("height")?,
            width: row.whole("width")?,
            max: row.known_number("max")?,
        })
    })
}
