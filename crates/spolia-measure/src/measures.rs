//! The list of measures by name.

use std::fmt;
use std::str::FromStr;

use crate::nuclei::NucleiMeasure;
use crate::{Colour, Error, Feature};

/// What a measure is read from. Measures of one source share it.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// The co-occurrence matrix of the paper: distance 1, 0 degrees, as scikit-image.
    Glcm(Feature),
    /// Mean over the matrices of four directions at distance 1, by Haralick's definitions.
    Mean(Feature),
    /// Range over the same.
    Range(Feature),
    /// The image's colours.
    Colour(fn(&Colour) -> f64),
    /// Share of this code among the uniform local binary patterns, 8 points at radius 1.
    Lbp(usize),
    /// Entropy of those shares.
    LbpEntropy,
    /// The nuclei found in the image.
    Nuclei(NucleiMeasure),
}

/// One line per measure makes the enum, its names, its descriptions and its source.
macro_rules! measures {
    ($($variant:ident, $name:literal, $description:literal, $source:expr;)+) => {
        /// A number that can be measured in an image: a concept that a layer may encode.
        ///
        /// - `glcm_`: the whole image in gray, co-occurrence matrix at distance 1, 0 degrees, 256
        ///   levels, symmetric (Graziani et al. 2019), as `skimage.feature.graycoprops`.
        /// - `haralick_`: mean, or range (largest less smallest), over the four directions at
        ///   distance 1, 256 levels, symmetric, by the definitions of
        ///   [`Convention::Haralick`](crate::Convention::Haralick).
        /// - `hed_`, `hue_`, `saturation_`, `brightness_`, `white_share`: see [`Colour`].
        /// - `lbp_uniform_`: shares of uniform local binary patterns of 8 points at radius 1, see
        ///   [`lbp_histogram`](crate::lbp_histogram).
        /// - `nuclei_`: nuclei found by [`nuclei`](crate::nuclei), with its default options.
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

            pub(crate) fn source(self) -> Source {
                match self { $(Self::$variant => $source,)+ }
            }
        }
    };
}

