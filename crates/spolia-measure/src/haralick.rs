//! Haralick's measures of a co-occurrence matrix, as `skimage.feature.graycoprops` defines them.
//!
//! `p(i, j)` is the probability of the pair of levels (i, j). Sums are kept in integers and divided
//! once at the end, so that the result is the exact value rounded, not a sum of rounded terms.

use crate::Glcm;

impl Glcm {
    /// Angular second moment: sum of `p(i, j)²`. 1 for a constant image.
    #[must_use]
    pub fn asm(&self) -> f64 {
        let (mut all, mut diagonal) = (0_u64, 0_u64);
        for i in self.low..=self.high {
            let (first, row) = self.stored_row(i);
            all += row
                .iter()
                .map(|&c| u64::from(c) * u64::from(c))
                .sum::<u64>();
            diagonal += u64::from(row[i - first]).pow(2);
        }
        // A symmetric matrix holds a stored count c twice off the diagonal (2 c²) and doubled
        // on it ((2 c)²).
        let sum = if self.symmetric() {
            2 * u128::from(all) + 2 * u128::from(diagonal)
        } else {
            u128::from(all)
        };
        let total = self.total() as f64;
        sum as f64 / (total * total)
    }

    /// Energy: the square root of the angular second moment.
    #[must_use]
    pub fn energy(&self) -> f64 {
        self.asm().sqrt()
    }

    /// Contrast: sum of `p(i, j) (i - j)²`, in squared gray levels. 0 for a constant image.
    #[must_use]
    pub fn contrast(&self) -> f64 {
        let sums = &self.sums;
        // (a - b)² = a² + b² - 2 a b, over the pairs; the other order adds the same.
        (sums.aa + sums.bb - 2 * sums.ab) as f64 / sums.pairs as f64
    }

    /// Dissimilarity: sum of `p(i, j) |i - j|`, in gray levels. 0 for a constant image.
    #[must_use]
    pub fn dissimilarity(&self) -> f64 {
        self.sums.difference as f64 / self.sums.pairs as f64
    }

    /// Homogeneity (inverse difference moment): sum of `p(i, j) / (1 + (i - j)²)`. 1 for a
    /// constant image.
    #[must_use]
    pub fn homogeneity(&self) -> f64 {
        let mut pairs_by_difference = [0_u64; 256];
        for i in self.low..=self.high {
            let (first, row) = self.stored_row(i);
            for (j, &count) in (first..).zip(row) {
                pairs_by_difference[i.abs_diff(j)] += u64::from(count);
            }
        }
        let sum: f64 = pairs_by_difference
            .iter()
            .enumerate()
            .map(|(difference, &pairs)| pairs as f64 / (1 + difference * difference) as f64)
            .sum();
        sum / self.sums.pairs as f64
    }

    /// Correlation of the two levels of a pair, -1 to 1. 1 where either has no variance, as for a
    /// constant image.
    #[must_use]
    pub fn correlation(&self) -> f64 {
        let sums = &self.sums;
        let n = i128::from(sums.pairs);
        let [a, b, aa, bb, ab] = [sums.a, sums.b, sums.aa, sums.bb, sums.ab].map(i128::from);
        // n² times the covariance and the variances, exact in integers.
        let (covariance, variance_a, variance_b) = if self.symmetric() {
            let variance = 2 * n * (aa + bb) - (a + b) * (a + b);
            (4 * n * ab - (a + b) * (a + b), variance, variance)
        } else {
            (n * ab - a * b, n * aa - a * a, n * bb - b * b)
        };
        if variance_a == 0 || variance_b == 0 {
            return 1.0;
        }
        covariance as f64 / ((variance_a as f64).sqrt() * (variance_b as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Direction, Glcm, GlcmOptions, Gray};

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
