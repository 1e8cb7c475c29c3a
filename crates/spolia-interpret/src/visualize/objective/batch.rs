//! Terms that compare the images of a batch. Each image gets a share, such that the mean of the shares is the term.

use faer::Mat;
use spolia_network::Tensor;

/// Least squared norm of a Gram matrix (Lucid): silent layers count as orthogonal.
const EPSILON: f64 = 1e-10;
/// By how much the weight of a pair falls with each step apart in the batch (Lucid's `decay_ratio`).
const DECAY: f64 = 2.0;
/// Pairs further apart are not compared (Lucid).
const FARTHEST: usize = 4;

/// Lucid's diversity, -1/n of the sum over ordered pairs of images i, j of <G_i, G_j>, with G = X'X / |X'X| the
/// normalised Gram matrix of the activation X (positions x channels). An image's share is minus the sum of its cosines
/// with all others.
pub(super) fn diversity(
    weight: f64,
    activation: &Tensor,
    values: &mut [f64],
    gradient: &mut Tensor,
) {
    let [n, h, w, c] = activation.shape();
    let layer = |i: usize| {
        let x = activation.image(i);
        Mat::from_fn(h * w, c, |p, k| f64::from(x[p * c + k]))
    };
    let (grams, norms): (Vec<Mat<f64>>, Vec<f64>) = (0..n)
        .map(|i| {
            let x = layer(i);
            let gram = x.transpose() * &x;
            let norm = gram.squared_norm_l2().max(EPSILON).sqrt();
            (gram * faer::Scale(1.0 / norm), norm)
        })
        .unzip();
    for i in 0..n {
        // dL/dG_i of the sum of all shares, twice the sum over the pairs with i.
        let mut pull = Mat::<f64>::zeros(c, c);
        let mut along = 0.0;
        for j in (0..n).filter(|&j| j != i) {
            let cosine = inner(&grams[i], &grams[j]);
            values[i] -= weight * cosine;
            along += cosine;
            pull += &grams[j];
        }
        if norms[i] > EPSILON.sqrt() {
            pull -= &grams[i] * faer::Scale(along);
        }
        let back = layer(i) * pull * faer::Scale(-4.0 * weight / norms[i]);
        let image = gradient.data_mut()[i * h * w * c..].iter_mut();
        for (place, g) in image.take(h * w * c).enumerate() {
            *g += back[(place / c, place % c)] as f32;
        }
    }
}

/// Sum of the products of two matrices' elements.
fn inner(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    a.col_iter()
        .zip(b.col_iter())
        .map(|(a, b)| a.iter().zip(b.iter()).map(|(a, b)| a * b).sum::<f64>())
        .sum()
}

/// Lucid's alignment: minus the sum, over pairs of images d = 1 to 4 places apart, of the mean squared difference over
/// 2^d. Half of a pair's part goes to each of its images, times n so that the mean over the batch is the sum.
pub(super) fn alignment(
    weight: f64,
    activation: &Tensor,
    values: &mut [f64],
    gradient: &mut Tensor,
) {
    let [n, h, w, c] = activation.shape();
    let len = h * w * c;
    for apart in 1..=FARTHEST {
        let share = weight * n as f64 / DECAY.powi(apart as i32) / len.max(1) as f64;
        for i in 0..n.saturating_sub(apart) {
            let j = i + apart;
            let (a, b) = (activation.image(i), activation.image(j));
            let data = gradient.data_mut();
            let mut sum = 0.0;
            for (k, (&a, &b)) in a.iter().zip(b).enumerate() {
                let difference = f64::from(a) - f64::from(b);
                sum += difference * difference;
                let slope = (2.0 * share * difference) as f32;
                data[i * len + k] -= slope;
                data[j * len + k] += slope;
            }
            values[i] -= share * sum / 2.0;
            values[j] -= share * sum / 2.0;
        }
    }
}
