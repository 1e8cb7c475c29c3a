//! The power of an image by frequency.

use rustfft::{FftPlanner, num_complex::Complex};

/// Power of a gray plane, its mean taken off and a Hann window put on (the image's borders do not fit each other, which
/// would add power along the axes).
pub(super) struct Spectrum {
    /// Mean power at frequencies of k / side cycles a pixel, k from 1 to side / 2, with side the shorter one.
    pub radial: Vec<f64>,
    /// Power at more than .25 cycles a pixel.
    pub high: f64,
    /// Power at all frequencies of the bins and above them.
    pub all: f64,
}

pub(super) fn spectrum(gray: &[f64], width: usize, height: usize) -> Spectrum {
    let mean = gray.iter().sum::<f64>() / gray.len().max(1) as f64;
    // The periodic window: sin²(pi i / n).
    let hann = |i: usize, n: usize| (std::f64::consts::PI * i as f64 / n as f64).sin().powi(2);
    let mut values: Vec<Complex<f64>> = gray
        .iter()
        .enumerate()
        .map(|(i, v)| {
            let window = hann(i % width, width) * hann(i / width, height);
            Complex::new((v - mean) * window, 0.0)
        })
        .collect();
    let mut planner = FftPlanner::new();
    planner.plan_fft_forward(width).process(&mut values);
    let columns = planner.plan_fft_forward(height);
    let mut column = vec![Complex::default(); height];
    let side = width.min(height);
    let (mut sums, mut counts) = (vec![0.0; side / 2], vec![0u32; side / 2]);
    let (mut high, mut all) = (0.0, 0.0);
    for x in 0..width {
        for (y, v) in column.iter_mut().enumerate() {
            *v = values[y * width + x];
        }
        columns.process(&mut column);
        for (y, v) in column.iter().enumerate() {
            let part = |i: usize, n: usize| i.min(n - i) as f64 / n as f64;
            let frequency = part(x, width).hypot(part(y, height));
            let bin = (frequency * side as f64).round() as usize;
            if bin == 0 {
                continue;
            }
            let power = v.norm_sqr();
            all += power;
            if frequency > 0.25 {
                high += power;
            }
            if let (Some(sum), Some(count)) = (sums.get_mut(bin - 1), counts.get_mut(bin - 1)) {
                *sum += power;
                *count += 1;
            }
        }
    }
    Spectrum {
        radial: sums
            .iter()
            .zip(counts)
            .map(|(s, n)| s / f64::from(n.max(1)))
            .collect(),
        high,
        all,
    }
}
