//! Optimising written objectives, on a toy engine whose answers can be worked out by hand and on InceptionV3.

use std::sync::Arc;

use spolia_interpret::{
    Error,
    visualize::{
        Job, Objective, Optimised, Optimiser, Plateau, Recipe,
        colour::Colour,
        liveness::raise_to_data,
        objective::Vectors,
        optimise,
        parametrization::{Kind, Magnitude, MagnitudeStatistics},
        transformation::Sequence,
    },
};
use spolia_network::{
    Convention, Cpu, Cut, Engine, Initialisation, Network, ReluGradient, Tensor, Weights,
    inception_v3, initialise,
};
use visualize_toy::ToyEngine;

mod visualize_toy;

fn network() -> Network {
    inception_v3(Convention::Keras, Some(1))
}

fn objective(text: &str) -> Objective {
    let mut red_less_blue = vec![0.0; 32];
    (red_less_blue[0], red_less_blue[1]) = (1.0, -1.0);
    let vectors = Vectors::from([("red-less-blue".into(), red_less_blue)]);
    Objective::parse(text, &network(), &vectors).unwrap()
}

fn jobs(texts: &[&str]) -> Vec<Job> {
    texts.iter().map(|t| Job::new(objective(t))).collect()
}

fn recipe(steps: usize) -> Recipe {
    Recipe {
        steps,
        ..Recipe::lucid(20, 7)
    }
}

fn toy(jobs: &[Job], recipe: &Recipe) -> Result<Vec<Optimised>, Error> {
    optimise(
        &ToyEngine,
        &network(),
        &Weights::default(),
        jobs,
        recipe,
        &mut |_| true,
    )
}

#[test]
fn every_objective_improves() {
    let texts = [
        "channel(Conv2d_1a_3x3, 0)",
        "channel(Conv2d_1a_3x3, 3)",
        "neuron(Conv2d_1a_3x3, 1)",
        "neuron(Conv2d_1a_3x3, 1, 3, 12)",
        "direction(Conv2d_1a_3x3, red-less-blue)",
        "direction(Conv2d_1a_3x3, red-less-blue, 2)",
        "deepdream(Conv2d_1a_3x3)",
        "channel(Conv2d_1a_3x3, 1) - tv",
        "channel(Conv2d_1a_3x3, 1) - 0.1*l1 - 0.1*l2(0.4) - 10*blur",
    ];
    let found = toy(&jobs(&texts), &recipe(150)).unwrap();
    assert_eq!(found.len(), texts.len());
    for one in &found {
        let (first, last) = (one.curve[0], one.curve[149]);
        assert!(last > first + 0.05, "{}: {first} to {last}", one.name);
        assert!(one.value > first + 0.05 && !one.stopped, "{}", one.name);
        assert_eq!((one.rgb.len(), one.importance.len()), (1200, 400));
        assert!(one.importance.iter().any(|&v| v > 0.0));
    }
    // Penalties of the image are the difference between the two final numbers.
    assert_eq!(found[0].value, found[0].activation);
    assert!(found[7].value < found[7].activation);
    // A neuron's image matters where it looks, the whole image to a channel.
    let seen = |one: &Optimised| one.importance.iter().filter(|v| **v > 0.0).count();
    let (neuron, channel) = (seen(&found[2]), seen(&found[0]));
    assert!(neuron < 200 && channel > 380, "{neuron} and {channel}");
}

#[test]
fn any_parametrization_and_optimiser_climbs() {
    let kinds = [
        Kind::Fourier { decay: 1.0 },
        Kind::Pyramid { levels: 3 },
        Kind::Pixels,
        Kind::Maco(Arc::new(Magnitude::natural(21, 17))),
    ];
    for parametrization in kinds {
        for optimiser in [Optimiser::Adam(0.05), Optimiser::NAdam(0.05)] {
            let recipe = Recipe {
                size: [21, 17],
                input: [16, 12],
                views: 2,
                parametrization: parametrization.clone(),
                optimiser,
                ..recipe(60)
            };
            let one = &toy(&jobs(&["deepdream(Conv2d_1a_3x3)"]), &recipe).unwrap()[0];
            assert_eq!(one.rgb.len(), 3 * 21 * 17);
            let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
            let (first, last) = (mean(&one.curve[..10]), mean(&one.curve[50..]));
            assert!(
                last > first,
                "{parametrization:?} {optimiser:?}: {first} to {last}"
            );
        }
    }
}

