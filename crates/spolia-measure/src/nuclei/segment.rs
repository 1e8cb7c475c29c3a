//! From an image to the instance mask of its nuclei.

use std::f32::consts::LN_10;
use std::f64::consts::PI;

use super::distance::squared_distance;
use super::filter::{box_mean, gaussian, otsu};
use super::merge::{Evidence, merge};
use super::morphology::{fill_holes, open, remove_specks};
use super::watershed::{NONE, watershed};
use super::{InstanceMask, haematoxylin};
use crate::Error;

// Found by random search on the tuning half of the images of docs/nuclei.md. Lengths are in expected
// diameters, areas in areas of a disk of that diameter.
/// Standard deviation of the blur of the absorbed light.
const BLUR: f64 = 0.027;
/// Share of the local mean in the threshold, the rest being Otsu's threshold.
const LOCAL: f64 = 0.709;
/// Half the side of the window of the local mean.
const WINDOW: f64 = 0.8;
/// What is added to Otsu's threshold, in units of the contrast of its two classes.
const STRICTER: f64 = 0.107;
/// Largest hole that is filled.
const HOLE: f64 = 0.381;
/// Radius of the opening that cuts threads off.
const OPENING: f64 = 0.177;
/// Weight of the absorbed light (in units of the contrast) against the distance to the background
/// (in units of the expected radius) in the relief whose summits are the middles of nuclei.
const ABSORBED: f64 = 0.36;
/// Standard deviation of the blur of the relief.
const RELIEF_BLUR: f64 = 0.042;
/// Height of a summit above the pass to a higher one, in expected radii.
const RISE: f64 = 0.028;

/// How nuclei are looked for; the default suits patches of unknown µm/px.
///
/// ```
/// use spolia_measure::nuclei::NucleiOptions;
///
/// let options = NucleiOptions { microns_per_pixel: Some(0.25), ..NucleiOptions::default() };
/// assert_eq!(options.diameter, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NucleiOptions {
    /// Size of a pixel in µm, where it is known.
    pub microns_per_pixel: Option<f64>,
    /// Typical diameter of a nucleus, in µm where `microns_per_pixel` is given and in pixels
    /// elsewhere. `None`: taken from the image, see [`nuclear_diameter`].
    pub diameter: Option<f64>,
    /// Smallest nucleus, as a share (0..1) of the area of one of the typical diameter.
    pub smallest: f64,
    /// Least difference between nuclei and the rest in the share (0..1) of light that haematoxylin
    /// absorbs. An image with less contrast has no nuclei: Otsu's threshold alone would find some
    /// in every image.
    pub contrast: f64,
}

impl Default for NucleiOptions {
    fn default() -> Self {
        Self {
            microns_per_pixel: None,
            diameter: None,
            smallest: 0.19,
            contrast: 0.1,
        }
    }
}

impl NucleiOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        let positive = |option, value: Option<f64>| match value {
            Some(value) if !(value.is_finite() && value > 0.0) => Err(Error::NucleiOption {
                option,
                value: value.to_string(),
                range: "a number above 0",
            }),
            _ => Ok(()),
        };
        let share = |option, value: f64| {
            if (0.0..1.0).contains(&value) {
                return Ok(());
            }
            Err(Error::NucleiOption {
                option,
                value: value.to_string(),
                range: "0 or more and below 1",
            })
        };
        positive("microns_per_pixel", self.microns_per_pixel)?;
        positive("diameter", self.diameter)?;
        share("smallest", self.smallest)?;
        share("contrast", self.contrast)
    }

    /// Least and largest typical diameter in pixels that is believed: 6 to 10 µm.
    fn plausible(&self) -> (f64, f64) {
        let pixels = |microns: f64, mpp: f64| (microns / mpp).max(SMALLEST_DIAMETER);
        match self.microns_per_pixel {
            Some(mpp) => (pixels(6.0, mpp), pixels(10.0, mpp)),
            None => (SMALLEST_DIAMETER, 100.0),
        }
    }
}

/// Below so many pixels a nucleus has no shape.
const SMALLEST_DIAMETER: f64 = 6.0;

/// The nuclei of an H&E image (8-bit RGB, interleaved, row-major) as an instance mask.
///
/// 1. The share of light that haematoxylin absorbs, 1 - 10^-OD (see [`haematoxylin`]), is blurred.
///    The bounded share, unlike the density, keeps a few black pixels from pulling the threshold up.
/// 2. Threshold: a mean of Otsu's (1979) and the local mean, which follows uneven background. Holes
///    are filled, threads and specks removed.
/// 3. Watershed of the distance to the background plus the absorbed light, so that both a waist and
///    a pale seam part touching nuclei. It cuts too much on purpose.
/// 4. Neighbouring pieces are joined again, the best pair first, where the whole is closer to an
///    ellipse than its parts, the neck wide, the seam not pale and the size plausible.
///
/// Labels are 1, 2, … in the order of each nucleus's first pixel. All sizes scale with the typical
/// diameter. The result depends on the input alone.
///
/// # Errors
/// [`Error::Empty`] and [`Error::Size`] for an image that is none, [`Error::NucleiOption`] for an
/// option out of range.
pub fn segment_nuclei(
    rgb: &[u8],
    width: usize,
    height: usize,
    options: &NucleiOptions,
) -> Result<InstanceMask, Error> {
    options.check()?;
    let stain = haematoxylin(rgb, width, height)?;
    segment(&stain, width, height, options)
}

