//! Reuse of a part, its controls, and what a pass costs.

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../../../tests/reference/inputs.rs"]
mod inputs;

use std::collections::BTreeSet;

use inputs::values;
use spolia_network::{
    Convention, Cpu, Cut, Engine, Error, Initialisation, Network, ReluGradient, Sgd, StageId,
    Tensor, Weights, architecture, initialise, keep_batch_norm, shuffled,
};

const SIDE: usize = 48;
const LABELS: [f32; 3] = [0.0, 1.0, 1.0];
const SGD: Sgd = Sgd {
    rate: 1e-3,
    momentum: 0.9,
};

fn images() -> Tensor {
    let shape = [LABELS.len(), SIDE, SIDE, 3];
    Tensor::new(shape, values(3, shape.iter().product())).unwrap()
}

fn network(name: &str) -> Network {
    architecture(name, Convention::Torchvision, Some(1)).unwrap()
}

/// Drawn weights whose batch norm has statistics of its own.
fn pretrained(network: &Network) -> Weights {
    let mut weights = initialise(network, Initialisation::Xavier, 1);
    for (seed, (name, tensor)) in weights.tensors.iter_mut().enumerate() {
        if name.contains(".running_") {
            let by = values(seed as u32, tensor.data.len());
            tensor
                .data
                .iter_mut()
                .zip(by)
                .for_each(|(v, n)| *v += 0.1 * n);
        }
    }
    weights
}

