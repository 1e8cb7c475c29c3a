//! Colour maps of overlays.

use std::str::FromStr;

use crate::Error;

/// How strength becomes colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourMap {
    /// Smith and van der Walt's, perceptually even, readable without colour vision.
    #[default]
    Viridis,
    /// Of the same family: black, purple, yellow.
    Inferno,
    /// Of the same family: black, purple, rose.
    Magma,
    /// Nuñez et al. 2018: viridis for the colour-blind.
    Cividis,
    /// MATLAB's, of the paper's figures, for comparison: it shows edges where there are none.
    Jet,
}

impl ColourMap {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Viridis,
        Self::Inferno,
        Self::Magma,
        Self::Cividis,
        Self::Jet,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viridis => "viridis",
            Self::Inferno => "inferno",
            Self::Magma => "magma",
            Self::Cividis => "cividis",
            Self::Jet => "jet",
        }
    }

    /// The colour of `t`, 0 to 1.
    #[must_use]
    pub fn at(self, t: f32) -> [u8; 3] {
        let gradient = match self {
            Self::Viridis => colorous::VIRIDIS,
            Self::Inferno => colorous::INFERNO,
            Self::Magma => colorous::MAGMA,
            Self::Cividis => colorous::CIVIDIS,
            Self::Jet => return jet(t.clamp(0.0, 1.0)),
        };
        gradient.eval_continuous(f64::from(t)).as_array()
    }
}

/// Three trapezoids, a quarter of the range apart.
fn jet(t: f32) -> [u8; 3] {
    [3.0, 2.0, 1.0].map(|middle| {
        let level = (1.5 - (4.0 * t - middle).abs()).clamp(0.0, 1.0);
        (level * 255.0).round() as u8
    })
}

impl FromStr for ColourMap {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|map| map.name() == name)
            .ok_or_else(|| Error::UnknownName {
                kind: "colour map",
                name: name.into(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_names() {
        assert_eq!(ColourMap::Viridis.at(0.0), [68, 1, 84]);
        assert_eq!(ColourMap::Viridis.at(1.0), [253, 231, 37]);
        assert_eq!(ColourMap::Jet.at(0.0), [0, 0, 128]);
        assert_eq!(ColourMap::Jet.at(0.5), [128, 255, 128]);
        assert_eq!(ColourMap::Jet.at(1.0), [128, 0, 0]);
        for map in ColourMap::ALL {
            assert_eq!(map.name().parse::<ColourMap>().unwrap(), map);
        }
        assert!("turbo".parse::<ColourMap>().is_err());
    }

    /// Luminance rises all the way, except in jet.
    #[test]
    fn even_maps_grow_lighter() {
        for map in ColourMap::ALL {
            let lightness: Vec<f32> = (0..=16)
                .map(|i| {
                    let [r, g, b] = map.at(i as f32 / 16.0).map(f32::from);
                    0.2126 * r + 0.7152 * g + 0.0722 * b
                })
                .collect();
            assert_eq!(lightness.is_sorted(), map != ColourMap::Jet, "{map:?}");
        }
    }
}
