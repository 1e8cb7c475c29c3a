//! Random small networks against the CPU's engine: odd sizes, few channels, every operation, strides, paddings, both kinds
//! of average.

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;

use crate::{
    Cpu, Cut, Device, Engine, Error, Network, ReluGradient, StageId, Tensor, Weights,
    cpu::properties::{network, noise, weights},
};

const TOLERANCE: f64 = 1e-3;

/// The engines of this build and machine.
fn engines() -> &'static [Arc<dyn Engine>] {
    static FOUND: OnceLock<Vec<Arc<dyn Engine>>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut found = Vec::new();
        for device in [Device::Cuda, Device::Wgpu] {
            match device.engine() {
                Ok(engine) => found.push(engine),
                Err(Error::NotBuilt { .. }) => {}
                Err(error) => eprintln!("skipped: {error}"),
            }
        }
        found
    })
}

fn norm<'a>(values: impl Iterator<Item = (&'a f32, &'a f32)>) -> f64 {
    let squares = values.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    squares.sum::<f64>().sqrt()
}

/// How far two results are from each other, relative to the second.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    let zeros = vec![0.0; expected.len()];
    let size = norm(expected.iter().zip(&zeros));
    norm(found.iter().zip(expected)) / size.max(1e-6)
}

fn taps(network: &Network) -> Vec<StageId> {
    network.stages().map(|(id, _)| id).collect()
}

fn image_gradient(
    engine: &dyn Engine,
    (network, weights): (&Network, &Weights),
    input: &Tensor,
    relu: ReluGradient,
) -> Vec<f32> {
    let mut whole = engine
        .frozen(network, weights, Cut::to(network.last()))
        .unwrap();
    let taps = taps(network);
    let mut seeds = |activations: &[Tensor]| {
        let seed = |a: &Tensor| Tensor::new(a.shape(), noise(9, a.data().len())).unwrap();
        activations.iter().map(seed).collect()
    };
    let gradient = whole.input_gradient(input, &taps[1..], relu, &mut seeds);
    gradient.unwrap().data().to_vec()
}

/// All gradients, one behind the other.
fn all_gradients(
    engine: &dyn Engine,
    (network, weights): (&Network, &Weights),
    input: &Tensor,
) -> (f32, Vec<f32>) {
    let labels: Vec<f32> = (0..input.shape()[0]).map(|i| (i % 2) as f32).collect();
    let mut trainable = engine.trainable(network, weights).unwrap();
    let (loss, gradients) = trainable.gradients(input, &labels).unwrap();
    (
        loss,
        gradients
            .tensors
            .into_values()
            .flat_map(|t| t.data)
            .collect(),
    )
}

/// Does what the CPU makes of the input jump when the input moves by what rounding moves it? Then a ReLU or a maximum is
/// at its kink, and two engines may differ.
fn at_a_kink(input: &Tensor, of: impl Fn(&Tensor) -> Vec<f32>) -> bool {
    let here = of(input);
    [1.0 - 3e-6, 1.0 + 3e-6].into_iter().any(|factor| {
        let mut moved = input.clone();
        moved.data_mut().iter_mut().for_each(|v| *v *= factor);
        distance(&of(&moved), &here) > TOLERANCE / 10.0
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_networks_agree_with_the_cpu(
        kinds in prop::collection::vec((0..8u8, 1..7usize, 0..8u8), 2..4),
        (images, height, width) in (2..=5usize, 9..15usize, 9..15usize),
        seed in 0..1_000_000u64,
    ) {
        let network = network(&kinds);
        let weights = weights(&network, seed);
        let shape = [images, height, width, 3];
        let input = Tensor::new(shape, noise(seed ^ 7, shape.iter().product())).unwrap();
        let own = (&network, &weights);
        for engine in engines() {
            let forward = |engine: &dyn Engine| {
                let mut whole = engine.frozen(&network, &weights, Cut::to(network.last())).unwrap();
                whole.forward(&input, &taps(&network)).unwrap()
            };
            for (f, e) in forward(&**engine).iter().zip(&forward(&Cpu)) {
                prop_assert_eq!(f.shape(), e.shape());
                prop_assert!(distance(f.data(), e.data()) < TOLERANCE);
            }
            for relu in [ReluGradient::True, ReluGradient::Redirected] {
                let cpu = |input: &Tensor| image_gradient(&Cpu, own, input, relu);
                let far = distance(&image_gradient(&**engine, own, &input, relu), &cpu(&input));
                prop_assert!(far < TOLERANCE || at_a_kink(&input, cpu), "{relu:?}: {far}");
            }
            let (found, expected) = (all_gradients(&**engine, own, &input), all_gradients(&Cpu, own, &input));
            prop_assert!((found.0 - expected.0).abs() < 1e-4);
            let far = distance(&found.1, &expected.1);
            let cpu = |input: &Tensor| all_gradients(&Cpu, own, input).1;
            prop_assert!(far < TOLERANCE || at_a_kink(&input, cpu), "gradients: {far}");
        }
    }
}
