//! Rendering with a toy engine whose answers can be worked out by hand.

use spolia_interpret::{
    Error,
    visualize::{Preset, Rendered, Settings, render},
};
use spolia_network::{Convention, Weights, inception_v3};
use visualize_toy::ToyEngine;

mod visualize_toy;

fn toy(channels: &[usize], settings: &Settings) -> Result<Vec<Rendered>, Error> {
    let network = inception_v3(Convention::Keras, None);
    let layer = network.stage("Conv2d_1a_3x3").unwrap();
    render(
        &ToyEngine,
        &network,
        &Weights::default(),
        layer,
        channels,
        settings,
        &mut |_| true,
    )
}

fn settings(preset: Preset, steps: usize) -> Settings {
    Settings {
        size: 24,
        preset,
        steps: Some(steps),
        seed: 7,
    }
}

#[test]
fn climbs_to_what_the_channel_likes() {
    let rendered = toy(&[0, 1], &settings(Preset::Lucid, 500)).unwrap();
    for r in &rendered {
        assert_eq!((r.curve.len(), r.dead), (500, false));
        assert!(
            r.curve[499] > r.curve[0] + 0.4,
            "channel {}: {} to {}",
            r.channel,
            r.curve[0],
            r.curve[499]
        );
    }
    // At best 1 - (-1) + .1 = 2.1 and 1; an image in 0-1 cannot give more.
    assert!(
        (1.2..2.1).contains(&rendered[0].activation),
        "{}",
        rendered[0].activation
    );
    assert!(
        (0.6..1.0).contains(&rendered[1].activation),
        "{}",
        rendered[1].activation
    );
    let mean = |rgb: &[u8], c: usize| {
        rgb.chunks_exact(3).map(|p| f64::from(p[c])).sum::<f64>() / (rgb.len() / 3) as f64
    };
    assert!(mean(&rendered[0].rgb, 0) > 190.0 && mean(&rendered[0].rgb, 1) < 65.0);
    assert!(mean(&rendered[1].rgb, 2) > 150.0);
}

#[test]
fn dead_channels_are_named_and_silent_ones_woken() {
    for preset in Preset::ALL {
        let rendered = toy(&[2, 3, 0], &settings(preset, 200)).unwrap();
        let dead: Vec<_> = rendered.iter().map(|r| r.dead).collect();
        assert_eq!(dead, [true, false, false], "{}", preset.name());
        assert_eq!(rendered[0].activation, 0.0);
        assert!(
            rendered[1].activation > 0.2,
            "{}: {}",
            preset.name(),
            rendered[1].activation
        );
    }
    let rendered = toy(&[3], &settings(Preset::Lucid, 60)).unwrap();
    assert_eq!(rendered[0].curve[0], 0.0, "the channel is silent at first");
}

#[test]
fn an_image_depends_neither_on_its_batch_nor_on_the_threads() {
    for preset in Preset::ALL {
        let settings = settings(preset, 40);
        let together = toy(&[3, 0, 1], &settings).unwrap();
        let alone = toy(&[1], &settings).unwrap();
        assert_eq!(together[2], alone[0]);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        assert_eq!(
            pool.install(|| toy(&[3, 0, 1], &settings)).unwrap(),
            together
        );
        let other = toy(
            &[1],
            &Settings {
                seed: 8,
                ..settings
            },
        )
        .unwrap();
        assert_ne!(other[0].rgb, alone[0].rgb);
    }
}

#[test]
fn total_variation_does_not_wash_the_image_out() {
    let rendered = toy(&[0], &settings(Preset::Paper, 210)).unwrap();
    assert!(rendered[0].activation > 0.8, "{}", rendered[0].activation);
}

#[test]
fn refuses_what_it_cannot_do() {
    let error = toy(&[0, 32], &settings(Preset::Lucid, 5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Conv2d_1a_3x3 has channels 0 to 31, there is no channel 32"
    );
    assert!(matches!(
        toy(&[0], &settings(Preset::Lucid, 0)),
        Err(Error::EmptyVisualization { steps: 0, .. })
    ));
    assert!(toy(&[], &settings(Preset::Lucid, 5)).unwrap().is_empty());
}

#[test]
fn stops_when_told() {
    let network = inception_v3(Convention::Keras, None);
    let layer = network.stage("Conv2d_1a_3x3").unwrap();
    let mut heard = Vec::new();
    let mut progress = |step| {
        heard.push(step);
        step < 3
    };
    let stopped = render(
        &ToyEngine,
        &network,
        &Weights::default(),
        layer,
        &[0],
        &settings(Preset::Lucid, 9),
        &mut progress,
    );
    assert!(matches!(stopped, Err(Error::Stopped)));
    assert_eq!(heard, [1, 2, 3]);
}
