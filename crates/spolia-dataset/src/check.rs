//! What is in a patch table: counts, duplicates, leaks.

use std::collections::BTreeMap;

use crate::duplicates::{Duplicate, content_hashes, duplicates};
use crate::error::Result;
use crate::leak::{Leak, leaks};
use crate::read::Reader;
use crate::resolve::Problem;
use crate::table::{Patch, PatchTable};

/// How many patches bear one value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The value, empty where unknown.
    pub value: String,
    /// Patches of each class, in the order of the table's classes.
    pub of_class: Vec<usize>,
    /// Patches without a label.
    pub unlabelled: usize,
}

impl Count {
    /// All patches counted.
    #[must_use]
    pub fn total(&self) -> usize {
        self.of_class.iter().sum::<usize>() + self.unlabelled
    }
}

/// What a look at a table found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Number of patches.
    pub patches: usize,
    /// Counts for each split, in the order train, val, test, none.
    pub by_split: Vec<Count>,
    /// Counts for each patient, sorted by name; one unnamed count if none is known.
    pub by_patient: Vec<Count>,
    /// Counts for each centre, sorted by name; one unnamed count if none is known.
    pub by_centre: Vec<Count>,
    /// Counts for each slide, sorted by name; one unnamed count if none is known.
    pub by_slide: Vec<Count>,
    /// Patches of the same pixels.
    pub duplicates: Vec<Duplicate>,
    /// What lies in more than one split.
    pub leaks: Vec<Leak>,
    /// Patches that cannot be read.
    pub problems: Vec<Problem>,
}

/// Counts the patches of a table, reads each once, and looks for duplicates and leaks.
///
/// # Errors
/// None on account of the patches: those that cannot be read are listed in
/// [`Check::problems`].
pub fn check(table: &PatchTable, reader: &Reader) -> Result<Check> {
    let (hashes, problems) = content_hashes(table, reader);
    Ok(Check {
        patches: table.len(),
        by_split: by_split(table),
        by_patient: by_text(table, |p| p.patient.as_deref()),
        by_centre: by_text(table, |p| p.centre.as_deref()),
        by_slide: by_text(table, |p| p.slide.as_deref()),
        duplicates: duplicates(table, &hashes)?,
        leaks: leaks(table, Some(&hashes))?,
        problems,
    })
}

fn by_split(table: &PatchTable) -> Vec<Count> {
    // Splits sort as they are written; patches without one come last.
    counts(table, |p| (p.split.is_none(), p.split))
        .into_iter()
        .map(|((_, split), count)| named(split.map_or("", |s| s.name()), count))
        .collect()
}

fn by_text(table: &PatchTable, column: impl Fn(&Patch) -> Option<&str>) -> Vec<Count> {
    counts(table, |p| column(p).unwrap_or_default().to_owned())
        .into_iter()
        .map(|(value, count)| named(&value, count))
        .collect()
}

/// Patches of each class, the last number being those without a label, for each value of a key.
fn counts<K: Ord>(table: &PatchTable, key: impl Fn(&Patch) -> K) -> BTreeMap<K, Vec<usize>> {
    let classes = table.classes().len();
    let mut counts: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for patch in table.patches() {
        let count = counts
            .entry(key(patch))
            .or_insert_with(|| vec![0; classes + 1]);
        count[patch.label.map_or(classes, usize::from)] += 1;
    }
    counts
}

fn named(value: &str, mut count: Vec<usize>) -> Count {
    let unlabelled = count.pop().unwrap_or(0);
    Count {
        value: value.to_owned(),
        of_class: count,
        unlabelled,
    }
}
