use std::path::PathBuf;

use crate::Convention;

/// What can go wrong with a network, its weights or its engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A stage name that the architecture does not have.
    #[error("no layer `{name}` in {architecture}; its layers are {known}")]
    UnknownStage {
        /// The name as written.
        name: String,
        /// The architecture.
        architecture: String,
        /// All stage names, separated by commas.
        known: String,
    },
    /// An architecture's name is wrong.
    #[error("no architecture `{name}`; there are {known}")]
    UnknownArchitecture {
        /// The name as written.
        name: String,
        /// All names, separated by commas.
        known: String,
    },
    /// Weights of an architecture do not come in that convention.
    #[error(
        "weights of {architecture} do not come in the convention `{convention}`; known are {known}"
    )]
    ConventionOfArchitecture {
        /// The architecture.
        architecture: String,
        /// The convention asked for.
        convention: Convention,
        /// Its conventions, separated by commas.
        known: String,
    },
    /// It cannot be seen of which architecture weights are.
    #[error(
        "{file}: its tensors belong to no known architecture ({known}), and the file names none; check that it is a weights file of one of them"
    )]
    NoArchitecture {
        /// The weights file.
        file: String,
        /// All names, separated by commas.
        known: String,
    },
    /// Tensors that the architecture does not have.
    #[error(
        "{file}: {count} tensors that {architecture} does not have, first `{tensor}`; the file is of another architecture or a variant of it"
    )]
    UnexpectedTensor {
        /// The weights file, or where the weights come from.
        file: String,
        /// First such tensor.
        tensor: String,
        /// How many there are.
        count: usize,
        /// The architecture asked for.
        architecture: String,
    },
    /// The network has no batch norm whose statistics could be kept.
    #[error("{architecture} has no batch norm, so there are no statistics to keep")]
    NoBatchNorm {
        /// The architecture.
        architecture: String,
    },
    /// Every stage with parameters is frozen.
    #[error("no stage behind `{stage}` has parameters to train; freeze fewer stages")]
    NothingToTrain {
        /// The last frozen stage.
        stage: String,
    },
    /// The image is smaller than the network takes.
    #[error(
        "an image of {width}x{height} px is smaller than {architecture} takes ({least} px); use a larger one"
    )]
    TooSmall {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// The architecture.
        architecture: String,
        /// Its least side, pixels.
        least: usize,
    },
    /// An array of another shape than the network needs.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// Which array.
        what: String,
        /// Expected shape.
        expected: String,
        /// Shape found.
        got: String,
    },
    /// A parameter is missing from a weights file.
    #[error(
        "{file}: {count} of the network's tensors missing, first `{tensor}`; the file is incomplete or of another architecture than {architecture}"
    )]
    MissingTensor {
        /// The weights file, or where the weights come from.
        file: String,
        /// First missing tensor.
        tensor: String,
        /// How many are missing.
        count: usize,
        /// The architecture asked for.
        architecture: String,
    },
    /// A parameter has another shape than the architecture's.
    #[error(
        "{file}: tensor `{tensor}` has shape {got:?}, {architecture} needs {expected:?}; the file is of another architecture, or was written with its axes in another order: convert the original again with `spolia weights convert`"
    )]
    TensorShape {
        /// The weights file, or where the weights come from.
        file: String,
        /// The tensor.
        tensor: String,
        /// Expected shape.
        expected: Vec<usize>,
        /// Shape found.
        got: Vec<usize>,
        /// The architecture asked for.
        architecture: String,
    },
    /// A parameter is NaN or infinite.
    #[error(
        "{file}: tensor `{tensor}` holds {value} at position {position}; the file is damaged or its training diverged, use an earlier checkpoint"
    )]
    NotFinite {
        /// The weights file, or where the weights come from.
        file: String,
        /// The tensor.
        tensor: String,
        /// Flat index of the first such value.
        position: usize,
        /// NaN or inf.
        value: f32,
    },
    /// The network has no classification layer.
    #[error(
        "{file}: the weights have no classification layer (`fc.weight`), so there are no logits; finetune them first, or ask for a layer up to `pool`"
    )]
    NoHead {
        /// The weights file, or where the weights come from.
        file: String,
    },
    /// The weight source's convention is not known.
    #[error(
        "{file}: it is not written in the file whether its weights follow the `keras` or the `torchvision` convention; say which with --convention"
    )]
    NoConvention {
        /// The weights file.
        file: String,
    },
    /// A convention's name is wrong.
    #[error("no convention `{name}`; there are `keras`, `torchvision` and `caffe`")]
    UnknownConvention {
        /// The name as written.
        name: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}; check the path and its permissions", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A weights file that cannot be understood.
    #[error("{}: not a readable {format} file: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format tried.
        format: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Training produced a loss that is no number.
    #[error(
        "the loss is {loss} at step {step}: training diverged; lower the learning rate (now {learning_rate})"
    )]
    Diverged {
        /// Step, from 0.
        step: u64,
        /// The loss.
        loss: f32,
        /// The learning rate.
        learning_rate: f64,
    },
    /// A device's name is wrong.
    #[error("no device `{name}`; there are {known}")]
    UnknownDevice {
        /// The name as written.
        name: String,
        /// All names, separated by commas.
        known: String,
    },
    /// This build has no engine for a device.
    #[error(
        "this spolia was built without the {device} engine; build it with `cargo build --release --features {device}`, or use --device cpu"
    )]
    NotBuilt {
        /// `cuda` or `wgpu`.
        device: &'static str,
    },
    /// There is no such device on this machine, or it cannot be used.
    #[error(
        "no {device} device can be used: {reason}; `spolia doctor` lists the devices, --device cpu always works"
    )]
    NoDevice {
        /// `cuda` or `wgpu`.
        device: &'static str,
        /// What is missing, and what to do.
        reason: String,
    },
    /// A device failed at work.
    #[error(
        "the {device} engine failed: {reason}; where its memory was too small, a smaller batch helps, and --device cpu always works"
    )]
    Device {
        /// `cuda` or `wgpu`.
        device: &'static str,
        /// What the driver says.
        reason: String,
    },
    /// An activation with more values than a device's kernels can number.
    #[error(
        "an activation of {values} values is more than the {device} engine numbers; use a smaller batch"
    )]
    TooLarge {
        /// `cuda` or `wgpu`.
        device: &'static str,
        /// Its values.
        values: usize,
    },
    /// A download failed.
    #[error("{url}: {reason}")]
    Download {
        /// What was asked for.
        url: String,
        /// What went wrong, and what to do.
        reason: String,
    },
}
