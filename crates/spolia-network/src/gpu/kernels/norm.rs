//! Batch norm with the batch's statistics (Ioffe and Szegedy 2015, algorithm 1 and section 3). Sums over pixels are made
//! in two steps: cubes of 32 channels by 8 lanes sum a span of pixels each, then one cube adds the spans.

use cubecl::prelude::*;

use super::{Shape, elementwise::place};

/// Channels and lanes of a cube.
pub(in super::super) const CHANNELS: usize = 32;
const LANES: usize = 8;

/// Adds up what the lanes of a cube found for their channel; the first lane gets the sums.
#[cube]
fn over_lanes(a: f32, b: f32) -> (f32, f32) {
    let unit = UNIT_POS as usize;
    let mut lanes = Shared::<[f32]>::new_slice(comptime!(2 * CHANNELS * LANES));
    lanes[unit] = a;
    lanes[comptime!(CHANNELS * LANES) + unit] = b;
    sync_cube();
    let mut sum_a = 0.0f32;
    let mut sum_b = 0.0f32;
    if unit < CHANNELS {
        for lane in 0..LANES {
            sum_a += lanes[lane * CHANNELS + unit];
            sum_b += lanes[comptime!(CHANNELS * LANES) + lane * CHANNELS + unit];
        }
    }
    (sum_a, sum_b)
}

/// Writes a span's two sums for each channel.
#[cube]
fn write_span(sums: &mut [f32], span: usize, channel: usize, channels: usize, a: f32, b: f32) {
    let (a, b) = over_lanes(a, b);
    if (UNIT_POS as usize) < CHANNELS && channel < channels {
        sums[span * 2 * channels + channel] = a;
        sums[(span * 2 + 1) * channels + channel] = b;
    }
}

/// Adds up the spans' sums of a channel; the first lane gets them.
#[cube]
fn over_spans(sums: &[f32], spans: usize, channel: usize, channels: usize) -> (f32, f32) {
    let mut a = 0.0f32;
    let mut b = 0.0f32;
    if channel < channels {
        let mut span = UNIT_POS as usize / CHANNELS;
        while span < spans {
            a += sums[span * 2 * channels + channel];
            b += sums[(span * 2 + 1) * channels + channel];
            span += LANES;
        }
    }
    over_lanes(a, b)
}

/// Sums of x and of its square, both less the channel's first value, over spans of `length` pixels.
#[cube(launch_unchecked)]
pub(in super::super) fn moments(
    x: &[f32],
    sums: &mut [f32],
    shape: Shape,
    pixels: usize,
    length: usize,
) {
    let blocks = (shape.channels + CHANNELS - 1) / CHANNELS;
    let span = CUBE_POS / blocks;
    let channel = CUBE_POS % blocks * CHANNELS + UNIT_POS as usize % CHANNELS;
    let mut a = 0.0f32;
    let mut b = 0.0f32;
    if channel < shape.channels {
        let origin = x[place(&shape, 0usize, channel)];
        let mut pixel = span * length + UNIT_POS as usize / CHANNELS;
        let mut end = (span + 1) * length;
        if end > pixels {
            end = pixels;
        }
        while pixel < end {
            let value = x[place(&shape, pixel, channel)] - origin;
            a += value;
            b += value * value;
            pixel += LANES;
        }
    }
    write_span(sums, span, channel, shape.channels, a, b);
}

/// From the sums of [`moments`]: mean and unbiased variance into `batch` (the variances `total` behind the means), one
/// over the deviation, and the scale and shift of batch norm.
#[cube(launch_unchecked)]
pub(in super::super) fn statistics(
    x: &[f32],
    sums: &[f32],
    parameters: &[f32],
    batch: &mut [f32],
    inverse: &mut [f32],
    scale: &mut [f32],
    shift: &mut [f32],
    shape: Shape,
    pixels: usize,
    spans: usize,
    norm: usize,
    total: usize,
    gamma: usize,
    beta: usize,
    epsilon: f32,
) {
    let channel = CUBE_POS * CHANNELS + UNIT_POS as usize % CHANNELS;
    let (a, b) = over_spans(sums, spans, channel, shape.channels);
    if (UNIT_POS as usize) < CHANNELS && channel < shape.channels {
        let n = f32::cast_from(pixels as u32);
        let less = a / n;
        let mean = x[place(&shape, 0usize, channel)] + less;
        let variance = max(b / n - less * less, 0.0f32);
        let one_over = 1.0f32 / (variance + epsilon).sqrt();
        let factor = parameters[gamma + channel] * one_over;
        batch[norm + channel] = mean;
        batch[total + norm + channel] = variance * n / max(n - 1.0f32, 1.0f32);
        inverse[norm + channel] = one_over;
        scale[norm + channel] = factor;
        shift[norm + channel] = parameters[beta + channel] - mean * factor;
    }
}

