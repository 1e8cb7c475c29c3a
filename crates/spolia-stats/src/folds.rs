//! Folds of a cross-validation that never share a group (a patient, a slide).

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::Error;

/// Numbers the different labels 0, 1, ... in sorted order; one number per row.
#[must_use]
pub fn number_groups<L: Ord>(labels: &[L]) -> Vec<usize> {
    let mut numbers: BTreeMap<&L, usize> = labels.iter().map(|label| (label, 0)).collect();
    for (number, slot) in numbers.values_mut().enumerate() {
        *slot = number;
    }
    labels.iter().map(|label| numbers[label]).collect()
}

/// The rows of each group, groups in the order of their numbers.
pub(crate) fn rows_by_group(groups: &[usize]) -> Vec<Vec<usize>> {
    let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &group) in groups.iter().enumerate() {
        rows.entry(group).or_default().push(row);
    }
    rows.into_values().collect()
}

/// Spreads rows over `folds` folds, whole groups at a time; returns the fold of each row.
///
/// Groups are shuffled (`seed`, stream `repeat`) and each goes to the fold with the fewest rows so
/// far, so that no fold stays empty and sizes differ by at most the largest group.
///
/// # Errors
/// [`Error::TooFew`] for fewer than two folds, [`Error::TooFewGroups`] for fewer groups than folds.
pub fn group_folds(
    groups: &[usize],
    folds: usize,
    seed: u64,
    repeat: u64,
) -> Result<Vec<usize>, Error> {
    if folds < 2 {
        return Err(Error::TooFew {
            what: "folds",
            needed: 2,
            got: folds,
        });
    }
    let mut rows = rows_by_group(groups);
    if rows.len() < folds {
        return Err(Error::TooFewGroups {
            groups: rows.len(),
            folds,
        });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(repeat);
    rows.shuffle(&mut rng);
    let mut sizes = vec![0_usize; folds];
    let mut fold_of_row = vec![0; groups.len()];
    for group in rows {
        let mut smallest = 0;
        for fold in 1..folds {
            if sizes[fold] < sizes[smallest] {
                smallest = fold;
            }
        }
        sizes[smallest] += group.len();
        for row in group {
            fold_of_row[row] = smallest;
        }
    }
    Ok(fold_of_row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_become_numbers() {
        assert_eq!(number_groups(&["p3", "p1", "p3", "p2"]), [2, 0, 2, 1]);
    }

    #[test]
    fn too_few_groups() {
        let error = group_folds(&[0, 0, 1], 3, 1, 0).unwrap_err();
        assert_eq!(
            error,
            Error::TooFewGroups {
                groups: 2,
                folds: 3
            }
        );
        assert!(group_folds(&[0, 1], 1, 1, 0).is_err());
    }

    #[test]
    fn repeats_differ_and_seeds_repeat() {
        let groups: Vec<usize> = (0..40).collect();
        let first = group_folds(&groups, 5, 7, 0).unwrap();
        assert_eq!(first, group_folds(&groups, 5, 7, 0).unwrap());
        assert_ne!(first, group_folds(&groups, 5, 7, 1).unwrap());
        assert_ne!(first, group_folds(&groups, 5, 8, 0).unwrap());
    }

    proptest! {
        #[test]
        fn no_group_in_two_folds(
            groups in prop::collection::vec(0_usize..12, 30..120),
            folds in 2_usize..5,
            seed in any::<u64>(),
        ) {
            prop_assume!(rows_by_group(&groups).len() >= folds);
            let fold = group_folds(&groups, folds, seed, 0).unwrap();
            for i in 0..groups.len() {
                for j in 0..i {
                    if groups[i] == groups[j] {
                        prop_assert_eq!(fold[i], fold[j]);
                    }
                }
            }
            let largest = rows_by_group(&groups).iter().map(Vec::len).max().unwrap();
            let sizes: Vec<usize> =
                (0..folds).map(|k| fold.iter().filter(|&&f| f == k).count()).collect();
            prop_assert!(sizes.iter().all(|&size| size > 0));
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= largest);
        }
    }
}
