//! The starter weights that come with the program.

use std::{io, path::PathBuf};

use super::Weights;
use crate::Error;

/// Their file.
const FILE: &str = "inception_v3_starter.safetensors";

/// Names the file where it lies elsewhere.
const VARIABLE: &str = "SPOLIA_STARTER_WEIGHTS";

/// Where the starter weights lie: the file that the environment variable `SPOLIA_STARTER_WEIGHTS` names; else
/// `inception_v3_starter.safetensors` beside the program or in `weights/` beside it; else in `weights/` of the current
/// folder or one above; else in the source tree that the program was built from.
///
/// # Errors
/// [`Error::Io`] where there is none.
pub fn starter_path() -> Result<PathBuf, Error> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|v| !v.is_empty()) {
        return Ok(named.into());
    }
    let program = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(PathBuf::from));
    let beside = program
        .into_iter()
        .flat_map(|folder| [folder.join(FILE), folder.join("weights").join(FILE)]);
    let here = std::env::current_dir().unwrap_or_default();
    let above = here
        .ancestors()
        .map(|folder| folder.join("weights").join(FILE));
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../weights")
        .join(FILE);
    beside.chain(above).chain([source]).find(|path| path.is_file()).ok_or_else(|| Error::Io {
        path: PathBuf::from("weights").join(FILE),
        source: io::Error::new(
            io::ErrorKind::NotFound,
            format!("the starter weights lie neither beside the program nor in weights/ here or above; set {VARIABLE} to the file"),
        ),
    })
}

/// The starter weights: InceptionV3 without a classification layer, convention `keras`, MIT licence, 8-bit values. Not
/// all of it is ImageNet's; the metadata's `provenance` and `weights/MODEL_CARD.md` say what is.
///
/// # Errors
/// [`Error::Io`] where they are not found, [`Error::Format`] where the file is damaged.
pub fn starter() -> Result<Weights, Error> {
    Weights::load(starter_path()?, None)
}