#[rustfmt::skip]
measures! {
    BrightnessMean, "brightness_mean", "mean HSV brightness (largest channel), 0 to 1", Source::Colour(|c| c.brightness.mean);
    BrightnessSd, "brightness_sd", "standard deviation of HSV brightness (largest channel)", Source::Colour(|c| c.brightness.sd);
    GlcmAsm, "glcm_asm", "angular second moment: how few pairs of gray levels make up the image, 0 to 1", Source::Glcm(Feature::Asm);
    GlcmClusterProminence, "glcm_cluster_prominence", "fourth central moment of the sum of neighbouring gray levels", Source::Glcm(Feature::ClusterProminence);
    GlcmClusterShade, "glcm_cluster_shade", "third central moment of the sum of neighbouring gray levels", Source::Glcm(Feature::ClusterShade);
    GlcmContrast, "glcm_contrast", "mean squared difference of neighbouring gray levels", Source::Glcm(Feature::Contrast);
    GlcmCorrelation, "glcm_correlation", "correlation of neighbouring gray levels, -1 to 1", Source::Glcm(Feature::Correlation);
    GlcmDissimilarity, "glcm_dissimilarity", "mean absolute difference of neighbouring gray levels", Source::Glcm(Feature::Dissimilarity);
    GlcmEnergy, "glcm_energy", "square root of the angular second moment, 0 to 1", Source::Glcm(Feature::Energy);
    GlcmEntropy, "glcm_entropy", "entropy of the pairs of neighbouring gray levels, in nats", Source::Glcm(Feature::Entropy);
    GlcmHomogeneity, "glcm_homogeneity", "mean of 1 / (1 + d²), d the difference of neighbouring gray levels, 0 to 1", Source::Glcm(Feature::Homogeneity);
    GlcmMean, "glcm_mean", "mean gray level of the pairs", Source::Glcm(Feature::Mean);
    GlcmVariance, "glcm_variance", "variance of the gray levels of the pairs", Source::Glcm(Feature::Variance);
    HaralickAsm, "haralick_asm", "Haralick's f1, angular second moment: mean of four directions", Source::Mean(Feature::Asm);
    HaralickAsmRange, "haralick_asm_range", "Haralick's f1, angular second moment: range of four directions", Source::Range(Feature::Asm);
    HaralickContrast, "haralick_contrast", "Haralick's f2, contrast: mean of four directions", Source::Mean(Feature::Contrast);
    HaralickContrastRange, "haralick_contrast_range", "Haralick's f2, contrast: range of four directions", Source::Range(Feature::Contrast);
    HaralickCorrelation, "haralick_correlation", "Haralick's f3, correlation: mean of four directions", Source::Mean(Feature::Correlation);
    HaralickCorrelationRange, "haralick_correlation_range", "Haralick's f3, correlation: range of four directions", Source::Range(Feature::Correlation);
    HaralickDifferenceEntropy, "haralick_difference_entropy", "Haralick's f11, difference entropy in bits: mean of four directions", Source::Mean(Feature::DifferenceEntropy);
    HaralickDifferenceEntropyRange, "haralick_difference_entropy_range", "Haralick's f11, difference entropy in bits: range of four directions", Source::Range(Feature::DifferenceEntropy);
    HaralickDifferenceVariance, "haralick_difference_variance", "Haralick's f10, difference variance: mean of four directions", Source::Mean(Feature::DifferenceVariance);
    HaralickDifferenceVarianceRange, "haralick_difference_variance_range", "Haralick's f10, difference variance: range of four directions", Source::Range(Feature::DifferenceVariance);
    HaralickEntropy, "haralick_entropy", "Haralick's f9, entropy in bits: mean of four directions", Source::Mean(Feature::Entropy);
    HaralickEntropyRange, "haralick_entropy_range", "Haralick's f9, entropy in bits: range of four directions", Source::Range(Feature::Entropy);
    HaralickIdm, "haralick_idm", "Haralick's f5, inverse difference moment: mean of four directions", Source::Mean(Feature::Idm);
    HaralickIdmRange, "haralick_idm_range", "Haralick's f5, inverse difference moment: range of four directions", Source::Range(Feature::Idm);
    HaralickImc1, "haralick_imc1", "Haralick's f12, information measure of correlation 1: mean of four directions", Source::Mean(Feature::Imc1);
    HaralickImc1Range, "haralick_imc1_range", "Haralick's f12, information measure of correlation 1: range of four directions", Source::Range(Feature::Imc1);
    HaralickImc2, "haralick_imc2", "Haralick's f13, information measure of correlation 2: mean of four directions", Source::Mean(Feature::Imc2);
    HaralickImc2Range, "haralick_imc2_range", "Haralick's f13, information measure of correlation 2: range of four directions", Source::Range(Feature::Imc2);
    HaralickMcc, "haralick_mcc", "Haralick's f14, maximal correlation coefficient: mean of four directions", Source::Mean(Feature::Mcc);
    HaralickMccRange, "haralick_mcc_range", "Haralick's f14, maximal correlation coefficient: range of four directions", Source::Range(Feature::Mcc);
    HaralickSumAverage, "haralick_sum_average", "Haralick's f6, sum average: mean of four directions", Source::Mean(Feature::SumAverage);
    HaralickSumAverageRange, "haralick_sum_average_range", "Haralick's f6, sum average: range of four directions", Source::Range(Feature::SumAverage);
    HaralickSumEntropy, "haralick_sum_entropy", "Haralick's f8, sum entropy in bits: mean of four directions", Source::Mean(Feature::SumEntropy);
    HaralickSumEntropyRange, "haralick_sum_entropy_range", "Haralick's f8, sum entropy in bits: range of four directions", Source::Range(Feature::SumEntropy);
    HaralickSumVariance, "haralick_sum_variance", "Haralick's f7, sum variance: mean of four directions", Source::Mean(Feature::SumVariance);
    HaralickSumVarianceRange, "haralick_sum_variance_range", "Haralick's f7, sum variance: range of four directions", Source::Range(Feature::SumVariance);
    HaralickVariance, "haralick_variance", "Haralick's f4, variance (sum of squares): mean of four directions", Source::Mean(Feature::Variance);
    HaralickVarianceRange, "haralick_variance_range", "Haralick's f4, variance (sum of squares): range of four directions", Source::Range(Feature::Variance);
    HedEosinCv, "hed_eosin_cv", "coefficient of variation of eosin by colour deconvolution", Source::Colour(|c| c.eosin.cv());
    HedEosinMean, "hed_eosin_mean", "mean eosin by colour deconvolution (skimage rgb2hed: optical density / 6)", Source::Colour(|c| c.eosin.mean);
    HedEosinSd, "hed_eosin_sd", "standard deviation of eosin by colour deconvolution", Source::Colour(|c| c.eosin.sd);
    HedHaematoxylinCv, "hed_haematoxylin_cv", "coefficient of variation of haematoxylin by colour deconvolution", Source::Colour(|c| c.haematoxylin.cv());
    HedHaematoxylinMean, "hed_haematoxylin_mean", "mean haematoxylin by colour deconvolution (skimage rgb2hed: optical density / 6)", Source::Colour(|c| c.haematoxylin.mean);
    HedHaematoxylinSd, "hed_haematoxylin_sd", "standard deviation of haematoxylin by colour deconvolution", Source::Colour(|c| c.haematoxylin.sd);
    HueMean, "hue_mean", "circular mean of the hue of coloured pixels, 0 to 1 (red 0, green 1/3, blue 2/3)", Source::Colour(|c| c.hue_mean);
    HueVariance, "hue_variance", "circular variance of the hue of coloured pixels, 0 to 1", Source::Colour(|c| c.hue_variance);
    LbpUniform0, "lbp_uniform_0", "share of uniform local binary patterns with 0 of 8 points at radius 1 as bright as the pixel", Source::Lbp(0);
    LbpUniform1, "lbp_uniform_1", "share of uniform local binary patterns with 1 of 8 points at radius 1 as bright as the pixel", Source::Lbp(1);
    LbpUniform2, "lbp_uniform_2", "share of uniform local binary patterns with 2 of 8 points at radius 1 as bright as the pixel", Source::Lbp(2);
    LbpUniform3, "lbp_uniform_3", "share of uniform local binary patterns with 3 of 8 points at radius 1 as bright as the pixel", Source::Lbp(3);
    LbpUniform4, "lbp_uniform_4", "share of uniform local binary patterns with 4 of 8 points at radius 1 as bright as the pixel", Source::Lbp(4);
    LbpUniform5, "lbp_uniform_5", "share of uniform local binary patterns with 5 of 8 points at radius 1 as bright as the pixel", Source::Lbp(5);
    LbpUniform6, "lbp_uniform_6", "share of uniform local binary patterns with 6 of 8 points at radius 1 as bright as the pixel", Source::Lbp(6);
    LbpUniform7, "lbp_uniform_7", "share of uniform local binary patterns with 7 of 8 points at radius 1 as bright as the pixel", Source::Lbp(7);
    LbpUniform8, "lbp_uniform_8", "share of uniform local binary patterns with 8 of 8 points at radius 1 as bright as the pixel", Source::Lbp(8);
    LbpUniform9, "lbp_uniform_9", "share of local binary patterns (8 points, radius 1) that are not uniform", Source::Lbp(9);
    LbpUniformEntropy, "lbp_uniform_entropy", "entropy of the ten shares of uniform local binary patterns, in bits", Source::LbpEntropy;
    NucleiAreaCv, "nuclei_area_cv", "coefficient of variation of the nuclei's areas: pleomorphism of size", Source::Nuclei(NucleiMeasure::AreaCv);
    NucleiAreaPx, "nuclei_area_px", "mean area of the nuclei, pixels", Source::Nuclei(NucleiMeasure::AreaPx);
    NucleiAreaSdPx, "nuclei_area_sd_px", "standard deviation of the nuclei's areas, pixels", Source::Nuclei(NucleiMeasure::AreaSdPx);
    NucleiAreaSdUm2, "nuclei_area_sd_um2", "standard deviation of the nuclei's areas, µm² (needs µm/px)", Source::Nuclei(NucleiMeasure::AreaSdUm2);
    NucleiAreaUm2, "nuclei_area_um2", "mean area of the nuclei, µm² (needs µm/px)", Source::Nuclei(NucleiMeasure::AreaUm2);
    NucleiChromatinSd, "nuclei_chromatin_sd", "standard deviation of haematoxylin's optical density inside a nucleus, mean of the nuclei", Source::Nuclei(NucleiMeasure::ChromatinSd);
    NucleiCount, "nuclei_count", "number of nuclei", Source::Nuclei(NucleiMeasure::Count);
    NucleiEccentricity, "nuclei_eccentricity", "mean eccentricity of the nuclei, 0 (round) to 1", Source::Nuclei(NucleiMeasure::Eccentricity);
    NucleiEccentricityCv, "nuclei_eccentricity_cv", "coefficient of variation of the nuclei's eccentricity: pleomorphism of shape", Source::Nuclei(NucleiMeasure::EccentricityCv);
    NucleiHaematoxylin, "nuclei_haematoxylin", "mean optical density of haematoxylin in the nuclei", Source::Nuclei(NucleiMeasure::Haematoxylin);
    NucleiDensityPerMegapixel, "nuclei_per_megapixel", "nuclei per million pixels", Source::Nuclei(NucleiMeasure::DensityPerMegapixel);
    NucleiDensityPerMm2, "nuclei_per_mm2", "nuclei per mm² (needs µm/px)", Source::Nuclei(NucleiMeasure::DensityPerMm2);
    NucleiSolidity, "nuclei_solidity", "mean solidity of the nuclei: area over that of the convex hull", Source::Nuclei(NucleiMeasure::Solidity);
    NucleiSolidityCv, "nuclei_solidity_cv", "coefficient of variation of the nuclei's solidity: pleomorphism of outline", Source::Nuclei(NucleiMeasure::SolidityCv);
    SaturationMean, "saturation_mean", "mean HSV saturation, 0 to 1", Source::Colour(|c| c.saturation.mean);
    SaturationSd, "saturation_sd", "standard deviation of HSV saturation", Source::Colour(|c| c.saturation.sd);
    WhiteShare, "white_share", "share of pixels whose red, green and blue are all at least 200", Source::Colour(|c| c.white_share);
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
    fn measures_of_nuclei_are_named_alike_everywhere() {
        let of_nuclei = Measure::ALL.iter().filter_map(|m| match m.source() {
            Source::Nuclei(of) => Some((m.name(), of.name())),
            _ => None,
        });
        let of_nuclei: Vec<_> = of_nuclei.collect();
        assert_eq!(of_nuclei.len(), NucleiMeasure::ALL.len());
        assert!(of_nuclei.iter().all(|(name, own)| name == own));
    }

    #[test]
    fn an_unknown_name_lists_the_known() {
        let message = Measure::parse("asm").unwrap_err().to_string();
        assert!(message.contains("`asm`"), "{message}");
        for measure in Measure::ALL {
            assert!(message.contains(measure.name()), "{message}");
        }
    }
}
