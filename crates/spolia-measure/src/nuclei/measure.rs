//! Numbers of a patch's nuclei by their names.

use super::NucleiSummary;
use crate::Error;

/// A number of a patch's nuclei; its name is a column's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NucleiMeasure {
    /// `nuclei_count`
    Count,
    /// `nuclei_per_megapixel`
    DensityPerMegapixel,
    /// `nuclei_per_mm2`
    DensityPerMm2,
    /// `nuclei_area_px`: mean.
    AreaPx,
    /// `nuclei_area_um2`: mean.
    AreaUm2,
    /// `nuclei_area_sd_px`
    AreaSdPx,
    /// `nuclei_area_sd_um2`
    AreaSdUm2,
    /// `nuclei_area_cv`: pleomorphism of size.
    AreaCv,
    /// `nuclei_eccentricity`: mean.
    Eccentricity,
    /// `nuclei_eccentricity_cv`: pleomorphism of shape.
    EccentricityCv,
    /// `nuclei_solidity`: mean.
    Solidity,
    /// `nuclei_solidity_cv`: pleomorphism of outline.
    SolidityCv,
    /// `nuclei_haematoxylin`: mean optical density.
    Haematoxylin,
    /// `nuclei_chromatin_sd`: mean standard deviation of the density inside a nucleus.
    ChromatinSd,
}

impl NucleiMeasure {
    /// All measures.
    pub const ALL: &'static [Self] = &[
        Self::Count,
        Self::DensityPerMegapixel,
        Self::DensityPerMm2,
        Self::AreaPx,
        Self::AreaUm2,
        Self::AreaSdPx,
        Self::AreaSdUm2,
        Self::AreaCv,
        Self::Eccentricity,
        Self::EccentricityCv,
        Self::Solidity,
        Self::SolidityCv,
        Self::Haematoxylin,
        Self::ChromatinSd,
    ];

    /// The measure's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "nuclei_count",
            Self::DensityPerMegapixel => "nuclei_per_megapixel",
            Self::DensityPerMm2 => "nuclei_per_mm2",
            Self::AreaPx => "nuclei_area_px",
            Self::AreaUm2 => "nuclei_area_um2",
            Self::AreaSdPx => "nuclei_area_sd_px",
            Self::AreaSdUm2 => "nuclei_area_sd_um2",
            Self::AreaCv => "nuclei_area_cv",
            Self::Eccentricity => "nuclei_eccentricity",
            Self::EccentricityCv => "nuclei_eccentricity_cv",
            Self::Solidity => "nuclei_solidity",
            Self::SolidityCv => "nuclei_solidity_cv",
            Self::Haematoxylin => "nuclei_haematoxylin",
            Self::ChromatinSd => "nuclei_chromatin_sd",
        }
    }

    /// The measure of this name.
    ///
    /// # Errors
    /// [`Error::UnknownMeasure`] where there is none.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.iter().find(|measure| measure.name() == name);
        known.copied().ok_or_else(|| Error::UnknownMeasure {
            name: name.to_owned(),
            known: Self::ALL
                .iter()
                .map(|measure| measure.name())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// Its value for a patch.
    ///
    /// # Errors
    /// Where the patch does not define it: [`Error::TooFewNuclei`], or [`Error::UnknownPixelSize`]
    /// for a measure in µm of a patch without µm/px.
    pub fn of(self, patch: &NucleiSummary) -> Result<f64, Error> {
        let (value, needed) = match self {
            Self::Count => (Some(patch.count as f64), 0),
            Self::DensityPerMegapixel => (Some(patch.density_per_megapixel), 0),
            Self::DensityPerMm2 => (patch.density_per_mm2, 0),
            Self::AreaPx => (patch.mean_area_px, 1),
            Self::AreaUm2 => (patch.mean_area_um2, 1),
            Self::AreaSdPx => (patch.sd_area_px, 2),
            Self::AreaSdUm2 => (patch.sd_area_um2, 2),
            Self::AreaCv => (patch.area_cv, 2),
            Self::Eccentricity => (patch.mean_eccentricity, 1),
            Self::EccentricityCv => (patch.eccentricity_cv, 2),
            Self::Solidity => (patch.mean_solidity, 1),
            Self::SolidityCv => (patch.solidity_cv, 2),
            Self::Haematoxylin => (patch.mean_haematoxylin, 1),
            Self::ChromatinSd => (patch.mean_chromatin_sd, 1),
        };
        let in_microns = matches!(self, Self::DensityPerMm2 | Self::AreaUm2 | Self::AreaSdUm2);
        value.ok_or_else(|| {
            let measure = self.name();
            if in_microns && patch.density_per_mm2.is_none() {
                Error::UnknownPixelSize { measure }
            } else {
                Error::TooFewNuclei {
                    measure,
                    needed,
                    whole: patch.whole,
                }
            }
        })
    }
}
