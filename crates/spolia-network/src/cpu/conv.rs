//! Convolution, forward and its input gradient: a kernel laid out for both.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::{
    gather::Gather,
    product::{Finish, Panels},
    share::{Layout, Shared},
    windows::Target,
    winograd::{self, Matrices},
};
use crate::{graph::Conv, plan::Area};

/// A kernel laid out for both directions.
pub(crate) struct Kernel {
    pub shape: Conv,
    /// (rows x columns x inputs) x outputs.
    pub panels: Panels,
    /// The values, in these panels; zeros beyond the outputs.
    pub forward: Vec<f32>,
    /// The same for tiles of outputs, from the first call that they suit.
    tiled: OnceLock<Matrices>,
    /// For each residue of the input pixel modulo the stride: (window x outputs) x inputs.
    backward: Vec<Phase>,
}

/// The part of a kernel that touches the input pixels of one residue modulo the stride.
struct Phase {
    residue: [usize; 2],
    /// First output row and column relative to the pixel's index in its class, and how many.
    first: [isize; 2],
    count: [usize; 2],
    panels: Panels,
    weights: Vec<f32>,
    tiled: OnceLock<Matrices>,
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

/// Floats of a kernel in each of its layouts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floats {
    pub forward: usize,
    pub backward: usize,
    /// Of both directions, for tiles; 0 where these do not suit.
    pub forward_tiled: usize,
    pub backward_tiled: usize,
}

impl Floats {
    /// Of a kernel between activations of these sizes.
    pub fn new(shape: &Conv, from: Area, to: Area) -> Self {
        let ([kh, kw], i, o, s) = (shape.kernel, shape.inputs, shape.outputs, shape.stride);
        let tiled = |taps: [usize; 2], step: usize, [inputs, outputs]: [usize; 2], grid| {
            if winograd::suits(taps, step, [inputs, outputs], grid) {
                winograd::values(taps, inputs, outputs)
            } else {
                0
            }
        };
        let mut floats = Self {
            forward: Panels::new(kh * kw * i, o).len(),
            forward_tiled: tiled([kh, kw], s, [i, o], [to.height, to.width]),
            ..Self::default()
        };
        for class in 0..s * s {
            let residue = [class / s, class % s];
            let (_, ny, _) = taps(residue[0], shape.padding[0], kh, s);
            let (_, nx, _) = taps(residue[1], shape.padding[1], kw, s);
            floats.backward += Panels::new(ny * nx * o, i).len();
            let grid = grid([from.height, from.width], residue, s);
            floats.backward_tiled += tiled([ny, nx], 1, [o, i], grid);
        }
        floats
    }
}

/// How many pixels have a residue.
fn grid(side: [usize; 2], residue: [usize; 2], stride: usize) -> [usize; 2] {
    [0, 1].map(|k| side[k].saturating_sub(residue[k]).div_ceil(stride))
}

/// The product of a gather's windows with a matrix, by tiles where they suit.
///
/// # Safety
/// As [`Gather::multiply`].
unsafe fn multiply(
    gather: &Gather,
    x: &[f32],
    (panels, values, tiled): (Panels, &[f32], &OnceLock<Matrices>),
    target: Target,
    finish: Finish<'_>,
) {
    let taps = [gather.ny, gather.nx];
    let channels = [gather.source.channels, panels.columns];
    let grid = [gather.grid_height, gather.grid_width];
    unsafe {
        if winograd::suits(taps, gather.step, channels, grid) {
            let matrices = tiled.get_or_init(|| Matrices::new(taps, panels, values));
            matrices.multiply(gather, x, target, finish);
        } else {
            gather.multiply(x, (panels, values), target, finish);
        }
    }
}

impl Kernel {
    /// From PyTorch's O I H W, each output scaled by `scale`.
    pub fn new(shape: &Conv, oihw: &[f32], scale: impl Fn(usize) -> f32, gradients: bool) -> Self {
        let ([kh, kw], i, o) = (shape.kernel, shape.inputs, shape.outputs);
        let panels = Panels::new(kh * kw * i, o);
        let mut kernel = Self {
            shape: shape.clone(),
            panels,
            forward: vec![0.0; panels.len()],
            tiled: OnceLock::new(),
            backward: Vec::new(),
        };
        for out in 0..o {
            let factor = scale(out);
            let (first, stride) = panels.column(out);
            for (at, value) in oihw[out * kh * kw * i..][..kh * kw * i].iter().enumerate() {
                let row = at % (kh * kw) * i + at / (kh * kw);
                kernel.forward[first + row * stride] = value * factor;
            }
        }
        if gradients {
            kernel.lay_out();
        }
        kernel
    }

