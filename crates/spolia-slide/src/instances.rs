//! Instance masks as large as a slide: for each pixel the number of its nucleus, or 0.
//!
//! They are tiled TIFFs of one level and one 32-bit sample a pixel, compressed by deflate; tiles
//! without any nucleus are not stored. tifffile, QuPath and GDAL read them.
//!
//! ```
//! use spolia_slide::instances::{Instances, Writer};
//! # fn main() -> Result<(), spolia_slide::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("nuclei.tif");
//! let writer = Writer::new(100, 40, 32)?;
//! let mut tile = vec![0; 32 * 32];
//! tile[0] = 70_000;
//! writer.put(1, 0, &tile)?; // the second tile of the first row
//! writer.write(&path, Some(0.5))?;
//!
//! let mask = Instances::open(&path)?;
//! assert_eq!(mask.dimensions(), (100, 40));
//! assert_eq!(mask.region(31, 0, 3, 1)?, [0, 70_000, 0]);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::tiff::fault::CONVERT;
use crate::tiff::{Compression, Directory, Fault, Tiff, decode_raw, tags};
use crate::write::{TiffFile, Values, check_tile, resolution};
use crate::{Error, Result};

/// The largest region that is given, in pixels.
const MOST_PIXELS: u64 = 1 << 28;

/// Collects the tiles of a mask, from several threads, and writes them.
#[derive(Debug)]
pub struct Writer {
    width: u64,
    height: u64,
    tile: u32,
    /// Compressed tiles that are not empty, by their number.
    tiles: Mutex<BTreeMap<u64, Vec<u8>>>,
}

impl Writer {
    /// A mask of `width * height` pixels in tiles of `tile` pixels a side.
    ///
    /// # Errors
    /// A side of 0, or a tile's side that is no multiple of 16.
    pub fn new(width: u64, height: u64, tile: u32) -> Result<Self> {
        check_tile(width, height, tile)?;
        Ok(Self {
            width,
            height,
            tile,
            tiles: Mutex::default(),
        })
    }

    /// Adds a tile: `tile * tile` numbers, row by row; those beyond the mask's border count for
    /// nothing.
    ///
    /// # Errors
    /// A tile of another size, or one that lies outside of the mask.
    pub fn put(&self, column: u32, row: u32, numbers: &[u32]) -> Result<()> {
        let refuse = |what, value: u64, expected| {
            Err(Error::Setting {
                what,
                value: value as f64,
                expected,
            })
        };
        let side = u64::from(self.tile);
        let across = self.width.div_ceil(side);
        if u64::from(column) >= across {
            return refuse("a tile's column", column.into(), "inside of the mask");
        }
        if u64::from(row) >= self.height.div_ceil(side) {
            return refuse("a tile's row", row.into(), "inside of the mask");
        }
        if numbers.len() as u64 != side * side {
            let expected = "the square of the tile's side";
            return refuse("a tile's number of pixels", numbers.len() as u64, expected);
        }
        if numbers.iter().all(|&number| number == 0) {
            return Ok(());
        }
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let packed = zlib.write_all(&bytes).and_then(|()| zlib.finish());
        let packed = packed.map_err(|source| Error::Io {
            path: PathBuf::from("instance mask"),
            source,
        })?;
        let mut tiles = self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        tiles.insert(u64::from(row) * across + u64::from(column), packed);
        Ok(())
    }

