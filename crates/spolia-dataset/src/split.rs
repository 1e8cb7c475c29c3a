//! Dividing patches into training, validation and test.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::duplicates::ContentHash;
use crate::error::{Error, Result};
use crate::groups::{Unit, groups};
use crate::table::{Patch, PatchTable, Split};

/// How to divide patches.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitOptions {
    /// What must not be divided.
    pub by: Unit,
    /// Share of the patches for validation, from 0.
    pub val: f64,
    /// Share of the patches for test, from 0.
    pub test: f64,
    /// Seed of the order in which groups of one size are placed.
    pub seed: u64,
    /// Centres whose patches are the test, and they alone; `test` then says nothing.
    pub held_out: Vec<String>,
}

impl Default for SplitOptions {
    /// By patient, 10 % for validation and 10 % for test, seed 0.
    fn default() -> Self {
        SplitOptions {
            by: Unit::Patient,
            val: 0.1,
            test: 0.1,
            seed: 0,
            held_out: Vec::new(),
        }
    }
}

/// A table whose patches all have a split.
#[derive(Debug, Clone, PartialEq)]
pub struct Splitting {
    /// The patches in their old order.
    pub table: PatchTable,
    /// What was really kept together: smaller than asked where something is unknown. `None` if
    /// every patch had a split already, which is kept.
    pub unit: Option<Unit>,
    /// Number of groups that were placed.
    pub groups: usize,
}

/// Divides the patches so that no group is cut, each split has its share of every class as far as
/// groups allow, and splits that are given stay.
///
/// Groups are placed one by one, large ones first and equal ones in an order drawn from the seed,
/// each where it brings the counts of the classes closest (least squares) to the shares wanted.
/// With `hashes` patches of the same pixels stay together as well. Where centres are held out, their
/// patches (and what belongs to them: a patient seen at two centres) are the test, and the others are
/// divided in training and validation.
///
/// # Errors
/// The shares are no shares; there are fewer groups than splits to fill; the number of hashes is
/// not that of the patches; a centre held out is none of the table's, or some patch has no centre or
/// was given another split.
pub fn split(
    table: &PatchTable,
    hashes: Option<&[Option<ContentHash>]>,
    options: &SplitOptions,
) -> Result<Splitting> {
    let (val, test) = (options.val, options.test);
    if !(val >= 0.0 && test >= 0.0 && val + test < 1.0) {
        return Err(Error::Fractions { val, test });
    }
    let groups = groups(table, options.by, hashes)?;
    let held = hold_out(table, &options.held_out)?;
    let table = held.as_ref().unwrap_or(table);
    let patches = table.patches();
    if patches.iter().all(|p| p.split.is_some()) {
        return Ok(Splitting {
            table: table.clone(),
            unit: None,
            groups: 0,
        });
    }

    // Patches of each group and class; the last class stands for no label.
    let classes = table.classes().len() + 1;
    let class = |label: Option<u8>| label.map_or(classes - 1, usize::from);
    let mut counts = vec![vec![0.0; classes]; groups.count];
    let mut given: Vec<Option<Split>> = vec![None; groups.count];
    for (patch, &group) in patches.iter().zip(&groups.of) {
        counts[group][class(patch.label)] += 1.0;
        given[group] = given[group].or(patch.split);
    }
    // What is held out is no part of what the shares are of.
    let shared = |group: usize| held.is_none() || given[group] != Some(Split::Test);
    let total: Vec<f64> = (0..classes)
        .map(|c| {
            let own = (0..groups.count).filter(|&g| shared(g));
            own.map(|g| counts[g][c]).sum()
        })
        .collect();
    let share = match held {
        None => [1.0 - val - test, val, test],
        Some(_) => [1.0 - val, val, 0.0],
    };

    let mut place = given.clone();
    let mut filled = vec![vec![0.0; classes]; 3];
    for (group, split) in given.iter().enumerate() {
        if let Some(split) = split {
            add(&mut filled[*split as usize], &counts[group]);
        }
    }
    for group in order(&counts, &given, options.seed) {
        let cost = |s: usize| -> f64 {
            let squares = (0..classes).filter(|&c| total[c] > 0.0).map(|c| {
                let (add, gap) = (counts[group][c], filled[s][c] - share[s] * total[c]);
                add * (add + 2.0 * gap) / total[c]
            });
            squares.sum()
        };
        let wanted = (0..3).filter(|&s| share[s] > 0.0);
        let best = wanted
            .min_by(|&a, &b| cost(a).total_cmp(&cost(b)))
            .unwrap_or(0);
        add(&mut filled[best], &counts[group]);
        place[group] = Some(Split::ALL[best]);
    }
    fill_empty(&mut place, &given, &counts, &share, groups.unit)?;

    let splits: Vec<Split> = patches
        .iter()
        .zip(&groups.of)
        .map(|(patch, &group)| patch.split.or(place[group]).unwrap_or(Split::Train))
        .collect();
    let placed = given.iter().filter(|g| g.is_none()).count();
    Ok(Splitting {
        table: table.clone().with_splits(&splits),
        unit: Some(groups.unit),
        groups: placed,
    })
}

