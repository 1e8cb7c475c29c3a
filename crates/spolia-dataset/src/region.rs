//! Patches that are places on a slide: read when they are needed, at any µm/px.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use spolia_slide::Slide;
use spolia_slide::patches::{Resolved, pixels};
use spolia_slide::slide::{Options, TileCache};

use crate::error::{Error, Result};
use crate::read::RgbPatch;

/// Bytes of decoded tiles that a reader keeps, of all its slides together.
const CACHE: usize = 256 << 20;

/// A positive, finite number of µm per pixel; they compare as numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mpp(u64);

impl Mpp {
    /// None for what is not positive and finite.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        // The bits of positive floats are in the order of their values.
        (value.is_finite() && value > 0.0).then(|| Self(value.to_bits()))
    }

    /// µm per pixel.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::new(text.strip_suffix("um")?.parse().ok()?)
    }
}

/// A square of a slide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region {
    /// Left side in pixels of level 0.
    pub x: u64,
    /// Upper side in pixels of level 0.
    pub y: u64,
    /// Side in its own pixels.
    pub size: u32,
    /// At which resolution.
    pub resolution: Resolution,
    /// µm/px of the slide's level 0, where the user states it because the file does not.
    pub slide_mpp: Option<Mpp>,
}

/// Resolution of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resolution {
    /// µm per pixel.
    Mpp(Mpp),
    /// A level of the slide's pyramid.
    Level(usize),
}

impl fmt::Display for Region {
    /// As in the `file` column behind `::`, such as `512,1024,224,0.5um` or `0,0,96,level2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},", self.x, self.y, self.size)?;
        match self.resolution {
            Resolution::Mpp(mpp) => write!(f, "{}um", mpp.value())?,
            Resolution::Level(level) => write!(f, "level{level}")?,
        }
        match self.slide_mpp {
            Some(mpp) => write!(f, ",slide{}um", mpp.value()),
            None => Ok(()),
        }
    }
}

impl Region {
    /// What [`Region`]'s `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let mut next = || parts.next();
        let (x, y) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let size: u32 = next()?.parse().ok()?;
        let resolution = next()?;
        let resolution = match resolution.strip_prefix("level") {
            Some(level) => Resolution::Level(level.parse().ok()?),
            None => Resolution::Mpp(Mpp::parse(resolution)?),
        };
        let slide_mpp = match next() {
            None => None,
            Some(text) => Some(Mpp::parse(text.strip_prefix("slide")?)?),
        };
        (size > 0 && next().is_none()).then_some(Self {
            x,
            y,
            size,
            resolution,
            slide_mpp,
        })
    }
}

/// A slide's file, and the µm/px that the user states of it.
type Opened = (PathBuf, Option<Mpp>);

/// Slides that stay open, with one cache of tiles.
#[derive(Debug, Default)]
pub(crate) struct OpenSlides {
    slides: Mutex<BTreeMap<Opened, Arc<Slide>>>,
    cache: Mutex<Option<Arc<TileCache>>>,
}

impl OpenSlides {
    pub(crate) fn read(&self, file: &Path, region: Region) -> Result<RgbPatch> {
        let fail = |source: spolia_slide::Error| Error::Slide {
            path: file.to_path_buf(),
            source: Box::new(source),
        };
        let slide = self.open(file, region.slide_mpp).map_err(fail)?;
        let resolved = match region.resolution {
            Resolution::Mpp(mpp) => Resolved::Mpp(mpp.value()),
            Resolution::Level(level) => Resolved::Level(level),
        };
        let image = pixels(&slide, (region.x, region.y), region.size, resolved).map_err(fail)?;
        Ok(RgbPatch {
            width: image.width() as usize,
            height: image.height() as usize,
            data: image.into_raw(),
        })
    }

    fn open(&self, file: &Path, mpp: Option<Mpp>) -> spolia_slide::Result<Arc<Slide>> {
        // A thread that panicked while it held the lock left the map whole.
        let mut slides = self.slides.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (file.to_path_buf(), mpp);
        if let Some(slide) = slides.get(&key) {
            return Ok(Arc::clone(slide));
        }
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = cache.get_or_insert_with(|| Arc::new(TileCache::new(CACHE)));
        let options = Options {
            cache: Some(Arc::clone(cache)),
            mpp: mpp.map(Mpp::value),
        };
        let slide = Arc::new(Slide::open_with(file, &options)?);
        slides.insert(key, Arc::clone(&slide));
        Ok(slide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back() {
        for text in [
            "512,1024,224,0.5um",
            "0,0,96,level2",
            "7,8,96,1um,slide0.25um",
        ] {
            assert_eq!(Region::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "1,2,3",
            "1,2,0,level0",
            "1,2,96,0um",
            "1,2,96,level0,x",
            "-1,0,9,1um",
        ] {
            assert_eq!(Region::parse(text), None, "{text}");
        }
    }
}
