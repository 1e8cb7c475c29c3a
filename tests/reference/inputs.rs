//! What the export scripts compute from seeds: numbers, images and weights.

use spolia_network::weights::starter;
use spolia_network::{Tensor, WeightTensor, Weights};

/// Side of the images, pixels.
pub const SIDE: usize = 107;

/// `values` of engine.py.
pub fn values(seed: u32, n: usize) -> Vec<f32> {
    (0..n as u32)
        .map(|i| {
            let mut x = i.wrapping_add(seed.wrapping_mul(0x9E37_79B1));
            for (shift, factor) in [(16, 0x7FEB_352D_u32), (15, 0x846C_A68B)] {
                x = (x ^ (x >> shift)).wrapping_mul(factor);
            }
            x ^= x >> 16;
            (f64::from(x) / 2_147_483_648.0 - 1.0) as f32
        })
        .collect()
}

/// The starter weights with the script's classification layer.
pub fn weights() -> Weights {
    let mut weights = starter().unwrap();
    let data = values(7, 2048).into_iter().map(|v| 0.05 * v).collect();
    for (name, shape, data) in [
        ("fc.weight", vec![1, 2048], data),
        ("fc.bias", vec![1], vec![0.0]),
    ] {
        weights
            .tensors
            .insert(name.into(), WeightTensor { shape, data });
    }
    weights
}

/// The first `count` of the script's eight images: blocks of 8 x 8 pixels of one colour, with noise.
pub fn images(seed: u32, count: usize) -> Tensor {
    let blocks = values(seed, 8 * 14 * 14 * 3);
    let noise = values(seed + 1, 8 * SIDE * SIDE * 3);
    let mut data = Vec::new();
    for (i, noise) in noise.iter().enumerate().take(count * SIDE * SIDE * 3) {
        let (channel, pixel) = (i % 3, i / 3);
        let (image, row, column) = (pixel / (SIDE * SIDE), pixel / SIDE % SIDE, pixel % SIDE);
        let block = blocks[((image * 14 + row / 8) * 14 + column / 8) * 3 + channel];
        data.push(0.75 * block + 0.25 * noise);
    }
    Tensor::new([count, SIDE, SIDE, 3], data).unwrap()
}
