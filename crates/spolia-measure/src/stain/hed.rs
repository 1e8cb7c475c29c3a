//! Stains made a little stronger or weaker.
//!
//! Tellez et al., *Whole-slide mitosis detection in H&E breast histology using PHH3 as a reference
//! to train distilled stain-invariant convolutional networks*, IEEE Transactions on Medical
//! Imaging 37(9), 2018: each amount s of haematoxylin, eosin and the residual
//! becomes `scale s + shift`.

use crate::colour::{STAINS, UNMIXING};

/// Optical densities are in units of that of a transmission of 10^-6, as in scikit-image.
const DARKEST: f32 = 1e-6;

/// A change of the amounts of haematoxylin, eosin and the residual (DAB), in this order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HedChange {
    /// What the amounts are multiplied by; 1 keeps them.
    pub scale: [f32; 3],
    /// What is added, in the units of [`stains`](crate::stains); 0 adds nothing.
    pub shift: [f32; 3],
}

impl HedChange {
    /// Changes an image in place: red, green and blue of each pixel, from 0 to 1.
    ///
    /// Unlike in [`stains`](crate::stains) negative amounts are kept, so that a change of nothing
    /// leaves the image as it is.
    pub fn apply(&self, rgb: &mut [f32]) {
        let darkest = DARKEST.ln();
        // Amounts and back are one matrix: density' = density · U S M + shift · M.
        let mixed =
            |row: [f64; 3], c: usize| -> f64 { (0..3).map(|k| row[k] * STAINS[k][c]).sum() };
        let matrix: [[f32; 3]; 3] = std::array::from_fn(|from| {
            let scaled = [0, 1, 2].map(|k| UNMIXING[from][k] * f64::from(self.scale[k]));
            [0, 1, 2].map(|c| mixed(scaled, c) as f32)
        });
        let shift: [f32; 3] = [0, 1, 2].map(|c| mixed(self.shift.map(f64::from), c) as f32);
        for pixel in rgb.as_chunks_mut::<3>().0 {
            let density = pixel.map(|v| v.max(DARKEST).ln() / darkest);
            *pixel = [0, 1, 2].map(|c| {
                let sum: f32 = (0..3).map(|k| density[k] * matrix[k][c]).sum();
                ((sum + shift[c]) * darkest).exp().clamp(0.0, 1.0)
            });
        }
    }
}