#[test]
fn diversity_drives_a_pair_apart_and_alignment_together() {
    let pair = |text: &str| {
        let job = Job::new(objective(text)).images(2);
        let still = Recipe {
            transformations: Sequence::default(),
            ..recipe(100)
        };
        let found = toy(
            &[Job {
                name: "pair".into(),
                ..job
            }],
            &still,
        )
        .unwrap();
        let images: Vec<&[u8]> = found.iter().map(|one| one.rgb.as_slice()).collect();
        let images = Tensor::from_rgb8(&images, 20, 20).unwrap();
        let network = network();
        let layer = network.stage("Conv2d_1a_3x3").unwrap();
        let head = ToyEngine.frozen(&network, &Weights::default(), Cut::to(layer));
        let seen = head.unwrap().forward(&images, &[layer]).unwrap();
        ["diversity(Conv2d_1a_3x3)", "alignment(Conv2d_1a_3x3)"].map(|text| {
            let (values, _) = objective(text).on_layers(&seen).unwrap();
            values.iter().sum::<f64>() / 2.0
        })
    };
    let [diversity, alignment] = pair("deepdream(Conv2d_1a_3x3)");
    let apart = pair("deepdream(Conv2d_1a_3x3) + 2*diversity(Conv2d_1a_3x3)");
    assert!(apart[0] > diversity + 0.1, "{diversity} to {apart:?}");
    let together = pair("deepdream(Conv2d_1a_3x3) + 100*alignment(Conv2d_1a_3x3)");
    assert!(together[1] > 0.2 * alignment, "{alignment} to {together:?}");
}

#[test]
fn stops_on_a_plateau() {
    let recipe = Recipe {
        plateau: Some(Plateau {
            window: 20,
            gain: 1e-3,
        }),
        transformations: Sequence::default(),
        ..recipe(2000)
    };
    let found = toy(
        &jobs(&["channel(Conv2d_1a_3x3, 1)", "channel(Conv2d_1a_3x3, 2)"]),
        &recipe,
    )
    .unwrap();
    // Channel 2 never answers: no gain in the first two windows. The other goes on without it.
    assert_eq!((found[1].curve.len(), found[1].stopped), (40, true));
    let steps = found[0].curve.len();
    assert!(
        found[0].stopped && (100..2000).contains(&steps),
        "{steps} steps"
    );
    assert!(found[0].value > 0.5, "{}", found[0].value);
}

#[test]
fn images_depend_neither_on_their_batch_nor_on_the_threads() {
    for recipe in [
        recipe(20),
        Recipe {
            steps: 20,
            ..Recipe::maco(Arc::new(Magnitude::natural(24, 24)), Colour::LUCID, 16, 7)
        },
    ] {
        let texts = ["channel(Conv2d_1a_3x3, 3)", "channel(Conv2d_1a_3x3, 0)"];
        let together = toy(&jobs(&texts), &recipe).unwrap();
        assert_eq!(toy(&jobs(&texts[1..]), &recipe).unwrap()[0], together[1]);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let one_thread = pool.install(|| toy(&jobs(&texts), &recipe)).unwrap();
        assert_eq!(one_thread, together);
        let other = Recipe { seed: 8, ..recipe };
        assert_ne!(toy(&jobs(&texts), &other).unwrap()[0].rgb, together[0].rgb);
    }
}

/// The magnitudes that were asked for are still those of the finished image (up to its 8 bits).
#[test]
fn maco_keeps_the_spectrum() {
    let size = 24;
    let magnitude = Arc::new(Magnitude::natural(size, size));
    let recipe = Recipe {
        steps: 40,
        views: 4,
        ..Recipe::maco(Arc::clone(&magnitude), Colour::LUCID, 16, 7)
    };
    let one = &toy(&jobs(&["channel(Conv2d_1a_3x3, 0)"]), &recipe).unwrap()[0];
    assert!(one.curve[39] > one.curve[0], "{:?}", one.curve);
    let mut found = MagnitudeStatistics::new(size, size, Colour::LUCID);
    found.add(&one.rgb).unwrap();
    let found = found.magnitude().unwrap();
    // The first plane, whose deviation is far above a step of 8 bits.
    let plane = magnitude.values().len() / 3;
    let away: f32 = (0..plane)
        .map(|i| (found.values()[i].abs() - magnitude.values()[i].abs()).abs())
        .sum();
    let all: f32 = magnitude.values()[..plane].iter().map(|v| v.abs()).sum();
    assert!(away < 0.05 * all, "{away} of {all}");
}

#[test]
fn refuses_what_it_cannot_do() {
    let error = |texts: &[&str], recipe: &Recipe| toy(&jobs(texts), recipe).unwrap_err();
    let channel = "channel(Conv2d_1a_3x3, 1)";
    assert!(matches!(error(&["-tv"], &recipe(5)), Error::NoLayer { .. }));
    assert!(
        error(&[channel, "channel(Mixed_5b, 1)"], &recipe(5))
            .to_string()
            .contains("objectives of one deepest layer at a time")
    );
    assert!(matches!(
        error(&["neuron(Conv2d_1a_3x3, 1, 20, 0)"], &recipe(5)),
        Error::Shape { .. }
    ));
    assert!(matches!(
        error(&[channel], &recipe(0)),
        Error::EmptyVisualization { steps: 0, .. }
    ));
    let mut broken = recipe(5);
    broken.views = 0;
    assert!(matches!(error(&[channel], &broken), Error::Setting { .. }));
    broken = recipe(5);
    broken.optimiser = Optimiser::Adam(f64::NAN);
    assert!(matches!(error(&[channel], &broken), Error::Setting { .. }));
    broken = recipe(5);
    broken.parametrization = Kind::Maco(Arc::new(Magnitude::natural(8, 8)));
    assert!(matches!(error(&[channel], &broken), Error::Setting { .. }));
    assert!(toy(&[], &recipe(5)).unwrap().is_empty());
}

