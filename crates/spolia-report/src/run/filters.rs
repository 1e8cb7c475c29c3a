//! `drift/filters.csv`: the first layer's kernels.

use std::path::Path;

use super::table;
use crate::Error;

/// A weight of each colour at a position of a kernel.
pub(crate) struct Filter {
    pub(crate) network: String,
    pub(crate) filter: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
    pub(crate) rgb: [f64; 3],
}

/// Reads the table; empty where there is none.
pub(super) fn filters(path: &Path) -> Result<Vec<Filter>, Error> {
    table::read(path, |row| {
        Ok(Filter {
            network: row.text("network")?.to_owned(),
            filter: row.whole("filter")?,
            row: row.whole("row")?,
            column: row.whole("column")?,
            rgb: [
                row.number("red")?,
                row.number("green")?,
                row.number("blue")?,
            ],
        })
    })
}
