//! Reading images out of HDF5 files.
//!
//! A file is opened once for streaming, so that memory holds the patch being read and not the
//! cohort.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hdf5_pure::{Chunk, DType, Dataset, File};

use crate::error::{Error, Result};

pub(crate) const AGAIN: &str = "copy or download the file again, or leave it out";

pub(crate) fn fail(path: &Path, dataset: &str, error: &hdf5_pure::Error) -> Error {
    Error::Hdf5 {
        path: path.to_path_buf(),
        dataset: dataset.to_owned(),
        what: format!("cannot be read: {error}"),
        remedy: AGAIN,
    }
}

/// Deflate makes of a byte no more than so many.
const DEFLATE_MOST: u64 = 1_032;

/// Opens an HDF5 file for reading parts of it.
pub(crate) fn open(path: &Path) -> Result<File> {
    File::open_streaming(path).map_err(|e| fail(path, "", &e))
}

/// Number, height and width of the images of a dataset; only bytes of shape (N, H, W, 3) are
/// images.
pub(crate) fn image_shape(
    path: &Path,
    name: &str,
    dataset: &Dataset,
) -> Result<(u64, usize, usize)> {
    let shape = dataset.shape().map_err(|e| fail(path, name, &e))?;
    let kind = dataset.dtype().map_err(|e| fail(path, name, &e))?;
    let wrong = |what: String| Error::Hdf5 {
        path: path.to_path_buf(),
        dataset: name.to_owned(),
        what,
        remedy: "patches are unsigned bytes of shape (N, height, width, 3); convert the dataset",
    };
    match (shape.as_slice(), &kind) {
        (&[n, height, width, 3], DType::U8) => {
            let size = |v: u64| {
                usize::try_from(v)
                    .ok()
                    .filter(|&v| (1..=65_535).contains(&v))
                    .ok_or_else(|| wrong(format!("holds images of shape {shape:?}")))
            };
            let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
            let (height, width) = (size(height)?, size(width)?);
            let chunk = dataset.chunk_shape().map_err(|e| fail(path, name, &e))?;
            let product = |all: &[u64]| all.iter().fold(1, |p: u64, v| p.saturating_mul(*v));
            let most = DEFLATE_MOST.saturating_mul(bytes);
            // Neither a table nor an image is made of what a damaged header claims.
            if n > bytes || product(&shape[1..]) > most {
                return Err(wrong(format!(
                    "claims {n} images of {width}x{height} px, which the file's {bytes} bytes cannot hold"
                )));
            }
            if let Some(chunk) = chunk.filter(|chunk| product(chunk) > most) {
                return Err(wrong(format!(
                    "claims chunks of shape {chunk:?}, which the file's {bytes} bytes cannot hold"
                )));
            }
            Ok((n, height, width))
        }
        _ => Err(wrong(format!(
            "holds {kind} of shape {shape:?}, not images"
        ))),
    }
}

/// Refuses chunks that the index says lie, wholly or in part, behind the end of the file: reading one would take as much
/// memory as it claims.
fn chunks_in_file(path: &Path, name: &str, dataset: &Dataset) -> Result<()> {
    let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
    // Not every layout has chunks, nor every index a list of them.
    let chunks = dataset.chunks().unwrap_or_default();
    let ends = |c: &Chunk| c.address.saturating_add(c.storage_size);
    match chunks.iter().find(|c| ends(c) > bytes) {
        None => Ok(()),
        Some(chunk) => Err(Error::Hdf5 {
            path: path.to_path_buf(),
            dataset: name.to_owned(),
            what: format!(
                "claims {} bytes at byte {} for the chunk at {:?}, and the file has {bytes}",
                chunk.storage_size, chunk.address, chunk.offset
            ),
            remedy: AGAIN,
        }),
    }
}

/// HDF5 files and datasets that stay open between reads.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles {
    datasets: Mutex<BTreeMap<(PathBuf, String), OpenDataset>>,
}

#[derive(Debug, Clone)]
struct OpenDataset {
    dataset: Dataset,
    images: u64,
    height: usize,
    width: usize,
}

impl OpenFiles {
    /// Image `index` of a dataset: width, height, RGB bytes row by row.
    pub(crate) fn read(
        &self,
        path: &Path,
        name: &str,
        index: u64,
    ) -> Result<(usize, usize, Vec<u8>)> {
        let open = self.dataset(path, name)?;
        if index >= open.images {
            return Err(Error::Hdf5 {
                path: path.to_path_buf(),
                dataset: name.to_owned(),
                what: format!("image {index} was asked for, but it holds {}", open.images),
                remedy: "indices start at 0; make the patch table again from this file",
            });
        }
        let data = open
            .dataset
            .read_u8_rows(index, 1)
            .map_err(|e| fail(path, name, &e))?;
        if data.len() != open.height * open.width * 3 {
            return Err(Error::Hdf5 {
                path: path.to_path_buf(),
                dataset: name.to_owned(),
                what: format!(
                    "image {index} has {} bytes of {}",
                    data.len(),
                    open.height * open.width * 3
                ),
                remedy: AGAIN,
            });
        }
        Ok((open.width, open.height, data))
    }

    fn dataset(&self, path: &Path, name: &str) -> Result<OpenDataset> {
        let key = (path.to_path_buf(), name.to_owned());
        // A reader that panicked cannot have left the map half changed: entries are only added.
        let mut datasets = self
            .datasets
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(open) = datasets.get(&key) {
            return Ok(open.clone());
        }
        let dataset = open(path)?
            .dataset(name)
            .map_err(|e| fail(path, name, &e))?;
        let (images, height, width) = image_shape(path, name, &dataset)?;
        chunks_in_file(path, name, &dataset)?;
        let open = OpenDataset {
            dataset,
            images,
            height,
            width,
        };
        datasets.insert(key, open.clone());
        Ok(open)
    }
}
