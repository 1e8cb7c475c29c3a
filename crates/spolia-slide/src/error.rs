//! What can go wrong when tissue is drawn or written.

use std::path::PathBuf;

/// An error of this crate; the message names the thing, what is wrong with it and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A cohort that cannot be made.
    #[error(
        "phantom cohort: {what}; ask for at least one patient, centre and patch, and for no more centres than patients"
    )]
    Cohort {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A patch that cannot be drawn.
    #[error("phantom patch `{id}`: {what} is {value}, not {expected}")]
    Patch {
        /// Id of the patch.
        id: String,
        /// Name of the quantity.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// A file or folder cannot be written.
    #[error("{}: cannot write: {source}; check permissions and free space", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// An image cannot be encoded.
    #[error("{}: cannot encode the image: {source}", .path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// The encoder's own error.
        source: image::ImageError,
    },
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;
