//! Grad-CAM (Selvaraju et al. 2017, equations 1 and 2).

/// The weight of each channel: the mean over rows and columns of the gradient (rows x columns x channels).
pub(super) fn weights(gradient: &[f32], channels: usize) -> Vec<f64> {
    let mut sum = vec![0f64; channels];
    for pixel in gradient.chunks_exact(channels.max(1)) {
        for (s, &g) in sum.iter_mut().zip(pixel) {
            *s += f64::from(g);
        }
    }
    let pixels = (gradient.len() / channels.max(1)).max(1) as f64;
    sum.into_iter().map(|s| s / pixels).collect()
}

#[cfg(test)]
mod tests {
    use crate::attention::{Method, golden};

    #[test]
    fn golden_values() {
        let (activation, gradient) = golden();
        let weights = super::weights(&gradient, 2);
        for (got, expected) in weights.iter().zip([0.0625, 0.05]) {
            assert!((got - expected).abs() < 1e-7, "{got} instead of {expected}");
        }
        let map = Method::GradCam
            .map(&activation, &gradient, [2, 2, 2])
            .unwrap();
        assert_eq!((map.height, map.width), (2, 2));
        for (got, expected) in map.values.iter().zip([0.0625, 0.175, 0.1875, 0.35]) {
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }

    /// The network of captum's tests: convolution of 0..16 (4 x 4) with two 3 x 3 kernels of ones and biases -50 and
    /// -75, ReLU, a linear layer with weights 1 (the first five values, channels first) and -1 (the last three).
    #[test]
    fn captum_values() {
        let convolved = [-5.0, -30.0, 4.0, -21.0, 31.0, 6.0, 40.0, 15.0]; // 2 x 2 x 2
        let rectified = convolved.map(|v: f32| v.max(0.0));
        let after = [1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
        let mut before = after;
        for (g, v) in before.iter_mut().zip(convolved) {
            if v <= 0.0 {
                *g = 0.0;
            }
        }
        let shape = [2, 2, 2];
        let at_convolution = Method::GradCam.map(&convolved, &before, shape).unwrap();
        assert_eq!(at_convolution.values, [11.25, 13.5, 20.25, 22.5]);
        let at_relu = Method::GradCam.map(&rectified, &after, shape).unwrap();
        assert_eq!(at_relu.values, [0.0, 4.0, 28.0, 32.5]);
    }
}
