//! The presets' objective: one channel's mean activation for each image of a batch.

use spolia_network::Tensor;

/// The gradient of a loss, minus the mean over rows and columns of one channel per image, with respect to a layer's
/// activation (N H W C).
#[must_use]
pub fn channel_loss_gradient(activation: &Tensor, channels: &[usize]) -> Tensor {
    let [n, h, w, c] = activation.shape();
    let mut gradient = Tensor::zeros([n, h, w, c]);
    let value = -1.0 / (h * w).max(1) as f32;
    for (image, &channel) in gradient
        .data_mut()
        .chunks_exact_mut((h * w * c).max(1))
        .zip(channels)
    {
        for pixel in image.chunks_exact_mut(c) {
            if let Some(v) = pixel.get_mut(channel) {
                *v = value;
            }
        }
    }
    gradient
}

/// The mean over rows and columns of one channel per image of a layer's activation (N H W C).
#[must_use]
pub fn channel_means(activation: &Tensor, channels: &[usize]) -> Vec<f32> {
    let [n, h, w, c] = activation.shape();
    (0..n)
        .zip(channels)
        .map(|(i, &channel)| {
            let sum: f64 = activation
                .image(i)
                .iter()
                .skip(channel)
                .step_by(c.max(1))
                .map(|&v| f64::from(v))
                .sum();
            (sum / (h * w).max(1) as f64) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_mean_by_hand() {
        // Two images of 1 x 2 with three channels.
        let data = vec![1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 0.0, -1.0, 4.0, 0.0, -2.0, 8.0];
        let activation = Tensor::new([2, 1, 2, 3], data).unwrap();
        assert_eq!(channel_means(&activation, &[0, 2]), [3.0, 6.0]);
        let gradient = channel_loss_gradient(&activation, &[0, 2]);
        assert_eq!(
            gradient.data(),
            [
                -0.5, 0.0, 0.0, -0.5, 0.0, 0.0, 0.0, 0.0, -0.5, 0.0, 0.0, -0.5
            ]
        );
    }
}
