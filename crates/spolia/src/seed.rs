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

#[cfg(test)]
mod tests {
    use super::derive;

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
