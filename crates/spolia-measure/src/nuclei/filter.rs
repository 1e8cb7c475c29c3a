//! Smoothing and thresholds of a gray image.

/// Gaussian blur with standard deviation `sigma` px; the border is mirrored (the edge pixel twice).
///
/// The kernel reaches 3 sigma.
pub(super) fn gaussian(image: &[f32], width: usize, height: usize, sigma: f64) -> Vec<f32> {
    let radius = (3.0 * sigma).ceil() as usize;
    if radius == 0 {
        return image.to_vec();
    }
    let half: Vec<f64> = (0..=radius)
        .map(|k| (-0.5 * (k as f64 / sigma).powi(2)).exp())
        .collect();
    let total = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    let half: Vec<f32> = half.iter().map(|w| (w / total) as f32).collect();

    // Rows, through a buffer with mirrored ends.
    let mut rows = vec![0.0; image.len()];
    let mut padded = vec![0.0_f32; width + 2 * radius];
    for (row, out) in image.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        for (k, value) in padded.iter_mut().enumerate() {
            *value = row[mirror(k as isize - radius as isize, width)];
        }
        for (value, &p) in out.iter_mut().zip(&padded[radius..]) {
            *value = half[0] * p;
        }
        for (k, &weight) in half.iter().enumerate().skip(1) {
            let (left, right) = (&padded[radius - k..], &padded[radius + k..]);
            for ((value, a), b) in out.iter_mut().zip(left).zip(right) {
                *value += weight * (a + b);
            }
        }
    }
    // Columns, whole rows at a time.
    let mut out = vec![0.0; image.len()];
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        let row = |dy: isize| {
            let y = mirror(y as isize + dy, height);
            &rows[y * width..(y + 1) * width]
        };
        for (value, &p) in out.iter_mut().zip(row(0)) {
            *value = half[0] * p;
        }
        for (k, &weight) in half.iter().enumerate().skip(1) {
            let k = k as isize;
            for ((value, a), b) in out.iter_mut().zip(row(-k)).zip(row(k)) {
                *value += weight * (a + b);
            }
        }
    }
    out
}

/// Index `k` of a line of `length` values that is mirrored at both ends: … 1 0 | 0 1 2 … .
fn mirror(k: isize, length: usize) -> usize {
    let period = 2 * length as isize;
    let k = k.rem_euclid(period) as usize;
    k.min(2 * length - 1 - k)
}

/// Mean over a square window of `2 radius + 1` px; the window is cut at the border.
pub(super) fn box_mean(image: &[f32], width: usize, height: usize, radius: usize) -> Vec<f32> {
    let mut rows = vec![0.0_f32; image.len()];
    for (row, out) in image.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        let mut sums = vec![0.0_f64; width + 1];
        for (x, &value) in row.iter().enumerate() {
            sums[x + 1] = sums[x] + f64::from(value);
        }
        for (x, value) in out.iter_mut().enumerate() {
            let (low, high) = (x.saturating_sub(radius), (x + radius + 1).min(width));
            *value = ((sums[high] - sums[low]) / (high - low) as f64) as f32;
        }
    }
    let mut out = vec![0.0_f32; image.len()];
    let mut sum = vec![0.0_f64; width];
    let add = |sum: &mut [f64], y: usize, sign: f64| {
        for (s, &value) in sum.iter_mut().zip(&rows[y * width..(y + 1) * width]) {
            *s += sign * f64::from(value);
        }
    };
    for y in 0..radius.min(height) {
        add(&mut sum, y, 1.0);
    }
    for y in 0..height {
        if y + radius < height {
            add(&mut sum, y + radius, 1.0);
        }
        if y > radius {
            add(&mut sum, y - radius - 1, -1.0);
        }
        let rows = (y + radius + 1).min(height) - y.saturating_sub(radius);
        for (value, s) in out[y * width..(y + 1) * width].iter_mut().zip(&sum) {
            *value = (s / rows as f64) as f32;
        }
    }
    out
}

/// Otsu's threshold of values in 0..=1, and the distance between the means of the two classes.
///
/// Otsu, *A threshold selection method from gray-level histograms* (IEEE Trans. SMC 9, 1979), over
/// 256 equal bins. Values above the threshold are the upper class.
pub(super) fn otsu(image: &[f32]) -> (f32, f32) {
    const BINS: usize = 256;
    let mut counts = [0_u64; BINS];
    for &value in image {
        counts[((value * BINS as f32) as usize).min(BINS - 1)] += 1;
    }
    let total = image.len() as f64;
    let sum: f64 = (0..BINS).map(|k| k as f64 * counts[k] as f64).sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut best, mut threshold, mut contrast) = (0.0, 1.0, 0.0);
    for (k, &count) in counts.iter().enumerate() {
        below += count as f64;
        sum_below += k as f64 * count as f64;
        let above = total - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let distance = (sum - sum_below) / above - sum_below / below;
        let between = below * above * distance * distance;
        if between > best {
            best = between;
            threshold = (k + 1) as f64 / BINS as f64;
            contrast = distance / BINS as f64;
        }
    }
    (threshold as f32, contrast as f32)
}
