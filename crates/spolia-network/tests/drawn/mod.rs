//! Weights and images of tests/reference/network_architectures.py.

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../../../../tests/reference/inputs.rs"]
mod inputs;

use std::collections::BTreeMap;

use inputs::values;
use spolia_network::{Network, Tensor, WeightTensor, Weights};

/// Side of the script's images, pixels, and how many there are.
pub const SIDE: usize = 64;
pub const COUNT: usize = 4;

/// `weights` of the script.
pub fn weights(network: &Network) -> Weights {
    let mut weights = Weights::default();
    let all: BTreeMap<_, _> = network.parameters().into_iter().collect();
    for (seed, (name, shape)) in all.into_iter().enumerate() {
        let count: usize = shape.iter().product();
        let of = |centre: f32, spread: f32| {
            let values = values(seed as u32, count).into_iter();
            values.map(|v| centre + spread * v).collect()
        };
        let data = if shape.len() > 1 {
            let head = if network.is_head(&name) { 0.01 } else { 1.0 };
            of(
                0.0,
                (head * (6.0 / (count / shape[0]) as f64).sqrt()) as f32,
            )
        } else if name.ends_with("bn3.weight") {
            of(0.5, 0.2)
        } else if name.ends_with("weight") || name.ends_with("running_var") {
            of(1.0, 0.2)
        } else {
            of(0.0, 0.1)
        };
        weights.tensors.insert(name, WeightTensor { shape, data });
    }
    weights
}

/// The first `count` of the script's images, `side` pixels wide and high.
pub fn images(seed: u32, count: usize, side: usize) -> Tensor {
    // The script's images are of 64 px: 8 blocks a side.
    let blocks_across = side.div_ceil(8);
    let blocks = values(seed, COUNT * blocks_across * blocks_across * 3);
    let noise = values(seed + 1, COUNT * side * side * 3);
    let data = (0..count * side * side * 3).map(|i| {
        let (pixel, channel) = (i / 3, i % 3);
        let (image, y, x) = (
            pixel / side / side,
            pixel / side % side / 8,
            pixel % side / 8,
        );
        1.5 * blocks[((image * blocks_across + y) * blocks_across + x) * 3 + channel]
            + 0.5 * noise[i]
    });
    Tensor::new([count, side, side, 3], data.collect()).unwrap()
}
