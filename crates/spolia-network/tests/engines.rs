//! Every engine that this build has against the CPU's, within a thousandth: what single precision leaves when sums are
//! made in another order. Where there is no such device the tests say so.

mod drawn;

use std::sync::Arc;

use drawn::{COUNT, SIDE, images, weights};
use spolia_network::{
    ARCHITECTURES, Convention, Cpu, Cut, Device, Engine, Error, Network, ReluGradient, Sgd,
    StageId, Tensor, Weights, architecture, conventions,
};

const TOLERANCE: f64 = 1e-3;
const LABELS: [f32; COUNT] = [0.0, 1.0, 1.0, 0.0];

/// The engines to compare.
fn engines() -> Vec<Arc<dyn Engine>> {
    let mut found = Vec::new();
    for device in [Device::Cuda, Device::Wgpu] {
        match device.engine() {
            Ok(engine) => found.push(engine),
            Err(Error::NotBuilt { .. }) => eprintln!("skipped: built without the {device} engine"),
            Err(Error::NoDevice { reason, .. }) => {
                eprintln!("skipped: no {device} device: {reason}")
            }
            Err(other) => panic!("{device}: {other}"),
        }
    }
    found
}

/// The networks to compare, each with the side of its images.
fn networks(classes: usize) -> Vec<(Network, usize)> {
    let mut all = Vec::new();
    for name in ARCHITECTURES {
        for &convention in conventions(name).unwrap() {
            let network = architecture(name, convention, Some(classes)).unwrap();
            let side = SIDE.max(network.least_side());
            all.push((network, side));
        }
    }
    all
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

/// How far two results are from each other, by norm, relative to the second.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(expected);
    let difference = norm(pairs.map(|(f, e)| f64::from(*f) - f64::from(*e)));
    difference / norm(expected.iter().map(|v| f64::from(*v))).max(1e-30)
}

/// Agree by norm.
fn assert_near(what: &str, found: &[f32], expected: &[f32]) {
    let far = distance(found, expected);
    assert!(
        far <= TOLERANCE,
        "{what}: differs by {far:.2e} of the CPU's"
    );
}

/// The input as rounding might have moved it: each value on its own, since a network without biases scales with its input and
/// no ReLU notices.
fn moved(input: &Tensor, by: f32) -> Tensor {
    let mut input = input.clone();
    for (i, v) in input.data_mut().iter_mut().enumerate() {
        let up = (i as u32).wrapping_mul(0x9E37_79B1) >> 31 == 0;
        *v *= if up { 1.0 + by } else { 1.0 - by };
    }
    input
}

/// Gradients agree by norm, or are no further from the CPU's than those are from themselves when rounding moves the input:
/// a ReLU or a maximum at its kink opens or not.
fn assert_gradients_near(
    what: &str,
    found: &[f32],
    input: &Tensor,
    cpu: impl Fn(&Tensor) -> Vec<f32>,
) {
    let expected = cpu(input);
    let far = distance(found, &expected);
    if far > TOLERANCE {
        let jumps = [4e-6, -4e-6].map(|by| distance(&cpu(&moved(input, by)), &expected));
        let jump = jumps[0].max(jumps[1]);
        eprintln!("{what}: differs by {far:.2e} of the CPU's, which moves by {jump:.2e} itself");
        assert!(
            far <= 3.0 * jump,
            "{what}: differs by {far:.2e} of the CPU's, which moves by {jump:.2e}"
        );
    }
}

/// The largest difference of a value, relative to it or to the root mean square.
fn assert_each_near(what: &str, found: &[f32], expected: &[f32]) {
    assert_near(what, found, expected);
    let rms = norm(expected.iter().map(|v| f64::from(*v))) / (expected.len() as f64).sqrt();
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let (f, e) = (f64::from(*f), f64::from(*e));
        assert!(
            (f - e).abs() <= TOLERANCE * e.abs().max(rms),
            "{what}[{i}]: {f}, on the CPU {e}"
        );
    }
}

