//! `concepts/measures.csv`: the concept measures of single patches.

use std::path::Path;

use super::table::Table;
use crate::Error;

/// One measure: its column.
pub(crate) struct Measure {
    pub(crate) concept: String,
    /// Patches by id, and their values; patches without a finite value are left out.
    pub(crate) values: Vec<(String, f64)>,
}

/// Reads the columns after `id`; empty where there is no table.
pub(super) fn measures(path: &Path) -> Result<Vec<Measure>, Error> {
    let Some(table) = Table::open(path)? else {
        return Ok(Vec::new());
    };
    let concepts = table.columns().filter(|name| *name != "id");
    concepts
        .map(|concept| {
            let mut values = Vec::new();
            for row in table.rows() {
                if let Some(value) = row.known_number(concept)?.filter(|v| v.is_finite()) {
                    values.push((row.text("id")?.to_owned(), value));
                }
            }
            Ok(Measure {
                concept: concept.to_owned(),
                values,
            })
        })
        .collect()
}
