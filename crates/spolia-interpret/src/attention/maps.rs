//! The maps of a batch of images.

use rayon::prelude::*;
use spolia_network::{Frozen, StageId, Tensor};

use super::{
    Map, Method, Options, fused, integrated_gradients, occlusion,
    path::{Passed, Walk, probabilities},
    score_cam,
};
use crate::Error;

/// What a network says of one image and where it looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// One map per method asked for, in their order.
    pub maps: Vec<Map>,
    /// The network's logits.
    pub logits: Vec<f32>,
    /// Probability of each class; with one logit of `normal` and `tumor`.
    pub probabilities: Vec<f32>,
}

/// The maps of a batch of images for one class, all methods of one pass from the same pass. `head` runs from the image
/// to `layer`, `tail` from there to `logits`; `images` is N H W 3 with values x / 127.5 - 1. Options are the defaults;
/// [`super::Path`] takes others, and several layers.
///
/// # Errors
/// [`Error::UnknownClass`] where the network does not tell `class` apart, [`Error::Network`] where an image is too
/// small, [`Error::NotFinite`] where a logit is no number.
pub fn maps(
    head: &mut dyn Frozen,
    tail: &mut dyn Frozen,
    ends: [StageId; 2],
    images: &Tensor,
    class: usize,
    methods: &[Method],
) -> Result<Vec<Attention>, Error> {
    let mut walk = Walk {
        cuts: vec![head, tail],
        ends: &ends,
    };
    maps_of(&mut walk, images, class, methods, &Options::default())
}

pub(super) fn maps_of(
    walk: &mut Walk<'_>,
    images: &Tensor,
    class: usize,
    methods: &[Method],
    options: &Options,
) -> Result<Vec<Attention>, Error> {
    options.check()?;
    let [n, height, width, _] = images.shape();
    let Passed { layers, logits } = walk.at_layers(images, class)?;
    let mut by_method: Vec<Vec<Map>> = Vec::with_capacity(methods.len());
    for &method in methods {
        by_method.push(match method {
            Method::IntegratedGradients => {
                integrated_gradients::maps(walk, images, class, options)?
            }
            Method::Occlusion => occlusion::maps(walk, images, class, options)?,
            _ => {
                let mut at_layers = Vec::with_capacity(layers.len());
                for (activation, gradient) in &layers {
                    at_layers.push(if method == Method::ScoreCam {
                        score_cam::maps(walk, images, activation, class, options)?
                    } else {
                        of_one_pass(method, activation, gradient, options)?
                    });
                }
                match at_layers.len() {
                    1 => at_layers.remove(0),
                    _ => (0..n)
                        .map(|i| {
                            let maps: Vec<Map> = at_layers.iter().map(|l| l[i].clone()).collect();
                            fused(&maps, width, height)
                        })
                        .collect(),
                }
            }
        });
    }
    Ok(logits
        .into_iter()
        .enumerate()
        .map(|(i, logits)| Attention {
            maps: by_method.iter().map(|maps| maps[i].clone()).collect(),
            probabilities: probabilities(&logits),
            logits,
        })
        .collect())
}

fn of_one_pass(
    method: Method,
    activation: &Tensor,
    gradient: &Tensor,
    options: &Options,
) -> Result<Vec<Map>, Error> {
    let [n, height, width, channels] = activation.shape();
    (0..n)
        .into_par_iter()
        .map(|i| {
            method.map_by(
                options.compat,
                activation.image(i),
                gradient.image(i),
                [height, width, channels],
            )
        })
        .collect()
}