    /// Writes the mask, whole or not at all; `mpp` are its µm/px.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(self, path: &Path, mpp: Option<f64>) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.part"));
        let result = self
            .file(&beside, mpp)
            .and_then(|()| fs::rename(&beside, path));
        if result.is_err() {
            // what was wrong is already known: a leftover that cannot go either adds nothing
            let _ = fs::remove_file(&beside);
        }
        result.map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })
    }

    fn file(self, path: &Path, mpp: Option<f64>) -> std::io::Result<()> {
        let side = u64::from(self.tile);
        let count = self.width.div_ceil(side) * self.height.div_ceil(side);
        let tiles = self
            .tiles
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let bytes: u64 = tiles.values().map(|tile| tile.len() as u64 + 16).sum();
        let big = bytes + 16 * count > u64::from(u32::MAX) / 2;
        let mut file = TiffFile::new(File::create(path)?, big)?;
        let (mut offsets, mut counts) = (vec![0; count as usize], vec![0; count as usize]);
        for (number, tile) in tiles {
            offsets[number as usize] = file.append(&tile)?;
            counts[number as usize] = tile.len() as u64;
        }
        let short = |value: u16| Values::Short(vec![value]);
        let mut entries = vec![
            (tags::NEW_SUBFILE_TYPE, Values::Long(vec![0])),
            (tags::IMAGE_WIDTH, Values::Long(vec![self.width as u32])),
            (tags::IMAGE_LENGTH, Values::Long(vec![self.height as u32])),
            (tags::BITS_PER_SAMPLE, short(32)),
            (tags::COMPRESSION, short(8)),
            (tags::PHOTOMETRIC, short(1)),
            (tags::SAMPLES_PER_PIXEL, short(1)),
        ];
        if let Some(mpp) = mpp {
            entries.extend(resolution(mpp));
        }
        entries.extend([
            (tags::PLANAR_CONFIGURATION, short(1)),
            (tags::RESOLUTION_UNIT, short(3)),
            (tags::SOFTWARE, Values::Text("spolia".into())),
            (tags::TILE_WIDTH, Values::Long(vec![self.tile])),
            (tags::TILE_LENGTH, Values::Long(vec![self.tile])),
            (tags::TILE_OFFSETS, Values::Offsets(offsets)),
            (tags::TILE_BYTE_COUNTS, Values::Offsets(counts)),
            (tags::SAMPLE_FORMAT, short(1)),
        ]);
        file.directory(entries)?;
        file.finish()
    }
}

/// An instance mask, open for reading from any number of threads.
#[derive(Debug)]
pub struct Instances {
    path: PathBuf,
    tiff: Tiff,
    width: u64,
    height: u64,
    tile: (u64, u64),
    compression: Compression,
    /// Bytes of a sample: 1, 2 or 4.
    bytes: usize,
    offsets: Vec<u64>,
    counts: Vec<u64>,
}

impl Instances {
    /// Opens a mask: a tiled TIFF of one whole number of 8, 16 or 32 bits a pixel, without
    /// predictor, uncompressed or compressed by deflate, LZW or PackBits.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or is stored otherwise.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let at = |(ifd, fault)| match fault {
            Fault::Io(source) => Error::Read {
                path: path.clone(),
                source,
            },
            fault => Error::Slide {
                path: path.clone(),
                ifd,
                fault,
            },
        };
        let tiff = Tiff::open(&path)
            .map_err(at)?
            .ok_or_else(|| Error::NotSlide {
                path: path.clone(),
                reason: "an instance mask is a tiled TIFF".into(),
            })?;
        let Some(dir) = tiff.directories.first() else {
            let reason = "it has no directory";
            return Err(at((0, Fault::NoLevel { reason })));
        };
        let layout = layout(&tiff, dir).map_err(|fault| at((0, fault)))?;
        Ok(Self {
            path,
            width: layout.size.0,
            height: layout.size.1,
            tile: layout.tile,
            compression: layout.compression,
            bytes: layout.bytes,
            offsets: layout.offsets,
            counts: layout.counts,
            tiff,
        })
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn dimensions(&self) -> (u64, u64) {
        (self.width, self.height)
    }

    /// The numbers of `w * h` pixels, row by row, `x` and `y` at their top left; 0 outside of the
    /// mask and in tiles that the file does not hold.
    ///
    /// # Errors
    /// The region is empty or too large, or a tile is damaged.
    pub fn region(&self, x: u64, y: u64, w: u32, h: u32) -> Result<Vec<u32>> {
        let pixels = u64::from(w) * u64::from(h);
        if pixels == 0 || pixels > MOST_PIXELS {
            return Err(Error::Region {
                path: self.path.clone(),
                what: "the region's size in pixels",
                value: pixels as f64,
                expected: format!("between 1 and {MOST_PIXELS}; ask for a smaller part"),
            });
        }
        let mut out = vec![0; pixels as usize];
        let right = x.saturating_add(w.into()).min(self.width);
        let bottom = y.saturating_add(h.into()).min(self.height);
        if x >= right || y >= bottom {
            return Ok(out);
        }
        let (tile_w, tile_h) = self.tile;
        for row in y / tile_h..=(bottom - 1) / tile_h {
            for column in x / tile_w..=(right - 1) / tile_w {
                let Some(tile) = self.tile(row * self.width.div_ceil(tile_w) + column)? else {
                    continue;
                };
                let (left, top) = (column * tile_w, row * tile_h);
                let from = x.max(left);
                let count = (right.min(left + tile_w) - from) as usize;
                for line in y.max(top)..bottom.min(top + tile_h) {
                    let source = ((line - top) * tile_w + from - left) as usize;
                    let target = ((line - y) * u64::from(w) + from - x) as usize;
                    out[target..target + count].copy_from_slice(&tile[source..source + count]);
                }
            }
        }
        Ok(out)
    }

    fn tile(&self, index: u64) -> Result<Option<Vec<u32>>> {
        let (offset, count) = (self.offsets[index as usize], self.counts[index as usize]);
        if offset == 0 || count == 0 {
            return Ok(None);
        }
        let wanted = (self.tile.0 * self.tile.1) as usize * self.bytes;
        let read = || {
            let bytes = self.tiff.source.read(offset, count, "a tile")?;
            decode_raw(self.compression, &bytes, wanted).map_err(|(codec, reason)| Fault::Decode {
                unit: "tile",
                index,
                codec,
                reason,
            })
        };
        let raw = read().map_err(|fault| Error::Slide {
            path: self.path.clone(),
            ifd: 0,
            fault,
        })?;
        let big = self.tiff.big_endian();
        let numbers = raw.chunks_exact(self.bytes).map(|sample| {
            let add = |number: u32, &byte: &u8| number << 8 | u32::from(byte);
            if big {
                sample.iter().fold(0, add)
            } else {
                sample.iter().rev().fold(0, add)
            }
        });
        Ok(Some(numbers.collect()))
    }
}

