use spolia_network::Tensor;

use crate::Error;

/// What takes the place of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// The image's mean colour.
    Mean,
    /// The image blurred by a Gaussian of this standard deviation, pixels.
    Blur(f64),
    /// A colour, in the network's values.
    Colour([f32; 3]),
}

impl Fill {
    /// The image made of this alone: rows x columns x 3.
    pub(super) fn of(self, image: &Tensor, [rows, columns]: [usize; 2]) -> Result<Vec<f32>, Error> {
        match self {
            Self::Mean => {
                let mean = image.spatial_mean();
                Ok(mean[0].repeat(rows * columns))
            }
            Self::Colour(colour) => Ok(colour.repeat(rows * columns)),
            Self::Blur(sd) if sd > 0.0 && sd.is_finite() => {
                Ok(blurred(image.image(0), [rows, columns], sd))
            }
            Self::Blur(sd) => Err(Error::Setting {
                what: "the blur's standard deviation",
                value: sd.to_string(),
                allowed: "a number above 0",
            }),
        }
    }
}

/// Gaussian blur, cut off at three standard deviations; the edge's value goes on outside.
fn blurred(image: &[f32], [rows, columns]: [usize; 2], sd: f64) -> Vec<f32> {
    let radius = (3.0 * sd).ceil() as isize;
    let mut kernel: Vec<f64> = (-radius..=radius)
        .map(|i| (-0.5 * (i as f64 / sd).powi(2)).exp())
        .collect();
    let sum: f64 = kernel.iter().sum();
    kernel.iter_mut().for_each(|k| *k /= sum);
    let pass = |from: &[f32], vertical: bool| {
        let mut out = vec![0f32; from.len()];
        for y in 0..rows {
            for x in 0..columns {
                let mut total = [0f64; 3];
                for (i, k) in (-radius..=radius).zip(&kernel) {
                    let shifted = |at: usize, side: usize| {
                        (at as isize + i).clamp(0, side as isize - 1) as usize
                    };
                    let at = if vertical {
                        shifted(y, rows) * columns + x
                    } else {
                        y * columns + shifted(x, columns)
                    };
                    for (t, &v) in total.iter_mut().zip(&from[at * 3..at * 3 + 3]) {
                        *t += k * f64::from(v);
                    }
                }
                for (slot, t) in out[(y * columns + x) * 3..].iter_mut().zip(total) {
                    *slot = t as f32;
                }
            }
        }
        out
    };
    pass(&pass(image, false), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills() {
        let image = Tensor::new([1, 1, 2, 3], vec![1.0, 0.0, 0.5, 0.0, 1.0, 0.5]).unwrap();
        assert_eq!(Fill::Mean.of(&image, [1, 2]).unwrap(), [0.5; 6]);
        assert_eq!(
            Fill::Colour([1.0, 2.0, 3.0]).of(&image, [1, 2]).unwrap(),
            [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
        );
        assert!(Fill::Blur(0.0).of(&image, [1, 2]).is_err());
    }

    /// A point becomes the kernel: exp(-d² / 2) over its sum, cut at 3.
    #[test]
    fn blur_of_a_point() {
        let mut data = vec![0f32; 9 * 3];
        data[4 * 3] = 1.0;
        let image = Tensor::new([1, 1, 9, 3], data).unwrap();
        let blurred = Fill::Blur(1.0).of(&image, [1, 9]).unwrap();
        let sum: f64 = (-3..=3).map(|i| (-0.5 * f64::from(i * i)).exp()).sum();
        for (x, d) in [(4, 0.0f64), (5, 1.0), (2, 2.0), (1, 3.0)] {
            let expected = (-0.5 * d * d).exp() / sum;
            assert!((f64::from(blurred[x * 3]) - expected).abs() < 1e-7);
        }
        assert_eq!((blurred[0], blurred[1]), (0.0, 0.0));
    }
}
