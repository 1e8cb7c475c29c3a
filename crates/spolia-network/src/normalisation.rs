use crate::{Error, Tensor};

/// How 8-bit RGB becomes a network's input: `(value / divisor - mean) / deviation` for each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation {
    /// What 0 to 255 is divided by first.
    pub divisor: f32,
    /// Subtracted then, of red, green and blue.
    pub mean: [f32; 3],
    /// Divided by last, of red, green and blue.
    pub deviation: [f32; 3],
    /// Does the network take blue, green, red?
    pub bgr: bool,
}

impl Normalisation {
    /// TF-slim's and Keras's for Inception: x / 127.5 - 1.
    pub const SYMMETRIC: Self = Self {
        divisor: 127.5,
        mean: [1.0; 3],
        deviation: [1.0; 3],
        bgr: false,
    };

    /// torchvision's: the mean and standard deviation of ImageNet's training images, values in 0 to 1.
    pub const IMAGENET: Self = Self {
        divisor: 255.0,
        mean: [0.485, 0.456, 0.406],
        deviation: [0.229, 0.224, 0.225],
        bgr: false,
    };

    /// Caffe's: blue, green, red less ImageNet's mean, values in 0 to 255.
    pub const CAFFE: Self = Self {
        divisor: 1.0,
        mean: [123.68, 116.779, 103.939],
        deviation: [1.0; 3],
        bgr: true,
    };

    /// The network's input for images of one size, N H W 3, from their 8-bit RGB.
    ///
    /// # Errors
    /// [`Error::Shape`] where an image's number of bytes is not `width * height * 3`.
    pub fn tensor(&self, images: &[&[u8]], width: usize, height: usize) -> Result<Tensor, Error> {
        let mut data = Vec::with_capacity(images.len() * width * height * 3);
        for rgb in images {
            data.extend(rgb.chunks_exact(3).flat_map(|pixel| {
                self.place([0, 1, 2].map(|c| self.value(c, f32::from(pixel[c]))))
            }));
        }
        Tensor::new([images.len(), height, width, 3], data)
    }

    /// A pixel of the input from red, green and blue in 0 to 1.
    #[must_use]
    pub fn from_unit(&self, rgb: [f32; 3]) -> [f32; 3] {
        self.place([0, 1, 2].map(|c| self.value(c, 255.0 * rgb[c])))
    }

    /// Red, green and blue in 0 to 1 from a pixel of the input.
    #[must_use]
    pub fn to_unit(&self, pixel: [f32; 3]) -> [f32; 3] {
        let rgb = self.place(pixel);
        [0, 1, 2].map(|c| (rgb[c] * self.deviation[c] + self.mean[c]) * self.divisor / 255.0)
    }

    /// Brings an input as Inception takes it (x / 127.5 - 1, RGB; N H W 3) to this one's, in place.
    pub fn from_symmetric(&self, input: &mut Tensor) {
        if *self == Self::SYMMETRIC {
            return;
        }
        for pixel in input.data_mut().chunks_exact_mut(3) {
            let unit = [0, 1, 2].map(|c| (pixel[c] + 1.0) / 2.0);
            pixel.copy_from_slice(&self.from_unit(unit));
        }
    }

    /// Brings the gradient of this input to that of an input as Inception takes it, in place.
    pub fn gradient_to_symmetric(&self, gradient: &mut Tensor) {
        if *self == Self::SYMMETRIC {
            return;
        }
        for pixel in gradient.data_mut().chunks_exact_mut(3) {
            let rgb = self.place([pixel[0], pixel[1], pixel[2]]);
            let slope = |c: usize| rgb[c] * 127.5 / (self.divisor * self.deviation[c]);
            pixel.copy_from_slice(&[0, 1, 2].map(slope));
        }
    }

    fn value(&self, channel: usize, value: f32) -> f32 {
        (value / self.divisor - self.mean[channel]) / self.deviation[channel]
    }

    /// Between RGB and the network's order.
    fn place(&self, [a, b, c]: [f32; 3]) -> [f32; 3] {
        if self.bgr { [c, b, a] } else { [a, b, c] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_by_hand() {
        let tensor = |n: Normalisation| n.tensor(&[&[255, 0, 51]], 1, 1).unwrap().data().to_vec();
        assert_eq!(tensor(Normalisation::SYMMETRIC), [1.0, -1.0, -0.6]);
        let imagenet = [0.515 / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225];
        for (found, expected) in tensor(Normalisation::IMAGENET).iter().zip(imagenet) {
            assert!((found - expected).abs() < 1e-6);
        }
        let caffe = [51.0 - 103.939, -116.779, 255.0 - 123.68];
        assert_eq!(tensor(Normalisation::CAFFE), caffe);
    }

    #[test]
    fn inception_gets_what_it_always_got() {
        let all: Vec<u8> = (0..=255).chain(0..=43).collect();
        let same = Tensor::from_rgb8(&[&all], 10, 10).unwrap();
        let found = Normalisation::SYMMETRIC.tensor(&[&all], 10, 10).unwrap();
        assert_eq!(found, same);
    }

    #[test]
    fn gradients_follow_the_way_of_the_input() {
        for n in [
            Normalisation::SYMMETRIC,
            Normalisation::IMAGENET,
            Normalisation::CAFFE,
        ] {
            let pixel = [-0.4, 0.2, 0.9];
            let input = |pixel: [f32; 3]| {
                let mut input = Tensor::new([1, 1, 1, 3], pixel.to_vec()).unwrap();
                n.from_symmetric(&mut input);
                input
            };
            let expected = n.from_unit(pixel.map(|v| (v + 1.0) / 2.0));
            for (found, expected) in input(pixel).data().iter().zip(expected) {
                assert!((found - expected).abs() < 1e-4);
            }
            let weights = [0.3, -0.7, 0.5];
            let mut gradient = Tensor::new([1, 1, 1, 3], weights.to_vec()).unwrap();
            n.gradient_to_symmetric(&mut gradient);
            let value = |pixel: [f32; 3]| {
                let seen = input(pixel);
                let terms = seen.data().iter().zip(weights);
                terms.map(|(x, w)| f64::from(x * w)).sum::<f64>()
            };
            for c in 0..3 {
                let moved = |by: f32| {
                    let mut pixel = pixel;
                    pixel[c] += by;
                    value(pixel)
                };
                let numeric = moved(0.125) - moved(-0.125);
                let found = f64::from(gradient.data()[c]) / 4.0;
                assert!((found - numeric).abs() < 1e-4 * numeric.abs().max(1.0));
            }
        }
    }

    #[test]
    fn there_and_back() {
        for n in [
            Normalisation::SYMMETRIC,
            Normalisation::IMAGENET,
            Normalisation::CAFFE,
        ] {
            for (found, expected) in n
                .to_unit(n.from_unit([0.1, 0.5, 0.9]))
                .iter()
                .zip([0.1, 0.5, 0.9])
            {
                assert!((found - expected).abs() < 1e-6);
            }
        }
    }
}
