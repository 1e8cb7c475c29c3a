//! Stains: from concentrations of hematoxylin and eosin to colour.

use rand::{Rng, RngExt};

use super::draw::normal;

/// Optical density of hematoxylin for red, green and blue (Ruifrok and Johnston 2001, table 1).
pub const HEMATOXYLIN: [f32; 3] = [0.65, 0.70, 0.29];
/// Optical density of eosin for red, green and blue (Ruifrok and Johnston 2001, table 1).
pub const EOSIN: [f32; 3] = [0.07, 0.99, 0.11];

/// The stains of one patch: unit vectors of optical density, and the light without tissue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stains {
    /// Optical density of hematoxylin per unit of concentration (red, green, blue; length 1).
    pub hematoxylin: [f32; 3],
    /// Optical density of eosin per unit of concentration (red, green, blue; length 1).
    pub eosin: [f32; 3],
    /// How strongly hematoxylin was taken up, 1 being common.
    pub hematoxylin_strength: f32,
    /// How strongly eosin was taken up, 1 being common.
    pub eosin_strength: f32,
    /// Light of the empty slide, 0 to 1 for each channel.
    pub light: [f32; 3],
}

impl Stains {
    /// The stains of a laboratory: its own shade of each stain, its own strength and lamp.
    pub(super) fn of_centre(rng: &mut impl Rng) -> Self {
        let mut shade = |vector: [f32; 3], spread: f32| {
            unit(vector.map(|v| (v + spread * normal(rng)).max(0.02)))
        };
        let hematoxylin = shade(HEMATOXYLIN, 0.035);
        // Scanned eosin is pinker than the published vector: more of the blue is absorbed.
        let eosin = shade([0.13, 0.94, 0.29], 0.025);
        Stains {
            hematoxylin,
            eosin,
            hematoxylin_strength: (0.14 * normal(rng)).exp(),
            eosin_strength: (0.16 * normal(rng)).exp(),
            light: [0.0; 3].map(|_| rng.random_range(0.93..0.975)),
        }
    }

    /// The same stains on one patch, whose thickness and time in the bath differ.
    pub(super) fn on_patch(mut self, rng: &mut impl Rng) -> Self {
        let thickness = 0.18 * normal(rng).clamp(-2.0, 2.0);
        self.hematoxylin_strength *= (thickness + 0.16 * normal(rng)).exp();
        self.eosin_strength *= (thickness + 0.14 * normal(rng)).exp();
        // Beyond these the section would have been stained again.
        self.hematoxylin_strength = self.hematoxylin_strength.clamp(0.55, 1.6);
        self.eosin_strength = self.eosin_strength.clamp(0.55, 1.4);
        self
    }

    /// Light that passes concentrations `h` and `e`, 0 to 1 for each channel: Beer and Lambert,
    /// light · 10^-(h H + e E).
    #[must_use]
    pub fn light_through(&self, h: f32, e: f32) -> [f32; 3] {
        const LN_10: f32 = std::f32::consts::LN_10;
        let (h, e) = (h * self.hematoxylin_strength, e * self.eosin_strength);
        std::array::from_fn(|c| {
            self.light[c] * (-LN_10 * (h * self.hematoxylin[c] + e * self.eosin[c])).exp()
        })
    }
}

fn unit(v: [f32; 3]) -> [f32; 3] {
    let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
    v.map(|x| x / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_follows_beer_and_lambert() {
        let stains = Stains {
            hematoxylin: [1.0, 0.0, 0.0],
            eosin: [0.0, 1.0, 0.0],
            hematoxylin_strength: 1.0,
            eosin_strength: 2.0,
            light: [1.0, 0.5, 0.25],
        };
        let [r, g, b] = stains.light_through(1.0, 0.5);
        assert!((r - 0.1).abs() < 1e-6);
        assert!((g - 0.05).abs() < 1e-6);
        assert_eq!(b, 0.25);
    }
}
