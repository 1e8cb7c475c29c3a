use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{Error, attention::Map};

/// The pixels of an image of `rows` x `columns` by falling attention, the map resized to it. Equal values come in
/// random order, so that a flat map ranks pixels as chance does, not row by row.
pub(super) fn ranking(
    map: &Map,
    [rows, columns]: [usize; 2],
    seed: u64,
) -> Result<Vec<usize>, Error> {
    map.check()?;
    let resized = map.resized(columns, rows);
    let mut order: Vec<usize> = (0..rows * columns).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order.sort_by(|&a, &b| resized.values[b].total_cmp(&resized.values[a]));
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strongest_first_and_ties_at_random() {
        let map = |values: Vec<f32>| Map {
            height: 1,
            width: values.len(),
            values,
        };
        assert_eq!(
            ranking(&map(vec![0.2, 0.9, 0.0]), [1, 3], 1).unwrap(),
            [1, 0, 2]
        );
        let flat = ranking(&map(vec![1.0; 50]), [1, 50], 1).unwrap();
        assert_ne!(flat, (0..50).collect::<Vec<_>>());
        assert_eq!(flat, ranking(&map(vec![1.0; 50]), [1, 50], 1).unwrap());
        assert!(ranking(&map(vec![f32::NAN]), [1, 1], 1).is_err());
        assert!(ranking(&map(vec![]), [1, 1], 1).is_err());
    }
}
