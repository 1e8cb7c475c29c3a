//! Attention maps: where in a patch a logit comes from, how far a map can be trusted, and what it falls on.
//!
//! - [`Method`]: Grad-CAM, Grad-CAM++, XGrad-CAM, LayerCAM, HiResCAM, Eigen-CAM, Score-CAM, integrated gradients,
//!   occlusion; [`maps`] at one layer, [`Path`] at one or several, for any class and with [`Options`].
//! - [`faithfulness`]: whether the network's answer depends on what a map points at.
//! - [`localization`]: whether a map falls on what a mask marks; [`random_map`], [`centre_map`] and [`stain_map`] are what
//!   it has to beat.
//! - [`sanity`]: whether maps change when the weights are made random.
//! - [`atypia`]: whether attention rises with how atypical a nucleus is.
//!
//! Gradients are of the logit, before sigmoid or softmax. With one logit, that of the class `normal` (0) is the
//! negative of the logit. No method changes a weight, and the same call gives the same bytes.
//!
//! ```
//! use spolia_interpret::attention::Method;
//! # fn main() -> Result<(), spolia_interpret::Error> {
//! // 1 x 2 pixels with two channels; only the first channel raises the logit.
//! let map = Method::GradCam.map(&[1.0, 5.0, 3.0, 5.0], &[0.5, 0.0, 0.5, 0.0], [1, 2, 2])?;
//! assert_eq!(map.values, [0.5, 1.5]);
//! # Ok(())
//! # }
//! ```

pub mod atypia;
mod baseline;
mod colours;
mod eigen_cam;
mod enlarge;
pub mod faithfulness;
mod fuse;
mod grad_cam;
mod grad_cam_pp;
mod hires_cam;
mod integrated_gradients;
mod layer_cam;
pub mod localization;
mod map;
mod maps;
mod method;
mod occlusion;
mod overlay;
mod path;
pub mod sanity;
mod score_cam;
mod summary;
mod x_grad_cam;

pub use baseline::{centre_map, random_map, stain_map};
pub use colours::ColourMap;
pub use enlarge::Picture;
pub use fuse::fused;
pub use map::Map;
pub use maps::{Attention, maps};
pub use method::{Compat, Method, Options};
pub use overlay::{Drawing, overlay};
pub use path::Path;
pub use summary::{Mean, mean_over_groups};

/// The example of the methods' tests: rows x columns x channels of A = [[[1, 2], [3, 4]], [[0, 1], [0, 2]]] and
/// g = [[[.1, .2], [-.1, .05]], [[.3, -.2], [0, .1]]] (channels first).
#[cfg(test)]
fn golden() -> ([f32; 8], [f32; 8]) {
    (
        [1.0, 0.0, 2.0, 1.0, 3.0, 0.0, 4.0, 2.0],
        [0.1, 0.3, 0.2, -0.2, -0.1, 0.0, 0.05, 0.1],
    )
}
