//! The random movements that an image goes through before the network sees it, after Lucid's transforms.
//!
//! Lucid pads, crops, resizes, rotates and crops again, resampling at each step. Here the movements of one step are
//! composed first, into one affine map from the network's pixels to the image's ([`Affine`]), and the image is
//! resampled once ([`super::warp`]).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which movements are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transforms {
    /// Lucid's standard set: jitter 8, scale by one of .90, .92 … 1.10, rotation by one of -10° … 10° or (5 in 26) 0°,
    /// jitter 4.
    Standard,
    /// The paper's light set: jitter 8, rotation by -10° … 10°, jitter 2; no scaling.
    Light,
}

/// A movement of the image: first `jitter`, then `scale`, rotation by `degrees`, and `second_jitter`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Columns and rows, pixels, of the centre of the first crop relative to the image's.
    pub jitter: [f64; 2],
    /// Magnification.
    pub scale: f64,
    /// Rotation about the centre.
    pub degrees: f64,
    /// Columns and rows, pixels, of the centre of the second crop relative to the first's.
    pub second_jitter: [f64; 2],
}

/// A map from the network's pixel (column u, row v) to the image's: x = a u + b v + c, y = d u + e v + f.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// a, b, c.
    pub x: [f64; 3],
    /// d, e, f.
    pub y: [f64; 3],
}

impl Transforms {
    /// The movement of one step of one item. A pure function of its arguments: it depends neither on the order of
    /// calls nor on what else is drawn.
    #[must_use]
    pub fn draw(self, seed: u64, item: u64, step: usize) -> Motion {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(item);
        // Behind the numbers that the first image takes; 64 words a step are more than a draw needs.
        rng.set_word_pos((1 << 40) + 64 * step as u128);
        let mut crop = |d: i32| {
            let mut offset = || f64::from(rng.random_range(0..=d)) - f64::from(d) / 2.0;
            [offset(), offset()]
        };
        let (jitter, second_jitter) = (crop(8), crop(if self == Self::Standard { 4 } else { 2 }));
        match self {
            Self::Standard => Motion {
                jitter,
                second_jitter,
                scale: 1.0 + f64::from(rng.random_range(-5..=5)) / 50.0,
                degrees: match rng.random_range(-10..=15) {
                    degrees @ -10..=10 => f64::from(degrees),
                    _ => 0.0,
                },
            },
            Self::Light => Motion {
                jitter,
                second_jitter,
                scale: 1.0,
                degrees: f64::from(rng.random_range(-10..=10)),
            },
        }
    }
}

impl Motion {
    /// No movement.
    pub const NONE: Self = Self {
        jitter: [0.0; 2],
        scale: 1.0,
        degrees: 0.0,
        second_jitter: [0.0; 2],
    };

    /// Where in a square image of `size` pixels the network's pixels lie.
    #[must_use]
    pub fn affine(&self, size: usize) -> Affine {
        let centre = (size as f64 - 1.0) / 2.0;
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let (a, b) = (cos / self.scale, -sin / self.scale);
        // Seen from the centre: turned back, made smaller, moved.
        let [u, v] = self.second_jitter.map(|d| d - centre);
        Affine {
            x: [a, b, a * u + b * v + self.jitter[0] + centre],
            y: [-b, a, -b * u + a * v + self.jitter[1] + centre],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affine_by_hand() {
        let affine = Motion::NONE.affine(5);
        assert_eq!((affine.x, affine.y), ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]));
        // The centre pixel of 5 is 2. Moved by (1, -1) after a magnification by 2 and (3, 4) before it.
        let motion = Motion {
            jitter: [3.0, 4.0],
            scale: 2.0,
            degrees: 0.0,
            second_jitter: [1.0, -1.0],
        };
        let affine = motion.affine(5);
        assert_eq!((affine.x, affine.y), ([0.5, 0.0, 4.5], [0.0, 0.5, 4.5]));
        // A quarter turn keeps the centre and brings the left top corner to the right top.
        let quarter = Motion {
            degrees: 90.0,
            ..Motion::NONE
        }
        .affine(5);
        let at = |u: f64, v: f64| {
            [quarter.x, quarter.y].map(|[a, b, c]| (1e9 * (a * u + b * v + c)).round() / 1e9)
        };
        assert_eq!((at(2.0, 2.0), at(0.0, 0.0)), ([2.0, 2.0], [4.0, 0.0]));
    }

    #[test]
    fn draws_cover_what_is_documented() {
        let standard: Vec<_> = (0..4000)
            .map(|step| Transforms::Standard.draw(1, 2, step))
            .collect();
        let range = |f: &dyn Fn(&Motion) -> f64, of: &[Motion]| {
            of.iter()
                .map(f)
                .fold((f64::MAX, f64::MIN), |(low, high), v| {
                    (low.min(v), high.max(v))
                })
        };
        assert_eq!(range(&|m| m.jitter[0], &standard), (-4.0, 4.0));
        assert_eq!(range(&|m| m.second_jitter[1], &standard), (-2.0, 2.0));
        assert_eq!(range(&|m| m.scale, &standard), (0.9, 1.1));
        assert_eq!(range(&|m| m.degrees, &standard), (-10.0, 10.0));
        let straight = standard.iter().filter(|m| m.degrees == 0.0).count() as f64 / 4000.0;
        assert!((straight - 6.0 / 26.0).abs() < 0.03, "{straight}");

        let light: Vec<_> = (0..4000)
            .map(|step| Transforms::Light.draw(1, 2, step))
            .collect();
        assert_eq!(range(&|m| m.scale, &light), (1.0, 1.0));
        assert_eq!(range(&|m| m.second_jitter[0], &light), (-1.0, 1.0));
    }

    #[test]
    fn draws_depend_on_seed_item_and_step_alone() {
        let draw = |seed, item, step| Transforms::Standard.draw(seed, item, step);
        assert_eq!(draw(7, 3, 5), draw(7, 3, 5));
        let others = [draw(8, 3, 5), draw(7, 4, 5), draw(7, 3, 6)];
        assert!(others.iter().all(|&other| other != draw(7, 3, 5)));
    }
}
