//! The direction of a concept in the channels of a layer.

use spolia_stats::Linear;

/// A regression concept vector, of all images.
#[derive(Debug, Clone, PartialEq)]
pub struct ConceptVector {
    /// Concept measure.
    pub concept: String,
    /// One coefficient per channel, in units of the measure per unit of activation.
    pub coefficients: Vec<f64>,
    /// The coefficients divided by their length; none where all are 0 (no channel is active).
    pub unit: Option<Vec<f64>>,
    /// The measure where all channels are 0.
    pub intercept: f64,
    /// What cross-validation over groups chose: the penalty on standardised channels, or the components of partial least
    /// squares; none for least squares.
    pub hyperparameter: Option<f64>,
}

impl ConceptVector {
    pub(super) fn new(concept: &str, fit: Linear) -> Self {
        let length = fit.coefficients.iter().map(|b| b * b).sum::<f64>().sqrt();
        let unit = (length > 0.0).then(|| fit.coefficients.iter().map(|b| b / length).collect());
        Self {
            concept: concept.to_owned(),
            coefficients: fit.coefficients,
            unit,
            intercept: fit.intercept,
            hyperparameter: fit.hyperparameter,
        }
    }
}
