//! Vendors' habits: which images of a TIFF are levels, which are a label or macro photograph, and
//! where the µm/px stands.
//!
//! Each vendor is a function that looks at the file and says `None` where it is not its own;
//! [`layout`] asks them in turn, and the last takes any pyramid.

mod aperio;
mod generic;
mod ome;
mod philips;

use crate::tiff::{At, Directory, Fault, Raster, Tiff, tags};

/// Who made a slide, or rather its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vendor {
    /// Aperio SVS.
    Aperio,
    /// Philips TIFF (Camelyon).
    Philips,
    /// OME-TIFF.
    Ome,
    /// A TIFF of nobody in particular: pyramids of vips, of this crate, plain images.
    GenericTiff,
    /// A PNG, JPEG or BMP image.
    Image,
    /// Of OpenSlide's formats the one of this name.
    #[cfg(feature = "openslide")]
    OpenSlide(&'static str),
}

impl Vendor {
    /// OpenSlide's name of the vendor, where it has one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aperio => "aperio",
            Self::Philips => "philips",
            Self::Ome => "ome-tiff",
            Self::GenericTiff => "generic-tiff",
            Self::Image => "image",
            #[cfg(feature = "openslide")]
            Self::OpenSlide(name) => name,
        }
    }
}

impl std::fmt::Display for Vendor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Size of a pixel of level 0 in µm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mpp {
    /// Across.
    pub x: f64,
    /// Down.
    pub y: f64,
}

impl Mpp {
    /// Both sides, where they are what a microscope can see: above 0.01 and below 100 µm.
    /// A resolution of 72 dots per inch (353 µm) is a printer's.
    pub(crate) fn plausible(x: f64, y: f64) -> Option<Self> {
        let sound = |side: f64| side.is_finite() && side > 0.01 && side < 100.0;
        (sound(x) && sound(y)).then_some(Self { x, y })
    }

    /// Mean of the two sides.
    #[must_use]
    pub fn mean(self) -> f64 {
        (self.x + self.y) / 2.0
    }
}

/// A level before its size is checked against its neighbours.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) raster: Raster,
    /// Downsampling that the vendor states, where the padded size of a level does not tell it.
    pub(crate) downsample: Option<f64>,
}

impl From<Raster> for Stage {
    fn from(raster: Raster) -> Self {
        Self {
            raster,
            downsample: None,
        }
    }
}

/// An image that belongs to a slide.
#[derive(Debug)]
pub(crate) enum Picture {
    /// One of the TIFF's own.
    Raster(Raster),
    /// The bytes of a JPEG, from its description.
    Jpeg(Vec<u8>),
}

impl From<Raster> for Picture {
    fn from(raster: Raster) -> Self {
        Self::Raster(raster)
    }
}

/// What a vendor's reader found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) vendor: Vendor,
    /// From the largest to the smallest.
    pub(crate) levels: Vec<Stage>,
    pub(crate) associated: Vec<(String, Picture)>,
    pub(crate) mpp: Option<Mpp>,
    pub(crate) objective: Option<f64>,
}

/// A file that must not be read as if it were a plain pyramid, and whose it is.
fn foreign(tiff: &Tiff, first: &Directory) -> Result<Option<&'static str>, Fault> {
    if first.has(tags::NDPI_FORMAT) {
        return Ok(Some("Hamamatsu NDPI"));
    }
    for dir in &tiff.directories {
        let xmp = tiff.bytes(dir, tags::XMP)?.unwrap_or_default();
        if xmp.windows(6).any(|w| w == b"<iScan") {
            return Ok(Some("Ventana BIF"));
        }
    }
    let description = tiff
        .text(first, tags::IMAGE_DESCRIPTION)?
        .unwrap_or_default();
    if description.contains("www.leica-microsystems.com/scn") {
        return Ok(Some("Leica SCN"));
    }
    Ok(None)
}

/// The reader's answer, or a foreign vendor's name.
pub(crate) fn layout(tiff: &Tiff) -> Result<Result<Found, &'static str>, At> {
    let Some(first) = tiff.directories.first() else {
        return Err((
            0,
            Fault::NoLevel {
                reason: "the file has no directory",
            },
        ));
    };
    if let Some(vendor) = foreign(tiff, first).map_err(|fault| (first.index, fault))? {
        return Ok(Err(vendor));
    }
    let readers = [aperio::read, philips::read, ome::read, generic::read];
    for read in readers {
        if let Some(found) = read(tiff, first)? {
            return Ok(Ok(found));
        }
    }
    Err((
        first.index,
        Fault::NoLevel {
            reason: "it has neither tiles nor strips",
        },
    ))
}

/// The image of a directory, its fault with the directory's number.
fn raster(tiff: &Tiff, dir: &Directory) -> Result<Raster, At> {
    Raster::read(tiff, dir).map_err(|fault| (dir.index, fault))
}

/// Text of a tag, empty where it is missing.
fn text(tiff: &Tiff, dir: &Directory, tag: tags::Tag) -> Result<String, At> {
    Ok(tiff
        .text(dir, tag)
        .map_err(|fault| (dir.index, fault))?
        .unwrap_or_default())
}
