//! The gray-level co-occurrence matrix: how often gray level `j` lies at an offset from level `i`.
//!
//! Haralick, Shanmugam, Dinstein, *Textural features for image classification*, 1973. Offsets are
//! those of `skimage.feature.graycomatrix`.

use crate::{Error, Gray};

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

    /// (rows down, columns right) of a step of `distance` pixels. The length is Euclidean and each
    /// part is rounded, so that distance 2 at 45 degrees is (1, 1), as in scikit-image.
    fn offset(self, distance: u32) -> (usize, isize) {
        let straight = distance as usize;
        let diagonal = (f64::from(distance) * std::f64::consts::FRAC_1_SQRT_2).round() as usize;
        match self {
            Self::Deg0 => (0, straight as isize),
            Self::Deg45 => (diagonal, diagonal as isize),
            Self::Deg90 => (straight, 0),
            Self::Deg135 => (diagonal, -(diagonal as isize)),
        }
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

/// A gray-level co-occurrence matrix of one image, distance and direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glcm {
    levels: usize,
    symmetric: bool,
    /// Counts of pairs (first, second) for the levels `low..=high` alone, which fit a nearer cache.
    /// If symmetric, a pair is counted once, in the upper triangle, whatever its order.
    cells: Vec<u32>,
    pub(crate) sums: PairSums,
    /// Lowest and highest level of the image.
    pub(crate) low: usize,
    pub(crate) high: usize,
}

/// Exact sums over the pairs (a, b) as they lie in the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PairSums {
    pub pairs: u64,
    pub a: u64,
    pub b: u64,
    pub aa: u64,
    pub bb: u64,
    pub ab: u64,
    /// Sum of |a - b|.
    pub difference: u64,
}

impl Glcm {
    /// Counts the pairs of `image`.
    ///
    /// # Errors
    /// [`Error::Levels`], [`Error::ZeroDistance`] for options out of range,
    /// [`Error::PixelAboveLevels`] for a pixel that the levels do not hold, [`Error::NoPairs`] for
    /// an image smaller than the offset, [`Error::TooLarge`] beyond 2^32 pixels.
    pub fn new(image: &Gray, options: GlcmOptions) -> Result<Self, Error> {
        let GlcmOptions {
            distance,
            direction,
            levels,
            symmetric,
        } = options;
        let (width, height) = (image.width(), image.height());
        if !(2..=256).contains(&levels) {
            return Err(Error::Levels { levels });
        }
        if distance == 0 {
            return Err(Error::ZeroDistance);
        }
        if image.pixels().len() >= u32::MAX as usize {
            return Err(Error::TooLarge { width, height });
        }
        let (mut low, mut high) = (u8::MAX, 0);
        for &pixel in image.pixels() {
            low = low.min(pixel);
            high = high.max(pixel);
        }
        if usize::from(high) >= levels {
            return Err(Error::PixelAboveLevels {
                value: high,
                levels,
            });
        }
        let (down, right) = direction.offset(distance);
        let across = right.unsigned_abs();
        if down >= height || across >= width {
            return Err(Error::NoPairs {
                width,
                height,
                distance,
                degrees: direction.degrees(),
            });
        }

        let (low, high) = (usize::from(low), usize::from(high));
        let span = high - low + 1;
        let start = low * span + low;
        let mut cells = vec![0_u32; span * span];
        let mut sums = PairSums::default();
        for y in 0..height - down {
            let (first, second) = (image.row(y), image.row(y + down));
            let (first, second) = if right >= 0 {
                (&first[..width - across], &second[across..])
            } else {
                (&first[across..], &second[..width - across])
            };
            if symmetric {
                count(&mut cells, first, second, |a, b| {
                    usize::from(a.min(b)) * span + usize::from(a.max(b)) - start
                });
            } else {
                count(&mut cells, first, second, |a, b| {
                    usize::from(a) * span + usize::from(b) - start
                });
            }
            sums.add(first, second);
        }
        Ok(Self {
            levels,
            symmetric,
            cells,
            sums,
            low,
            high,
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
        self.symmetric
    }

    /// How often level `j` lies at the offset from level `i` (0 for levels that do not occur).
    #[must_use]
    pub fn count(&self, i: usize, j: usize) -> u64 {
        let occurring = self.low..=self.high;
        if !occurring.contains(&i) || !occurring.contains(&j) {
            return 0;
        }
        if !self.symmetric {
            return self.cell(i, j);
        }
        // A pair of equal levels counts once in each order, in the same cell.
        let twice = if i == j { 2 } else { 1 };
        twice * self.cell(i.min(j), i.max(j))
    }

    /// Sum of all counts.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.sums.pairs * if self.symmetric { 2 } else { 1 }
    }

    /// Probability of the pair of levels (i, j): its count over the total.
    #[must_use]
    pub fn probability(&self, i: usize, j: usize) -> f64 {
        self.count(i, j) as f64 / self.total() as f64
    }

    fn cell(&self, i: usize, j: usize) -> u64 {
        self.cells[(i - self.low) * self.span() + j - self.low].into()
    }

    /// Row `i` of the stored cells, from its first to its last cell that can be non-zero, and the
    /// level of the first.
    pub(crate) fn stored_row(&self, i: usize) -> (usize, &[u32]) {
        let first = if self.symmetric { i } else { self.low };
        let row = (i - self.low) * self.span();
        let cells = &self.cells[row..row + self.span()];
        (first, &cells[first - self.low..])
    }

    fn span(&self) -> usize {
        self.high - self.low + 1
    }
}

fn count(cells: &mut [u32], first: &[u8], second: &[u8], cell: impl Fn(u8, u8) -> usize) {
    for (&a, &b) in first.iter().zip(second) {
        cells[cell(a, b)] += 1;
    }
}

impl PairSums {
    /// Adds the pairs of one row.
    fn add(&mut self, first: &[u8], second: &[u8]) {
        // 255 * 255 * 2^15 fits in 32 bits: the inner sums vectorise.
        const SEGMENT: usize = 1 << 15;
        self.pairs += first.len() as u64;
        for (first, second) in first.chunks(SEGMENT).zip(second.chunks(SEGMENT)) {
            let (mut sum_a, mut sum_b, mut sum_aa, mut sum_bb, mut sum_ab, mut difference) =
                (0_u32, 0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
            for (&a, &b) in first.iter().zip(second) {
                difference += u32::from(a.abs_diff(b));
                sum_a += u32::from(a);
                sum_b += u32::from(b);
                // 255² fits in 16 bits, which every x86-64 multiplies eight at a time.
                let (a, b) = (u16::from(a), u16::from(b));
                sum_aa += u32::from(a * a);
                sum_bb += u32::from(b * b);
                sum_ab += u32::from(a * b);
            }
            self.a += u64::from(sum_a);
            self.b += u64::from(sum_b);
            self.aa += u64::from(sum_aa);
            self.bb += u64::from(sum_bb);
            self.ab += u64::from(sum_ab);
            self.difference += u64::from(difference);
        }
    }
}
