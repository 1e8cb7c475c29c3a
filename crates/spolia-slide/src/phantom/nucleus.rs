//! Cell nuclei: shape and chromatin.

use rand::{Rng, RngExt};

use super::draw::{between, normal};
use super::noise::{Noise, step};

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

/// Wave numbers of the outline's deviations from an ellipse.
const WAVES: usize = 4;

/// One nucleus; lengths in µm, angles in radians.
#[derive(Debug, Clone)]
pub(super) struct Nucleus {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Half axes.
    a: f32,
    b: f32,
    cos: f32,
    sin: f32,
    /// Strengths of the cosine and sine waves 2 to 5 of the outline.
    waves: [(f32, f32); WAVES],
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
        let mut waves = [(0.0, 0.0); WAVES];
        for (k, wave) in waves.iter_mut().enumerate() {
            let strength = wobble / (1.0 + 0.5 * k as f32);
            *wave = (strength * normal(rng), strength * normal(rng));
        }
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
            x,
            y,
            a: radius * aspect.sqrt(),
            b: radius / aspect.sqrt(),
            cos: angle.cos(),
            sin: angle.sin(),
            waves,
            depth,
            contrast,
            clump,
            rim,
            texture: Noise::new(rng.random()),
            nucleoli,
        }
    }

    /// Beyond this distance from the centre there is nothing of the nucleus.
    pub(super) fn reach(&self) -> f32 {
        1.35 * self.a.max(self.b)
    }

    /// How far out a place lies: 0 in the centre, 1 on the outline.
    pub(super) fn level(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.x, y - self.y);
        let u = (self.cos * dx + self.sin * dy) / self.a;
        let v = (self.cos * dy - self.sin * dx) / self.b;
        let r = (u * u + v * v).sqrt();
        if r < 1e-6 {
            return 0.0;
        }
        let (c, s) = (u / r, v / r);
        let (mut ck, mut sk) = (c, s); // cosine and sine of k times the angle
        let mut outline = 1.0;
        for (wc, ws) in self.waves {
            (ck, sk) = (ck * c - sk * s, sk * c + ck * s);
            outline += wc * ck + ws * sk;
        }
        r / outline.max(0.5)
    }

    /// Concentration of hematoxylin at a place of this level; `soft` is the width of the edge in
    /// µm.
    pub(super) fn concentration(&self, x: f32, y: f32, level: f32, soft: f32) -> f32 {
        let inward = (1.0 - level) * self.b;
        let cover = step(-0.5 * soft, 0.5 * soft, inward);
        if cover == 0.0 {
            return 0.0;
        }
        let (dx, dy) = (x - self.x, y - self.y);
        let texture = self.texture.layers(dx / self.clump, dy / self.clump, 2);
        let membrane = (-(inward / 0.55).powi(2)).exp();
        let mut chromatin = 1.0 + 1.5 * self.contrast * texture + self.rim * (membrane - 0.3);
        for &(u, v, r) in &self.nucleoli {
            let cx = self.cos * u * self.a - self.sin * v * self.b;
            let cy = self.sin * u * self.a + self.cos * v * self.b;
            let d2 = (dx - cx).powi(2) + (dy - cy).powi(2);
            chromatin += 0.55 * (-d2 / (r * r)).exp();
        }
        self.depth * cover * chromatin.max(0.2)
    }
}
