//! The two stains of an image, and the image with the stains of another.
//!
//! Macenko et al., *A method for normalizing histology slides for quantitative analysis*, ISBI
//! 2009. Optical density is -ln((I + 1) / I0) as in the authors' own program and torchstain; the
//! stains of an image span the plane of the two largest principal directions of its densities,
//! and are the directions of the outermost pixels in it.

use super::principal::{covariance, eigen};
use super::{density, tissue};
use crate::Error;
use crate::gray::check_size;

/// How stains are estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StainOptions {
    /// Light without tissue, in gray values (I0).
    pub light: f64,
    /// Least optical density of all channels of a pixel that counts (beta).
    pub least_density: f64,
    /// Share of pixels, in percent, that lie beyond each stain's direction (alpha).
    pub beyond: f64,
    /// Fewer pixels of tissue than this say nothing.
    pub least_tissue: usize,
    /// Stains whose directions differ by less than this, in degrees, are one.
    pub least_angle: f64,
}

impl Default for StainOptions {
    /// The paper's numbers (240, 0.15, 1 %), 500 pixels and 5 degrees (the published stains are
    /// 22 degrees apart).
    fn default() -> Self {
        Self {
            light: 240.0,
            least_density: 0.15,
            beyond: 1.0,
            least_tissue: 500,
            least_angle: 5.0,
        }
    }
}

/// Haematoxylin and eosin of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StainBasis {
    /// Natural optical density of haematoxylin (red, green, blue; length 1).
    pub haematoxylin: [f64; 3],
    /// Natural optical density of eosin (red, green, blue; length 1).
    pub eosin: [f64; 3],
    /// Amount of each that 99 % of the pixels stay below.
    pub most: [f64; 2],
}

impl StainBasis {
    /// The target that the authors published with their program.
    pub const REFERENCE: Self = Self {
        haematoxylin: [0.5626, 0.7201, 0.4062],
        eosin: [0.2159, 0.8012, 0.5581],
        most: [1.9705, 1.0308],
    };

    /// Estimates the stains of an 8-bit RGB image (interleaved, row-major) of `width x height`
    /// pixels. Of the two directions the redder-absorbing is haematoxylin.
    ///
    /// # Errors
    /// [`Error::Empty`] or [`Error::Size`] for an image that is none; [`Error::TooLittleTissue`],
    /// [`Error::OneStain`] and [`Error::NegativeStain`] where the stains cannot be told.
    pub fn estimate(
        rgb: &[u8],
        width: usize,
        height: usize,
        options: &StainOptions,
    ) -> Result<Self, Error> {
        let of = |pixel: &[u8]| densities(pixel, options.light);
        let tissue = tissue(rgb, (width, height), options, of)?;
        let [(_, first), (_, second), _] = eigen(covariance(&tissue));
        // The first direction is that of more stain.
        let first = if first.iter().sum::<f64>() < 0.0 {
            first.map(|v| -v)
        } else {
            first
        };
        let angles = tissue
            .iter()
            .map(|od| dot(od, &first).atan2(dot(od, &second)));
        let mut angles: Vec<f64> = angles.collect();
        angles.sort_by(f64::total_cmp);
        let outermost = [options.beyond, 100.0 - options.beyond].map(|percent| {
            let (sin, cos) = percentile(&angles, percent).sin_cos();
            [0, 1, 2].map(|c| cos * second[c] + sin * first[c])
        });
        let [haematoxylin, eosin] = match outermost {
            [a, b] if a[0] > b[0] => [a, b],
            [a, b] => [b, a],
        };
        check_stains(&haematoxylin, &eosin, options)?;
        let mut basis = Self {
            haematoxylin,
            eosin,
            most: [1.0; 2],
        };
        let amounts = basis.concentrations(rgb, width, height, options.light)?;
        basis.most = [0, 1].map(|stain| {
            let mut own: Vec<f64> = amounts.iter().map(|amount| amount[stain]).collect();
            own.sort_by(f64::total_cmp);
            percentile(&own, 99.0)
        });
        match basis.most.iter().position(|&most| most <= 0.0) {
            None => Ok(basis),
            Some(stain) => Err(Error::NegativeStain {
                stain: NAMES[stain],
                what: format!("its amount is {:.3} at most", basis.most[stain]),
            }),
        }
    }

