//! Whole-slide images: open one, ask for its levels and µm/px, read any region of it.
//!
//! Coordinates say their frame: `region` counts pixels of the level it reads, `region_at` and
//! [`Slide::region_scaled`] place their top left corner in pixels of level 0. What lies outside of
//! a slide, and tiles that a file does not hold, are white.

mod cache;
mod canvas;
mod levels;
#[cfg(feature = "openslide")]
mod openslide;
mod plain;
mod resample;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

pub use cache::TileCache;
pub use resample::{Region, Resolution};

use canvas::Canvas;

use crate::tiff::{Fault, Raster, Tiff, Tile, tags};
use crate::vendor::{self, Found, Mpp, Picture, Vendor};
use crate::{Error, Result};

/// Bytes of decoded tiles that a slide keeps where no cache is given.
pub const DEFAULT_CACHE: usize = 64 << 20;
/// The largest region that is given, in pixels.
const MOST_PIXELS: u64 = 1 << 28;

/// How a slide is opened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A cache to share with other slides; otherwise the slide gets its own of
    /// [`DEFAULT_CACHE`] bytes.
    pub cache: Option<Arc<TileCache>>,
    /// µm/px of level 0, said by the user: it goes before what the file says.
    pub mpp: Option<f64>,
}

/// One level of a slide's pyramid.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Pixels across.
    pub width: u64,
    /// Pixels down.
    pub height: u64,
    /// Side of one of its pixels in pixels of level 0. Where the level's size is that of level 0
    /// divided by a whole number and rounded, it is that number (OpenSlide gives the ratio of the
    /// sizes: 2.0005 for 2).
    pub downsample: f64,
    /// Width and height of its tiles (for a striped image, of its strips).
    pub tile: (u64, u64),
    /// How its pixels are compressed.
    pub compression: &'static str,
}

/// A slide, open for reading from any number of threads.
#[derive(Debug)]
pub struct Slide {
    path: PathBuf,
    vendor: Vendor,
    levels: Vec<Level>,
    mpp: Option<Mpp>,
    objective: Option<f64>,
    description: String,
    cache: Arc<TileCache>,
    /// Its number in the cache.
    number: u64,
    pixels: Pixels,
}

#[derive(Debug)]
enum Pixels {
    Tiff {
        tiff: Tiff,
        rasters: Vec<Raster>,
        associated: Vec<(String, Picture)>,
    },
    Plain(RgbImage),
    #[cfg(feature = "openslide")]
    OpenSlide(openslide::Foreign),
}

