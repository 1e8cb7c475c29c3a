//! Texture: co-occurrence matrices at any offsets, and their features.
//!
//! Haralick, Shanmugam, Dinstein, *Textural features for image classification*, IEEE Transactions
//! on Systems, Man, and Cybernetics SMC-3(6), 1973.

mod binning;
mod convention;
mod count;
mod eigen;
mod feature;
mod mask;
mod maximal;
mod offset;
mod sums;
mod workspace;

pub use binning::Binning;
pub use convention::{Convention, TextureOptions};
pub(crate) use count::{Table, count};
pub use feature::Feature;
pub(crate) use mask::Selected;
pub use offset::Offset;
pub(crate) use sums::Sums;
pub(crate) use workspace::Matrix;
pub use workspace::{Texture, Workspace, haralick13};
