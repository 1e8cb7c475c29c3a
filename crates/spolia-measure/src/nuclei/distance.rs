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
    let mut apex = vec![0_usize; width];
    let mut start = vec![0.0_f32; width];
    for row in out.chunks_exact_mut(width) {
        if row.iter().all(|&v| v == 0.0) {
            continue;
        }
        f.copy_from_slice(row);
        let mut k = 0;
        (apex[0], start[0]) = (0, f32::NEG_INFINITY);
        for q in 1..width {
            // The first parabola starts at minus infinity, so the search ends there at the latest.
            let meet = loop {
                let p = apex[k];
                let (fq, fp) = (f[q] + (q * q) as f32, f[p] + (p * p) as f32);
                let meet = (fq - fp) / (2 * (q - p)) as f32;
                if meet > start[k] {
                    break meet;
                }
                k -= 1;
            };
            k += 1;
            (apex[k], start[k]) = (q, meet);
        }
        let last = k;
        k = 0;
        for (q, value) in row.iter_mut().enumerate() {
            while k < last && start[k + 1] < q as f32 {
                k += 1;
            }
            *value = f[apex[k]] + (q.abs_diff(apex[k]) as f32).powi(2);
        }
    }
    out
}
