//! Channel by channel: does a channel answer as it did, and if not, does another one (Li et al. 2015)?

use spolia_stats::{Matrix, mean};

use super::{Error, centred};

/// Channels of one network beside those of another of the same architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct Channels {
    /// Pearson's correlation of each channel with itself in the other network; none where it answers alike to all images in
    /// either.
    pub own: Vec<Option<f64>>,
    /// For each channel the other network's channel of largest absolute correlation, and that; none for channels that answer
    /// alike to all images.
    pub nearest: Vec<Option<(usize, f64)>>,
}

impl Channels {
    /// Mean correlation of channels with themselves, over those that have one.
    #[must_use]
    pub fn mean_own(&self) -> Option<f64> {
        let known: Vec<f64> = self.own.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| mean(&known))
    }

    /// Mean absolute correlation with the nearest channel.
    #[must_use]
    pub fn mean_nearest(&self) -> Option<f64> {
        let known: Vec<f64> = self.nearest.iter().flatten().map(|n| n.1.abs()).collect();
        (!known.is_empty()).then(|| mean(&known))
    }

    /// Share of channels whose nearest is the same channel.
    #[must_use]
    pub fn share_same(&self) -> Option<f64> {
        let known: Vec<f64> = self
            .nearest
            .iter()
            .enumerate()
            .filter_map(|(k, n)| n.map(|n| f64::from(u8::from(n.0 == k))))
            .collect();
        (!known.is_empty()).then(|| mean(&known))
    }
}

/// Correlations of the channels of two networks of one architecture, of the features of the same images (images x channels).
///
/// # Errors
/// [`Error::Images`], [`Error::TooFew`], [`Error::NotFinite`], [`Error::Channels`].
pub fn channels(x: &Matrix, y: &Matrix) -> Result<Channels, Error> {
    if x.cols() != y.cols() {
        return Err(Error::Channels {
            first: x.cols(),
            second: y.cols(),
        });
    }
    let (mut x, mut y) = centred(x, y)?;
    let alive = |m: &mut faer::Mat<f64>| -> Vec<bool> {
        m.col_iter_mut()
            .map(|column| {
                let length = column.norm_l2();
                if length > 0.0 {
                    column.iter_mut().for_each(|v| *v /= length);
                }
                length > 0.0
            })
            .collect()
    };
    let (first, second) = (alive(&mut x), alive(&mut y));
    let correlations = x.transpose() * &y;
    let p = first.len();
    let nearest = |i: usize| {
        let others = (0..p).filter(|&j| first[i] && second[j]);
        others
            .map(|j| (j, correlations[(i, j)]))
            .reduce(|a, b| if b.1.abs() > a.1.abs() { b } else { a })
    };
    Ok(Channels {
        own: (0..p)
            .map(|i| (first[i] && second[i]).then(|| correlations[(i, i)]))
            .collect(),
        nearest: (0..p).map(nearest).collect(),
    })
}
