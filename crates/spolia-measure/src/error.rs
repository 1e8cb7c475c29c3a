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
    /// A distance no image reaches.
    #[error("a distance of {distance} pixels is beyond any image; use at most 1048576")]
    FarDistance {
        /// Distance in pixels.
        distance: u32,
    },
    /// Texture without an offset.
    #[error("no offset was given; give at least one distance and one angle")]
    NoOffsets,
    /// No two measured pixels lie at this offset from one another.
    #[error(
        "an image of {width} x {height} pixels has no pair of measured pixels {down} row(s) down \
         and {right} column(s) right of one another; use a larger image or mask, or a smaller \
         distance"
    )]
    NoPairsAt {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Rows down.
        down: i32,
        /// Columns right.
        right: i32,
    },
    /// The mask does not fit the image.
    #[error(
        "a mask of {got} pixels does not fit an image of {width} x {height}; give one value a \
         pixel, row by row"
    )]
    MeasuredMask {
        /// Width of the image in pixels.
        width: usize,
        /// Height of the image in pixels.
        height: usize,
        /// Values in the mask.
        got: usize,
    },
    /// The mask leaves no pixel.
    #[error("the mask leaves no pixel to measure; give one that holds part of the image")]
    EmptyMask,
    /// The width of the bins is out of range.
    #[error("bins {width} gray values wide are not possible; use at least 1")]
    BinWidth {
        /// Width asked for, as text: it may not be a number.
        width: String,
    },
    /// The number of bins is out of range.
    #[error("{count} bins of gray values are not possible; use 1 to 256")]
    BinCount {
        /// Bins asked for.
        count: usize,
    },
    /// No convention has this name.
    #[error("there is no texture convention named `{name}`; the conventions are {known}")]
    UnknownConvention {
        /// The name as it was asked for.
        name: String,
        /// The known names, separated by commas.
        known: String,
    },
    /// Points or radius of a local binary pattern out of range.
    #[error(
        "a local binary pattern of {points} points at radius {radius} is not possible; use 1 to \
         24 points and a radius above 0"
    )]
    Pattern {
        /// Points on the circle.
        points: u32,
        /// Radius in pixels, as text: it may not be a number.
        radius: String,
    },
    /// An instance mask and its stated size disagree.
    #[error(
        "an instance mask of {width} x {height} pixels has {expected} labels, but {got} were given; \
         check the order of width and height"
    )]
    InstanceMaskSize {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// `width * height`.
        expected: usize,
        /// Labels given.
        got: usize,
    },
    /// Two instance masks cannot be compared.
    #[error(
        "an instance mask of {} x {} pixels cannot be compared with one of {} x {}; \
         both must come from the same image",
        first.0, first.1, second.0, second.1
    )]
    InstanceMaskSizes {
        /// Width and height of the one.
        first: (usize, usize),
        /// Width and height of the other.
        second: (usize, usize),
    },
    /// A patch has too few nuclei for a measure of them.
    #[error(
        "`{measure}` needs {needed} or more nuclei that do not touch the border, but the patch has \
         {whole}; leave the patch out of this measure"
    )]
    TooFewNuclei {
        /// Name of the measure.
        measure: &'static str,
        /// Least number of whole nuclei.
        needed: usize,
        /// Whole nuclei found.
        whole: usize,
    },
    /// A measure in µm of a patch whose pixel size is unknown.
    #[error("`{measure}` needs the size of a pixel in µm; state it, or use the measure in pixels")]
    UnknownPixelSize {
        /// Name of the measure.
        measure: &'static str,
    },
    /// A number that steers the work on nuclei is out of range.
    #[error("`{option}` of nuclei is {value}, but must be {range}")]
    NucleiOption {
        /// Name of the option or argument.
        option: &'static str,
        /// The value given.
        value: String,
        /// What is possible.
        range: &'static str,
    },
    /// Too few pixels of tissue to tell its stains.
    #[error(
        "its stains cannot be told: {pixels} pixels are tissue, fewer than {needed}; leave the image as it is"
    )]
    TooLittleTissue {
        /// Pixels of tissue.
        pixels: usize,
        /// Least number of them.
        needed: usize,
    },
    /// The two stains of an image are one.
    #[error(
        "its stains cannot be told: haematoxylin and eosin would be {degrees} degrees apart, that \
         is, one stain; leave the image as it is"
    )]
    OneStain {
        /// Angle between them.
        degrees: String,
    },
    /// A stain that is none.
    #[error(
        "its stains cannot be told: {stain} would be none ({what}); is it pen, or another stain \
         than haematoxylin and eosin? Leave the image as it is"
    )]
    NegativeStain {
        /// Which of the two.
        stain: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// All tissue of an image has one colour.
    #[error(
        "its colours cannot be normalised: {channel} is the same in all of its tissue; leave the \
         image as it is"
    )]
    FlatColour {
        /// Channel of the colour space.
        channel: &'static str,
    },
}
