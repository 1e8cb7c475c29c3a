//! Overlapping patches' values as one map of a slide.

use spolia_interpret::attention::Map;

/// Most cells along a side: what a map of any slide takes is bounded by it.
const LONGEST: f64 = 4_096.0;
/// Cells along a patch's side, where the slide is not too large for it.
const IN_PATCH: f64 = 16.0;
/// Weight of a patch's border, of that of its centre.
const BORDER: f64 = 0.02;

/// Weighted means over the cells of a slide. A patch counts most at its centre and least at its border, so that no seams
/// show where patches overlap.
pub struct Stitch {
    /// Side of a cell, pixels of level 0.
    pub cell: f64,
    width: usize,
    height: usize,
    sums: Vec<f32>,
    weights: Vec<f32>,
}

impl Stitch {
    /// An empty map of a slide of `width` x `height` pixels of level 0, for patches of `span` of them.
    pub fn new((width, height): (u64, u64), span: f64) -> Self {
        let cell = (span / IN_PATCH)
            .max(width.max(height) as f64 / LONGEST)
            .max(1.0);
        let cells = |side: u64| ((side as f64 / cell).ceil() as usize).max(1);
        let (width, height) = (cells(width), cells(height));
        Self {
            cell,
            width,
            height,
            sums: vec![0.0; width * height],
            weights: vec![0.0; width * height],
        }
    }

    /// Adds a patch's map; its top left corner and side are in pixels of level 0.
    pub fn add(&mut self, (x, y): (u64, u64), span: f64, map: &Map) {
        let columns = self.covered(x, span, self.width);
        let rows = self.covered(y, span, self.height);
        let resized = map.resized(columns.len(), rows.len());
        let weight = |cell: usize, from: u64| {
            let u = ((cell as f64 + 0.5) * self.cell - from as f64) / span;
            (1.0 - (2.0 * u - 1.0).abs()).max(BORDER)
        };
        for (row, values) in rows.zip(resized.values.chunks_exact(resized.width.max(1))) {
            let down = weight(row, y);
            for (column, value) in columns.clone().zip(values) {
                let w = (down * weight(column, x)) as f32;
                let at = row * self.width + column;
                self.sums[at] += w * value;
                self.weights[at] += w;
            }
        }
    }

    /// The cells whose centres lie in the patch.
    fn covered(&self, from: u64, span: f64, cells: usize) -> std::ops::Range<usize> {
        let first = (from as f64 / self.cell - 0.5).ceil().max(0.0) as usize;
        let end = ((from as f64 + span) / self.cell - 0.5).ceil().max(0.0) as usize;
        first.min(cells)..end.min(cells)
    }

    /// The means; NaN where no patch lies.
    pub fn map(&self) -> Map {
        let means = self.sums.iter().zip(&self.weights);
        Map {
            height: self.height,
            width: self.width,
            values: means
                .map(|(sum, weight)| {
                    if *weight > 0.0 {
                        sum / weight
                    } else {
                        f32::NAN
                    }
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: f32) -> Map {
        Map {
            height: 1,
            width: 1,
            values: vec![value],
        }
    }

    #[test]
    fn patches_side_by_side_keep_their_values() {
        let mut stitch = Stitch::new((512, 256), 256.0);
        assert_eq!((stitch.cell, stitch.width, stitch.height), (16.0, 32, 16));
        stitch.add((0, 0), 256.0, &flat(0.25));
        let half = stitch.map();
        assert!(half.values[31].is_nan() && (half.values[15] - 0.25).abs() < 1e-6);
        stitch.add((256, 0), 256.0, &flat(1.0));
        let whole = stitch.map();
        assert!((whole.values[15] - 0.25).abs() < 1e-6 && (whole.values[16] - 1.0).abs() < 1e-6);
    }

    /// Between two patches that overlap by half the value goes over without a step.
    #[test]
    fn overlapping_patches_are_blended() {
        let mut stitch = Stitch::new((384, 256), 256.0);
        stitch.add((0, 0), 256.0, &flat(0.0));
        stitch.add((128, 0), 256.0, &flat(1.0));
        let row: Vec<f32> = stitch.map().values[8 * 24..9 * 24].to_vec();
        assert!(row[..8].iter().all(|v| *v < 1e-6) && row[16..].iter().all(|v| *v > 1.0 - 1e-6));
        assert!(row.is_sorted());
        assert!(
            row.windows(2).all(|pair| pair[1] - pair[0] < 0.15),
            "{row:?}"
        );
    }

    /// A slide of any size has at most 4,096 cells a side.
    #[test]
    fn memory_is_bounded() {
        let stitch = Stitch::new((400_000, 100_000), 224.0);
        assert_eq!((stitch.width, stitch.height), (4_096, 1_024));
    }

    /// What lies beyond the slide is left out.
    #[test]
    fn patches_over_the_edge() {
        let mut stitch = Stitch::new((100, 100), 64.0);
        stitch.add((80, 80), 64.0, &flat(1.0));
        let map = stitch.map();
        assert_eq!(map.values.iter().filter(|v| !v.is_nan()).count(), 5 * 5);
    }
}