impl Slide {
    /// Opens a slide: a pyramidal TIFF or BigTIFF (Aperio, Philips, OME, plain), or an image (PNG,
    /// JPEG, BMP, TIFF) as a slide of one level. Only directories are read; an image that is no
    /// TIFF is decoded whole.
    ///
    /// # Errors
    /// A file that cannot be read, is no slide, is damaged (its directory is named), or is of a
    /// vendor whose geometry is not known here.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &Options::default())
    }

    /// Opens a slide with a cache to share, or with µm/px that its file does not say.
    ///
    /// # Errors
    /// As [`Slide::open`]; and µm/px that are not a positive number.
    pub fn open_with(path: impl AsRef<Path>, options: &Options) -> Result<Self> {
        let path = path.as_ref();
        Self::opened(path, options, Self::by_content)
    }

    /// Opens a slide by OpenSlide, whatever its format.
    ///
    /// # Errors
    /// OpenSlide does not know the file or cannot read it; µm/px that are not a positive number.
    #[cfg(feature = "openslide")]
    pub fn open_by_openslide(path: impl AsRef<Path>, options: &Options) -> Result<Self> {
        Self::opened(path.as_ref(), options, openslide::open)
    }

    fn opened(
        path: &Path,
        options: &Options,
        open: impl FnOnce(&Path, Arc<TileCache>) -> Result<Self>,
    ) -> Result<Self> {
        if let Some(mpp) = options.mpp
            && !(mpp.is_finite() && mpp > 0.0)
        {
            let expected = "a positive number of µm per pixel".to_owned();
            return Err(Error::Region {
                path: path.to_owned(),
                what: "slide µm/px",
                value: mpp,
                expected,
            });
        }
        let cache = options
            .cache
            .clone()
            .unwrap_or_else(|| Arc::new(TileCache::new(DEFAULT_CACHE)));
        let mut slide = open(path, cache)?;
        if let Some(mpp) = options.mpp {
            slide.mpp = Some(Mpp { x: mpp, y: mpp });
        }
        Ok(slide)
    }

    /// Opens a slide as its first bytes say.
    fn by_content(path: &Path, cache: Arc<TileCache>) -> Result<Self> {
        let at = |(ifd, fault)| match fault {
            Fault::Io(source) if ifd == 0 => Error::Read {
                path: path.to_owned(),
                source,
            },
            fault => Error::Slide {
                path: path.to_owned(),
                ifd,
                fault,
            },
        };
        Ok(match Tiff::open(path).map_err(at)? {
            #[cfg(feature = "openslide")]
            None if openslide::knows(path) => openslide::open(path, cache)?,
            None => plain::open(path, cache)?,
            Some(tiff) => match vendor::layout(&tiff).map_err(at)? {
                #[cfg(feature = "openslide")]
                Err(_) => openslide::open(path, cache)?,
                #[cfg(not(feature = "openslide"))]
                Err(vendor) => {
                    return Err(Error::Vendor {
                        path: path.to_owned(),
                        vendor,
                    });
                }
                Ok(found) => Self::of_tiff(path, tiff, found, cache)?,
            },
        })
    }

    fn of_tiff(path: &Path, tiff: Tiff, found: Found, cache: Arc<TileCache>) -> Result<Self> {
        let (levels, rasters) = levels::levels(found.levels);
        for raster in &rasters {
            raster.check_length(&tiff).map_err(|fault| Error::Slide {
                path: path.to_owned(),
                ifd: raster.ifd,
                fault,
            })?;
        }
        let first = tiff.directories.first();
        let description = first
            .and_then(|dir| tiff.text(dir, tags::IMAGE_DESCRIPTION).ok().flatten())
            .unwrap_or_default();
        Ok(Self {
            path: path.to_owned(),
            vendor: found.vendor,
            levels,
            mpp: found.mpp,
            objective: found.objective,
            description,
            number: cache.register(),
            cache,
            pixels: Pixels::Tiff {
                tiff,
                rasters,
                associated: found.associated,
            },
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose format it is.
    #[must_use]
    pub fn vendor(&self) -> Vendor {
        self.vendor
    }

    /// Its levels, from the largest to the smallest.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Width and height of level 0 in pixels.
    #[must_use]
    pub fn dimensions(&self) -> (u64, u64) {
        self.levels
            .first()
            .map_or((0, 0), |level| (level.width, level.height))
    }

    /// Size of a pixel of level 0 in µm, where it is known.
    #[must_use]
    pub fn mpp(&self) -> Option<Mpp> {
        self.mpp
    }

    /// Size of a pixel of `level` in µm, where it is known.
    #[must_use]
    pub fn level_mpp(&self, level: usize) -> Option<Mpp> {
        let downsample = self.levels.get(level)?.downsample;
        self.mpp.map(|mpp| Mpp {
            x: mpp.x * downsample,
            y: mpp.y * downsample,
        })
    }

    /// Magnification of the objective, where it is known.
    #[must_use]
    pub fn objective(&self) -> Option<f64> {
        self.objective
    }

    /// What the file says of itself (`ImageDescription` of its first image).
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Names of the images that belong to it: `label`, `macro`, `thumbnail`.
    pub fn associated(&self) -> impl Iterator<Item = &str> {
        let names: Vec<&str> = match &self.pixels {
            Pixels::Tiff { associated, .. } => associated.iter().map(|(n, _)| n.as_str()).collect(),
            Pixels::Plain(_) => Vec::new(),
            #[cfg(feature = "openslide")]
            Pixels::OpenSlide(own) => own.associated.iter().map(String::as_str).collect(),
        };
        names.into_iter()
    }

    /// Reads an associated image whole.
    ///
    /// # Errors
    /// There is none of that name, it is too large, or it is damaged.
    pub fn associated_image(&self, name: &str) -> Result<RgbImage> {
        if let Pixels::Tiff {
            tiff, associated, ..
        } = &self.pixels
            && let Some((_, picture)) = associated.iter().find(|(n, _)| n == name)
        {
            let raster = match picture {
                Picture::Raster(raster) => raster,
                Picture::Jpeg(bytes) => return plain::decode(Cursor::new(bytes), &self.path),
            };
            let (width, height) = (raster.width, raster.height);
            self.check_pixels(width, height)?;
            let mut canvas = Canvas::new(0, 0, width as usize, height as usize);
            let tiles = raster.across * height.div_ceil(raster.tile_height);
            for index in 0..tiles {
                if let Some(tile) = raster
                    .tile(tiff, index)
                    .map_err(|f| self.fault(raster, f))?
                {
                    canvas.lay(&tile, corner(raster, index), (width, height));
                }
            }
            return self.finish(canvas);
        }
        #[cfg(feature = "openslide")]
        if let Pixels::OpenSlide(own) = &self.pixels
            && own.associated.iter().any(|n| n == name)
        {
            return own.image(&self.path, name);
        }
        let names: Vec<&str> = self.associated().collect();
        Err(Error::Associated {
            path: self.path.clone(),
            name: name.to_owned(),
            present: if names.is_empty() {
                "none".into()
            } else {
                names.join(", ")
            },
        })
    }

    /// Reads `w * h` pixels of a level, `x` and `y` (its own pixels) at their top left.
    ///
    /// ```
    /// # use spolia_slide::{Slide, Result};
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("slide.png");
    /// # image::RgbImage::from_pixel(40, 30, image::Rgb([200, 120, 160])).save(&path).unwrap();
    /// let slide = Slide::open(&path)?;
    /// let image = slide.region(0, 30, 0, 20, 20)?;
    /// assert_eq!(image.get_pixel(9, 0).0, [200, 120, 160]);
    /// assert_eq!(image.get_pixel(10, 0).0, [255, 255, 255]); // outside of the slide
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// There is no such level, the region is empty or too large, or a tile is damaged.
    pub fn region(&self, level: usize, x: i64, y: i64, w: u32, h: u32) -> Result<RgbImage> {
        self.check_pixels(w.into(), h.into())?;
        let mut canvas = Canvas::new(x, y, w as usize, h as usize);
        let size = self.level_size(level)?;
        let end = (x.saturating_add(w.into()), y.saturating_add(h.into()));
        self.tiles(level, (x, y), end, |tile, at| canvas.lay(tile, at, size))?;
        self.finish(canvas)
    }

    fn level_size(&self, level: usize) -> Result<(u64, u64)> {
        match self.levels.get(level) {
            Some(found) => Ok((found.width, found.height)),
            None => Err(self.refuse("level", level as f64, || {
                format!("below {} (the slide's number of levels)", self.levels.len())
            })),
        }
    }

    fn refuse(&self, what: &'static str, value: f64, expected: impl Fn() -> String) -> Error {
        Error::Region {
            path: self.path.clone(),
            what,
            value,
            expected: expected(),
        }
    }

    fn check_pixels(&self, w: u64, h: u64) -> Result<()> {
        let pixels = w.saturating_mul(h);
        if pixels == 0 || pixels > MOST_PIXELS {
            return Err(
                self.refuse("the region's size in pixels", pixels as f64, || {
                    format!("between 1 and {MOST_PIXELS}; ask for a smaller part, or a coarser one")
                }),
            );
        }
        Ok(())
    }

    fn fault(&self, raster: &Raster, fault: Fault) -> Error {
        Error::Slide {
            path: self.path.clone(),
            ifd: raster.ifd,
            fault,
        }
    }

    /// Shows every tile that a rectangle of a level touches, with its top left corner; white ones
    /// are left out.
    fn tiles(
        &self,
        level: usize,
        start: (i64, i64),
        end: (i64, i64),
        mut show: impl FnMut(&Tile, (u64, u64)),
    ) -> Result<()> {
        let (width, height) = self.level_size(level)?;
        let clip = |value: i64, most: u64| (value.max(0) as u64).min(most);
        let (left, right) = (clip(start.0, width), clip(end.0, width));
        let (top, bottom) = (clip(start.1, height), clip(end.1, height));
        if left >= right || top >= bottom {
            return Ok(());
        }
        match &self.pixels {
            Pixels::Plain(image) => {
                let tile = plain::cut(image, (left, top), (right, bottom));
                show(&tile, (left, top));
            }
            #[cfg(feature = "openslide")]
            Pixels::OpenSlide(own) => {
                let (side, of) = (openslide::TILE, &self.levels[level]);
                for row in top / side..=(bottom - 1) / side {
                    for column in left / side..=(right - 1) / side {
                        let key = (self.number, level, row * width.div_ceil(side) + column);
                        let tile = match self.cache.get(key) {
                            Some(tile) => tile,
                            None => {
                                let tile = own.tile(&self.path, (level, of), (column, row))?;
                                let tile = Arc::new(tile);
                                self.cache.put(key, &tile);
                                tile
                            }
                        };
                        show(&tile, (column * side, row * side));
                    }
                }
            }
            Pixels::Tiff { tiff, rasters, .. } => {
                let raster = &rasters[level];
                for row in top / raster.tile_height..=(bottom - 1) / raster.tile_height {
                    for column in left / raster.tile_width..=(right - 1) / raster.tile_width {
                        let index = row * raster.across + column;
                        if let Some(tile) = self.tile(tiff, raster, index)? {
                            show(&tile, corner(raster, index));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Rows of pixels that are decoded together.
    fn tile_rows(&self, level: usize) -> i64 {
        match &self.pixels {
            Pixels::Tiff { rasters, .. } => rasters.get(level).map_or(1, |r| r.tile_height as i64),
            // decoded already
            Pixels::Plain(_) => 256,
            #[cfg(feature = "openslide")]
            Pixels::OpenSlide(_) => openslide::TILE as i64,
        }
    }

    fn tile(&self, tiff: &Tiff, raster: &Raster, index: u64) -> Result<Option<Arc<Tile>>> {
        let key = (self.number, raster.ifd, index);
        if let Some(tile) = self.cache.get(key) {
            return Ok(Some(tile));
        }
        let tile = raster
            .tile(tiff, index)
            .map_err(|fault| self.fault(raster, fault))?;
        Ok(tile.map(|tile| {
            let tile = Arc::new(tile);
            self.cache.put(key, &tile);
            tile
        }))
    }

    fn finish(&self, canvas: Canvas) -> Result<RgbImage> {
        let (w, h) = (canvas.w as u32, canvas.h as u32);
        let pixels = canvas.w as f64 * canvas.h as f64;
        RgbImage::from_raw(w, h, canvas.rgb).ok_or_else(|| {
            self.refuse("the region's size in pixels", pixels, || {
                "what was read".to_owned()
            })
        })
    }
}

/// Top left corner of a tile in pixels of its level.
fn corner(raster: &Raster, index: u64) -> (u64, u64) {
    (
        index % raster.across * raster.tile_width,
        index / raster.across * raster.tile_height,
    )
}
