//! The patches of a slide in the stains of another image: one estimate for each slide, so that its patches stay comparable.

use std::path::PathBuf;

use clap::ValueEnum;
use image::RgbImage;
use miette::IntoDiagnostic;
use serde::Serialize;
use spolia_measure::stain::{Reinhard, StainBasis, StainOptions};
use spolia_slide::Slide;
use spolia_slide::patches::Patch;

/// Patches that a slide's stains are estimated of.
const PATCHES: usize = 32;
/// Most of their pixels that are looked at.
const PIXELS: usize = 1 << 20;
/// Longest side of the picture of a target, pixels.
const LONGEST: u32 = 2_048;

/// How stains are made alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Haematoxylin and eosin told apart and repainted (Macenko et al. 2009).
    Macenko,
    /// Mean and spread of the colour (Reinhard et al. 2001).
    Reinhard,
}

/// Whose stains patches get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Normalisation {
    /// How.
    pub method: Method,
    /// An image or a slide with the stains wanted; none: the published reference of the method.
    pub target: Option<PathBuf>,
}

/// The stains wanted.
pub(super) enum Target {
    Macenko(StainBasis),
    Reinhard(Reinhard),
}

impl Target {
    /// Reads the target.
    ///
    /// # Errors
    /// It cannot be read, or its stains cannot be told.
    pub fn of(how: &Normalisation) -> miette::Result<Self> {
        let Some(file) = &how.target else {
            return Ok(match how.method {
                Method::Macenko => Self::Macenko(StainBasis::REFERENCE),
                Method::Reinhard => Self::Reinhard(Reinhard::REFERENCE),
            });
        };
        let picture = Slide::open(file)
            .and_then(|slide| slide.thumbnail(LONGEST))
            .into_diagnostic()?;
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let (rgb, options) = (picture.as_raw(), StainOptions::default());
        let target = match how.method {
            Method::Macenko => {
                StainBasis::estimate(rgb, width, height, &options).map(Self::Macenko)
            }
            Method::Reinhard => Reinhard::of(rgb, width, height, &options).map(Self::Reinhard),
        };
        target.map_err(|error| {
            miette::miette!(
                "{}: cannot be the target of the stain: {error}; take another image of H&E",
                file.display()
            )
        })
    }
}

/// A slide's own stains, and those that its patches get.
pub(super) enum Fitted {
    Macenko { own: StainBasis, wanted: StainBasis },
    Reinhard { own: Reinhard, wanted: Reinhard },
}

impl Fitted {
    /// Estimates the stains of a slide over patches spread evenly over those found; the inner error says why they cannot be told.
    ///
    /// # Errors
    /// The slide cannot be read.
    pub fn of(
        slide: &Slide,
        found: &[Patch],
        target: &Target,
    ) -> miette::Result<Result<Self, String>> {
        let rgb = some_pixels(slide, found)?;
        let (width, options) = (rgb.len() / 3, StainOptions::default());
        let fitted = match *target {
            Target::Macenko(wanted) => StainBasis::estimate(&rgb, width, 1, &options)
                .map(|own| Self::Macenko { own, wanted }),
            Target::Reinhard(wanted) => {
                Reinhard::of(&rgb, width, 1, &options).map(|own| Self::Reinhard { own, wanted })
            }
        };
        Ok(fitted.map_err(|why| format!("its stain is left as it is: {why}")))
    }

    /// The method's name in slides.csv.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Macenko { .. } => "macenko",
            Self::Reinhard { .. } => "reinhard",
        }
    }

    /// A patch in the stains wanted.
    ///
    /// # Errors
    /// An image without pixels.
    pub fn repaint(&self, image: &RgbImage) -> miette::Result<RgbImage> {
        let (width, height) = image.dimensions();
        let (w, h, rgb) = (width as usize, height as usize, image.as_raw());
        let options = StainOptions::default();
        let repainted = match self {
            Self::Macenko { own, wanted } => own.normalise(wanted, rgb, w, h, options.light),
            Self::Reinhard { own, wanted } => own.normalise(wanted, rgb, w, h, &options),
        };
        RgbImage::from_raw(width, height, repainted.into_diagnostic()?)
            .ok_or_else(|| miette::miette!("a repainted patch of another size"))
    }
}

/// Pixels of up to 32 patches, at most a million.
fn some_pixels(slide: &Slide, found: &[Patch]) -> miette::Result<Vec<u8>> {
    let step = found.len().div_ceil(PATCHES).max(1);
    let some: Vec<&Patch> = found.iter().skip(step / 2).step_by(step).collect();
    let all: usize = some.iter().map(|p| (p.size as usize).pow(2)).sum();
    let stride = all.div_ceil(PIXELS).max(1);
    let mut pixels = Vec::with_capacity(3 * (all / stride + some.len()));
    for patch in some {
        let image = patch.read(slide).into_diagnostic()?;
        let own = image.as_raw().chunks_exact(3);
        pixels.extend(own.step_by(stride).flatten());
    }
    Ok(pixels)
}