/// Several layers of InceptionV3 in one objective: before the first step its value is the sum of the single ones', and
/// its image answers more than the first.
#[test]
fn several_layers_of_a_network() {
    let network = network();
    let weights = initialise(&network, Initialisation::Xavier, 7);
    let recipe = Recipe {
        steps: 12,
        optimiser: Optimiser::Adam(0.1),
        ..Recipe::lucid(75, 3)
    };
    let run = |texts: &[&str]| {
        let jobs: Vec<_> = texts
            .iter()
            .map(|t| Job {
                name: "same start".into(),
                ..Job::new(objective(t))
            })
            .collect();
        optimise(&Cpu, &network, &weights, &jobs, &recipe, &mut |_| true).unwrap()
    };
    let both = "channel(Conv2d_2b_3x3, 5) + 0.5*deepdream(Conv2d_1a_3x3)";
    let found = run(&[both, "channel(Conv2d_2b_3x3, 5)"]);
    let shallow = run(&["deepdream(Conv2d_1a_3x3)"]);
    let sum = found[1].curve[0] + 0.5 * shallow[0].curve[0];
    assert!(
        (found[0].curve[0] - sum).abs() < 1e-4 * sum.abs(),
        "{} and {sum}",
        found[0].curve[0]
    );
    assert!(found[0].curve[11] > found[0].curve[0]);
    // The shallow term alone moves the image too: the gradient has parts of both layers.
    assert_ne!(found[0].rgb, found[1].rgb);
}

/// Lucid's regimes of the redirected ReLU: a silent x = -1 blocks a gradient of 1 and passes one of -1; an open x = 1 passes
/// both; the true gradient of a silent ReLU is 0. One convolution copies red into channel 0.
#[test]
fn redirected_relu() {
    let network = network();
    let mut weights = initialise(&network, Initialisation::Xavier, 7);
    let copies = weights
        .tensors
        .iter_mut()
        .filter(|(n, _)| n.starts_with("Conv2d_1a_3x3."));
    for (name, tensor) in copies {
        tensor.data.fill(0.0);
        match name.rsplit('.').next() {
            Some("running_var") => tensor.data.fill(1.0 - 1e-3), // and epsilon: a deviation of 1
            Some("weight") if name.contains("bn") => tensor.data.fill(1.0),
            Some("weight") => tensor.data[4] = 1.0, // output 0, red, the middle of 3 x 3
            _ => {}
        }
    }
    let layer = network.stage("Conv2d_1a_3x3").unwrap();
    let mut head = Cpu.frozen(&network, &weights, Cut::to(layer)).unwrap();
    let mut back = |rule, x: f32, given: f32| {
        let input = Tensor::new([1, 75, 75, 3], vec![x; 75 * 75 * 3]).unwrap();
        let gradient = head.input_gradient(&input, &[layer], rule, &mut |taps: &[Tensor]| {
            let mut gradient = Tensor::zeros(taps[0].shape());
            let red = gradient.data_mut().iter_mut().step_by(32);
            red.for_each(|g| *g = given);
            vec![gradient]
        });
        let middle = gradient.unwrap().data()[(75 + 1) * 3]; // of the first window
        (middle * 1e4).round() / 1e4
    };
    use ReluGradient::{Redirected, True};
    let cases = [(1.0, -1.0), (-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
    let found = cases.map(|(given, x)| back(Redirected, x, given));
    assert_eq!(found, [0.0, -1.0, 1.0, -1.0]);
    assert_eq!(
        cases.map(|(given, x)| back(True, x, given)),
        [0.0, 0.0, 1.0, -1.0]
    );
}

#[test]
fn liveness_of_data() {
    let network = network();
    let layer = network.stage("Conv2d_1a_3x3").unwrap();
    let mut head = ToyEngine
        .frozen(&network, &Weights::default(), Cut::to(layer))
        .unwrap();
    let mut best = Vec::new();
    for (red, blue) in [(0.5, -1.0), (-0.5, 0.25)] {
        let images = Tensor::new([1, 1, 2, 3], vec![red, 0.0, blue, red, 0.0, 0.0]).unwrap();
        raise_to_data(&mut best, head.as_mut(), layer, &images).unwrap();
    }
    // Channel 0: red + .1; channel 1: blue, half of the pixels; channel 2 needs more than white.
    assert_eq!(best[..3], [0.6, 0.125, 0.0]);
}
