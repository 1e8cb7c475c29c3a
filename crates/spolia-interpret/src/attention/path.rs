//! The network as a path from the image to its logits, cut behind each layer that is looked at.

use spolia_network::{Cut, Engine, Frozen, Network, ReluGradient, StageId, Tensor, Weights};

use super::{Attention, Method, Options, integrated_gradients, maps::maps_of, occlusion};
use crate::Error;

/// A network with frozen weights, cut behind the layers that are looked at. Making maps never changes a weight.
pub struct Path {
    cuts: Vec<Box<dyn Frozen>>,
    ends: Vec<StageId>,
}

impl Path {
    /// Cuts a network behind `layers`, in any order; a layer named twice counts once.
    ///
    /// # Errors
    /// [`Error::Setting`] without a layer or where the last stage, the logits, is among them; [`Error::Network`] where
    /// weights are missing.
    pub fn new(
        engine: &dyn Engine,
        network: &Network,
        weights: &Weights,
        layers: &[StageId],
    ) -> Result<Self, Error> {
        let mut ends = layers.to_vec();
        ends.sort_unstable();
        ends.dedup();
        match ends.last() {
            Some(&last) if last < network.last() => {}
            last => {
                return Err(Error::Setting {
                    what: "the layer of an attention map",
                    value: last.map_or("none", |&l| network.name(l)).into(),
                    allowed: "a stage before the logits",
                });
            }
        }
        ends.push(network.last());
        let mut cuts = Vec::with_capacity(ends.len());
        let mut from = None;
        for &to in &ends {
            let cut = from.map_or(Cut::to(to), |from| Cut::between(from, to));
            cuts.push(engine.frozen(network, weights, cut)?);
            from = Some(to);
        }
        Ok(Self { cuts, ends })
    }

    /// From cuts at hand: the first starts at the image, each other where the one before ends; the last ends at the
    /// logits. `ends` are the stages they end at.
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than two cuts or another number of ends.
    pub fn from_cuts(cuts: Vec<Box<dyn Frozen>>, ends: Vec<StageId>) -> Result<Self, Error> {
        if cuts.len() < 2 || cuts.len() != ends.len() {
            return Err(Error::Shape {
                what: "cuts of a network".into(),
                expected: format!("at least 2, as many as ends ({})", ends.len()),
                got: cuts.len().to_string(),
            });
        }
        Ok(Self { cuts, ends })
    }

    /// The layers looked at, in the network's order.
    #[must_use]
    pub fn layers(&self) -> &[StageId] {
        &self.ends[..self.ends.len() - 1]
    }

    /// [`super::maps`] at this path's layers; with several of them each method's map is [`super::fused`], of the
    /// image's size. `images` is N H W 3 with values x / 127.5 - 1.
    ///
    /// # Errors
    /// As [`super::maps`]; [`Error::Setting`] for an option.
    pub fn maps(
        &mut self,
        images: &Tensor,
        class: usize,
        methods: &[Method],
        options: &Options,
    ) -> Result<Vec<Attention>, Error> {
        maps_of(&mut self.walk(), images, class, methods, options)
    }

    /// The logit of `class` for each image; with one logit, class 0 has its negative.
    ///
    /// # Errors
    /// [`Error::UnknownClass`], [`Error::Network`], [`Error::NotFinite`].
    pub fn evidence(&mut self, images: &Tensor, class: usize) -> Result<Vec<f64>, Error> {
        self.walk().evidence(images, class)
    }

    /// The probability of `class` for each image: sigmoid of one logit, softmax of several.
    ///
    /// # Errors
    /// As [`Path::evidence`].
    pub fn probabilities(&mut self, images: &Tensor, class: usize) -> Result<Vec<f64>, Error> {
        let logits = self.walk().logits(images)?;
        check_class(&logits, class)?;
        Ok(logits
            .iter()
            .map(|l| f64::from(probabilities(l)[class]))
            .collect())
    }

