//! HiResCAM (Draelos and Carin 2020, equation 4): relu(sum over channels of g A).
//!
//! Where what follows the layer is linear, the sum over positions is the logit less its bias. The paper's own map is
//! the sum before the ReLU, which is taken here as of the other maps, so that all of them show evidence for a class.

use super::map::own_weighted_sum;

/// The map; both arrays are rows x columns x channels.
pub(super) fn map(activation: &[f32], gradient: &[f32], channels: usize) -> Vec<f32> {
    own_weighted_sum(activation, gradient, channels, |g| g)
}

#[cfg(test)]
mod tests {
    use crate::attention::{Method, golden};

    /// 1 .1; 2 .2 - 1 .2; relu(-3 .1); 4 .05 + 2 .1.
    #[test]
    fn by_hand() {
        let (activation, gradient) = golden();
        let map = Method::HiResCam
            .map(&activation, &gradient, [2, 2, 2])
            .unwrap();
        for (got, expected) in map.values.iter().zip([0.1, 0.2, 0.0, 0.4]) {
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }
}
