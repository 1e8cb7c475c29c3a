//! R² the way of Graziani et al. (2019): in sample, repeated over random subsets.

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use spolia_stats::{Matrix, mean, ols, standard_error};

/// Stream of the first subset; the streams below belong to the held-out splits of the same seed.
const SUBSET_STREAM: u64 = 1 << 40;

/// Images of each subset: `wanted` where more exist, else 90 % of all, so that repeats differ.
///
/// In-sample R² grows as the subset shrinks: channels of noise give p / (size - 1), not p / (n - 1).
pub(super) fn subset_size(available: usize, wanted: usize) -> usize {
    if available > wanted {
        wanted
    } else {
        available * 9 / 10
    }
}

/// Mean and standard error of in-sample R² over `repeats` subsets, for each column of `y`.
pub(super) fn r2_paper(
    x: &Matrix,
    y: &Matrix,
    wanted: usize,
    repeats: usize,
    seed: u64,
) -> Result<Vec<(f64, Option<f64>)>, spolia_stats::Error> {
    let size = subset_size(x.rows(), wanted);
    let r2s: Vec<Vec<f64>> = (0..repeats as u64)
        .into_par_iter()
        .map(|repeat| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(SUBSET_STREAM + repeat);
            let mut rows = sample(&mut rng, x.rows(), size).into_vec();
            // Sorted: the sums do not depend on the order of the draw.
            rows.sort_unstable();
            let fits = ols(&x.select_rows(&rows), &y.select_rows(&rows))?;
            Ok(fits.into_iter().map(|fit| fit.r2).collect())
        })
        .collect::<Result<_, spolia_stats::Error>>()?;
    Ok((0..y.cols())
        .map(|target| {
            let values: Vec<f64> = r2s.iter().map(|repeat| repeat[target]).collect();
            (mean(&values), standard_error(&values))
        })
        .collect())
}