/// The table with the patches of these centres in the test; `None` where none is held out.
fn hold_out(table: &PatchTable, centres: &[String]) -> Result<Option<PatchTable>> {
    if centres.is_empty() {
        return Ok(None);
    }
    let patches = table.patches();
    let fail = |centre: &str, what: String| {
        Err(Error::HeldOut {
            centre: centre.to_owned(),
            what,
        })
    };
    let known: BTreeSet<&str> = patches.iter().filter_map(|p| p.centre.as_deref()).collect();
    for centre in centres {
        if !known.contains(centre.as_str()) {
            let known: Vec<&str> = known.iter().copied().collect();
            let known = match known.as_slice() {
                [] => "no patch says its centre".to_owned(),
                known => format!("known centres: {}", known.join(", ")),
            };
            return fail(centre, format!("no patch is of it; {known}"));
        }
    }
    let mut splits = Vec::with_capacity(patches.len());
    for patch in patches {
        let Some(own) = patch.centre.as_ref() else {
            let what =
                "may be of it or not: its centre is unknown; fill the column, or leave it out";
            return fail(&centres.join(", "), format!("patch {} {what}", patch.id));
        };
        let held = centres.contains(own);
        match patch.split {
            Some(split) if held != (split == Split::Test) => {
                let what = format!(
                    "patch {} of {own} is given the split {split}; empty the column, or hold no centre out",
                    patch.id
                );
                return fail(&centres.join(", "), what);
            }
            split => splits.push(if held { Some(Split::Test) } else { split }),
        }
    }
    let patches = patches.iter().zip(splits);
    let patches = patches.map(|(patch, split)| Patch {
        split,
        ..patch.clone()
    });
    PatchTable::new(patches.collect(), table.classes().to_vec()).map(Some)
}

fn add(to: &mut [f64], counts: &[f64]) {
    to.iter_mut().zip(counts).for_each(|(t, c)| *t += c);
}

/// The groups to place, large ones first, equal ones shuffled.
fn order(counts: &[Vec<f64>], given: &[Option<Split>], seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..counts.len()).filter(|&g| given[g].is_none()).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for i in (1..order.len()).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    let size = |g: usize| counts[g].iter().sum::<f64>();
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
    order
}

/// Gives every wanted split at least one group: the smallest one of the split with most groups.
fn fill_empty(
    place: &mut [Option<Split>],
    given: &[Option<Split>],
    counts: &[Vec<f64>],
    share: &[f64; 3],
    unit: Unit,
) -> Result<()> {
    let wanted: Vec<Split> = Split::ALL
        .into_iter()
        .filter(|&s| share[s as usize] > 0.0)
        .collect();
    for &split in &wanted {
        let of =
            |s: Split, place: &[Option<Split>]| place.iter().filter(|p| **p == Some(s)).count();
        if of(split, place) > 0 {
            continue;
        }
        let richest = wanted
            .iter()
            .copied()
            .rev()
            .max_by_key(|&s| of(s, place))
            .unwrap_or(Split::Train);
        let size = |g: usize| counts[g].iter().sum::<f64>();
        let smallest = (0..place.len())
            .filter(|&g| given[g].is_none() && place[g] == Some(richest))
            .min_by(|&a, &b| size(a).total_cmp(&size(b)));
        match smallest {
            Some(group) if of(richest, place) > 1 => place[group] = Some(split),
            _ => {
                return Err(Error::TooFewGroups {
                    unit: unit.name(),
                    groups: place.len(),
                    wanted: wanted.len(),
                });
            }
        }
    }
    Ok(())
}
