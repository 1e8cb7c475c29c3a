//! The nuclei of a patch in numbers.

use super::Nucleus;
use super::nucleus::measure;
use super::segment::segment;
use super::{InstanceMask, NucleiOptions, haematoxylin};
use crate::Error;

/// The nuclei of one patch.
///
/// Size and shape are those of the *whole* nuclei: one that touches the patch's border is cut, hence
/// counted but not measured. A number that the patch does not define is `None`, never 0: without
/// whole nuclei there is no mean, with a single one no spread.
#[derive(Debug, Clone, PartialEq)]
pub struct NucleiSummary {
    /// Number of nuclei, those cut by the border included.
    pub count: usize,
    /// Number of nuclei that do not touch the border.
    pub whole: usize,
    /// `count` per million pixels.
    pub density_per_megapixel: f64,
    /// `count` per mm², where the size of a pixel is known.
    pub density_per_mm2: Option<f64>,
    /// Mean area in pixels.
    pub mean_area_px: Option<f64>,
    /// Standard deviation (over n - 1) of the area in pixels.
    pub sd_area_px: Option<f64>,
    /// Mean area in µm², where the size of a pixel is known.
    pub mean_area_um2: Option<f64>,
    /// Standard deviation of the area in µm², where the size of a pixel is known.
    pub sd_area_um2: Option<f64>,
    /// Mean eccentricity.
    pub mean_eccentricity: Option<f64>,
    /// Mean solidity.
    pub mean_solidity: Option<f64>,
    /// Mean over nuclei of their haematoxylin optical density.
    pub mean_haematoxylin: Option<f64>,
    /// Mean over nuclei of the standard deviation of the density inside each.
    pub mean_chromatin_sd: Option<f64>,
    /// Pleomorphism of size (anisokaryosis): coefficient of variation of the area, i.e. its standard
    /// deviation over its mean.
    pub area_cv: Option<f64>,
    /// Pleomorphism of shape: coefficient of variation of the eccentricity; `None` where all nuclei
    /// are circles.
    pub eccentricity_cv: Option<f64>,
    /// Pleomorphism of outline: coefficient of variation of the solidity.
    pub solidity_cv: Option<f64>,
}

/// Finds the nuclei of an H&E patch (8-bit RGB, interleaved, row-major) and sums them up.
///
/// # Errors
/// As [`segment_nuclei`](super::segment_nuclei).
pub fn measure_patch(
    rgb: &[u8],
    width: usize,
    height: usize,
    options: &NucleiOptions,
) -> Result<NucleiSummary, Error> {
    options.check()?;
    let stain = haematoxylin(rgb, width, height)?;
    let mask = segment(&stain, width, height, options)?;
    let nuclei = measure(&stain, &mask);
    summarize_nuclei(&nuclei, width, height, options.microns_per_pixel)
}

/// As [`measure_patch`], with the nuclei of an instance mask that exists.
///
/// # Errors
/// [`Error::Size`] where the image is not of the mask's size, [`Error::NucleiOption`] for a size of
/// a pixel that is not above 0.
pub fn measure_patch_with_mask(
    rgb: &[u8],
    mask: &InstanceMask,
    microns_per_pixel: Option<f64>,
) -> Result<NucleiSummary, Error> {
    let nuclei = super::measure_nuclei(rgb, mask)?;
    summarize_nuclei(&nuclei, mask.width(), mask.height(), microns_per_pixel)
}

/// Sums up the nuclei of a patch of `width * height` pixels.
///
/// # Errors
/// [`Error::Empty`] for a side of zero, [`Error::NucleiOption`] for a size of a pixel that is not
/// above 0.
pub fn summarize_nuclei(
    nuclei: &[Nucleus],
    width: usize,
    height: usize,
    microns_per_pixel: Option<f64>,
) -> Result<NucleiSummary, Error> {
    if width == 0 || height == 0 {
        return Err(Error::Empty { width, height });
    }
    NucleiOptions {
        microns_per_pixel,
        ..NucleiOptions::default()
    }
    .check()?;
    let of = |value: fn(&Nucleus) -> f64| -> Sample {
        let whole = nuclei.iter().filter(|nucleus| !nucleus.touches_border);
        Sample(whole.map(value).collect())
    };
    let pixels = width as f64 * height as f64;
    let area = of(|nucleus| nucleus.area);
    let eccentricity = of(|nucleus| nucleus.eccentricity);
    let solidity = of(|nucleus| nucleus.solidity);
    let um2 = microns_per_pixel.map(|mpp| mpp * mpp);
    let in_um2 = |px: Option<f64>| Some(px? * um2?);
    Ok(NucleiSummary {
        count: nuclei.len(),
        whole: area.0.len(),
        density_per_megapixel: nuclei.len() as f64 / pixels * 1e6,
        density_per_mm2: um2.map(|um2| nuclei.len() as f64 / (pixels * um2) * 1e6),
        mean_area_px: area.mean(),
        sd_area_px: area.sd(),
        mean_area_um2: in_um2(area.mean()),
        sd_area_um2: in_um2(area.sd()),
        mean_eccentricity: eccentricity.mean(),
        mean_solidity: solidity.mean(),
        mean_haematoxylin: of(|nucleus| nucleus.haematoxylin).mean(),
        mean_chromatin_sd: of(|nucleus| nucleus.chromatin_sd).mean(),
        area_cv: area.cv(),
        eccentricity_cv: eccentricity.cv(),
        solidity_cv: solidity.cv(),
    })
}

struct Sample(Vec<f64>);

impl Sample {
    fn mean(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.iter().sum::<f64>() / self.0.len() as f64)
    }

    fn sd(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares: f64 = self.0.iter().map(|value| (value - mean).powi(2)).sum();
        (self.0.len() > 1).then(|| (squares / (self.0.len() - 1) as f64).sqrt())
    }

    fn cv(&self) -> Option<f64> {
        let mean = self.mean().filter(|mean| *mean > 0.0)?;
        Some(self.sd()? / mean)
    }
}
