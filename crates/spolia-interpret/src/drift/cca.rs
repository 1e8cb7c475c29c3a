//! Canonical correlations of two layers (Raghu et al. 2017, *SVCCA*; Morcos, Raghu, Bengio 2018).

use faer::Mat;
use spolia_stats::Matrix;

use super::{Error, centred};

/// Canonical correlations of two layers, each reduced to its strongest directions.
#[derive(Debug, Clone, PartialEq)]
pub struct Cca {
    /// Correlations, falling; as many as the lesser of the two dimensions.
    pub correlations: Vec<f64>,
    /// Dimensions kept of each layer.
    pub dimensions: [usize; 2],
    /// Weights of the correlations for [`Cca::pwcca`].
    weights: Vec<f64>,
}

impl Cca {
    /// Mean of the correlations (Raghu et al. 2017). Unrelated answers of d dimensions over n images have about √(d / n),
    /// so compare it with a null of as many images.
    #[must_use]
    pub fn svcca(&self) -> f64 {
        self.correlations.iter().sum::<f64>() / self.correlations.len().max(1) as f64
    }

    /// Mean weighted by how much of the first layer each canonical direction accounts for: `Σ_j |<h_i, x_j>|` over the
    /// kept directions of its features (Morcos et al. 2018, eq. 5). Not symmetric.
    #[must_use]
    pub fn pwcca(&self) -> f64 {
        let total: f64 = self.weights.iter().sum();
        let pairs = self.weights.iter().zip(&self.correlations);
        pairs.map(|(w, r)| w * r).sum::<f64>() / total
    }
}

/// Canonical correlations of the features of the same images in two networks (images x channels), each first reduced to
/// the principal directions that hold the share `variance` of its variance (0.99 in Raghu et al. 2017).
///
/// # Errors
/// [`Error::Images`], [`Error::TooFew`], [`Error::NotFinite`], [`Error::Still`], [`Error::NoConvergence`].
pub fn svcca(x: &Matrix, y: &Matrix, variance: f64) -> Result<Cca, Error> {
    let (x, y) = centred(x, y)?;
    let x = Reduced::new(&x, variance, "first")?;
    let y = Reduced::new(&y, variance, "second")?;
    // The left singular vectors are orthonormal, so the correlations are the singular values of their product.
    let cross = x.directions.transpose() * &y.directions;
    let svd = cross.thin_svd().map_err(|_| Error::NoConvergence {
        rows: cross.nrows(),
        columns: cross.ncols(),
    })?;
    let correlations: Vec<f64> = svd.S().column_vector().iter().map(|s| s.min(1.0)).collect();
    // h_i = U_x a_i; the kept features are U_x S_x, so <h_i, x_j> = a_ij s_j.
    let rotation = svd.U();
    let weights = (0..correlations.len())
        .map(|i| {
            let singular = x.singular.iter().enumerate();
            singular.map(|(j, s)| (rotation[(j, i)] * s).abs()).sum()
        })
        .collect();
    Ok(Cca {
        dimensions: [x.singular.len(), y.singular.len()],
        correlations,
        weights,
    })
}

struct Reduced {
    /// Images x dimensions, orthonormal.
    directions: Mat<f64>,
    singular: Vec<f64>,
}

impl Reduced {
    fn new(features: &Mat<f64>, variance: f64, which: &'static str) -> Result<Self, Error> {
        let svd = features.thin_svd().map_err(|_| Error::NoConvergence {
            rows: features.nrows(),
            columns: features.ncols(),
        })?;
        let all: Vec<f64> = svd.S().column_vector().iter().copied().collect();
        let total: f64 = all.iter().map(|s| s * s).sum();
        if total <= 0.0 {
            return Err(Error::Still { which });
        }
        let rank = all.iter().filter(|s| **s > all[0] * 1e-10).count();
        let mut held = 0.0;
        let mut kept = 0;
        while kept < rank && held < variance * total {
            held += all[kept] * all[kept];
            kept += 1;
        }
        Ok(Self {
            directions: svd.U().subcols(0, kept).to_owned(),
            singular: all[..kept].to_vec(),
        })
    }
}
