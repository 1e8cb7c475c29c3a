//! Whether training, validation and test share what they must not share.

use std::collections::BTreeMap;
use std::fmt;

use crate::duplicates::{ContentHash, duplicates};
use crate::error::{Error, Result};
use crate::table::{PatchTable, Split};

/// What two splits share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shared {
    /// A patient, by name.
    Patient(String),
    /// A slide, by name, with patches whose patient is unknown.
    Slide(String),
    /// The same pixels.
    Content(ContentHash),
}

/// Something that lies in more than one split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// What is shared.
    pub shared: Shared,
    /// Each split that has it, with the id of its first patch.
    pub examples: Vec<(Split, String)>,
    /// Number of patches concerned.
    pub patches: usize,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shared {
            Shared::Patient(name) => write!(f, "patient {name} is in ")?,
            Shared::Slide(name) => write!(f, "slide {name} is in ")?,
            Shared::Content(_) => write!(f, "the same image is in ")?,
        }
        let places: Vec<String> = self
            .examples
            .iter()
            .map(|(split, id)| format!("{split} ({id})"))
            .collect();
        f.write_str(&places.join(" and "))
    }
}

/// Finds what is shared between splits: patients, slides with patches of unknown patient, and
/// (given the content hashes) images. Patches without a split are left aside.
///
/// # Errors
/// The number of hashes is not that of the patches.
pub fn leaks(table: &PatchTable, hashes: Option<&[Option<ContentHash>]>) -> Result<Vec<Leak>> {
    let mut patients: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut slides: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, patch) in table.patches().iter().enumerate() {
        if let Some(patient) = patch.patient.as_deref() {
            patients.entry(patient).or_default().push(row);
        }
        if let Some(slide) = patch.slide.as_deref() {
            slides.entry(slide).or_default().push(row);
        }
    }
    // Where every patient of a slide is known, the patient is the unit, and one leak is told once.
    slides.retain(|_, rows| {
        rows.iter()
            .any(|&row| table.patches()[row].patient.is_none())
    });
    let mut found = Vec::new();
    for (name, rows) in patients {
        found.extend(leak(table, Shared::Patient(name.to_owned()), &rows));
    }
    for (name, rows) in slides {
        found.extend(leak(table, Shared::Slide(name.to_owned()), &rows));
    }
    if let Some(hashes) = hashes {
        for same in duplicates(table, hashes)? {
            found.extend(leak(table, Shared::Content(same.content), &same.rows));
        }
    }
    Ok(found)
}

fn leak(table: &PatchTable, shared: Shared, rows: &[usize]) -> Option<Leak> {
    let mut examples: BTreeMap<Split, &str> = BTreeMap::new();
    let mut patches = 0;
    for &row in rows {
        let patch = &table.patches()[row];
        if let Some(split) = patch.split {
            examples.entry(split).or_insert(&patch.id);
            patches += 1;
        }
    }
    if examples.len() < 2 {
        return None;
    }
    let examples = examples
        .into_iter()
        .map(|(split, id)| (split, id.to_owned()))
        .collect();
    Some(Leak {
        shared,
        examples,
        patches,
    })
}

/// Refuses a table with leaks unless they are allowed; returns the ones that are.
///
/// # Errors
/// [`Error::Leak`] with all leaks, naming the first; the number of hashes is not that of the
/// patches.
pub fn ensure_no_leaks(
    table: &PatchTable,
    hashes: Option<&[Option<ContentHash>]>,
    allow_leaks: bool,
) -> Result<Vec<Leak>> {
    let leaks = leaks(table, hashes)?;
    if leaks.is_empty() || allow_leaks {
        Ok(leaks)
    } else {
        Err(Error::Leak { leaks })
    }
}
