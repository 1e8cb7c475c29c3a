//! Convolution as matrix products over gathered tiles: forward, input gradient, weight gradient.

use std::cell::RefCell;

use gemm::{Parallelism, gemm};
use rayon::prelude::*;

use super::{
    gather::Gather,
    share::{Layout, Shared},
};
use crate::graph::Conv;

thread_local! {
    static TILE: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Floats of a gathered tile: it and its products stay in the second-level cache.
const TILE_FLOATS: usize = 64 * 1024;

/// A kernel laid out for both directions.
pub(crate) struct Kernel {
    pub shape: Conv,
    /// (rows x columns x inputs) x outputs, row-major.
    pub forward: Vec<f32>,
    /// For each residue of the input pixel modulo the stride: (window x outputs) x inputs.
    backward: Vec<Phase>,
}

/// The part of a kernel that touches the input pixels of one residue modulo the stride.
struct Phase {
    residue: [usize; 2],
    /// First output row and column relative to the pixel's index in its class, and how many.
    first: [isize; 2],
    count: [usize; 2],
    weights: Vec<f32>,
}

/// Kernel positions k with (residue + padding - k) divisible by the stride, as output offsets: from the lowest, how
/// many, and k of the lowest.
fn taps(residue: usize, padding: usize, kernel: usize, stride: usize) -> (isize, usize, usize) {
    let hits: Vec<usize> = (0..kernel)
        .filter(|k| (residue + padding + stride * kernel - k).is_multiple_of(stride))
        .collect();
    match hits.last() {
        Some(&k) => (
            (residue as isize + padding as isize - k as isize) / stride as isize,
            hits.len(),
            k,
        ),
        None => (0, 0, 0),
    }
}

impl Kernel {
    /// From PyTorch's O I H W, each output scaled by `scale`.
    pub fn new(shape: &Conv, oihw: &[f32], scale: impl Fn(usize) -> f32, gradients: bool) -> Self {
        let mut kernel = Self {
            shape: shape.clone(),
            forward: vec![0.0; oihw.len()],
            backward: Vec::new(),
        };
        let ([kh, kw], i, o) = (shape.kernel, shape.inputs, shape.outputs);
        for out in 0..o {
            let factor = scale(out);
            for input in 0..i {
                for y in 0..kh {
                    for x in 0..kw {
                        kernel.forward[((y * kw + x) * i + input) * o + out] =
                            oihw[((out * i + input) * kh + y) * kw + x] * factor;
                    }
                }
            }
        }
        if gradients {
            kernel.lay_out_backward();
        }
        kernel
    }

    /// Values laid out as `forward`, in PyTorch's O I H W.
    pub fn to_oihw(&self, values: &[f32]) -> Vec<f32> {
        let ([kh, kw], i, o) = (self.shape.kernel, self.shape.inputs, self.shape.outputs);
        let mut oihw = vec![0.0; values.len()];
        for (row, outputs) in values.chunks_exact(o).enumerate() {
            let (tap, input) = (row / i, row % i);
            for (out, v) in outputs.iter().enumerate() {
                oihw[(out * i + input) * kh * kw + tap] = *v;
            }
        }
        oihw
    }

    /// Brings the backward layout in line with `forward`.
    pub fn lay_out_backward(&mut self) {
        let ([kh, kw], i, o, s) = (
            self.shape.kernel,
            self.shape.inputs,
            self.shape.outputs,
            self.shape.stride,
        );
        let forward = &self.forward;
        self.backward = (0..s * s)
            .map(|class| {
                let residue = [class / s, class % s];
                let (y0, ny, ky) = taps(residue[0], self.shape.padding[0], kh, s);
                let (x0, nx, kx) = taps(residue[1], self.shape.padding[1], kw, s);
                let mut weights = vec![0.0; ny * nx * o * i];
                weights
                    .par_chunks_mut(o * i)
                    .enumerate()
                    .for_each(|(tap, block)| {
                        // Output offsets ascend as kernel positions descend.
                        let (y, x) = (ky - tap / nx * s, kx - tap % nx * s);
                        let from = &forward[(y * kw + x) * i * o..][..i * o];
                        for (out, row) in block.chunks_exact_mut(i).enumerate() {
                            for (input, w) in row.iter_mut().enumerate() {
                                *w = from[input * o + out];
                            }
                        }
                    });
                Phase {
                    residue,
                    first: [y0, x0],
                    count: [ny, nx],
                    weights,
                }
            })
            .collect();
    }

    fn gather(&self, source: Layout, target: Layout) -> Gather {
        Gather {
            source,
            grid_height: target.height,
            grid_width: target.width,
            step: self.shape.stride,
            dy: -(self.shape.padding[0] as isize),
            dx: -(self.shape.padding[1] as isize),
            ny: self.shape.kernel[0],
            nx: self.shape.kernel[1],
        }
    }

    /// y = x * kernel (+ bias, then ReLU, where asked).
    pub fn forward(
        &self,
        x: &[f32],
        from: Layout,
        y: &mut [f32],
        to: Layout,
        bias: Option<&[f32]>,
        relu: bool,
    ) {
        let gather = self.gather(from, to);
        let outputs = self.shape.outputs;
        let shared = Shared::new(y);
        tiles(&gather, outputs, |tile, columns, lhs, lhs_stride| {
            let start = tile.start * to.stride + to.offset + columns.start;
            // Safety: a tile's rows and columns of the target belong to this task alone; `pair` keeps x apart from y.
            unsafe {
                multiply(
                    [tile.len(), columns.len(), gather.columns()],
                    (shared.at(start), to.stride, false),
                    (lhs(x), lhs_stride),
                    (self.forward[columns.start..].as_ptr(), outputs),
                );
                if bias.is_some() || relu {
                    for row in 0..tile.len() {
                        let out = shared.slice(start + row * to.stride, columns.len());
                        match bias {
                            Some(b) => finish(out, &b[columns.clone()], relu),
                            None => out.iter_mut().for_each(|v| *v = v.max(0.0)),
                        }
                    }
                }
            }
        });
    }

    /// dx (+)= the gradient through the convolution of dy.
    pub fn input_gradient(&self, dy: &[f32], to: Layout, dx: &mut [f32], from: Layout, add: bool) {
        let s = self.shape.stride;
        let inputs = self.shape.inputs;
        let shared = Shared::new(dx);
        for phase in &self.backward {
            let rows = from.height.saturating_sub(phase.residue[0]).div_ceil(s);
            let columns = from.width.saturating_sub(phase.residue[1]).div_ceil(s);
            let gather = Gather {
                source: to,
                grid_height: rows,
                grid_width: columns,
                step: 1,
                dy: phase.first[0],
                dx: phase.first[1],
                ny: phase.count[0],
                nx: phase.count[1],
            };
            if gather.rows() == 0 {
                continue;
            }
            let pixel = |row: usize| {
                let (image, rest) = (row / (rows * columns), row % (rows * columns));
                let (i, j) = (
                    rest / columns * s + phase.residue[0],
                    rest % columns * s + phase.residue[1],
                );
                ((image * from.height + i) * from.width + j) * from.stride + from.offset
            };
            if gather.columns() == 0 {
                if !add {
                    for row in 0..gather.rows() {
                        // Safety: one task.
                        unsafe { shared.slice(pixel(row), inputs).fill(0.0) };
                    }
                }
                continue;
            }
            tiles(&gather, inputs, |tile, columns, lhs, lhs_stride| {
                let shape = [tile.len(), columns.len(), gather.columns()];
                let weights = (phase.weights[columns.start..].as_ptr(), inputs);
                // Safety: the pixels of a tile, and the columns, belong to this task alone.
                unsafe {
                    if s == 1 {
                        let start = shared.at(pixel(tile.start) + columns.start);
                        multiply(
                            shape,
                            (start, from.stride, add),
                            (lhs(dy), lhs_stride),
                            weights,
                        );
                        return;
                    }
                    let mut product = vec![0f32; tile.len() * columns.len()];
                    multiply(
                        shape,
                        (product.as_mut_ptr(), columns.len(), false),
                        (lhs(dy), lhs_stride),
                        weights,
                    );
                    for (row, values) in tile.zip(product.chunks_exact(columns.len())) {
                        let out = shared.slice(pixel(row) + columns.start, columns.len());
                        if add {
                            out.iter_mut().zip(values).for_each(|(o, v)| *o += v);
                        } else {
                            out.copy_from_slice(values);
                        }
                    }
                }
            });
        }
    }

    /// The gradient of the kernel, laid out as `forward`. dy's pixels are dense (stride = outputs).
    pub fn weight_gradient(&self, x: &[f32], from: Layout, dy: &[f32], to: Layout, dw: &mut [f32]) {
        let gather = self.gather(from, to);
        let (rows, k, n) = (gather.rows(), gather.columns(), self.shape.outputs);
        // Chunks of rows have partial sums, added in order; few rows are shared out by output channels instead.
        let chunks = (rows / 4096).clamp(1, 16);
        let blocks = if chunks >= 8 { 1 } else { (n / 48).clamp(1, 8) };
        let (chunk, block) = (rows.div_ceil(chunks), n.div_ceil(blocks));
        let mut partial = vec![0f32; if chunks == 1 { 0 } else { chunks * k * n }];
        let shared = if chunks == 1 {
            Shared::new(dw)
        } else {
            Shared::new(&mut partial)
        };
        (0..chunks * blocks).into_par_iter().for_each(|task| {
            let (c, b) = (task / blocks, task % blocks);
            let (first, end) = (c * chunk, ((c + 1) * chunk).min(rows));
            let (left, width) = (b * block, block.min(n.saturating_sub(b * block)));
            if first >= end || width == 0 {
                return;
            }
            let out = shared.at(c * k * n + left);
            let tile = (TILE_FLOATS / k).clamp(32, 1024);
            with_tile(if gather.is_plain() { 0 } else { tile * k }, |scratch| {
                for start in (first..end).step_by(tile) {
                    let count = tile.min(end - start);
                    let (lhs, stride) = if gather.is_plain() {
                        (x[start * from.stride + from.offset..].as_ptr(), from.stride)
                    } else {
                        gather.fill(x, start, count, scratch);
                        (scratch.as_ptr(), k)
                    };
                    // Safety: this chunk's columns left .. left + width are written by this task alone.
                    unsafe {
                        gemm(
                            k,
                            width,
                            count,
                            out,
                            1,
                            n as isize,
                            start != first,
                            lhs,
                            stride as isize,
                            1,
                            dy[start * to.stride + to.offset + left..].as_ptr(),
                            1,
                            to.stride as isize,
                            1.0,
                            1.0,
                            false,
                            false,
                            false,
                            Parallelism::None,
                        );
                    }
                }
            });
        });
        if chunks > 1 {
            dw.par_chunks_mut(4096).enumerate().for_each(|(i, part)| {
                for (j, v) in part.iter_mut().enumerate() {
                    *v = (0..chunks).map(|c| partial[c * k * n + i * 4096 + j]).sum();
                }
            });
        }
    }
}

/// Runs `work` over tiles of the gathered matrix's rows and of the product's columns. `work` gets the row range, the
/// column range, and the tile's first value (a function of the source) with the distance between its rows.
fn tiles<W>(gather: &Gather, columns: usize, work: W)
where
    W: Fn(std::ops::Range<usize>, std::ops::Range<usize>, &dyn Fn(&[f32]) -> *const f32, usize)
        + Sync,
{
    let (rows, k) = (gather.rows(), gather.columns());
    let plain = gather.is_plain();
    let height = if plain {
        256
    } else {
        (TILE_FLOATS / k).clamp(32, 512)
    };
    let height = height.min(rows.div_ceil(4).next_multiple_of(8).max(24));
    let down = rows.div_ceil(height);
    // Few rows: share out the columns too.
    let across = if down >= 8 {
        1
    } else {
        (8 / down).min(columns / 64).max(1)
    };
    let width = columns.div_ceil(across).next_multiple_of(16);
    let across = columns.div_ceil(width);
    (0..down * across).into_par_iter().for_each(|task| {
        let (r, c) = (task / across * height, task % across * width);
        let tile = r..(r + height).min(rows);
        let part = c..(c + width).min(columns);
        let s = gather.source;
        if plain {
            work(
                tile.clone(),
                part,
                &|x| x[tile.start * s.stride + s.offset..].as_ptr(),
                s.stride,
            );
        } else {
            with_tile(height * k, |scratch| {
                let scratch = RefCell::new(scratch);
                work(
                    tile.clone(),
                    part,
                    &|x| {
                        let mut buffer = scratch.borrow_mut();
                        gather.fill(x, tile.start, tile.len(), &mut buffer);
                        buffer.as_ptr()
                    },
                    k,
                );
            });
        }
    });
}

/// This thread's scratch of at least `floats` values.
fn with_tile<R>(floats: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    TILE.with(|tile| {
        let mut tile = tile.borrow_mut();
        if tile.len() < floats {
            tile.resize(floats, 0.0);
        }
        work(&mut tile[..floats])
    })
}

/// out (+)= lhs rhs for row-major matrices: `shape` = rows, columns, inner; each with the distance between its rows.
///
/// # Safety
/// The matrices lie within their allocations, and nothing else touches the target meanwhile.
unsafe fn multiply(
    shape: [usize; 3],
    (out, out_stride, add): (*mut f32, usize, bool),
    (lhs, lhs_stride): (*const f32, usize),
    (rhs, rhs_stride): (*const f32, usize),
) {
    let [m, n, k] = shape;
    unsafe {
        gemm(
            m,
            n,
            k,
            out,
            1,
            out_stride as isize,
            add,
            lhs,
            1,
            lhs_stride as isize,
            rhs,
            1,
            rhs_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

fn finish(out: &mut [f32], bias: &[f32], relu: bool) {
    if relu {
        out.iter_mut()
            .zip(bias)
            .for_each(|(v, b)| *v = (*v + b).max(0.0));
    } else {
        out.iter_mut().zip(bias).for_each(|(v, b)| *v += b);
    }
}
