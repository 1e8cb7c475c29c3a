//! Folders of images: with a table, with class sub-folders, or plain.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::resolve::{Found, Wanted, is_image};
use crate::table::{Patch, Source, Split, known_classes, parse_label};
use crate::table_csv::id_of;

/// The tables that label a folder, in the order in which they are sought.
const TABLES: [&str; 2] = ["patches.csv", "labels.csv"];

/// The table beside the images, or why there is none.
pub(crate) fn table_of(path: &Path) -> std::result::Result<PathBuf, String> {
    refuse_file(path)?;
    TABLES
        .iter()
        .map(|name| path.join(name))
        .find(|table| table.is_file())
        .ok_or_else(|| format!("neither {} in it", TABLES.join(" nor ")))
}

fn refuse_file(path: &Path) -> std::result::Result<(), String> {
    if path.is_dir() {
        Ok(())
    } else {
        Err("not a folder".to_owned())
    }
}

/// All images below a folder, as paths relative to it with `/`, sorted.
fn images(path: &Path) -> Result<Vec<String>> {
    fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue; // left by file browsers, no data
            }
            let relative = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}/{name}")
            };
            if entry.path().is_dir() {
                // A link to a folder may lead back up; following it would not end.
                if !entry.file_type()?.is_symlink() {
                    walk(&entry.path(), &relative, found)?;
                }
            } else if is_image(&entry.path()) {
                found.push(relative);
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(path, "", &mut found).map_err(|source| Error::Io {
        path: path.to_path_buf(),
        action: "list",
        source,
    })?;
    found.sort_unstable();
    Ok(found)
}

/// The class folder of an image: the first folder on its way, a folder of a split being skipped.
fn class_folder(relative: &str) -> (Option<Split>, Option<&str>) {
    let mut folders = relative.split('/').peekable();
    let mut next = || folders.next().filter(|_| folders.peek().is_some());
    match next() {
        None => (None, None),
        Some(first) => match Split::parse(first) {
            Some(split) => (Some(split), next()),
            None => (None, Some(first)),
        },
    }
}

pub(crate) fn refuse_classes(path: &Path, wanted: &Wanted<'_>) -> std::result::Result<(), String> {
    refuse_file(path)?;
    let images = images(path).map_err(|e| e.to_string())?;
    let mut folders: Vec<&str> = images.iter().filter_map(|i| class_folder(i).1).collect();
    folders.dedup();
    if folders
        .iter()
        .any(|f| parse_label(f, wanted.classes).is_some())
    {
        return Ok(());
    }
    if wanted.named && !folders.is_empty() {
        return Ok(()); // opening it names the folder that is not one of the classes asked for
    }
    Err(format!(
        "no image in a sub-folder called {}",
        wanted.classes.join(" or ")
    ))
}

pub(crate) fn open_classes(path: &Path, wanted: &Wanted<'_>) -> Result<Found> {
    let mut patches = Vec::new();
    for relative in images(path)? {
        let (split, folder) = class_folder(&relative);
        let label = match folder {
            None => None,
            Some(name) => Some(
                parse_label(name, wanted.classes).ok_or_else(|| Error::Label {
                    place: format!("{}, sub-folder of {relative}", path.display()),
                    label: name.to_owned(),
                    known: known_classes(wanted.classes),
                })?,
            ),
        };
        patches.push(Patch {
            label,
            split,
            ..plain(path, relative)
        });
    }
    Ok((patches, Vec::new()))
}

pub(crate) fn refuse_plain(path: &Path) -> std::result::Result<(), String> {
    refuse_file(path)?;
    let found = images(path).map_err(|e| e.to_string())?;
    if found.is_empty() {
        Err("no PNG, JPEG, TIFF or BMP image in it".to_owned())
    } else {
        Ok(())
    }
}

pub(crate) fn open_plain(path: &Path) -> Result<Found> {
    Ok((
        images(path)?
            .into_iter()
            .map(|relative| plain(path, relative))
            .collect(),
        Vec::new(),
    ))
}

fn plain(folder: &Path, relative: String) -> Patch {
    let source = Source::File(folder.join(&relative));
    Patch::new(id_of(&relative, &source), relative, source)
}
