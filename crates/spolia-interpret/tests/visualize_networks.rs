//! Feature visualization of every architecture, each with the input that it takes.

use spolia_interpret::visualize::objective::Vectors;
use spolia_interpret::visualize::{Job, Objective, Recipe, Settings, optimise, render};
use spolia_network::{
    ARCHITECTURES, Cpu, Cut, Engine, Initialisation, Network, Weights, architecture, conventions,
    initialise,
};

const SIDE: usize = 96;

/// An untrained network of each architecture, with an early stage.
fn networks() -> impl Iterator<Item = (Network, Weights, spolia_network::StageId)> {
    ARCHITECTURES.iter().map(|name| {
        let network = architecture(name, conventions(name).unwrap()[0], Some(1)).unwrap();
        let weights = initialise(&network, Initialisation::Xavier, 3);
        let (stage, _) = network.stages().nth(4).unwrap();
        (network, weights, stage)
    })
}

/// What a channel answers to a finished picture that is read as any other.
fn answer(
    network: &Network,
    weights: &Weights,
    stage: spolia_network::StageId,
    rgb: &[u8],
) -> Vec<f32> {
    let input = network.normalisation().tensor(&[rgb], SIDE, SIDE).unwrap();
    let mut head = Cpu.frozen(network, weights, Cut::to(stage)).unwrap();
    head.forward(&input, &[stage]).unwrap()[0]
        .spatial_mean()
        .swap_remove(0)
}

#[test]
fn channels_answer_to_the_saved_picture_as_was_said() {
    for (network, weights, stage) in networks() {
        let settings = Settings {
            size: SIDE,
            steps: Some(16),
            ..Settings::default()
        };
        let drawn = render(
            &Cpu,
            &network,
            &weights,
            stage,
            &[0, 1, 2, 3],
            &settings,
            &mut |_| true,
        );
        let mut live = 0;
        for image in drawn.unwrap().iter().filter(|image| !image.dead) {
            live += 1;
            let found = answer(&network, &weights, stage, &image.rgb)[image.channel];
            let name = network.architecture();
            let far = (found - image.activation).abs() / image.activation.abs().max(1e-3);
            assert!(far < 0.03, "{name}: {found} and {}", image.activation);
            let (first, last) = (image.curve[0], image.curve[image.curve.len() - 1]);
            assert!(last > first, "{name}: {first} to {last}");
        }
        assert!(live > 0, "{}", network.architecture());
    }
}

#[test]
fn written_objectives_answer_likewise() {
    for (network, weights, stage) in networks() {
        let text = format!("channel({}, 1)", network.name(stage));
        let objective = Objective::parse(&text, &network, &Vectors::new()).unwrap();
        let recipe = Recipe {
            steps: 16,
            ..Recipe::lucid(SIDE, 5)
        };
        let made = optimise(
            &Cpu,
            &network,
            &weights,
            &[Job::new(objective)],
            &recipe,
            &mut |_| true,
        );
        let image = made.unwrap().swap_remove(0);
        let found = answer(&network, &weights, stage, &image.rgb)[1];
        let far = (found - image.activation).abs() / image.activation.abs().max(1e-3);
        assert!(far < 0.03, "{text}: {found} and {}", image.activation);
    }
}
