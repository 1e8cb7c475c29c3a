//! Permutations that keep what belongs to one group together.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::folds::rows_by_group;

/// Stream of the first permutation; those of repeats are 0, 1, ...
const PERMUTATION_STREAM: u64 = 1 << 32;

/// For each row of the data, the row whose target it gets: targets are laid end to end in a random
/// order of groups, rotated and put back, so that what belongs to one group stays together.
pub fn permuted_rows(groups: &[usize], rng: &mut impl Rng) -> Vec<usize> {
    permuted_members(&rows_by_group(groups), groups.len(), rng)
}

/// [`permuted_rows`] of the test's permutation `k`.
pub(crate) fn permutation(members: &[Vec<usize>], n: usize, seed: u64, k: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(PERMUTATION_STREAM + k);
    permuted_members(members, n, &mut rng)
}

fn permuted_members(members: &[Vec<usize>], n: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut shuffled: Vec<&Vec<usize>> = members.iter().collect();
    shuffled.shuffle(rng);
    let shift = rng.random_range(0..n.max(1));
    dealt(members, shuffled, shift)
}

fn dealt(members: &[Vec<usize>], shuffled: Vec<&Vec<usize>>, shift: usize) -> Vec<usize> {
    let mut from: Vec<usize> = shuffled.into_iter().flatten().copied().collect();
    from.rotate_left(shift);
    let mut order = vec![0; from.len()];
    for (row, source) in members.iter().flatten().zip(from) {
        order[*row] = source;
    }
    order
}

/// (1 + permuted statistics at least as large) / (1 + permutations). What differs from the observed
/// by rounding alone counts as equal to it.
pub(crate) fn p_value(observed: f64, permuted: impl IntoIterator<Item = f64>) -> f64 {
    let least = observed - 1e-12 * observed.abs().max(1.0);
    let (mut as_large, mut all) = (1_usize, 1_usize);
    for statistic in permuted {
        as_large += usize::from(statistic >= least);
        all += 1;
    }
    as_large as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_dealt_as_a_whole() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let members = rows_by_group(&[0, 1, 0, 2, 1]);
        let dealt = |order: [usize; 3], shift| -> Vec<f64> {
            let shuffled = order.iter().map(|&k| &members[k]).collect();
            let rows = super::dealt(&members, shuffled, shift);
            rows.into_iter().map(|row| values[row]).collect()
        };
        // Order 2, 0, 1: values 4; 1, 3; 2, 5. Rows by group: 0, 2; 1, 4; 3.
        assert_eq!(dealt([2, 0, 1], 0), [4.0, 3.0, 1.0, 5.0, 2.0]);
        let mut all = dealt([1, 2, 0], 3);
        all.sort_by(f64::total_cmp);
        assert_eq!(all, values);
    }
}
