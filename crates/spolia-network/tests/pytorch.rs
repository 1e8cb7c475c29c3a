//! Agreement with PyTorch float32, by values exported with tests/reference/engine.py.

mod agreement;
#[path = "../../../tests/reference/inputs.rs"]
mod inputs;

use std::collections::BTreeMap;

use agreement::Summary;
use inputs::{images, weights};
use serde::Deserialize;
use spolia_network::{Convention, Cpu, Cut, Engine, ReluGradient, Sgd, Tensor, inception_v3};

const LABELS: [f32; 8] = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Inference {
    activations: BTreeMap<String, Summary>,
    gradients: BTreeMap<String, Summary>,
    logits: Vec<f64>,
    image: Summary,
}

#[derive(Deserialize)]
struct Training {
    losses: Vec<f64>,
    after: BTreeMap<String, Summary>,
}

#[derive(Deserialize)]
struct Reference {
    inference_seed: u32,
    loss_seed: u32,
    keras: Inference,
    torchvision: Inference,
    training: Training,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("pytorch.json")).unwrap()
}

fn assert_agrees(what: &str, got: &[f32], want: &Summary) {
    agreement::assert_agrees(what, got, want, TOLERANCE);
}

fn ones() -> Vec<Tensor> {
    vec![Tensor::new([2, 1, 1, 1], vec![1.0; 2]).unwrap()]
}

fn compare_inference(convention: Convention, seed: u32, want: &Inference) {
    let network = inception_v3(convention, Some(1));
    let weights = weights();
    let images = images(seed, 2);
    let taps: Vec<_> = want
        .activations
        .keys()
        .map(|s| network.stage(s).unwrap())
        .collect();
    let mut whole = Cpu
        .frozen(&network, &weights, Cut::to(network.last()))
        .unwrap();
    let activations = whole.forward(&images, &taps).unwrap();
    for (stage, activation) in want.activations.keys().zip(&activations) {
        assert_agrees(stage, activation.data(), &want.activations[stage]);
    }
    let mut logits = Vec::new();
    let mut of_the_sum = |out: &[Tensor]| {
        logits = out[0].data().to_vec();
        ones()
    };
    let gradient = whole
        .input_gradient(
            &images,
            &[network.last()],
            ReluGradient::True,
            &mut of_the_sum,
        )
        .unwrap();
    assert_agrees("image gradient", gradient.data(), &want.image);
    for (found, expected) in logits.iter().zip(&want.logits) {
        assert!(
            (f64::from(*found) - expected).abs() <= TOLERANCE * expected.abs().max(0.1),
            "{found}, PyTorch {expected}"
        );
    }
    // Cut after each stage: the tail's gradient with respect to the stage's activation.
    for ((stage, activation), &tap) in want.activations.keys().zip(&activations).zip(&taps) {
        let mut tail = Cpu
            .frozen(&network, &weights, Cut::between(tap, network.last()))
            .unwrap();
        let gradient = tail
            .input_gradient(
                activation,
                &[network.last()],
                ReluGradient::True,
                &mut |_| ones(),
            )
            .unwrap();
        assert_agrees(
            &format!("gradient at {stage}"),
            gradient.data(),
            &want.gradients[stage],
        );
    }
}

#[test]
fn activations_and_input_gradients_keras() {
    let want = reference();
    compare_inference(Convention::Keras, want.inference_seed, &want.keras);
}

#[test]
fn activations_and_input_gradients_torchvision() {
    let want = reference();
    compare_inference(
        Convention::Torchvision,
        want.inference_seed,
        &want.torchvision,
    );
}

#[test]
fn losses_of_five_steps() {
    let want = reference();
    let network = inception_v3(Convention::Keras, Some(1));
    let mut trainable = Cpu.trainable(&network, &weights()).unwrap();
    for (step, expected) in want.training.losses.iter().enumerate() {
        let sgd = Sgd {
            rate: 1e-4 / (1.0 + 1e-6 * step as f64),
            momentum: 0.9,
        };
        let images = images(want.loss_seed + 10 * step as u32, 8);
        let loss = f64::from(trainable.step(&images, &LABELS, sgd).unwrap());
        assert!(
            (loss - expected).abs() <= TOLERANCE * expected,
            "step {step}: {loss}, PyTorch {expected}"
        );
    }
    let after = trainable.weights().unwrap();
    for (name, expected) in &want.training.after {
        assert_agrees(name, &after.tensors[name].data, expected);
    }
}
