use thiserror::Error as ThisError;

/// Why two layers cannot be compared.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The features are of different images.
    #[error(
        "features of {first} images against features of {second}; give the same images to both networks"
    )]
    Images {
        /// Images of the first network.
        first: usize,
        /// Images of the second.
        second: usize,
    },
    /// Too few images.
    #[error(
        "{images} images are too few to compare layers; give at least 4, and better several hundred"
    )]
    TooFew {
        /// Images.
        images: usize,
    },
    /// A feature is NaN or infinite.
    #[error("a feature of the {which} network is not finite; check its weights")]
    NotFinite {
        /// Which network.
        which: &'static str,
    },
    /// A layer answers alike to all images.
    #[error(
        "the {which} network's layer answers alike to all images, so that there is nothing to compare"
    )]
    Still {
        /// Which network.
        which: &'static str,
    },
    /// Another number of channels where channels are compared one by one.
    #[error(
        "{first} channels against {second}; channels and weights compare between networks of one architecture"
    )]
    Channels {
        /// Channels of the first network.
        first: usize,
        /// Channels of the second.
        second: usize,
    },
    /// A decomposition did not converge.
    #[error("the decomposition of {rows} x {columns} numbers did not converge")]
    NoConvergence {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// The weights do not belong to the network.
    #[error(transparent)]
    Weights(#[from] spolia_network::Error),
    /// The jackknife failed.
    #[error("the interval over groups: {0}")]
    Statistics(#[from] spolia_stats::Error),
}