    /// Values laid out as `forward`, in PyTorch's O I H W.
    pub fn to_oihw(&self, values: &[f32]) -> Vec<f32> {
        let ([kh, kw], i, o) = (self.shape.kernel, self.shape.inputs, self.shape.outputs);
        let mut oihw = vec![0.0; kh * kw * i * o];
        for (out, values_of) in oihw.chunks_exact_mut(kh * kw * i).enumerate() {
            let (first, stride) = self.panels.column(out);
            for (at, value) in values_of.iter_mut().enumerate() {
                let row = at % (kh * kw) * i + at / (kh * kw);
                *value = values[first + row * stride];
            }
        }
        oihw
    }

    /// Brings the other layouts in line with `forward`.
    pub fn lay_out(&mut self) {
        if let Some(tiled) = self.tiled.get_mut() {
            tiled.fill(self.panels, &self.forward);
        }
        let ([kh, kw], i, o, s) = (
            self.shape.kernel,
            self.shape.inputs,
            self.shape.outputs,
            self.shape.stride,
        );
        let (forward, whole) = (&self.forward, self.panels);
        // Training does this after every step: what lies beyond the inputs is 0 from the first time.
        let mut rooms = std::mem::take(&mut self.backward).into_iter();
        self.backward = (0..s * s)
            .map(|class| {
                let residue = [class / s, class % s];
                let (y0, ny, ky) = taps(residue[0], self.shape.padding[0], kh, s);
                let (x0, nx, kx) = taps(residue[1], self.shape.padding[1], kw, s);
                let panels = Panels::new(ny * nx * o, i);
                let room = rooms.next().map(|phase| (phase.weights, phase.tiled));
                let (mut weights, mut tiled) =
                    room.unwrap_or_else(|| (vec![0.0; panels.len()], OnceLock::new()));
                let width = panels.width();
                weights
                    .par_chunks_mut((width * panels.rows).max(1))
                    .enumerate()
                    .for_each(|(panel, block)| {
                        let stride = panels.stride(panel);
                        for (row, values) in block.chunks_exact_mut(stride).enumerate() {
                            let (tap, out) = (row / o, row % o);
                            // Output offsets ascend as kernel positions descend.
                            let (y, x) = (ky - tap / nx * s, kx - tap % nx * s);
                            let (first, step) = whole.column(out);
                            let from = first + ((y * kw + x) * i + panel * width) * step;
                            for (j, w) in values[..panels.filled(panel)].iter_mut().enumerate() {
                                *w = forward[from + j * step];
                            }
                        }
                    });
                if let Some(tiled) = tiled.get_mut() {
                    tiled.fill(panels, &weights);
                }
                Phase {
                    residue,
                    first: [y0, x0],
                    count: [ny, nx],
                    panels,
                    weights,
                    tiled,
                }
            })
            .collect();
    }

    pub(super) fn gather(&self, source: Layout, target: Layout) -> Gather {
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
        let target = Target {
            values: Shared::new(y),
            start: to.offset,
            image: to.height * to.width * to.stride,
            line: to.width * to.stride,
            pixel: to.stride,
        };
        let finish = Finish {
            add: false,
            bias,
            relu,
        };
        // Safety: `pair` keeps x apart from y; the target has the gather's pixels.
        unsafe {
            let matrix = (self.panels, self.forward.as_slice(), &self.tiled);
            multiply(&self.gather(from, to), x, matrix, target, finish);
        }
    }

    /// dx (+)= the gradient through the convolution of dy.
    pub fn input_gradient(&self, dy: &[f32], to: Layout, dx: &mut [f32], from: Layout, add: bool) {
        let s = self.shape.stride;
        let finish = Finish {
            add,
            ..Finish::default()
        };
        let line = from.width * from.stride;
        for phase in &self.backward {
            let [i, j] = phase.residue;
            let [grid_height, grid_width] = grid([from.height, from.width], phase.residue, s);
            let gather = Gather {
                source: to,
                grid_height,
                grid_width,
                step: 1,
                dy: phase.first[0],
                dx: phase.first[1],
                ny: phase.count[0],
                nx: phase.count[1],
            };
            let target = Target {
                values: Shared::new(dx),
                start: i * line + j * from.stride + from.offset,
                image: from.height * line,
                line: s * line,
                pixel: s * from.stride,
            };
            // Safety: as above; the pixels of a residue are the target's.
            unsafe {
                let matrix = (phase.panels, phase.weights.as_slice(), &phase.tiled);
                multiply(&gather, dy, matrix, target, finish);
            }
        }
    }
}
