//! Reading the pixels of a patch, whatever its source.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::hdf5::OpenFiles;
use crate::region::OpenSlides;
use crate::table::{Patch, Source};

/// An RGB image of unsigned bytes, row by row from the top left corner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbPatch {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `height * width * 3` bytes: red, green, blue of each pixel.
    pub data: Vec<u8>,
}

impl RgbPatch {
    /// The same pixels from 0 to 1, in the same order (height, width, channel).
    #[must_use]
    pub fn to_unit(&self) -> Vec<f32> {
        self.data.iter().map(|&v| f32::from(v) / 255.0).collect()
    }
}

/// Reads patches. One reader may be used by many threads at once; HDF5 files and slides stay open in
/// it, and where it was asked to, decoded patches.
#[derive(Debug, Default)]
pub struct Reader {
    files: OpenFiles,
    slides: OpenSlides,
    kept: Option<Kept>,
}

/// Decoded patches.
#[derive(Debug)]
struct Kept {
    /// Most bytes.
    most: usize,
    held: Mutex<(usize, BTreeMap<Source, Arc<RgbPatch>>)>,
}

impl Kept {
    fn find(&self, source: &Source) -> Option<Arc<RgbPatch>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.1.get(source).cloned()
    }

    /// Keeps a patch while there is room; the first ones stay.
    fn keep(&self, source: &Source, image: &RgbPatch) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = held.0 + image.data.len();
        if bytes <= self.most && !held.1.contains_key(source) {
            held.0 = bytes;
            held.1.insert(source.clone(), Arc::new(image.clone()));
        }
    }
}

impl Reader {
    /// A reader with no file open yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that keeps the patches it decoded, at most `bytes` of pixels, for whoever reads the same
    /// again and again. Files must not change while it is used.
    #[must_use]
    pub fn keeping(bytes: usize) -> Self {
        Self {
            kept: Some(Kept {
                most: bytes,
                held: Mutex::default(),
            }),
            ..Self::default()
        }
    }

    /// Reads the pixels of a patch. Gray images become RGB, 16 bit ones 8 bit; transparency is
    /// dropped.
    ///
    /// # Errors
    /// The file is missing, truncated, not an image, or not of the format that its content
    /// claims; an HDF5 dataset or index does not exist or does not hold RGB bytes.
    pub fn read(&self, patch: &Patch) -> Result<RgbPatch> {
        let Some(kept) = &self.kept else {
            return self.decode(patch);
        };
        if let Some(image) = kept.find(&patch.source) {
            return Ok(RgbPatch::clone(&image));
        }
        let image = self.decode(patch)?;
        kept.keep(&patch.source, &image);
        Ok(image)
    }

    fn decode(&self, patch: &Patch) -> Result<RgbPatch> {
        match &patch.source {
            Source::File(path) => read_file(path),
            Source::Region { file, region } => {
                if !file.exists() {
                    return Err(Error::Missing { path: file.clone() });
                }
                self.slides.read(file, *region)
            }
            Source::Hdf5 {
                file,
                dataset,
                index,
            } => {
                if !file.exists() {
                    return Err(Error::Missing { path: file.clone() });
                }
                let (width, height, data) = self.files.read(file, dataset, *index)?;
                Ok(RgbPatch {
                    width,
                    height,
                    data,
                })
            }
        }
    }
}

const DAMAGED: &str =
    "the file is damaged or cut short: copy or download it again, or leave it out";

/// Whether an end-of-image marker follows the last scan. The decoder fills a missing rest with
/// gray without a word.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    match (last([0xff, 0xda]), last([0xff, 0xd9])) {
        (Some(scan), Some(end)) => scan < end,
        _ => false,
    }
}

fn read_file(path: &Path) -> Result<RgbPatch> {
    if !path.exists() {
        return Err(Error::Missing {
            path: path.to_path_buf(),
        });
    }
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        action: "read",
        source,
    };
    let bytes = std::fs::read(path).map_err(io)?;
    // The content decides about the format: endings lie now and then.
    let reader = image::ImageReader::new(Cursor::new(&bytes))
        .with_guessed_format()
        .map_err(io)?;
    let format = reader.format();
    if format == Some(image::ImageFormat::Jpeg) && !jpeg_is_whole(&bytes) {
        return Err(Error::Image {
            path: path.to_path_buf(),
            what: "is a JPEG that ends before its image does".to_owned(),
            remedy: DAMAGED,
        });
    }
    let image = reader.decode().map_err(|error| {
        use image::ImageError as E;
        let remedy = match &error {
            E::Unsupported(_) => "save it as 8 bit RGB PNG, JPEG, TIFF or BMP",
            E::Limits(_) => "it is too large for a patch; cut patches out of it first",
            _ => DAMAGED,
        };
        let kind = format.map_or("an image", |f| f.to_mime_type());
        Error::Image {
            path: path.to_path_buf(),
            what: format!("cannot be decoded as {kind} ({error})"),
            remedy,
        }
    })?;
    let rgb = image.into_rgb8();
    if rgb.width() == 0 || rgb.height() == 0 {
        return Err(Error::Image {
            path: path.to_path_buf(),
            what: "has no pixels".to_owned(),
            remedy: "leave it out",
        });
    }
    Ok(RgbPatch {
        width: rgb.width() as usize,
        height: rgb.height() as usize,
        data: rgb.into_raw(),
    })
}
