//! Rows of tiles, from level 0 to the smallest.

use std::fs::{self, File};
use std::path::Path;

use image::{Rgb, RgbImage, imageops};
use rayon::prelude::*;

use super::encode::{Encoded, encode};
use super::file::{TiffFile, Values};
use super::{Area, Codec, Options};
use crate::tiff::tags;
use crate::{Error, Result};

/// A row of tiles; a tile that is not there is white and takes no space.
type Row = Vec<Option<RgbImage>>;

struct LevelState {
    width: u64,
    height: u64,
    across: u64,
    down: u64,
    offsets: Vec<u64>,
    counts: Vec<u64>,
    /// The row that the finer level's rows are collected in.
    pending: Option<Row>,
    /// Rows collected so far.
    rows: u64,
}

struct Writer<'a> {
    path: &'a Path,
    options: &'a Options,
    file: TiffFile,
    levels: Vec<LevelState>,
    tables: Vec<u8>,
}

/// Writes a pyramid of `width * height` pixels at level 0.
///
/// `draw` gives the pixels of an [`Area`] of level 0 (a tile, cut at the slide's borders), or
/// `None` for one that is white and not stored. It is called from several threads, once for each
/// tile; the file's bytes do not depend on their number. The file appears whole or not at all.
///
/// # Errors
/// A side of 0, a tile's side that is no multiple of 16, a quality that is not 1 to 100, an image
/// of another size than its area, what `draw` fails with, or a file that cannot be written.
pub fn pyramid(
    path: &Path,
    width: u64,
    height: u64,
    options: &Options,
    draw: impl Fn(Area) -> Result<Option<RgbImage>> + Sync,
) -> Result<()> {
    check(width, height, options)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.part"));
    let failed = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let result = write(path, &beside, (width, height), options, draw)
        .and_then(|()| fs::rename(&beside, path).map_err(failed));
    if result.is_err() {
        // what was wrong is already known: a leftover that cannot go either adds nothing
        let _ = fs::remove_file(&beside);
    }
    result
}

fn refuse(what: &'static str, value: u64, expected: &'static str) -> Result<()> {
    Err(Error::Setting {
        what,
        value: value as f64,
        expected,
    })
}

/// Whether a slide can have this size, in tiles of this side.
pub(crate) fn check_tile(width: u64, height: u64, tile: u32) -> Result<()> {
    let most = u64::from(u32::MAX);
    for (what, side) in [("the slide's width", width), ("the slide's height", height)] {
        if side == 0 || side > most {
            return refuse(what, side, "between 1 and 4,294,967,295 px");
        }
    }
    if !tile.is_multiple_of(16) || !(16..=4_096).contains(&tile) {
        return refuse(
            "the tile's side",
            tile.into(),
            "a multiple of 16 up to 4,096 px",
        );
    }
    Ok(())
}

fn check(width: u64, height: u64, options: &Options) -> Result<()> {
    check_tile(width, height, options.tile)?;
    if options.levels == 0 {
        return refuse("the number of levels", 0, "at least 1");
    }
    if let Some(mpp) = options.mpp
        && !(mpp > 0.01 && mpp < 20.0)
    {
        let expected = "between 0.01 and 20 µm per pixel";
        return Err(Error::Setting {
            what: "the slide's µm/px",
            value: mpp,
            expected,
        });
    }
    match options.codec {
        Codec::Jpeg { quality } if !(1..=100).contains(&quality) => {
            refuse("the JPEG quality", quality.into(), "between 1 and 100")
        }
        _ => Ok(()),
    }
}

fn write(
    path: &Path,
    beside: &Path,
    (width, height): (u64, u64),
    options: &Options,
    draw: impl Fn(Area) -> Result<Option<RgbImage>> + Sync,
) -> Result<()> {
    let failed = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    // 4 bytes a pixel: 3, and a third more for the smaller levels
    let big = options.big || (width * height).saturating_mul(4) > u64::from(u32::MAX);
    let file = TiffFile::new(File::create(beside).map_err(failed)?, big).map_err(failed)?;
    let levels = plan(width, height, options);
    let mut writer = Writer {
        path,
        options,
        file,
        levels,
        tables: Vec::new(),
    };
    let tile = u64::from(options.tile);
    for row in 0..height.div_ceil(tile) {
        let tiles = (0..width.div_ceil(tile)).into_par_iter().map(|column| {
            let (x, y) = (column * tile, row * tile);
            let area = Area {
                x,
                y,
                width: tile.min(width - x) as u32,
                height: tile.min(height - y) as u32,
            };
            draw(area)?
                .map(|image| padded(image, area, options.tile))
                .transpose()
        });
        writer.row(0, tiles.collect::<Result<Row>>()?)?;
    }
    writer.directories().map_err(failed)?;
    writer.file.finish().map_err(failed)
}

