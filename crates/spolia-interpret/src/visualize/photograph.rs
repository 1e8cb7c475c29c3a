//! What parametrizations are tried on.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Red, green and blue planes in 0-1 with smooth regions, an edge, texture and noise.
pub(super) fn photograph(width: usize, height: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let pixels = width * height;
    (0..3 * pixels)
        .map(|i| {
            let (c, y, x) = (i / pixels, i / width % height, i % width);
            let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
            let sky = 0.3 + 0.4 * v + 0.1 * c as f32;
            let hill = v > 0.6 + 0.15 * (6.0 * u).sin();
            let ground = 0.35 + 0.15 * (40.0 * u + 25.0 * v).sin() - 0.08 * c as f32;
            let clean = if hill { ground } else { sky };
            (clean + rng.random_range(-0.02..0.02)).clamp(0.03, 0.97)
        })
        .collect()
}
