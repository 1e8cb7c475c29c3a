//! Every kind of convolution against PyTorch: values exported with tests/reference/layers.py.

use serde::Deserialize;

use super::conv::Kernel;
use super::norm::Norm;
use super::share::Layout;
use crate::graph::Conv;

#[path = "../../tests/agreement/mod.rs"]
mod agreement;

use agreement::{Summary, assert_agrees};

#[derive(Deserialize)]
struct Layer {
    inputs: usize,
    outputs: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
    side: usize,
    y: Summary,
    dx: Summary,
    dw: Summary,
    dgamma: Summary,
    dbeta: Summary,
}

const IMAGES: usize = 3;
const TOLERANCE: f64 = 1e-4;

/// `values` of the script.
fn values(seed: usize, n: usize) -> Vec<f32> {
    (0..n as u32)
        .map(|i| {
            let mut x = i.wrapping_add((seed as u32).wrapping_mul(0x9E37_79B1));
            for (shift, factor) in [(16, 0x7FEB_352D_u32), (15, 0x846C_A68B)] {
                x = (x ^ (x >> shift)).wrapping_mul(factor);
            }
            x ^= x >> 16;
            (f64::from(x) / 2_147_483_648.0 - 1.0) as f32
        })
        .collect()
}

/// A whole buffer of its own, or channels 5.. of a wider one.
fn layout(side: [usize; 2], channels: usize, wide: bool) -> Layout {
    let (stride, offset) = if wide {
        (channels + 9, 5)
    } else {
        (channels, 0)
    };
    Layout {
        images: IMAGES,
        height: side[0],
        width: side[1],
        stride,
        offset,
        channels,
    }
}

pub(super) fn spread(dense: &[f32], to: Layout) -> Vec<f32> {
    let mut out = vec![f32::NAN; to.pixels() * to.stride];
    for (pixel, values) in dense.chunks_exact(to.channels).enumerate() {
        out[pixel * to.stride + to.offset..][..to.channels].copy_from_slice(values);
    }
    out
}

pub(super) fn gathered(wide: &[f32], from: Layout) -> Vec<f32> {
    (0..from.pixels())
        .flat_map(|p| wide[p * from.stride + from.offset..][..from.channels].to_vec())
        .collect()
}

fn check(i: usize, layer: &Layer, wide: bool) {
    let conv = Conv {
        name: format!("layer {i}"),
        inputs: layer.inputs,
        outputs: layer.outputs,
        kernel: layer.kernel,
        stride: layer.stride,
        padding: layer.padding,
        bias: false,
        norm: None,
        relu: true,
    };
    let side =
        [0, 1].map(|k| (layer.side + 2 * layer.padding[k] - layer.kernel[k]) / layer.stride + 1);
    let from = layout([layer.side; 2], layer.inputs, wide);
    let to = layout(side, layer.outputs, wide);
    let plain = layout(side, layer.outputs, false);
    let kernel_size = layer.outputs * layer.inputs * layer.kernel[0] * layer.kernel[1];
    let kernel = Kernel::new(&conv, &values(10 * i + 2, kernel_size), |_| 1.0, true);
    let norm = Norm {
        gamma: values(10 * i + 3, layer.outputs)
            .iter()
            .map(|v| 1.0 + 0.2 * v)
            .collect(),
        beta: values(10 * i + 4, layer.outputs)
            .iter()
            .map(|v| 0.1 * v)
            .collect(),
        mean: vec![0.0; layer.outputs],
        variance: vec![1.0; layer.outputs],
        epsilon: 1e-3,
    };
    let x = spread(&values(10 * i + 1, from.pixels() * layer.inputs), from);
    let mut raw = vec![0.0; plain.pixels() * layer.outputs];
    kernel.forward(&x, from, &mut raw, plain, None, false);
    let batch = norm.statistics(&raw, plain);
    let mut y = vec![0.0; to.pixels() * to.stride];
    norm.forward((&raw, plain), &batch, (&mut y, to), true);
    assert_agrees(&format!("{i} y"), &gathered(&y, to), &layer.y, TOLERANCE);
    let dy = spread(&values(10 * i + 5, plain.pixels() * layer.outputs), to);
    let mut draw = vec![0.0; raw.len()];
    let (dgamma, dbeta) = norm.backward(
        (&raw, plain, &batch),
        (&dy, to),
        true,
        Some((&mut draw, false)),
    );
    assert_agrees(&format!("{i} gamma"), &dgamma, &layer.dgamma, TOLERANCE);
    assert_agrees(&format!("{i} beta"), &dbeta, &layer.dbeta, TOLERANCE);
    let mut dw = vec![0.0; kernel.forward.len()];
    kernel.weight_gradient(&x, from, &draw, plain, &mut dw);
    assert_agrees(
        &format!("{i} kernel"),
        &kernel.to_oihw(&dw),
        &layer.dw,
        TOLERANCE,
    );
    let mut dx = vec![0.0; from.pixels() * from.stride];
    kernel.input_gradient(&draw, plain, &mut dx, from, false);
    assert_agrees(
        &format!("{i} input"),
        &gathered(&dx, from),
        &layer.dx,
        TOLERANCE,
    );
    // Adding twice doubles it.
    kernel.input_gradient(&draw, plain, &mut dx, from, true);
    let halved: Vec<f32> = gathered(&dx, from).iter().map(|v| v / 2.0).collect();
    assert_agrees(&format!("{i} input, added"), &halved, &layer.dx, TOLERANCE);
}

#[test]
fn every_kind_of_layer_agrees_with_pytorch() {
    let layers: Vec<Layer> = serde_json::from_str(include_str!("layers.json")).unwrap();
    for (i, layer) in layers.iter().enumerate() {
        check(i, layer, false);
        check(i, layer, true);
    }
}
