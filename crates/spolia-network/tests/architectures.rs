//! ResNet-50, DenseNet-121 and SqueezeNet 1.1 against torchvision, by values exported with
//! tests/reference/network_architectures.py; SqueezeNet with its published weights on a photograph.

mod agreement;
mod drawn;

use std::{collections::BTreeMap, path::PathBuf};

use agreement::{Summary, assert_agrees};
use drawn::{COUNT, SIDE, images, weights};
use serde::Deserialize;
use spolia_network::{
    Convention, Cpu, Cut, Engine, Error, ReluGradient, Sgd, Tensor, WeightTensor, Weights,
    architecture,
};

const TOLERANCE: f64 = 1e-4;
const CLASSES: usize = 3;
const LABELS: [f32; COUNT] = [0.0, 1.0, 1.0, 0.0];

#[derive(Deserialize)]
struct Training {
    losses: Vec<f64>,
    after: BTreeMap<String, Summary>,
}

#[derive(Deserialize)]
struct Reference {
    inference_seed: u32,
    training_seed: u32,
    activations: BTreeMap<String, Summary>,
    gradients: BTreeMap<String, Summary>,
    training: Training,
}

fn reference(name: &str) -> Reference {
    let mut all: BTreeMap<String, Reference> =
        serde_json::from_str(include_str!("architectures.json")).unwrap();
    all.remove(name).unwrap()
}

fn ones() -> Vec<Tensor> {
    vec![Tensor::new([2, 1, 1, CLASSES], vec![1.0; 2 * CLASSES]).unwrap()]
}

fn compare_inference(name: &str) {
    let want = reference(name);
    let network = architecture(name, Convention::Torchvision, Some(CLASSES)).unwrap();
    let weights = weights(&network);
    let images = images(want.inference_seed, 2, SIDE);
    let (taps, names): (Vec<_>, Vec<_>) = network.stages().map(|(id, s)| (id, s.name)).unzip();
    assert_eq!(taps.len(), want.activations.len());
    let last = network.last();
    let mut whole = Cpu.frozen(&network, &weights, Cut::to(last)).unwrap();
    let activations = whole.forward(&images, &taps).unwrap();
    for (stage, activation) in names.iter().zip(&activations) {
        let expected = &want.activations[*stage];
        assert_agrees(stage, activation.data(), expected, TOLERANCE);
    }
    let gradient = whole
        .input_gradient(&images, &[last], ReluGradient::True, &mut |_| ones())
        .unwrap();
    let expected = &want.gradients["image"];
    assert_agrees("image gradient", gradient.data(), expected, TOLERANCE);
    // Cut after some stages: the tail's gradient with respect to the stage's activation.
    for i in (0..taps.len() - 1).step_by(4) {
        let (stage, tap) = (names[i], taps[i]);
        let mut tail = Cpu
            .frozen(&network, &weights, Cut::between(tap, last))
            .unwrap();
        let gradient = tail
            .input_gradient(&activations[i], &[last], ReluGradient::True, &mut |_| {
                ones()
            })
            .unwrap();
        let what = format!("gradient at {stage}");
        assert_agrees(&what, gradient.data(), &want.gradients[stage], TOLERANCE);
    }
}

fn compare_training(name: &str) {
    let want = reference(name);
    let network = architecture(name, Convention::Torchvision, Some(1)).unwrap();
    let mut trainable = Cpu.trainable(&network, &weights(&network)).unwrap();
    for (step, expected) in want.training.losses.iter().enumerate() {
        let sgd = Sgd {
            rate: 1e-4,
            momentum: 0.9,
        };
        let images = images(want.training_seed + 10 * step as u32, COUNT, SIDE);
        let loss = f64::from(trainable.step(&images, &LABELS, sgd).unwrap());
        assert!(
            (loss - expected).abs() <= TOLERANCE * expected,
            "step {step}: {loss}, PyTorch {expected}"
        );
    }
    let after = trainable.weights().unwrap();
    for (name, expected) in &want.training.after {
        assert_agrees(name, &after.tensors[name].data, expected, TOLERANCE);
    }
}

#[test]
fn resnet50_agrees_with_torchvision() {
    compare_inference("resnet50");
    compare_training("resnet50");
}

#[test]
fn densenet121_agrees_with_torchvision() {
    compare_inference("densenet121");
    compare_training("densenet121");
}

