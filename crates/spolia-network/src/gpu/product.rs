//! Convolutions and linear layers: products that gather their left side.

use cubecl::prelude::*;

use super::{
    kernels::{
        UNITS,
        norm::{CHANNELS, bias_gradient, channel_sums},
        product::{
            DEPTH, DivisionLaunch, GatherLaunch, TargetLaunch, add_parts, add_stretches, convolve,
            kernel_gradient, thin_gradient, transpose_kernel,
        },
    },
    runner::{Image, Runner, Values, fours},
};
use crate::{Error, graph::Conv};

/// Cubes that fill a large device. A fixed number: sums are cut by shape alone, so every device cuts them alike.
const CUBES: usize = 264;
/// Steps of a sum that are worth a part of their own.
const LEAST_PART: usize = 8 * DEPTH;

/// A convolution (or a linear layer: a convolution of one pixel) and where its numbers lie.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// Rows and columns.
    pub size: [usize; 2],
    pub inputs: usize,
    pub outputs: usize,
    pub stride: usize,
    pub padding: [usize; 2],
    /// Where its weights begin: kernel position, input, output, both padded to fours.
    pub weights: usize,
    /// Where its bias begins, if it has one.
    pub bias: Option<usize>,
}

impl Kernel {
    pub fn of(conv: &Conv, weights: usize, bias: Option<usize>) -> Self {
        Self {
            size: conv.kernel,
            inputs: conv.inputs,
            outputs: conv.outputs,
            stride: conv.stride,
            padding: conv.padding,
            weights,
            bias,
        }
    }

    /// A linear layer.
    pub fn linear(inputs: usize, outputs: usize, weights: usize, bias: Option<usize>) -> Self {
        Self {
            size: [1, 1],
            inputs,
            outputs,
            stride: 1,
            padding: [0, 0],
            weights,
            bias,
        }
    }

    pub fn positions(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Numbers that its weights take, padding among them.
    pub fn len(&self) -> usize {
        self.positions() * fours(self.inputs) * fours(self.outputs)
    }

    /// Its weights, from PyTorch's order (output, input, kernel row, kernel column), each output times a factor.
    pub fn pack(&self, oihw: &[f32], factor: impl Fn(usize) -> f32, to: &mut [f32]) {
        let (i4, o4) = (fours(self.inputs), fours(self.outputs));
        for o in 0..self.outputs {
            let factor = factor(o);
            for i in 0..self.inputs {
                for p in 0..self.positions() {
                    to[(p * i4 + i) * o4 + o] =
                        oihw[(o * self.inputs + i) * self.positions() + p] * factor;
                }
            }
        }
    }

    /// What [`Kernel::pack`] packed, without the factor.
    pub fn unpack(&self, from: &[f32]) -> Vec<f32> {
        let (i4, o4) = (fours(self.inputs), fours(self.outputs));
        let mut oihw = vec![0.0; self.outputs * self.inputs * self.positions()];
        for o in 0..self.outputs {
            for i in 0..self.inputs {
                for p in 0..self.positions() {
                    oihw[(o * self.inputs + i) * self.positions() + p] =
                        from[(p * i4 + i) * o4 + o];
                }
            }
        }
        oihw
    }

    /// The gathering of `from` for the pixels of `to`.
    fn gather(&self, from: &Image, to: &Image) -> GatherLaunch {
        let (f, t) = (&from.layout, &to.layout);
        GatherLaunch::new(
            f.height,
            f.width,
            f.stride,
            f.offset,
            f.channels,
            t.height * t.width,
            t.width,
            self.size[1],
            self.padding[0],
            self.padding[1],
            self.stride,
        )
    }
}

/// A product's tiles, and how its sums are cut.
#[derive(Clone, Copy)]
struct Cut {
    /// Sixteens of rows and of fours of columns in a tile.
    tile: (usize, usize),
    rows: usize,
    /// Fours of columns.
    columns: usize,
    depth: usize,
    part: usize,
    parts: usize,
    cubes: usize,
}

impl Cut {
    /// For tiles of 16 `.0` rows and 16 `.1` fours of columns, the largest first.
    fn new(rows: usize, columns: usize, depth: usize, tiles: &[(usize, usize)]) -> Self {
        let count = |(r, c): (usize, usize)| rows.div_ceil(16 * r) * columns.div_ceil(16 * c);
        let fits = |&&(r, c): &&(usize, usize)| {
            count((r, c)) >= CUBES && (c == 1 || columns.is_multiple_of(16 * c) || columns > 64 * c)
        };
        let tile = tiles
            .iter()
            .find(fits)
            .or(tiles.last())
            .copied()
            .unwrap_or((4, 1));
        let tiles = count(tile);
        let wanted = CUBES.div_ceil(tiles).min(depth / LEAST_PART).max(1);
        let part = depth.div_ceil(wanted).next_multiple_of(DEPTH);
        let parts = depth.div_ceil(part);
        Self {
            tile,
            rows,
            columns,
            depth,
            part,
            parts,
            cubes: tiles * parts,
        }
    }

