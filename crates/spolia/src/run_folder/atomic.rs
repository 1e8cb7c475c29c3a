//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::RunFolderError;

const ENDING: &str = ".partial";

/// Writes `bytes` beside `file` (as `.name.partial`), flushes them to the disk, then renames. The
/// folder is created where it does not exist.
///
/// # Errors
/// [`RunFolderError::Write`] naming the file; nothing half-written is left.
pub fn write_atomic(file: &Path, bytes: &[u8]) -> Result<(), RunFolderError> {
    replace(file, bytes).map_err(|source| RunFolderError::Write {
        file: file.to_path_buf(),
        source,
    })
}

fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = partial_of(file)?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let written = File::create(&partial).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&partial, file)) {
        let _ = fs::remove_file(&partial); // the first error is the one to tell
        return Err(error);
    }
    Ok(())
}

fn partial_of(file: &Path) -> io::Result<PathBuf> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut partial = OsString::from(".");
    partial.push(name);
    partial.push(ENDING);
    Ok(file.with_file_name(partial))
}

/// Whether this is the name of a half-written file.
pub(super) fn is_partial(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.ends_with(ENDING)
}

/// A number as a table's cell; empty where there is none.
pub fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |v| v.to_string())
}

/// Writes a table as CSV (UTF-8, `\n` line ends), whole or not at all. A table that grows is
/// written anew with every item, so that a reader never sees half a row.
///
/// # Errors
/// [`RunFolderError::Write`] or [`RunFolderError::Table`] (a row of another length than the header).
pub fn write_csv<R, F>(
    file: &Path,
    header: &[&str],
    rows: impl IntoIterator<Item = R>,
) -> Result<(), RunFolderError>
where
    R: IntoIterator<Item = F>,
    F: AsRef<[u8]>,
{
    let table = |source| RunFolderError::Table {
        file: file.to_path_buf(),
        source,
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(table)?;
    for row in rows {
        writer.write_record(row).map_err(table)?;
    }
    let bytes = writer.into_inner().map_err(|error| RunFolderError::Write {
        file: file.to_path_buf(),
        source: error.into_error(),
    })?;
    write_atomic(file, &bytes)
}

/// Removes half-written files below `folder`.
pub(super) fn clean(folder: &Path) -> Result<(), RunFolderError> {
    let read = |source| RunFolderError::Read {
        file: folder.to_path_buf(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let path = entry.path();
        if entry.file_type().map_err(read)?.is_dir() {
            clean(&path)?;
        } else if is_partial(&path) {
            fs::remove_file(&path).map_err(|source| RunFolderError::Remove { path, source })?;
        }
    }
    Ok(())
}
