//! Features of one split as a fit sees them: everything measured on the training rows alone.

use faer::Mat;

use crate::pca::principal_directions;
use crate::standardise::Scaling;
use crate::{Error, Matrix};

/// Standardised features, reduced to principal components where asked for.
pub(crate) struct Fold {
    /// Training rows x features.
    pub train: Mat<f64>,
    /// Held-out rows x features.
    pub new: Mat<f64>,
    scaling: Scaling,
    /// Features x components.
    directions: Option<Mat<f64>>,
}

impl Fold {
    pub fn new(
        x: &Matrix,
        train: &[usize],
        new: &[usize],
        components: Option<usize>,
    ) -> Result<Self, Error> {
        let scaling = Scaling::new(x, train);
        let mut fold = Self {
            train: scaling.apply(x, train),
            new: scaling.apply(x, new),
            scaling,
            directions: None,
        };
        if let Some(k) = components {
            let (directions, _) = principal_directions(fold.train.as_ref(), k)?;
            fold.train = &fold.train * &directions;
            fold.new = &fold.new * &directions;
            fold.directions = Some(directions);
        }
        Ok(fold)
    }

    /// Coefficients per unit of the features as given from those of [`Self::train`], and their
    /// product with the features' means.
    pub fn unscale(&self, coefficients: &[f64]) -> (Vec<f64>, f64) {
        match &self.directions {
            None => self.scaling.unscale(coefficients.iter()),
            Some(directions) => {
                let b = Mat::from_fn(coefficients.len(), 1, |i, _| coefficients[i]);
                self.scaling.unscale((directions * b).col(0).iter())
            }
        }
    }
}

/// Rows in and outside a fold: (held out, training).
///
/// # Errors
/// [`Error::TooFew`] for fewer than three training rows.
pub(crate) fn rows_of_fold(
    split: &[usize],
    fold: usize,
) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let (test, train): (Vec<usize>, Vec<usize>) =
        (0..split.len()).partition(|&row| split[row] == fold);
    if train.len() < 3 {
        return Err(Error::TooFew {
            what: "training rows of a fold",
            needed: 3,
            got: train.len(),
        });
    }
    Ok((test, train))
}

/// What least squares on `z` and an intercept, fitted on the training rows, leaves of every column
/// of `x`, in all rows (Frisch and Waugh 1933).
pub(crate) fn residuals(x: &Matrix, z: &Matrix, train: &[usize]) -> Result<Matrix, Error> {
    let all: Vec<usize> = (0..x.rows()).collect();
    let fold = Fold::new(z, train, &all, None)?;
    let mut targets = Mat::from_fn(train.len(), x.cols(), |i, j| x.at(train[i], j));
    let means = crate::basis::centre(&mut targets);
    let predictions = &fold.new * least_squares(&fold.train, &targets)?;
    let data = (0..x.rows())
        .flat_map(|i| (0..x.cols()).map(move |j| (i, j)))
        .map(|(i, j)| x.at(i, j) - means[j] - predictions[(i, j)])
        .collect();
    Matrix::new(x.rows(), x.cols(), data)
}

/// The least-squares coefficients (p x m) of least norm for centred `z` (n x p) and `y` (n x m).
/// Singular values below max(n, p) machine epsilons of the largest count as zero.
pub(crate) fn least_squares(z: &Mat<f64>, y: &Mat<f64>) -> Result<Mat<f64>, Error> {
    let size = z.nrows().max(z.ncols());
    let svd = z.thin_svd().map_err(|_| Error::NoConvergence { size })?;
    let values = svd.S().column_vector();
    let largest = values.iter().copied().fold(0.0, f64::max);
    let tolerance = largest * size as f64 * f64::EPSILON;
    let mut scores = svd.U().transpose() * y;
    for (k, &value) in values.iter().enumerate() {
        let inverse = if value > tolerance { 1.0 / value } else { 0.0 };
        scores.row_mut(k).iter_mut().for_each(|c| *c *= inverse);
    }
    Ok(svd.V() * scores)
}