/// Gradients that differ from value to value.
fn seeds(activations: &[Tensor]) -> Vec<Tensor> {
    activations
        .iter()
        .map(|a| {
            let data = (0..a.data().len()).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0);
            Tensor::new(a.shape(), data.collect()).unwrap()
        })
        .collect()
}

fn stages(network: &Network) -> (Vec<StageId>, Vec<&'static str>) {
    network.stages().map(|(id, s)| (id, s.name)).unzip()
}

fn name(engine: &dyn Engine, network: &Network) -> String {
    format!(
        "{} {} {}",
        engine.name(),
        network.architecture(),
        network.convention()
    )
}

#[test]
fn activations_agree_at_every_stage() {
    for engine in engines() {
        for (network, side) in networks(3) {
            let weights = weights(&network);
            let images = images(41, 2, side);
            let (taps, names) = stages(&network);
            let cut = Cut::to(network.last());
            let run = |engine: &dyn Engine| {
                let mut whole = engine.frozen(&network, &weights, cut).unwrap();
                whole.forward(&images, &taps).unwrap()
            };
            let (found, expected) = (run(&*engine), run(&Cpu));
            for ((stage, f), e) in names.iter().zip(&found).zip(&expected) {
                assert_eq!(f.shape(), e.shape());
                let what = format!("{} {stage}", name(&*engine, &network));
                assert_each_near(&what, f.data(), e.data());
            }
            // The same call, the same bytes.
            assert!(run(&*engine) == found);
        }
    }
}

#[test]
fn input_gradients_agree() {
    for engine in engines() {
        for (network, side) in networks(3) {
            let weights = weights(&network);
            let images = images(42, 2, side);
            let (taps, names) = stages(&network);
            let middle = taps[taps.len() / 2];
            for relu in [ReluGradient::True, ReluGradient::Redirected] {
                for linear_end in [false, true] {
                    let cut = Cut {
                        linear_end,
                        ..Cut::to(middle)
                    };
                    let run = |engine: &dyn Engine, images: &Tensor| {
                        let mut head = engine.frozen(&network, &weights, cut).unwrap();
                        let taps = [taps[2], middle];
                        let gradient = head.input_gradient(images, &taps, relu, &mut seeds);
                        gradient.unwrap().data().to_vec()
                    };
                    let what = format!("{} {relu:?} {linear_end}", name(&*engine, &network));
                    let found = run(&*engine, &images);
                    assert_gradients_near(&what, &found, &images, |i| run(&Cpu, i));
                }
            }
            // From a stage to the end.
            let mut head = Cpu
                .frozen(&network, &weights, Cut::to(network.last()))
                .unwrap();
            let activations = head.forward(&images, &taps).unwrap();
            for i in (0..taps.len() - 1).step_by(5) {
                let cut = Cut::between(taps[i], network.last());
                let run = |engine: &dyn Engine, from: &Tensor| {
                    let mut tail = engine.frozen(&network, &weights, cut).unwrap();
                    let last = [network.last()];
                    let gradient = tail.input_gradient(from, &last, ReluGradient::True, &mut seeds);
                    gradient.unwrap().data().to_vec()
                };
                let what = format!("{} from {}", name(&*engine, &network), names[i]);
                let found = run(&*engine, &activations[i]);
                assert_gradients_near(&what, &found, &activations[i], |a| run(&Cpu, a));
            }
        }
    }
}

