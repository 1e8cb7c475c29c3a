//! What can go wrong while a report is drawn.

use std::path::PathBuf;

/// Why a report could not be drawn. Every message names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder holds no `manifest.json`.
    #[error("{}: no manifest.json here, so this is no run folder; give the folder that `spolia run` wrote", path.display())]
    NotARun {
        /// The folder asked for.
        path: PathBuf,
    },
    /// A file exists but cannot be read.
    #[error("{}: cannot be read ({source}); check its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written ({source}); check the free space and the permissions of the run folder", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A JSON file is broken or lacks a field.
    #[error("{}: {source}; rerun the step that writes this file", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// A table's line cannot be split into cells.
    #[error("{}, line {line}: {reason}; rerun the step that writes this table", path.display())]
    Line {
        /// The table.
        path: PathBuf,
        /// Line of the file, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A table lacks a column.
    #[error("{}, line 1: there is no column '{column}' (the header is: {header}); rerun the step that writes this table", path.display())]
    NoColumn {
        /// The table.
        path: PathBuf,
        /// The column that is missing.
        column: String,
        /// The header found.
        header: String,
    },
    /// A cell does not hold what its column promises.
    #[error("{}, line {line}, column '{column}': '{value}' is not {wanted}; mend the cell or rerun the step that writes this table", path.display())]
    Cell {
        /// The table.
        path: PathBuf,
        /// Line of the file, from 1.
        line: u64,
        /// The column.
        column: String,
        /// The text found.
        value: String,
        /// What was expected.
        wanted: &'static str,
    },
    /// A figure could not be drawn.
    #[error("figure {figure}: {reason}; is a value in its table infinite?")]
    Figure {
        /// The figure's file name.
        figure: String,
        /// What the drawing library said.
        reason: String,
    },
    /// The page could not be put together.
    #[error("report.html: {0}")]
    Page(#[from] minijinja::Error),
}