    /// Integrated gradients of the class's logit with their signs, N H W 3: their sum is the logit less that of the
    /// baseline.
    ///
    /// # Errors
    /// As [`Path::maps`].
    pub fn integrated_gradients(
        &mut self,
        images: &Tensor,
        class: usize,
        options: &Options,
    ) -> Result<Tensor, Error> {
        options.check()?;
        integrated_gradients::attribution(&mut self.walk(), images, class, options)
    }

    /// For each image, how far the class's logit falls where a window over each pixel is covered, the mean over the
    /// windows, rows x columns, with signs.
    ///
    /// # Errors
    /// As [`Path::maps`].
    pub fn occlusion(
        &mut self,
        images: &Tensor,
        class: usize,
        options: &Options,
    ) -> Result<Vec<Vec<f64>>, Error> {
        options.check()?;
        occlusion::attribution(&mut self.walk(), images, class, options)
    }

    fn walk(&mut self) -> Walk<'_> {
        Walk {
            cuts: self
                .cuts
                .iter_mut()
                .map(|cut| &mut **cut as &mut dyn Frozen)
                .collect(),
            ends: &self.ends,
        }
    }
}

/// The cuts of a path, borrowed.
pub(super) struct Walk<'a> {
    pub cuts: Vec<&'a mut dyn Frozen>,
    pub ends: &'a [StageId],
}

/// What a pass forward and back left.
pub(super) struct Passed {
    /// Each layer's activation and the gradient with respect to it, in the network's order.
    pub layers: Vec<(Tensor, Tensor)>,
    /// Of each image.
    pub logits: Vec<Vec<f32>>,
}

impl Walk<'_> {
    /// The logits of each image.
    pub fn logits(&mut self, images: &Tensor) -> Result<Vec<Vec<f32>>, Error> {
        let mut at = None;
        for (cut, &end) in self.cuts.iter_mut().zip(self.ends) {
            let mut taps = cut.forward(at.as_ref().unwrap_or(images), &[end])?;
            at = taps.pop();
        }
        let logits = at.as_ref().map(by_image).unwrap_or_default();
        check_finite(&logits)?;
        Ok(logits)
    }

    /// The logit of a class for each image.
    pub fn evidence(&mut self, images: &Tensor, class: usize) -> Result<Vec<f64>, Error> {
        let logits = self.logits(images)?;
        check_class(&logits, class)?;
        Ok(logits.iter().map(|l| evidence(l, class)).collect())
    }

    /// Activations and gradients of the class's logit at every layer.
    pub fn at_layers(&mut self, images: &Tensor, class: usize) -> Result<Passed, Error> {
        let mut logits = Vec::new();
        let mut layers = Vec::new();
        let mut seed = |outputs: &Tensor| {
            logits = by_image(outputs);
            seed_gradient(outputs, class)
        };
        let Some((head, tails)) = self.cuts.split_first_mut() else {
            return Ok(Passed { layers, logits });
        };
        if let Some(first) = head.forward(images, &self.ends[..1])?.pop() {
            let gradient = descend(tails, &self.ends[1..], &first, &mut seed, &mut layers)?;
            layers.push((first, gradient));
        }
        layers.reverse();
        check_class(&logits, class)?;
        check_finite(&logits)?;
        Ok(Passed { layers, logits })
    }

    /// The gradient of the class's logit with respect to the images, and the logits.
    pub fn at_image(
        &mut self,
        images: &Tensor,
        class: usize,
    ) -> Result<(Tensor, Vec<Vec<f32>>), Error> {
        let mut logits = Vec::new();
        let mut seed = |outputs: &Tensor| {
            logits = by_image(outputs);
            seed_gradient(outputs, class)
        };
        let gradient = descend(
            &mut self.cuts,
            self.ends,
            images,
            &mut seed,
            &mut Vec::new(),
        )?;
        check_class(&logits, class)?;
        check_finite(&logits)?;
        Ok((gradient, logits))
    }
}

