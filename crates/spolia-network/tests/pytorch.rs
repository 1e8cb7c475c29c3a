//! Agreement with PyTorch float32, by values exported with tests/reference/engine.py.

use std::collections::BTreeMap;

use serde::Deserialize;
use spolia_network::{
    Convention, Cpu, Cut, Engine, Network, ReluGradient, Sgd, Tensor, WeightTensor, Weights, inception_v3,
};

const SIDE: usize = 107;
const IMAGES: usize = 3;
const LABELS: [f32; 3] = [0.0, 1.0, 1.0];
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Summary {
    sum: f64,
    abs: f64,
    rms: f64,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct Inference {
    activations: BTreeMap<String, Summary>,
    gradients: BTreeMap<String, Summary>,
    logits: Vec<f64>,
    image: Summary,
}

#[derive(Deserialize)]
struct Training {
    loss: f64,
    losses: Vec<f64>,
    gradients: BTreeMap<String, Summary>,
    after: BTreeMap<String, Summary>,
}

#[derive(Deserialize)]
struct Reference {
    keras: Inference,
    torchvision: Inference,
    training: Training,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("pytorch.json")).unwrap()
}

/// `values` of the script.
fn values(seed: u32, n: usize) -> Vec<f32> {
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

fn weights(network: &Network) -> Weights {
    let mut parameters = network.parameters();
    parameters.sort();
    let mut weights = Weights::default();
    for (i, (name, shape)) in parameters.into_iter().enumerate() {
        let mut data = values(i as u32 + 1, shape.iter().product());
        let (scale, shift) = if name.ends_with("conv.weight") {
            ((6.0 / (shape[1] * shape[2] * shape[3]) as f64).sqrt() as f32, 0.0)
        } else if name == "fc.weight" {
            (0.05, 0.0)
        } else if name.ends_with("running_var") {
            (0.3, 1.0)
        } else if name.ends_with("bn.weight") {
            (0.2, 1.0)
        } else {
            (0.1, 0.0)
        };
        data.iter_mut().for_each(|v| *v = shift + scale * *v);
        weights.tensors.insert(name, WeightTensor { shape, data });
    }
    weights
}

fn images(seed: u32) -> Tensor {
    Tensor::new([IMAGES, SIDE, SIDE, 3], values(seed, IMAGES * SIDE * SIDE * 3)).unwrap()
}

/// Values agree within the tolerance, relative to their own size or to the array's root mean square; sums relative to
/// the sum of absolutes.
fn assert_agrees(what: &str, got: &[f32], want: &Summary) {
    let sum: f64 = got.iter().map(|&v| f64::from(v)).sum();
    let abs: f64 = got.iter().map(|&v| f64::from(v).abs()).sum();
    assert!((sum - want.sum).abs() <= TOLERANCE * want.abs, "{what}: sum {sum}, PyTorch {}", want.sum);
    assert!((abs - want.abs).abs() <= TOLERANCE * want.abs, "{what}: absolutes {abs}, PyTorch {}", want.abs);
    for (k, &expected) in want.values.iter().enumerate() {
        let at = (k as f64 * ((got.len() - 1) as f64 / 31.0)) as usize;
        let found = f64::from(got[at]);
        let scale = expected.abs().max(want.rms);
        assert!((found - expected).abs() <= TOLERANCE * scale, "{what}[{at}]: {found}, PyTorch {expected}");
    }
}

fn compare_inference(convention: Convention, want: &Inference) {
    let network = inception_v3(convention, Some(1));
    let weights = weights(&network);
    let taps: Vec<_> = want.activations.keys().map(|s| network.stage(s).unwrap()).collect();
    let mut whole = Cpu.frozen(&network, &weights, Cut::to(network.last())).unwrap();
    let activations = whole.forward(&images(1000), &taps).unwrap();
    for (stage, activation) in want.activations.keys().zip(&activations) {
        assert_agrees(stage, activation.data(), &want.activations[stage]);
    }
    let mut logits = Vec::new();
    let mut of_the_sum = |out: &[Tensor]| {
        logits = out[0].data().to_vec();
        vec![Tensor::new([IMAGES, 1, 1, 1], vec![1.0; IMAGES]).unwrap()]
    };
    let gradient =
        whole.input_gradient(&images(1000), &[network.last()], ReluGradient::True, &mut of_the_sum).unwrap();
    assert_agrees("image gradient", gradient.data(), &want.image);
    for (found, expected) in logits.iter().zip(&want.logits) {
        assert!((f64::from(*found) - expected).abs() <= TOLERANCE * expected.abs().max(0.1));
    }
    // Cut after each stage: the tail's gradient with respect to the stage's activation.
    for ((stage, activation), &tap) in want.activations.keys().zip(&activations).zip(&taps) {
        let mut tail = Cpu.frozen(&network, &weights, Cut::between(tap, network.last())).unwrap();
        let gradient = tail
            .input_gradient(activation, &[network.last()], ReluGradient::True, &mut |_| {
                vec![Tensor::new([IMAGES, 1, 1, 1], vec![1.0; IMAGES]).unwrap()]
            })
            .unwrap();
        assert_agrees(&format!("gradient at {stage}"), gradient.data(), &want.gradients[stage]);
    }
}

#[test]
fn activations_and_input_gradients_keras() {
    compare_inference(Convention::Keras, &reference().keras);
}

#[test]
fn activations_and_input_gradients_torchvision() {
    compare_inference(Convention::Torchvision, &reference().torchvision);
}

#[test]
fn weight_gradients() {
    let want = reference().training;
    let network = inception_v3(Convention::Keras, Some(1));
    let mut trainable = Cpu.trainable(&network, &weights(&network)).unwrap();
    let (loss, gradients) = trainable.gradients(&images(1000), &LABELS).unwrap();
    assert!((f64::from(loss) - want.loss).abs() <= TOLERANCE * want.loss, "{loss}, PyTorch {}", want.loss);
    for (name, expected) in &want.gradients {
        assert_agrees(name, &gradients.tensors[name].data, expected);
    }
}

#[test]
fn losses_of_five_steps() {
    let want = reference().training;
    let network = inception_v3(Convention::Keras, Some(1));
    let mut trainable = Cpu.trainable(&network, &weights(&network)).unwrap();
    for (step, expected) in want.losses.iter().enumerate() {
        let sgd = Sgd { rate: 1e-3 / (1.0 + 1e-6 * step as f64), momentum: 0.9 };
        let loss = f64::from(trainable.step(&images(2000 + step as u32), &LABELS, sgd).unwrap());
        assert!((loss - expected).abs() <= TOLERANCE * expected, "step {step}: {loss}, PyTorch {expected}");
    }
    let after = trainable.weights();
    for (name, expected) in &want.after {
        assert_agrees(name, &after.tensors[name].data, expected);
    }
}
