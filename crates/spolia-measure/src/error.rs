//! What can go wrong when an image is measured.

/// An input that cannot be measured; the message says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No measure has this name.
    #[error("there is no measure named `{name}`; the measures are {known}")]
    UnknownMeasure {
        /// The name as it was asked for.
        name: String,
        /// The known names, separated by commas.
        known: String,
    },
    /// The buffer and the stated size disagree.
    #[error(
        "an image of {width} x {height} pixels and {channels} channel(s) has \
         {expected} bytes, but {got} were given; check the order of width and height"
    )]
    Size {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Bytes per pixel.
        channels: usize,
        /// `width * height * channels`.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// Width or height is zero, or their product does not fit in memory.
    #[error("an image of {width} x {height} pixels cannot be measured")]
    Empty {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// No pixel of the image has a neighbour at the offset asked for.
    #[error(
        "an image of {width} x {height} pixels has no pair of pixels at distance {distance} \
         in direction {degrees}°; use a larger image or a smaller distance"
    )]
    NoPairs {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Distance in pixels.
        distance: u32,
        /// Direction in degrees.
        degrees: u32,
    },
    /// The number of gray levels is out of range.
    #[error("a co-occurrence matrix of {levels} gray levels is not possible; use 2 to 256")]
    Levels {
        /// Levels asked for.
        levels: usize,
    },
    /// A pixel is brighter than the levels allow.
    #[error(
        "the image has a pixel of value {value}, but the matrix has only {levels} levels; \
         quantise the image to 0..{levels} or raise the number of levels"
    )]
    PixelAboveLevels {
        /// The brightest pixel.
        value: u8,
        /// Levels of the matrix.
        levels: usize,
    },
    /// The counts of the matrix would overflow.
    #[error(
        "an image of {width} x {height} pixels is too large for one co-occurrence matrix \
         (2^32 pixels); measure it in patches"
    )]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The distance between the pixels of a pair is zero.
    #[error("the distance between the pixels of a pair must be at least 1")]
    ZeroDistance,
}
