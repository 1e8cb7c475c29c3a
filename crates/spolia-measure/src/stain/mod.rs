//! Stains of haematoxylin and eosin: estimated, normalised, perturbed.
//!
//! - [`StainBasis`]: the two stains of an image by Macenko et al. (ISBI 2009), and an image
//!   repainted with those of another.
//! - [`Reinhard`]: an image given another's mean and spread of colour, by Reinhard et al. (IEEE
//!   Computer Graphics and Applications 2001).
//! - [`HedChange`]: an image whose stains are a little stronger or weaker, by Tellez et al. (IEEE
//!   Transactions on Medical Imaging 2018), for augmentation.
//!
//! An image whose stains cannot be told (glass, one stain only, pen) is an error that says why:
//! leave such an image as it is, and say so.
//!
//! ```
//! use spolia_measure::stain::{StainBasis, StainOptions};
//!
//! # let rgb: Vec<u8> = (0..64 * 64u32).flat_map(|k| {
//! #     let v = (k.wrapping_mul(2_654_435_761) >> 24) as f64 / 255.0;
//! #     let (h, e) = if k % 2 == 0 { (1.2 + v, 0.1) } else { (0.1, 0.9 + v) };
//! #     [0, 1, 2].map(|c| {
//! #         let [hs, es] = [[0.65, 0.70, 0.29], [0.21, 0.85, 0.48]];
//! #         (240.0 * f64::exp(-(h * hs[c] + e * es[c]))) as u8
//! #     })
//! # }).collect();
//! let options = StainOptions::default();
//! let own = StainBasis::estimate(&rgb, 64, 64, &options)?;
//! let repainted = own.normalise(&StainBasis::REFERENCE, &rgb, 64, 64, options.light)?;
//! assert_eq!(repainted.len(), rgb.len());
//!
//! let glass = StainBasis::estimate(&[250; 64 * 64 * 3], 64, 64, &options);
//! assert!(glass.unwrap_err().to_string().contains("tissue"));
//! # Ok::<(), spolia_measure::Error>(())
//! ```

mod hed;
mod macenko;
mod principal;
mod reinhard;

pub use hed::HedChange;
pub use macenko::{StainBasis, StainOptions};
pub use reinhard::Reinhard;

use crate::Error;
use crate::gray::check_size;

/// Natural optical density of a channel of 8 bits under `light`; 1 is added so that black is
/// finite.
fn density(value: u8, light: f64) -> f64 {
    -((f64::from(value) + 1.0) / light).ln()
}

/// Whether a pixel is tissue: all its channels have at least this density (Macenko et al. 2009).
fn is_tissue(pixel: &[u8], options: &StainOptions) -> bool {
    pixel
        .iter()
        .all(|&value| density(value, options.light) >= options.least_density)
}

/// What `of` makes of each pixel of tissue of an 8-bit RGB image.
///
/// # Errors
/// [`Error::Empty`] or [`Error::Size`] for an image that is none, [`Error::TooLittleTissue`].
fn tissue(
    rgb: &[u8],
    (width, height): (usize, usize),
    options: &StainOptions,
    of: impl Fn(&[u8]) -> [f64; 3],
) -> Result<Vec<[f64; 3]>, Error> {
    check_size(rgb.len(), width, height, 3)?;
    let pixels = rgb.chunks_exact(3);
    let tissue: Vec<[f64; 3]> = pixels
        .filter(|pixel| is_tissue(pixel, options))
        .map(of)
        .collect();
    let needed = options.least_tissue.max(2);
    if tissue.len() < needed {
        return Err(Error::TooLittleTissue {
            pixels: tissue.len(),
            needed,
        });
    }
    Ok(tissue)
}
