//! Files that appear whole or not at all.

use std::path::Path;

use crate::Error;

/// Writes `bytes` beside `path` and renames it into place.
///
/// # Errors
/// [`Error::Write`] when the folder cannot be made, or the file not written or renamed.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::Write {
        path: path.to_path_buf(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    std::fs::write(&beside, bytes).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}