    fn division(&self) -> DivisionLaunch {
        DivisionLaunch::new(self.rows, self.columns, self.depth, self.part, self.parts)
    }

    /// The cubes in a grid. Those that there are too many have nothing to sum and write nothing.
    fn count(&self) -> CubeCount {
        const MOST: usize = 65_535;
        let y = self.cubes.div_ceil(MOST);
        CubeCount::Static(self.cubes.div_ceil(y) as u32, y as u32, 1)
    }
}

impl Runner {
    /// y = max(kernel over x + bias, floor).
    pub fn convolve(
        &self,
        kernel: &Kernel,
        weights: &Values,
        x: &Image,
        y: &Image,
        floor: f32,
    ) -> Result<(), Error> {
        let x = self.aligned(x)?;
        let depth = kernel.positions() * fours(kernel.inputs);
        let columns = fours(kernel.outputs) / 4;
        let cut = Cut::new(y.layout.pixels(), columns, depth, &[(8, 2), (8, 1), (4, 1)]);
        let target = |bias: usize| target(y, bias, false, floor);
        self.product(kernel, weights, (&x, y), cut, false, (kernel.bias, &target))
    }

    /// dx (+)= the gradient of the kernel's input; `transposed` are the weights the other way about.
    pub fn input_gradient(
        &self,
        kernel: &Kernel,
        transposed: &Values,
        dy: &Image,
        dx: &Image,
        add: bool,
    ) -> Result<(), Error> {
        let dy = self.aligned(dy)?;
        let depth = kernel.positions() * fours(kernel.outputs);
        let columns = fours(kernel.inputs) / 4;
        let cut = Cut::new(
            dx.layout.pixels(),
            columns,
            depth,
            &[(8, 2), (8, 1), (4, 1)],
        );
        if columns == 1 {
            // Safety: every unit checks its place against the rows.
            unsafe {
                thin_gradient::launch_unchecked(
                    &self.client,
                    self.count(cut.rows),
                    CubeDim::new_1d(UNITS),
                    dy.values.fours(),
                    transposed.fours(),
                    dx.values.arg(),
                    kernel.gather(&dy, dx),
                    cut.division(),
                    target(dx, 0, add, super::runner::NO_FLOOR),
                    kernel.weights / 4,
                );
            }
            return Ok(());
        }
        let target = |bias: usize| target(dx, bias, add, super::runner::NO_FLOOR);
        self.product(kernel, transposed, (&dy, dx), cut, true, (None, &target))
    }

    fn product(
        &self,
        kernel: &Kernel,
        weights: &Values,
        (x, y): (&Image, &Image),
        cut: Cut,
        transposed: bool,
        (bias, target): (Option<usize>, &dyn Fn(usize) -> TargetLaunch),
    ) -> Result<(), Error> {
        let split = cut.parts > 1;
        let parts = if split {
            Some(self.empty(cut.parts * cut.rows * cut.columns * 4)?)
        } else {
            None
        };
        let at = bias.unwrap_or(0);
        // Safety: the kernel checks rows and columns; its strips are as long as its tiles.
        unsafe {
            convolve::launch_unchecked(
                &self.client,
                cut.count(),
                CubeDim::new_1d(UNITS),
                x.values.fours(),
                weights.fours(),
                weights.arg(),
                parts.as_ref().unwrap_or(&y.values).arg(),
                kernel.gather(x, y),
                cut.division(),
                target(at),
                kernel.weights / 4,
                cut.tile.0,
                cut.tile.1,
                transposed,
                split,
                bias.is_some() && !split,
            );
            if let Some(parts) = &parts {
                add_parts::launch_unchecked(
                    &self.client,
                    self.count(cut.rows * y.layout.channels),
                    CubeDim::new_1d(UNITS),
                    parts.arg(),
                    weights.arg(),
                    y.values.arg(),
                    cut.division(),
                    target(at),
                    bias.is_some(),
                );
            }
        }
        Ok(())
    }

