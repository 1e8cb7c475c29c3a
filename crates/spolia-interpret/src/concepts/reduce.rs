//! Many features reduced to principal components, and directions led back to them.

use spolia_stats::{Matrix, pca};

use super::Error;

/// Principal components of a layer's features.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduced {
    /// Images x components, row by row.
    pub scores: Vec<f32>,
    /// Components x features, of unit length, by falling variance.
    pub components: Vec<f32>,
    /// How many components there are.
    pub count: usize,
}

/// Reduces `features` (images x width) to at most `most` principal components, fewer where the features have fewer
/// dimensions. Features are centred, not standardised: cells and channels of one layer share their unit.
///
/// The components are of all images given. Concepts take no part in them, so a regression on the scores that holds images
/// out learns nothing of the held-out concept, though it knows where the held-out images vary.
///
/// # Errors
/// [`Error::Statistics`] for fewer than two images, or an activation that is no number; [`Error::Still`] where all images
/// have the same features.
pub fn reduce(
    (network, layer): (&str, &str),
    (features, width): (&[f32], usize),
    most: usize,
) -> Result<Reduced, Error> {
    let images = features.len() / width.max(1);
    let failed = |source| Error::Statistics {
        network: network.to_owned(),
        layer: layer.to_owned(),
        source,
    };
    let x = Matrix::from_f32(images, width, features).map_err(failed)?;
    let mut count = most.min(images.saturating_sub(1)).min(width).max(1);
    let found = loop {
        match pca(&x, count) {
            // It says how many dimensions there are.
            Err(spolia_stats::Error::TooFew { got, .. }) if got > 0 && got < count => count = got,
            Err(spolia_stats::Error::TooFew { got: 0, .. }) => {
                return Err(Error::Still {
                    network: network.to_owned(),
                    layer: layer.to_owned(),
                });
            }
            other => break other.map_err(failed)?,
        }
    };
    let scores = found.transform(&x).map_err(failed)?;
    let rows = |m: &Matrix| -> Vec<f32> {
        (0..m.rows())
            .flat_map(|i| m.row(i).iter().map(|v| *v as f32).collect::<Vec<_>>())
            .collect()
    };
    Ok(Reduced {
        scores: rows(&scores),
        components: rows(&found.components),
        count,
    })
}

/// A direction among scores as a direction among features: `components` are as in [`Reduced`].
#[must_use]
pub fn restore(direction: &[f64], components: &[f32]) -> Vec<f64> {
    let width = components.len() / direction.len().max(1);
    let mut features = vec![0.0; width];
    for (weight, component) in direction.iter().zip(components.chunks_exact(width.max(1))) {
        for (f, c) in features.iter_mut().zip(component) {
            *f += weight * f64::from(*c);
        }
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_and_directions_belong_together() {
        // Three images on a line in five features.
        let line = [1.0f32, 0.0, -2.0, 0.0, 2.0];
        let features: Vec<f32> = [-1.0f32, 0.0, 1.0]
            .iter()
            .flat_map(|t| line.map(|v| 4.0 + t * v))
            .collect();
        let reduced = reduce(("n", "l"), (&features, 5), 64).unwrap();
        assert_eq!(reduced.count, 1);
        let along = restore(&[1.0], &reduced.components);
        // A step of the score by 3 is the difference of two neighbours.
        let sign = (reduced.scores[2] - reduced.scores[1]).signum();
        for (found, wanted) in along.iter().zip(line) {
            assert!((f64::from(sign) * 3.0 * found - f64::from(wanted)).abs() < 1e-6);
        }
        let still = reduce(("n", "l"), (&[1.0; 15], 5), 64).unwrap_err();
        assert!(matches!(still, Error::Still { .. }), "{still}");
    }
}
