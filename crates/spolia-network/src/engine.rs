use crate::{Error, Network, Profile, StageId, Tensor, Weights};

/// What part of the path to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The input is this stage's activation; `None`: the image.
    pub from: Option<StageId>,
    /// The last stage run.
    pub to: StageId,
    /// Leaves out the ReLUs that feed the last stage's output, so that a channel that is silent at the start still
    /// has a gradient (the paper's visualizations do this).
    pub linear_end: bool,
}

impl Cut {
    /// From the image to a stage.
    #[must_use]
    pub fn to(stage: StageId) -> Self {
        Self {
            from: None,
            to: stage,
            linear_end: false,
        }
    }

    /// The stages behind `frozen`; all, where `None`.
    pub(crate) fn behind(network: &Network, frozen: Option<StageId>) -> Self {
        Self {
            from: frozen,
            ..Self::to(network.last())
        }
    }

    /// From a stage's activation to another.
    #[must_use]
    pub fn between(from: StageId, to: StageId) -> Self {
        Self {
            from: Some(from),
            to,
            linear_end: false,
        }
    }
}

/// How a gradient passes a ReLU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReluGradient {
    /// Where the ReLU was open.
    #[default]
    True,
    /// Lucid's redirected ReLU: per image and layer, where the true gradient is zero everywhere, the gradient passes
    /// except where the ReLU was closed and the objective would close it further. Gradients are of a loss to be
    /// lowered: what is blocked is x < 0 with a positive gradient.
    Redirected,
}

/// What a gradient is taken of: gets the activations of the taps and returns, for each, the gradient of the scalar
/// with respect to it.
pub type Objective<'a> = dyn FnMut(&[Tensor]) -> Vec<Tensor> + 'a;

/// A cut of a network with frozen weights: batch norm uses its running statistics. Never changes a weight.
pub trait Frozen: Send {
    /// The activations after each of `taps`, N H W C.
    ///
    /// # Errors
    /// [`Error::TooSmall`] or [`Error::Shape`] where the input does not fit, [`Error::UnknownStage`] where a tap lies
    /// outside of the cut; [`Error::Device`] or [`Error::TooLarge`] where a device cannot do it.
    fn forward(&mut self, input: &Tensor, taps: &[StageId]) -> Result<Vec<Tensor>, Error>;

    /// The gradient, with respect to the input, of a scalar of the taps' activations.
    ///
    /// # Errors
    /// As [`Frozen::forward`]; [`Error::Shape`] where the objective returns gradients of another shape.
    fn input_gradient(
        &mut self,
        input: &Tensor,
        taps: &[StageId],
        relu: ReluGradient,
        objective: &mut Objective<'_>,
    ) -> Result<Tensor, Error>;

    /// Measures every pass from now on, or no more. An engine that cannot measure itself stays without a profile.
    fn measure(&mut self, _on: bool) {}

    /// What the last pass cost, where it was measured.
    fn profile(&self) -> Option<&Profile> {
        None
    }
}

/// One step of stochastic gradient descent with Nesterov momentum (Keras's form):
/// `v = momentum v - rate g`, then `w = w + momentum v - rate g`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate of this step.
    pub rate: f64,
    /// Momentum, .9 in the paper.
    pub momentum: f64,
}

/// A whole network whose weights change. One logit, binary cross-entropy; batch norm uses the batch's statistics and
/// keeps running ones (momentum .1, unbiased variance, as PyTorch).
pub trait Trainable: Send {
    /// One step on a batch; returns the mean loss before the step.
    ///
    /// # Errors
    /// [`Error::TooSmall`], [`Error::Shape`], [`Error::Device`], [`Error::TooLarge`]. Nothing is changed where the loss is not finite; it is returned.
    fn step(&mut self, input: &Tensor, labels: &[f32], sgd: Sgd) -> Result<f32, Error>;

    /// Mean loss and the gradient of every trained parameter, by name, without a step.
    ///
    /// # Errors
    /// As [`Trainable::step`].
    fn gradients(&mut self, input: &Tensor, labels: &[f32]) -> Result<(f32, Weights), Error>;

    /// Adds a batch to the new estimate of the running statistics; see [`Trainable::finish_statistics`].
    ///
    /// # Errors
    /// As [`Trainable::step`].
    fn gather_statistics(&mut self, input: &Tensor) -> Result<(), Error>;

