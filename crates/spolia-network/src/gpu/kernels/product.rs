//! Convolutions as matrix products whose left side is gathered from the image on the way: rows are pixels, and the sum
//! runs over the kernel's positions and the input's channels. A cube of 256 units makes one tile of the product out of
//! two strips that it brings into shared memory sixteen steps of the sum at a time; a unit keeps its part of the tile in
//! registers. Where there are too few tiles to fill a device, the sum is cut into parts, which are added in order
//! afterwards.
//!
//! Single precision throughout: tensor cores would round the factors to 10 bits.

use cubecl::prelude::*;

use super::Four;

/// Steps of the sum that are in shared memory at once, and how many fours that is.
pub(in super::super) const DEPTH: usize = 16;
const DEPTH_FOURS: usize = 4;

/// A convolution, seen from the pixels that it writes. Channels, columns and offsets are multiples of 4.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(in super::super) struct Gather {
    /// Of the image that is read.
    pub height: usize,
    pub width: usize,
    pub stride: usize,
    pub offset: usize,
    pub channels: usize,
    /// Pixels of an image that is written, and its width.
    pub pixels: usize,
    pub out_width: usize,
    /// Columns of the kernel, rows and columns of padding, and the step.
    pub kernel_width: usize,
    pub pad_y: usize,
    pub pad_x: usize,
    pub step: usize,
}

/// How a product is divided.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(in super::super) struct Division {
    /// Rows (pixels of all images), and fours of columns.
    pub rows: usize,
    pub columns: usize,
    /// Length of the sum, and of a part of it.
    pub depth: usize,
    pub part: usize,
    pub parts: usize,
}

/// Where a product goes.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(in super::super) struct Target {
    /// Values from one pixel to the next, and before the first.
    pub stride: usize,
    pub offset: usize,
    pub channels: usize,
    /// Where the bias begins.
    pub bias: usize,
    /// 1: adds to what is there.
    pub add: u32,
    /// Nothing below this is written: 0 for a ReLU.
    pub floor: f32,
}

