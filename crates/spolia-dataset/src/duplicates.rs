//! Patches with the same pixels.

use std::collections::BTreeMap;
use std::fmt;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::groups::check_hashes;
use crate::read::{Reader, RgbPatch};
use crate::resolve::Problem;
use crate::table::{PatchTable, Split};

/// SHA-256 of the size and decoded pixels of a patch; the same for a PNG and a TIFF of one image.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

impl ContentHash {
    /// Hashes the size and pixels of an image.
    #[must_use]
    pub fn of(image: &RgbPatch) -> Self {
        let mut hash = Sha256::new();
        hash.update((image.width as u64).to_le_bytes());
        hash.update((image.height as u64).to_le_bytes());
        hash.update(&image.data);
        ContentHash(hash.finalize().into())
    }
}

/// Hashes every patch of a table, on all threads; a patch that cannot be read has no hash and
/// becomes a [`Problem`]. Both lists are in the order of the table.
#[must_use]
pub fn content_hashes(
    table: &PatchTable,
    reader: &Reader,
) -> (Vec<Option<ContentHash>>, Vec<Problem>) {
    let read: Vec<_> = table
        .patches()
        .par_iter()
        .map(|patch| {
            reader
                .read(patch)
                .map(|image| ContentHash::of(&image))
                .map_err(|error| Problem {
                    item: patch.id.clone(),
                    what: error.to_string(),
                    remedy: "the other patches are used without it".to_owned(),
                })
        })
        .collect();
    let mut problems = Vec::new();
    let hashes = read
        .into_iter()
        .map(|hash| hash.map_err(|problem| problems.push(problem)).ok())
        .collect();
    (hashes, problems)
}

/// Patches of a table that are the same image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Their common content.
    pub content: ContentHash,
    /// Their rows in the table, two or more, ascending.
    pub rows: Vec<usize>,
    /// The splits they lie in, each once.
    pub splits: Vec<Split>,
    /// Whether two of them bear different labels.
    pub labels_differ: bool,
}

/// Finds patches of the same content, in order of their first row.
///
/// # Errors
/// The number of hashes is not that of the patches.
pub fn duplicates(table: &PatchTable, hashes: &[Option<ContentHash>]) -> Result<Vec<Duplicate>> {
    check_hashes(table, Some(hashes))?;
    let mut rows: BTreeMap<ContentHash, Vec<usize>> = BTreeMap::new();
    for (row, hash) in hashes.iter().enumerate() {
        if let Some(hash) = hash {
            rows.entry(*hash).or_default().push(row);
        }
    }
    let mut found: Vec<Duplicate> = rows
        .into_iter()
        .filter(|(_, rows)| rows.len() > 1)
        .map(|(content, rows)| {
            let patches = || rows.iter().map(|&row| &table.patches()[row]);
            let mut splits: Vec<Split> = patches().filter_map(|p| p.split).collect();
            splits.sort_unstable();
            splits.dedup();
            let mut labels = patches().filter_map(|p| p.label);
            let first = labels.next();
            let labels_differ = labels.any(|label| Some(label) != first);
            Duplicate {
                content,
                splits,
                labels_differ,
                rows,
            }
        })
        .collect();
    found.sort_by_key(|duplicate| duplicate.rows[0]);
    Ok(found)
}