    /// Replaces the running statistics by the mean over the batches gathered since the last call.
    fn finish_statistics(&mut self);

    /// From now on, does not train the stages through `through` (`None`: trains all): no gradient is computed there, batch
    /// norm uses the running statistics, and neither weights nor statistics change. Velocities of the stages that were
    /// trained before stay; those of the others start at 0.
    ///
    /// # Errors
    /// [`Error::NothingToTrain`] where `through` is the last stage.
    fn freeze(&mut self, through: Option<StageId>) -> Result<(), Error>;

    /// Whether every input may be the last frozen stage's activations in place of images: whoever trains on the same
    /// images again and again computes them once. Those of the same batch give the same bits; those of other batches may
    /// differ by rounding.
    fn takes_activations(&self) -> bool {
        false
    }

    /// The present weights.
    ///
    /// # Errors
    /// [`Error::Device`], where a device gave up.
    fn weights(&self) -> Result<Weights, Error>;

    /// The optimiser's velocities by parameter name, to resume from; those of the trained stages alone.
    ///
    /// # Errors
    /// As [`Trainable::weights`].
    fn velocities(&self) -> Result<Weights, Error>;

    /// Goes on from saved velocities.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`].
    fn set_velocities(&mut self, velocities: &Weights) -> Result<(), Error>;

    /// Measures every pass from now on, or no more; see [`Frozen::measure`].
    fn measure(&mut self, _on: bool) {}

    /// What the last pass cost, where it was measured.
    fn profile(&self) -> Option<&Profile> {
        None
    }
}

/// The seam between methods and arithmetic.
pub trait Engine: Send + Sync {
    /// `cpu`, `cuda` or `wgpu`.
    fn name(&self) -> &'static str;

    /// Its name and the hardware behind it, where the name does not say it.
    fn description(&self) -> String {
        self.name().into()
    }

    /// Prepares a cut with frozen weights.
    ///
    /// # Errors
    /// What [`Weights::check`] finds, for the stages of the cut.
    fn frozen(
        &self,
        network: &Network,
        weights: &Weights,
        cut: Cut,
    ) -> Result<Box<dyn Frozen>, Error>;

    /// Prepares a network for training.
    ///
    /// # Errors
    /// What [`Weights::check`] finds; [`Error::Shape`] where the network does not have one logit.
    fn trainable(&self, network: &Network, weights: &Weights) -> Result<Box<dyn Trainable>, Error>;
}

/// Does an objective return a gradient of each activation's shape?
pub(crate) fn check_seeds(activations: &[Tensor], seeds: &[Tensor]) -> Result<(), Error> {
    let shapes = |of: &[Tensor]| of.iter().map(Tensor::shape).collect::<Vec<_>>();
    let (expected, got) = (shapes(activations), shapes(seeds));
    if expected == got {
        return Ok(());
    }
    Err(Error::Shape {
        what: "the objective's gradient".into(),
        expected: format!("{expected:?}"),
        got: format!("{got:?}"),
    })
}

/// Has a network that is to be trained one logit?
pub(crate) fn check_logit(network: &Network) -> Result<(), Error> {
    if network.outputs() == 1 {
        return Ok(());
    }
    Err(Error::Shape {
        what: "a network to be trained".into(),
        expected: "one logit".into(),
        got: format!("{} logits", network.outputs()),
    })
}

/// Is there a label for each image?
pub(crate) fn check_labels(input: &Tensor, labels: &[f32]) -> Result<(), Error> {
    if labels.len() == input.shape()[0] {
        return Ok(());
    }
    Err(Error::Shape {
        what: "the labels of a batch".into(),
        expected: format!("{}", input.shape()[0]),
        got: format!("{}", labels.len()),
    })
}

/// Is it a batch of colour images, or, where `seen_before`, of the frozen stages' activations?
pub(crate) fn check_batch(input: &Tensor, seen_before: bool) -> Result<(), Error> {
    let [images, .., channels] = input.shape();
    if (channels == 3 || seen_before) && images > 0 {
        return Ok(());
    }
    Err(Error::Shape {
        what: "a training batch".into(),
        expected: "images of 3 channels, or activations of the last frozen stage where the engine takes them"
            .into(),
        got: format!("{:?}", input.shape()),
    })
}