/// Sums, over spans of pixels, of the gradient behind batch norm's ReLU, and of it times the normalised x.
#[cube(launch_unchecked)]
pub(in super::super) fn slopes(
    x: &[f32],
    dy: &[f32],
    batch: &[f32],
    inverse: &[f32],
    scale: &[f32],
    shift: &[f32],
    sums: &mut [f32],
    from: Shape,
    to: Shape,
    pixels: usize,
    length: usize,
    norm: usize,
    floor: f32,
) {
    let blocks = (from.channels + CHANNELS - 1) / CHANNELS;
    let span = CUBE_POS / blocks;
    let channel = CUBE_POS % blocks * CHANNELS + UNIT_POS as usize % CHANNELS;
    let mut a = 0.0f32;
    let mut b = 0.0f32;
    if channel < from.channels {
        let (mean, one_over) = (batch[norm + channel], inverse[norm + channel]);
        let (factor, offset) = (scale[norm + channel], shift[norm + channel]);
        let mut pixel = span * length + UNIT_POS as usize / CHANNELS;
        let mut end = (span + 1) * length;
        if end > pixels {
            end = pixels;
        }
        while pixel < end {
            let value = x[place(&from, pixel, channel)];
            if value * factor + offset > floor {
                let gradient = dy[place(&to, pixel, channel)];
                a += gradient;
                b += gradient * ((value - mean) * one_over);
            }
            pixel += LANES;
        }
    }
    write_span(sums, span, channel, from.channels, a, b);
}

/// From the sums of [`slopes`]: the gradients of gamma and beta, and their means over the pixels.
#[cube(launch_unchecked)]
pub(in super::super) fn slope_means(
    sums: &[f32],
    gradients: &mut [f32],
    by_mean: &mut [f32],
    by_normal: &mut [f32],
    channels: usize,
    pixels: usize,
    spans: usize,
    norm: usize,
    gamma: usize,
    beta: usize,
) {
    let channel = CUBE_POS * CHANNELS + UNIT_POS as usize % CHANNELS;
    let (a, b) = over_spans(sums, spans, channel, channels);
    if (UNIT_POS as usize) < CHANNELS && channel < channels {
        let n = f32::cast_from(pixels as u32);
        gradients[beta + channel] = a;
        gradients[gamma + channel] = b;
        by_mean[norm + channel] = a / n;
        by_normal[norm + channel] = b / n;
    }
}

/// dx (+)= scale (d - its mean - normalised x times the mean of d normalised x), where d is dy where the ReLU was open.
#[cube(launch_unchecked)]
pub(in super::super) fn norm_gradient(
    x: &[f32],
    dy: &[f32],
    batch: &[f32],
    inverse: &[f32],
    scale: &[f32],
    shift: &[f32],
    by_mean: &[f32],
    by_normal: &[f32],
    dx: &mut [f32],
    from: Shape,
    to: Shape,
    at_dx: Shape,
    len: usize,
    norm: usize,
    floor: f32,
    add: u32,
) {
    if ABSOLUTE_POS < len {
        let pixel = ABSOLUTE_POS / from.channels;
        let channel = ABSOLUTE_POS % from.channels;
        let n = norm + channel;
        let value = x[place(&from, pixel, channel)];
        let mut gradient = 0.0f32;
        if value * scale[n] + shift[n] > floor {
            gradient = dy[place(&to, pixel, channel)];
        }
        let normal = (value - batch[n]) * inverse[n];
        let mut result = scale[n] * (gradient - by_mean[n] - normal * by_normal[n]);
        let at = place(&at_dx, pixel, channel);
        if add == 1 {
            result += dx[at];
        }
        dx[at] = result;
    }
}

/// Sums of dy over spans of pixels; the second sums are 0.
#[cube(launch_unchecked)]
pub(in super::super) fn channel_sums(
    dy: &[f32],
    sums: &mut [f32],
    to: Shape,
    pixels: usize,
    length: usize,
) {
    let blocks = (to.channels + CHANNELS - 1) / CHANNELS;
    let span = CUBE_POS / blocks;
    let channel = CUBE_POS % blocks * CHANNELS + UNIT_POS as usize % CHANNELS;
    let mut a = 0.0f32;
    if channel < to.channels {
        let mut pixel = span * length + UNIT_POS as usize / CHANNELS;
        let mut end = (span + 1) * length;
        if end > pixels {
            end = pixels;
        }
        while pixel < end {
            a += dy[place(&to, pixel, channel)];
            pixel += LANES;
        }
    }
    write_span(sums, span, channel, to.channels, a, 0.0f32);
}

/// The gradient of a bias, from the sums of [`channel_sums`].
#[cube(launch_unchecked)]
pub(in super::super) fn bias_gradient(
    sums: &[f32],
    gradients: &mut [f32],
    channels: usize,
    spans: usize,
    bias: usize,
) {
    let channel = CUBE_POS * CHANNELS + UNIT_POS as usize % CHANNELS;
    let (a, _b) = over_spans(sums, spans, channel, channels);
    if (UNIT_POS as usize) < CHANNELS && channel < channels {
        gradients[bias + channel] = a;
    }
}
