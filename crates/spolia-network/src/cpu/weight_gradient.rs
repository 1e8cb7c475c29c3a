//! The gradient of a convolution's kernel: the product of the gathered input, transposed, with the output's gradient.

use rayon::prelude::*;

use super::{
    conv::Kernel,
    gather::{Gather, TILE_FLOATS},
    share::{Layout, Shared, with_scratch},
    winograd::{self, Gradient},
};

/// Rows of the kernel's matrix that a task takes at once: so wide a tile of many pixels stays in the second-level cache.
const ROWS: usize = 512;

/// Pixels whose sums are kept apart, to be added in their order.
const CHUNK: usize = 4096;

/// A part of a kernel's matrix: its rows from `first` on, and the gather that makes their columns.
struct Part {
    first: usize,
    gather: Gather,
}

impl Kernel {
    /// The gradient of the kernel, laid out as `forward`. dy's pixels are dense (stride = outputs).
    pub fn weight_gradient(&self, x: &[f32], from: Layout, dy: &[f32], to: Layout, dw: &mut [f32]) {
        let gather = self.gather(from, to);
        let shape = &self.shape;
        let channels = [shape.inputs, shape.outputs];
        if winograd::suits(shape.kernel, shape.stride, channels, [to.height, to.width]) {
            let gradient = Gradient { gather, x, dy, to };
            gradient.tiled(self.panels, dw);
            return;
        }
        let rows = gather.rows();
        let parts = parts(gather);
        // Few parts: pixels are shared out too.
        let chunks = if parts.len() >= 8 {
            1
        } else {
            (rows / CHUNK).clamp(1, 16)
        };
        let chunk = rows.div_ceil(chunks);
        let len = self.panels.len();
        let mut sums = vec![0f32; if chunks == 1 { 0 } else { chunks * len }];
        let shared = if chunks == 1 {
            dw.fill(0.0);
            Shared::new(dw)
        } else {
            Shared::new(&mut sums)
        };
        (0..chunks * parts.len()).into_par_iter().for_each(|task| {
            let (c, part) = (task / parts.len(), &parts[task % parts.len()]);
            let columns = part.gather.columns();
            // Rows a power of two apart would share a few lines of the first-level cache.
            let stride = columns + if columns.is_multiple_of(64) { 16 } else { 0 };
            let height = (TILE_FLOATS / columns).clamp(64, 256);
            let mut panel = Vec::new();
            with_scratch(height * stride, |tile| {
                for start in (c * chunk..((c + 1) * chunk).min(rows)).step_by(height) {
                    let count = height.min(((c + 1) * chunk).min(rows) - start);
                    part.gather.fill(x, start, count, stride, tile);
                    // Safety: this chunk's sums of these rows are this task's alone.
                    unsafe {
                        self.panels.add_transposed(
                            count,
                            (tile.as_ptr(), stride, columns),
                            (dy[start * to.stride + to.offset..].as_ptr(), to.stride),
                            (shared.at(c * len), part.first),
                            &mut panel,
                        );
                    }
                }
            });
        });
        if chunks > 1 {
            dw.par_chunks_mut(4096).enumerate().for_each(|(i, part)| {
                for (j, v) in part.iter_mut().enumerate() {
                    *v = (0..chunks).map(|c| sums[c * len + i * 4096 + j]).sum();
                }
            });
        }
    }
}

/// The whole window where its rows are few, else each of its taps, in ranges of channels.
fn parts(gather: Gather) -> Vec<Part> {
    if gather.columns() <= ROWS {
        return vec![Part { first: 0, gather }];
    }
    let channels = gather.source.channels;
    let width = channels
        .div_ceil(channels.div_ceil(ROWS))
        .next_multiple_of(12);
    let mut parts = Vec::new();
    for tap in 0..gather.ny * gather.nx {
        for offset in (0..channels).step_by(width) {
            let mut part = gather;
            part.dy += (tap / gather.nx) as isize;
            part.dx += (tap % gather.nx) as isize;
            (part.ny, part.nx) = (1, 1);
            part.source.offset += offset;
            part.source.channels = width.min(channels - offset);
            parts.push(Part {
                first: tap * channels + offset,
                gather: part,
            });
        }
    }
    parts
}
