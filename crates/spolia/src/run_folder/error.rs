//! Why a run folder cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

/// Why a run folder or one of its files cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum RunFolderError {
    /// The folder cannot be made or written.
    #[error("cannot write the run folder {}: {source}", folder.display())]
    #[diagnostic(help("choose a folder that you may write, with --out FOLDER"))]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", file.display())]
    #[diagnostic(help(
        "check the space left and the permissions of its folder; then run again, nothing finished is lost"
    ))]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An output of earlier inputs cannot be removed.
    #[error("cannot remove {}, which an earlier version of the study made: {source}", path.display())]
    #[diagnostic(help("remove it yourself, or choose another folder with --out FOLDER"))]
    Remove {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process is running in the folder.
    #[error("another run ({holder}) is using {}", folder.display())]
    #[diagnostic(help("wait for it, or choose another folder with --out FOLDER; if that run is gone, delete {}", lock.display()))]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The lock file.
        lock: PathBuf,
        /// Its process and machine.
        holder: String,
    },
    /// The folder holds the run of another study.
    #[error("{} holds the run of study \"{holds}\", not of \"{wanted}\"", folder.display())]
    #[diagnostic(help("choose another folder with --out FOLDER"))]
    OtherStudy {
        /// The folder.
        folder: PathBuf,
        /// Name of the study in the folder.
        holds: String,
        /// Name of the study to be run.
        wanted: String,
    },
    /// The folder holds files but is no run folder.
    #[error("{} is no run folder: it holds {holds} but no manifest.json", folder.display())]
    #[diagnostic(help("give a new or empty folder with --out FOLDER"))]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// One of its entries.
        holds: String,
    },
    /// The manifest is damaged, or a value cannot be written as JSON.
    #[error("{} is no valid JSON of this version: {source}", file.display())]
    #[diagnostic(help(
        "delete it to start the run afresh, or choose another folder with --out FOLDER"
    ))]
    Json {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A table is damaged.
    #[error("{} is no valid table: {source}", file.display())]
    #[diagnostic(help("delete it; the run writes it anew"))]
    Table {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: csv::Error,
    },
}

impl RunFolderError {
    pub(super) fn unwritable(folder: &Path, source: io::Error) -> Self {
        RunFolderError::Unwritable {
            folder: folder.to_path_buf(),
            source,
        }
    }
}