struct Layout {
    size: (u64, u64),
    tile: (u64, u64),
    compression: Compression,
    bytes: usize,
    offsets: Vec<u64>,
    counts: Vec<u64>,
}

fn layout(tiff: &Tiff, dir: &Directory) -> std::result::Result<Layout, Fault> {
    let wrong = |tag: tags::Tag, value, expected| Fault::Value {
        tag: tag.0,
        name: tag.1,
        value,
        expected,
        remedy: CONVERT,
    };
    let side = |tag, most: u64, expected| match tiff.required(dir, tag)? {
        value if (1..=most).contains(&value) => Ok(value),
        value => Err(wrong(tag, value, expected)),
    };
    let most = u64::from(u32::MAX);
    let size = (
        side(tags::IMAGE_WIDTH, most, "1 to 4,294,967,295")?,
        side(tags::IMAGE_LENGTH, most, "1 to 4,294,967,295")?,
    );
    let tile = (
        side(tags::TILE_WIDTH, 8_192, "1 to 8,192")?,
        side(tags::TILE_LENGTH, 8_192, "1 to 8,192")?,
    );
    for (tag, default, expected) in [
        (tags::SAMPLES_PER_PIXEL, 1, "1"),
        (tags::SAMPLE_FORMAT, 1, "1 (unsigned whole numbers)"),
        (tags::PREDICTOR, 1, "1 (none)"),
    ] {
        let value = tiff.int_or(dir, tag, default)?;
        if value != 1 {
            return Err(wrong(tag, value, expected));
        }
    }
    let bits = tiff.int_or(dir, tags::BITS_PER_SAMPLE, 1)?;
    let bytes = match bits {
        8 | 16 | 32 => bits as usize / 8,
        _ => return Err(wrong(tags::BITS_PER_SAMPLE, bits, "8, 16 or 32")),
    };
    let code = tiff.int_or(dir, tags::COMPRESSION, 1)?;
    let compression = match Compression::from_code(code) {
        Some(
            found @ (Compression::None
            | Compression::Lzw
            | Compression::Deflate
            | Compression::PackBits),
        ) => found,
        _ => {
            return Err(wrong(
                tags::COMPRESSION,
                code,
                "1, 5, 8 or 32773 (without loss)",
            ));
        }
    };
    let count = size
        .0
        .div_ceil(tile.0)
        .saturating_mul(size.1.div_ceil(tile.1));
    Ok(Layout {
        size,
        tile,
        compression,
        bytes,
        offsets: tiff.table(dir, tags::TILE_OFFSETS, count)?,
        counts: tiff.table(dir, tags::TILE_BYTE_COUNTS, count)?,
    })
}
