//! The default engine: N H W C float32 kernels over a matrix product of its own, which picks AVX-512 or AVX2 at run time.
//!
//! Work is divided by shape alone, never by the number of threads, and every sum has one order; so the same call gives
//! the same bytes on any number of threads.

mod buffers;
mod conv;
mod elementwise;
mod frozen;
mod gather;
mod layers;
#[cfg(test)]
mod naive;
mod norm;
mod parameters;
mod passes;
mod pool;
mod product;
#[cfg(test)]
pub(crate) mod properties;
mod share;
#[cfg(test)]
mod tests;
mod trainable;
mod weight_gradient;
mod windows;
mod winograd;

pub(crate) use self::conv::Floats;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
pub(crate) use self::{elementwise::Affine, norm::Norm, share::Layout};
use crate::{Cut, Engine, Error, Frozen, Network, Trainable, Weights};

/// The CPU engine. Threads: rayon's global pool.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu;

impl Engine for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn frozen(
        &self,
        network: &Network,
        weights: &Weights,
        cut: Cut,
    ) -> Result<Box<dyn Frozen>, Error> {
        Ok(Box::new(frozen::FrozenCpu::new(network, weights, cut)?))
    }

    fn trainable(&self, network: &Network, weights: &Weights) -> Result<Box<dyn Trainable>, Error> {
        Ok(Box::new(trainable::TrainableCpu::new(network, weights)?))
    }
}
