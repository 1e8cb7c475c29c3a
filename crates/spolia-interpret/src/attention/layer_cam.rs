//! LayerCAM (Jiang et al. 2021, equations 5 to 7): relu(sum over channels of relu(g) A), each position weighed by
//! its own gradient, so that early layers give fine maps.

/// The map; both arrays are rows x columns x channels.
pub(super) fn map(activation: &[f32], gradient: &[f32], channels: usize) -> Vec<f32> {
    let channels = channels.max(1);
    activation
        .chunks_exact(channels)
        .zip(gradient.chunks_exact(channels))
        .map(|(a, g)| {
            let products = a
                .iter()
                .zip(g)
                .map(|(&a, &g)| f64::from(a) * f64::from(g.max(0.0)));
            products.sum::<f64>().max(0.0) as f32
        })
        .collect()
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
