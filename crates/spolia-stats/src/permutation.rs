//! Permutations that keep what belongs to one group together.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Stream of the first permutation; those of repeats are 0, 1, ...
const PERMUTATION_STREAM: u64 = 1 << 32;

/// For each row of the data, the row whose target it gets.
pub(crate) fn permuted_rows(members: &[Vec<usize>], n: usize, seed: u64, k: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(PERMUTATION_STREAM + k);
    let mut shuffled: Vec<&Vec<usize>> = members.iter().collect();
    shuffled.shuffle(&mut rng);
    let mut from: Vec<usize> = shuffled.into_iter().flatten().copied().collect();
    from.rotate_left(rng.random_range(0..n));
    let mut order = vec![0; n];
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