    /// The gradient of the kernel, into its place in `gradients`.
    pub fn kernel_gradient(
        &self,
        kernel: &Kernel,
        x: &Image,
        dy: &Image,
        gradients: &Values,
    ) -> Result<(), Error> {
        let (x, dy) = (self.aligned(x)?, self.aligned(dy)?);
        let rows = kernel.positions() * fours(kernel.inputs);
        let columns = fours(kernel.outputs) / 4;
        let tiles = [(2, 2), (2, 1), (1, 1)];
        let mut cut = Cut::new(rows / 4, columns, dy.layout.pixels(), &tiles);
        cut.rows = rows;
        let len = kernel.len() / 4;
        let parts = self.empty(cut.parts * kernel.len())?;
        // Safety: the kernel checks rows, columns and pixels; the gradients have room for the kernel.
        unsafe {
            kernel_gradient::launch_unchecked(
                &self.client,
                cut.count(),
                CubeDim::new_1d(UNITS),
                x.values.fours(),
                dy.values.fours(),
                parts.fours(),
                kernel.gather(&x, &dy),
                cut.division(),
                dy.layout.stride,
                dy.layout.offset,
                cut.tile.0,
                cut.tile.1,
            );
            add_stretches::launch_unchecked(
                &self.client,
                self.count(len),
                CubeDim::new_1d(UNITS),
                parts.fours(),
                gradients.fours(),
                len,
                cut.parts,
                kernel.weights / 4,
            );
        }
        Ok(())
    }

    /// The gradient of the kernel's bias, into its place in `gradients`.
    pub fn bias_gradient(&self, bias: usize, dy: &Image, gradients: &Values) -> Result<(), Error> {
        let (spans, length) = spans(dy.layout.pixels());
        let channels = dy.layout.channels;
        let sums = self.empty(2 * spans * channels)?;
        let blocks = channels.div_ceil(CHANNELS);
        // Safety: the kernels check channels and pixels.
        unsafe {
            channel_sums::launch_unchecked(
                &self.client,
                CubeCount::Static((spans * blocks) as u32, 1, 1),
                CubeDim::new_1d(UNITS),
                dy.values.arg(),
                sums.arg(),
                dy.shape(),
                dy.layout.pixels(),
                length,
            );
            bias_gradient::launch_unchecked(
                &self.client,
                CubeCount::Static(blocks as u32, 1, 1),
                CubeDim::new_1d(UNITS),
                sums.arg(),
                gradients.arg(),
                channels,
                spans,
                bias,
            );
        }
        Ok(())
    }

    /// The kernel for the way back, to the same place.
    pub fn transpose(&self, kernel: &Kernel, weights: &Values, transposed: &Values) {
        // Safety: every unit checks its place against the length.
        unsafe {
            transpose_kernel::launch_unchecked(
                &self.client,
                self.count(kernel.len()),
                CubeDim::new_1d(UNITS),
                weights.arg(),
                transposed.arg(),
                fours(kernel.inputs),
                fours(kernel.outputs),
                kernel.len(),
                kernel.weights,
                kernel.weights,
            );
        }
    }
}

fn target(y: &Image, bias: usize, add: bool, floor: f32) -> TargetLaunch {
    let l = &y.layout;
    TargetLaunch::new(l.stride, l.offset, l.channels, bias, u32::from(add), floor)
}

/// Spans of pixels whose sums are made side by side, and their length.
pub(super) fn spans(pixels: usize) -> (usize, usize) {
    const LONGEST: usize = 512;
    const LEAST: usize = 64;
    let length = pixels.div_ceil(LONGEST).max(LEAST);
    (pixels.div_ceil(length), length)
}