#[test]
fn an_image_without_a_gradient_gets_the_redirected_one() {
    for engine in engines() {
        let network = architecture("squeezenet1_1", Convention::Torchvision, Some(1)).unwrap();
        let weights = weights(&network);
        let to = network.stage("fire3").unwrap();
        let images = images(43, 2, SIDE);
        let run = |engine: &dyn Engine, relu| {
            let mut head = engine.frozen(&network, &weights, Cut::to(to)).unwrap();
            // Of the first image, only what is closed; of the second, all.
            let mut closed = |a: &[Tensor]| {
                let half = a[0].data().len() / 2;
                let values = a[0].data().iter().enumerate();
                let data = values.map(|(i, v)| if *v > 0.0 && i < half { 0.0 } else { -1.0 });
                vec![Tensor::new(a[0].shape(), data.collect()).unwrap()]
            };
            head.input_gradient(&images, &[to], relu, &mut closed)
                .unwrap()
        };
        let found = run(&*engine, ReluGradient::Redirected);
        assert_near(
            "redirected",
            found.data(),
            run(&Cpu, ReluGradient::Redirected).data(),
        );
        assert!(found.image(0).iter().any(|v| *v != 0.0));
        let plain = run(&*engine, ReluGradient::True);
        assert!(plain.image(0).iter().all(|v| *v == 0.0));
    }
}

const SGD: Sgd = Sgd {
    rate: 1e-3,
    momentum: 0.9,
};

/// All values, one tensor behind the other.
fn flat(weights: &Weights) -> Vec<f32> {
    weights
        .tensors
        .values()
        .flat_map(|t| t.data.clone())
        .collect()
}

/// The parts of the weights that have moved.
fn changes(after: &Weights, before: &Weights) -> Vec<f32> {
    let (after, before) = (flat(after), flat(before));
    after.iter().zip(&before).map(|(a, b)| a - b).collect()
}

#[test]
fn training_agrees() {
    for engine in engines() {
        for (network, side) in networks(1) {
            // Of batch norm over a single pixel of four images little is left but rounding.
            let side = if side > SIDE { 139 } else { side };
            let weights = weights(&network);
            let what = name(&*engine, &network);
            let batch = images(44, COUNT, side);
            let gradients = |engine: &dyn Engine, batch: &Tensor| {
                let mut trainable = engine.trainable(&network, &weights).unwrap();
                trainable.gradients(batch, &LABELS).unwrap()
            };
            let (f, e) = (gradients(&*engine, &batch), gradients(&Cpu, &batch));
            assert_near(&what, &[f.0], &[e.0]);
            assert!(f.1.tensors.keys().eq(e.1.tensors.keys()));
            assert_gradients_near(&format!("{what} gradients"), &flat(&f.1), &batch, |b| {
                flat(&gradients(&Cpu, b).1)
            });
            // What two steps, and statistics gathered anew, make of the weights.
            let trained = |engine: &dyn Engine, batch: &Tensor| {
                let mut trainable = engine.trainable(&network, &weights).unwrap();
                let mut loss = 0.0;
                for _ in 0..2 {
                    loss = trainable.step(batch, &LABELS, SGD).unwrap();
                }
                let moved = changes(&trainable.weights().unwrap(), &weights);
                trainable.gather_statistics(batch).unwrap();
                trainable
                    .gather_statistics(&images(45, COUNT, side))
                    .unwrap();
                trainable.finish_statistics();
                (
                    loss,
                    moved,
                    changes(&trainable.weights().unwrap(), &weights),
                )
            };
            let (f, e) = (trained(&*engine, &batch), trained(&Cpu, &batch));
            assert_near(&format!("{what} second loss"), &[f.0], &[e.0]);
            assert_gradients_near(&format!("{what} two steps"), &f.1, &batch, |b| {
                trained(&Cpu, b).1
            });
            assert_gradients_near(&format!("{what} statistics"), &f.2, &batch, |b| {
                trained(&Cpu, b).2
            });
        }
    }
}