/// The parameters and statistics of the stages through `stage`.
fn through(network: &Network, stage: StageId) -> BTreeSet<String> {
    network
        .stages()
        .filter(|(id, _)| *id <= stage)
        .flat_map(|(id, _)| network.stage_parameters(id))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn frozen_stages_stay_and_the_others_train_as_before() {
    let network = network("squeezenet1_1");
    let weights = pretrained(&network);
    let stage = network.stage("fire5").unwrap();
    let frozen_names = through(&network, stage);
    let mut all = Cpu.trainable(&network, &weights).unwrap();
    let mut part = Cpu.trainable(&network, &weights).unwrap();
    part.freeze(Some(stage)).unwrap();
    all.measure(true);
    part.measure(true);
    // Without batch norm the later stages see the same numbers, frozen or not.
    let (loss, gradients) = part.gradients(&images(), &LABELS).unwrap();
    let (whole_loss, whole) = all.gradients(&images(), &LABELS).unwrap();
    assert_eq!(loss, whole_loss);
    assert_eq!(
        gradients.tensors.len(),
        whole.tensors.len() - frozen_names.len()
    );
    for (name, tensor) in &gradients.tensors {
        assert_eq!(tensor, &whole.tensors[name], "{name}");
    }
    // The frozen stages go forward and not back.
    let (cost, whole_cost) = (part.profile().unwrap(), all.profile().unwrap());
    assert_eq!(cost.stages.len(), whole_cost.stages.len());
    for (s, w) in cost.stages.iter().zip(&whole_cost.stages) {
        assert_eq!(
            (s.stage, s.forward.operations),
            (w.stage, w.forward.operations)
        );
        assert_eq!(s.backward.bytes == 0, s.stage <= stage);
    }
    let early = whole_cost.stages.iter().filter(|s| s.stage <= stage);
    let spared: u64 = early.map(|s| s.backward.operations).sum();
    assert!(spared > 0);
    assert_eq!(
        cost.total().operations,
        whole_cost.total().operations - spared
    );

    part.step(&images(), &LABELS, SGD).unwrap();
    all.step(&images(), &LABELS, SGD).unwrap();
    let (after, whole_after) = (part.weights().unwrap(), all.weights().unwrap());
    assert_eq!(after.tensors.len(), weights.tensors.len());
    for (name, tensor) in &after.tensors {
        if frozen_names.contains(name) {
            assert_eq!(tensor, &weights.tensors[name], "{name}");
            assert_ne!(tensor, &whole_after.tensors[name], "{name}");
        } else {
            assert_eq!(tensor, &whole_after.tensors[name], "{name}");
        }
    }

    // Thawed: the early stages start at rest, the later ones go on.
    let moving = part.velocities().unwrap();
    assert!(
        moving
            .tensors
            .keys()
            .all(|name| !frozen_names.contains(name))
    );
    part.freeze(None).unwrap();
    assert_eq!(part.weights().unwrap().tensors, after.tensors);
    for (name, velocity) in part.velocities().unwrap().tensors {
        match moving.tensors.get(&name) {
            Some(kept) => assert_eq!(&velocity, kept, "{name}"),
            None => assert!(velocity.data.iter().all(|v| *v == 0.0), "{name}"),
        }
    }
    part.step(&images(), &LABELS, SGD).unwrap();
    assert_ne!(
        part.weights().unwrap().tensors["features.0.weight"],
        weights.tensors["features.0.weight"]
    );
    let nothing = part.freeze(Some(network.last()));
    assert!(matches!(nothing, Err(Error::NothingToTrain { stage }) if stage == "avgpool"));
}

#[test]
fn batch_norm_of_frozen_stages_keeps_its_statistics() {
    let network = network("resnet50");
    let weights = pretrained(&network);
    let stage = network.stage("layer3.5").unwrap();
    let frozen_names = through(&network, stage);
    let mut part = Cpu.trainable(&network, &weights).unwrap();
    part.freeze(Some(stage)).unwrap();
    part.step(&images(), &LABELS, SGD).unwrap();
    part.gather_statistics(&images()).unwrap();
    part.finish_statistics();
    let after = part.weights().unwrap();
    for (name, tensor) in &weights.tensors {
        let same = tensor == &after.tensors[name];
        assert_eq!(same, frozen_names.contains(name), "{name}");
    }
}

#[test]
fn what_a_pass_costs() {
    let network = network("squeezenet1_1");
    let last = network.last();
    let mut whole = Cpu
        .frozen(&network, &pretrained(&network), Cut::to(last))
        .unwrap();
    whole.forward(&images(), &[last]).unwrap();
    assert!(whole.profile().is_none());
    whole.measure(true);
    let mut ones = |taps: &[Tensor]| vec![Tensor::new(taps[0].shape(), vec![1.0; 3]).unwrap()];
    whole
        .input_gradient(&images(), &[last], ReluGradient::True, &mut ones)
        .unwrap();
    let profile = whole.profile().unwrap();
    let names: Vec<_> = profile
        .stages
        .iter()
        .map(|s| network.name(s.stage))
        .collect();
    assert_eq!(names[..3], ["conv1", "maxpool1", "fire2"]);
    let [conv1, maxpool1, fire2] = [0, 1, 2].map(|i| profile.stages[i]);
    // 48 px give 23 x 23 positions, these 11 x 11; two operations a product.
    assert_eq!(conv1.forward.operations, 2 * 3 * 23 * 23 * 27 * 64);
    let bytes = 4 * (3 * (48 * 48 * 3 + 23 * 23 * 64) + 27 * 64);
    assert_eq!(conv1.forward.bytes, bytes);
    assert_eq!(maxpool1.forward.operations, 0);
    let products = 64 * 16 + 16 * 64 + 9 * 16 * 64;
    assert_eq!(fire2.forward.operations, 2 * 3 * 11 * 11 * products);
    for stage in &profile.stages {
        assert_eq!(stage.forward.operations, stage.backward.operations);
    }
    assert!(conv1.forward.seconds > 0.0 && conv1.forward.gflops() > 0.0);
    // At least the image, the first activation, and the gradients of both.
    assert!(profile.peak_bytes > 2 * 4 * 3 * (48 * 48 * 3 + 23 * 23 * 64));
    whole.measure(false);
    assert!(whole.profile().is_none());
}

#[test]
fn shuffled_weights_are_the_same_values_elsewhere() {
    let network = network("resnet50");
    let mut weights = pretrained(&network);
    weights.source = "p".into();
    let found = shuffled(&network, &weights, 5).unwrap();
    assert_eq!(found, shuffled(&network, &weights, 5).unwrap());
    assert_ne!(
        found.tensors,
        shuffled(&network, &weights, 6).unwrap().tensors
    );
    for (name, tensor) in &found.tensors {
        assert_eq!(tensor.shape, weights.tensors[name].shape);
        if name.contains(".running_") {
            let rest = if name.ends_with("mean") { 0.0 } else { 1.0 };
            assert!(tensor.data.iter().all(|v| *v == rest), "{name}");
            continue;
        }
        let sorted = |values: &[f32]| {
            let mut values = values.to_vec();
            values.sort_by(f32::total_cmp);
            values
        };
        let source = &weights.tensors[name].data;
        assert_eq!(sorted(&tensor.data), sorted(source), "{name}");
        assert_eq!(tensor.shape.len() > 1, &tensor.data != source, "{name}");
    }
    assert_eq!(
        found.metadata.history,
        ["random: shuffled values of each parameter of p, seed 5"]
    );
}

#[test]
fn only_batch_norm_is_kept() {
    let resnet = network("resnet50");
    let weights = pretrained(&resnet);
    let found = keep_batch_norm(&resnet, &weights, 5).unwrap();
    let fresh = initialise(&resnet, Initialisation::Xavier, 5);
    for (name, tensor) in &found.tensors {
        let layer = name.rsplit_once('.').unwrap().0;
        let from = if found.tensors.contains_key(&format!("{layer}.running_mean")) {
            &weights
        } else {
            &fresh
        };
        assert_eq!(tensor, &from.tensors[name], "{name}");
    }
    let squeezenet = network("squeezenet1_1");
    let none = keep_batch_norm(&squeezenet, &pretrained(&squeezenet), 5);
    assert!(matches!(none, Err(Error::NoBatchNorm { .. })));
}