/// y = gathered x times w. With `transposed`, the gathering of a convolution's input gradient: x is the gradient of its
/// output. With `split`, the parts of the sums, one after another.
#[cube(launch_unchecked)]
pub(in super::super) fn convolve(
    x: &[Four],
    w: &[Four],
    bias: &[f32],
    y: &mut [f32],
    gather: Gather,
    division: Division,
    target: Target,
    w_offset: usize,
    #[comptime] rows: usize,
    #[comptime] columns: usize,
    #[comptime] transposed: bool,
    #[comptime] split: bool,
    #[comptime] has_bias: bool,
) {
    let unit = UNIT_POS as usize;
    let tile_rows = comptime!(16 * rows);
    let tile_columns = comptime!(16 * columns);
    let loads = comptime!(rows / 4);
    let mut strip_x = Shared::<[Four]>::new_slice(comptime!(16 * rows * DEPTH_FOURS));
    let mut strip_w = Shared::<[Four]>::new_slice(comptime!(DEPTH * 16 * columns));

    let across = (division.columns + tile_columns - 1) / tile_columns;
    let down = (division.rows + tile_rows - 1) / tile_rows;
    let cube = CUBE_POS;
    let tile_x = cube % across;
    let tile_y = cube / across % down;
    let part = cube / across / down;
    let begin = part * division.part;
    let mut end = begin + division.part;
    if end > division.depth {
        end = division.depth;
    }

    // Which pixels this unit gathers: far outside where there is none.
    let four = unit % DEPTH_FOURS;
    let mut image = Array::<usize>::new(loads);
    let mut first_y = Array::<usize>::new(loads);
    let mut first_x = Array::<usize>::new(loads);
    #[unroll]
    for j in 0..loads {
        let row = tile_y * tile_rows + unit / DEPTH_FOURS + comptime!(64 * j);
        let pixel = row % gather.pixels;
        image[j] = row / gather.pixels * gather.height * gather.width;
        let mut top = pixel / gather.out_width;
        let mut left = pixel % gather.out_width;
        if comptime!(transposed) {
            top += gather.pad_y;
            left += gather.pad_x;
        } else {
            top *= gather.step;
            left *= gather.step;
        }
        if row >= division.rows {
            top = comptime!(1usize << 28);
        }
        first_y[j] = top;
        first_x[j] = left;
    }

    let mut sums = Array::<Four>::new(comptime!(rows * columns));
    #[unroll]
    for i in 0..comptime!(rows * columns) {
        sums[i] = Four::new(0.0f32);
    }

    let mut at = begin;
    while at < end {
        let k = at + four * 4;
        let tap = k / gather.channels;
        let channel = k % gather.channels;
        let tap_y = tap / gather.kernel_width;
        let tap_x = tap % gather.kernel_width;
        #[unroll]
        for j in 0..loads {
            let mut value = Four::new(0.0f32);
            if comptime!(transposed) {
                if k < end && first_y[j] >= tap_y && first_x[j] >= tap_x {
                    let dy = first_y[j] - tap_y;
                    let dx = first_x[j] - tap_x;
                    let (py, px) = (dy / gather.step, dx / gather.step);
                    if py * gather.step == dy
                        && px * gather.step == dx
                        && py < gather.height
                        && px < gather.width
                    {
                        let pixel = image[j] + py * gather.width + px;
                        value = x[(pixel * gather.stride + gather.offset + channel) / 4];
                    }
                }
            } else {
                let py = first_y[j] + tap_y;
                let px = first_x[j] + tap_x;
                if k < end
                    && py >= gather.pad_y
                    && px >= gather.pad_x
                    && py < gather.height + gather.pad_y
                    && px < gather.width + gather.pad_x
                {
                    let pixel = image[j] + (py - gather.pad_y) * gather.width + px - gather.pad_x;
                    value = x[(pixel * gather.stride + gather.offset + channel) / 4];
                }
            }
            strip_x[unit + comptime!(256 * j)] = value;
        }
        #[unroll]
        for j in 0..columns {
            let index = unit + comptime!(256 * j);
            let step = at + index / tile_columns;
            let column = tile_x * tile_columns + index % tile_columns;
            let mut value = Four::new(0.0f32);
            if step < end && column < division.columns {
                value = w[w_offset + step * division.columns + column];
            }
            strip_w[index] = value;
        }
        sync_cube();
        multiply(&strip_x, &strip_w, &mut sums, rows, columns);
        sync_cube();
        at += DEPTH;
    }

    #[unroll]
    for i in 0..rows {
        let row = tile_y * tile_rows + unit / 16 + comptime!(16 * i);
        #[unroll]
        for v in 0..columns {
            let column = (tile_x * tile_columns + unit % 16 + comptime!(16 * v)) * 4;
            let sum = sums[comptime!(i * columns + v)];
            if part < division.parts && row < division.rows && column < division.columns * 4 {
                #[unroll]
                for l in 0..4usize {
                    let channel = column + l;
                    if comptime!(split) {
                        y[(part * division.rows + row) * division.columns * 4 + channel] =
                            sum.extract(l);
                    } else if channel < target.channels {
                        let place = row * target.stride + target.offset + channel;
                        let mut value = sum.extract(l);
                        if comptime!(has_bias) {
                            value += bias[target.bias + channel];
                        }
                        if target.add == 1 {
                            value += y[place];
                        }
                        y[place] = max(value, target.floor);
                    }
                }
            }
        }
    }
}

/// Adds the product of two strips to a unit's sums.
#[cube]
fn multiply(
    strip_x: &[Four],
    strip_w: &[Four],
    sums: &mut Array<Four>,
    #[comptime] rows: usize,
    #[comptime] columns: usize,
) {
    let unit = UNIT_POS as usize;
    let (unit_y, unit_x) = (unit / 16, unit % 16);
    for four in 0..DEPTH_FOURS {
        let mut a = Array::<Four>::new(rows);
        #[unroll]
        for i in 0..rows {
            a[i] = strip_x[(unit_y + comptime!(16 * i)) * DEPTH_FOURS + four];
        }
        #[unroll]
        for l in 0..4usize {
            let mut b = Array::<Four>::new(columns);
            #[unroll]
            for v in 0..columns {
                b[v] =
                    strip_w[(four * 4 + l) * comptime!(16 * columns) + unit_x + comptime!(16 * v)];
            }
            #[unroll]
            for i in 0..rows {
                let factor = Four::new(a[i].extract(l));
                #[unroll]
                for v in 0..columns {
                    sums[comptime!(i * columns + v)] += factor * b[v];
                }
            }
        }
    }
}

