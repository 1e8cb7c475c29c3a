//! Convolutions of stride 1 by fewer products than their definition has (Winograd 1980; Lavin and Gray 2016, "Fast Algorithms for
//! Convolutional Neural Networks", sections 3 and 4): tiles of 4 x 4 outputs take 36 products a channel with a 3 x 3 kernel
//! instead of 144. Sums over channels are products of matrices, one for each of the 36.
//!
//! What a tile gives depends on its own inputs alone, so that images do not depend on their batch, nor on threads.

mod gradient;
mod points;
mod tile;

use std::ops::Range;

use rayon::prelude::*;

use super::{
    gather::Gather,
    product::{Finish, Panels, dispatch},
    share::with_scratch,
    windows::Target,
};
pub(crate) use gradient::Gradient;

use points::{Line, Pairs, Tap, of_taps};
use tile::{Count, Enter, Leave, Rows, pixels};

/// Points beside 0 and infinity, with their opposites, for 3 and 5 taps, and for 7.
const FEW: [f64; 2] = [0.625, 1.5];
const MANY: [f64; 4] = [0.375, 0.75, 1.25, 2.0];

/// Outputs along a direction of so many taps, and products for them.
fn line(taps: usize) -> Option<(usize, usize)> {
    match taps {
        1 => Some((1, 1)),
        3 => Some((4, 6)),
        5 => Some((2, 6)),
        7 => Some((4, 10)),
        _ => None,
    }
}

/// Outputs of a tile (rows, columns), and products for it, of those kernels that have tiles.
fn tile(taps: [usize; 2]) -> Option<([usize; 2], usize)> {
    if !matches!(taps, [3, 3] | [5, 5] | [1, 7] | [7, 1]) {
        return None;
    }
    let ((my, ny), (mx, nx)) = (line(taps[0])?, line(taps[1])?);
    Some(([my, mx], ny * nx))
}

/// Does it pay? Tiles reach beyond the image, the matrices of few tiles are read for little, and few channels leave the
/// transformations on their own.
pub(crate) fn suits(taps: [usize; 2], step: usize, channels: [usize; 2], grid: [usize; 2]) -> bool {
    let Some((outputs, products)) = tile(taps) else {
        return false;
    };
    let tiles = grid[0].div_ceil(outputs[0]) * grid[1].div_ceil(outputs[1]);
    step == 1
        && channels[0].min(channels[1]) >= 16
        && tiles >= 16
        && 5 * products * tiles <= 3 * taps[0] * taps[1] * grid[0] * grid[1]
}

/// What each tap is multiplied by, for each product.
fn factors(taps: [usize; 2]) -> Vec<Vec<f32>> {
    let [rows, columns] = taps.map(|taps| match taps {
        1 => vec![vec![1.0]],
        7 => of_taps(MANY, taps),
        _ => of_taps(FEW, taps),
    });
    let both = rows
        .iter()
        .flat_map(|row| columns.iter().map(move |c| (row, c)));
    both.map(|(row, column)| {
        let taps = row.iter().flat_map(|r| column.iter().map(move |c| r * c));
        taps.map(|factor| factor as f32).collect()
    })
    .collect()
}

/// to = the sum of factor times matrix.
fn combine<'a>(to: &mut [f32], terms: impl Iterator<Item = (f32, &'a [f32])>) {
    to.fill(0.0);
    for (factor, from) in terms.filter(|(factor, _)| *factor != 0.0) {
        for (to, from) in to.iter_mut().zip(from) {
            *to += factor * from;
        }
    }
}

/// Floats of a kernel's matrices.
pub(crate) fn values(taps: [usize; 2], channels: usize, outputs: usize) -> usize {
    tile(taps).map_or(0, |(_, products)| {
        products * Panels::new(channels, outputs).len()
    })
}

/// A kernel, as matrices of inputs x outputs: one for each product of a tile.
pub(crate) struct Matrices {
    taps: [usize; 2],
    panels: Panels,
    values: Vec<f32>,
}

impl Matrices {
    /// From a matrix of (taps x channels) x outputs, laid out in panels; of a kernel that has tiles.
    pub fn new(taps: [usize; 2], whole: Panels, values: &[f32]) -> Self {
        let channels = whole.rows / (taps[0] * taps[1]).max(1);
        let mut matrices = Self {
            taps,
            panels: Panels::new(channels, whole.columns),
            values: vec![0.0; self::values(taps, channels, whole.columns)],
        };
        matrices.fill(whole, values);
        matrices
    }

    /// Computes the matrices again, after the kernel has changed.
    pub fn fill(&mut self, whole: Panels, values: &[f32]) {
        let panels = self.panels;
        let channels = panels.rows;
        self.values
            .par_chunks_mut(panels.len().max(1))
            .zip(factors(self.taps))
            .for_each(|(matrix, factors)| {
                for panel in 0..panels.count() {
                    let width = panels.stride(panel);
                    let from = values[whole.start(panel)..].chunks_exact(channels * width);
                    let to = &mut matrix[panels.start(panel)..][..channels * width];
                    combine(to, factors.iter().copied().zip(from));
                }
            });
    }

    /// As [`Gather::multiply`], of the kernel's windows with step 1.
    ///
    /// # Safety
    /// As there.
    pub unsafe fn multiply(&self, gather: &Gather, x: &[f32], target: Target, finish: Finish<'_>) {
        let few = Pairs::new(FEW);
        let many = Pairs::new(MANY);
        // Safety: the caller's.
        unsafe {
            match self.taps {
                [3, 3] => self.tiles::<_, _, 4, 4, 6, 6>((few, few), gather, x, target, finish),
                [5, 5] => self.tiles::<_, _, 2, 2, 6, 6>((few, few), gather, x, target, finish),
                [1, 7] => self.tiles::<_, _, 1, 4, 1, 10>((Tap, many), gather, x, target, finish),
                [7, 1] => self.tiles::<_, _, 4, 1, 10, 1>((many, Tap), gather, x, target, finish),
                _ => unreachable!("a kernel that has tiles"),
            }
        }
    }

