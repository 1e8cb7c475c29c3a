//! The paper's claim, measured: does attention fall on atypical nuclei more than on others of the same patch?
//!
//! [`attention_of_nuclei`] gives each nucleus the mean of the map over its pixels; [`Morphology`] says how it looks;
//! [`claim`] relates the two within patches, each morphology by itself (rank correlation) and with the nucleus's area and
//! stain held fixed ([`regression`]). A random and a pretrained network are the controls: what their maps show as well is
//! not learnt from the labels.
//!
//! A coarse map is smooth, so that neighbouring nuclei share attention and are no independent observations: a p over
//! nuclei ([`Slope::p_value`]) is then too small. The interval and [`Slope::p_groups`] only suppose that groups
//! (patients) are independent; report those.

mod regression;
mod relation;

pub use regression::{RegressionOptions, Slope, regression};
pub use relation::{Relation, claim};
use spolia_measure::nuclei::{InstanceMask, Nucleus};

use super::Map;
use crate::Error;

/// One side of how a nucleus looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Morphology {
    /// Its area, pixels.
    Area,
    /// Eccentricity of its ellipse.
    Eccentricity,
    /// 1 - solidity: how far its outline is from convex.
    Irregularity,
    /// Chromatin texture: standard deviation of the haematoxylin optical density inside.
    ChromatinSd,
    /// Mean haematoxylin optical density.
    Stain,
}

impl Morphology {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Area,
        Self::Eccentricity,
        Self::Irregularity,
        Self::ChromatinSd,
        Self::Stain,
    ];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Area => "area",
            Self::Eccentricity => "eccentricity",
            Self::Irregularity => "irregularity",
            Self::ChromatinSd => "chromatin_sd",
            Self::Stain => "stain",
        }
    }

    /// Its value for a nucleus.
    #[must_use]
    pub fn of(self, nucleus: &Nucleus) -> f64 {
        match self {
            Self::Area => nucleus.area,
            Self::Eccentricity => nucleus.eccentricity,
            Self::Irregularity => 1.0 - nucleus.solidity,
            Self::ChromatinSd => nucleus.chromatin_sd,
            Self::Stain => nucleus.haematoxylin,
        }
    }
}

/// A nucleus as the analysis sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Mean attention over its pixels.
    pub attention: f64,
    /// Its shape and stain, in the order of [`Morphology::ALL`].
    pub morphology: [f64; 5],
    /// Whether all of it lies within the patch.
    pub whole: bool,
    /// Number of its patch: nuclei are only compared within one.
    pub patch: usize,
    /// Number of its patient (or slide): what is resampled as a whole.
    pub group: usize,
}

impl Observation {
    /// A measured nucleus with its attention.
    #[must_use]
    pub fn new(attention: f64, nucleus: &Nucleus, patch: usize, group: usize) -> Self {
        Self {
            attention,
            morphology: Morphology::ALL.map(|m| m.of(nucleus)),
            whole: !nucleus.touches_border,
            patch,
            group,
        }
    }
}

/// The map's mean over each nucleus's pixels, the map resized to the mask, in the order of `nuclei`.
///
/// # Errors
/// [`Error::Shape`] for a nucleus that is not in the mask or an empty map, [`Error::NotFinite`].
pub fn attention_of_nuclei(
    map: &Map,
    mask: &InstanceMask,
    nuclei: &[Nucleus],
) -> Result<Vec<f64>, Error> {
    map.check()?;
    let known = mask.nuclei();
    let (mut sums, mut counts) = (vec![0f64; known.len()], vec![0f64; known.len()]);
    let resized = map.resized(mask.width(), mask.height());
    for (label, &v) in mask.labels().iter().zip(&resized.values) {
        if let Ok(at) = known.binary_search(label) {
            sums[at] += f64::from(v);
            counts[at] += 1.0;
        }
    }
    nuclei
        .iter()
        .map(|nucleus| {
            let at = known
                .binary_search(&nucleus.label)
                .map_err(|_| Error::Shape {
                    what: "instance mask".into(),
                    expected: format!("pixels of nucleus {}", nucleus.label),
                    got: "none".into(),
                })?;
            Ok(sums[at] / counts[at])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use spolia_measure::nuclei::measure_nuclei;

    use super::*;

    #[test]
    fn means_over_nuclei() {
        let mask = InstanceMask::new(vec![5, 5, 0, 2], 2, 2).unwrap();
        let nuclei = measure_nuclei(&[120; 12], &mask).unwrap();
        let map = Map {
            height: 2,
            width: 2,
            values: vec![1.0, 3.0, 100.0, 7.0],
        };
        // In the order of the labels: 2, 5.
        assert_eq!(
            attention_of_nuclei(&map, &mask, &nuclei).unwrap(),
            [7.0, 2.0]
        );
        let other = InstanceMask::new(vec![5, 5, 0, 0], 2, 2).unwrap();
        assert!(attention_of_nuclei(&map, &other, &nuclei).is_err());
    }
}