/// The gradient with respect to `input` of what `seed` is the gradient of, through all cuts. `seen` gets each inner
/// end's activation and gradient, the last end first.
fn descend(
    cuts: &mut [&mut dyn Frozen],
    ends: &[StageId],
    input: &Tensor,
    seed: &mut dyn FnMut(&Tensor) -> Tensor,
    seen: &mut Vec<(Tensor, Tensor)>,
) -> Result<Tensor, Error> {
    let Some((cut, rest)) = cuts.split_first_mut() else {
        return Ok(seed(input));
    };
    let mut failed = None;
    let gradient = cut.input_gradient(input, &ends[..1], ReluGradient::True, &mut |taps| {
        if rest.is_empty() {
            return vec![seed(&taps[0])];
        }
        match descend(rest, &ends[1..], &taps[0], seed, seen) {
            Ok(gradient) => {
                seen.push((taps[0].clone(), gradient.clone()));
                vec![gradient]
            }
            Err(error) => {
                failed = Some(error);
                vec![Tensor::zeros(taps[0].shape())]
            }
        }
    })?;
    failed.map_or(Ok(gradient), Err)
}

fn by_image(outputs: &Tensor) -> Vec<Vec<f32>> {
    (0..outputs.shape()[0])
        .map(|i| outputs.image(i).to_vec())
        .collect()
}

/// The gradient of the class's logit with respect to the logits; zero for a class that there is not.
fn seed_gradient(outputs: &Tensor, class: usize) -> Tensor {
    let [n, h, w, c] = outputs.shape();
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
    gradient
}

/// The logit of a class that there is.
fn evidence(logits: &[f32], class: usize) -> f64 {
    match (logits, class) {
        ([one], 0) => -f64::from(*one),
        ([one], _) => f64::from(*one),
        (many, class) => f64::from(many[class]),
    }
}

fn check_class(logits: &[Vec<f32>], class: usize) -> Result<(), Error> {
    let Some(outputs) = logits.first().map(Vec::len) else {
        return Ok(());
    };
    let classes = if outputs == 1 { 2 } else { outputs };
    if class >= classes {
        return Err(Error::UnknownClass {
            class,
            logits: outputs,
            classes,
        });
    }
    Ok(())
}

fn check_finite(logits: &[Vec<f32>]) -> Result<(), Error> {
    match logits.iter().flatten().find(|l| !l.is_finite()) {
        Some(&logit) => Err(Error::NotFinite {
            what: "a logit",
            value: logit.into(),
        }),
        None => Ok(()),
    }
}

/// Sigmoid of one logit (as the probabilities of both classes), softmax of several.
pub(super) fn probabilities(logits: &[f32]) -> Vec<f32> {
    if let [logit] = *logits {
        let p = |x: f32| (1.0 / (1.0 + (-f64::from(x)).exp())) as f32;
        return vec![p(-logit), p(logit)];
    }
    let high = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&x| f64::from(x - high).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|e| (e / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_one_and_many() {
        let p = probabilities(&[3f32.ln()]);
        assert!((p[0] - 0.25).abs() < 1e-6 && (p[1] - 0.75).abs() < 1e-6);
        let p = probabilities(&[1000.0, 1000.0 + 3f32.ln()]);
        assert!((p[0] - 0.25).abs() < 1e-4 && (p[1] - 0.75).abs() < 1e-4);
        assert_eq!(probabilities(&[-2000.0]), [1.0, 0.0]);
    }

    #[test]
    fn evidence_of_one_and_many() {
        assert_eq!((evidence(&[2.0], 0), evidence(&[2.0], 1)), (-2.0, 2.0));
        assert_eq!(evidence(&[2.0, 5.0], 1), 5.0);
        assert!(check_finite(&[vec![f32::NAN]]).is_err());
    }
}
