//! Whose definitions: the libraries differ in what they count and in what they call a feature.

use std::fmt;
use std::str::FromStr;

use super::{Binning, Offset};
use crate::Error;

/// Whose definitions hold. The differences are tabled in `docs/texture.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Convention {
    /// The definitions of Haralick, Shanmugam and Dinstein (1973), logarithms to base 2, the sum
    /// variance about the sum average. mahotas with `use_x_minus_y_variance=True` agrees in the
    /// features 1 to 13.
    #[default]
    Haralick,
    /// `skimage.feature.graycoprops`: natural logarithms. Features that it lacks are the paper's
    /// with natural logarithms.
    ScikitImage,
    /// `mahotas.features.haralick`: logarithms to base 2; feature 10 is the variance of the
    /// probabilities `p(|i - j|)` over all levels, feature 14 an eigenvalue of the correlations of
    /// the matrix's rows.
    Mahotas,
    /// `radiomics.glcm` (pyradiomics): logarithms to base 2, levels counted from 1, energy without
    /// the square root, directions without pairs left out.
    Pyradiomics,
}

impl Convention {
    /// All conventions.
    pub const ALL: [Self; 4] = [
        Self::Haralick,
        Self::ScikitImage,
        Self::Mahotas,
        Self::Pyradiomics,
    ];

    /// `haralick`, `skimage`, `mahotas` or `pyradiomics`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Haralick => "haralick",
            Self::ScikitImage => "skimage",
            Self::Mahotas => "mahotas",
            Self::Pyradiomics => "pyradiomics",
        }
    }

    /// The convention of this name.
    ///
    /// # Errors
    /// [`Error::UnknownConvention`], which names the known ones.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|convention| convention.name() == name)
            .ok_or_else(|| Error::UnknownConvention {
                name: name.to_owned(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }

    /// Converts an entropy in nats to the convention's unit.
    pub(crate) fn entropy(self, nats: f64) -> f64 {
        match self {
            Self::ScikitImage => nats,
            Self::Haralick | Self::Mahotas | Self::Pyradiomics => nats / std::f64::consts::LN_2,
        }
    }

    /// The number of the lowest level.
    pub(crate) fn first_level(self) -> usize {
        usize::from(self == Self::Pyradiomics)
    }
}

impl FromStr for Convention {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::parse(name)
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// What is counted, and whose features are computed from it.
#[derive(Debug, Clone, PartialEq)]
pub struct TextureOptions {
    /// Whose features.
    pub convention: Convention,
    /// From gray values to levels.
    pub binning: Binning,
    /// Where the second pixel of a pair lies; one matrix each.
    pub offsets: Vec<Offset>,
    /// Whether a pair (i, j) also counts as (j, i).
    pub symmetric: bool,
    /// Whether pixels of value 0 (background) are left out, as by mahotas' `ignore_zeros`. They
    /// take part in the binning still.
    pub ignore_zeros: bool,
}

impl TextureOptions {
    /// The paper's: 256 levels, four directions at `distance` (columns and rows), symmetric.
    ///
    /// # Errors
    /// [`Error::ZeroDistance`], [`Error::FarDistance`].
    pub fn haralick(distance: u32) -> Result<Self, Error> {
        Ok(Self {
            convention: Convention::Haralick,
            binning: Binning::Levels(256),
            offsets: Offset::four(distance)?,
            symmetric: true,
            ignore_zeros: false,
        })
    }

    /// `graycomatrix(image, distances, angles, levels=256)`: distances in pixels, angles in
    /// radians, every distance at every angle (the angles of the first distance first), not
    /// symmetric.
    ///
    /// # Errors
    /// [`Error::ZeroDistance`].
    pub fn skimage(distances: &[f64], angles: &[f64]) -> Result<Self, Error> {
        let mut offsets = Vec::with_capacity(distances.len() * angles.len());
        for &distance in distances {
            for &angle in angles {
                offsets.push(Offset::polar(distance, angle)?);
            }
        }
        Ok(Self {
            convention: Convention::ScikitImage,
            binning: Binning::Levels(256),
            offsets,
            symmetric: false,
            ignore_zeros: false,
        })
    }

    /// `haralick(image, distance=distance)`: as many levels as the brightest pixel plus one, four
    /// directions, symmetric.
    ///
    /// # Errors
    /// [`Error::ZeroDistance`], [`Error::FarDistance`].
    pub fn mahotas(distance: u32) -> Result<Self, Error> {
        Ok(Self {
            convention: Convention::Mahotas,
            binning: Binning::UpToMaximum,
            ..Self::haralick(distance)?
        })
    }

    /// `RadiomicsGLCM(image, mask, distances=distances, force2D=True)`: bins of width 25, the ring
    /// of each distance, symmetric.
    ///
    /// # Errors
    /// [`Error::ZeroDistance`], [`Error::FarDistance`].
    pub fn pyradiomics(distances: &[u32]) -> Result<Self, Error> {
        let mut offsets = Vec::new();
        for &distance in distances {
            offsets.extend(Offset::ring(distance)?);
        }
        Ok(Self {
            convention: Convention::Pyradiomics,
            binning: Binning::Width(25.0),
            offsets,
            symmetric: true,
            ignore_zeros: false,
        })
    }
}
