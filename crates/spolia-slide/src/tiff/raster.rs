//! The grid of tiles or strips of one image.

use super::decode::{self, Compression, Layout, Photometric};
use super::fault::{CONVERT, DAMAGED};
use super::tags::{self, Tag};
use super::{Directory, Fault, Tiff};

/// The largest tile or strip that is decoded, in bytes of RGB.
const MOST_CHUNK: u64 = 256 << 20;
/// An uncompressed strip is read in parts of about this many bytes.
const PART: u64 = 1 << 20;

/// A decoded tile or strip: `height * width * 3` bytes, RGB, rows from top to bottom.
#[derive(Debug, PartialEq)]
pub(crate) struct Tile {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

/// One image of a TIFF: its size and where its tiles lie. A strip is a tile as wide as the image.
#[derive(Debug)]
pub(crate) struct Raster {
    /// Number of its directory.
    pub(crate) ifd: usize,
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) tile_width: u64,
    pub(crate) tile_height: u64,
    /// Tiles in a row.
    pub(crate) across: u64,
    /// Whether it is stored in tiles, as levels of a slide are.
    pub(crate) tiled: bool,
    offsets: Vec<u64>,
    counts: Vec<u64>,
    layout: Layout,
}

fn value(tag: Tag, value: u64, expected: &'static str, remedy: &'static str) -> Fault {
    Fault::Value {
        tag: tag.0,
        name: tag.1,
        value,
        expected,
        remedy,
    }
}

impl Raster {
    /// Reads the tags of an image and checks them against each other and the file's length.
    pub(crate) fn read(tiff: &Tiff, dir: &Directory) -> Result<Self, Fault> {
        let width = size(tiff, dir, tags::IMAGE_WIDTH)?;
        let height = size(tiff, dir, tags::IMAGE_LENGTH)?;
        let layout = layout(tiff, dir)?;
        let tiled = dir.has(tags::TILE_WIDTH);
        let (tile_width, tile_height) = if tiled {
            (
                size(tiff, dir, tags::TILE_WIDTH)?,
                size(tiff, dir, tags::TILE_LENGTH)?,
            )
        } else {
            let rows = tiff.int_or(dir, tags::ROWS_PER_STRIP, height)?;
            (width, rows.clamp(1, height))
        };
        let across = width.div_ceil(tile_width);
        let down = height.div_ceil(tile_height);
        let count = across.saturating_mul(down).saturating_mul(layout.planes());
        let (at, of) = if tiled {
            (tags::TILE_OFFSETS, tags::TILE_BYTE_COUNTS)
        } else {
            (tags::STRIP_OFFSETS, tags::STRIP_BYTE_COUNTS)
        };
        let offsets = tiff.table(dir, at, count)?;
        let counts = tiff.table(dir, of, count)?;
        let mut raster = Self {
            ifd: dir.index,
            width,
            height,
            tile_width,
            tile_height,
            across,
            tiled,
            offsets,
            counts,
            layout,
        };
        raster.split_strips();
        let pixel = raster.layout.pixel_bytes().max(3);
        let bytes = tile_width
            .saturating_mul(raster.tile_height)
            .saturating_mul(pixel);
        if bytes > MOST_CHUNK {
            let tag = if tiled {
                tags::TILE_LENGTH
            } else {
                tags::ROWS_PER_STRIP
            };
            return Err(value(
                tag,
                tile_height,
                "of a size that fits in 256 MiB",
                CONVERT,
            ));
        }
        Ok(raster)
    }

    /// Uncompressed strips can be read row by row: large ones are cut so that a region of a large
    /// striped image needs its own rows only.
    fn split_strips(&mut self) {
        let row = self.width.saturating_mul(self.layout.pixel_bytes());
        let rows = (PART / row.max(1)).max(1);
        let plain = self.layout.compression == Compression::None && self.layout.planes() == 1;
        if self.tiled || !plain || rows >= self.tile_height {
            return;
        }
        let (mut offsets, mut counts) = (Vec::new(), Vec::new());
        // parts of one strip must not straddle the next: their height divides the strip's
        let rows = (1..=rows)
            .rev()
            .find(|r| self.tile_height.is_multiple_of(*r))
            .unwrap_or(1);
        for (strip, (&offset, &count)) in self.offsets.iter().zip(&self.counts).enumerate() {
            let top = strip as u64 * self.tile_height;
            let mut done = 0;
            while done < self.tile_height.min(self.height - top) {
                let part = rows.min(self.height - top - done);
                let skip = done.saturating_mul(row);
                let sparse = offset == 0 || count == 0;
                offsets.push(if sparse {
                    0
                } else {
                    offset.saturating_add(skip)
                });
                counts.push(part.saturating_mul(row).min(count.saturating_sub(skip)));
                done += part;
            }
        }
        (self.offsets, self.counts, self.tile_height) = (offsets, counts, rows);
    }

    /// The first tile or strip that reaches over the end of the file, as a fault.
    pub(crate) fn check_length(&self, tiff: &Tiff) -> Result<(), Fault> {
        let what = if self.tiled { "a tile" } else { "a strip" };
        for (&offset, &count) in self.offsets.iter().zip(&self.counts) {
            if offset != 0 {
                tiff.source.check(offset, count, what)?;
            }
        }
        Ok(())
    }

