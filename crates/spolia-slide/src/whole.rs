//! Files that appear whole or not at all.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat};

use crate::{Error, Result};

pub(crate) fn write_png(path: &Path, image: &DynamicImage) -> Result<()> {
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|source| Error::Image {
            path: path.to_path_buf(),
            source,
        })?;
    write_whole(path, &bytes.into_inner())
}

/// Writes beside, then renames, so that a reader never sees half a file.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The part that was written is of no use to anyone; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })
}
