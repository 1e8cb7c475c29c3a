//! From a layer's activations to one list of features per image, and back to its gradient.

use spolia_network::Tensor;

/// What becomes of a layer's rows and columns before concepts are regressed on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pool {
    /// Each channel's mean over space (Graziani et al. 2018).
    #[default]
    Mean,
    /// Each channel's maximum over space.
    Max,
    /// The channels of every cell of a grid of at most [`Pool::GRID`] x [`Pool::GRID`] cells, each cell averaged: where
    /// something is matters too. To be reduced by [`super::reduce`].
    Flat,
}

impl Pool {
    /// Most rows and columns of cells of [`Pool::Flat`].
    pub const GRID: usize = 8;

    /// Features of each image: its channels, or cells x channels row by row.
    #[must_use]
    pub fn features(self, activations: &Tensor) -> Vec<Vec<f32>> {
        let [images, height, width, channels] = activations.shape();
        match self {
            Self::Mean => activations.spatial_mean(),
            Self::Max => (0..images)
                .map(|i| {
                    let pixels = activations.image(i).chunks_exact(channels.max(1));
                    pixels.fold(vec![f32::NEG_INFINITY; channels], |mut most, pixel| {
                        most.iter_mut().zip(pixel).for_each(|(m, v)| *m = m.max(*v));
                        most
                    })
                })
                .collect(),
            Self::Flat => {
                let sizes = cell_sizes(height, width);
                cell_sums(activations)
                    .into_iter()
                    .map(|sums| {
                        let cells = sums.chunks_exact(channels.max(1)).zip(&sizes);
                        cells
                            .flat_map(|(cell, size)| cell.iter().map(|s| (s / *size as f64) as f32))
                            .collect()
                    })
                    .collect()
            }
        }
    }

    /// Gradient of the logit in the features of each image. A step of a feature moves all its positions alike, so this is
    /// the sum of `gradient` (N H W C) over them: for [`Pool::Max`] too, since a channel that rises everywhere raises its
    /// maximum by as much.
    #[must_use]
    pub fn gradient(self, gradient: &Tensor) -> Vec<Vec<f32>> {
        let [_, height, width, _] = gradient.shape();
        match self {
            Self::Mean | Self::Max => {
                let positions = (height * width) as f32;
                let means = gradient.spatial_mean().into_iter();
                means
                    .map(|mean| mean.iter().map(|g| g * positions).collect())
                    .collect()
            }
            Self::Flat => cell_sums(gradient)
                .into_iter()
                .map(|sums| sums.iter().map(|s| *s as f32).collect())
                .collect(),
        }
    }

    /// Shape of a concept's direction in a layer of `channels` for images of `height` x `width` positions: channels, or
    /// rows x columns of cells x channels.
    #[must_use]
    pub fn shape(self, height: usize, width: usize, channels: usize) -> Vec<usize> {
        match self {
            Self::Mean | Self::Max => vec![channels],
            Self::Flat => vec![height.min(Self::GRID), width.min(Self::GRID), channels],
        }
    }
}

/// First positions of the cells along a side, and its end.
fn bounds(side: usize) -> Vec<usize> {
    let cells = side.min(Pool::GRID);
    (0..=cells).map(|i| i * side / cells.max(1)).collect()
}

/// Positions of each cell, row by row.
fn cell_sizes(height: usize, width: usize) -> Vec<usize> {
    let (rows, columns) = (bounds(height), bounds(width));
    rows.windows(2)
        .flat_map(|r| {
            columns
                .windows(2)
                .map(move |c| (r[1] - r[0]) * (c[1] - c[0]))
        })
        .collect()
}

/// For each image the sum over each cell: cells x channels, row by row.
fn cell_sums(tensor: &Tensor) -> Vec<Vec<f64>> {
    let [images, height, width, channels] = tensor.shape();
    let (rows, columns) = (bounds(height), bounds(width));
    (0..images)
        .map(|i| {
            let image = tensor.image(i);
            let cells = rows
                .windows(2)
                .flat_map(|r| columns.windows(2).map(move |c| (r, c)));
            cells
                .flat_map(|(r, c)| {
                    let mut sum = vec![0f64; channels];
                    for y in r[0]..r[1] {
                        let line =
                            &image[(y * width + c[0]) * channels..(y * width + c[1]) * channels];
                        for pixel in line.chunks_exact(channels.max(1)) {
                            sum.iter_mut()
                                .zip(pixel)
                                .for_each(|(s, v)| *s += f64::from(*v));
                        }
                    }
                    sum
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels on 2 x 3 positions: 1 to 6, and ten times as much.
    fn activations() -> Tensor {
        let data = (1..=6).flat_map(|v| [v as f32, 10.0 * v as f32]).collect();
        Tensor::new([1, 2, 3, 2], data).unwrap()
    }

    #[test]
    fn small_layers_keep_every_position() {
        let x = activations();
        assert_eq!(Pool::Mean.features(&x), [[3.5, 35.0]]);
        assert_eq!(Pool::Max.features(&x), [[6.0, 60.0]]);
        assert_eq!(Pool::Flat.features(&x), [x.data()]);
        assert_eq!(Pool::Flat.gradient(&x), [x.data()]);
        assert_eq!(Pool::Mean.gradient(&x), [[21.0, 210.0]]);
        assert_eq!(Pool::Flat.shape(2, 3, 2), [2, 3, 2]);
    }

    #[test]
    fn cells_cover_each_position_once() {
        let x = Tensor::new([1, 19, 9, 1], (0..171).map(|v| v as f32).collect()).unwrap();
        assert_eq!(cell_sizes(19, 9).iter().sum::<usize>(), 171);
        let sum: f32 = Pool::Flat.gradient(&x)[0].iter().sum();
        assert_eq!(sum, 170.0 * 171.0 / 2.0);
        // Rows 0 and 1, column 0: values 0 and 9.
        assert_eq!(Pool::Flat.features(&x)[0][0], 4.5);
        assert_eq!(Pool::Flat.shape(19, 9, 1), [8, 8, 1]);
    }
}
