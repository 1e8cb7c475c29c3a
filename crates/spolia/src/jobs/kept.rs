//! What a step made of a layer, kept as JSON so that it is never made twice.

use std::path::Path;

use miette::IntoDiagnostic;
use serde::{Serialize, de::DeserializeOwned};

use crate::run_folder::write_atomic;

/// What `file` holds; where it holds nothing of the kind, what `make` gives, which is written there.
///
/// # Errors
/// Those of `make`; `file` cannot be written.
pub fn kept<T: Serialize + DeserializeOwned>(
    file: &Path,
    make: impl FnOnce() -> miette::Result<T>,
) -> miette::Result<T> {
    let earlier = std::fs::read(file).ok();
    if let Some(kept) = earlier.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(kept);
    }
    let made = make()?;
    write_atomic(file, &serde_json::to_vec(&made).into_diagnostic()?)?;
    Ok(made)
}
