//! Optimises one image per channel, several channels as one batch.

use std::sync::Arc;

use rayon::prelude::*;
use spolia_network::{Cut, Engine, Network, ReluGradient, StageId, Tensor, Weights};

use super::{
    fourier::Fourier,
    image::Image,
    objective::{channel_loss_gradient, channel_means},
    preset::Preset,
    stream::stream,
    transform::Motion,
};
use crate::Error;

/// Steps during which a gradient that is zero everywhere is redirected (Lucid), so that a channel that is silent at
/// first finds a way up.
const REDIRECTED_STEPS: usize = 16;

/// How images are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Side of the image and of the network's input, pixels; 128 in Lucid and the paper.
    pub size: usize,
    /// The schedule.
    pub preset: Preset,
    /// Another number of steps than the preset's, shared out over its phases in proportion.
    pub steps: Option<usize>,
    /// Seed of all random numbers.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            size: 128,
            preset: Preset::Lucid,
            steps: None,
            seed: 0,
        }
    }
}

impl Settings {
    /// Number of steps in all.
    #[must_use]
    pub fn total_steps(&self) -> usize {
        self.preset.phases(self.steps).iter().map(|p| p.steps).sum()
    }
}

/// A finished visualization.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The channel.
    pub channel: usize,
    /// The image, rows x columns x 3, 8 bits.
    pub rgb: Vec<u8>,
    /// The objective before each step, on the image as moved in that step: the channel's mean activation less the
    /// weighted total variation.
    pub curve: Vec<f32>,
    /// The channel's mean activation, all ReLUs in place, on the finished image as it is.
    pub activation: f32,
    /// The channel answered to no image on the way, nor to the finished one: the image shows nothing of it and should
    /// not be drawn.
    pub dead: bool,
}

/// The images that excite `channels` of `layer` most. Each channel has its own objective, optimiser and random numbers
/// (from the seed, the layer's name and the channel), so that an image does not depend on which others are made
/// beside it. `progress` hears the number of steps done after each; `false` stops.
///
/// # Errors
/// [`Error::UnknownChannel`], [`Error::EmptyVisualization`], [`Error::Stopped`], [`Error::Diverged`], and
/// [`Error::Network`] where the engine refuses the weights or an image of this size.
pub fn render(
    engine: &dyn Engine,
    network: &Network,
    weights: &Weights,
    layer: StageId,
    channels: &[usize],
    settings: &Settings,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<Rendered>, Error> {
    let name = network.name(layer);
    let size = settings.size;
    let known = network.channels(layer);
    if let Some(&channel) = channels.iter().find(|&&c| c >= known) {
        return Err(Error::UnknownChannel {
            layer: name.into(),
            channel,
            channels: known,
        });
    }
    if settings.total_steps() == 0 || size == 0 {
        return Err(Error::EmptyVisualization {
            steps: settings.total_steps(),
            size,
        });
    }
    if channels.is_empty() {
        return Ok(Vec::new());
    }

    let linear_end = settings.preset.linear_end();
    let mut head = engine.frozen(
        network,
        weights,
        Cut {
            linear_end,
            ..Cut::to(layer)
        },
    )?;
    let fourier = Arc::new(Fourier::new(size, size, 1.0));
    let mut items: Vec<Item> = channels
        .par_iter()
        .map(|&channel| Item::new(&fourier, settings, name, channel))
        .collect();
    let mut input = Tensor::zeros([channels.len(), size, size, 3]);
    let pixels = 3 * size * size;

    let mut step = 0;
    for phase in settings.preset.phases(settings.steps) {
        for item in &mut items {
            item.image.reset_optimiser();
        }
        for _ in 0..phase.steps {
            items
                .par_iter_mut()
                .zip(input.data_mut().par_chunks_exact_mut(pixels))
                .for_each(|(item, pixels)| {
                    let motion = phase.transforms.draw(settings.seed, item.stream, step);
                    item.image.view(&motion.affine(size), pixels);
                });
            let relu = if step < REDIRECTED_STEPS {
                ReluGradient::Redirected
            } else {
                ReluGradient::True
            };
            network.normalisation().from_symmetric(&mut input);
            let mut means = Vec::new();
            let mut gradient =
                head.input_gradient(&input, &[layer], relu, &mut |taps: &[Tensor]| {
                    means = channel_means(&taps[0], channels);
                    vec![channel_loss_gradient(&taps[0], channels)]
                })?;
            network.normalisation().gradient_to_symmetric(&mut gradient);
            for (item, &mean) in items.iter_mut().zip(&means) {
                if !mean.is_finite() {
                    return Err(Error::Diverged {
                        layer: name.into(),
                        channel: item.channel,
                        step,
                        value: mean,
                    });
                }
                item.best = item.best.max(mean);
            }
            items
                .par_iter_mut()
                .zip(gradient.data().par_chunks_exact(pixels))
                .zip(&means)
                .for_each(|((item, gradient), &mean)| {
                    let variation = match phase.total_variation {
                        0.0 => 0.0,
                        weight => weight * item.image.total_variation(),
                    };
                    item.curve.push(mean - variation);
                    item.image.step(gradient, phase.total_variation, phase.rate);
                });
            step += 1;
            if !progress(step) {
                return Err(Error::Stopped);
            }
        }
    }

    if linear_end {
        head = engine.frozen(network, weights, Cut::to(layer))?;
    }
    items
        .par_iter_mut()
        .zip(input.data_mut().par_chunks_exact_mut(pixels))
        .for_each(|(item, pixels)| {
            item.image.view(&Motion::NONE.affine(size), pixels);
        });
    network.normalisation().from_symmetric(&mut input);
    let taps = head.forward(&input, &[layer])?;
    let means = taps
        .first()
        .map(|tap| channel_means(tap, channels))
        .unwrap_or_default();
    Ok(items
        .into_iter()
        .zip(means)
        .map(|(item, activation)| item.finish(activation))
        .collect())
}

/// A channel's image on its way.
struct Item {
    channel: usize,
    stream: u64,
    image: Image,
    curve: Vec<f32>,
    /// Highest mean activation so far. Without the last ReLUs a mean above zero still says that the channel fired
    /// somewhere.
    best: f32,
}

impl Item {
    fn new(fourier: &Arc<Fourier>, settings: &Settings, layer: &str, channel: usize) -> Self {
        let stream = stream(layer, channel);
        Self {
            channel,
            stream,
            image: Image::new(fourier, settings.size, settings.seed, stream),
            curve: Vec::with_capacity(settings.total_steps()),
            best: f32::NEG_INFINITY,
        }
    }

    fn finish(self, activation: f32) -> Rendered {
        Rendered {
            channel: self.channel,
            rgb: self.image.rgb8(),
            curve: self.curve,
            activation,
            dead: activation == 0.0 && self.best <= 0.0,
        }
    }
}
