//! What may spoil a slide: pen marks, folds, blur.

use image::RgbImage;

use super::{Mask, luma};
use crate::Result;
use crate::slide::Slide;

/// µm/px at which pen and folds are looked for: coarse enough that a dark nucleus is none.
const COARSE_MPP: f64 = 8.0;
/// Longer side of the picture where µm/px are not known.
const COARSE_SIDE: u32 = 512;
/// Windows that blur is looked for in.
const WINDOWS: usize = 25;
/// Side of such a window in pixels, and µm/px (where they are known) at which it is read.
const WINDOW: u32 = 256;
const WINDOW_MPP: f64 = 1.0;
/// A window whose Laplacian varies less than this is out of focus.
const SHARP: f64 = 60.0;

/// Shares, 0 to 1, of what may spoil a slide. They say where to look; they remove nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flags {
    /// Share of the slide, at 8 µm/px, in colours that hematoxylin and eosin do not have: green and light
    /// blue (hue 75° to 230°, saturation above 0.4), and black. Red pen looks like eosin.
    pub pen: f64,
    /// Share of the tissue, at 8 µm/px, that is both dark and saturated: saturation more than 0.15 above
    /// brightness, after Bautista and Yagi (J Biomed Opt 2010).
    pub fold: f64,
    /// Share of up to 25 windows of tissue (256 px at 1 µm/px) that are out of focus: the variance
    /// of their Laplacian (Pech-Pacheco et al., ICPR 2000) is below 60; `None` without tissue.
    pub blur: Option<f64>,
    /// Median of that variance.
    pub sharpness: Option<f64>,
}

impl Flags {
    /// Looks at a slide whose tissue is known.
    ///
    /// # Errors
    /// The slide cannot be read.
    pub fn of(slide: &Slide, mask: &Mask) -> Result<Self> {
        let (width, height) = slide.dimensions();
        let longest = width.max(height) as f64;
        let side = slide.mpp().map_or(f64::from(COARSE_SIDE), |mpp| {
            longest * mpp.mean() / COARSE_MPP
        });
        let picture = slide.thumbnail(side.round().clamp(64.0, 4_096.0) as u32)?;
        let downsample = longest / f64::from(picture.width().max(picture.height()));
        let mut sharpness = sharpness(slide, mask)?;
        sharpness.sort_by(f64::total_cmp);
        let blurred = sharpness.iter().filter(|&&s| s < SHARP).count();
        let some = !sharpness.is_empty();
        Ok(Self {
            pen: pen(&picture),
            fold: fold(&picture, mask, downsample),
            blur: some.then(|| blurred as f64 / sharpness.len() as f64),
            sharpness: some.then(|| sharpness[sharpness.len() / 2]),
        })
    }

    /// Whether more than 0.5% of the slide is pen.
    #[must_use]
    pub fn has_pen(&self) -> bool {
        self.pen > 0.005
    }

    /// Whether more than 2% of the tissue is folded.
    #[must_use]
    pub fn has_folds(&self) -> bool {
        self.fold > 0.02
    }

    /// Whether more than half of the tissue is out of focus.
    #[must_use]
    pub fn is_blurred(&self) -> bool {
        self.blur.is_some_and(|share| share > 0.5)
    }
}

/// Hue in degrees, saturation and value (0 to 1) of HSV.
fn hsv(rgb: [u8; 3]) -> (f64, f64, f64) {
    let [r, g, b] = rgb.map(|v| f64::from(v) / 255.0);
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let range = most - least;
    if range == 0.0 {
        return (0.0, 0.0, most);
    }
    let sixth = if most == r {
        (g - b) / range
    } else if most == g {
        (b - r) / range + 2.0
    } else {
        (r - g) / range + 4.0
    };
    ((sixth * 60.0).rem_euclid(360.0), range / most, most)
}

