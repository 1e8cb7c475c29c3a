//! How networks' images of a channel differ, in numbers.
//!
//! - [`complexity`]: how rough, sharp, colourful and compressible one image is;
//! - [`pixel_dissimilarity`], [`feature_dissimilarity`]: how far two images are apart, by their pixels or by what a third
//!   network makes of them;
//! - [`CrossActivation`]: how much of a network's answer the other network's image keeps;
//! - [`by_layer`], [`over_depth`]: differences between networks beside those between seeds alone, with intervals.
//!
//! Two images of one channel differ by their random starts alone. So a difference between networks means something only
//! beside the *null*: the same difference between images of the same network from different seeds.

mod complexity;
mod cross;
mod dissimilarity;
mod spectrum;
mod summary;

pub use complexity::{Complexity, complexity};
pub use cross::CrossActivation;
pub use dissimilarity::{PixelDissimilarity, feature_dissimilarity, pixel_dissimilarity};
pub use summary::{
    ChannelPair, DepthSlope, Estimate, LayerSummary, Resampling, by_layer, over_depth,
};

use crate::Error;

/// Checks that an 8-bit RGB image has its size.
fn check(rgb: &[u8], width: usize, height: usize) -> Result<(), Error> {
    if width > 0 && height > 0 && rgb.len() == 3 * width * height {
        return Ok(());
    }
    Err(Error::Shape {
        what: "an image to compare".into(),
        expected: format!("{height} x {width} x 3 values, at least one pixel"),
        got: format!("{}", rgb.len()),
    })
}

/// Gray in 0-1: .2125 red + .7154 green + .0721 blue (scikit-image).
fn gray(rgb: &[u8]) -> Vec<f64> {
    rgb.chunks_exact(3)
        .map(|p| {
            let [r, g, b] = [p[0], p[1], p[2]].map(|v| f64::from(v) / 255.0);
            0.2125 * r + 0.7154 * g + 0.0721 * b
        })
        .collect()
}

/// Share of the pixels in each of 8 x 8 x 8 cells of red, green and blue.
fn colour_histogram(rgb: &[u8]) -> Vec<f64> {
    let mut cells = vec![0.0; 512];
    let share = 3.0 / rgb.len().max(1) as f64;
    for p in rgb.chunks_exact(3) {
        let [r, g, b] = [p[0], p[1], p[2]].map(|v| usize::from(v >> 5));
        cells[r * 64 + g * 8 + b] += share;
    }
    cells
}
