//! A cut of a network laid out for one image size: a flat list of steps over numbered buffers. A concatenation costs
//! nothing: its branches write into channel ranges of one buffer.

use crate::{
    Cut, Error, Network, StageId,
    graph::{BatchNorm, Conv, Op, Window},
};

/// Channels `offset .. offset + channels` of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub buffer: usize,
    pub offset: usize,
    pub channels: usize,
}

/// Rows, columns and channels of a buffer, per image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Indices into [`Plan::convs`] and [`Plan::norms`]; is its ReLU applied?
    Conv {
        index: usize,
        norm: Option<usize>,
        relu: bool,
    },
    /// Index into [`Plan::norms`]; is its ReLU applied?
    Norm {
        index: usize,
        relu: bool,
    },
    /// Adds the source to what the target holds already.
    Add {
        relu: bool,
    },
    Copy,
    Max {
        window: Window,
    },
    Average {
        window: Window,
        count_padding: bool,
    },
    GlobalAverage,
    /// Index into [`Plan::linears`].
    Linear {
        index: usize,
    },
}

impl Action {
    /// Does it end with a ReLU?
    pub fn relu(self) -> bool {
        match self {
            Self::Conv { relu, .. } | Self::Norm { relu, .. } | Self::Add { relu } => relu,
            _ => false,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub stage: StageId,
    pub action: Action,
    pub source: View,
    pub target: View,
}

pub(crate) struct Plan {
    pub buffers: Vec<Area>,
    pub steps: Vec<Step>,
    pub convs: Vec<Conv>,
    pub norms: Vec<BatchNorm>,
    /// Name, inputs, outputs.
    pub linears: Vec<(String, usize, usize)>,
    /// The buffer that holds each stage's activation, of the stages in the cut (the input's stage too).
    pub stages: Vec<(StageId, usize)>,
    /// The stage that is laid out.
    at: StageId,
}

impl Plan {
    /// Lays out `cut` for inputs of `height` x `width`.
    pub fn new(network: &Network, cut: Cut, height: usize, width: usize) -> Result<Self, Error> {
        let first = cut.from.map_or(0, |s| s.0 + 1);
        let channels = cut.from.map_or(3, |s| network.channels(s));
        let mut plan = Self {
            buffers: vec![Area {
                height,
                width,
                channels,
            }],
            steps: Vec::new(),
            convs: Vec::new(),
            norms: Vec::new(),
            linears: Vec::new(),
            stages: Vec::new(),
            at: cut.to,
        };
        if cut.from.is_none() && height.min(width) < network.least_side() {
            return Err(plan.too_small(network));
        }
        plan.stages.extend(cut.from.map(|s| (s, 0)));
        let mut at = View {
            buffer: 0,
            offset: 0,
            channels,
        };
        for (id, stage) in network
            .stages()
            .skip(first)
            .take_while(|(id, _)| *id <= cut.to)
        {
            plan.at = id;
            at = plan
                .path(&stage.ops, at, None, cut.linear_end && id == cut.to)
                .map_err(|()| plan.too_small(network))?;
            plan.stages.push((id, at.buffer));
        }
        Ok(plan)
    }

    /// Lays out `cut` for an input of `shape`.
    ///
    /// # Errors
    /// As [`Plan::new`]; [`Error::Shape`] where the input has other channels.
    pub fn for_input(network: &Network, cut: Cut, shape: [usize; 4]) -> Result<Self, Error> {
        let [_, height, width, channels] = shape;
        let plan = Self::new(network, cut, height, width)?;
        if plan.buffers[0].channels == channels {
            return Ok(plan);
        }
        Err(Error::Shape {
            what: "the network's input".into(),
            expected: format!("{} channels", plan.buffers[0].channels),
            got: format!("{channels}"),
        })
    }

    /// Which buffer each tap is.
    ///
    /// # Errors
    /// [`Error::UnknownStage`] where a tap lies outside of the cut.
    pub fn buffers_of(&self, network: &Network, taps: &[StageId]) -> Result<Vec<usize>, Error> {
        let names = || self.stages.iter().map(|(s, _)| network.name(*s));
        taps.iter()
            .map(|&tap| {
                self.buffer_of(tap).ok_or_else(|| Error::UnknownStage {
                    name: network.name(tap).into(),
                    architecture: format!(
                        "the part of {} that was cut out",
                        network.architecture()
                    ),
                    known: names().collect::<Vec<_>>().join(", "),
                })
            })
            .collect()
    }

    fn too_small(&self, network: &Network) -> Error {
        Error::TooSmall {
            width: self.buffers[0].width,
            height: self.buffers[0].height,
            architecture: network.architecture().into(),
            least: network.least_side(),
        }
    }

    /// The convolutions, each with the index of the batch norm behind it.
    pub fn convs(&self) -> impl Iterator<Item = (&Conv, Option<usize>)> {
        self.steps.iter().filter_map(|step| match step.action {
            Action::Conv { index, norm, .. } => Some((&self.convs[index], norm)),
            _ => None,
        })
    }

    /// The buffer of a stage's activation.
    fn buffer_of(&self, stage: StageId) -> Option<usize> {
        self.stages
            .iter()
            .find(|(s, _)| *s == stage)
            .map(|(_, b)| *b)
    }

    /// Lays out `ops` from `source`; into `target` where given, else into a new buffer. `linear`: the last
    /// convolutions go without their ReLU.
    fn path(
        &mut self,
        ops: &[Op],
        source: View,
        target: Option<View>,
        linear: bool,
    ) -> Result<View, ()> {
        let mut at = source;
        for (i, op) in ops.iter().enumerate() {
            let last = i + 1 == ops.len();
            at = self.op(op, at, if last { target } else { None }, linear && last)?;
        }
        Ok(at)
    }

    fn push(&mut self, action: Action, source: View, target: View) {
        self.steps.push(Step {
            stage: self.at,
            action,
            source,
            target,
        });
    }

    fn norm(&mut self, norm: &BatchNorm) -> usize {
        self.norms.push(norm.clone());
        self.norms.len() - 1
    }

    fn op(
        &mut self,
        op: &Op,
        source: View,
        target: Option<View>,
        linear: bool,
    ) -> Result<View, ()> {
        let from = self.buffers[source.buffer];
        let (height, width, channels) =
            extent(op, (from.height, from.width, source.channels)).ok_or(())?;
        let target = target.unwrap_or_else(|| {
            self.buffers.push(Area {
                height,
                width,
                channels,
            });
            View {
                buffer: self.buffers.len() - 1,
                offset: 0,
                channels,
            }
        });
        let action = match op {
            Op::Concat(paths) => {
                let mut offset = target.offset;
                for path in paths {
                    let extent =
                        path_extent(path, (from.height, from.width, source.channels)).ok_or(())?;
                    let part = View {
                        buffer: target.buffer,
                        offset,
                        channels: extent.2,
                    };
                    self.path(path, source, Some(part), linear)?;
                    offset += extent.2;
                }
                return Ok(target);
            }
            Op::Residual { path, shortcut } => {
                // The shortcut first: its buffer is then at rest when the path's end is added to it.
                let beside = self.path(shortcut, source, None, false)?;
                self.path(path, source, Some(target), false)?;
                self.push(Action::Add { relu: !linear }, beside, target);
                return Ok(target);
            }
            Op::Dense(paths) => {
                let mut seen = View {
                    channels: source.channels,
                    ..target
                };
                self.push(Action::Copy, source, seen);
                for path in paths {
                    let (.., channels) =
                        path_extent(path, (from.height, from.width, seen.channels)).ok_or(())?;
                    let part = View {
                        buffer: target.buffer,
                        offset: seen.offset + seen.channels,
                        channels,
                    };
                    self.path(path, seen, Some(part), linear)?;
                    seen.channels += channels;
                }
                return Ok(target);
            }
            Op::Conv(conv) => {
                self.convs.push(conv.clone());
                let norm = conv.norm.as_ref().map(|norm| self.norm(norm));
                Action::Conv {
                    index: self.convs.len() - 1,
                    norm,
                    relu: conv.relu && !linear,
                }
            }
            Op::NormRelu(norm) => Action::Norm {
                index: self.norm(norm),
                relu: !linear,
            },
            Op::MaxPool(window) => Action::Max { window: *window },
            Op::AveragePool {
                window,
                count_padding,
            } => Action::Average {
                window: *window,
                count_padding: *count_padding,
            },
            Op::GlobalAverage => Action::GlobalAverage,
            Op::Linear {
                name,
                inputs,
                outputs,
            } => {
                self.linears.push((name.clone(), *inputs, *outputs));
                Action::Linear {
                    index: self.linears.len() - 1,
                }
            }
        };
        self.push(action, source, target);
        Ok(target)
    }
}

/// Positions of a window that moves over `size` pixels with `padding` on both sides; `None` where it does not fit.
fn positions(size: usize, window: usize, stride: usize, padding: usize) -> Option<usize> {
    let room = (size + 2 * padding).checked_sub(window)?;
    Some(room / stride + 1)
}

/// [`positions`] of a pool's window. A partial last window must begin on the input or the padding before it.
fn pooled(size: usize, window: &Window) -> Option<usize> {
    let whole = positions(size, window.size, window.stride, window.padding)?;
    let rest = size + 2 * window.padding - window.size - (whole - 1) * window.stride;
    let begins = whole * window.stride < size + window.padding;
    Some(whole + usize::from(window.partial && rest > 0 && begins))
}

/// Rows, columns and channels after an operation; `None` where its window does not fit.
fn extent(op: &Op, (h, w, c): (usize, usize, usize)) -> Option<(usize, usize, usize)> {
    match op {
        Op::Conv(k) => Some((
            positions(h, k.kernel[0], k.stride, k.padding[0])?,
            positions(w, k.kernel[1], k.stride, k.padding[1])?,
            k.outputs,
        )),
        Op::MaxPool(p) | Op::AveragePool { window: p, .. } => {
            Some((pooled(h, p)?, pooled(w, p)?, c))
        }
        Op::Concat(paths) => {
            let parts: Option<Vec<_>> = paths.iter().map(|p| path_extent(p, (h, w, c))).collect();
            let parts = parts?;
            let first = parts.first()?;
            Some((first.0, first.1, parts.iter().map(|p| p.2).sum()))
        }
        Op::Residual { path, .. } => path_extent(path, (h, w, c)),
        Op::Dense(paths) => paths.iter().try_fold((h, w, c), |(h, w, c), path| {
            Some((h, w, c + path_extent(path, (h, w, c))?.2))
        }),
        Op::NormRelu(_) => Some((h, w, c)),
        Op::GlobalAverage => Some((1, 1, c)),
        Op::Linear { outputs, .. } => Some((1, 1, *outputs)),
    }
}

fn path_extent(ops: &[Op], from: (usize, usize, usize)) -> Option<(usize, usize, usize)> {
    ops.iter().try_fold(from, |e, op| extent(op, e))
}
