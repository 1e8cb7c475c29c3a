//! The paper's recipe: SGD with Nesterov momentum, learning rate decay per step, shuffled batches.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::Sgd;

/// How a network is finetuned.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Passes over the training patches.
    pub epochs: usize,
    /// Learning rate at the first step.
    pub learning_rate: f64,
    /// Decay per step: rate / (1 + decay step), as Keras's SGD.
    pub decay: f64,
    /// Nesterov momentum.
    pub momentum: f64,
    /// Patches a step.
    pub batch: usize,
    /// A new order every epoch, else the table's.
    pub shuffle: bool,
}

impl Default for Recipe {
    /// The paper's: 30 epochs, 1e-4, 1e-6, .9, 32.
    fn default() -> Self {
        Self {
            epochs: 30,
            learning_rate: 1e-4,
            decay: 1e-6,
            momentum: 0.9,
            batch: 32,
            shuffle: true,
        }
    }
}

impl Recipe {
    /// The optimiser's numbers at a step, counted from 0 over all epochs.
    #[must_use]
    pub fn at(&self, step: u64) -> Sgd {
        Sgd {
            rate: self.learning_rate / (1.0 + self.decay * step as f64),
            momentum: self.momentum,
        }
    }

    /// The batches of an epoch (from 0) over `items` patches: indices, in order. A last batch of less than half the
    /// size joins the one before, so that batch norm never sees a handful of patches.
    #[must_use]
    pub fn batches(&self, items: usize, epoch: usize, seed: u64) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..items).collect();
        if self.shuffle {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(epoch as u64);
            order.shuffle(&mut rng);
        }
        let mut batches: Vec<Vec<usize>> = order
            .chunks(self.batch.max(1))
            .map(<[usize]>::to_vec)
            .collect();
        if batches.len() > 1
            && let Some(rest) = batches.pop_if(|last| 2 * last.len() < self.batch)
            && let Some(before) = batches.last_mut()
        {
            before.extend(rest);
        }
        batches
    }
}

/// Mean binary cross-entropy of logits, and its gradient.
pub(crate) fn cross_entropy(logits: &[f32], labels: &[f32]) -> (f32, Vec<f32>) {
    let n = labels.len() as f64;
    let mut loss = 0.0;
    let gradient = logits
        .iter()
        .zip(labels)
        .map(|(&z, &y)| {
            let (z, y) = (f64::from(z), f64::from(y));
            loss += z.max(0.0) - z * y + (-z.abs()).exp().ln_1p();
            ((1.0 / (1.0 + (-z).exp()) - y) / n) as f32
        })
        .collect();
    ((loss / n) as f32, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_decays_per_step() {
        let recipe = Recipe::default();
        assert_eq!(recipe.at(0).rate, 1e-4);
        assert!((recipe.at(1_000_000).rate - 5e-5).abs() < 1e-18);
    }

    #[test]
    fn every_patch_once_an_epoch() {
        let recipe = Recipe {
            batch: 32,
            ..Recipe::default()
        };
        for (items, sizes) in [
            (64, vec![32, 32]),
            (70, vec![32, 38]),
            (80, vec![32, 32, 16]),
            (5, vec![5]),
        ] {
            let batches = recipe.batches(items, 3, 1);
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
            let mut all: Vec<usize> = batches.concat();
            assert_eq!(all, recipe.batches(items, 3, 1).concat());
            assert!(items < 10 || all != recipe.batches(items, 4, 1).concat());
            all.sort_unstable();
            assert_eq!(all, (0..items).collect::<Vec<_>>());
        }
        let fixed = Recipe {
            shuffle: false,
            ..recipe
        };
        assert_eq!(fixed.batches(3, 0, 1), [[0, 1, 2]]);
    }
}
