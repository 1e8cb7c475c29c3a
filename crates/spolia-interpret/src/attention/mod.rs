//! Class activation maps: where in a patch a logit comes from.
//!
//! Each [`Method`] turns a layer's activation A and the gradient g of a logit with respect to it into one weight w per
//! channel, and the map is relu(sum over channels of w A). Gradients are of the logit, before sigmoid or softmax. With
//! one logit, the gradient for the class `normal` is that of its negative.
//!
//! ```
//! use spolia_interpret::attention::Method;
//! # fn main() -> Result<(), spolia_interpret::Error> {
//! // 1 x 2 pixels with two channels; only the first channel raises the logit.
//! let map = Method::GradCam.map(&[1.0, 5.0, 3.0, 5.0], &[0.5, 0.0, 0.5, 0.0], [1, 2, 2])?;
//! assert_eq!(map.values, [0.5, 1.5]);
//! # Ok(())
//! # }
//! ```

mod enlarge;
mod grad_cam;
mod grad_cam_pp;
mod map;
mod overlay;
mod viridis;

use std::str::FromStr;

pub use enlarge::Picture;
pub use map::Map;
pub use overlay::overlay;
use rayon::prelude::*;
use spolia_network::{Frozen, ReluGradient, StageId, Tensor};

use crate::Error;

/// A class activation map's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Selvaraju et al. 2017, "Grad-CAM": a channel's weight is its mean gradient.
    GradCam,
    /// Chattopadhay et al. 2018, "Grad-CAM++": a weighted sum of the positive gradients.
    GradCamPlusPlus,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 2] = [Self::GradCam, Self::GradCamPlusPlus];

    /// The name used in a study and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GradCam => "grad-cam",
            Self::GradCamPlusPlus => "grad-cam++",
        }
    }

    /// The map of one image from a layer's activation and the logit's gradient with respect to it, both rows x
    /// columns x channels (`shape`).
    ///
    /// # Errors
    /// [`Error::Shape`] where an array's length is not `shape`'s.
    pub fn map(
        self,
        activation: &[f32],
        gradient: &[f32],
        shape: [usize; 3],
    ) -> Result<Map, Error> {
        let [height, width, channels] = shape;
        for (what, array) in [("activation", activation), ("gradient", gradient)] {
            if array.len() != height * width * channels {
                return Err(Error::Shape {
                    what: what.into(),
                    expected: format!("{} values for {shape:?}", height * width * channels),
                    got: array.len().to_string(),
                });
            }
        }
        let weights = match self {
            Self::GradCam => grad_cam::weights(gradient, channels),
            Self::GradCamPlusPlus => grad_cam_pp::weights(activation, gradient, channels),
        };
        let values = activation
            .chunks_exact(channels.max(1))
            .map(|pixel| {
                pixel
                    .iter()
                    .zip(&weights)
                    .map(|(&a, w)| f64::from(a) * w)
                    .sum::<f64>()
                    .max(0.0) as f32
            })
            .collect();
        Ok(Map {
            height,
            width,
            values,
        })
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|m| m.name() == name)
            .ok_or_else(|| Error::UnknownName {
                kind: "attention method",
                name: name.into(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }
}

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

/// The maps of a batch of images for one class, all methods from one pass. `head` runs from the image to `layer`,
/// `tail` from there to `logits`; `images` is N H W 3 with values x / 127.5 - 1.
///
/// # Errors
/// [`Error::UnknownClass`] where the network does not tell `class` apart, [`Error::Network`] where an image is too
/// small.
pub fn maps(
    head: &mut dyn Frozen,
    tail: &mut dyn Frozen,
    [layer, logits]: [StageId; 2],
    images: &Tensor,
    class: usize,
    methods: &[Method],
) -> Result<Vec<Attention>, Error> {
    let mut taps = head.forward(images, &[layer])?;
    let Some(activation) = taps.pop() else {
        return Ok(Vec::new());
    };
    let mut answers: Vec<Vec<f32>> = Vec::new();
    let gradient = tail.input_gradient(
        &activation,
        &[logits],
        ReluGradient::True,
        &mut |taps: &[Tensor]| {
            let outputs = &taps[0];
            let [n, h, w, c] = outputs.shape();
            answers = (0..n).map(|i| outputs.image(i).to_vec()).collect();
            let mut gradient = Tensor::zeros([n, h, w, c]);
            for image in gradient.data_mut().chunks_exact_mut((h * w * c).max(1)) {
                match (image, class) {
                    ([one], 0) => *one = -1.0,
                    ([one], 1) => *one = 1.0,
                    ([_], _) => {}
                    (many, class) => {
                        if let Some(one) = many.get_mut(class) {
                            *one = 1.0;
                        }
                    }
                }
            }
            vec![gradient]
        },
    )?;
    let outputs = answers.first().map_or(0, Vec::len);
    let classes = if outputs == 1 { 2 } else { outputs };
    if !answers.is_empty() && class >= classes {
        return Err(Error::UnknownClass {
            class,
            logits: outputs,
            classes,
        });
    }
    let [_, height, width, channels] = activation.shape();
    answers
        .into_par_iter()
        .enumerate()
        .map(|(i, logits)| {
            let one = |m: &Method| {
                m.map(
                    activation.image(i),
                    gradient.image(i),
                    [height, width, channels],
                )
            };
            Ok(Attention {
                maps: methods.iter().map(one).collect::<Result<_, _>>()?,
                probabilities: probabilities(&logits),
                logits,
            })
        })
        .collect()
}

/// Sigmoid of one logit (as the probabilities of both classes), softmax of several.
fn probabilities(logits: &[f32]) -> Vec<f32> {
    if let [logit] = *logits {
        let p = |x: f32| (1.0 / (1.0 + (-f64::from(x)).exp())) as f32;
        return vec![p(-logit), p(logit)];
    }
    let high = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&x| f64::from(x - high).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|e| (e / sum) as f32).collect()
}

/// The example of the methods' tests: rows x columns x channels of A = [[[1, 2], [3, 4]], [[0, 1], [0, 2]]] and
/// g = [[[.1, .2], [-.1, .05]], [[.3, -.2], [0, .1]]] (channels first).
#[cfg(test)]
fn golden() -> ([f32; 8], [f32; 8]) {
    (
        [1.0, 0.0, 2.0, 1.0, 3.0, 0.0, 4.0, 2.0],
        [0.1, 0.3, 0.2, -0.2, -0.1, 0.0, 0.05, 0.1],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for method in Method::ALL {
            assert_eq!(method.name().parse::<Method>().unwrap(), method);
        }
        assert!(
            "gradcam"
                .parse::<Method>()
                .unwrap_err()
                .to_string()
                .contains("grad-cam, grad-cam++")
        );
    }

    #[test]
    fn arrays_must_fit() {
        let error = Method::GradCam
            .map(&[1.0; 8], &[1.0; 7], [2, 2, 2])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "gradient: expected 8 values for [2, 2, 2], got 7"
        );
    }

    #[test]
    fn probabilities_of_one_and_many() {
        let p = probabilities(&[3f32.ln()]);
        assert!((p[0] - 0.25).abs() < 1e-6 && (p[1] - 0.75).abs() < 1e-6);
        let p = probabilities(&[1000.0, 1000.0 + 3f32.ln()]);
        assert!((p[0] - 0.25).abs() < 1e-4 && (p[1] - 0.75).abs() < 1e-4);
        assert_eq!(probabilities(&[-2000.0]), [1.0, 0.0]);
    }
}
