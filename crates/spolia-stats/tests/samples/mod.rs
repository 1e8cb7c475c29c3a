//! Data that the scripts under tests/reference/ at the repository root make likewise.

use spolia_stats::Matrix;

/// x = 1664525 x + 1013904223 mod 2^32, over 2^32.
pub fn uniform(seed: u32, count: usize) -> Vec<f64> {
    let mut x = seed;
    (0..count)
        .map(|_| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(x) / 4_294_967_296.0
        })
        .collect()
}

/// n rows of p features, and a target that follows the first and the fourth.
pub fn regression(n: usize, p: usize) -> (Matrix, Matrix) {
    let x = Matrix::new(n, p, uniform(1, n * p)).unwrap();
    let noise = uniform(2, n);
    let y = (0..n).map(|i| 2.0 * x.row(i)[0] - x.row(i)[3] + noise[i]);
    let y = Matrix::new(n, 1, y.collect()).unwrap();
    (x, y)
}
