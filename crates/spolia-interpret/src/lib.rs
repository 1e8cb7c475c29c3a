//! Looking into a network that has learnt: one module per method.
//!
//! - [`visualize`]: the image that excites a channel most (feature visualization).
//! - [`attention`]: where in a patch a logit comes from (Grad-CAM, Grad-CAM++).
//! - [`concepts`]: how much of what can be measured in a patch a layer encodes (regression concept vectors).
//! - [`drift`]: how far a layer's answers and weights moved from one network to another.
//!
//! Methods ask an engine of `spolia-network` for activations and gradients and do not know which engine it is. All of
//! them give the same numbers for the same inputs and seed, whatever the number of threads.
//!
//! ```
//! use spolia_interpret::visualize::{Settings, render};
//! use spolia_network::{Convention, Cpu, Initialisation, inception_v3, initialise};
//! # fn main() -> Result<(), spolia_interpret::Error> {
//! let network = inception_v3(Convention::Keras, None);
//! let weights = initialise(&network, Initialisation::Xavier, 7);
//! let layer = network.stage("Conv2d_2a_3x3")?;
//! let settings = Settings { size: 75, steps: Some(3), ..Settings::default() };
//! let images = render(&Cpu, &network, &weights, layer, &[0, 4], &settings, &mut |_| true)?;
//! assert_eq!(images[1].channel, 4);
//! assert_eq!(images[1].rgb.len(), 75 * 75 * 3);
//! assert_eq!(images[1].curve.len(), 3);
//! # Ok(())
//! # }
//! ```

pub mod attention;
pub mod concepts;
pub mod drift;
mod error;
pub mod visualize;

pub use error::Error;
