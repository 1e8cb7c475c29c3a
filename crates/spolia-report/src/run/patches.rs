//! `patches.csv` and `problems.csv`.

use std::path::Path;

use super::table;
use crate::Error;

/// One patch.
pub(crate) struct Patch {
    /// Index into the manifest's classes.
    pub(crate) label: Option<usize>,
    pub(crate) patient: Option<String>,
    pub(crate) centre: Option<String>,
    pub(crate) slide: Option<String>,
    /// `train`, `val` or `test`.
    pub(crate) split: Option<String>,
    pub(crate) id: String,
    /// Its picture: a path, relative to the run folder or absolute; `::` leads into an HDF5 file.
    pub(crate) file: String,
}

/// An item that failed.
pub(crate) struct Problem {
    pub(crate) item: String,
    pub(crate) step: String,
    pub(crate) error: String,
}

/// Reads the patch table; empty where there is none.
pub(super) fn patches(path: &Path) -> Result<Vec<Patch>, Error> {
    table::read(path, |row| {
        Ok(Patch {
            label: row.known_whole("label")?,
            patient: row.known("patient")?,
            centre: row.known("centre")?,
            slide: row.known("slide")?,
            split: row.known("split")?,
            id: row.text("id")?.to_owned(),
            file: row.text("file")?.to_owned(),
        })
    })
}

/// Reads the table of problems; empty where there is none.
pub(super) fn problems(path: &Path) -> Result<Vec<Problem>, Error> {
    table::read(path, |row| {
        Ok(Problem {
            item: row.text("item")?.to_owned(),
            step: row.text("step")?.to_owned(),
            error: row.text("error")?.to_owned(),
        })
    })
}
