//! How well an instance mask agrees with the truth.

use super::InstanceMask;
use crate::Error;

/// Agreement of a segmentation with the true nuclei, each in 0..=1, where 1 is perfect.
///
/// Where neither mask has a nucleus, all three are 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Dice coefficient of the two foregrounds: 2 |A ∩ B| / (|A| + |B|).
    pub dice: f64,
    /// Aggregated Jaccard index, see [`aggregated_jaccard`].
    pub aji: f64,
    /// F1 of the nuclei at an intersection over union above 0.5, see [`f1`].
    pub f1: f64,
}

/// Dice, AJI and F1 at an intersection over union of 0.5.
///
/// # Errors
/// [`Error::InstanceMaskSizes`] where the masks differ in size.
pub fn agreement(truth: &InstanceMask, found: &InstanceMask) -> Result<Agreement, Error> {
    let overlaps = Overlaps::new(truth, found)?;
    Ok(Agreement {
        dice: overlaps.dice(),
        aji: overlaps.aji(),
        f1: overlaps.f1(0.5),
    })
}

/// Dice coefficient of the foregrounds (label above 0) of two masks: 2 |A ∩ B| / (|A| + |B|).
///
/// # Errors
/// [`Error::InstanceMaskSizes`] where the masks differ in size.
pub fn dice(truth: &InstanceMask, found: &InstanceMask) -> Result<f64, Error> {
    Ok(Overlaps::new(truth, found)?.dice())
}

/// Aggregated Jaccard index: Kumar et al., *A dataset and a technique for generalized nuclear
/// segmentation for computational pathology* (IEEE TMI 36, 2017), algorithm 1.
///
/// Every true nucleus is paired with the found one of the largest intersection over union (the
/// smaller label of equals; none where nothing overlaps). The index is the sum of the pairs'
/// intersections over the sum of their unions plus the areas of the found nuclei in no pair. As in
/// the paper, a found nucleus may be in several pairs.
///
/// # Errors
/// [`Error::InstanceMaskSizes`] where the masks differ in size.
pub fn aggregated_jaccard(truth: &InstanceMask, found: &InstanceMask) -> Result<f64, Error> {
    Ok(Overlaps::new(truth, found)?.aji())
}

/// F1 of detection: 2 TP / (true nuclei + found nuclei), where TP counts the pairs of a true and a
/// found nucleus whose intersection over union is above `iou`.
///
/// From 0.5 upwards no nucleus can be in two such pairs.
///
/// # Errors
/// [`Error::InstanceMaskSizes`] where the masks differ in size, [`Error::NucleiOption`] for an `iou` outside
/// 0.5..1.
pub fn f1(truth: &InstanceMask, found: &InstanceMask, iou: f64) -> Result<f64, Error> {
    if !(0.5..1.0).contains(&iou) {
        return Err(Error::NucleiOption {
            option: "iou",
            value: iou.to_string(),
            range: "0.5 or more and below 1",
        });
    }
    Ok(Overlaps::new(truth, found)?.f1(iou))
}

/// Areas of the nuclei of two masks and of their intersections.
struct Overlaps {
    truth: Vec<u64>,
    found: Vec<u64>,
    /// Indices of a true and a found nucleus that overlap, and the area they share; ascending.
    pairs: Vec<(usize, usize, u64)>,
}

impl Overlaps {
    fn new(truth: &InstanceMask, found: &InstanceMask) -> Result<Self, Error> {
        if (truth.width(), truth.height()) != (found.width(), found.height()) {
            return Err(Error::InstanceMaskSizes {
                first: (truth.width(), truth.height()),
                second: (found.width(), found.height()),
            });
        }
        let (truth, true_nuclei) = truth.indices();
        let (found, found_nuclei) = found.indices();
        let mut overlaps = Self {
            truth: vec![0; true_nuclei.len()],
            found: vec![0; found_nuclei.len()],
            pairs: Vec::new(),
        };
        let mut shared = Vec::new();
        for (truth, found) in truth.into_iter().zip(found) {
            if let Some(t) = truth {
                overlaps.truth[t] += 1;
            }
            if let Some(f) = found {
                overlaps.found[f] += 1;
            }
            if let (Some(t), Some(f)) = (truth, found) {
                shared.push((t, f));
            }
        }
        shared.sort_unstable();
        for pixels in shared.chunk_by(|a, b| a == b) {
            if let Some(&(t, f)) = pixels.first() {
                overlaps.pairs.push((t, f, pixels.len() as u64));
            }
        }
        Ok(overlaps)
    }

    fn dice(&self) -> f64 {
        let shared: u64 = self.pairs.iter().map(|pair| pair.2).sum();
        let areas: u64 = self.truth.iter().chain(&self.found).sum();
        ratio_or_one(2 * shared, areas)
    }

    fn aji(&self) -> f64 {
        let mut best: Vec<Option<(usize, u64)>> = vec![None; self.truth.len()];
        for &(t, f, shared) in &self.pairs {
            let better = best[t].is_none_or(|(other, other_shared)| {
                // shared / union, compared without division.
                shared * self.union(t, other, other_shared)
                    > other_shared * self.union(t, f, shared)
            });
            if better {
                best[t] = Some((f, shared));
            }
        }
        let (mut intersections, mut unions) = (0, 0);
        let mut paired = vec![false; self.found.len()];
        for (t, best) in best.into_iter().enumerate() {
            match best {
                Some((f, shared)) => {
                    intersections += shared;
                    unions += self.union(t, f, shared);
                    paired[f] = true;
                }
                None => unions += self.truth[t],
            }
        }
        let unpaired = self.found.iter().zip(paired).filter(|(_, paired)| !paired);
        ratio_or_one(
            intersections,
            unions + unpaired.map(|(area, _)| area).sum::<u64>(),
        )
    }

    fn f1(&self, iou: f64) -> f64 {
        let matched = self
            .pairs
            .iter()
            .filter(|&&(t, f, shared)| shared as f64 > iou * self.union(t, f, shared) as f64);
        let nuclei = self.truth.len() + self.found.len();
        ratio_or_one(2 * matched.count() as u64, nuclei as u64)
    }

    fn union(&self, t: usize, f: usize, shared: u64) -> u64 {
        self.truth[t] + self.found[f] - shared
    }
}

/// `part / whole`; two masks without nuclei agree.
fn ratio_or_one(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}
