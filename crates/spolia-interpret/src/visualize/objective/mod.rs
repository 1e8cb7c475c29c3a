//! What an image is optimised for: a weighted sum of named terms, after Lucid's objectives.
//!
//! ```text
//! channel(Mixed_6a, 12) - 0.025*tv
//! 0.5*(neuron(Mixed_5b, 3) + neuron(Mixed_5b, 4, 2, 7)) - l2/10
//! channel(Mixed_6a, 12) + 2*diversity(Mixed_5b)
//! ```
//!
//! | term | value |
//! |---|---|
//! | `channel(layer, c)` | mean of channel c over rows and columns |
//! | `neuron(layer, c[, y, x])` | channel c at row y, column x; by default at h/2, w/2 |
//! | `direction(layer, v[, p])` | mean of x·v max(.1, cos(x, v))^p for the vector named v; p is 0 |
//! | `logit(class)` | the class's logit; with one logit, class 0 has its negative |
//! | `deepdream(layer)` | mean of the squared activations |
//! | `diversity(layer)` | how unlike the Gram matrices of a batch's images are; -1 for an identical pair |
//! | `alignment(layer)` | how alike neighbours of a batch are; 0 for identical images |
//! | `tv`, `l1[(centre)]`, `l2[(centre)]`, `blur` | roughness of the image and its distance from a gray, per pixel |
//!
//! Terms are added and subtracted, multiplied and divided by numbers, and put in parentheses. [`Objective::parse`] reads
//! an objective for a network; [`Objective::on_layers`] and [`Objective::on_image`] give values and gradients. The
//! objective is to be raised: penalties are subtracted.

mod batch;
mod channel;
mod fault;
mod image;
mod layer;
mod names;
mod parse;
mod total_variation;

use std::sync::Arc;

use spolia_network::{Network, StageId, Tensor};

pub use channel::{channel_loss_gradient, channel_means};
pub use fault::Fault;
pub use total_variation::{add_total_variation_gradient, total_variation};

use crate::Error;

/// Vectors for `direction`, by name (concept vectors, for example).
pub type Vectors = std::collections::BTreeMap<String, Vec<f32>>;

/// One term of an objective; see the [module](self) for what each computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Mean of a channel.
    Channel {
        /// The layer.
        layer: StageId,
        /// Its channel.
        channel: usize,
    },
    /// A channel at one position.
    Neuron {
        /// The layer.
        layer: StageId,
        /// Its channel.
        channel: usize,
        /// Row and column; none: h/2, w/2.
        at: Option<[usize; 2]>,
    },
    /// Along a vector.
    Direction {
        /// The layer.
        layer: StageId,
        /// A value per channel.
        vector: Arc<[f32]>,
        /// Power of the cosine.
        power: f64,
    },
    /// Mean square of a layer.
    DeepDream {
        /// The layer.
        layer: StageId,
    },
    /// Unlike Gram matrices in a batch.
    Diversity {
        /// The layer.
        layer: StageId,
    },
    /// Like neighbours in a batch.
    Alignment {
        /// The layer.
        layer: StageId,
    },
    /// Total variation of the image, see [`total_variation`].
    TotalVariation,
    /// Sum over the colours of |v - centre|, mean over pixels.
    L1 {
        /// The value that costs nothing, 0-1.
        centre: f32,
    },
    /// Root of the sum over the colours of (v - centre)², mean over pixels.
    L2 {
        /// The value that costs nothing, 0-1.
        centre: f32,
    },
    /// Half the squared difference from the blurred image, mean over pixels; the blurred image is held fixed in the
    /// gradient, so that a step with `-k*blur` moves each pixel by a share of k towards its neighbours.
    Blur,
}

impl Term {
    /// The layer that the term reads; none where it reads the image.
    #[must_use]
    pub fn layer(&self) -> Option<StageId> {
        match self {
            Self::Channel { layer, .. }
            | Self::Neuron { layer, .. }
            | Self::Direction { layer, .. }
            | Self::DeepDream { layer }
            | Self::Diversity { layer }
            | Self::Alignment { layer } => Some(*layer),
            Self::TotalVariation | Self::L1 { .. } | Self::L2 { .. } | Self::Blur => None,
        }
    }

    /// Whether the term compares the images of a batch.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        matches!(self, Self::Diversity { .. } | Self::Alignment { .. })
    }
}

/// A constant and a weighted sum of terms, to be raised.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    text: String,
    constant: f64,
    terms: Vec<(f64, Term)>,
    layers: Vec<StageId>,
}

