//! Orthogonal Procrustes distance (Schönemann 1966; of representations: Ding, Denain, Steinhardt 2021).

use faer::Mat;
use spolia_stats::Matrix;

use super::{Error, centred};

/// `min_R |X - Y R|²` over rotations R, of features (images x channels) that are centred and divided by their Frobenius
/// norm: `2 - 2 |XᵀY|_*`. 0 where one layer is a rotation of the other, 2 where they share nothing.
///
/// # Errors
/// [`Error::Images`], [`Error::TooFew`], [`Error::NotFinite`], [`Error::Still`], [`Error::NoConvergence`].
pub fn procrustes(x: &Matrix, y: &Matrix) -> Result<f64, Error> {
    let (x, y) = centred(x, y)?;
    let unit = |m: Mat<f64>, which| {
        let length = m.norm_l2();
        if length > 0.0 {
            Ok(m * faer::Scale(1.0 / length))
        } else {
            Err(Error::Still { which })
        }
    };
    let cross = unit(x, "first")?.transpose() * unit(y, "second")?;
    let singular = cross.singular_values().map_err(|_| Error::NoConvergence {
        rows: cross.nrows(),
        columns: cross.ncols(),
    })?;
    Ok((2.0 - 2.0 * singular.iter().sum::<f64>()).max(0.0))
}
