//! Rendering with a toy engine whose answers can be worked out by hand.

use spolia_interpret::{
    Error,
    visualize::{Preset, Rendered, Settings, render},
};
use spolia_network::{
    Convention, Cut, Engine, Frozen, Network, Objective, ReluGradient, StageId, Tensor, Trainable,
    Weights, inception_v3,
};

const CHANNELS: usize = 32;

/// Each pixel's activation of channel c is relu(slope_c . rgb + offset_c), or without the ReLU in a cut with a linear
/// end. Channel 0 likes red and dislikes green, channel 1 likes blue; channel 2 is silent up to white (1, 1, 1) and
/// beyond; channel 3 starts silent but fires for bright pixels.
struct Toy {
    linear: bool,
}

fn answer(channel: usize) -> ([f32; 3], f32) {
    match channel {
        0 => ([1.0, -1.0, 0.0], 0.1),
        1 => ([0.0, 0.0, 1.0], 0.0),
        2 => ([0.1, 0.1, 0.1], -5.0),
        3 => ([1.0, 1.0, 1.0], -0.3),
        _ => ([0.0; 3], 0.0),
    }
}

impl Toy {
    fn activation(&self, input: &Tensor) -> Tensor {
        let [n, h, w, _] = input.shape();
        let mut data = Vec::with_capacity(n * h * w * CHANNELS);
        for pixel in input.data().chunks_exact(3) {
            data.extend((0..CHANNELS).map(|channel| {
                let (slope, offset) = answer(channel);
                let x = slope.iter().zip(pixel).map(|(s, p)| s * p).sum::<f32>() + offset;
                if self.linear { x } else { x.max(0.0) }
            }));
        }
        Tensor::new([n, h, w, CHANNELS], data).unwrap()
    }
}

impl Frozen for Toy {
    fn forward(
        &mut self,
        input: &Tensor,
        taps: &[StageId],
    ) -> Result<Vec<Tensor>, spolia_network::Error> {
        Ok(taps.iter().map(|_| self.activation(input)).collect())
    }

    fn input_gradient(
        &mut self,
        input: &Tensor,
        taps: &[StageId],
        relu: ReluGradient,
        objective: &mut Objective<'_>,
    ) -> Result<Tensor, spolia_network::Error> {
        let activation = self.activation(input);
        let gradient = objective(&self.forward(input, taps)?);
        let mut out = Tensor::zeros(input.shape());
        let [_, h, w, _] = input.shape();
        let pixels = h * w;
        for image in 0..input.shape()[0] {
            let (a, g) = (activation.image(image), gradient[0].image(image));
            let open = |i: usize| self.linear || a[i] > 0.0;
            let silent = (0..a.len()).all(|i| !open(i) || g[i] == 0.0);
            for (i, &g) in g.iter().enumerate() {
                // Every silent activation lies below zero; what the objective wants to rise has a negative gradient.
                if open(i) || (silent && relu == ReluGradient::Redirected && g < 0.0) {
                    let (slope, _) = answer(i % CHANNELS);
                    for (c, s) in slope.iter().enumerate() {
                        out.data_mut()[(image * pixels + i / CHANNELS) * 3 + c] += s * g;
                    }
                }
            }
        }
        Ok(out)
    }
}

struct ToyEngine;

impl Engine for ToyEngine {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn frozen(
        &self,
        _: &Network,
        _: &Weights,
        cut: Cut,
    ) -> Result<Box<dyn Frozen>, spolia_network::Error> {
        Ok(Box::new(Toy {
            linear: cut.linear_end,
        }))
    }

    fn trainable(
        &self,
        network: &Network,
        _: &Weights,
    ) -> Result<Box<dyn Trainable>, spolia_network::Error> {
        network
            .stage("the toy cannot be trained")
            .map(|_| unreachable!())
    }
}

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
