use crate::{Convention, Error, Normalisation};

/// Batch norm (Ioffe and Szegedy 2015). Parameters `NAME.{weight,bias,running_mean,running_var}`.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// Parameter prefix, such as `Mixed_5b.branch1x1.bn`.
    pub name: String,
    /// Channels.
    pub channels: usize,
    /// What is added to the variance.
    pub epsilon: f32,
}

/// A convolution, and the batch norm and ReLU behind it where there are any. Parameters `NAME.weight` (O I H W) and
/// `NAME.bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Parameter prefix, such as `Mixed_5b.branch1x1.conv`.
    pub name: String,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Step, rows and columns alike.
    pub stride: usize,
    /// Zeros around the input, rows and columns.
    pub padding: [usize; 2],
    /// Is a bias added?
    pub bias: bool,
    /// Batch norm behind it.
    pub norm: Option<BatchNorm>,
    /// Is a ReLU behind it?
    pub relu: bool,
}

/// The window of a pool: a square `size` moved by `stride`, with `padding` around the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Side, pixels.
    pub size: usize,
    /// Step, pixels.
    pub stride: usize,
    /// Padding, pixels.
    pub padding: usize,
    /// Does a last window that only partly lies on the input count (PyTorch's `ceil_mode`)?
    pub partial: bool,
}

/// One operation of a stage.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Convolution, with the batch norm and ReLU behind it.
    Conv(Conv),
    /// Batch norm and ReLU by themselves, in front of a convolution ("pre-activation", He et al. 2016, "Identity
    /// Mappings in Deep Residual Networks").
    NormRelu(BatchNorm),
    /// Maximum over a window.
    MaxPool(Window),
    /// Mean over a window.
    AveragePool {
        /// The window.
        window: Window,
        /// Whether padding counts as zeros in the mean (torchvision) or is left out (Keras).
        count_padding: bool,
    },
    /// Paths that start from the same input; their outputs are joined along the channels.
    Concat(Vec<Vec<Op>>),
    /// `relu(path(x) + shortcut(x))` (He et al. 2016, "Deep Residual Learning for Image Recognition", equation 1).
    Residual {
        /// The residual function.
        path: Vec<Op>,
        /// What brings the input to the path's shape; empty: the input itself.
        shortcut: Vec<Op>,
    },
    /// Dense connections (Huang et al. 2017, "Densely Connected Convolutional Networks", equation 2): each path reads
    /// the input and the outputs of all paths before it, joined along the channels; its own output joins them.
    Dense(Vec<Vec<Op>>),
    /// Mean over rows and columns: 1 x 1 x channels.
    GlobalAverage,
    /// A linear layer on 1 x 1 x channels. Parameters `NAME.weight` (outputs, inputs) and `NAME.bias`.
    Linear {
        /// Parameter prefix.
        name: String,
        /// Input channels.
        inputs: usize,
        /// Outputs.
        outputs: usize,
    },
}

/// A named part of the path.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The field's name: TF-slim's or torchvision's.
    pub name: &'static str,
    /// Its operations, in order.
    pub ops: Vec<Op>,
}

/// A stage's place in its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageId(pub(crate) usize);

/// An architecture: a path of named stages.
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) architecture: &'static str,
    pub(crate) convention: Convention,
    pub(crate) stages: Vec<Stage>,
    pub(crate) least_side: usize,
    pub(crate) resolve: fn(&str) -> Option<&'static str>,
    pub(crate) normalisation: Normalisation,
    /// Parameter prefix of the classification layer, and its outputs where there is one.
    pub(crate) head: &'static str,
    pub(crate) outputs: Option<usize>,
}

impl Network {
    /// The architecture's name, such as `inception_v3`; see [`ARCHITECTURES`](crate::ARCHITECTURES).
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// What its weights mean.
    #[must_use]
    pub fn convention(&self) -> Convention {
        self.convention
    }

    /// How 8-bit RGB becomes the network's input.
    #[must_use]
    pub fn normalisation(&self) -> &Normalisation {
        &self.normalisation
    }

