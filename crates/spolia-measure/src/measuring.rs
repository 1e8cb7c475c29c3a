//! Measuring an image by a list of measures; what several measures need is computed once.

use std::cell::RefCell;

use crate::measures::Source;
use crate::nuclei::{
    InstanceMask, NucleiOptions, NucleiSummary, measure_patch, measure_patch_with_mask,
};
use crate::texture::{Offset, TextureOptions, Workspace};
use crate::{Colour, Convention, Error, Gray, Measure, Pattern, lbp_histogram};

/// Measures an 8-bit RGB image (interleaved, row-major) of `width x height` pixels; one value per
/// measure, in their order, always finite. Its µm/px is not known: see [`measure_rgb_at`].
///
/// # Errors
/// [`Error::Empty`], [`Error::Size`] for a buffer that does not fit the size;
/// [`Error::NoPairsAt`] where texture of pairs is asked for in an image one pixel wide, or, by the
/// `haralick_` measures, one pixel high; [`Error::TooLarge`] beyond 2^32 pixels.
pub fn measure_rgb(
    rgb: &[u8],
    width: usize,
    height: usize,
    measures: &[Measure],
) -> Result<Vec<f64>, Error> {
    measure_rgb_at(rgb, width, height, None, measures)
}

/// [`measure_rgb`] for an image of `microns_per_pixel`, which tells how large a nucleus is.
///
/// # Errors
/// Those of [`measure_rgb`]; [`Error::UnknownPixelSize`] for a measure in µm where `microns_per_pixel` is `None`,
/// [`Error::TooFewNuclei`] for one that needs more nuclei than were found, [`Error::NucleiOption`] for a
/// `microns_per_pixel` that is no positive number.
pub fn measure_rgb_at(
    rgb: &[u8],
    width: usize,
    height: usize,
    microns_per_pixel: Option<f64>,
    measures: &[Measure],
) -> Result<Vec<f64>, Error> {
    let nuclei = || {
        let options = NucleiOptions {
            microns_per_pixel,
            ..NucleiOptions::default()
        };
        measure_patch(rgb, width, height, &options)
    };
    measure(
        &Gray::from_rgb(rgb, width, height)?,
        || Colour::of(rgb, width, height),
        nuclei,
        measures,
    )
}

/// [`measure_rgb_at`] with the nuclei of an instance mask that exists, instead of segmenting them.
///
/// # Errors
/// Those of [`measure_rgb_at`]; [`Error::Size`] where the mask is of another size.
pub fn measure_rgb_with_mask(
    rgb: &[u8],
    (width, height): (usize, usize),
    microns_per_pixel: Option<f64>,
    mask: &InstanceMask,
    measures: &[Measure],
) -> Result<Vec<f64>, Error> {
    measure(
        &Gray::from_rgb(rgb, width, height)?,
        || Colour::of(rgb, width, height),
        || measure_patch_with_mask(rgb, mask, microns_per_pixel),
        measures,
    )
}

/// [`measure_rgb`] for an image that is gray already: its red, green and blue are alike.
///
/// # Errors
/// [`Error::NoPairsAt`] for an image that is too small for the texture asked for,
/// [`Error::TooLarge`] beyond 2^32 pixels.
pub fn measure_gray(image: &Gray, measures: &[Measure]) -> Result<Vec<f64>, Error> {
    let (width, height) = (image.width(), image.height());
    let rgb = || -> Vec<u8> { image.pixels().iter().flat_map(|&v| [v; 3]).collect() };
    let colour = || Colour::of(&rgb(), width, height);
    let nuclei = || measure_patch(&rgb(), width, height, &NucleiOptions::default());
    measure(image, colour, nuclei, measures)
}

thread_local! {
    /// Memory alone: it never changes a value.
    static WORKSPACE: RefCell<Workspace> = RefCell::new(Workspace::new());
}

