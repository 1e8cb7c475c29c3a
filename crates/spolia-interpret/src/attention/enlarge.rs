//! Smooth enlargement of a patch for display.

use crate::Error;

/// An 8-bit RGB picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Rows x columns x 3.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Wraps `rgb`, which holds rows x columns x 3 bytes.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of bytes is another, or zero.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self, Error> {
        if rgb.is_empty() || rgb.len() != width * height * 3 {
            return Err(Error::Shape {
                what: "picture".into(),
                expected: format!(
                    "{} bytes for {width} x {height} RGB pixels, at least one",
                    width * height * 3
                ),
                got: rgb.len().to_string(),
            });
        }
        Ok(Self { width, height, rgb })
    }

    /// The picture enlarged by the smallest whole factor that makes its shorter side at least `least` pixels
    /// (Lanczos, three lobes). A picture that is large enough stays as it is.
    #[must_use]
    pub fn enlarged(&self, least: usize) -> Self {
        let factor = least.div_ceil(self.width.min(self.height).max(1)).max(1);
        if factor == 1 {
            return self.clone();
        }
        let taps = kernel(factor);
        // Rows first, values kept unrounded between the two passes.
        let wide = self.width * factor;
        let mut rows = vec![0f32; wide * self.height * 3];
        for (row, out) in self
            .rgb
            .chunks_exact(self.width * 3)
            .zip(rows.chunks_exact_mut(wide * 3))
        {
            for (x, out) in out.chunks_exact_mut(3).enumerate() {
                for (at, weight) in neighbours(x, factor, self.width, &taps) {
                    for c in 0..3 {
                        out[c] += weight * f32::from(row[at * 3 + c]);
                    }
                }
            }
        }
        let mut rgb = Vec::with_capacity(wide * self.height * factor * 3);
        let mut sum = vec![0f32; wide * 3];
        for y in 0..self.height * factor {
            sum.fill(0.0);
            for (at, weight) in neighbours(y, factor, self.height, &taps) {
                for (s, &v) in sum
                    .iter_mut()
                    .zip(&rows[at * wide * 3..(at + 1) * wide * 3])
                {
                    *s += weight * v;
                }
            }
            rgb.extend(sum.iter().map(|&v| v.round().clamp(0.0, 255.0) as u8));
        }
        Self {
            width: wide,
            height: self.height * factor,
            rgb,
        }
    }
}

/// Taps on each side of a position.
const LOBES: isize = 3;

/// For each of the `factor` positions of an output pixel within its input pixel, the weights of the inputs from
/// `-LOBES` to `LOBES` around it; they sum to 1.
fn kernel(factor: usize) -> Vec<[f32; 2 * LOBES as usize + 1]> {
    let sinc = |x: f64| {
        if x == 0.0 {
            1.0
        } else {
            (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x)
        }
    };
    (0..factor)
        .map(|phase| {
            let centre = (phase as f64 + 0.5) / factor as f64 - 0.5;
            let weights: [f64; 2 * LOBES as usize + 1] = std::array::from_fn(|i| {
                let x = (i as isize - LOBES) as f64 - centre;
                if x.abs() < LOBES as f64 {
                    sinc(x) * sinc(x / LOBES as f64)
                } else {
                    0.0
                }
            });
            let sum: f64 = weights.iter().sum();
            weights.map(|w| (w / sum) as f32)
        })
        .collect()
}

/// The inputs of output position `x` with their weights; the edge's value goes on outside.
fn neighbours(
    x: usize,
    factor: usize,
    len: usize,
    taps: &[[f32; 2 * LOBES as usize + 1]],
) -> impl Iterator<Item = (usize, f32)> {
    let centre = (x / factor) as isize;
    taps[x % factor]
        .into_iter()
        .enumerate()
        .map(move |(i, weight)| {
            let at = (centre + i as isize - LOBES).clamp(0, len as isize - 1);
            (at as usize, weight)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_smallest_whole_factor() {
        let size = |w, h, least| {
            let picture = Picture::new(w, h, vec![9; w * h * 3])
                .unwrap()
                .enlarged(least);
            assert!(picture.rgb.iter().all(|&v| v == 9));
            assert_eq!(picture.rgb.len(), picture.width * picture.height * 3);
            (picture.width, picture.height)
        };
        assert_eq!(size(96, 96, 224), (288, 288));
        assert_eq!(size(224, 224, 224), (224, 224));
        assert_eq!(size(300, 100, 224), (900, 300));
        assert_eq!(size(1, 1, 3), (3, 3));
    }

    /// A ramp stays a ramp away from the edges: pixel x of a threefold enlargement lies at (x - 1) / 3.
    #[test]
    fn keeps_a_ramp() {
        let rgb: Vec<u8> = (0..12 * 12)
            .flat_map(|i| [20 * (i % 12) as u8; 3])
            .collect();
        let large = Picture::new(12, 12, rgb).unwrap().enlarged(36);
        for x in 12..24 {
            let expected = 20.0 * (x as f64 - 1.0) / 3.0;
            let got = f64::from(large.rgb[(18 * 36 + x) * 3]);
            assert!(
                (got - expected).abs() < 1.0,
                "{x}: {got} instead of {expected}"
            );
        }
    }

    #[test]
    fn refuses_a_wrong_number_of_bytes() {
        assert!(Picture::new(2, 2, vec![0; 11]).is_err());
        assert!(Picture::new(0, 2, Vec::new()).is_err());
    }
}
