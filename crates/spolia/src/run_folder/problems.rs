//! `problems.csv`: every item that failed, in which step, and why.

use std::path::Path;

use serde::Deserialize;

use super::error::RunFolderError;

/// An item that failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Problem {
    /// The item, such as a patch id; empty where the whole step failed.
    pub item: String,
    /// The step.
    pub step: String,
    /// What is wrong and what to do.
    pub error: String,
}

pub(super) const HEADER: [&str; 3] = ["item", "step", "error"];

/// Reads the problems of earlier runs; none where there is no file.
pub(super) fn read(file: &Path) -> Result<Vec<Problem>, RunFolderError> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let table = |source| RunFolderError::Table {
        file: file.to_path_buf(),
        source,
    };
    let mut reader = csv::Reader::from_path(file).map_err(table)?;
    reader.deserialize().map(|row| row.map_err(table)).collect()
}