    /// Parameter prefix of the classification layer, such as `fc`, whether or not the network has it.
    #[must_use]
    pub fn head(&self) -> &'static str {
        self.head
    }

    /// Is this a parameter of the classification layer?
    #[must_use]
    pub fn is_head(&self, parameter: &str) -> bool {
        parameter
            .strip_prefix(self.head)
            .is_some_and(|rest| rest.starts_with('.'))
    }

    /// The smallest image side it takes, pixels.
    #[must_use]
    pub fn least_side(&self) -> usize {
        self.least_side
    }

    /// The stages in order.
    pub fn stages(&self) -> impl Iterator<Item = (StageId, &Stage)> {
        self.stages.iter().enumerate().map(|(i, s)| (StageId(i), s))
    }

    /// The stage of that name or alias (case and underscores do not matter).
    ///
    /// # Errors
    /// [`Error::UnknownStage`], which lists the names.
    pub fn stage(&self, name: &str) -> Result<StageId, Error> {
        (self.resolve)(name)
            .and_then(|n| self.stages.iter().position(|s| s.name == n))
            .map(StageId)
            .ok_or_else(|| Error::UnknownStage {
                name: name.into(),
                architecture: self.architecture.into(),
                known: self
                    .stages
                    .iter()
                    .map(|s| s.name)
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// The name of a stage.
    #[must_use]
    pub fn name(&self, stage: StageId) -> &'static str {
        self.stages[stage.0].name
    }

    /// The last stage: the logits where the network has a classification layer, else the pooled features.
    #[must_use]
    pub fn last(&self) -> StageId {
        StageId(self.stages.len() - 1)
    }

    /// Output channels of a stage.
    #[must_use]
    pub fn channels(&self, stage: StageId) -> usize {
        self.stages[..=stage.0]
            .iter()
            .fold(3, |c, s| width(&s.ops, c))
    }

    /// Number of logits, 0 without a classification layer.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs.unwrap_or(0)
    }

    /// Every parameter and statistic by name, with its shape in PyTorch's order, path order.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        self.stages
            .iter()
            .flat_map(|s| stage_parameters(&s.ops))
            .collect()
    }

    /// The parameters of one stage.
    #[must_use]
    pub fn stage_parameters(&self, stage: StageId) -> Vec<(String, Vec<usize>)> {
        stage_parameters(&self.stages[stage.0].ops)
    }
}

/// Channels after a path that gets `channels`.
fn width(ops: &[Op], channels: usize) -> usize {
    ops.iter().fold(channels, |c, op| match op {
        Op::Conv(conv) => conv.outputs,
        Op::Concat(paths) => paths.iter().map(|p| width(p, c)).sum(),
        Op::Residual { path, .. } => width(path, c),
        Op::Dense(paths) => paths.iter().fold(c, |c, p| c + width(p, c)),
        Op::Linear { outputs, .. } => *outputs,
        Op::NormRelu(_) | Op::MaxPool(_) | Op::AveragePool { .. } | Op::GlobalAverage => c,
    })
}

fn norm_parameters(norm: &BatchNorm) -> impl Iterator<Item = (String, Vec<usize>)> {
    ["weight", "bias", "running_mean", "running_var"]
        .into_iter()
        .map(|part| (format!("{}.{part}", norm.name), vec![norm.channels]))
}

fn stage_parameters(ops: &[Op]) -> Vec<(String, Vec<usize>)> {
    let mut all = Vec::new();
    for op in ops {
        match op {
            Op::Conv(c) => {
                let kernel = vec![c.outputs, c.inputs, c.kernel[0], c.kernel[1]];
                all.push((format!("{}.weight", c.name), kernel));
                if c.bias {
                    all.push((format!("{}.bias", c.name), vec![c.outputs]));
                }
                all.extend(c.norm.iter().flat_map(norm_parameters));
            }
            Op::NormRelu(norm) => all.extend(norm_parameters(norm)),
            Op::Linear {
                name,
                inputs,
                outputs,
            } => {
                all.push((format!("{name}.weight"), vec![*outputs, *inputs]));
                all.push((format!("{name}.bias"), vec![*outputs]));
            }
            Op::Concat(paths) | Op::Dense(paths) => {
                all.extend(paths.iter().flat_map(|p| stage_parameters(p)));
            }
            Op::Residual { path, shortcut } => {
                all.extend(stage_parameters(path));
                all.extend(stage_parameters(shortcut));
            }
            Op::MaxPool(_) | Op::AveragePool { .. } | Op::GlobalAverage => {}
        }
    }
    all
}
