//! What can be wrong inside a TIFF, without the file's name and directory, which [`crate::Error`]
//! adds.

/// A fault of one image file directory or of the pixels it points to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Bytes that should be there are not.
    #[error(
        "{what} should end at byte {end}, but the file has {len}: it is truncated or damaged; copy it again and compare checksums"
    )]
    Truncated {
        /// What lies there.
        what: &'static str,
        /// Byte at which it should end.
        end: u64,
        /// Length of the file in bytes.
        len: u64,
    },
    /// The system failed to read.
    #[error("cannot read: {0}; check the disk or the network share")]
    Io(#[from] std::io::Error),
    /// A directory points back to one that was read.
    #[error(
        "the directory at byte {offset} was read before: the chain of directories is a loop; the file is damaged, copy it again"
    )]
    Loop {
        /// Where that directory lies.
        offset: u64,
    },
    /// More of something than any slide has.
    #[error("{count} {what}, more than {most}: the file is damaged; copy it again")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many are read.
        most: u64,
    },
    /// A tag that an image must have.
    #[error("tag {tag} ({name}) is missing or of a wrong type: the file is damaged, or no image")]
    Missing {
        /// Number of the tag.
        tag: u16,
        /// Its name.
        name: &'static str,
    },
    /// A tag with a value that cannot be.
    #[error("tag {tag} ({name}) is {value}, not {expected}; {remedy}")]
    Value {
        /// Number of the tag.
        tag: u16,
        /// Its name.
        name: &'static str,
        /// Its value.
        value: u64,
        /// What is read.
        expected: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A tile or strip that its decoder refuses.
    #[error(
        "{unit} {index}: {codec}: {reason}; the file is damaged or its compression tag is wrong: copy it again, or convert it with `vips tiffsave`"
    )]
    Decode {
        /// `tile` or `strip`.
        unit: &'static str,
        /// Its number.
        index: u64,
        /// Name of the decoder.
        codec: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// A slide without any level.
    #[error("no image in the file can serve as a level; {reason}")]
    NoLevel {
        /// Why.
        reason: &'static str,
    },
}

/// Remedy for what is stored in a way that is not read.
pub(crate) const CONVERT: &str =
    "convert it: `vips tiffsave IN OUT.tif --tile --pyramid --compression jpeg`";
/// Remedy for what cannot be.
pub(crate) const DAMAGED: &str = "the file is damaged: copy it again and compare checksums";
