//! Which concepts carry the centre? How much of a concept differs between centres, and what a layer still tells without it.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use spolia_stats::{mean, permuted_rows};

use super::{Categories, ClassOptions, Concept, Error, classify};

/// How much of a concept differs between categories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Between {
    /// η²: the share of the concept's variance that lies between the categories (Fisher's correlation ratio).
    pub eta_squared: f64,
    /// The same where whole groups' categories are permuted, on average.
    pub null: f64,
    /// (1 + permutations with an η² at least as large) / (1 + permutations).
    pub p: f64,
}

/// How much of `concept` lies between the `categories`, beside `permutations` of it over whole `groups`.
#[must_use]
pub fn between(
    concept: &Concept,
    categories: &Categories,
    groups: &[usize],
    permutations: usize,
    seed: u64,
) -> Between {
    let found = eta_squared(&concept.values, categories);
    let scores: Vec<f64> = (0..permutations)
        .map(|k| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(k as u64);
            let rows = permuted_rows(groups, &mut rng);
            let values: Vec<f64> = rows.into_iter().map(|row| concept.values[row]).collect();
            eta_squared(&values, categories)
        })
        .collect();
    let beyond = scores.iter().filter(|s| **s >= found - 1e-12).count();
    Between {
        eta_squared: found,
        null: mean(&scores),
        p: (1 + beyond) as f64 / (1 + permutations) as f64,
    }
}

fn eta_squared(values: &[f64], categories: &Categories) -> f64 {
    let all = mean(values);
    let total: f64 = values.iter().map(|v| (v - all).powi(2)).sum();
    let mut sums = vec![(0.0, 0usize); categories.names.len()];
    for (value, &label) in values.iter().zip(&categories.labels) {
        sums[label].0 += value;
        sums[label].1 += 1;
    }
    let between: f64 = sums
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(sum, n)| (sum / *n as f64 - all).powi(2) * *n as f64)
        .sum();
    if total > 0.0 { between / total } else { 0.0 }
}

/// Held-out balanced accuracy of the categories on a layer from which the concept is taken out: every feature less its
/// least-squares line on the concept, over all images. `options.c` is best that of the layer as it is, so that the two
/// accuracies compare. None where [`classify`] gives none.
///
/// # Errors
/// As [`classify`].
pub fn accuracy_without(
    place: (&str, &str),
    (activations, channels): (&[f32], usize),
    concept: &Concept,
    categories: &Categories,
    groups: &[usize],
    options: ClassOptions,
) -> Result<Option<f64>, Error> {
    let left = taken_out(activations, channels, &concept.values);
    let options = ClassOptions {
        permutations: 0,
        ..options
    };
    let found = classify(place, (&left, channels), categories, groups, options)?;
    Ok(found.row.scores.map(|s| s.balanced_accuracy))
}

fn taken_out(activations: &[f32], channels: usize, concept: &[f64]) -> Vec<f32> {
    let n = concept.len() as f64;
    let centre = mean(concept);
    let variance: f64 = concept.iter().map(|v| (v - centre).powi(2)).sum();
    let mut means = vec![0.0; channels];
    let mut products = vec![0.0; channels];
    for (row, value) in activations.chunks_exact(channels.max(1)).zip(concept) {
        for ((m, p), a) in means.iter_mut().zip(&mut products).zip(row) {
            *m += f64::from(*a) / n;
            *p += f64::from(*a) * (value - centre);
        }
    }
    let rows = activations.chunks_exact(channels.max(1)).zip(concept);
    rows.flat_map(|(row, value)| {
        row.iter()
            .zip(&products)
            .map(|(a, p)| {
                let slope = if variance > 0.0 { p / variance } else { 0.0 };
                (f64::from(*a) - slope * (value - centre)) as f32
            })
            .collect::<Vec<_>>()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concept(values: &[f64]) -> Concept {
        Concept {
            id: "c".into(),
            values: values.to_vec(),
        }
    }

    #[test]
    fn correlation_ratio_by_hand() {
        // Means 1 and 3 about 2: 4 of a total of 8 lies between.
        let values = [0.0, 2.0, 2.0, 4.0];
        let two = Categories::new("centre", &["a", "a", "b", "b"]);
        assert_eq!(eta_squared(&values, &two), 0.5);
        let found = between(&concept(&values), &two, &[0, 1, 2, 3], 199, 3);
        assert_eq!(found.eta_squared, 0.5);
        // Two of the three ways to pair the values reach it: 0 with either 2.
        assert!((0.5..0.8).contains(&found.p), "{found:?}");
        assert_eq!(eta_squared(&[1.0; 4], &two), 0.0);
    }

    #[test]
    fn a_concept_taken_out_leaves_no_line() {
        let values = [1.0, 2.0, 4.0, 7.0];
        let activations: Vec<f32> = values
            .iter()
            .zip([0.5f32, -0.5, 0.25, 0.0])
            .flat_map(|(v, e)| [3.0 * *v as f32 + 1.0, e])
            .collect();
        let left = taken_out(&activations, 2, &values);
        let first: Vec<f32> = left.iter().step_by(2).copied().collect();
        assert!(
            first.iter().all(|v| (v - first[0]).abs() < 1e-5),
            "{first:?}"
        );
        let slope: f64 = left
            .iter()
            .skip(1)
            .step_by(2)
            .zip(values)
            .map(|(e, v)| f64::from(*e) * (v - 3.5))
            .sum();
        assert!(slope.abs() < 1e-5);
    }
}
