//! Arguments of every command that runs a network.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spolia_network::{Convention, Device};

use crate::engine;
use crate::jobs::model::Model;

/// The network's weights and where it runs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Weights file.
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// What the weights were trained with: keras or torchvision [default: what the file says].
    #[arg(long, value_name = "C")]
    pub convention: Option<Convention>,
    /// Where it runs.
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl NetworkArgs {
    /// The network of the weights, to run on the device.
    ///
    /// # Errors
    /// As [`Model::load`] and [`engine::choose`].
    pub fn model(&self) -> miette::Result<Model> {
        self.device.choose()?;
        Model::load(&self.weights, self.convention)
    }
}

/// Where networks run.
#[derive(Debug, Clone, Copy, Args)]
pub struct DeviceArgs {
    /// Where networks run.
    #[arg(long, value_enum, default_value_t = Choice::Cpu)]
    device: Choice,
}

/// What `--device` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// The processor.
    Cpu,
    /// An NVIDIA GPU, where this build has the feature `cuda`.
    Cuda,
    /// Any GPU by Vulkan, Metal or DirectX, where this build has the feature `wgpu`.
    Wgpu,
    /// The fastest of them that works here; `spolia doctor` says which.
    Auto,
}

impl DeviceArgs {
    /// Lets the networks of this process run there.
    ///
    /// # Errors
    /// As [`engine::choose`].
    pub fn choose(self) -> miette::Result<()> {
        engine::choose(match self.device {
            Choice::Cpu => Device::Cpu,
            Choice::Cuda => Device::Cuda,
            Choice::Wgpu => Device::Wgpu,
            Choice::Auto => Device::automatic(),
        })
    }
}