/// Adds the parts of a product in order and writes it.
#[cube(launch_unchecked)]
pub(in super::super) fn add_parts(
    parts: &[f32],
    bias: &[f32],
    y: &mut [f32],
    division: Division,
    target: Target,
    #[comptime] has_bias: bool,
) {
    let row = ABSOLUTE_POS / target.channels;
    let channel = ABSOLUTE_POS % target.channels;
    if row < division.rows {
        let columns = division.columns * 4;
        let mut value = 0.0f32;
        for part in 0..division.parts {
            value += parts[(part * division.rows + row) * columns + channel];
        }
        if comptime!(has_bias) {
            value += bias[target.bias + channel];
        }
        let place = row * target.stride + target.offset + channel;
        if target.add == 1 {
            value += y[place];
        }
        y[place] = max(value, target.floor);
    }
}

/// A convolution's input gradient where the input has few channels (the image): a unit for each pixel.
#[cube(launch_unchecked)]
pub(in super::super) fn thin_gradient(
    x: &[Four],
    w: &[Four],
    y: &mut [f32],
    gather: Gather,
    division: Division,
    target: Target,
    w_offset: usize,
) {
    let row = ABSOLUTE_POS;
    if row < division.rows {
        let pixel = row % gather.pixels;
        let image = row / gather.pixels * gather.height * gather.width;
        let top = pixel / gather.out_width + gather.pad_y;
        let left = pixel % gather.out_width + gather.pad_x;
        let mut sum = Four::new(0.0f32);
        let taps = division.depth / gather.channels;
        for tap in 0..taps {
            let tap_y = tap / gather.kernel_width;
            let tap_x = tap % gather.kernel_width;
            if top >= tap_y && left >= tap_x {
                let dy = top - tap_y;
                let dx = left - tap_x;
                let (py, px) = (dy / gather.step, dx / gather.step);
                if py * gather.step == dy
                    && px * gather.step == dx
                    && py < gather.height
                    && px < gather.width
                {
                    let from =
                        ((image + py * gather.width + px) * gather.stride + gather.offset) / 4;
                    for c in 0..gather.channels / 4 {
                        let value = x[from + c];
                        let weights = w_offset + tap * gather.channels + c * 4;
                        #[unroll]
                        for l in 0..4usize {
                            sum += Four::new(value.extract(l)) * w[weights + l];
                        }
                    }
                }
            }
        }
        #[unroll]
        for l in 0..4usize {
            if l < target.channels {
                let place = row * target.stride + target.offset + l;
                let mut value = sum.extract(l);
                if target.add == 1 {
                    value += y[place];
                }
                y[place] = value;
            }
        }
    }
}