    /// Amounts of haematoxylin and eosin of every pixel, row-major: the least squares solution of
    /// density = amounts · stains. Noise may make them negative.
    ///
    /// # Errors
    /// [`Error::Empty`] or [`Error::Size`] for an image that is none, [`Error::OneStain`] for
    /// stains that are parallel.
    pub fn concentrations(
        &self,
        rgb: &[u8],
        width: usize,
        height: usize,
        light: f64,
    ) -> Result<Vec<[f64; 2]>, Error> {
        check_size(rgb.len(), width, height, 3)?;
        let (h, e) = (&self.haematoxylin, &self.eosin);
        let (hh, he, ee) = (dot(h, h), dot(h, e), dot(e, e));
        let determinant = hh * ee - he * he;
        if determinant <= 1e-9 * hh * ee {
            return Err(Error::OneStain {
                degrees: format!("{:.1}", degrees(h, e)),
            });
        }
        Ok(rgb
            .chunks_exact(3)
            .map(|pixel| {
                let od = densities(pixel, light);
                let (a, b) = (dot(&od, h), dot(&od, e));
                [
                    (ee * a - he * b) / determinant,
                    (hh * b - he * a) / determinant,
                ]
            })
            .collect())
    }

    /// The image repainted: its amounts of stain, scaled so that 99 % of them stay below the
    /// target's, in the target's stains.
    ///
    /// # Errors
    /// As [`StainBasis::concentrations`].
    pub fn normalise(
        &self,
        target: &Self,
        rgb: &[u8],
        width: usize,
        height: usize,
        light: f64,
    ) -> Result<Vec<u8>, Error> {
        let scale = [0, 1].map(|stain| target.most[stain] / self.most[stain]);
        let amounts = self.concentrations(rgb, width, height, light)?;
        Ok(amounts
            .iter()
            .flat_map(|[h, e]| {
                [0, 1, 2].map(|c| {
                    let od = h * scale[0] * target.haematoxylin[c] + e * scale[1] * target.eosin[c];
                    (light * (-od).exp()).round().clamp(0.0, 255.0) as u8
                })
            })
            .collect())
    }
}

const NAMES: [&str; 2] = ["haematoxylin", "eosin"];

fn check_stains(h: &[f64; 3], e: &[f64; 3], options: &StainOptions) -> Result<(), Error> {
    // A stain that lets more light of a channel through than none is noise, or no stain; a
    // little less than nothing is the width of the noise.
    const LEAST: f64 = -0.05;
    for (stain, vector) in NAMES.iter().zip([h, e]) {
        for (channel, &value) in ["red", "green", "blue"].iter().zip(vector) {
            // not a number is no stain either
            if value.is_nan() || value < LEAST {
                return Err(Error::NegativeStain {
                    stain,
                    what: format!("its density in {channel} is {value:.3}"),
                });
            }
        }
    }
    let between = degrees(h, e);
    if between < options.least_angle {
        return Err(Error::OneStain {
            degrees: format!("{between:.1}"),
        });
    }
    Ok(())
}

fn densities(pixel: &[u8], light: f64) -> [f64; 3] {
    [0, 1, 2].map(|c| density(pixel[c], light))
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Angle between two vectors.
fn degrees(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    cosine.clamp(-1.0, 1.0).acos().to_degrees()
}

/// Percentile of sorted numbers, linear between two of them (numpy's default).
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let at = percent / 100.0 * sorted.len().saturating_sub(1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    match (sorted.get(low), sorted.get(high)) {
        (Some(a), Some(b)) => a + (b - a) * (at - low as f64),
        _ => f64::NAN,
    }
}
