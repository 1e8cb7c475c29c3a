use crate::{Convention, Error};

/// A convolution without bias, followed by batch norm and ReLU. Parameters `NAME.conv.weight` (O I H W) and
/// `NAME.bn.{weight,bias,running_mean,running_var}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Parameter prefix, such as `Mixed_5b.branch1x1`.
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
}

/// One operation of a stage.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Convolution, batch norm, ReLU.
    Conv(Conv),
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
    /// TF-slim's / torchvision's name.
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
}

/// Batch norm's epsilon in both conventions.
pub(crate) const EPSILON: f32 = 1e-3;

impl Network {
    /// The architecture's name, such as `inception_v3`.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// What its weights mean.
    #[must_use]
    pub fn convention(&self) -> Convention {
        self.convention
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

    /// The last stage: `logits` where the network has a classification layer, else `pool`.
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
        match self.stages.last().and_then(|s| s.ops.last()) {
            Some(Op::Linear { outputs, .. }) => *outputs,
            _ => 0,
        }
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
        Op::Linear { outputs, .. } => *outputs,
        Op::MaxPool(_) | Op::AveragePool { .. } | Op::GlobalAverage => c,
    })
}

fn stage_parameters(ops: &[Op]) -> Vec<(String, Vec<usize>)> {
    let mut all = Vec::new();
    for op in ops {
        match op {
            Op::Conv(c) => {
                all.push((
                    format!("{}.conv.weight", c.name),
                    vec![c.outputs, c.inputs, c.kernel[0], c.kernel[1]],
                ));
                for part in ["weight", "bias", "running_mean", "running_var"] {
                    all.push((format!("{}.bn.{part}", c.name), vec![c.outputs]));
                }
            }
            Op::Linear {
                name,
                inputs,
                outputs,
            } => {
                all.push((format!("{name}.weight"), vec![*outputs, *inputs]));
                all.push((format!("{name}.bias"), vec![*outputs]));
            }
            Op::Concat(paths) => all.extend(paths.iter().flat_map(|p| stage_parameters(p))),
            Op::MaxPool(_) | Op::AveragePool { .. } | Op::GlobalAverage => {}
        }
    }
    all
}
