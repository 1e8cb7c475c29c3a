//! Gradient noise: the irregular and yet smooth in tissue.

/// Eight unit vectors, evenly around half of the circle; the others are their opposites.
const GRADIENTS: [Lanes; 2] = {
    const A: f32 = 0.923_879_5;
    const B: f32 = 0.382_683_43;
    const C: f32 = std::f32::consts::FRAC_1_SQRT_2;
    [
        [1.0, A, C, B, 0.0, -B, -C, -A],
        [0.0, B, C, A, 1.0, A, C, B],
    ]
};

/// Numbers that are worked out together: as many as a vector register holds.
pub(super) const LANES: usize = 8;
/// One number for each of [`LANES`] places.
pub(super) type Lanes = [f32; LANES];

/// The numbers that `of` gives for each lane.
pub(super) fn lanes(of: impl FnMut(usize) -> f32) -> Lanes {
    std::array::from_fn(of)
}

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
        self.each(&[x; LANES], &[y; LANES])[0]
    }

    /// Noise at several places.
    pub(super) fn each(self, x: &Lanes, y: &Lanes) -> Lanes {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { avx2::perlin(self.seed, x, y) };
        }
        perlin(self.seed, x, y)
    }

    /// `octaves` layers, each of half the size and half the strength; about -1 to 1.
    pub(super) fn layers(self, x: f32, y: f32, octaves: u32) -> f32 {
        self.layers_each(&[x; LANES], &[y; LANES], octaves)[0]
    }

    /// [`Noise::layers`] at several places.
    pub(super) fn layers_each(self, x: &Lanes, y: &Lanes, octaves: u32) -> Lanes {
        let (mut sum, mut strength, mut scale, mut total) = ([0.0; LANES], 1.0, 1.0, 0.0);
        for octave in 0..octaves {
            let layer = Noise::new(self.seed.wrapping_add(octave.wrapping_mul(0x9e37_79b9)));
            let noise = layer.each(&x.map(|x| x * scale), &y.map(|y| y * scale));
            for (sum, noise) in sum.iter_mut().zip(noise) {
                *sum += strength * noise;
            }
            total += strength;
            strength *= 0.5;
            scale *= 2.0;
        }
        sum.map(|sum| sum / total)
    }
}

fn perlin(seed: u32, x: &Lanes, y: &Lanes) -> Lanes {
    lanes(|k| {
        let ((i, fx), (j, fy)) = (floor(x[k]), floor(y[k]));
        let slope = |di: i32, dj: i32| {
            let which = hash(i.wrapping_add(di), j.wrapping_add(dj), seed) >> 28;
            let [gx, gy] = GRADIENTS.map(|g| g[(which & 7) as usize]);
            let slope = gx * (fx - di as f32) + gy * (fy - dj as f32);
            if which > 7 { -slope } else { slope }
        };
        let (u, v) = (fade(fx), fade(fy));
        let top = mix(slope(0, 0), slope(1, 0), u);
        let bottom = mix(slope(0, 1), slope(1, 1), u);
        1.4 * mix(top, bottom, v)
    })
}