impl Objective {
    /// Reads an objective as the [module](self) describes it. Layers go by the network's names and aliases, vectors by
    /// those of `vectors`.
    ///
    /// ```
    /// use spolia_interpret::visualize::objective::{Objective, Vectors};
    /// use spolia_network::{Convention, inception_v3};
    ///
    /// let network = inception_v3(Convention::Keras, Some(1));
    /// let read = |text| Objective::parse(text, &network, &Vectors::new());
    /// let objective = read("2*channel(mixed6a, 12) - 0.025*tv").unwrap();
    /// assert_eq!(objective.terms().len(), 2);
    /// assert_eq!(objective.deepest(), Some(network.stage("Mixed_6a").unwrap()));
    /// let error = read("tv + chanel(Mixed_6a, 12)").unwrap_err().to_string();
    /// assert!(error.contains("did you mean `channel`?") && error.contains("column 6"));
    /// ```
    ///
    /// # Errors
    /// [`Error::Objective`], which points at the column.
    pub fn parse(text: &str, network: &Network, vectors: &Vectors) -> Result<Self, Error> {
        let sum = parse::parse(text, network, vectors)?;
        let mut objective = Self::new(sum.terms, sum.constant);
        objective.text = text.trim().to_owned();
        Ok(objective)
    }

    /// The mean of one channel.
    #[must_use]
    pub fn channel(network: &Network, layer: StageId, channel: usize) -> Self {
        let mut objective = Self::new(vec![(1.0, Term::Channel { layer, channel })], 0.0);
        objective.text = format!("channel({}, {channel})", network.name(layer));
        objective
    }

    fn new(terms: Vec<(f64, Term)>, constant: f64) -> Self {
        let mut layers: Vec<_> = terms.iter().filter_map(|(_, t)| t.layer()).collect();
        layers.sort_unstable();
        layers.dedup();
        Self {
            text: String::new(),
            constant,
            terms,
            layers,
        }
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Each term with its weight.
    #[must_use]
    pub fn terms(&self) -> &[(f64, Term)] {
        &self.terms
    }

    /// The layers that it reads, each once, in the network's order.
    #[must_use]
    pub fn layers(&self) -> &[StageId] {
        &self.layers
    }

    /// The last of its layers, where the network is cut.
    #[must_use]
    pub fn deepest(&self) -> Option<StageId> {
        self.layers.last().copied()
    }

    /// Whether a term compares the images of a batch.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        self.terms.iter().any(|(_, t)| t.is_joint())
    }

    /// Value of the constant and of the terms of layers for each image of a batch, and the gradient with respect to
    /// the activations of the sum of these values. `taps` holds an activation (N H W C) for each of
    /// [`Objective::layers`]; so does the answer. Terms that compare images are shared out so that the mean over the
    /// batch is the term's value; without such terms an image's value and gradient depend on that image alone.
    ///
    /// # Errors
    /// [`Error::Shape`] where an activation lacks a channel or position that is asked for, or where the number of
    /// taps is another.
    pub fn on_layers(&self, taps: &[Tensor]) -> Result<(Vec<f64>, Vec<Tensor>), Error> {
        if taps.len() != self.layers.len() {
            return Err(Error::Shape {
                what: format!("activations for `{}`", self.text),
                expected: format!("{} layers", self.layers.len()),
                got: format!("{}", taps.len()),
            });
        }
        let images = taps.first().map_or(0, |t| t.shape()[0]);
        let mut values = vec![self.constant; images];
        let mut gradients: Vec<_> = taps.iter().map(|t| Tensor::zeros(t.shape())).collect();
        for (weight, term) in &self.terms {
            let place = term.layer().map(|l| self.layers.binary_search(&l));
            if let Some(Ok(i)) = place {
                layer::accumulate(term, *weight, &taps[i], &mut values, &mut gradients[i])?;
            }
        }
        Ok((values, gradients))
    }

    /// Value of the terms of the image, and their gradient added to `gradient`. `planes` are red, green and blue
    /// planes of `width` x `height` in 0-1, behind each other.
    pub fn on_image(
        &self,
        planes: &[f32],
        width: usize,
        height: usize,
        gradient: &mut [f32],
    ) -> f64 {
        self.terms
            .iter()
            .map(|(weight, term)| {
                image::accumulate(term, *weight, planes, [width, height], gradient)
            })
            .sum()
    }
}
