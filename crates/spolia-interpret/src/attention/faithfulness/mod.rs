//! Does the network's answer depend on what a map points at? Images are changed where the map is strong, or weak, and
//! scored again.
//!
//! A score is any function of a batch of images; probabilities of the class ([`super::Path::probabilities`]) are usual,
//! and what [`average_drop`] is defined for. Compare every number with those of [`super::random_map`] and
//! [`super::centre_map`]: alone it says little, because changed images are unlike any that the network has learnt.
//!
//! ```
//! use spolia_interpret::attention::{Map, faithfulness::{Settings, deletion}};
//! use spolia_network::Tensor;
//! # fn main() -> Result<(), spolia_interpret::Error> {
//! // A 1 x 2 image whose score is the first pixel's red, 1 where it is whole.
//! let image = Tensor::new([1, 1, 2, 3], vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0])?;
//! let map = Map { height: 1, width: 2, values: vec![0.9, 0.1] };
//! let settings = Settings { steps: 2, ..Settings::default() };
//! let curve = deletion(&image, &map, &settings, &mut |batch| {
//!     Ok((0..batch.shape()[0]).map(|i| f64::from(batch.image(i)[0])).collect())
//! })?;
//! assert_eq!(curve.scores, [1.0, 0.5, 0.5]); // the mean colour remains
//! # Ok(())
//! # }
//! ```

mod curves;
mod drop;
mod fill;
mod impute;
mod ranking;
mod road;
mod sensitivity;

pub use curves::{Curve, deletion, insertion};
pub use drop::{Drop, average_drop};
pub use fill::Fill;
pub use impute::impute;
pub use road::{Road, road};
pub use sensitivity::sensitivity_n;
use spolia_network::Tensor;

use super::Map;
use crate::Error;

/// One number per image of a batch (N H W 3, the network's values).
pub type Score<'a> = dyn FnMut(&Tensor) -> Result<Vec<f64>, Error> + 'a;

/// How images are changed and judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Steps of the insertion and deletion curves; each changes the same number of pixels.
    pub steps: usize,
    /// What a deleted pixel becomes.
    pub deleted: Fill,
    /// What a pixel is before it is inserted.
    pub inserted_into: Fill,
    /// Shares of the pixels that ROAD imputes, each between 0 and 1.
    pub shares: Vec<f64>,
    /// Standard deviation of the noise on imputed values, in the network's values.
    pub noise: f64,
    /// Shares of the pixels in the random subsets of sensitivity-n.
    pub subset_shares: Vec<f64>,
    /// Random subsets for each share.
    pub subsets: usize,
    /// Images scored together.
    pub batch: usize,
    /// Of the order among equal values, of the noise and of the subsets.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            steps: 32,
            deleted: Fill::Mean,
            inserted_into: Fill::Blur(5.0),
            shares: vec![0.2, 0.4, 0.6, 0.8],
            noise: 0.01,
            subset_shares: vec![0.1, 0.3, 0.5],
            subsets: 32,
            batch: 16,
            seed: 0,
        }
    }
}

/// How faithful one map of one image is, by every measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faithfulness {
    /// Area under the insertion curve: high is good.
    pub insertion: f64,
    /// Area under the deletion curve: low is good.
    pub deletion: f64,
    /// ROAD, least relevant first less most relevant first, halved: high is good, 0 is chance.
    pub road: f64,
    /// Relative drop of the score under the map: low is good.
    pub drop: f64,
    /// Whether the score rises under the map.
    pub increase: bool,
    /// Mean over the shares of the correlation of sensitivity-n: high is good. None where it is defined for no share,
    /// as of a flat map.
    pub sensitivity: Option<f64>,
}

impl Faithfulness {
    /// Names of the measures, in the order of [`Faithfulness::values`].
    pub const NAMES: [&str; 6] = [
        "insertion",
        "deletion",
        "road",
        "average_drop",
        "increase",
        "sensitivity_n",
    ];

    /// The measures' values; an increase is 1.
    #[must_use]
    pub fn values(&self) -> [Option<f64>; 6] {
        [
            Some(self.insertion),
            Some(self.deletion),
            Some(self.road),
            Some(self.drop),
            Some(f64::from(u8::from(self.increase))),
            self.sensitivity,
        ]
    }
}

/// All measures of one map, with the curves behind them.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The score while the strongest pixels are put into what [`Settings::inserted_into`] says.
    pub insertion: Curve,
    /// The score while the strongest pixels are deleted.
    pub deletion: Curve,
    /// The score with shares of the pixels imputed.
    pub road: Road,
    /// The measures.
    pub measures: Faithfulness,
}

/// All measures of one map. `image` is 1 x H x W x 3 in the network's values; the map is resized to it.
///
/// # Errors
/// As [`deletion`], [`road`], [`average_drop`] and [`sensitivity_n`].
pub fn faithfulness(
    image: &Tensor,
    map: &Map,
    settings: &Settings,
    score: &mut Score<'_>,
) -> Result<Judgement, Error> {
    let Drop { drop, increase, .. } = average_drop(image, map, score)?;
    let mut correlations = Vec::new();
    for &share in &settings.subset_shares {
        correlations.extend(sensitivity_n(image, map, share, settings, score)?);
    }
    let insertion = insertion(image, map, settings, score)?;
    let deletion = deletion(image, map, settings, score)?;
    let road = road(image, map, settings, score)?;
    Ok(Judgement {
        measures: Faithfulness {
            insertion: insertion.area(),
            deletion: deletion.area(),
            road: road.gap(),
            drop,
            increase,
            sensitivity: (!correlations.is_empty()).then(|| spolia_stats::mean(&correlations)),
        },
        insertion,
        deletion,
        road,
    })
}

/// Rows and columns of a single image of three colours.
fn size_of(image: &Tensor) -> Result<[usize; 2], Error> {
    match image.shape() {
        [1, rows, columns, 3] if rows * columns > 0 => Ok([rows, columns]),
        shape => Err(Error::Shape {
            what: "image to be changed".into(),
            expected: "1 x rows x columns x 3".into(),
            got: format!("{shape:?}"),
        }),
    }
}

/// Scores `count` images of that size, made one after the other, `batch` at a time.
fn score_all(
    count: usize,
    [rows, columns]: [usize; 2],
    batch: usize,
    score: &mut Score<'_>,
    mut make: impl FnMut(usize) -> Result<Vec<f32>, Error>,
) -> Result<Vec<f64>, Error> {
    let mut scores = Vec::with_capacity(count);
    let mut first = 0;
    while first < count {
        let last = (first + batch.max(1)).min(count);
        let mut data = Vec::with_capacity((last - first) * rows * columns * 3);
        for k in first..last {
            data.extend(make(k)?);
        }
        let found = score(&Tensor::new([last - first, rows, columns, 3], data)?)?;
        if found.len() != last - first {
            return Err(Error::Shape {
                what: "scores of a batch".into(),
                expected: (last - first).to_string(),
                got: found.len().to_string(),
            });
        }
        if let Some(&value) = found.iter().find(|s| !s.is_finite()) {
            return Err(Error::NotFinite {
                what: "a score",
                value,
            });
        }
        scores.extend(found);
        first = last;
    }
    Ok(scores)
}
