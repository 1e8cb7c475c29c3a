//! Pools and the layers behind them: forward beside backward.

use rayon::prelude::*;

use super::{
    elementwise::kept,
    product::widest,
    share::{Layout, Shared},
};
use crate::graph::Window;

/// The source rows (or columns) that the window at `o` covers.
fn covered(o: usize, window: Window, extent: usize) -> std::ops::Range<usize> {
    let start = o * window.stride;
    start.saturating_sub(window.padding)
        ..(start + window.size - window.padding.min(start + window.size)).min(extent)
}

/// The windows that cover source row (or column) `i`.
fn covering(i: usize, window: Window, outputs: usize) -> std::ops::Range<usize> {
    let last = (i + window.padding) / window.stride;
    let first = (i + window.padding + 1)
        .saturating_sub(window.size)
        .div_ceil(window.stride);
    first..(last + 1).min(outputs)
}

fn pixel(l: &Layout, image: usize, y: usize, x: usize) -> usize {
    ((image * l.height + y) * l.width + x) * l.stride + l.offset
}

/// The maximum over each window.
pub(crate) fn max_forward(window: Window, x: &[f32], from: Layout, y: &mut [f32], to: Layout) {
    let shared = Shared::new(y);
    (0..to.images * to.height).into_par_iter().for_each(|line| {
        let (image, oy) = (line / to.height, line % to.height);
        widest(|| {
            for ox in 0..to.width {
                // Safety: this output line is this task's alone.
                let out = unsafe { shared.slice(pixel(&to, image, oy, ox), to.channels) };
                out.fill(f32::NEG_INFINITY);
                for iy in covered(oy, window, from.height) {
                    for ix in covered(ox, window, from.width) {
                        let values = &x[pixel(&from, image, iy, ix)..][..from.channels];
                        out.iter_mut()
                            .zip(values)
                            .for_each(|(o, &v)| *o = if v > *o { v } else { *o });
                    }
                }
            }
        });
    });
}

/// Adds each output's gradient to the first pixel of its window that has the maximum.
pub(crate) fn max_backward(
    window: Window,
    (x, y, dy): (&[f32], &[f32], &[f32]),
    (from, to): (Layout, Layout),
    dx: &mut [f32],
) {
    // Windows of two bands with a band between them share no pixel.
    let band = window.size.div_ceil(window.stride).max(4);
    let bands = to.height.div_ceil(band);
    let shared = Shared::new(dx);
    for parity in 0..2usize.min(bands) {
        let own = (bands - parity).div_ceil(2);
        (0..from.images * own).into_par_iter().for_each(|task| {
            let (image, first) = (task / own, (task % own * 2 + parity) * band);
            let mut seen = Vec::with_capacity(window.size * window.size);
            widest(|| {
                for oy in first..(first + band).min(to.height) {
                    for ox in 0..to.width {
                        seen.clear();
                        for iy in covered(oy, window, from.height) {
                            for ix in covered(ox, window, from.width) {
                                seen.push(pixel(&from, image, iy, ix));
                            }
                        }
                        let at = pixel(&to, image, oy, ox);
                        let (best, open) = (&y[at..][..to.channels], &dy[at..][..to.channels]);
                        // Safety: these pixels are this task's alone while bands of its parity run.
                        unsafe { hand_over_all(x, best, open, &seen, shared) };
                    }
                }
            });
        });
    }
}

/// # Safety
/// Nothing else touches the channels of the pixels at `seen` meanwhile.
#[inline(always)]
unsafe fn hand_over_all(x: &[f32], best: &[f32], open: &[f32], seen: &[usize], dx: Shared) {
    // Vectors of a known length: the compiler keeps them in registers.
    let (bests, best_rest) = best.as_chunks::<16>();
    let (opens, open_rest) = open.as_chunks::<16>();
    for (c, (best, open)) in bests.iter().zip(opens).enumerate() {
        let mut open = *open;
        for &from in seen {
            let out = unsafe { dx.slice(from + 16 * c, 16) };
            if let (Some(x), Some(out)) = (x[from + 16 * c..].first_chunk(), out.first_chunk_mut())
            {
                hand_over::<16>(x, best, &mut open, out);
            }
        }
    }
    let rest = best.len() - best_rest.len();
    for (c, (best, open)) in best_rest.iter().zip(open_rest).enumerate() {
        let mut open = [*open];
        for &from in seen {
            let out = unsafe { dx.slice(from + rest + c, 1) };
            if let Some(out) = out.first_chunk_mut() {
                hand_over(&[x[from + rest + c]], &[*best], &mut open, out);
            }
        }
    }
}

/// Gives what is open of an output's gradient to a pixel where it has the maximum.
#[inline(always)]
fn hand_over<const N: usize>(
    x: &[f32; N],
    best: &[f32; N],
    open: &mut [f32; N],
    out: &mut [f32; N],
) {
    for i in 0..N {
        let hit = x[i] == best[i];
        out[i] += kept(open[i], hit);
        open[i] = kept(open[i], !hit);
    }
}

fn share_of(oy: usize, ox: usize, window: Window, from: &Layout, count_padding: bool) -> f32 {
    let count = if count_padding {
        window.size * window.size
    } else {
        covered(oy, window, from.height).len() * covered(ox, window, from.width).len()
    };
    1.0 / count as f32
}