/// The gradient of a convolution's kernel: gathered x, transposed, times the output's gradient; the sum runs over all
/// pixels. `rows` counts fours here. Writes the parts of the sums one after another.
#[cube(launch_unchecked)]
pub(in super::super) fn kernel_gradient(
    x: &[Four],
    dy: &[Four],
    y: &mut [Four],
    gather: Gather,
    division: Division,
    dy_stride: usize,
    dy_offset: usize,
    #[comptime] rows: usize,
    #[comptime] columns: usize,
) {
    let unit = UNIT_POS as usize;
    let tile_rows = comptime!(16 * rows);
    let tile_columns = comptime!(16 * columns);
    let mut strip_x = Shared::<[Four]>::new_slice(comptime!(DEPTH * 16 * rows));
    let mut strip_dy = Shared::<[Four]>::new_slice(comptime!(DEPTH * 16 * columns));

    let fours = division.rows / 4;
    let across = (division.columns + tile_columns - 1) / tile_columns;
    let down = (fours + tile_rows - 1) / tile_rows;
    let cube = CUBE_POS;
    let tile_x = cube % across;
    let tile_y = cube / across % down;
    let part = cube / across / down;
    let begin = part * division.part;
    let mut end = begin + division.part;
    if end > division.depth {
        end = division.depth;
    }

    // The kernel's position and the channels that this unit gathers.
    let mine = tile_y * tile_rows + unit % tile_rows;
    let tap = mine * 4 / gather.channels;
    let channel = mine * 4 % gather.channels;
    let tap_y = tap / gather.kernel_width;
    let tap_x = tap % gather.kernel_width;

    let mut sums = Array::<Four>::new(comptime!(rows * columns * 4));
    #[unroll]
    for i in 0..comptime!(rows * columns * 4) {
        sums[i] = Four::new(0.0f32);
    }

    let mut at = begin;
    while at < end {
        #[unroll]
        for j in 0..rows {
            let index = unit + comptime!(256 * j);
            let pixel = at + index / tile_rows;
            let mut value = Four::new(0.0f32);
            if pixel < end && mine < fours {
                let within = pixel % gather.pixels;
                let py = within / gather.out_width * gather.step + tap_y;
                let px = within % gather.out_width * gather.step + tap_x;
                if py >= gather.pad_y
                    && px >= gather.pad_x
                    && py < gather.height + gather.pad_y
                    && px < gather.width + gather.pad_x
                {
                    let from = (pixel / gather.pixels * gather.height + py - gather.pad_y)
                        * gather.width
                        + px
                        - gather.pad_x;
                    value = x[(from * gather.stride + gather.offset + channel) / 4];
                }
            }
            strip_x[index] = value;
        }
        #[unroll]
        for j in 0..columns {
            let index = unit + comptime!(256 * j);
            let pixel = at + index / tile_columns;
            let column = tile_x * tile_columns + index % tile_columns;
            let mut value = Four::new(0.0f32);
            if pixel < end && column < division.columns {
                value = dy[(pixel * dy_stride + dy_offset) / 4 + column];
            }
            strip_dy[index] = value;
        }
        sync_cube();
        for step in 0..DEPTH {
            let mut b = Array::<Four>::new(columns);
            #[unroll]
            for v in 0..columns {
                b[v] = strip_dy[step * tile_columns + unit % 16 + comptime!(16 * v)];
            }
            #[unroll]
            for i in 0..rows {
                let a = strip_x[step * tile_rows + unit / 16 + comptime!(16 * i)];
                #[unroll]
                for l in 0..4usize {
                    let factor = Four::new(a.extract(l));
                    #[unroll]
                    for v in 0..columns {
                        sums[comptime!((i * 4 + l) * columns + v)] += factor * b[v];
                    }
                }
            }
        }
        sync_cube();
        at += DEPTH;
    }

    #[unroll]
    for i in 0..rows {
        #[unroll]
        for l in 0..4usize {
            let row = (tile_y * tile_rows + unit / 16 + comptime!(16 * i)) * 4 + l;
            #[unroll]
            for v in 0..columns {
                let column = tile_x * tile_columns + unit % 16 + comptime!(16 * v);
                if part < division.parts && row < division.rows && column < division.columns {
                    y[(part * division.rows + row) * division.columns + column] =
                        sums[comptime!((i * 4 + l) * columns + v)];
                }
            }
        }
    }
}

/// Adds `parts` stretches of `len` fours in order and writes the sum from `offset` on.
#[cube(launch_unchecked)]
pub(in super::super) fn add_stretches(
    stretches: &[Four],
    y: &mut [Four],
    len: usize,
    parts: usize,
    offset: usize,
) {
    if ABSOLUTE_POS < len {
        let mut sum = Four::new(0.0f32);
        for part in 0..parts {
            sum += stretches[part * len + ABSOLUTE_POS];
        }
        y[offset + ABSOLUTE_POS] = sum;
    }
}

/// A kernel for the way back: from (position, input, output) to (position, output, input), both padded to fours.
#[cube(launch_unchecked)]
pub(in super::super) fn transpose_kernel(
    w: &[f32],
    t: &mut [f32],
    inputs: usize,
    outputs: usize,
    len: usize,
    w_offset: usize,
    t_offset: usize,
) {
    if ABSOLUTE_POS < len {
        let input = ABSOLUTE_POS % inputs;
        let output = ABSOLUTE_POS / inputs % outputs;
        let position = ABSOLUTE_POS / inputs / outputs;
        t[t_offset + ABSOLUTE_POS] = w[w_offset + (position * inputs + input) * outputs + output];
    }
}
