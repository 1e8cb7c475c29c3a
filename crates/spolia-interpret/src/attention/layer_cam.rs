//! LayerCAM (Jiang et al. 2021, equations 5 to 7): relu(sum over channels of relu(g) A), each position weighed by
//! its own gradient, so that early layers give fine maps.

use super::map::own_weighted_sum;

/// The map; both arrays are rows x columns x channels.
pub(super) fn map(activation: &[f32], gradient: &[f32], channels: usize) -> Vec<f32> {
    own_weighted_sum(activation, gradient, channels, |g| g.max(0.0))
}

#[cfg(test)]
mod tests {
    use crate::attention::{Method, golden};

    /// 1 .1; 2 .2 (channel 1: 1 * relu(-.2) = 0); 3 relu(-.1) = 0; 4 .05 + 2 .1.
    #[test]
    fn by_hand() {
        let (activation, gradient) = golden();
        let map = Method::LayerCam
            .map(&activation, &gradient, [2, 2, 2])
            .unwrap();
        for (got, expected) in map.values.iter().zip([0.1, 0.4, 0.0, 0.4]) {
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }
}