fn pen(picture: &RgbImage) -> f64 {
    let marked = picture.pixels().filter(|pixel| {
        let (hue, saturation, value) = hsv(pixel.0);
        let green_or_blue = (75.0..230.0).contains(&hue) && saturation > 0.4;
        green_or_blue || value < 0.2
    });
    marked.count() as f64 / f64::from(picture.width() * picture.height())
}

fn fold(picture: &RgbImage, mask: &Mask, downsample: f64) -> f64 {
    let (mut folded, mut all) = (0_usize, 0_usize);
    for (x, y, pixel) in picture.enumerate_pixels() {
        let (left, top) = (f64::from(x) * downsample, f64::from(y) * downsample);
        if mask.share(left, top, downsample, downsample) > 0.5 {
            let (_, saturation, value) = hsv(pixel.0);
            all += 1;
            folded += usize::from(saturation - value > 0.15);
        }
    }
    folded as f64 / all.max(1) as f64
}

/// Variance of the Laplacian of windows spread evenly over the tissue.
fn sharpness(slide: &Slide, mask: &Mask) -> Result<Vec<f64>> {
    let downsample = slide
        .mpp()
        .map_or(1.0, |mpp| (WINDOW_MPP / mpp.mean()).max(1.0));
    let span = downsample * f64::from(WINDOW);
    let (width, _) = mask.dimensions();
    let cell = mask.downsample();
    let mut places = Vec::new();
    for (at, _) in mask
        .cells()
        .iter()
        .enumerate()
        .filter(|(_, tissue)| **tissue)
    {
        let (x, y) = (
            (at % width) as f64 * cell - span / 2.0,
            (at / width) as f64 * cell - span / 2.0,
        );
        if mask.share(x, y, span, span) > 0.9 {
            places.push((x, y));
        }
    }
    let step = places.len().div_ceil(WINDOWS).max(1);
    places
        .iter()
        .skip(step / 2)
        .step_by(step)
        .map(|&(x, y)| {
            let window = slide.region_scaled(downsample, x as i64, y as i64, WINDOW, WINDOW)?;
            Ok(laplacian_variance(&luma(&window), WINDOW as usize))
        })
        .collect()
}

/// Variance of the four-neighbour Laplacian inside a gray image.
fn laplacian_variance(gray: &[u8], width: usize) -> f64 {
    let height = gray.len() / width;
    let (mut sum, mut squares, mut n) = (0.0, 0.0, 0.0);
    for y in 1..height.saturating_sub(1) {
        for x in 1..width - 1 {
            let at = y * width + x;
            let around = [at - 1, at + 1, at - width, at + width].map(|i| i32::from(gray[i]));
            let value = f64::from(around.iter().sum::<i32>() - 4 * i32::from(gray[at]));
            sum += value;
            squares += value * value;
            n += 1.0;
        }
    }
    if n == 0.0 {
        0.0
    } else {
        squares / n - (sum / n) * (sum / n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours() {
        assert_eq!(hsv([255, 0, 0]), (0.0, 1.0, 1.0));
        assert_eq!(hsv([0, 255, 0]), (120.0, 1.0, 1.0));
        assert_eq!(hsv([0, 0, 255]), (240.0, 1.0, 1.0));
        assert_eq!(hsv([51, 51, 51]), (0.0, 0.0, 0.2));
        let green = RgbImage::from_fn(10, 10, |x, _| {
            image::Rgb(if x == 0 {
                [20, 160, 60]
            } else {
                [200, 120, 170]
            })
        });
        assert_eq!(pen(&green), 0.1);
    }

    #[test]
    fn a_point_and_a_ramp() {
        let mut gray = vec![0; 25];
        gray[12] = 10;
        // inside 3 x 3: once -40, four times 10: mean 0, squares 2000 / 9
        assert!((laplacian_variance(&gray, 5) - 2_000.0 / 9.0).abs() < 1e-9);
        let ramp: Vec<u8> = (0..25).map(|i| (i % 5) as u8 * 20).collect();
        assert_eq!(laplacian_variance(&ramp, 5), 0.0);
    }
}