fn plan(width: u64, height: u64, options: &Options) -> Vec<LevelState> {
    let tile = u64::from(options.tile);
    let mut levels = Vec::new();
    let (mut width, mut height) = (width, height);
    loop {
        let (across, down) = (width.div_ceil(tile), height.div_ceil(tile));
        levels.push(LevelState {
            width,
            height,
            across,
            down,
            offsets: Vec::new(),
            counts: Vec::new(),
            pending: None,
            rows: 0,
        });
        if levels.len() >= options.levels || across * down == 1 || width.min(height) < 2 {
            return levels;
        }
        (width, height) = (width / 2, height / 2);
    }
}

/// A tile of full size: beyond the slide's border its last pixels go on, so that nothing sharp is
/// compressed there.
fn padded(image: RgbImage, area: Area, side: u32) -> Result<RgbImage> {
    let (w, h) = image.dimensions();
    if (w, h) != (area.width, area.height) {
        return Err(Error::Setting {
            what: "the size of a drawn tile in pixels",
            value: f64::from(w) * f64::from(h),
            expected: "that of the area to draw",
        });
    }
    if (w, h) == (side, side) {
        return Ok(image);
    }
    Ok(RgbImage::from_fn(side, side, |x, y| {
        *image.get_pixel(x.min(w - 1), y.min(h - 1))
    }))
}

impl Writer<'_> {
    /// Stores a row of tiles and hands its half to the next level.
    fn row(&mut self, level: usize, row: Row) -> Result<()> {
        let codec = self.options.codec;
        let encoded: Vec<Option<Encoded>> = row
            .par_iter()
            .map(|tile| tile.as_ref().map(|tile| encode(codec, tile)).transpose())
            .collect::<image::ImageResult<_>>()
            .map_err(|source| Error::Image {
                path: self.path.to_owned(),
                source,
            })?;
        for tile in encoded {
            let (offset, count) = match tile {
                None => (0, 0),
                Some(Encoded { tables, bytes }) => {
                    self.tables = tables;
                    let offset = self.file.append(&bytes).map_err(|source| Error::Io {
                        path: self.path.to_owned(),
                        source,
                    })?;
                    (offset, bytes.len() as u64)
                }
            };
            self.levels[level].offsets.push(offset);
            self.levels[level].counts.push(count);
        }
        self.levels[level].rows += 1;
        if level + 1 == self.levels.len() {
            return Ok(());
        }
        let (done, all) = (self.levels[level].rows, self.levels[level].down);
        let side = self.options.tile;
        let next = &mut self.levels[level + 1];
        if next.rows >= next.down {
            return Ok(()); // an odd last row of pixels is no half of anything
        }
        let halves: Row = row
            .into_par_iter()
            .map(|tile| tile.map(|tile| half(&tile)))
            .collect();
        let pending = next
            .pending
            .get_or_insert_with(|| vec![None; next.across as usize]);
        let below = if done % 2 == 0 {
            i64::from(side / 2)
        } else {
            0
        };
        for (column, tile) in halves.iter().enumerate() {
            if let (Some(tile), Some(slot)) = (tile, pending.get_mut(column / 2)) {
                let whole =
                    slot.get_or_insert_with(|| RgbImage::from_pixel(side, side, Rgb([255; 3])));
                let right = if column % 2 == 1 {
                    i64::from(side / 2)
                } else {
                    0
                };
                imageops::replace(whole, tile, right, below);
            }
        }
        if (done % 2 == 0 || done == all)
            && let Some(full) = next.pending.take()
        {
            self.row(level + 1, full)?;
        }
        Ok(())
    }

    fn directories(&mut self) -> std::io::Result<()> {
        let options = self.options;
        for (number, level) in std::mem::take(&mut self.levels).into_iter().enumerate() {
            let (compression, photometric) = match options.codec {
                Codec::Jpeg { .. } => (7, 6),
                Codec::Deflate => (8, 2),
                Codec::Raw => (1, 2),
            };
            let short = |value: u16| Values::Short(vec![value]);
            let mut entries = vec![
                (
                    tags::NEW_SUBFILE_TYPE,
                    Values::Long(vec![u32::from(number > 0)]),
                ),
                (tags::IMAGE_WIDTH, Values::Long(vec![level.width as u32])),
                (tags::IMAGE_LENGTH, Values::Long(vec![level.height as u32])),
                (tags::BITS_PER_SAMPLE, Values::Short(vec![8; 3])),
                (tags::COMPRESSION, short(compression)),
                (tags::PHOTOMETRIC, short(photometric)),
            ];
            if number == 0 && !options.description.is_empty() {
                entries.push((
                    tags::IMAGE_DESCRIPTION,
                    Values::Text(options.description.clone()),
                ));
            }
            entries.push((tags::SAMPLES_PER_PIXEL, short(3)));
            if let Some(mpp) = options.mpp {
                entries.extend(resolution(mpp * (1_u64 << number) as f64));
            }
            entries.push((tags::PLANAR_CONFIGURATION, short(1)));
            if options.mpp.is_some() {
                entries.push((tags::RESOLUTION_UNIT, short(3)));
            }
            entries.push((tags::SOFTWARE, Values::Text("spolia".into())));
            entries.push((tags::TILE_WIDTH, Values::Long(vec![options.tile])));
            entries.push((tags::TILE_LENGTH, Values::Long(vec![options.tile])));
            entries.push((tags::TILE_OFFSETS, Values::Offsets(level.offsets)));
            entries.push((tags::TILE_BYTE_COUNTS, Values::Offsets(level.counts)));
            if compression == 7 {
                if !self.tables.is_empty() {
                    entries.push((tags::JPEG_TABLES, Values::Bytes(self.tables.clone())));
                }
                entries.push((tags::YCBCR_SUBSAMPLING, Values::Short(vec![1, 1])));
            }
            self.file.directory(entries)?;
        }
        Ok(())
    }
}

