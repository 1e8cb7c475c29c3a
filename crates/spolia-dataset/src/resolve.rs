//! The one resolver: from a path that a user names to a patch table.
//!
//! A format is a name, a function that says why it refuses a path, and one that opens it. Formats
//! are tried in order; if none accepts, every refusal is shown.

use std::fmt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::table::{Patch, PatchTable, Source, check_classes, default_classes};
use crate::table_csv::{IMAGE_ENDINGS, ending, read_rows, refuse_csv, without_ending};
use crate::{camelyon, clam, folder, pcam, wilds};

/// How to understand a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolveOptions {
    /// Names of the classes, in the order of their numbers; `normal`, `tumor` when not given.
    pub classes: Option<Vec<String>>,
}

/// Something wrong with one item, while the others are fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The item, usually a patch id.
    pub item: String,
    /// What is wrong, naming the file.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.item, self.what, self.remedy)
    }
}

pub(crate) type Found = (Vec<Patch>, Vec<Problem>);

/// What a format needs to know: the classes, and whether the user named them.
pub(crate) struct Wanted<'a> {
    pub(crate) classes: &'a [String],
    pub(crate) named: bool,
}

/// A kind of source.
struct Format {
    name: &'static str,
    detect: fn(&Path, &Wanted<'_>) -> std::result::Result<(), String>,
    open: fn(&Path, &Wanted<'_>) -> Result<Found>,
}

const FORMATS: [Format; 9] = [
    Format {
        name: "one image",
        detect: refuse_image,
        open: open_image,
    },
    Format {
        name: "CSV table of patches",
        detect: |path, _| refuse_csv(path),
        open: |path, wanted| read_rows(path, wanted.classes),
    },
    Format {
        name: "folder with patches.csv or labels.csv",
        detect: |path, _| folder::table_of(path).map(drop),
        open: |path, wanted| {
            let table = folder::table_of(path).map_err(|what| Error::Empty {
                path: path.to_path_buf(),
                what,
            })?;
            read_rows(&table, wanted.classes)
        },
    },
    Format {
        name: "folder of WILDS (metadata.csv and patches)",
        detect: |path, _| wilds::refuse(path),
        open: |path, wanted| wilds::open(path, wanted.classes),
    },
    Format {
        name: "folder with class sub-folders",
        detect: folder::refuse_classes,
        open: folder::open_classes,
    },
    Format {
        name: "folder of images without labels",
        detect: |path, _| folder::refuse_plain(path),
        open: |path, _| folder::open_plain(path),
    },
    Format {
        name: "HDF5 of PatchCamelyon (NAME_x.h5 with `x`, NAME_y.h5 beside it)",
        detect: |path, _| pcam::refuse(path),
        open: |path, wanted| pcam::open(path, wanted.classes),
    },
    Format {
        name: "HDF5 of CLAM (`coords`, the slide beside it)",
        detect: |path, _| clam::refuse(path),
        open: |path, _| clam::open(path),
    },
    Format {
        name: "HDF5 in the Camelyon layout (tumor|normal/level*/centre*/patient*/node*/patches)",
        detect: |path, _| camelyon::refuse(path),
        open: |path, wanted| camelyon::open(path, wanted.classes),
    },
];

/// Finds the patches that `path` names: an image, a folder, a CSV table or an HDF5 file.
///
/// Items that are missing are left out of the table and reported as [`Problem`]s; the others
/// remain. The order is that of the table, or of the sorted paths in a folder. No pixel is read.
///
/// # Errors
/// The path does not exist or is no known source (the message lists why each format refuses it);
/// a label is not a class; an id comes twice; there is no patch at all.
pub fn resolve(path: &Path, options: &ResolveOptions) -> Result<(PatchTable, Vec<Problem>)> {
    if !path.exists() {
        return Err(Error::Missing {
            path: path.to_path_buf(),
        });
    }
    let classes = options.classes.clone().unwrap_or_else(default_classes);
    check_classes(&classes)?;
    let wanted = Wanted {
        classes: &classes,
        named: options.classes.is_some(),
    };
    let mut refusals = Vec::new();
    for format in &FORMATS {
        match (format.detect)(path, &wanted) {
            Err(why) => refusals.push(format!("  {}: {why}", format.name)),
            Ok(()) => {
                let (patches, problems) = (format.open)(path, &wanted)?;
                if patches.is_empty() && problems.is_empty() {
                    return Err(Error::Empty {
                        path: path.to_path_buf(),
                        what: format!("read as {}", format.name),
                    });
                }
                return Ok((PatchTable::new(patches, classes)?, problems));
            }
        }
    }
    Err(Error::NoFormat {
        path: path.to_path_buf(),
        refusals: refusals.join("\n"),
    })
}

pub(crate) fn is_image(path: &Path) -> bool {
    IMAGE_ENDINGS
        .iter()
        .any(|e| ending(path).eq_ignore_ascii_case(e))
}

fn refuse_image(path: &Path, _: &Wanted<'_>) -> std::result::Result<(), String> {
    if !path.is_file() {
        Err("not a file".to_owned())
    } else if is_image(path) {
        Ok(())
    } else {
        Err(format!(
            "its name does not end in one of {}",
            IMAGE_ENDINGS.join(", ")
        ))
    }
}

fn open_image(path: &Path, _: &Wanted<'_>) -> Result<Found> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let id = without_ending(&name).to_owned();
    Ok((
        vec![Patch::new(id, name, Source::File(path.to_path_buf()))],
        Vec::new(),
    ))
}
