//! An engine whose answers can be worked out by hand; every stage gives the same activation.

use spolia_network::{
    Cut, Engine, Frozen, Network, Objective, ReluGradient, StageId, Tensor, Trainable, Weights,
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

/// The engine.
pub struct ToyEngine;

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
