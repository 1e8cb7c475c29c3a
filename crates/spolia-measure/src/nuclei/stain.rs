//! From colour to the haematoxylin stain: colour deconvolution.

use std::sync::LazyLock;

use crate::Error;
use crate::colour::UNMIXING;
use crate::gray::check_size;

/// Row `v`: optical density of the 8-bit value `v`; black counts as 1, so that it is finite.
static OPTICAL_DENSITY: LazyLock<[f32; 256]> =
    LazyLock::new(|| std::array::from_fn(|v| -(v.max(1) as f64 / 255.0).log10() as f32));

/// Weights of the red, green and blue density in the amount of haematoxylin.
const HAEMATOXYLIN: [f32; 3] = [
    UNMIXING[0][0] as f32,
    UNMIXING[1][0] as f32,
    UNMIXING[2][0] as f32,
];

/// Haematoxylin optical density (decadic) of every pixel of an 8-bit RGB image, row-major.
///
/// Beer-Lambert: the density of a channel is -log10(value / 255), where black counts as 1/255; the
/// three densities are a sum of stains, solved for haematoxylin with the vectors of Ruifrok and
/// Johnston (2001). Less than none becomes 0. `skimage.color.rgb2hed` gives a sixth of it.
///
/// # Errors
/// [`Error::Empty`] for a side of zero, [`Error::Size`] for a buffer of another length.
pub fn haematoxylin(rgb: &[u8], width: usize, height: usize) -> Result<Vec<f32>, Error> {
    check_size(rgb.len(), width, height, 3)?;
    let density = &*OPTICAL_DENSITY;
    Ok(rgb
        .chunks_exact(3)
        .map(|pixel| {
            let channels = pixel.iter().zip(HAEMATOXYLIN);
            let sum: f32 = channels.map(|(&v, w)| density[usize::from(v)] * w).sum();
            sum.max(0.0)
        })
        .collect())
}
