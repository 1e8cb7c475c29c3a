//! A file appears whole or not at all: written beside its place, flushed to the disk, then renamed.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use crate::Error;

/// Gives `write` a writer for a temporary file beside `path`, then moves the file there. On an error `path` is as it
/// was and the temporary file is gone.
pub(super) fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<T, Error>,
) -> Result<T, Error> {
    let io = |source| Error::Io {
        path: path.into(),
        source,
    };
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(io)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".spolia-").suffix(".part");
    // Temporary files are private by default; weights are for the group as well, as far as the umask allows.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temporary = builder.tempfile_in(folder).map_err(io)?;
    let mut writer = BufWriter::with_capacity(1 << 20, temporary.as_file());
    let result = write(&mut writer)?;
    writer.flush().map_err(io)?;
    drop(writer);
    temporary.as_file().sync_all().map_err(io)?;
    temporary.persist(path).map_err(|e| io(e.error))?;
    Ok(result)
}
