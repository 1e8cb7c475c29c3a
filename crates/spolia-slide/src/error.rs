//! What can go wrong with a slide, its annotations, and tissue that is drawn or written.

use std::path::PathBuf;

use crate::annotation::AnnotationFault;
use crate::tiff::Fault;

/// An error of this crate; the message names the thing, what is wrong with it and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A phantom cohort that cannot be made.
    #[error(
        "phantom cohort: {what}; ask for at least one patient, centre and patch, and for no more centres than patients"
    )]
    Cohort {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A phantom patch that cannot be drawn.
    #[error("phantom patch `{id}`: {what} is {value}, not {expected}")]
    Patch {
        /// Id of the patch.
        id: String,
        /// Name of the quantity.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// A file or folder cannot be written.
    #[error("{}: cannot write: {source}; check permissions and free space", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// An image cannot be encoded.
    #[error("{}: cannot encode the image: {source}", .path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// The encoder's own error.
        source: image::ImageError,
    },
    /// A file cannot be read.
    #[error("{}: cannot read: {source}; check that it exists and may be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// A file that is no slide and no image.
    #[error(
        "{}: not a slide: neither TIFF nor BigTIFF, PNG, JPEG or BMP ({reason}); convert it with a tool that reads it, for instance `vips tiffsave IN OUT.tif --tile --pyramid --compression jpeg`", .path.display()
    )]
    NotSlide {
        /// The file.
        path: PathBuf,
        /// What its first bytes say.
        reason: String,
    },
    /// A vendor's format whose geometry would be read wrongly.
    #[error(
        "{}: {vendor} slides are not read by this backend; convert it to a pyramidal TIFF (`vips tiffsave IN OUT.tif --tile --pyramid --compression jpeg`)", .path.display()
    )]
    Vendor {
        /// The file.
        path: PathBuf,
        /// The vendor.
        vendor: &'static str,
    },
    /// A slide that is damaged, or stored in a way that is not read.
    #[error("{}: IFD {ifd}: {fault}", .path.display())]
    Slide {
        /// The file.
        path: PathBuf,
        /// Number of the image file directory, counted from 0 in the order of the file.
        ifd: usize,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A slide whose µm/px is needed and not known.
    #[error(
        "{}: the file does not say how many µm one of its pixels spans, so {asked} µm/px cannot be found in it; state it with `--slide-mpp` (`slide_mpp` in a study), or ask for a level", .path.display()
    )]
    NoResolution {
        /// The file.
        path: PathBuf,
        /// The µm/px that was asked for.
        asked: f64,
    },
    /// A region, level or resolution that cannot be read.
    #[error("{}: {what} is {value}, not {expected}", .path.display())]
    Region {
        /// The file.
        path: PathBuf,
        /// Name of the quantity.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        expected: String,
    },
    /// OpenSlide cannot read a slide.
    #[cfg(feature = "openslide")]
    #[error("{}: OpenSlide cannot read it: {reason}; copy or scan it again, or convert it to a pyramidal TIFF", .path.display())]
    OpenSlide {
        /// The slide.
        path: PathBuf,
        /// OpenSlide's words.
        reason: String,
    },
    /// A slide has no associated image of that name.
    #[error("{}: no associated image `{name}`; it has {present}", .path.display())]
    Associated {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// Those that it has.
        present: String,
    },
    /// An annotation file that cannot be used.
    #[error("{}: {fault}", .path.display())]
    Annotation {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: AnnotationFault,
    },
    /// A setting of this crate that cannot be.
    #[error("{what} is {value}, not {expected}")]
    Setting {
        /// Name of the setting.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;
