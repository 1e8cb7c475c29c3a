//! Pools: a unit for each value that is written, forward and backward.

use cubecl::prelude::*;

use super::{Shape, elementwise::place};

/// A square window.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(in super::super) struct Square {
    pub size: usize,
    pub step: usize,
    pub pad: usize,
}

/// First place that the window at `o` covers.
#[cube]
fn first(o: usize, window: &Square) -> usize {
    let start = o * window.step;
    let mut first = 0usize;
    if start > window.pad {
        first = start - window.pad;
    }
    first
}

/// The place behind the last that the window at `o` covers.
#[cube]
fn behind(o: usize, window: &Square, extent: usize) -> usize {
    let mut end = o * window.step + window.size;
    if end > window.pad {
        end -= window.pad;
    } else {
        end = 0usize;
    }
    if end > extent {
        end = extent;
    }
    end
}

/// The first window that covers place `i`.
#[cube]
fn first_window(i: usize, window: &Square) -> usize {
    let start = i + window.pad + 1;
    let mut first = 0usize;
    if start > window.size {
        first = (start - window.size + window.step - 1) / window.step;
    }
    first
}

/// The window behind the last that covers place `i`.
#[cube]
fn behind_windows(i: usize, window: &Square, windows: usize) -> usize {
    let mut end = (i + window.pad) / window.step + 1;
    if end > windows {
        end = windows;
    }
    end
}

/// The maximum over each window.
#[cube(launch_unchecked)]
pub(in super::super) fn maximum(
    x: &[f32],
    y: &mut [f32],
    from: Shape,
    to: Shape,
    window: Square,
    len: usize,
) {
    if ABSOLUTE_POS < len {
        let channel = ABSOLUTE_POS % to.channels;
        let pixel = ABSOLUTE_POS / to.channels;
        let ox = pixel % to.width;
        let oy = pixel / to.width % to.height;
        let image = pixel / to.width / to.height * from.height * from.width;
        let mut best = f32::min_value();
        for iy in first(oy, &window)..behind(oy, &window, from.height) {
            for ix in first(ox, &window)..behind(ox, &window, from.width) {
                best = max(best, x[place(&from, image + iy * from.width + ix, channel)]);
            }
        }
        y[place(&to, pixel, channel)] = best;
    }
}

/// dx (+)= the gradient of every window of which this value is the first maximum.
#[cube(launch_unchecked)]
pub(in super::super) fn maximum_gradient(
    x: &[f32],
    y: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    from: Shape,
    to: Shape,
    window: Square,
    len: usize,
    add: u32,
) {
    if ABSOLUTE_POS < len {
        let channel = ABSOLUTE_POS % from.channels;
        let pixel = ABSOLUTE_POS / from.channels;
        let ix = pixel % from.width;
        let iy = pixel / from.width % from.height;
        let image = pixel / from.width / from.height;
        let at = place(&from, pixel, channel);
        let value = x[at];
        let mut sum = 0.0f32;
        if add == 1 {
            sum = dx[at];
        }
        for oy in first_window(iy, &window)..behind_windows(iy, &window, to.height) {
            for ox in first_window(ix, &window)..behind_windows(ix, &window, to.width) {
                let out = place(&to, (image * to.height + oy) * to.width + ox, channel);
                if y[out] == value {
                    // Is there an equal one before it?
                    let mut earlier = 0u32;
                    for by in first(oy, &window)..iy + 1 {
                        for bx in first(ox, &window)..behind(ox, &window, from.width) {
                            if by < iy || bx < ix {
                                let before = (image * from.height + by) * from.width + bx;
                                if x[place(&from, before, channel)] == value {
                                    earlier = 1u32;
                                }
                            }
                        }
                    }
                    if earlier == 0u32 {
                        sum += dy[out];
                    }
                }
            }
        }
        dx[at] = sum;
    }
}

/// One over the values that the window at a place averages.
#[cube]
fn share(oy: usize, ox: usize, window: &Square, from: &Shape, #[comptime] padding: bool) -> f32 {
    let mut count = window.size * window.size;
    if comptime!(!padding) {
        count = (behind(oy, window, from.height) - first(oy, window))
            * (behind(ox, window, from.width) - first(ox, window));
    }
    1.0f32 / f32::cast_from(count as u32)
}

/// The mean over each window; with `padding`, zeros around the image count.
#[cube(launch_unchecked)]
pub(in super::super) fn average(
    x: &[f32],
    y: &mut [f32],
    from: Shape,
    to: Shape,
    window: Square,
    len: usize,
    #[comptime] padding: bool,
) {
    if ABSOLUTE_POS < len {
        let channel = ABSOLUTE_POS % to.channels;
        let pixel = ABSOLUTE_POS / to.channels;
        let ox = pixel % to.width;
        let oy = pixel / to.width % to.height;
        let image = pixel / to.width / to.height * from.height * from.width;
        let mut sum = 0.0f32;
        for iy in first(oy, &window)..behind(oy, &window, from.height) {
            for ix in first(ox, &window)..behind(ox, &window, from.width) {
                sum += x[place(&from, image + iy * from.width + ix, channel)];
            }
        }
        y[place(&to, pixel, channel)] = sum * share(oy, ox, &window, &from, padding);
    }
}

/// dx (+)= the gradient through the means.
#[cube(launch_unchecked)]
pub(in super::super) fn average_gradient(
    dy: &[f32],
    dx: &mut [f32],
    from: Shape,
    to: Shape,
    window: Square,
    len: usize,
    add: u32,
    #[comptime] padding: bool,
) {
    if ABSOLUTE_POS < len {
        let channel = ABSOLUTE_POS % from.channels;
        let pixel = ABSOLUTE_POS / from.channels;
        let ix = pixel % from.width;
        let iy = pixel / from.width % from.height;
        let image = pixel / from.width / from.height;
        let at = place(&from, pixel, channel);
        let mut sum = 0.0f32;
        if add == 1 {
            sum = dx[at];
        }
        for oy in first_window(iy, &window)..behind_windows(iy, &window, to.height) {
            for ox in first_window(ix, &window)..behind_windows(ix, &window, to.width) {
                let out = place(&to, (image * to.height + oy) * to.width + ox, channel);
                sum += dy[out] * share(oy, ox, &window, &from, padding);
            }
        }
        dx[at] = sum;
    }
}

/// Each image's mean over its pixels; `len` counts images times channels.
#[cube(launch_unchecked)]
pub(in super::super) fn global(x: &[f32], y: &mut [f32], from: Shape, to: Shape, len: usize) {
    if ABSOLUTE_POS < len {
        let channel = ABSOLUTE_POS % from.channels;
        let image = ABSOLUTE_POS / from.channels;
        let pixels = from.height * from.width;
        let mut sum = 0.0f32;
        for pixel in 0..pixels {
            sum += x[place(&from, image * pixels + pixel, channel)];
        }
        y[place(&to, image, channel)] = sum / f32::cast_from(pixels as u32);
    }
}

/// dx (+)= dy shared out evenly.
#[cube(launch_unchecked)]
pub(in super::super) fn global_gradient(
    dy: &[f32],
    dx: &mut [f32],
    from: Shape,
    to: Shape,
    len: usize,
    add: u32,
) {
    if ABSOLUTE_POS < len {
        let channel = ABSOLUTE_POS % from.channels;
        let pixel = ABSOLUTE_POS / from.channels;
        let pixels = from.height * from.width;
        let mut value = dy[place(&to, pixel / pixels, channel)] / f32::cast_from(pixels as u32);
        let at = place(&from, pixel, channel);
        if add == 1 {
            value += dx[at];
        }
        dx[at] = value;
    }
}