/// As [`segment_nuclei`], of a stain that is at hand and of the stated size.
pub(super) fn segment(
    stain: &[f32],
    width: usize,
    height: usize,
    options: &NucleiOptions,
) -> Result<InstanceMask, Error> {
    let none = || InstanceMask::new(vec![0; width * height], width, height);
    let absorbed = absorbed(stain);
    let Some(diameter) = diameter(&absorbed, width, height, options) else {
        return none();
    };
    let area = PI * diameter * diameter / 4.0;

    let soft = gaussian(&absorbed, width, height, (BLUR * diameter).max(0.5));
    let (threshold, contrast) = otsu(&soft);
    let contrast = f64::from(contrast);
    if contrast == 0.0 || contrast < options.contrast {
        return none();
    }
    let local = box_mean(&soft, width, height, (WINDOW * diameter) as usize);
    let global = (1.0 - LOCAL) * (f64::from(threshold) + STRICTER * contrast);
    let mut mask: Vec<bool> = soft
        .iter()
        .zip(&local)
        .map(|(&value, &local)| f64::from(value) > global + LOCAL * f64::from(local))
        .collect();
    fill_holes(&mut mask, width, HOLE * area);
    open(&mut mask, width, height, OPENING * diameter);
    remove_specks(&mut mask, width, options.smallest * area);

    let mut distance = squared_distance(&mask, width, height);
    distance.iter_mut().for_each(|d| *d = d.sqrt());
    let weight = (ABSORBED * diameter / 2.0 / contrast) as f32;
    let relief: Vec<f32> = distance
        .iter()
        .zip(&soft)
        .map(|(d, v)| d + weight * v)
        .collect();
    let relief = gaussian(&relief, width, height, RELIEF_BLUR * diameter);
    let rise = (RISE * diameter / 2.0) as f32;
    let (mut labels, pieces) = watershed(&relief, &mask, width, rise);
    let evidence = Evidence {
        distance: &distance,
        absorbed: &soft,
        contrast,
        area,
    };
    merge(&mut labels, pieces, width, &evidence);
    InstanceMask::new(
        number(&labels, pieces, options.smallest * area),
        width,
        height,
    )
}

/// Typical diameter in pixels of the nuclei of an image, or `None` where none stand out.
///
/// The diameter of [`NucleiOptions`] where it is given. Otherwise 3.6 times the root mean square
/// distance of the pixels above Otsu's threshold to the rest: a disk of radius r has the mean square
/// r²/6, which would make it 4.9 times, but nuclei are neither round nor apart. It is kept between 6
/// and 10 µm where the size of a pixel is known (crowded nuclei would pass for one large one), between
/// 6 and 100 pixels elsewhere.
///
/// # Errors
/// As [`segment_nuclei`].
pub fn nuclear_diameter(
    rgb: &[u8],
    width: usize,
    height: usize,
    options: &NucleiOptions,
) -> Result<Option<f64>, Error> {
    options.check()?;
    let stain = haematoxylin(rgb, width, height)?;
    Ok(diameter(&absorbed(&stain), width, height, options))
}

/// Share of the light that a density of haematoxylin absorbs.
fn absorbed(stain: &[f32]) -> Vec<f32> {
    stain
        .iter()
        .map(|density| 1.0 - (-density * LN_10).exp())
        .collect()
}

fn diameter(absorbed: &[f32], width: usize, height: usize, options: &NucleiOptions) -> Option<f64> {
    if let Some(diameter) = options.diameter {
        let pixels = diameter / options.microns_per_pixel.unwrap_or(1.0);
        return Some(pixels.max(SMALLEST_DIAMETER));
    }
    let soft = gaussian(absorbed, width, height, 1.0);
    let (threshold, contrast) = otsu(&soft);
    if contrast == 0.0 || f64::from(contrast) < options.contrast {
        return None;
    }
    let mut mask: Vec<bool> = soft.iter().map(|&value| value > threshold).collect();
    fill_holes(&mut mask, width, 100.0);
    let inside = mask.iter().filter(|&&inside| inside).count();
    let squares = squared_distance(&mask, width, height);
    let sum: f64 = squares.iter().map(|&square| f64::from(square)).sum();
    let (least, most) = options.plausible();
    Some((3.6 * (sum / inside as f64).sqrt()).clamp(least, most))
}

/// Labels from 1 in the order of the regions' first pixels; regions below `smallest` px are dropped.
fn number(regions: &[u32], count: usize, smallest: f64) -> Vec<u32> {
    let mut areas = vec![0_u64; count];
    for &region in regions.iter().filter(|&&region| region != NONE) {
        areas[region as usize] += 1;
    }
    let mut numbers = vec![0_u32; count];
    let mut last = 0;
    regions
        .iter()
        .map(|&region| {
            if region == NONE || (areas[region as usize] as f64) < smallest {
                return 0;
            }
            let number = &mut numbers[region as usize];
            if *number == 0 {
                last += 1;
                *number = last;
            }
            *number
        })
        .collect()
}