    unsafe fn tiles<Y, X, const MY: usize, const MX: usize, const NY: usize, const NX: usize>(
        &self,
        lines: (Y, X),
        gather: &Gather,
        x: &[f32],
        target: Target,
        finish: Finish<'_>,
    ) where
        Y: Line<MY, NY>,
        X: Line<MX, NX>,
    {
        let panels = self.panels;
        let tiling = Tiling::new::<MY, MX, NY, NX>(gather);
        let (row, width) = (tiling.row, panels.width());
        let (inputs, outputs) = (tiling.count * row + 16, tiling.count * width + 16);
        let floats = NY * NX * (inputs + outputs);
        (0..tiling.tasks()).into_par_iter().for_each(|task| {
            with_scratch(floats + row, |scratch| {
                let (scratch, zeros) = scratch.split_at_mut(floats);
                zeros.fill(0.0);
                let (entered, multiplied) = scratch.split_at_mut(NY * NX * inputs);
                let entered = Rows::new(entered, row, inputs);
                let multiplied = Rows::new(multiplied, width, outputs);
                let tiles = tiling.tiles(task);
                tiling.enter(lines, (gather, x), tiles.clone(), zeros, entered);
                for panel in 0..panels.count() {
                    let first = panel * width;
                    let run = [panels.run(panel, 0, 0, panels.rows)];
                    for product in 0..NY * NX {
                        // Safety: both blocks of scratch hold `count` rows for each product.
                        unsafe {
                            panels.multiply(
                                &self.values[product * panels.len()..],
                                (panel, &run),
                                tiles.len(),
                                (entered.at(product, 0), row),
                                (multiplied.at(product, 0).wrapping_sub(first), width),
                                Finish::default(),
                            );
                        }
                    }
                    let bias = finish
                        .bias
                        .map_or(std::ptr::null(), |b| b[first..].as_ptr());
                    for (i, tile) in tiles.clone().enumerate() {
                        let (image, y, x) = tiling.place(tile);
                        let at = target.start
                            + image * target.image
                            + y * target.line
                            + x * target.pixel
                            + first;
                        let leave = Leave {
                            lines,
                            from: multiplied,
                            tile: i,
                            out: target.values.at(at),
                            line: target.line,
                            pixel: target.pixel,
                            height: (gather.grid_height - y).min(MY),
                            width: (gather.grid_width - x).min(MX),
                            channels: panels.filled(panel),
                            add: finish.add,
                            bias,
                            relu: finish.relu,
                        };
                        // Safety: outputs of this image, this task's alone.
                        unsafe { dispatch::<(Count<MY>, Count<MX>), _>(leave) };
                    }
                }
            });
        });
    }
}

/// How a grid of outputs is cut into tiles, and these are shared out.
#[derive(Clone, Copy)]
struct Tiling {
    /// Rows and columns of outputs that a tile has.
    outputs: [usize; 2],
    /// Tiles side by side, of each image, and of all.
    across: usize,
    each: usize,
    all: usize,
    /// Tiles of a task.
    count: usize,
    /// Floats between tiles in scratch: a vector's rest is padding.
    row: usize,
}

impl Tiling {
    fn new<const MY: usize, const MX: usize, const NY: usize, const NX: usize>(
        gather: &Gather,
    ) -> Self {
        let across = gather.grid_width.div_ceil(MX);
        let each = gather.grid_height.div_ceil(MY) * across;
        let all = gather.source.images * each;
        let row = gather.source.channels.next_multiple_of(16);
        let most = (INPUT_FLOATS / (NY * NX * row)).clamp(24, 48) / 12 * 12;
        Self {
            outputs: [MY, MX],
            across,
            each,
            all,
            count: all.div_ceil(4).next_multiple_of(12).min(most),
            row,
        }
    }

    fn tasks(&self) -> usize {
        self.all.div_ceil(self.count)
    }

    fn tiles(&self, task: usize) -> Range<usize> {
        task * self.count..((task + 1) * self.count).min(self.all)
    }

    /// A tile's image, and the row and column of its first output.
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let (image, rest) = (tile / self.each, tile % self.each);
        let [y, x] = [rest / self.across, rest % self.across];
        (image, y * self.outputs[0], x * self.outputs[1])
    }

    /// Brings tiles' inputs into scratch.
    fn enter<Y, X, const MY: usize, const MX: usize, const NY: usize, const NX: usize>(
        &self,
        lines: (Y, X),
        (gather, x): (&Gather, &[f32]),
        tiles: Range<usize>,
        zeros: &[f32],
        to: Rows,
    ) where
        Y: Line<MY, NY>,
        X: Line<MX, NX>,
    {
        for (i, tile) in tiles.enumerate() {
            let (image, top, left) = self.place(tile);
            let place = (image, top as isize + gather.dy, left as isize + gather.dx);
            let enter = Enter {
                lines,
                pixels: &pixels::<NY, NX>(x, gather.source, place, zeros),
                channels: gather.source.channels,
                tile: i,
                to,
            };
            // Safety: pixels of this image, and this tile's rows.
            unsafe { dispatch::<(Count<MY>, Count<MX>), _>(enter) };
        }
    }
}

/// Floats of a task's transformed inputs at most, where it has more tiles than a few: with a panel's products they stay in
/// the second-level cache.
const INPUT_FLOATS: usize = 96 * 1024;