#[test]
fn frozen_stages_stay_and_velocities_go_on() {
    for engine in engines() {
        let network = architecture("densenet121", Convention::Torchvision, Some(1)).unwrap();
        let weights = weights(&network);
        let stage = network.stages().nth(4).unwrap().0;
        let batch = images(46, COUNT, SIDE);
        let mut part = engine.trainable(&network, &weights).unwrap();
        part.step(&batch, &LABELS, SGD).unwrap();
        let moving = part.velocities().unwrap();
        part.freeze(Some(stage)).unwrap();
        let before = part.weights().unwrap();
        part.step(&batch, &LABELS, SGD).unwrap();
        let after = part.weights().unwrap();
        let frozen: Vec<String> = network
            .stages()
            .filter(|(id, _)| *id <= stage)
            .flat_map(|(id, _)| network.stage_parameters(id))
            .map(|p| p.0)
            .collect();
        for (name, tensor) in &after.tensors {
            assert_eq!(
                tensor == &before.tensors[name],
                frozen.contains(name),
                "{name}"
            );
        }
        // Resumed from what was saved, the next step is the same.
        let mut resumed = engine.trainable(&network, &after).unwrap();
        resumed.freeze(Some(stage)).unwrap();
        resumed.set_velocities(&part.velocities().unwrap()).unwrap();
        part.step(&batch, &LABELS, SGD).unwrap();
        resumed.step(&batch, &LABELS, SGD).unwrap();
        assert!(part.weights().unwrap().tensors == resumed.weights().unwrap().tensors);
        part.freeze(None).unwrap();
        for (name, velocity) in part.velocities().unwrap().tensors {
            assert!(moving.tensors.contains_key(&name));
            let at_rest = velocity.data.iter().all(|v| *v == 0.0);
            assert!(at_rest || !frozen.contains(&name), "{name}");
        }
        let nothing = part.freeze(Some(network.last()));
        assert!(matches!(nothing, Err(Error::NothingToTrain { .. })));
    }
}

#[test]
fn errors_are_the_cpus() {
    for engine in engines() {
        let network = architecture("resnet50", Convention::Torchvision, Some(1)).unwrap();
        let weights = weights(&network);
        let stage = network.stage("layer1.0").unwrap();
        let image = |side: usize, channels: usize| Tensor::zeros([1, side, side, channels]);
        let every = |engine: &dyn Engine| -> Vec<String> {
            let mut head = engine.frozen(&network, &weights, Cut::to(stage)).unwrap();
            let mut none = |_: &[Tensor]| Vec::new();
            let mut trainable = engine.trainable(&network, &weights).unwrap();
            let mut unsound = weights.clone();
            unsound.tensors.remove("layer1.0.conv1.weight");
            let two = architecture("resnet50", Convention::Torchvision, Some(2)).unwrap();
            let two_weights = drawn::weights(&two);
            [
                head.forward(&image(8, 3), &[stage]).map(|_| ()),
                head.forward(&image(64, 4), &[stage]).map(|_| ()),
                head.forward(&image(64, 3), &[network.last()]).map(|_| ()),
                head.input_gradient(&image(64, 3), &[stage], ReluGradient::True, &mut none)
                    .map(|_| ()),
                trainable.step(&image(64, 3), &[0.0, 1.0], SGD).map(|_| ()),
                trainable.step(&image(64, 1), &[0.0], SGD).map(|_| ()),
                trainable.step(&image(8, 3), &[0.0], SGD).map(|_| ()),
                trainable.set_velocities(&Weights::default()),
                engine
                    .frozen(&network, &unsound, Cut::to(stage))
                    .map(|_| ()),
                engine.trainable(&two, &two_weights).map(|_| ()),
            ]
            .into_iter()
            .map(|result| result.unwrap_err().to_string())
            .collect()
        };
        assert_eq!(every(&*engine), every(&Cpu));
    }
}

#[test]
fn a_loss_that_is_no_number_changes_nothing() {
    for engine in engines() {
        let network = architecture("squeezenet1_1", Convention::Torchvision, Some(1)).unwrap();
        let weights = weights(&network);
        let mut trainable = engine.trainable(&network, &weights).unwrap();
        let loss = trainable
            .step(&images(47, COUNT, SIDE), &[f32::NAN; COUNT], SGD)
            .unwrap();
        assert!(!loss.is_finite());
        assert!(trainable.weights().unwrap().tensors == weights.tensors);
    }
}
