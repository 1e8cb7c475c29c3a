//! The gray-level co-occurrence matrix: how often gray level `j` lies at an offset from level `i`.
//!
//! Haralick, Shanmugam, Dinstein, *Textural features for image classification*, 1973. Offsets are
//! those of `skimage.feature.graycomatrix`.

use crate::texture::{Binning, Convention, Matrix, Selected, Sums, Table, count};
use crate::{Error, Feature, Gray, Offset};

/// Direction from the first to the second pixel of a pair, in the order of Haralick's paper.
///
/// Rows count downwards and the second pixel lies at (row + sin, column + cos), as in
/// scikit-image; on the screen 45 degrees therefore points down to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// 0 degrees: the pixel to the right.
    Deg0,
    /// 45 degrees: one row below, one column to the right.
    Deg45,
    /// 90 degrees: the pixel below.
    Deg90,
    /// 135 degrees: one row below, one column to the left.
    Deg135,
}

impl Direction {
    /// All four directions.
    pub const ALL: [Self; 4] = [Self::Deg0, Self::Deg45, Self::Deg90, Self::Deg135];

    /// The angle in degrees.
    #[must_use]
    pub fn degrees(self) -> u32 {
        match self {
            Self::Deg0 => 0,
            Self::Deg45 => 45,
            Self::Deg90 => 90,
            Self::Deg135 => 135,
        }
    }

    /// A step of `distance` pixels. The length is Euclidean and each part is rounded, so that
    /// distance 2 at 45 degrees is (1, 1), as in scikit-image.
    fn offset(self, distance: u32) -> Result<Offset, Error> {
        let radians = f64::from(self.degrees()).to_radians();
        Offset::polar(distance.into(), radians).map_err(|error| match distance {
            0 => error,
            _ => Error::FarDistance { distance },
        })
    }
}

/// What a co-occurrence matrix counts. The default is the paper's (Graziani et al. 2019):
/// distance 1, 0 degrees, 256 levels, symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlcmOptions {
    /// Distance between the pixels of a pair, in pixels, at least 1.
    pub distance: u32,
    /// Direction from the first to the second pixel.
    pub direction: Direction,
    /// Gray levels, 2 to 256; every pixel must lie below.
    pub levels: usize,
    /// Whether a pair (i, j) also counts as (j, i).
    pub symmetric: bool,
}

impl Default for GlcmOptions {
    fn default() -> Self {
        Self {
            distance: 1,
            direction: Direction::Deg0,
            levels: 256,
            symmetric: true,
        }
    }
}

/// A gray-level co-occurrence matrix of one image, distance and direction, which owns its memory;
/// its measures are `skimage.feature.graycoprops`'. A [`Workspace`](crate::Workspace) counts several
/// offsets at once and knows more features.
#[derive(Debug, Clone)]
pub struct Glcm {
    levels: usize,
    low: usize,
    table: Table,
    sums: Sums,
}

/// Two matrices are equal where their levels and counts are.
impl PartialEq for Glcm {
    fn eq(&self, other: &Self) -> bool {
        (self.levels, self.low) == (other.levels, other.low) && self.table == other.table
    }
}

impl Eq for Glcm {}

impl Glcm {
    /// Counts the pairs of `image`.
    ///
    /// # Errors
    /// [`Error::Levels`], [`Error::ZeroDistance`], [`Error::FarDistance`] for options out of range,
    /// [`Error::PixelAboveLevels`] for a pixel that the levels do not hold, [`Error::NoPairs`] for
    /// an image smaller than the offset, [`Error::TooLarge`] beyond 2^32 pixels.
    pub fn new(image: &Gray, options: GlcmOptions) -> Result<Self, Error> {
        let GlcmOptions {
            distance,
            direction,
            levels: number,
            symmetric,
        } = options;
        let selected = Selected::new(image, None)?;
        let mut pixels = Vec::new();
        let levels = Binning::Levels(number).apply(&selected, &mut pixels)?;
        let mut table = [Table::new()];
        count(
            &selected,
            &pixels,
            levels.high - levels.low + 1,
            symmetric,
            &[direction.offset(distance)?],
            &mut table,
            &mut Default::default(),
        );
        let [table] = table;
        let mut sums = Sums::default();
        sums.sweep(&table);
        if sums.total == 0 {
            return Err(Error::NoPairs {
                width: image.width(),
                height: image.height(),
                distance,
                degrees: direction.degrees(),
            });
        }
        Ok(Self {
            levels: number,
            low: levels.low,
            table,
            sums,
        })
    }

