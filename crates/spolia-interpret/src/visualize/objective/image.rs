//! Terms of the image: value and gradient with respect to its red, green and blue planes. All are per pixel, so that a
//! weight means the same for images of all sizes.

use super::{Term, add_total_variation_gradient, total_variation};

/// Under the root of the L2 norm (Lucid).
const EPSILON: f64 = 1e-6;

/// `weight` times the term, its gradient added to `gradient`.
pub(super) fn accumulate(
    term: &Term,
    weight: f64,
    planes: &[f32],
    [width, height]: [usize; 2],
    gradient: &mut [f32],
) -> f64 {
    let pixels = (width * height).max(1) as f64;
    match term {
        Term::TotalVariation => {
            add_total_variation_gradient(planes, width, height, weight as f32, gradient);
            weight * f64::from(total_variation(planes, width, height))
        }
        Term::L1 { centre } => {
            let share = weight / pixels;
            let mut sum = 0.0;
            for (g, &v) in gradient.iter_mut().zip(planes) {
                let away = f64::from(v - centre);
                sum += away.abs();
                if away != 0.0 {
                    *g += (share * away.signum()) as f32;
                }
            }
            share * sum
        }
        Term::L2 { centre } => {
            let away = |v: f32| f64::from(v - centre);
            let sum: f64 = planes.iter().map(|&v| away(v).powi(2)).sum();
            let root = ((EPSILON + sum) / pixels).sqrt();
            for (g, &v) in gradient.iter_mut().zip(planes) {
                *g += (weight * away(v) / root / pixels) as f32;
            }
            weight * root
        }
        Term::Blur => {
            let share = weight / pixels;
            let size = (width * height).max(1);
            let mut sum = 0.0;
            for (plane, gradient) in planes
                .chunks_exact(size)
                .zip(gradient.chunks_exact_mut(size))
            {
                for (i, g) in gradient.iter_mut().enumerate() {
                    let away = f64::from(plane[i]) - blurred(plane, width, height, i);
                    sum += away * away / 2.0;
                    *g += (share * away) as f32;
                }
            }
            share * sum
        }
        _ => 0.0,
    }
}

/// Weighted mean of a pixel and its neighbours inside of the image: the pixel counts 1, a neighbour 1/2 (Lucid).
fn blurred(plane: &[f32], width: usize, height: usize, i: usize) -> f64 {
    let (x, y) = (i % width, i / width);
    let (mut sum, mut all) = (0.0, 0.0);
    for row in y.saturating_sub(1)..(y + 2).min(height) {
        for column in x.saturating_sub(1)..(x + 2).min(width) {
            let weight = if (column, row) == (x, y) { 1.0 } else { 0.5 };
            sum += weight * f64::from(plane[row * width + column]);
            all += weight;
        }
    }
    sum / all
}
