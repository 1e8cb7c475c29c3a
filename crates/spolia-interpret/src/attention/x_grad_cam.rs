//! XGrad-CAM (Fu et al. 2020, "Axiom-based Grad-CAM", equation 8).
//!
//! The weight that comes closest to the axioms of sensitivity and conservation: the gradients' mean, weighted by the
//! share of the channel's activation at each position,
//!
//! w = sum of (A / sum of A) g over rows and columns, 0 where the activations sum to 0.

/// The weight of each channel; both arrays are rows x columns x channels.
pub(super) fn weights(activation: &[f32], gradient: &[f32], channels: usize) -> Vec<f64> {
    let channels = channels.max(1);
    let (mut sum, mut product) = (vec![0f64; channels], vec![0f64; channels]);
    for (a, g) in activation
        .chunks_exact(channels)
        .zip(gradient.chunks_exact(channels))
    {
        for (k, (&a, &g)) in a.iter().zip(g).enumerate() {
            sum[k] += f64::from(a);
            product[k] += f64::from(a) * f64::from(g);
        }
    }
    product
        .into_iter()
        .zip(sum)
        .map(|(p, s)| if s == 0.0 { 0.0 } else { p / s })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::attention::{Method, golden};

    /// Channel 0: (1 .1 + 2 .2 + 3 -.1 + 4 .05) / 10 = .04; channel 1: (1 -.2 + 2 .1) / 3 = 0.
    #[test]
    fn by_hand() {
        let (activation, gradient) = golden();
        let weights = super::weights(&activation, &gradient, 2);
        assert!((weights[0] - 0.04).abs() < 1e-7 && weights[1].abs() < 1e-7);
        let map = Method::XGradCam
            .map(&activation, &gradient, [2, 2, 2])
            .unwrap();
        for (got, expected) in map.values.iter().zip([0.04, 0.08, 0.12, 0.16]) {
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }

    #[test]
    fn a_silent_channel_has_no_weight() {
        assert_eq!(super::weights(&[0.0, 0.0], &[1.0, 2.0], 1), [0.0]);
    }
}
