//! Directions that mean nothing: of shuffled concepts, which the regression finds where there is nothing to find, and
//! of no concept at all.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use spolia_stats::{Estimator, Evaluation, Matrix, fit, permuted_rows};

use super::Error;

/// For each of `concepts` (one value per image each), the directions of `number` shuffles of it, whole groups at a time:
/// `estimator` on the layer's `activations` (images x `channels`), its hyperparameter by cross-validation over groups, as
/// for the concept itself. All share one decomposition.
///
/// # Errors
/// [`Error::Statistics`] for too few images or groups, or an activation that is no number.
pub fn shuffled_directions(
    (network, layer): (&str, &str),
    (activations, channels): (&[f32], usize),
    concepts: &[&[f64]],
    groups: &[usize],
    (estimator, number): (Estimator, usize),
    seed: u64,
) -> Result<Vec<Vec<Vec<f64>>>, Error> {
    let targets: Vec<Vec<f64>> = concepts
        .iter()
        .enumerate()
        .flat_map(|(k, values)| {
            (0..number).map(move |shuffle| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream((k * number + shuffle) as u64);
                let rows = permuted_rows(groups, &mut rng);
                rows.into_iter().map(|row| values[row]).collect()
            })
        })
        .collect();
    let columns: Vec<&[f64]> = targets.iter().map(Vec::as_slice).collect();
    let inner = Evaluation::default().inner_folds;
    let fits = Matrix::from_f32(groups.len(), channels, activations)
        .and_then(|x| Ok((x, Matrix::from_columns(&columns)?)))
        .and_then(|(x, y)| fit(&x, &y, groups, estimator, inner, seed))
        .map_err(|source| Error::Statistics {
            network: network.to_owned(),
            layer: layer.to_owned(),
            source,
        })?;
    let mut directions = fits.into_iter().map(|f| f.coefficients);
    Ok(concepts
        .iter()
        .map(|_| directions.by_ref().take(number).collect())
        .collect())
}

/// `number` directions of `width` features, drawn evenly from all directions: what any direction gives, whether the layer
/// uses it or not (Kim et al. 2018 test against vectors of random images instead).
#[must_use]
pub fn random_directions(width: usize, number: usize, seed: u64) -> Vec<Vec<f64>> {
    (0..number)
        .map(|k| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(k as u64);
            (0..width).map(|_| rng.sample(StandardNormal)).collect()
        })
        .collect()
}