/// The tags that say µm/px, with the unit of a centimetre.
pub(crate) fn resolution(mpp: f64) -> [(tags::Tag, Values); 2] {
    let (pixels, cm) = pixels_per_cm(mpp);
    [tags::X_RESOLUTION, tags::Y_RESOLUTION].map(|tag| (tag, Values::Fraction(pixels, cm)))
}

/// Pixels in a centimetre as a fraction: exact where µm/px has few decimals.
fn pixels_per_cm(mpp: f64) -> (u32, u32) {
    for decimals in [1_u32, 10, 100, 1_000, 10_000] {
        let below = mpp * f64::from(decimals);
        if (below - below.round()).abs() < 1e-9 * below {
            return (10_000 * decimals, below.round() as u32);
        }
    }
    // more than nine digits do not fit
    let scale = 10_f64.powf((4e9 / (1e4 / mpp)).log10().floor());
    ((1e4 / mpp * scale).round() as u32, scale as u32)
}

/// Means of 2 x 2 pixels.
fn half(tile: &RgbImage) -> RgbImage {
    let row = tile.width() as usize * 3;
    let raw = tile.as_raw();
    let mut out = RgbImage::new(tile.width() / 2, tile.height() / 2);
    for (x, y, pixel) in out.enumerate_pixels_mut() {
        let at = y as usize * 2 * row + x as usize * 6;
        for (channel, value) in pixel.0.iter_mut().enumerate() {
            let sum = [at, at + 3, at + row, at + row + 3]
                .map(|at| u16::from(raw[at + channel]))
                .iter()
                .sum::<u16>();
            *value = ((sum + 2) / 4) as u8;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::pixels_per_cm;

    #[test]
    fn resolutions_as_fractions() {
        assert_eq!(pixels_per_cm(0.5), (100_000, 5));
        assert_eq!(pixels_per_cm(0.499), (10_000_000, 499));
        let (pixels, cm) = pixels_per_cm(0.251_234_567);
        assert!((1e4 / (f64::from(pixels) / f64::from(cm)) - 0.251_234_567).abs() < 1e-9);
    }
}
