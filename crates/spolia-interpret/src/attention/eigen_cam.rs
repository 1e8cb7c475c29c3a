//! Eigen-CAM (Muhammad and Yeasin 2020, equations 2 and 3): with the layer's activation as a matrix of positions x
//! channels and v the right singular vector of its largest singular value, relu(A v). It looks at no class.
//!
//! A singular vector has no sign of its own. It is chosen so that the map rises with the sum of the channels. As
//! activations behind ReLUs are not negative, v then is not either, and nothing is cut off.
//! pytorch-grad-cam centres each channel first, so that about half of its map is cut off, and leaves the sign to LAPACK.

/// Iterations after which two singular values are taken as equal.
const MOST: usize = 5_000;
/// Squared change of the unit vector below which it has converged.
const TOLERANCE: f64 = 1e-20;

/// The map of an activation (rows x columns x channels), each channel centred first where `centred`.
pub(super) fn map(activation: &[f32], channels: usize, centred: bool) -> Vec<f32> {
    let channels = channels.max(1);
    let mut a: Vec<f64> = activation.iter().map(|&v| f64::from(v)).collect();
    let total: Vec<f64> = a.chunks_exact(channels).map(|p| p.iter().sum()).collect();
    if centred {
        let mut mean = vec![0f64; channels];
        for pixel in a.chunks_exact(channels) {
            mean.iter_mut().zip(pixel).for_each(|(m, v)| *m += v);
        }
        let n = total.len().max(1) as f64;
        for pixel in a.chunks_exact_mut(channels) {
            pixel.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m / n);
        }
    }
    // The longest position is a start that the first singular vector is hardly ever orthogonal to.
    let length = |p: &[f64]| p.iter().map(|v| v * v).sum::<f64>();
    let longest = a
        .chunks_exact(channels)
        .max_by(|p, q| length(p).total_cmp(&length(q)));
    let mut v = longest.map_or_else(|| vec![0.0; channels], <[f64]>::to_vec);
    if !normalise(&mut v) {
        return vec![0.0; total.len()];
    }
    for _ in 0..MOST {
        let mut next = vec![0f64; channels];
        for pixel in a.chunks_exact(channels) {
            let u: f64 = pixel.iter().zip(&v).map(|(a, v)| a * v).sum();
            next.iter_mut().zip(pixel).for_each(|(n, a)| *n += u * a);
        }
        if !normalise(&mut next) {
            break;
        }
        let change: f64 = next.iter().zip(&v).map(|(a, b)| (a - b).powi(2)).sum();
        v = next;
        if change < TOLERANCE {
            break;
        }
    }
    let projected: Vec<f64> = a
        .chunks_exact(channels)
        .map(|pixel| pixel.iter().zip(&v).map(|(a, v)| a * v).sum())
        .collect();
    let rises: f64 = projected.iter().zip(&total).map(|(p, t)| p * t).sum();
    projected
        .into_iter()
        .map(|p| if rises < 0.0 { -p } else { p }.max(0.0) as f32)
        .collect()
}

/// To length 1; false where there is no length.
fn normalise(v: &mut [f64]) -> bool {
    let length = v.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length > 0.0 && length.is_finite() {
        v.iter_mut().for_each(|v| *v /= length);
        true
    } else {
        false
    }
}

#[cfg(test)]
mod tests {
    use crate::attention::{Compat, Method};

    /// Rows (3, 0), (0, 1), (3, 0): singular values sqrt(18) along the first channel, 1 along the second.
    #[test]
    fn by_hand() {
        let activation = [3.0, 0.0, 0.0, 1.0, 3.0, 0.0];
        let map = Method::EigenCam
            .map(&activation, &[0.0; 6], [1, 3, 2])
            .unwrap();
        for (got, expected) in map.values.iter().zip([3.0, 0.0, 3.0]) {
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
        // Centred: (1, -1/3), (-2, 2/3), (1, -1/3), all along (3, -1) / sqrt(10): sqrt(10)/3 times 1, -2, 1.
        let map = Method::EigenCam
            .map_by(Compat::PytorchGradCam, &activation, &[0.0; 6], [1, 3, 2])
            .unwrap();
        let expected = 10f32.sqrt() / 3.0;
        for (got, expected) in map.values.iter().zip([expected, 0.0, expected]) {
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }

    #[test]
    fn silence_has_no_map() {
        let map = Method::EigenCam
            .map(&[0.0; 4], &[0.0; 4], [2, 2, 1])
            .unwrap();
        assert_eq!(map.values, [0.0; 4]);
    }
}
