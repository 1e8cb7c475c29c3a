//! Convolutional networks as a path of named stages.
//!
//! A [`Network`] is a declarative graph: a list of [`Stage`]s, each turning one activation into the next.
//! It can be cut after any stage, so a method that needs the head up to a layer, the tail behind it, or several
//! layers at once asks for a [`Cut`] and gets an executable of exactly that. [`Weights`] hold the numbers under
//! torchvision's parameter names, and an [`Engine`] does the arithmetic; no method knows which engine runs.
//!
//! ```
//! use spolia_network::{Convention, Cpu, Cut, Engine, Initialisation, Tensor, initialise, inception_v3};
//! # fn main() -> Result<(), spolia_network::Error> {
//! let network = inception_v3(Convention::Keras, Some(1));
//! let weights = initialise(&network, Initialisation::Xavier, 7);
//! let layer = network.stage("mixed5b")?;
//! let mut head = Cpu::default().frozen(&network, &weights, Cut::to(layer))?;
//! let image = Tensor::zeros([1, 96, 96, 3]); // N H W C, values x/127.5-1
//! let activations = head.forward(&image, &[layer])?;
//! assert_eq!(activations[0].shape(), [1, 9, 9, 256]);
//! # Ok(())
//! # }
//! ```

mod architectures;
mod convention;
mod cost;
pub mod cpu;
mod device;
mod engine;
mod error;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
pub mod gpu;
mod graph;
mod initialise;
mod memory;
mod normalisation;
mod plan;
mod profile;
mod receptive_field;
mod schedule;
mod tensor;
pub mod training;
pub mod weights;

pub use architectures::{
    ARCHITECTURES, STAGES, architecture, conventions, inception_v3, stage_name,
};
pub use convention::Convention;
pub use cost::TrainingCost;
pub use cpu::Cpu;
pub use device::Device;
pub use engine::{Cut, Engine, Frozen, Objective, ReluGradient, Sgd, Trainable};
pub use error::Error;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
pub use gpu::Gpu;
pub use graph::{BatchNorm, Conv, Network, Op, Stage, StageId, Window};
pub use initialise::{Initialisation, initialise, keep_batch_norm, keep_until, mean_var, shuffled};
pub use memory::Memory;
pub use normalisation::Normalisation;
pub use profile::{Profile, StageProfile, Work};
pub use receptive_field::ReceptiveField;
pub use tensor::Tensor;
pub use weights::{Metadata, WeightTensor, Weights};
