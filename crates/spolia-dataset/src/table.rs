//! The patch table: one row per patch, valid once built.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::region::Region;

/// The part of a study in which a patch is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    /// Weights are fitted on it.
    Train,
    /// The epoch to keep is chosen on it.
    Val,
    /// Seen once, at the end.
    Test,
}

impl Split {
    /// All splits, in the order in which they are written.
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];

    /// The name used in files: `train`, `val` or `test`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }

    /// Reads a name; `valid` and `validation` also mean [`Split::Val`], `training` [`Split::Train`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Split> {
        match text.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Split::Train),
            "val" | "valid" | "validation" => Some(Split::Val),
            "test" | "testing" => Some(Split::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where the pixels of a patch lie.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// An image file.
    File(PathBuf),
    /// One image of an HDF5 dataset of shape (N, height, width, 3), unsigned bytes.
    Hdf5 {
        /// The HDF5 file.
        file: PathBuf,
        /// Path of the dataset inside it, without a leading slash.
        dataset: String,
        /// Index along the first dimension.
        index: u64,
    },
    /// A square of a slide.
    Region {
        /// The slide.
        file: PathBuf,
        /// Where on it, and at which resolution.
        region: Region,
    },
}

impl Source {
    /// The file on disk that holds the pixels.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Source::File(path) => path,
            Source::Hdf5 { file, .. } | Source::Region { file, .. } => file,
        }
    }

    /// How the source is written in the `file` column when its file is called `name`:
    /// `name` itself, `name::dataset::index` for an image inside an HDF5 file, or
    /// `name::x,y,size,resolution` for a square of a slide.
    #[must_use]
    pub fn written(&self, name: &str) -> String {
        match self {
            Source::File(_) => name.to_owned(),
            Source::Hdf5 { dataset, index, .. } => format!("{name}::{dataset}::{index}"),
            Source::Region { region, .. } => format!("{name}::{region}"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(&self.path().display().to_string()))
    }
}

/// One patch: a row of the patch table.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// Name of the patch, unique in its table; results are named after it.
    pub id: String,
    /// The file as its source names it, for people to read; [`Patch::source`] is where it lies.
    pub file: String,
    /// Index of the class in the table's classes, if known.
    pub label: Option<u8>,
    /// Patient, if known.
    pub patient: Option<String>,
    /// Centre (hospital, laboratory), if known.
    pub centre: Option<String>,
    /// Slide, if known.
    pub slide: Option<String>,
    /// Column of the top left corner in the slide, in pixels of level 0.
    pub x: Option<i64>,
    /// Row of the top left corner in the slide, in pixels of level 0.
    pub y: Option<i64>,
    /// Width of a pixel of the patch in µm.
    pub mpp: Option<f64>,
    /// The part of the study it belongs to, once that is decided.
    pub split: Option<Split>,
    /// Where the pixels lie.
    pub source: Source,
}

impl Patch {
    /// A patch of which nothing but its name and place is known.
    #[must_use]
    pub fn new(id: impl Into<String>, file: impl Into<String>, source: Source) -> Self {
        Patch {
            id: id.into(),
            file: file.into(),
            label: None,
            patient: None,
            centre: None,
            slide: None,
            x: None,
            y: None,
            mpp: None,
            split: None,
            source,
        }
    }
}

/// The classes meant by labels `0` and `1` when nothing else is said: `normal`, `tumor`.
#[must_use]
pub fn default_classes() -> Vec<String> {
    vec!["normal".to_owned(), "tumor".to_owned()]
}

/// Finds the class that a label names: a class name (case does not matter), or its number.
#[must_use]
pub fn parse_label(label: &str, classes: &[String]) -> Option<u8> {
    let named = classes
        .iter()
        .position(|c| c == label)
        .or_else(|| classes.iter().position(|c| c.eq_ignore_ascii_case(label)));
    let index = match named {
        Some(index) => index,
        None => label.parse::<usize>().ok().filter(|&i| i < classes.len())?,
    };
    u8::try_from(index).ok()
}

/// Patches and the names of their classes. It cannot hold two patches of one id, a label that is
/// no class, or a pixel width that is not positive.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchTable {
    patches: Vec<Patch>,
    classes: Vec<String>,
}

