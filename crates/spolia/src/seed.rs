//! The one seed scheme: every step and item has its own random stream.
//!
//! A stream depends on the study's seed and on names alone, never on the order in which items are
//! worked on, so that a run gives the same bytes whatever the number of threads and wherever it was
//! interrupted. Feed the result to `rand_chacha::ChaCha8Rng::seed_from_u64`.

use sha2::{Digest, Sha256};

/// The seed of `item` in `step`: the first 8 bytes (little endian) of the SHA-256 of
/// `"spolia seed"`, the seed (8 bytes, little endian), and both names, each after its length
/// (8 bytes, little endian).
///
/// ```
/// use spolia::seed::derive;
/// assert_ne!(derive(7, "train/random", "epoch 1"), derive(7, "train/random", "epoch 2"));
/// assert_ne!(derive(7, "ab", "c"), derive(7, "a", "bc"));
/// ```
pub fn derive(seed: u64, step: &str, item: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(b"spolia seed");
    hash.update(seed.to_le_bytes());
    for name in [step, item] {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
    }
    let digest = hash.finalize();
    digest[..8]
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Up to `most` of `items` (a place and an id each), drawn by the seed, in the order of their places: which ones depends on
/// their ids and the seed alone.
pub fn draw<'a>(
    seed: u64,
    step: &str,
    items: impl Iterator<Item = (usize, &'a str)>,
    most: usize,
) -> Vec<usize> {
    let mut drawn: Vec<(u64, usize)> = items
        .map(|(place, id)| (derive(seed, step, id), place))
        .collect();
    drawn.sort_unstable();
    let mut places: Vec<usize> = drawn.into_iter().take(most).map(|d| d.1).collect();
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::{derive, draw};

    #[test]
    fn a_draw_depends_on_ids_alone() {
        let ids = ["a", "b", "c", "d", "e"];
        let of = |most| draw(7, "draw", ids.iter().copied().enumerate(), most);
        assert_eq!(of(9), [0, 1, 2, 3, 4]);
        let three = of(3);
        assert!(three.len() == 3 && three.is_sorted());
        let backwards = ids.iter().rev().copied().enumerate();
        let names: Vec<&str> = draw(7, "draw", backwards, 3)
            .iter()
            .rev()
            .map(|&k| ids[4 - k])
            .collect();
        assert_eq!(names, three.iter().map(|&k| ids[k]).collect::<Vec<_>>());
    }

    /// `int.from_bytes(sha256(b"spolia seed" + le8(7) + le8(5) + b"train" + le8(0)).digest()[:8], "little")`
    #[test]
    fn seeds_are_those_of_the_documented_scheme() {
        assert_eq!(derive(7, "train", ""), SEVEN_TRAIN);
        assert_eq!(
            derive(u64::MAX, "visualize/random", "Mixed_5b/3"),
            LAST_VISUALIZE
        );
    }

    const SEVEN_TRAIN: u64 = 4_192_885_096_931_870_130;
    const LAST_VISUALIZE: u64 = 8_679_823_402_881_129_795;
}
