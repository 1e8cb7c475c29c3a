//! Looking into a network that has learnt: one module per method.
//!
//! - [`visualize`]: the image that excites a channel most (feature visualization).
//! - [`attention`]: where in a patch a logit comes from (Grad-CAM, Grad-CAM++).
//! - [`concepts`]: how much of what can be measured in a patch a layer encodes (regression concept vectors).
//!
//! Methods ask an engine of `spolia-network` for activations and gradients and do not know which engine it is. All of
//! them give the same numbers for the same inputs and seed, whatever the number of threads.

pub mod attention;
pub mod concepts;
mod error;
pub mod visualize;

pub use error::Error;
