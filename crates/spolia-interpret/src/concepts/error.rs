//! What can go wrong when concepts are regressed on a layer.

/// Activations, measures or groups that do not allow the regression.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The activations are not images x channels.
    #[error(
        "layer {layer} of network {network}: {got} activations do not make {images} images x \
         {channels} channels; average each channel over space first"
    )]
    Activations {
        /// Network.
        network: String,
        /// Layer.
        layer: String,
        /// Images, from the groups.
        images: usize,
        /// Channels stated.
        channels: usize,
        /// Activations given.
        got: usize,
    },
    /// A measure has not one value per image.
    #[error("the measure {concept} has {got} values, but there are {images} images")]
    Values {
        /// The measure.
        concept: String,
        /// Images, from the groups.
        images: usize,
        /// Values given.
        got: usize,
    },
    /// A measure is missing for an image.
    #[error(
        "the measure {concept} is {value} for image {image} (from 0); leave the image out or \
         measure it again"
    )]
    MeasureNotFinite {
        /// The measure.
        concept: String,
        /// Row of the image, from 0.
        image: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// A measure is the same in all images.
    #[error("the measure {concept} is the same in all {images} images; leave it out")]
    Constant {
        /// The measure.
        concept: String,
        /// Images.
        images: usize,
    },
    /// No measure was given.
    #[error("there is no measure to regress; name at least one")]
    NoConcepts,
    /// All images are of one group.
    #[error(
        "the {images} images are of {groups} patient(s) or slide(s); a held-out R² needs at \
         least 2 and better 10"
    )]
    Groups {
        /// Images.
        images: usize,
        /// Different groups.
        groups: usize,
    },
    /// The statistics failed.
    #[error("layer {layer} of network {network}: {source}")]
    Statistics {
        /// Network.
        network: String,
        /// Layer.
        layer: String,
        /// Why.
        source: spolia_stats::Error,
    },
    /// All images have the same features.
    #[error(
        "layer {layer} of network {network} answers alike to all images, so that it has no principal components; leave \
         it out"
    )]
    Still {
        /// Network.
        network: String,
        /// Layer.
        layer: String,
    },
    /// All images are of one category.
    #[error("all {images} images are of one category of {concept}; leave it out")]
    OneCategory {
        /// The concept.
        concept: String,
        /// Images.
        images: usize,
    },
    /// The q-values of all rows failed.
    #[error("q-values over all rows: {0}")]
    QValues(#[source] spolia_stats::Error),
}
