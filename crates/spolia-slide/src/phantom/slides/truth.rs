//! What is true of the regions of a slide.

use std::collections::BTreeMap;

use super::super::measure::{mean, variation};

/// Hematoxylin is summed in whole steps of this, so that the order of tiles does not matter.
const STEP: f64 = 1e-6;

/// What a tile shows of one nucleus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Part {
    pub(super) number: u32,
    pixels: u64,
    /// Hematoxylin in steps, and its square.
    sum: u64,
    squares: u128,
}

impl Part {
    /// Parts of nuclei by their pixels' numbers and hematoxylin.
    pub(super) fn of(pixels: impl Iterator<Item = (u32, f32)>) -> Vec<Part> {
        let mut parts: BTreeMap<u32, Part> = BTreeMap::new();
        for (number, hematoxylin) in pixels.filter(|p| p.0 > 0) {
            let steps = (f64::from(hematoxylin) / STEP).round() as u64;
            let part = parts.entry(number).or_default();
            part.number = number;
            part.pixels += 1;
            part.sum += steps;
            part.squares += u128::from(steps) * u128::from(steps);
        }
        parts.into_values().collect()
    }

    /// Adds what another tile shows of the same nucleus.
    pub(super) fn add(&mut self, other: &Part) {
        self.number = other.number;
        self.pixels += other.pixels;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Standard deviation of the hematoxylin (of the sample) over its mean.
    fn contrast(&self) -> Option<f64> {
        if self.pixels < 2 || self.sum == 0 {
            return None;
        }
        let n = self.pixels as f64;
        let mean = self.sum as f64 / n;
        let variance = (self.squares as f64 - n * mean * mean) / (n - 1.0);
        Some(variance.max(0.0).sqrt() / mean)
    }
}

/// What is true of a region of a slide.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionTruth {
    /// `normal`, or `tumor_1`, `tumor_2`, …
    pub name: String,
    /// 0 for normal tissue, 1 for tumour.
    pub label: u8,
    /// Number of nuclei.
    pub n_nuclei: usize,
    /// Mean area of the nuclei in µm²; `None` without any.
    pub mean_area: Option<f64>,
    /// Standard deviation of their area divided by its mean; `None` for fewer than two.
    pub area_cv: Option<f64>,
    /// Standard deviation of the hematoxylin inside a nucleus divided by its mean, averaged over
    /// the nuclei; `None` without any.
    pub chromatin_contrast: Option<f64>,
}

/// The truth of `count` regions. `region_of[k]` is the region of nucleus `k + 1`, whose part is
/// `parts[k]`; a nucleus that no tile shows counts nowhere.
pub(super) fn regions(
    count: usize,
    region_of: &[usize],
    parts: &[Part],
    mpp: f64,
) -> Vec<RegionTruth> {
    (0..count)
        .map(|region| {
            let own: Vec<&Part> = region_of
                .iter()
                .zip(parts)
                .filter(|(of, part)| **of == region && part.pixels > 0)
                .map(|(_, part)| part)
                .collect();
            let areas: Vec<f64> = own.iter().map(|p| p.pixels as f64 * mpp * mpp).collect();
            let contrasts: Vec<f64> = own.iter().filter_map(|p| p.contrast()).collect();
            RegionTruth {
                name: match region {
                    0 => "normal".to_owned(),
                    k => format!("tumor_{k}"),
                },
                label: u8::from(region > 0),
                n_nuclei: own.len(),
                mean_area: mean(&areas),
                area_cv: variation(&areas),
                chromatin_contrast: mean(&contrasts),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nucleus_cut_by_tiles_is_one() {
        // Hematoxylin 1, 2, 3: mean 2, deviation 1.
        let mut whole = Part::default();
        for tile in [vec![(1, 1.0), (0, 9.0)], vec![(1, 2.0), (1, 3.0)]] {
            for part in Part::of(tile.into_iter()) {
                whole.add(&part);
            }
        }
        let none = Part::default();
        let truth = regions(2, &[1, 0], &[whole, none], 0.5);
        assert_eq!((truth[0].n_nuclei, truth[0].mean_area), (0, None));
        assert_eq!((truth[1].n_nuclei, truth[1].label), (1, 1));
        assert_eq!(truth[1].mean_area, Some(0.75));
        assert_eq!(truth[1].chromatin_contrast, Some(0.5));
        assert_eq!(truth[1].name, "tumor_1");
    }
}
