//! Cell nuclei: shape and chromatin.

use rand::{Rng, RngExt};

use super::draw::{between, normal};
use super::noise::{Noise, step};
use super::outline::Outline;

/// The kinds of cells whose nuclei are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Spindle along the fibres.
    Fibroblast,
    /// Small, round, dark.
    Lymphocyte,
    /// Oval and pale: cells of vessels and reticulum.
    Oval,
    /// Large and irregular, of uneven size and chromatin.
    Tumour,
}

/// One nucleus; lengths in µm.
#[derive(Debug, Clone)]
pub(super) struct Nucleus {
    pub(super) outline: Outline<4>,
    /// Mean concentration of hematoxylin.
    depth: f32,
    /// Strength of the chromatin texture, relative to `depth`.
    contrast: f32,
    /// Size of a chromatin clump.
    clump: f32,
    /// Strength of the dark membrane.
    rim: f32,
    texture: Noise,
    /// Nucleoli: place in units of the half axes, radius in µm.
    nucleoli: Vec<(f32, f32, f32)>,
}

impl Nucleus {
    /// Draws a nucleus of a kind at a place. `fibre` is the direction of the fibres there,
    /// `scale` the patient's nuclear size.
    pub(super) fn of(
        kind: Kind,
        x: f32,
        y: f32,
        fibre: f32,
        scale: f32,
        rng: &mut impl Rng,
    ) -> Self {
        // Area in µm², its spread (log), aspect ratio, outline, concentration, chromatin.
        let any = between(rng, 0.0, std::f32::consts::TAU);
        let (area, spread, aspect, angle, wobble, depth, contrast, clump, rim) = match kind {
            Kind::Fibroblast => {
                let aspect = between(rng, 2.4, 4.2);
                (
                    24.0,
                    0.22,
                    aspect,
                    fibre + 0.22 * normal(rng),
                    0.03,
                    between(rng, 0.65, 1.0),
                    0.22,
                    0.9,
                    0.2,
                )
            }
            Kind::Lymphocyte => (
                27.0,
                0.13,
                between(rng, 1.0, 1.2),
                any,
                0.025,
                between(rng, 0.85, 1.15),
                0.30,
                1.1,
                0.25,
            ),
            Kind::Oval => (
                36.0,
                0.18,
                between(rng, 1.2, 1.8),
                any,
                0.03,
                between(rng, 0.55, 0.75),
                0.28,
                1.0,
                0.45,
            ),
            Kind::Tumour => {
                let depth = (0.88f32.ln() + 0.22 * normal(rng)).exp();
                let contrast = between(rng, 0.3, 0.62);
                (
                    68.0,
                    0.42,
                    between(rng, 1.05, 1.75),
                    any,
                    0.055,
                    depth,
                    contrast,
                    1.6,
                    between(rng, 0.3, 0.7),
                )
            }
        };
        let area = area * scale * scale * (spread * normal(rng).clamp(-2.2, 2.2)).exp();
        let radius = (area / std::f32::consts::PI).sqrt();
        let half_axes = (radius * aspect.sqrt(), radius / aspect.sqrt());
        let outline = Outline::draw((x, y), half_axes, angle, wobble, rng);
        let count = match kind {
            Kind::Tumour => rng.random_range(0..3),
            Kind::Oval => rng.random_range(0..2),
            Kind::Fibroblast | Kind::Lymphocyte => 0,
        };
        let nucleoli = (0..count)
            .map(|_| {
                (
                    0.45 * normal(rng).clamp(-1.2, 1.2),
                    0.45 * normal(rng).clamp(-1.2, 1.2),
                    between(rng, 0.55, 1.0),
                )
            })
            .collect();
        Nucleus {
            outline,
            depth,
            contrast,
            clump,
            rim,
            texture: Noise::new(rng.random()),
            nucleoli,
        }
    }

    /// Beyond these distances from its centre, across and down, there is nothing of the nucleus.
    pub(super) fn reach(&self) -> (f32, f32) {
        let Outline { a, b, cos, sin, .. } = self.outline;
        (
            1.35 * (a * cos).hypot(b * sin),
            1.35 * (a * sin).hypot(b * cos),
        )
    }

    /// Concentration of hematoxylin at a place of this level; `soft` is the width of the edge in
    /// µm.
    pub(super) fn concentration(&self, x: f32, y: f32, level: f32, soft: f32) -> f32 {
        let outline = &self.outline;
        let inward = (1.0 - level) * outline.b;
        let cover = step(-0.5 * soft, 0.5 * soft, inward);
        if cover == 0.0 {
            return 0.0;
        }
        let (dx, dy) = (x - outline.x, y - outline.y);
        let texture = self.texture.layers(dx / self.clump, dy / self.clump, 2);
        let membrane = (-(inward / 0.55).powi(2)).exp();
        let mut chromatin = 1.0 + 1.5 * self.contrast * texture + self.rim * (membrane - 0.3);
        for &(u, v, r) in &self.nucleoli {
            let cx = outline.cos * u * outline.a - outline.sin * v * outline.b;
            let cy = outline.sin * u * outline.a + outline.cos * v * outline.b;
            let d2 = (dx - cx).powi(2) + (dy - cy).powi(2);
            chromatin += 0.55 * (-d2 / (r * r)).exp();
        }
        self.depth * cover * chromatin.max(0.2)
    }
}
