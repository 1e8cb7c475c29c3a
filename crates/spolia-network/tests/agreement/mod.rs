//! Arrays against the summaries that the export scripts keep of them.

use serde::Deserialize;

/// Of an array: its sum, sum of absolutes, root mean square, and some values, evenly spaced from the first to the last.
#[derive(Deserialize)]
pub struct Summary {
    sum: f64,
    abs: f64,
    rms: f64,
    values: Vec<f64>,
}

/// Values agree within the tolerance, relative to their own size or to the array's root mean square; sums relative to
/// the sum of absolutes.
pub fn assert_agrees(what: &str, got: &[f32], want: &Summary, tolerance: f64) {
    let sum: f64 = got.iter().map(|&v| f64::from(v)).sum();
    let abs: f64 = got.iter().map(|&v| f64::from(v).abs()).sum();
    assert!(
        (sum - want.sum).abs() <= tolerance * want.abs,
        "{what}: sum {sum}, PyTorch {}",
        want.sum
    );
    assert!(
        (abs - want.abs).abs() <= tolerance * want.abs,
        "{what}: absolutes {abs}, PyTorch {}",
        want.abs
    );
    let last = want.values.len() - 1;
    for (k, &expected) in want.values.iter().enumerate() {
        let step = (got.len() - 1) as f64 / last as f64;
        let at = if k == last {
            got.len() - 1
        } else {
            (k as f64 * step) as usize
        };
        let found = f64::from(got[at]);
        let scale = expected.abs().max(want.rms);
        assert!(
            (found - expected).abs() <= tolerance * scale,
            "{what}[{at}]: {found}, PyTorch {expected}"
        );
    }
}
