//! The total variation of an image.

/// The anisotropic total variation of planes of `width` x `height`: the sum, over all planes, of the absolute
/// differences of neighbours in a row and in a column (TensorFlow's `tf.image.total_variation`), divided by the
/// number of pixels. TensorFlow does not divide; a weight would then mean something else for each image size.
#[must_use]
pub fn total_variation(planes: &[f32], width: usize, height: usize) -> f32 {
    let mut sum = 0f64;
    for plane in planes.chunks_exact((width * height).max(1)) {
        for row in plane.chunks_exact(width) {
            sum += distance(&row[..width - 1], &row[1..]);
        }
        sum += distance(&plane[..plane.len() - width], &plane[width..]);
    }
    (sum / (width * height).max(1) as f64) as f32
}

/// Sum of absolute differences, in eight partial sums so that it is computed with vector instructions.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0f32; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += (b - a).abs();
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| (b - a).abs()).sum();
    lanes.iter().map(|&l| f64::from(l)).sum::<f64>() + f64::from(rest)
}

/// Adds the gradient of `weight` times [`total_variation`] with respect to the planes.
pub fn add_total_variation_gradient(
    planes: &[f32],
    width: usize,
    height: usize,
    weight: f32,
    gradient: &mut [f32],
) {
    let len = (width * height).max(1);
    let weight = weight / len as f32;
    // d|b - a| / db; the derivative by a is its negative.
    let slope = |from: f32, to: f32| {
        weight * (f32::from(u8::from(to > from)) - f32::from(u8::from(to < from)))
    };
    for (plane, gradient) in planes.chunks_exact(len).zip(gradient.chunks_exact_mut(len)) {
        for (row, gradient) in plane
            .chunks_exact(width)
            .zip(gradient.chunks_exact_mut(width))
        {
            for (g, pair) in gradient[1..].iter_mut().zip(row.windows(2)) {
                *g += slope(pair[0], pair[1]);
            }
            for (g, pair) in gradient.iter_mut().zip(row.windows(2)) {
                *g -= slope(pair[0], pair[1]);
            }
        }
        let (upper, lower) = (&plane[..len - width], &plane[width..]);
        for (g, (&a, &b)) in gradient[width..].iter_mut().zip(upper.iter().zip(lower)) {
            *g += slope(a, b);
        }
        for (g, (&a, &b)) in gradient.iter_mut().zip(upper.iter().zip(lower)) {
            *g -= slope(a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 1 / 3 1 and its mirror image in a second plane: 1 + 2 + 3 + 0 = 6 each; over 4 pixels.
    #[test]
    fn total_variation_by_hand() {
        let planes = [0.0, 1.0, 3.0, 1.0, 1.0, 0.0, 1.0, 3.0];
        assert_eq!(total_variation(&planes, 2, 2), 3.0);
        let mut gradient = [0.0; 8];
        add_total_variation_gradient(&planes, 2, 2, 4.0, &mut gradient);
        assert_eq!(gradient, [-2.0, 1.0, 2.0, -1.0, 1.0, -2.0, -1.0, 2.0]);
    }

    #[test]
    fn total_variation_gradient_by_differences() {
        let (w, h) = (5, 4);
        let planes: Vec<f32> = (0..3 * w * h)
            .map(|i| ((i * 37 % 61) as f32 / 61.0).sin())
            .collect();
        let mut gradient = vec![0.0; planes.len()];
        add_total_variation_gradient(&planes, w, h, 20.0, &mut gradient);
        for i in 0..planes.len() {
            let shifted = |d: f32| {
                let mut p = planes.clone();
                p[i] += d;
                20.0 * total_variation(&p, w, h)
            };
            let numeric = (shifted(1e-3) - shifted(-1e-3)) / 2e-3;
            assert!(
                (numeric - gradient[i]).abs() < 0.02,
                "{i}: {numeric} and {}",
                gradient[i]
            );
        }
    }
}