/// The mean over each window.
pub(crate) fn average_forward(
    window: Window,
    count_padding: bool,
    (x, from): (&[f32], Layout),
    y: &mut [f32],
    to: Layout,
) {
    let shared = Shared::new(y);
    (0..to.images * to.height).into_par_iter().for_each(|line| {
        let (image, oy) = (line / to.height, line % to.height);
        widest(|| {
            for ox in 0..to.width {
                // Safety: this output line is this task's alone.
                let out = unsafe { shared.slice(pixel(&to, image, oy, ox), to.channels) };
                out.fill(0.0);
                for iy in covered(oy, window, from.height) {
                    for ix in covered(ox, window, from.width) {
                        let values = &x[pixel(&from, image, iy, ix)..][..from.channels];
                        out.iter_mut().zip(values).for_each(|(o, v)| *o += v);
                    }
                }
                let share = share_of(oy, ox, window, &from, count_padding);
                out.iter_mut().for_each(|o| *o *= share);
            }
        });
    });
}

/// dx (+)= the gradient through the mean.
pub(crate) fn average_backward(
    window: Window,
    count_padding: bool,
    (dy, to): (&[f32], Layout),
    dx: &mut [f32],
    from: Layout,
    add: bool,
) {
    let shared = Shared::new(dx);
    (0..from.images * from.height)
        .into_par_iter()
        .for_each(|line| {
            let (image, iy) = (line / from.height, line % from.height);
            widest(|| {
                for ix in 0..from.width {
                    // Safety: this input line is this task's alone.
                    let out = unsafe { shared.slice(pixel(&from, image, iy, ix), from.channels) };
                    if !add {
                        out.fill(0.0);
                    }
                    for oy in covering(iy, window, to.height) {
                        for ox in covering(ix, window, to.width) {
                            let share = share_of(oy, ox, window, &from, count_padding);
                            let values = &dy[pixel(&to, image, oy, ox)..][..to.channels];
                            out.iter_mut()
                                .zip(values)
                                .for_each(|(o, v)| *o += v * share);
                        }
                    }
                }
            });
        });
}

/// Each image's mean over its pixels.
pub(crate) fn global_forward(x: &[f32], from: Layout, y: &mut [f32]) {
    let pixels = from.height * from.width;
    y.par_chunks_mut(from.channels)
        .enumerate()
        .for_each(|(image, out)| {
            let mut sum = vec![0f64; from.channels];
            for p in 0..pixels {
                let values =
                    &x[(image * pixels + p) * from.stride + from.offset..][..from.channels];
                sum.iter_mut()
                    .zip(values)
                    .for_each(|(s, &v)| *s += f64::from(v));
            }
            out.iter_mut()
                .zip(sum)
                .for_each(|(o, s)| *o = (s / pixels as f64) as f32);
        });
}

/// dx += dy shared out evenly.
pub(crate) fn global_backward(dy: &[f32], dx: &mut [f32], from: Layout) {
    let pixels = from.height * from.width;
    let share = 1.0 / pixels as f32;
    dx.par_chunks_mut(pixels * from.channels)
        .enumerate()
        .for_each(|(image, out)| {
            let values = &dy[image * from.channels..][..from.channels];
            for row in out.chunks_exact_mut(from.channels) {
                row.iter_mut()
                    .zip(values)
                    .for_each(|(o, v)| *o += v * share);
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAME: Window = Window {
        size: 3,
        stride: 1,
        padding: 1,
        partial: false,
    };

    #[test]
    fn windows_meet() {
        for window in [
            SAME,
            Window {
                size: 3,
                stride: 2,
                padding: 0,
                partial: false,
            },
        ] {
            let (inputs, outputs) = (7, (7 + 2 * window.padding - 3) / window.stride + 1);
            for i in 0..inputs {
                let by_output: Vec<_> = (0..outputs)
                    .filter(|&o| covered(o, window, inputs).contains(&i))
                    .collect();
                assert_eq!(covering(i, window, outputs).collect::<Vec<_>>(), by_output);
            }
        }
    }

    #[test]
    fn averages_with_and_without_padding() {
        let l = Layout {
            images: 1,
            height: 2,
            width: 2,
            stride: 1,
            offset: 0,
            channels: 1,
        };
        let mut y = vec![0.0; 4];
        average_forward(SAME, false, (&[1.0, 2.0, 3.0, 6.0], l), &mut y, l);
        assert_eq!(y, [3.0; 4]);
        average_forward(SAME, true, (&[1.0, 2.0, 3.0, 6.0], l), &mut y, l);
        assert!(y.iter().all(|v| (v - 12.0 / 9.0).abs() < 1e-6));
    }

    #[test]
    fn a_tie_of_maxima_passes_its_gradient_once() {
        let from = Layout {
            images: 1,
            height: 3,
            width: 3,
            stride: 1,
            offset: 0,
            channels: 1,
        };
        let to = Layout {
            height: 1,
            width: 1,
            ..from
        };
        let window = Window {
            size: 3,
            stride: 2,
            padding: 0,
            partial: false,
        };
        let x = [0.0, 2.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 2.0];
        let mut y = [0.0];
        max_forward(window, &x, from, &mut y, to);
        assert_eq!(y, [2.0]);
        let mut dx = [0.0; 9];
        max_backward(window, (&x, &y, &[5.0]), (from, to), &mut dx);
        assert_eq!(dx, [0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