    /// Decodes a tile or strip, counted in rows from the top left; `None` for one that the file
    /// does not hold (a sparse slide), which is white.
    pub(crate) fn tile(&self, tiff: &Tiff, index: u64) -> Result<Option<Tile>, Fault> {
        let row = index / self.across;
        let rows = if self.tiled {
            self.tile_height
        } else {
            self.tile_height.min(self.height - row * self.tile_height)
        };
        let (width, height) = (self.tile_width as usize, rows as usize);
        let per_plane = self.offsets.len() as u64 / self.layout.planes();
        let mut parts = Vec::with_capacity(3);
        for plane in 0..self.layout.planes() {
            let at = (plane * per_plane + index) as usize;
            let (offset, count) = (self.offsets[at], self.counts[at]);
            if offset == 0 || count == 0 {
                return Ok(None);
            }
            let what = if self.tiled { "a tile" } else { "a strip" };
            parts.push(tiff.source.read(offset, count, what)?);
        }
        let unit = if self.tiled { "tile" } else { "strip" };
        let rgb = decode::rgb(&self.layout, &parts, width, height).map_err(|(codec, reason)| {
            Fault::Decode {
                unit,
                index,
                codec,
                reason,
            }
        })?;
        Ok(Some(Tile { width, height, rgb }))
    }

    /// Name of the compression of its pixels.
    pub(crate) fn compression(&self) -> &'static str {
        self.layout.compression.name()
    }
}

fn size(tiff: &Tiff, dir: &Directory, tag: Tag) -> Result<u64, Fault> {
    let size = tiff.required(dir, tag)?;
    if size == 0 || size > u64::from(u32::MAX) {
        return Err(value(tag, size, "between 1 and 4,294,967,295", DAMAGED));
    }
    Ok(size)
}

fn layout(tiff: &Tiff, dir: &Directory) -> Result<Layout, Fault> {
    let code = tiff.int_or(dir, tags::COMPRESSION, 1)?;
    let compression = Compression::from_code(code).ok_or(value(
        tags::COMPRESSION,
        code,
        "1 (none), 5 (LZW), 7 (JPEG), 8 or 32946 (deflate), 32773 (PackBits) or 33003, 33005, 34712 (JPEG 2000)",
        CONVERT,
    ))?;
    let coded = matches!(
        compression,
        Compression::Jpeg | Compression::Jpeg2000 { .. }
    );
    let samples = tiff.int_or(dir, tags::SAMPLES_PER_PIXEL, 1)?;
    if !(1..=16).contains(&samples) || samples == 2 && coded {
        return Err(value(
            tags::SAMPLES_PER_PIXEL,
            samples,
            "1 (gray), 3 (RGB) or 4",
            CONVERT,
        ));
    }
    let depths = if dir.has(tags::BITS_PER_SAMPLE) {
        tiff.ints(dir, tags::BITS_PER_SAMPLE, 16)?
    } else {
        vec![1]
    };
    let depth = depths.first().copied().unwrap_or(1);
    if depths.iter().any(|&d| d != depth) || !(depth == 8 || depth == 16 && !coded) {
        return Err(value(
            tags::BITS_PER_SAMPLE,
            depth,
            "8 (or 16 without JPEG)",
            CONVERT,
        ));
    }
    let format = tiff.int_or(dir, tags::SAMPLE_FORMAT, 1)?;
    if format != 1 {
        return Err(value(
            tags::SAMPLE_FORMAT,
            format,
            "1 (unsigned whole numbers)",
            CONVERT,
        ));
    }
    let code = tiff.int_or(dir, tags::PHOTOMETRIC, if samples >= 3 { 2 } else { 1 })?;
    let photometric = match code {
        0 => Photometric::WhiteIsZero,
        1 => Photometric::BlackIsZero,
        2 if samples >= 3 => Photometric::Rgb,
        6 if samples == 3 => Photometric::YCbCr,
        _ => {
            let expected = "0 or 1 (gray), 2 (RGB) or 6 (YCbCr)";
            return Err(value(tags::PHOTOMETRIC, code, expected, CONVERT));
        }
    };
    let subsampled = dir.has(tags::YCBCR_SUBSAMPLING)
        && tiff
            .ints(dir, tags::YCBCR_SUBSAMPLING, 2)?
            .iter()
            .any(|&s| s != 1);
    // the default of the tag is 2, 2, but writers of plain YCbCr without it do not subsample
    if photometric == Photometric::YCbCr && !coded && subsampled {
        return Err(value(tags::YCBCR_SUBSAMPLING, 2, "1 without JPEG", CONVERT));
    }
    let planar = tiff.int_or(dir, tags::PLANAR_CONFIGURATION, 1)?;
    if planar != 1 && planar != 2 {
        return Err(value(tags::PLANAR_CONFIGURATION, planar, "1 or 2", DAMAGED));
    }
    let predictor = tiff.int_or(dir, tags::PREDICTOR, 1)?;
    if predictor != 1 && predictor != 2 {
        return Err(value(
            tags::PREDICTOR,
            predictor,
            "1 (none) or 2 (horizontal)",
            CONVERT,
        ));
    }
    let extra = tiff.int_or(dir, tags::EXTRA_SAMPLES, 0)?;
    Ok(Layout {
        compression,
        photometric,
        samples: samples as usize,
        wide: depth == 16,
        big_endian: tiff.big_endian(),
        separate: planar == 2 && samples > 1,
        difference: predictor == 2,
        alpha: (samples == 4)
            .then_some(extra)
            .filter(|&e| e == 1 || e == 2),
        tables: tiff.bytes(dir, tags::JPEG_TABLES)?,
    })
}
