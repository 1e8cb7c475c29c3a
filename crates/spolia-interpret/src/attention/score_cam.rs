//! Score-CAM (Wang et al. 2020, equations 5 to 7), without gradients.
//!
//! Each channel, enlarged to the image (bilinear) and brought to 0-1, is a mask that the image is multiplied with, in the
//! network's values, so that what is hidden turns mid-gray. The weights are the softmax over channels of the
//! class's logit of the masked images (the logit of a plain image, which the paper takes off each, cancels in it), and the map is
//! relu(sum of w A). A channel that is the same everywhere says nothing of where and is left out.

use spolia_network::Tensor;

use super::{Compat, Map, Options, map::weighted_sum, path::Walk};
use crate::Error;

/// One map per image.
pub(super) fn maps(
    walk: &mut Walk<'_>,
    images: &Tensor,
    activation: &Tensor,
    class: usize,
    options: &Options,
) -> Result<Vec<Map>, Error> {
    let [n, height, width, _] = activation.shape();
    (0..n)
        .map(|i| {
            let weights = weights(walk, images, activation, i, class, options)?;
            Ok(Map {
                height,
                width,
                values: weighted_sum(activation.image(i), &weights),
            })
        })
        .collect()
}

fn weights(
    walk: &mut Walk<'_>,
    images: &Tensor,
    activation: &Tensor,
    image: usize,
    class: usize,
    options: &Options,
) -> Result<Vec<f64>, Error> {
    let [_, rows, columns, depth] = images.shape();
    let [_, height, width, channels] = activation.shape();
    let channel = |k: usize| Map {
        height,
        width,
        values: activation
            .image(image)
            .iter()
            .skip(k)
            .step_by(channels)
            .copied()
            .collect(),
    };
    let varying: Vec<usize> = (0..channels)
        .filter(|&k| {
            let (low, high) = channel(k).range();
            high > low
        })
        .collect();
    let mut scores = Vec::with_capacity(varying.len());
    for chunk in varying.chunks(options.batch) {
        let mut masked = Vec::with_capacity(chunk.len() * rows * columns * depth);
        for &k in chunk {
            let mask = enlarged(&channel(k), columns, rows, options.compat).normalised();
            let pixels = images.image(image).chunks_exact(depth.max(1));
            masked.extend(
                pixels
                    .zip(&mask.values)
                    .flat_map(|(pixel, m)| pixel.iter().map(move |v| v * m)),
            );
        }
        let masked = Tensor::new([chunk.len(), rows, columns, depth], masked)?;
        scores.extend(walk.evidence(&masked, class)?);
    }
    let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|s| (s - high).exp()).collect();
    let sum: f64 = powers.iter().sum();
    let mut weights = vec![0.0; channels];
    for (k, power) in varying.into_iter().zip(powers) {
        weights[k] = power / sum;
    }
    Ok(weights)
}

fn enlarged(map: &Map, width: usize, height: usize, compat: Compat) -> Map {
    match compat {
        Compat::Paper => map.resized(width, height),
        Compat::PytorchGradCam => corners_aligned(map, width, height),
    }
}

/// Bilinear with the centres of the corner pixels laid on each other (PyTorch's `align_corners=True`).
fn corners_aligned(map: &Map, width: usize, height: usize) -> Map {
    let at = |x: usize, outputs: usize, inputs: usize| {
        let at = if outputs > 1 {
            x as f64 * (inputs - 1) as f64 / (outputs - 1) as f64
        } else {
            0.0
        };
        let first = (at as usize).min(inputs - 1);
        (
            first,
            (first + 1).min(inputs - 1),
            (at - first as f64) as f32,
        )
    };
    let mut values = Vec::with_capacity(width * height);
    for y in 0..height {
        let (top, bottom, fy) = at(y, height, map.height);
        for x in 0..width {
            let (left, right, fx) = at(x, width, map.width);
            let row = |y: usize| {
                let (a, b) = (
                    map.values[y * map.width + left],
                    map.values[y * map.width + right],
                );
                a + fx * (b - a)
            };
            values.push(row(top) + fy * (row(bottom) - row(top)));
        }
    }
    Map {
        height,
        width,
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_stay_corners() {
        let map = Map {
            height: 2,
            width: 2,
            values: vec![0.0, 4.0, 8.0, 12.0],
        };
        let large = corners_aligned(&map, 3, 3);
        assert_eq!(
            large.values,
            [0.0, 2.0, 4.0, 4.0, 6.0, 8.0, 8.0, 10.0, 12.0]
        );
        assert_eq!(corners_aligned(&map, 1, 1).values, [0.0]);
    }
}
