use spolia_measure::nuclei::InstanceMask;

use super::Localization;
use crate::Error;

/// The pixels of an image that a map ought to find, and those within a tolerance of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    width: usize,
    height: usize,
    inside: Vec<bool>,
    near: Vec<bool>,
    area: usize,
}

impl Region {
    /// Wraps a mask, row by row. The pointing game forgives a maximum up to `tolerance` pixels (Euclidean, centre to
    /// centre) from the region; 15 in its paper, for photographs, 0 in most tools.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of values or none, [`Error::Setting`] for a tolerance that is negative or no
    /// number.
    pub fn new(
        inside: Vec<bool>,
        width: usize,
        height: usize,
        tolerance: f64,
    ) -> Result<Self, Error> {
        if inside.is_empty() || inside.len() != width * height {
            return Err(Error::Shape {
                what: "mask".into(),
                expected: format!("{width} x {height} values, at least one"),
                got: inside.len().to_string(),
            });
        }
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            return Err(Error::Setting {
                what: "the tolerance of the pointing game",
                value: tolerance.to_string(),
                allowed: "0 or more pixels",
            });
        }
        Ok(Self {
            near: within(&inside, width, tolerance),
            area: inside.iter().filter(|i| **i).count(),
            width,
            height,
            inside,
        })
    }

    /// All nuclei of an instance mask.
    ///
    /// # Errors
    /// As [`Region::new`].
    pub fn of_nuclei(mask: &InstanceMask, tolerance: f64) -> Result<Self, Error> {
        let inside = mask.labels().iter().map(|&label| label != 0).collect();
        Self::new(inside, mask.width(), mask.height(), tolerance)
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Number of pixels.
    #[must_use]
    pub fn area(&self) -> usize {
        self.area
    }

    /// Whether each pixel belongs to it, row by row.
    #[must_use]
    pub fn inside(&self) -> &[bool] {
        &self.inside
    }

    pub(super) fn near(&self) -> &[bool] {
        &self.near
    }

    /// What a map scores on average that knows nothing, one value per pixel, in any order; none where nothing or
    /// everything is inside.
    #[must_use]
    pub fn chance(&self) -> Option<Localization> {
        let pixels = self.inside.len();
        if self.area == 0 || self.area == pixels {
            return None;
        }
        let share = self.area as f64 / pixels as f64;
        let near = self.near.iter().filter(|n| **n).count();
        Some(Localization {
            pointing: near as f64 / pixels as f64,
            energy: share,
            top_share: share,
            enrichment: 1.0,
            auc: 0.5,
        })
    }
}

/// The pixels with one of `inside` at most `tolerance` away.
fn within(inside: &[bool], width: usize, tolerance: f64) -> Vec<bool> {
    let height = inside.len() / width;
    // Distance along the row to the nearest pixel inside.
    let mut along = vec![f64::INFINITY; inside.len()];
    for y in 0..height {
        let row = &inside[y * width..(y + 1) * width];
        for backwards in [false, true] {
            let mut distance = f64::INFINITY;
            for i in 0..width {
                let x = if backwards { width - 1 - i } else { i };
                distance = if row[x] { 0.0 } else { distance + 1.0 };
                let slot = &mut along[y * width + x];
                *slot = slot.min(distance);
            }
        }
    }
    let reach = tolerance.floor().min(height as f64) as usize;
    (0..inside.len())
        .map(|pixel| {
            let (x, y) = (pixel % width, pixel / width);
            (y.saturating_sub(reach)..=(y + reach).min(height - 1)).any(|other| {
                let across = other.abs_diff(y) as f64;
                let along = along[other * width + x];
                across * across + along * along <= tolerance * tolerance
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One pixel in the middle of 7 x 7 grows into the 13 pixels within 2 px, the 21 within sqrt(5).
    #[test]
    fn discs() {
        let mut inside = vec![false; 49];
        inside[24] = true;
        for (tolerance, expected) in [
            (0.0, 1),
            (1.0, 5),
            (1.5, 9),
            (2.0, 13),
            (2.24, 21),
            (9.0, 49),
        ] {
            let near = within(&inside, 7, tolerance);
            assert_eq!(near.iter().filter(|n| **n).count(), expected, "{tolerance}");
        }
        let region = Region::new(inside, 7, 7, 1.0).unwrap();
        let chance = region.chance().unwrap();
        assert_eq!((chance.pointing, chance.energy), (5.0 / 49.0, 1.0 / 49.0));
    }

    #[test]
    fn what_is_refused() {
        assert!(Region::new(vec![true; 3], 2, 2, 0.0).is_err());
        assert!(Region::new(vec![], 0, 0, 0.0).is_err());
        assert!(Region::new(vec![true; 4], 2, 2, -1.0).is_err());
        let mask = InstanceMask::new(vec![0, 7, 3, 0], 2, 2).unwrap();
        assert_eq!(Region::of_nuclei(&mask, 0.0).unwrap().area(), 2);
    }
}