    /// Gray levels: the matrix is `levels x levels`.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Whether a pair counts in both orders.
    #[must_use]
    pub fn symmetric(&self) -> bool {
        self.table.symmetric()
    }

    /// How often level `j` lies at the offset from level `i` (0 for levels that do not occur).
    #[must_use]
    pub fn count(&self, i: usize, j: usize) -> u64 {
        self.table.at_levels(self.low, i, j)
    }

    /// Sum of all counts.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.sums.total
    }

    /// Probability of the pair of levels (i, j): its count over the total.
    #[must_use]
    pub fn probability(&self, i: usize, j: usize) -> f64 {
        self.count(i, j) as f64 / self.total() as f64
    }

    /// A feature of the matrix by scikit-image's convention.
    #[must_use]
    pub fn get(&self, feature: Feature) -> f64 {
        feature.of(&Matrix {
            convention: Convention::ScikitImage,
            first: self.low,
            number: self.levels,
            table: &self.table,
            sums: &self.sums,
        })
    }

    /// Angular second moment: sum of `p(i, j)²`. 1 for a constant image.
    #[must_use]
    pub fn asm(&self) -> f64 {
        self.get(Feature::Asm)
    }

    /// Energy: the square root of the angular second moment.
    #[must_use]
    pub fn energy(&self) -> f64 {
        self.get(Feature::Energy)
    }

    /// Contrast: sum of `p(i, j) (i - j)²`, in squared gray levels. 0 for a constant image.
    #[must_use]
    pub fn contrast(&self) -> f64 {
        self.get(Feature::Contrast)
    }

    /// Dissimilarity: sum of `p(i, j) |i - j|`, in gray levels. 0 for a constant image.
    #[must_use]
    pub fn dissimilarity(&self) -> f64 {
        self.get(Feature::Dissimilarity)
    }

    /// Homogeneity (inverse difference moment): sum of `p(i, j) / (1 + (i - j)²)`. 1 for a
    /// constant image.
    #[must_use]
    pub fn homogeneity(&self) -> f64 {
        self.get(Feature::Homogeneity)
    }

    /// Correlation of the two levels of a pair, -1 to 1. 1 where either has no variance, as for a
    /// constant image.
    #[must_use]
    pub fn correlation(&self) -> f64 {
        self.get(Feature::Correlation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!(
            (got - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            "got {got}, expected {expected}"
        );
    }

    /// The image of scikit-image's documentation.
    fn four_by_four(direction: Direction, distance: u32) -> Glcm {
        let pixels = vec![0, 0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 2, 3, 3];
        let options = GlcmOptions {
            distance,
            direction,
            levels: 4,
            symmetric: true,
        };
        Glcm::new(&Gray::new(pixels, 4, 4).unwrap(), options).unwrap()
    }

    #[test]
    fn four_directions() {
        // 21/144, 19/162, 20/144, 24/162 and so on: small enough to count by hand.
        let asm = [21.0 / 144.0, 19.0 / 162.0, 20.0 / 144.0, 24.0 / 162.0];
        let contrast = [7.0 / 12.0, 16.0 / 9.0, 1.0, 4.0 / 9.0];
        let correlation = [0.719_532_554_257, 7.0 / 43.0, 17.0 / 35.0, 25.0 / 34.0];
        for (k, direction) in Direction::ALL.into_iter().enumerate() {
            let glcm = four_by_four(direction, 1);
            close(glcm.asm(), asm[k]);
            close(glcm.energy(), asm[k].sqrt());
            close(glcm.contrast(), contrast[k]);
            close(glcm.correlation(), correlation[k]);
        }
    }

    #[test]
    fn homogeneity_and_distance() {
        close(four_by_four(Direction::Deg0, 1).homogeneity(), 9.7 / 12.0);
        close(four_by_four(Direction::Deg0, 2).correlation(), 7.0 / 17.0);
    }

    #[test]
    fn a_constant_image_has_one_value() {
        let glcm = Glcm::new(
            &Gray::new(vec![200; 12], 4, 3).unwrap(),
            GlcmOptions::default(),
        )
        .unwrap();
        assert_eq!(glcm.asm(), 1.0);
        assert_eq!(glcm.contrast(), 0.0);
        assert_eq!(glcm.correlation(), 1.0);
        assert_eq!(glcm.dissimilarity(), 0.0);
        assert_eq!(glcm.homogeneity(), 1.0);
        assert_eq!(glcm.energy(), 1.0);
    }
}
