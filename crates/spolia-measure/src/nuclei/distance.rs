//! Distance to the background.

/// Squared Euclidean distance of every pixel to the nearest pixel outside `inside` (0 there).
///
/// Exact: Felzenszwalb and Huttenlocher, *Distance transforms of sampled functions* (Theory of
/// Computing 8, 2012). The image's border is no background. Where there is no background at all, the
/// distance is as large as the image allows.
pub(super) fn squared_distance(inside: &[bool], width: usize, height: usize) -> Vec<f32> {
    let far = (width + height) as f32;
    // Columns: distance to the nearest background above or below.
    let mut out = vec![0.0_f32; inside.len()];
    let mut run = vec![far; width];
    for (y, row) in inside.chunks_exact(width).enumerate() {
        let out = &mut out[y * width..(y + 1) * width];
        for ((run, &inside), out) in run.iter_mut().zip(row).zip(out) {
            *run = if inside { (*run + 1.0).min(far) } else { 0.0 };
            *out = *run;
        }
    }
    run.fill(far);
    for (y, row) in inside.chunks_exact(width).enumerate().rev() {
        let out = &mut out[y * width..(y + 1) * width];
        for ((run, &inside), out) in run.iter_mut().zip(row).zip(out) {
            *run = if inside { (*run + 1.0).min(far) } else { 0.0 };
            *out = out.min(*run).powi(2);
        }
    }
    // Rows: the lower envelope of the parabolas f(x) + (q - x)².
    let mut f = vec![0.0_f32; width];
    // Of each parabola of the envelope: its apex, f(apex) + apex², and where it starts to be lowest.
    let mut envelope = vec![(0.0_f32, 0.0_f32, 0.0_f32); width];
    for row in out.chunks_exact_mut(width) {
        if row.iter().all(|&v| v == 0.0) {
            continue;
        }
        f.copy_from_slice(row);
        let mut k = 0;
        envelope[0] = (0.0, f[0], f32::NEG_INFINITY);
        for (q, &fq) in f.iter().enumerate().skip(1) {
            let q = q as f32;
            let height = fq + q * q;
            // The first parabola starts at minus infinity, so the search ends there at the latest.
            let meet = loop {
                let (apex, other, start) = envelope[k];
                let meet = (height - other) / (2.0 * (q - apex));
                if meet > start {
                    break meet;
                }
                k -= 1;
            };
            k += 1;
            envelope[k] = (q, height, meet);
        }
        let last = k;
        k = 0;
        for (q, value) in row.iter_mut().enumerate() {
            let q = q as f32;
            while k < last && envelope[k + 1].2 < q {
                k += 1;
            }
            let (apex, height, _) = envelope[k];
            // f(apex) + (q - apex)²
            *value = height + q * (q - 2.0 * apex);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::squared_distance;

    #[test]
    fn as_the_definition() {
        // A pattern with large and small distances, without symmetry.
        let (width, height) = (23, 17);
        let inside: Vec<bool> = (0..width * height)
            .map(|k| k * k % 61 != 0 && k % 97 != 5)
            .collect();
        let got = squared_distance(&inside, width, height);
        for (k, got) in got.into_iter().enumerate() {
            let outside = (0..inside.len()).filter(|&other| !inside[other]);
            let squares = outside.map(|other| {
                (k % width).abs_diff(other % width).pow(2)
                    + (k / width).abs_diff(other / width).pow(2)
            });
            assert_eq!(Some(got as usize), squares.min(), "pixel {k}");
        }
    }
}
