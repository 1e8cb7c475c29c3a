//! The list of measures by name, and measuring an image by that list.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Glcm, GlcmOptions, Gray};

/// One line per measure makes the enum, its names, its descriptions and its computation.
macro_rules! measures {
    ($($variant:ident, $name:literal, $description:literal, $compute:path;)+) => {
        /// A number that can be measured in an image: a concept that a layer may encode.
        ///
        /// All are computed on the whole image in gray from the co-occurrence matrix at distance 1,
        /// 0 degrees, 256 levels, symmetric (Graziani et al. 2019).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Measure {
            $(#[doc = $description] $variant,)+
        }

        impl Measure {
            /// All measures, sorted by name.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name, as in the columns of a table of measures.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What is measured, in one line.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)+ }
            }

            fn compute(self, glcm: &Glcm) -> f64 {
                match self { $(Self::$variant => $compute(glcm),)+ }
            }
        }
    };
}

measures! {
    GlcmAsm, "glcm_asm", "angular second moment: how few pairs of gray levels make up the image, 0 to 1", Glcm::asm;
    GlcmContrast, "glcm_contrast", "mean squared difference of neighbouring gray levels", Glcm::contrast;
    GlcmCorrelation, "glcm_correlation", "correlation of neighbouring gray levels, -1 to 1", Glcm::correlation;
    GlcmDissimilarity, "glcm_dissimilarity", "mean absolute difference of neighbouring gray levels", Glcm::dissimilarity;
    GlcmEnergy, "glcm_energy", "square root of the angular second moment, 0 to 1", Glcm::energy;
    GlcmHomogeneity, "glcm_homogeneity", "mean of 1 / (1 + d²), d the difference of neighbouring gray levels, 0 to 1", Glcm::homogeneity;
}

impl Measure {
    /// The measures of the paper's Fig. 3: ASM, correlation and contrast.
    pub const PAPER: &[Self] = &[Self::GlcmAsm, Self::GlcmCorrelation, Self::GlcmContrast];

    /// The measure named `name`.
    ///
    /// # Errors
    /// [`Error::UnknownMeasure`], which names the known ones.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .copied()
            .find(|measure| measure.name() == name)
            .ok_or_else(|| Error::UnknownMeasure {
                name: name.to_owned(),
                known: Self::ALL
                    .iter()
                    .map(|measure| measure.name())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }
}

impl FromStr for Measure {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::parse(name)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Measures an 8-bit RGB image (interleaved, row-major) of `width x height` pixels; one value per
/// measure, in their order, always finite.
///
/// # Errors
/// [`Error::Empty`], [`Error::Size`] for a buffer that does not fit the size, [`Error::NoPairs`] for
/// an image one pixel wide, [`Error::TooLarge`] beyond 2^32 pixels.
pub fn measure_rgb(
    rgb: &[u8],
    width: usize,
    height: usize,
    measures: &[Measure],
) -> Result<Vec<f64>, Error> {
    measure_gray(&Gray::from_rgb(rgb, width, height)?, measures)
}

/// [`measure_rgb`] for an image that is gray already.
///
/// # Errors
/// [`Error::NoPairs`] for an image one pixel wide, [`Error::TooLarge`] beyond 2^32 pixels.
pub fn measure_gray(image: &Gray, measures: &[Measure]) -> Result<Vec<f64>, Error> {
    let glcm = Glcm::new(image, GlcmOptions::default())?;
    Ok(measures
        .iter()
        .map(|measure| measure.compute(&glcm))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_parse_back() {
        assert!(
            Measure::ALL
                .windows(2)
                .all(|pair| pair[0].name() < pair[1].name())
        );
        for &measure in Measure::ALL {
            assert_eq!(Measure::parse(measure.name()), Ok(measure));
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known() {
        let message = Measure::parse("asm").unwrap_err().to_string();
        assert!(message.contains("`asm`"), "{message}");
        for measure in Measure::ALL {
            assert!(message.contains(measure.name()), "{message}");
        }
    }

    #[test]
    fn order_is_that_asked_for() {
        let rgb: Vec<u8> = (0..48).map(|k| (k * 37 % 256) as u8).collect();
        let ab = [Measure::GlcmContrast, Measure::GlcmAsm];
        let ba = [Measure::GlcmAsm, Measure::GlcmContrast];
        let (ab, ba) = (
            measure_rgb(&rgb, 4, 4, &ab).unwrap(),
            measure_rgb(&rgb, 4, 4, &ba).unwrap(),
        );
        assert_eq!(ab, [ba[1], ba[0]]);
    }
}
