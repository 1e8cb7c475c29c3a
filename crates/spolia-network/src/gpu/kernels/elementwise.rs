//! Steps that treat every value by itself: copying, adding, scale and shift, the gradient of a ReLU, the optimiser.

use cubecl::prelude::*;

use super::Shape;

/// Where value `channel` of pixel `pixel` lies.
#[cube]
pub(super) fn place(shape: &Shape, pixel: usize, channel: usize) -> usize {
    pixel * shape.stride + shape.offset + channel
}

/// y = max(x (+ y where `add` is 1), floor).
#[cube(launch_unchecked)]
pub(in super::super) fn combine(
    x: &[f32],
    y: &mut [f32],
    from: Shape,
    to: Shape,
    len: usize,
    add: u32,
    floor: f32,
) {
    if ABSOLUTE_POS < len {
        let pixel = ABSOLUTE_POS / to.channels;
        let channel = ABSOLUTE_POS % to.channels;
        let mut value = x[place(&from, pixel, channel)];
        let at = place(&to, pixel, channel);
        if add == 1 {
            value += y[at];
        }
        y[at] = max(value, floor);
    }
}

/// y = x without gaps between its channels, with zeros in the channels that y has and x does not.
#[cube(launch_unchecked)]
pub(in super::super) fn dense(x: &[f32], y: &mut [f32], from: Shape, channels: usize, len: usize) {
    if ABSOLUTE_POS < len {
        let pixel = ABSOLUTE_POS / channels;
        let channel = ABSOLUTE_POS % channels;
        let mut value = 0.0f32;
        if channel < from.channels {
            value = x[place(&from, pixel, channel)];
        }
        y[ABSOLUTE_POS] = value;
    }
}

/// y = value.
#[cube(launch_unchecked)]
pub(in super::super) fn fill(y: &mut [f32], value: f32, len: usize) {
    if ABSOLUTE_POS < len {
        y[ABSOLUTE_POS] = value;
    }
}

/// y = max(x scale + shift, floor), channel by channel.
#[cube(launch_unchecked)]
pub(in super::super) fn affine(
    x: &[f32],
    scale: &[f32],
    shift: &[f32],
    y: &mut [f32],
    from: Shape,
    to: Shape,
    len: usize,
    norm: usize,
    floor: f32,
) {
    if ABSOLUTE_POS < len {
        let pixel = ABSOLUTE_POS / to.channels;
        let channel = ABSOLUTE_POS % to.channels;
        let value = x[place(&from, pixel, channel)] * scale[norm + channel] + shift[norm + channel];
        y[place(&to, pixel, channel)] = max(value, floor);
    }
}

/// dx (+)= dy scale.
#[cube(launch_unchecked)]
pub(in super::super) fn affine_gradient(
    dy: &[f32],
    scale: &[f32],
    dx: &mut [f32],
    to: Shape,
    from: Shape,
    len: usize,
    norm: usize,
    add: u32,
) {
    if ABSOLUTE_POS < len {
        let pixel = ABSOLUTE_POS / to.channels;
        let channel = ABSOLUTE_POS % to.channels;
        let mut value = dy[place(&to, pixel, channel)] * scale[norm + channel];
        let at = place(&from, pixel, channel);
        if add == 1 {
            value += dx[at];
        }
        dx[at] = value;
    }
}

/// Notes for each image, from `first` on, whether any gradient passes its ReLU. `len` counts the values of an image; a cube looks at the
/// values of one image.
#[cube(launch_unchecked)]
pub(in super::super) fn passes(
    gradient: &[f32],
    output: &[f32],
    open: &[Atomic<u32>],
    shape: Shape,
    len: usize,
    cubes: usize,
    first: usize,
) {
    let image = CUBE_POS / cubes;
    let mut at = CUBE_POS % cubes * CUBE_DIM as usize + UNIT_POS as usize;
    let step = cubes * CUBE_DIM as usize;
    let mut found = 0u32;
    while at < len {
        let pixel = image * shape.height * shape.width + at / shape.channels;
        let value = place(&shape, pixel, at % shape.channels);
        if output[value] > 0.0f32 && gradient[value] != 0.0f32 {
            found = 1u32;
        }
        at += step;
    }
    if found == 1u32 {
        open[first + image].store(1u32);
    }
}

/// Lets the gradient through where its ReLU was open; in an image where none passes, also where it is negative (Lucid's
/// redirected ReLU), if `redirected`.
#[cube(launch_unchecked)]
pub(in super::super) fn relu_gradient(
    gradient: &mut [f32],
    output: &[f32],
    open: &[u32],
    shape: Shape,
    len: usize,
    first: usize,
    #[comptime] redirected: bool,
) {
    if ABSOLUTE_POS < len {
        let pixel = ABSOLUTE_POS / shape.channels;
        let at = place(&shape, pixel, ABSOLUTE_POS % shape.channels);
        let value = gradient[at];
        let mut pass = output[at] > 0.0f32;
        if comptime!(redirected) {
            let image = pixel / (shape.height * shape.width);
            pass = pass || (open[first + image] == 0u32 && value < 0.0f32);
        }
        if !pass {
            gradient[at] = 0.0f32;
        }
    }
}

/// v = momentum v - rate g, w = w + momentum v - rate g.
#[cube(launch_unchecked)]
pub(in super::super) fn descend(
    w: &mut [f32],
    v: &mut [f32],
    g: &[f32],
    rate: f32,
    momentum: f32,
    len: usize,
) {
    if ABSOLUTE_POS < len {
        let step = rate * g[ABSOLUTE_POS];
        let velocity = momentum * v[ABSOLUTE_POS] - step;
        v[ABSOLUTE_POS] = velocity;
        w[ABSOLUTE_POS] += momentum * velocity - step;
    }
}

/// running = running + share (new - running).
#[cube(launch_unchecked)]
pub(in super::super) fn follow(running: &mut [f32], new: &[f32], share: f32, len: usize) {
    if ABSOLUTE_POS < len {
        let old = running[ABSOLUTE_POS];
        running[ABSOLUTE_POS] = old + share * (new[ABSOLUTE_POS] - old);
    }
}
