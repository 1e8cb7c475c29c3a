//! Rows of a matrix gathered from an activation: im2col for a tile of pixels, for convolutions in both directions.

use super::share::Layout;

/// Floats that a task reads at once: they and their products stay in the second-level cache.
pub(super) const TILE_FLOATS: usize = 64 * 1024;

/// For the pixel (i, j) of a grid, the `ny` x `nx` window of the source that starts at row `i step + dy`, column
/// `j step + dx`; zeros outside of the image. A forward convolution has step = its stride and dy = -padding; its input
/// gradient reads the output's gradient with step 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gather {
    pub source: Layout,
    pub grid_height: usize,
    pub grid_width: usize,
    pub step: usize,
    pub dy: isize,
    pub dx: isize,
    pub ny: usize,
    pub nx: usize,
}

impl Gather {
    /// Values a row: window x channels.
    pub fn columns(&self) -> usize {
        self.ny * self.nx * self.source.channels
    }

    /// Rows: the grid's pixels of all images.
    pub fn rows(&self) -> usize {
        self.source.images * self.grid_height * self.grid_width
    }

    /// Where every row is simply one pixel of the source, its rows can be used in place.
    pub fn is_plain(&self) -> bool {
        self.ny * self.nx == 1
            && self.step == 1
            && self.dy == 0
            && self.dx == 0
            && self.grid_height == self.source.height
            && self.grid_width == self.source.width
    }

    /// Writes rows `from .. from + count` into `out`, `stride` values apart.
    pub fn fill(&self, x: &[f32], from: usize, count: usize, stride: usize, out: &mut [f32]) {
        let s = &self.source;
        let (h, w, c) = (s.height as isize, s.width as isize, s.channels);
        let run = self.nx * c;
        let dense = s.stride == c;
        let per_image = self.grid_height * self.grid_width;
        for (row, out) in (from..from + count).zip(out.chunks_mut(stride)) {
            let mut runs = out.chunks_exact_mut(run);
            let (image, rest) = (row / per_image, row % per_image);
            let y0 = (rest / self.grid_width * self.step) as isize + self.dy;
            let x0 = (rest % self.grid_width * self.step) as isize + self.dx;
            let inside = x0 >= 0 && x0 + self.nx as isize <= w;
            for ky in 0..self.ny as isize {
                let Some(to) = runs.next() else { break };
                let y = y0 + ky;
                if y < 0 || y >= h {
                    to.fill(0.0);
                    continue;
                }
                let line = (image * s.height + y as usize) * s.width;
                if inside && dense {
                    let start = (line + x0 as usize) * c + s.offset;
                    to.copy_from_slice(&x[start..start + run]);
                    continue;
                }
                for (kx, cell) in to.chunks_exact_mut(c).enumerate() {
                    let column = x0 + kx as isize;
                    if column < 0 || column >= w {
                        cell.fill(0.0);
                    } else {
                        let start = (line + column as usize) * s.stride + s.offset;
                        cell.copy_from_slice(&x[start..start + c]);
                    }
                }
            }
        }
    }
}
