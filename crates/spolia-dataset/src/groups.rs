//! Which patches belong together: those of a patient, a slide, a centre, or the same image.

use std::collections::BTreeMap;
use std::fmt;

use crate::duplicates::ContentHash;
use crate::error::{Error, Result};
use crate::table::PatchTable;

/// What is kept together when patches are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Every patch stands alone.
    Image,
    /// The patches of a slide.
    Slide,
    /// The patches of a patient; of a slide, where the patient is unknown.
    Patient,
    /// The patches of a centre; of a patient or slide, where the centre is unknown.
    Centre,
}

impl Unit {
    /// The name used in files and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unit::Image => "image",
            Unit::Slide => "slide",
            Unit::Patient => "patient",
            Unit::Centre => "centre",
        }
    }

    /// Reads a name; `center` means `centre` too.
    #[must_use]
    pub fn parse(text: &str) -> Option<Unit> {
        match text.to_ascii_lowercase().as_str() {
            "image" => Some(Unit::Image),
            "slide" => Some(Unit::Slide),
            "patient" => Some(Unit::Patient),
            "centre" | "center" => Some(Unit::Centre),
            _ => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Patches in groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// For each patch the number of its group, from 0 in order of first appearance.
    pub of: Vec<usize>,
    /// Number of groups.
    pub count: usize,
    /// What every patch is grouped by at least: smaller than asked where something is unknown.
    pub unit: Unit,
}

/// Groups the patches of a table by `unit`. With `hashes` (one per patch, `None` where the pixels
/// could not be read) patches of the same content join one group too.
///
/// # Errors
/// The number of hashes is not that of the patches.
pub fn groups(
    table: &PatchTable,
    unit: Unit,
    hashes: Option<&[Option<ContentHash>]>,
) -> Result<Groups> {
    check_hashes(table, hashes)?;
    let patches = table.patches();
    let mut sets = Sets::new(patches.len());
    let mut first: BTreeMap<(Unit, &str), usize> = BTreeMap::new();
    let mut least = unit;
    for (row, patch) in patches.iter().enumerate() {
        let known = [
            (Unit::Centre, patch.centre.as_deref()),
            (Unit::Patient, patch.patient.as_deref()),
            (Unit::Slide, patch.slide.as_deref()),
        ];
        let mut largest = Unit::Image;
        for (of, name) in known {
            if let (true, Some(name)) = (of <= unit, name) {
                largest = largest.max(of);
                let other = *first.entry((of, name)).or_insert(row);
                sets.join(other, row);
            }
        }
        least = least.min(largest);
    }
    let mut content: BTreeMap<&ContentHash, usize> = BTreeMap::new();
    for (row, hash) in hashes.unwrap_or_default().iter().enumerate() {
        if let Some(hash) = hash {
            let other = *content.entry(hash).or_insert(row);
            sets.join(other, row);
        }
    }
    let mut number: BTreeMap<usize, usize> = BTreeMap::new();
    let of = (0..patches.len())
        .map(|row| {
            let next = number.len();
            *number.entry(sets.root(row)).or_insert(next)
        })
        .collect();
    Ok(Groups {
        of,
        count: number.len(),
        unit: least,
    })
}

pub(crate) fn check_hashes(
    table: &PatchTable,
    hashes: Option<&[Option<ContentHash>]>,
) -> Result<()> {
    match hashes {
        Some(hashes) if hashes.len() != table.len() => Err(Error::Hashes {
            hashes: hashes.len(),
            patches: table.len(),
        }),
        _ => Ok(()),
    }
}

/// Disjoint sets of rows.
struct Sets {
    parent: Vec<usize>,
}

impl Sets {
    fn new(n: usize) -> Self {
        Sets {
            parent: (0..n).collect(),
        }
    }

    fn root(&mut self, mut row: usize) -> usize {
        while self.parent[row] != row {
            self.parent[row] = self.parent[self.parent[row]];
            row = self.parent[row];
        }
        row
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}