/// The largest whole number that is not above `x`, and what is left.
fn floor(x: f32) -> (i32, f32) {
    let cut = x as i32;
    let whole = cut - i32::from(cut as f32 > x);
    (whole, x - whole as f32)
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

/// Factors of the hash.
const HASH: [u32; 4] = [0x85eb_ca6b, 0xc2b2_ae35, 0x7feb_352d, 0x846c_a68b];

fn hash(i: i32, j: i32, seed: u32) -> u32 {
    let mut h = (i as u32).wrapping_mul(HASH[0]) ^ (j as u32).wrapping_mul(HASH[1]) ^ seed;
    h = (h ^ (h >> 16)).wrapping_mul(HASH[2]);
    h = (h ^ (h >> 15)).wrapping_mul(HASH[3]);
    h ^ (h >> 16)
}

/// All lanes in one register: the same operations in the same order, so the same numbers.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{GRADIENTS, HASH, Lanes};

    #[target_feature(enable = "avx2")]
    pub(super) fn perlin(seed: u32, x: &Lanes, y: &Lanes) -> Lanes {
        let (x, y) = (load(x), load(y));
        let (x0, y0) = (_mm256_floor_ps(x), _mm256_floor_ps(y));
        let (fx, fy) = (_mm256_sub_ps(x, x0), _mm256_sub_ps(y, y0));
        let one = _mm256_set1_ps(1.0);
        let dx = [fx, _mm256_sub_ps(fx, one)];
        let dy = [fy, _mm256_sub_ps(fy, one)];
        // Products of the hash for a place and the next: the product of 1 is added.
        let product = |whole, factor: u32| {
            let factor = _mm256_set1_epi32(factor as i32);
            let first = _mm256_mullo_epi32(_mm256_cvttps_epi32(whole), factor);
            [first, _mm256_add_epi32(first, factor)]
        };
        let (i, j) = (product(x0, HASH[0]), product(y0, HASH[1]));
        let seed = _mm256_set1_epi32(seed as i32);
        let [gx, gy] = [load(&GRADIENTS[0]), load(&GRADIENTS[1])];
        let slope = |di: usize, dj: usize| {
            let h = _mm256_xor_si256(_mm256_xor_si256(i[di], j[dj]), seed);
            let h = _mm256_xor_si256(h, _mm256_srli_epi32::<16>(h));
            let h = _mm256_mullo_epi32(h, _mm256_set1_epi32(HASH[2] as i32));
            let h = _mm256_xor_si256(h, _mm256_srli_epi32::<15>(h));
            let h = _mm256_mullo_epi32(h, _mm256_set1_epi32(HASH[3] as i32));
            let h = _mm256_xor_si256(h, _mm256_srli_epi32::<16>(h));
            // Of the four highest bits, the first is the sign, the others choose a vector.
            let which = _mm256_srli_epi32::<28>(h);
            let slope = _mm256_add_ps(
                _mm256_mul_ps(_mm256_permutevar8x32_ps(gx, which), dx[di]),
                _mm256_mul_ps(_mm256_permutevar8x32_ps(gy, which), dy[dj]),
            );
            let sign = _mm256_and_si256(h, _mm256_set1_epi32(i32::MIN));
            _mm256_xor_ps(slope, _mm256_castsi256_ps(sign))
        };
        let (u, v) = (fade(fx), fade(fy));
        let top = mix(slope(0, 0), slope(1, 0), u);
        let bottom = mix(slope(0, 1), slope(1, 1), u);
        let noise = _mm256_mul_ps(_mm256_set1_ps(1.4), mix(top, bottom, v));
        let mut out = [0.0; 8];
        // SAFETY: `out` has eight numbers.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), noise) };
        out
    }

    #[target_feature(enable = "avx2")]
    fn load(v: &Lanes) -> __m256 {
        // SAFETY: `v` has eight numbers.
        unsafe { _mm256_loadu_ps(v.as_ptr()) }
    }

    #[target_feature(enable = "avx2")]
    fn fade(t: __m256) -> __m256 {
        let inner = _mm256_sub_ps(_mm256_mul_ps(t, _mm256_set1_ps(6.0)), _mm256_set1_ps(15.0));
        let inner = _mm256_add_ps(_mm256_mul_ps(t, inner), _mm256_set1_ps(10.0));
        _mm256_mul_ps(_mm256_mul_ps(_mm256_mul_ps(t, t), t), inner)
    }

    #[target_feature(enable = "avx2")]
    fn mix(a: __m256, b: __m256, t: __m256) -> __m256 {
        _mm256_add_ps(a, _mm256_mul_ps(_mm256_sub_ps(b, a), t))
    }
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
    fn places_together_are_as_places_alone() {
        let (x, y) = (
            lanes(|k| 0.7 * k as f32 - 2.0),
            lanes(|k| 3.1 - 0.9 * k as f32),
        );
        let together = Noise::new(8).each(&x, &y);
        assert_eq!(together, perlin(8, &x, &y));
        assert_eq!(together, lanes(|k| Noise::new(8).at(x[k], y[k])));
        for step in 0..500 {
            let x = lanes(|k| 0.37 * (step * LANES + k) as f32 - 800.0);
            let y = lanes(|k| 90.0 - 0.11 * (step * LANES + k) as f32);
            let noise = Noise::new(step as u32);
            assert_eq!(noise.each(&x, &y), perlin(noise.seed, &x, &y));
        }
        assert_eq!(floor(-2.0), (-2, 0.0));
        assert_eq!(floor(-0.25), (-1, 0.75));
    }

    #[test]
    fn steps_and_mixes_are_as_on_paper() {
        assert_eq!(step(1.0, 3.0, 2.0), 0.5);
        assert_eq!(step(1.0, 3.0, 0.0), 0.0);
        assert_eq!(step(1.0, 3.0, 9.0), 1.0);
        assert_eq!(mix(2.0, 6.0, 0.25), 3.0);
    }
}
