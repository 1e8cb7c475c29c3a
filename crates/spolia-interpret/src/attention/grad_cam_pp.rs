//! Grad-CAM++ (Chattopadhay et al. 2018, equations 10 and 19).
//!
//! With the score Y = exp(S) of a logit S, the exponential cancels in equation 19 and leaves, for channel k at i, j,
//!
//! alpha = g² / (2 g² + (sum of A over rows and columns) g³) = 1 / (2 + g sum A), 0 where g = 0,
//!
//! and the channel's weight is the sum of alpha relu(g). alpha is taken as 0 where 2 + g sum A is not positive: past
//! that pole it has no meaning. With g > 0, which is all that the weight sees, this happens only in layers whose
//! activations may be negative.

/// The weight of each channel; both arrays are rows x columns x channels.
pub(super) fn weights(activation: &[f32], gradient: &[f32], channels: usize) -> Vec<f64> {
    summed(activation, gradient, channels, |g, sum| {
        let denominator = 2.0 + g * sum;
        if denominator > 0.0 {
            g / denominator
        } else {
            0.0
        }
    })
}

/// pytorch-grad-cam's weights: alpha = g² / (2 g² + (sum A) g³ + 1e-6), which fades where g is below about 1e-3.
pub(super) fn weights_with_epsilon(
    activation: &[f32],
    gradient: &[f32],
    channels: usize,
) -> Vec<f64> {
    summed(activation, gradient, channels, |g, sum| {
        g.powi(3) / (2.0 * g.powi(2) + sum * g.powi(3) + 1e-6)
    })
}

/// The sum over positions of `term` (of the gradient and the channel's sum of activations) where the gradient is
/// positive.
fn summed(
    activation: &[f32],
    gradient: &[f32],
    channels: usize,
    term: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    let channels = channels.max(1);
    let mut sum = vec![0f64; channels];
    for pixel in activation.chunks_exact(channels) {
        for (s, &a) in sum.iter_mut().zip(pixel) {
            *s += f64::from(a);
        }
    }
    let mut weights = vec![0f64; channels];
    for pixel in gradient.chunks_exact(channels) {
        for ((w, &g), &sum) in weights.iter_mut().zip(pixel).zip(&sum) {
            if g > 0.0 {
                *w += term(f64::from(g), sum);
            }
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use crate::attention::{Method, golden};

    #[test]
    fn golden_values() {
        let (activation, gradient) = golden();
        let weights = super::weights(&activation, &gradient, 2);
        for (got, expected) in weights.iter().zip([0.103_333_33, 0.146_926_54]) {
            assert!((got - expected).abs() < 1e-7, "{got} instead of {expected}");
        }
        let map = Method::GradCamPlusPlus
            .map(&activation, &gradient, [2, 2, 2])
            .unwrap();
        for (got, expected) in map
            .values
            .iter()
            .zip([0.103_333_33, 0.353_593_2, 0.31, 0.707_186_4])
        {
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }

    /// Gradients of 1e-6 keep their weight (an epsilon in the denominator would change it), zero and negative ones
    /// have none, and a pole (2 - 1 * 2 = 0) gives no infinity.
    #[test]
    fn small_zero_and_negative_gradients() {
        assert_eq!(
            super::weights(&[1.0], &[1e-6], 1),
            [f64::from(1e-6f32) / (2.0 + f64::from(1e-6f32))]
        );
        assert_eq!(super::weights(&[1.0, 3.0], &[0.0, -1.0], 1), [0.0]);
        assert_eq!(super::weights(&[-2.0], &[1.0], 1), [0.0]);
    }

    /// g = .001, sum A = 2: 1e-9 / (2e-6 + 2e-9 + 1e-6), a third less than without the epsilon.
    #[test]
    fn epsilon_of_pytorch_grad_cam() {
        let weight = super::weights_with_epsilon(&[2.0], &[1e-3], 1)[0];
        assert!((weight - 1e-9 / 3.002e-6).abs() < 1e-9, "{weight}");
    }
}