fn measure(
    image: &Gray,
    colour: impl FnOnce() -> Result<Colour, Error>,
    nuclei: impl FnOnce() -> Result<NucleiSummary, Error>,
    measures: &[Measure],
) -> Result<Vec<f64>, Error> {
    let mut values = vec![0.0; measures.len()];
    let wants = |of: fn(Source) -> bool| measures.iter().any(|measure| of(measure.source()));
    let mut fill = |value: &dyn Fn(Source) -> Option<f64>| {
        for (out, measure) in values.iter_mut().zip(measures) {
            if let Some(value) = value(measure.source()) {
                *out = value;
            }
        }
    };
    WORKSPACE.with_borrow_mut(|workspace| {
        if wants(|source| matches!(source, Source::Glcm(_))) {
            let options = TextureOptions {
                convention: Convention::ScikitImage,
                offsets: vec![Offset { down: 0, right: 1 }],
                ..TextureOptions::haralick(1)?
            };
            let texture = workspace.texture(image, &options)?;
            fill(&|source| match source {
                Source::Glcm(feature) => texture.get(feature, 0),
                _ => None,
            });
        }
        if wants(|source| matches!(source, Source::Mean(_) | Source::Range(_))) {
            let texture = workspace.texture(image, &TextureOptions::haralick(1)?)?;
            fill(&|source| match source {
                Source::Mean(feature) => Some(texture.mean(feature)),
                Source::Range(feature) => Some(texture.range(feature)),
                _ => None,
            });
        }
        Ok(())
    })?;
    if wants(|source| matches!(source, Source::Colour(_))) {
        let colour = colour()?;
        fill(&|source| match source {
            Source::Colour(read) => Some(read(&colour)),
            _ => None,
        });
    }
    if wants(|source| matches!(source, Source::Lbp(_) | Source::LbpEntropy)) {
        let shares = lbp_histogram(image, 8, 1.0, Pattern::Uniform)?;
        fill(&|source| match source {
            Source::Lbp(code) => shares.get(code).copied(),
            Source::LbpEntropy => Some(entropy(&shares)),
            _ => None,
        });
    }
    if wants(|source| matches!(source, Source::Nuclei(_))) {
        let found = nuclei()?;
        for (out, measure) in values.iter_mut().zip(measures) {
            if let Source::Nuclei(of) = measure.source() {
                *out = of.of(&found)?;
            }
        }
    }
    Ok(values)
}

/// Entropy in bits.
fn entropy(shares: &[f64]) -> f64 {
    let occurring = shares.iter().filter(|&&p| p > 0.0);
    occurring.map(|p| -p * p.log2()).sum::<f64>().max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that need no nucleus.
    fn whole_image() -> Vec<Measure> {
        let all = Measure::ALL.iter().copied();
        all.filter(|m| !matches!(m.source(), Source::Nuclei(_)))
            .collect()
    }

    #[test]
    fn nuclei_that_are_not_there_are_an_error_and_not_0() {
        let white = [255; 96 * 96 * 3];
        let counted = measure_rgb(&white, 96, 96, &[Measure::NucleiCount]);
        assert_eq!(counted, Ok(vec![0.0]));
        assert!(matches!(
            measure_rgb(&white, 96, 96, &[Measure::NucleiAreaCv]),
            Err(Error::TooFewNuclei { .. })
        ));
        assert!(matches!(
            measure_rgb(&white, 96, 96, &[Measure::NucleiDensityPerMm2]),
            Err(Error::UnknownPixelSize { .. })
        ));
        let known = measure_rgb_at(&white, 96, 96, Some(0.5), &[Measure::NucleiDensityPerMm2]);
        assert_eq!(known, Ok(vec![0.0]));
    }

    #[test]
    fn order_is_that_asked_for() {
        let rgb: Vec<u8> = (0..48).map(|k| (k * 37 % 256) as u8).collect();
        let all = measure_rgb(&rgb, 4, 4, &whole_image()).unwrap();
        let reversed: Vec<Measure> = whole_image().into_iter().rev().collect();
        let mut backwards = measure_rgb(&rgb, 4, 4, &reversed).unwrap();
        backwards.reverse();
        assert_eq!(all, backwards);
        for (&measure, &value) in whole_image().iter().zip(&all) {
            assert_eq!(measure_rgb(&rgb, 4, 4, &[measure]), Ok(vec![value]));
        }
    }

    #[test]
    fn a_constant_image_is_finite() {
        for value in [0, 128, 255] {
            let gray = Gray::new(vec![value; 12], 4, 3).unwrap();
            let measures = whole_image();
            for (measure, value) in measures.iter().zip(measure_gray(&gray, &measures).unwrap()) {
                assert!(value.is_finite(), "{measure}");
            }
        }
    }

    #[test]
    fn a_single_pixel_has_colour_and_no_pairs() {
        let measures = [Measure::BrightnessMean, Measure::LbpUniform0];
        assert_eq!(
            measure_rgb(&[0, 51, 0], 1, 1, &measures),
            Ok(vec![0.2, 1.0])
        );
        assert!(matches!(
            measure_rgb(&[0, 51, 0], 1, 1, &[Measure::GlcmAsm]),
            Err(Error::NoPairsAt { .. })
        ));
        // One row has neighbours to the right, but none below.
        let row = [0; 12];
        assert!(measure_rgb(&row, 4, 1, &[Measure::GlcmAsm]).is_ok());
        assert!(measure_rgb(&row, 4, 1, &[Measure::HaralickAsm]).is_err());
        assert_eq!(measure_rgb(&row, 4, 1, &[]), Ok(vec![]));
    }
}
