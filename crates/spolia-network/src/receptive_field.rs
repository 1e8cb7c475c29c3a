//! Which part of the image a position of a layer can see.

use crate::graph::{Conv, Network, Op, StageId, Window};

/// The square of the input that a position of a stage's output depends on at most, along rows or columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// First pixel that position 0 sees; negative where padding comes first.
    pub start: isize,
    /// Pixels seen.
    pub size: usize,
    /// Pixels from one position to the next.
    pub stride: usize,
}

impl ReceptiveField {
    /// Pixels seen by `position`, first and one past the last, within an image of `side` pixels.
    #[must_use]
    pub fn within(&self, position: usize, side: usize) -> (usize, usize) {
        let first = self.start + (position * self.stride) as isize;
        let end = first + self.size as isize;
        let clamp = |v: isize| v.clamp(0, side as isize) as usize;
        (clamp(first), clamp(end))
    }

    fn through(self, kernel: usize, stride: usize, padding: usize) -> Self {
        Self {
            start: self.start - (padding * self.stride) as isize,
            size: self.size + (kernel - 1) * self.stride,
            stride: self.stride * stride,
        }
    }

    fn joined(self, other: Self) -> Self {
        let end = |f: Self| f.start + f.size as isize;
        let start = self.start.min(other.start);
        Self {
            start,
            size: (end(self).max(end(other)) - start) as usize,
            stride: self.stride,
        }
    }
}

impl Network {
    /// The receptive fields of a stage's positions along rows and along columns; the largest over its paths. `None` where a
    /// position sees the whole image, behind a global average.
    ///
    /// ```
    /// use spolia_network::{Convention, inception_v3};
    /// # fn main() -> Result<(), spolia_network::Error> {
    /// let network = inception_v3(Convention::Keras, None);
    /// let [rows, columns] = network.receptive_fields(network.stage("Conv2d_2a_3x3")?).expect("positions");
    /// // 3 x 3 with step 2, then 3 x 3: 3 + 2 * 2.
    /// assert_eq!((rows.size, rows.stride, rows.within(1, 224)), (7, 2, (2, 9)));
    /// assert_eq!(rows, columns);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn receptive_fields(&self, stage: StageId) -> Option<[ReceptiveField; 2]> {
        let image = ReceptiveField {
            start: 0,
            size: 1,
            stride: 1,
        };
        let mut fields = [image; 2];
        for stage in self.stages.iter().take(stage.0 + 1) {
            fields = through(&stage.ops, fields)?;
        }
        Some(fields)
    }
}

fn through(ops: &[Op], mut fields: [ReceptiveField; 2]) -> Option<[ReceptiveField; 2]> {
    for op in ops {
        fields = match op {
            Op::Conv(Conv {
                kernel,
                stride,
                padding,
                ..
            }) => [0, 1].map(|k| fields[k].through(kernel[k], *stride, padding[k])),
            Op::MaxPool(window) | Op::AveragePool { window, .. } => {
                let Window {
                    size,
                    stride,
                    padding,
                    ..
                } = *window;
                fields.map(|f| f.through(size, stride, padding))
            }
            Op::NormRelu(_) => fields,
            Op::Concat(paths) => {
                let mut all = paths.iter().map(|path| through(path, fields));
                let first = all.next()??;
                all.try_fold(first, |a, b| Some(joined(a, b?)))?
            }
            Op::Residual { path, shortcut } => {
                joined(through(path, fields)?, through(shortcut, fields)?)
            }
            // Each path reads all before it, of which the widest counts.
            Op::Dense(paths) => paths
                .iter()
                .try_fold(fields, |all, path| Some(joined(all, through(path, all)?)))?,
            Op::GlobalAverage | Op::Linear { .. } => return None,
        };
    }
    Some(fields)
}

fn joined(a: [ReceptiveField; 2], b: [ReceptiveField; 2]) -> [ReceptiveField; 2] {
    [0, 1].map(|k| a[k].joined(b[k]))
}

#[cfg(test)]
mod tests {
    use crate::{Convention, architecture, inception_v3};

    /// 7 and 3 with steps of 2, then 3, 4, 6 and 3 blocks whose 3 x 3 has the step (torchvision's variant):
    /// 11 + 3 * 2 * 4 = 35, + (4 + 3 * 8) * 2 = 91, ...
    #[test]
    fn residual_networks() {
        let network = architecture("resnet50", Convention::Torchvision, None).unwrap();
        let size = |name: &str| {
            network
                .receptive_fields(network.stage(name).unwrap())
                .unwrap()[0]
                .size
        };
        assert_eq!((size("maxpool"), size("layer4.2")), (11, 427));
    }

    /// Conv 3/2, 3, 3 pad 1, pool 3/2, conv 1, conv 3, pool 3/2, then Mixed_5b's longest path (3 x 3 twice).
    #[test]
    fn sizes_and_strides() {
        let network = inception_v3(Convention::Keras, Some(1));
        let of = |name: &str| network.receptive_fields(network.stage(name).unwrap());
        let size = |name: &str| of(name).unwrap()[0].size;
        assert_eq!((size("Conv2d_1a_3x3"), size("Conv2d_2b_3x3")), (3, 11));
        assert_eq!(
            (size("maxpool1"), size("Conv2d_4a_3x3"), size("maxpool2")),
            (15, 23, 31)
        );
        // Two 3 x 3 at a step of 8 pixels.
        assert_eq!(size("Mixed_5b"), 31 + 4 * 8);
        let field = of("Mixed_5b").unwrap()[1];
        assert_eq!(field.stride, 8);
        assert_eq!(field.within(0, 96).0, 0);
        assert!(of("pool").is_none() && of("logits").is_none());
    }
}