#[test]
fn squeezenet1_1_agrees_with_torchvision() {
    compare_inference("squeezenet1_1");
    compare_training("squeezenet1_1");
}

#[test]
fn the_end_without_its_relus_is_the_end_before_them() {
    for (name, stage) in [
        ("resnet50", "layer2.1"),
        ("densenet121", "norm5"),
        ("squeezenet1_1", "fire3"),
    ] {
        let network = architecture(name, Convention::Torchvision, None).unwrap();
        let weights = weights(&network);
        let to = network.stage(stage).unwrap();
        let run = |linear_end| {
            let cut = Cut {
                linear_end,
                ..Cut::to(to)
            };
            let mut head = Cpu.frozen(&network, &weights, cut).unwrap();
            head.forward(&images(5, 1, SIDE), &[to]).unwrap().remove(0)
        };
        let (with, without) = (run(false), run(true));
        assert!(without.data().iter().any(|v| *v < 0.0), "{name}");
        for (a, b) in with.data().iter().zip(without.data()) {
            assert_eq!(*a, b.max(0.0), "{name}");
        }
    }
}

#[test]
fn a_file_chooses_its_network() {
    let network = architecture("resnet50", Convention::Torchvision, Some(CLASSES)).unwrap();
    let mut weights = weights(&network);
    weights.source = "w.pth".into();
    let found = weights.network(None).unwrap();
    assert_eq!(
        (found.architecture(), found.outputs()),
        ("resnet50", CLASSES)
    );
    weights.check_exact(&found).unwrap();
    let one = WeightTensor {
        shape: vec![1],
        data: vec![0.0],
    };
    weights.tensors.insert("layer3.6.bn1.bias".into(), one);
    let error = weights.check_exact(&found).unwrap_err().to_string();
    assert_eq!(
        error,
        "w.pth: 1 tensors that resnet50 does not have, first `layer3.6.bn1.bias`; the file is of another architecture or a variant of it"
    );
    weights.tensors.remove("layer4.1.conv2.weight");
    weights.tensors.remove("layer4.2.conv2.weight");
    let missing = weights.check_exact(&found);
    assert!(
        matches!(missing, Err(Error::MissingTensor { ref tensor, count: 2, .. }) if tensor == "layer4.1.conv2.weight")
    );
    weights.tensors.remove("layer1.0.conv3.weight");
    assert!(matches!(
        weights.network(None),
        Err(Error::NoArchitecture { .. })
    ));
    weights.metadata.architecture = Some("squeezenet1_1".into());
    assert!(matches!(
        weights.network(None),
        Err(Error::NoConvention { .. })
    ));
}

#[test]
fn squeezenet_sees_a_cat() {
    let Some(folder) = std::env::var_os("SPOLIA_DATA") else {
        eprintln!("skipped: SPOLIA_DATA does not name the data folder");
        return;
    };
    let file = PathBuf::from(folder).join("weights/squeezenet1_1_imagenet.fp32.safetensors");
    let weights = Weights::load(&file, None).unwrap();
    let network = weights.network(None).unwrap();
    assert_eq!(network.architecture(), "squeezenet1_1");
    assert_eq!(network.convention(), Convention::Caffe);
    weights.check_exact(&network).unwrap();
    let photograph = include_bytes!("chelsea.ppm")
        .strip_prefix(b"P6\n224 224\n255\n")
        .unwrap();
    let input = network
        .normalisation()
        .tensor(&[photograph], 224, 224)
        .unwrap();
    let logits = network.last();
    let mut whole = Cpu.frozen(&network, &weights, Cut::to(logits)).unwrap();
    let found = whole.forward(&input, &[logits]).unwrap().remove(0);
    // tests/reference/network_squeezenet.py: class and logit, the highest first. 285: Egyptian cat.
    for (class, expected) in PYTORCH {
        let logit = found.data()[class];
        assert!((logit - expected).abs() < 1e-3, "{class}: {logit}");
    }
    let highest = (0..1000).max_by(|&a, &b| found.data()[a].total_cmp(&found.data()[b]));
    assert_eq!(highest, Some(PYTORCH[0].0));
}

/// Classes with their logits.
const PYTORCH: [(usize, f32); 8] = [
    (285, 33.4496),
    (282, 32.4444),
    (281, 32.4268),
    (293, 28.4723),
    (287, 28.3987),
    (288, 25.4468),
    (290, 24.5999),
    (283, 24.5925),
];
