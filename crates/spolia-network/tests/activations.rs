//! Training behind frozen stages from their activations, and what training costs.

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../../../tests/reference/inputs.rs"]
mod inputs;

use inputs::values;
use spolia_network::{
    Convention, Cpu, Cut, Engine, Initialisation, Network, Sgd, Tensor, TrainingCost, architecture,
    inception_v3, initialise,
};

const SIDE: usize = 76;
const LABELS: [f32; 5] = [0.0, 1.0, 1.0, 0.0, 1.0];
const SGD: Sgd = Sgd {
    rate: 1e-3,
    momentum: 0.9,
};

fn images(n: usize) -> Tensor {
    let shape = [n, SIDE, SIDE, 3];
    Tensor::new(shape, values(3, shape.iter().product())).unwrap()
}

/// Activations of the same batch stand in for its images, to the bit.
#[test]
fn kept_activations_train_to_the_same_bits() {
    let network = inception_v3(Convention::Keras, Some(1));
    let weights = initialise(&network, Initialisation::Xavier, 4);
    let images = images(LABELS.len());
    for name in ["Conv2d_2b_3x3", "Mixed_5c", "Mixed_6b"] {
        let stage = network.stage(name).unwrap();
        let mut head = Cpu.frozen(&network, &weights, Cut::to(stage)).unwrap();
        let together = head.forward(&images, &[stage]).unwrap().remove(0);
        let mut plain = Cpu.trainable(&network, &weights).unwrap();
        let mut kept = Cpu.trainable(&network, &weights).unwrap();
        plain.freeze(Some(stage)).unwrap();
        kept.freeze(Some(stage)).unwrap();
        assert!(kept.takes_activations());
        for _ in 0..2 {
            let loss = plain.step(&images, &LABELS, SGD).unwrap();
            assert_eq!(kept.step(&together, &LABELS, SGD).unwrap(), loss, "{name}");
        }
        plain.gather_statistics(&images).unwrap();
        kept.gather_statistics(&together).unwrap();
        plain.finish_statistics();
        kept.finish_statistics();
        assert!(
            plain.weights().unwrap().tensors == kept.weights().unwrap().tensors,
            "{name}"
        );
    }
    // Without frozen stages there is nothing to stand in for.
    let mut whole = Cpu.trainable(&network, &weights).unwrap();
    let strange = Tensor::zeros([5, 8, 8, 64]);
    assert!(whole.step(&strange, &LABELS, SGD).is_err());
}

#[test]
fn an_image_has_the_same_bits_in_every_batch() {
    for name in ["inception_v3", "densenet121"] {
        let convention = if name == "inception_v3" {
            Convention::Keras
        } else {
            Convention::Torchvision
        };
        let network = architecture(name, convention, Some(1)).unwrap();
        let weights = initialise(&network, Initialisation::Xavier, 2);
        let cut = Cut::to(network.last());
        let mut frozen = Cpu.frozen(&network, &weights, cut).unwrap();
        let taps: Vec<_> = network.stages().map(|(stage, _)| stage).collect();
        let all = images(5);
        let together = frozen.forward(&all, &taps).unwrap();
        for n in 0..5 {
            let one = Tensor::new([1, SIDE, SIDE, 3], all.image(n).to_vec()).unwrap();
            let alone = frozen.forward(&one, &taps).unwrap();
            for ((a, b), &tap) in together.iter().zip(&alone).zip(&taps) {
                assert!(a.image(n) == b.data(), "image {n}, {}", network.name(tap));
            }
        }
    }
}

fn cost_is_that_of_a_step(network: &Network, frozen: Option<&str>) {
    let weights = initialise(network, Initialisation::Xavier, 4);
    let stage = frozen.map(|name| network.stage(name).unwrap());
    let mut trainable = Cpu.trainable(network, &weights).unwrap();
    trainable.freeze(stage).unwrap();
    trainable.measure(true);
    trainable.gradients(&images(2), &LABELS[..2]).unwrap();
    let measured = trainable.profile().unwrap().total().operations;
    let cost = TrainingCost::new(network, stage, SIDE, SIDE).unwrap();
    assert_eq!(2 * cost.total(), measured, "{frozen:?}");
    assert_eq!(cost.frozen > 0, frozen.is_some());
}

#[test]
fn the_cost_of_training_is_known_before_it_runs() {
    let network = inception_v3(Convention::Keras, Some(1));
    for frozen in [None, Some("Conv2d_2b_3x3"), Some("Mixed_6b")] {
        cost_is_that_of_a_step(&network, frozen);
    }
    let other = architecture("squeezenet1_1", Convention::Torchvision, Some(1)).unwrap();
    cost_is_that_of_a_step(&other, Some("fire5"));
    assert!(TrainingCost::new(&network, None, 20, 20).is_err());
}
