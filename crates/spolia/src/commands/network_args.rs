//! Arguments of every command that runs a network.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spolia_network::Convention;

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
    /// Where the network runs.
    #[arg(long, value_enum, default_value_t = Device::Cpu)]
    pub device: Device,
}

/// Devices of this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Device {
    /// The processor.
    Cpu,
}
