//! Images that the scripts under tests/reference/ at the repository root make likewise.
#![allow(dead_code, reason = "each test binary uses some of it")]

use spolia_measure::Gray;

/// Top bytes of x = 1664525 x + 1013904223 mod 2^32.
pub fn lcg(seed: u32, count: usize) -> Vec<u8> {
    let mut x = seed;
    (0..count)
        .map(|_| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 24) as u8
        })
        .collect()
}

/// Image `k` of a hundred: noise, a soft pattern or noise on zeros.
pub fn image(k: usize) -> Gray {
    let (width, height) = (7 + k * 5 % 26, 7 + k * 11 % 23);
    let levels = [256, 16, 8, 32, 4][k % 5];
    let noise = lcg(k as u32 + 1, width * height);
    let pixels = noise
        .iter()
        .enumerate()
        .map(|(place, &noise)| {
            let (y, x, noise) = (place / width, place % width, usize::from(noise));
            let value = if k % 3 == 1 {
                (x * x / 7 + y * 3 + noise / 16) % 256
            } else {
                noise
            };
            let shift = if levels < 256 { k % 4 * 10 } else { 0 };
            if k % 3 == 2 && noise < 96 {
                0
            } else {
                (value * levels / 256 + shift) as u8
            }
        })
        .collect();
    Gray::new(pixels, width, height).unwrap()
}

/// The mask of image `k`.
pub fn mask(k: usize, pixels: usize) -> Vec<bool> {
    lcg(k as u32 + 1001, pixels)
        .into_iter()
        .map(|v| v < 200)
        .collect()
}

/// The numbers of a table with one line of names.
pub fn rows(csv: &str) -> Vec<Vec<f64>> {
    csv.lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect()
}
