//! Gradient noise: the irregular and yet smooth in tissue.

/// Sixteen unit vectors, evenly around the circle.
const GRADIENTS: [(f32, f32); 16] = {
    const A: f32 = 0.923_879_5;
    const B: f32 = 0.382_683_43;
    const C: f32 = std::f32::consts::FRAC_1_SQRT_2;
    [
        (1.0, 0.0),
        (A, B),
        (C, C),
        (B, A),
        (0.0, 1.0),
        (-B, A),
        (-C, C),
        (-A, B),
        (-1.0, 0.0),
        (-A, -B),
        (-C, -C),
        (-B, -A),
        (0.0, -1.0),
        (B, -A),
        (C, -C),
        (A, -B),
    ]
};

/// Perlin's gradient noise on the plane, one field per seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    seed: u32,
}

impl Noise {
    pub(super) fn new(seed: u32) -> Self {
        Noise { seed }
    }

    /// Noise at a place, with features of about one unit; about -1 to 1, mean 0.
    pub(super) fn at(self, x: f32, y: f32) -> f32 {
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let (i, j) = (x0 as i32, y0 as i32);
        let (u, v) = (fade(fx), fade(fy));
        let corner = |di: i32, dj: i32| {
            let (gx, gy) = GRADIENTS[(hash(i + di, j + dj, self.seed) >> 28) as usize];
            gx * (fx - di as f32) + gy * (fy - dj as f32)
        };
        let top = mix(corner(0, 0), corner(1, 0), u);
        let bottom = mix(corner(0, 1), corner(1, 1), u);
        1.4 * mix(top, bottom, v)
    }

    /// `octaves` layers, each of half the size and half the strength; about -1 to 1.
    pub(super) fn layers(self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut strength, mut scale, mut total) = (0.0, 1.0, 1.0, 0.0);
        for octave in 0..octaves {
            let layer = Noise::new(self.seed.wrapping_add(octave.wrapping_mul(0x9e37_79b9)));
            sum += strength * layer.at(x * scale, y * scale);
            total += strength;
            strength *= 0.5;
            scale *= 2.0;
        }
        sum / total
    }
}

fn fade(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(super) fn step(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

fn hash(i: i32, j: i32, seed: u32) -> u32 {
    let mut h = (i as u32).wrapping_mul(0x85eb_ca6b) ^ (j as u32).wrapping_mul(0xc2b2_ae35) ^ seed;
    h = (h ^ (h >> 16)).wrapping_mul(0x7feb_352d);
    h = (h ^ (h >> 15)).wrapping_mul(0x846c_a68b);
    h ^ (h >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_zero_on_the_lattice_and_bounded_between() {
        let noise = Noise::new(3);
        assert_eq!(noise.at(4.0, -7.0), 0.0);
        for k in 0..2_000 {
            let v = noise.layers(k as f32 * 0.37, k as f32 * 0.11, 4);
            assert!(v.abs() <= 1.0, "{v}");
        }
    }

    #[test]
    fn steps_and_mixes_are_as_on_paper() {
        assert_eq!(step(1.0, 3.0, 2.0), 0.5);
        assert_eq!(step(1.0, 3.0, 0.0), 0.0);
        assert_eq!(step(1.0, 3.0, 9.0), 1.0);
        assert_eq!(mix(2.0, 6.0, 0.25), 3.0);
    }
}
