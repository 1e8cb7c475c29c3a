use crate::Error;

/// A dense float32 array in N H W C order: images, rows, columns, channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: [usize; 4],
    data: Vec<f32>,
}

impl Tensor {
    /// Wraps `data`, which holds `shape`'s number of values, channels fastest.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of values is another.
    pub fn new(shape: [usize; 4], data: Vec<f32>) -> Result<Self, Error> {
        let expected: usize = shape.iter().product();
        if data.len() != expected {
            return Err(Error::Shape {
                what: "tensor".into(),
                expected: format!("{expected} values for {shape:?}"),
                got: format!("{}", data.len()),
            });
        }
        Ok(Self { shape, data })
    }

    /// All zeros.
    #[must_use]
    pub fn zeros(shape: [usize; 4]) -> Self {
        Self {
            shape,
            data: vec![0.0; shape.iter().product()],
        }
    }

    /// 8-bit RGB images of one size, scaled as both conventions want it: x / 127.5 - 1.
    ///
    /// # Errors
    /// [`Error::Shape`] where an image's number of bytes is not `width * height * 3`.
    pub fn from_rgb8(images: &[&[u8]], width: usize, height: usize) -> Result<Self, Error> {
        let mut data = Vec::with_capacity(images.len() * width * height * 3);
        for rgb in images {
            data.extend(rgb.iter().map(|&v| f32::from(v) / 127.5 - 1.0));
        }
        Self::new([images.len(), height, width, 3], data)
    }

    /// `[images, rows, columns, channels]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// The values, channels fastest.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The values, to change in place.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The values of image `n`: rows x columns x channels.
    #[must_use]
    pub fn image(&self, n: usize) -> &[f32] {
        let len = self.shape[1] * self.shape[2] * self.shape[3];
        &self.data[n * len..(n + 1) * len]
    }

    /// Each channel's mean over rows and columns, one vector of channels per image.
    #[must_use]
    pub fn spatial_mean(&self) -> Vec<Vec<f32>> {
        let [n, h, w, c] = self.shape;
        let scale = 1.0 / (h * w).max(1) as f64;
        (0..n)
            .map(|i| {
                let mut sum = vec![0f64; c];
                for pixel in self.image(i).chunks_exact(c.max(1)) {
                    for (s, &v) in sum.iter_mut().zip(pixel) {
                        *s += f64::from(v);
                    }
                }
                sum.into_iter().map(|s| (s * scale) as f32).collect()
            })
            .collect()
    }
}
