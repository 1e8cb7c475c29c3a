//! Where the second pixel of a pair lies: distance and direction as each library reads them.

use crate::Error;

/// From the first to the second pixel of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Offset {
    /// Rows down (negative: up).
    pub down: i32,
    /// Columns to the right (negative: to the left).
    pub right: i32,
}

impl Offset {
    /// scikit-image's: (round(d sin a), round(d cos a)), halves away from zero. `distance` in
    /// pixels is Euclidean, so that 2 at 45 degrees is one row and one column.
    ///
    /// # Errors
    /// [`Error::ZeroDistance`] where both parts round to zero or are not finite.
    pub fn polar(distance: f64, radians: f64) -> Result<Self, Error> {
        let (down, right) = (
            (radians.sin() * distance).round(),
            (radians.cos() * distance).round(),
        );
        let reach = down.abs().max(right.abs());
        if reach >= 1.0 && reach <= f64::from(i32::MAX) {
            Ok(Self {
                down: down as i32,
                right: right as i32,
            })
        } else {
            Err(Error::ZeroDistance)
        }
    }

    /// Haralick's four directions (0, 45, 90, 135 degrees) in the order of mahotas: right, down
    /// right, down, down left. `distance` counts columns and rows, so that 2 at 45 degrees is two
    /// rows and two columns.
    ///
    /// # Errors
    /// [`Error::ZeroDistance`].
    pub fn four(distance: u32) -> Result<Vec<Self>, Error> {
        let d = checked(distance)?;
        Ok([(0, d), (d, d), (d, 0), (d, -d)]
            .into_iter()
            .map(|(down, right)| Self { down, right })
            .collect())
    }

    /// pyradiomics' angles in the plane: every pixel of the square ring at `distance` (the larger
    /// of rows and columns), one of each opposite two. Four at distance 1, eight at 2; in
    /// pyradiomics' order.
    ///
    /// # Errors
    /// [`Error::ZeroDistance`].
    pub fn ring(distance: u32) -> Result<Vec<Self>, Error> {
        let d = checked(distance)?;
        let mut ring = Vec::new();
        for down in (0..=d).rev() {
            for right in (-d..=d).rev() {
                let ahead = down > 0 || right > 0;
                if ahead && down.max(right.abs()) == d {
                    ring.push(Self { down, right });
                }
            }
        }
        Ok(ring)
    }
}

fn checked(distance: u32) -> Result<i32, Error> {
    // Beyond 2^20 pixels no pair exists and the ring would fill memory.
    match i32::try_from(distance) {
        Ok(0) => Err(Error::ZeroDistance),
        Ok(d) if d <= 1 << 20 => Ok(d),
        _ => Err(Error::FarDistance { distance }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

    fn parts(offsets: &[Offset]) -> Vec<(i32, i32)> {
        offsets.iter().map(|o| (o.down, o.right)).collect()
    }

    #[test]
    fn scikit_image_rounds_a_euclidean_step() {
        let at = |d, a| Offset::polar(d, a).map(|o| (o.down, o.right));
        assert_eq!(at(2.0, FRAC_PI_4), Ok((1, 1)));
        assert_eq!(at(3.0, FRAC_PI_4), Ok((2, 2)));
        assert_eq!(at(1.0, FRAC_PI_2), Ok((1, 0)));
        assert_eq!(at(1.0, PI), Ok((0, -1)));
        assert_eq!(at(0.4, 0.0), Err(Error::ZeroDistance));
        assert_eq!(at(f64::NAN, 0.0), Err(Error::ZeroDistance));
    }

    #[test]
    fn the_ring_of_pyradiomics() {
        assert_eq!(
            parts(&Offset::ring(1).unwrap()),
            [(1, 1), (1, 0), (1, -1), (0, 1)]
        );
        assert_eq!(
            parts(&Offset::ring(2).unwrap()),
            [
                (2, 2),
                (2, 1),
                (2, 0),
                (2, -1),
                (2, -2),
                (1, 2),
                (1, -2),
                (0, 2)
            ]
        );
        assert_eq!(Offset::ring(0), Err(Error::ZeroDistance));
    }

    #[test]
    fn the_four_of_mahotas() {
        assert_eq!(
            parts(&Offset::four(3).unwrap()),
            [(0, 3), (3, 3), (3, 0), (3, -3)]
        );
        assert!(Offset::four(u32::MAX).is_err());
    }
}