impl PatchTable {
    /// Builds a table, keeping the order of the patches.
    ///
    /// # Errors
    /// Two patches of one id; an id that cannot name a file; a label beyond the classes; a pixel
    /// width that is not positive; classes that are empty or named twice.
    pub fn new(patches: Vec<Patch>, classes: Vec<String>) -> Result<Self> {
        check_classes(&classes)?;
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (row, patch) in patches.iter().enumerate() {
            check_patch(patch, &classes)?;
            if let Some(first) = seen.insert(&patch.id, row) {
                return Err(Error::DuplicateId {
                    id: patch.id.clone(),
                    first: patches[first].source.to_string(),
                    second: patch.source.to_string(),
                });
            }
        }
        Ok(PatchTable { patches, classes })
    }

    /// The patches, in order.
    #[must_use]
    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    /// The class names; a label is an index into them.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Number of patches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patches.len()
    }

    /// Whether there is no patch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patches.is_empty()
    }

    /// The patch of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Patch> {
        self.patches.iter().find(|p| p.id == id)
    }

    /// The patches of one split, in order.
    pub fn of_split(&self, split: Split) -> impl Iterator<Item = &Patch> {
        self.patches.iter().filter(move |p| p.split == Some(split))
    }

    /// The same patches with these splits, one per patch in order; missing ones stay as they are.
    #[must_use]
    pub fn with_splits(mut self, splits: &[Split]) -> Self {
        for (patch, &split) in self.patches.iter_mut().zip(splits) {
            patch.split = Some(split);
        }
        self
    }

    /// The patches that `keep` accepts, in order, with the same classes.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&Patch) -> bool) -> Self {
        PatchTable {
            patches: self.patches.iter().filter(|p| keep(p)).cloned().collect(),
            classes: self.classes.clone(),
        }
    }

    /// The name of the class of a patch, if it has a label.
    #[must_use]
    pub fn class_of(&self, patch: &Patch) -> Option<&str> {
        patch
            .label
            .and_then(|label| self.classes.get(usize::from(label)))
            .map(String::as_str)
    }
}

pub(crate) fn check_classes(classes: &[String]) -> Result<()> {
    let wrong = |what| {
        Err(Error::Classes {
            classes: classes.join(", "),
            what,
        })
    };
    if classes.is_empty() {
        return wrong("there is none");
    }
    if classes.len() > 256 {
        return wrong("there are more than 256");
    }
    if classes.iter().any(|c| c.trim().is_empty()) {
        return wrong("one has no name");
    }
    if (1..classes.len()).any(|i| {
        classes[..i]
            .iter()
            .any(|c| c.eq_ignore_ascii_case(&classes[i]))
    }) {
        return wrong("one is named twice");
    }
    Ok(())
}

fn check_patch(patch: &Patch, classes: &[String]) -> Result<()> {
    let bad_id = |what| {
        Err(Error::Id {
            id: patch.id.clone(),
            file: patch.file.clone(),
            what,
        })
    };
    if patch.id.is_empty() {
        return bad_id("is empty");
    }
    if patch.id.starts_with('/') || patch.id.contains('\\') || patch.id.contains(':') {
        return bad_id("starts with a slash or holds a backslash or colon");
    }
    if patch
        .id
        .split('/')
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return bad_id("has an empty, `.` or `..` part");
    }
    if patch.id.chars().any(char::is_control) {
        return bad_id("holds a control character");
    }
    if let Some(label) = patch.label.filter(|&l| usize::from(l) >= classes.len()) {
        return Err(Error::Label {
            place: format!("patch {}", patch.id),
            label: label.to_string(),
            known: known_classes(classes),
        });
    }
    if let Some(mpp) = patch.mpp.filter(|&m| !(m.is_finite() && m > 0.0)) {
        return Err(Error::Value {
            id: patch.id.clone(),
            column: "mpp",
            value: mpp.to_string(),
            expected: "a positive number of µm per pixel",
        });
    }
    Ok(())
}

pub(crate) fn known_classes(classes: &[String]) -> String {
    let named: Vec<String> = classes
        .iter()
        .enumerate()
        .map(|(i, c)| format!("{c} ({i})"))
        .collect();
    named.join(", ")
}
