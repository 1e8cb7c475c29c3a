//! Layer drift: how far two networks' layers are from each other, in what they answer and in their weights.
//!
//! Measures of what layers answer take the features of the same images in both networks, images x channels. They do not
//! know which channel is which (all but [`channels`]), nor the scale of the answers:
//!
//! | measure | identical | unrelated | blind to |
//! |---|---|---|---|
//! | [`cka`], linear and of a Gaussian kernel (Kornblith et al. 2019) | 1 | 0 | rotations, one scale |
//! | [`svcca`], [`pwcca`](Cca::pwcca) (Raghu et al. 2017; Morcos et al. 2018) | 1 | dimensions / images | invertible linear maps |
//! | [`procrustes`] (Ding et al. 2021), a distance | 0 | near 2 | rotations, one scale |
//! | [`channels`]: each channel and its nearest | 1 | chance | scale and offset of a channel |
//!
//! Unrelated answers are not at 0 where channels are many and images few, but for the debiased CKA, whose expectation is 0.
//! So every figure asks for a null: the same measure between two networks that differ only by their seeds.

mod cca;
mod channels;
mod cka;
mod error;
mod procrustes;
mod weights;

pub use cca::{Cca, svcca};
pub use channels::{Channels, channels};
pub use cka::{Cka, Kernel, cka, cka_jackknife};
pub use error::Error;
pub use procrustes::procrustes;
pub use weights::{KernelDrift, WeightDrift, weight_drift};

use faer::Mat;
use spolia_stats::Matrix;

/// Both sets of features with their columns centred.
fn centred(x: &Matrix, y: &Matrix) -> Result<(Mat<f64>, Mat<f64>), Error> {
    check(x, y)?;
    Ok((centre(x), centre(y)))
}

fn check(x: &Matrix, y: &Matrix) -> Result<(), Error> {
    if x.rows() != y.rows() {
        return Err(Error::Images {
            first: x.rows(),
            second: y.rows(),
        });
    }
    if x.rows() < 4 {
        return Err(Error::TooFew { images: x.rows() });
    }
    for (which, m) in [("first", x), ("second", y)] {
        if m.data().iter().any(|v| !v.is_finite()) {
            return Err(Error::NotFinite { which });
        }
    }
    Ok(())
}

fn centre(m: &Matrix) -> Mat<f64> {
    let (n, p) = (m.rows(), m.cols());
    let means: Vec<f64> = (0..p)
        .map(|j| (0..n).map(|i| m.row(i)[j]).sum::<f64>() / n as f64)
        .collect();
    Mat::from_fn(n, p, |i, j| m.row(i)[j] - means[j])
}

#[cfg(test)]
mod tests;
