//! Irregular ellipses: the outlines of nuclei, of pieces of tissue and of tumours.

use rand::Rng;

use super::draw::normal;

/// An ellipse whose radius waves around it. Lengths in µm, angles in radians.
#[derive(Debug, Clone)]
pub(super) struct Outline<const WAVES: usize> {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Half axes.
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) cos: f32,
    pub(super) sin: f32,
    /// Strengths of the cosine and sine waves 2, 3, … around the ellipse.
    waves: [(f32, f32); WAVES],
}

impl<const WAVES: usize> Outline<WAVES> {
    /// An ellipse of half axes `a` and `b`, the first of them at `angle`; waves of relative
    /// strength `wobble` are drawn, the shorter the weaker.
    pub(super) fn draw(
        (x, y): (f32, f32),
        (a, b): (f32, f32),
        angle: f32,
        wobble: f32,
        rng: &mut impl Rng,
    ) -> Self {
        let mut waves = [(0.0, 0.0); WAVES];
        for (k, wave) in waves.iter_mut().enumerate() {
            let strength = wobble / (1.0 + 0.5 * k as f32);
            *wave = (strength * normal(rng), strength * normal(rng));
        }
        Self {
            x,
            y,
            a,
            b,
            cos: angle.cos(),
            sin: angle.sin(),
            waves,
        }
    }

    /// Radius relative to the ellipse's in the direction of this cosine and sine.
    fn bulge(&self, c: f32, s: f32) -> f32 {
        let (mut ck, mut sk) = (c, s); // cosine and sine of k times the angle
        let mut radius = 1.0;
        for (wc, ws) in self.waves {
            (ck, sk) = (ck * c - sk * s, sk * c + ck * s);
            radius += wc * ck + ws * sk;
        }
        radius.max(0.5)
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
        r / self.bulge(u / r, v / r)
    }

    /// How far inside a place lies, in µm (exact along the shorter axis).
    pub(super) fn inward(&self, x: f32, y: f32) -> f32 {
        (1.0 - self.level(x, y)) * self.b
    }

    /// The outline as a polygon of so many points.
    pub(super) fn polygon(&self, points: usize) -> impl Iterator<Item = (f32, f32)> + '_ {
        (0..points).map(move |k| {
            let (s, c) = (std::f32::consts::TAU * k as f32 / points as f32).sin_cos();
            let radius = self.bulge(c, s);
            let (u, v) = (radius * c * self.a, radius * s * self.b);
            (
                self.x + self.cos * u - self.sin * v,
                self.y + self.sin * u + self.cos * v,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn levels_of_an_ellipse_by_hand() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let quarter = std::f32::consts::FRAC_PI_2;
        let ellipse = Outline::<4>::draw((10.0, 20.0), (4.0, 2.0), quarter, 0.0, &mut rng);
        assert_eq!(ellipse.level(10.0, 20.0), 0.0);
        assert!((ellipse.level(10.0, 24.0) - 1.0).abs() < 1e-6); // turned: the long axis is down
        assert!((ellipse.level(11.0, 20.0) - 0.5).abs() < 1e-6);
        assert!((ellipse.inward(11.0, 20.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_polygon_lies_on_its_outline() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let outline = Outline::<8>::draw((900.0, 700.0), (400.0, 300.0), 0.7, 0.08, &mut rng);
        for (x, y) in outline.polygon(60) {
            assert!((outline.level(x, y) - 1.0).abs() < 1e-4);
        }
    }
}
