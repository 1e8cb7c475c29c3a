//! The gradient of a kernel by tiles: the same products, summed over tiles instead of channels, and the taps from them.

use rayon::prelude::*;

use super::{
    super::{
        gather::Gather,
        product::{Panels, dispatch},
        share::{Layout, Shared, with_scratch, with_sums},
    },
    FEW, MANY, Tiling, combine, factors,
    points::{Line, Pairs, Tap},
    tile::{Count, Return, Rows, pixels},
};

/// Parts of the tiles whose sums are kept apart, to be added in their order; fewer where the sums of one are large.
const PARTS: usize = 8;

/// Floats of all parts' sums at most, where there are several.
const SUMS: usize = 8 << 20;

/// A kernel's gradient: of a gather's windows of `x`, and of `dy`, the gradient of what came of them.
#[derive(Clone, Copy)]
pub(crate) struct Gradient<'a> {
    pub gather: Gather,
    pub x: &'a [f32],
    pub dy: &'a [f32],
    pub to: Layout,
}

impl Gradient<'_> {
    /// Into `dw`, (taps x channels) x outputs in the panels `whole`. The kernel has tiles, and step 1.
    pub fn tiled(&self, whole: Panels, dw: &mut [f32]) {
        let (few, many) = (Pairs::new(FEW), Pairs::new(MANY));
        match [self.gather.ny, self.gather.nx] {
            [3, 3] => self.tiles::<_, _, 4, 4, 6, 6>((few, few), whole, dw),
            [5, 5] => self.tiles::<_, _, 2, 2, 6, 6>((few, few), whole, dw),
            [1, 7] => self.tiles::<_, _, 1, 4, 1, 10>((Tap, many), whole, dw),
            [7, 1] => self.tiles::<_, _, 4, 1, 10, 1>((many, Tap), whole, dw),
            _ => unreachable!("a kernel that has tiles"),
        }
    }

    fn tiles<Y, X, const MY: usize, const MX: usize, const NY: usize, const NX: usize>(
        &self,
        lines: (Y, X),
        whole: Panels,
        dw: &mut [f32],
    ) where
        Y: Line<MY, NY>,
        X: Line<MX, NX>,
    {
        let channels = self.gather.source.channels;
        let panels = Panels::new(channels, whole.columns);
        let tiling = Tiling::new::<MY, MX, NY, NX>(&self.gather);
        let row = tiling.row;
        let (inputs, outputs) = (tiling.count * row + 16, tiling.count * panels.width() + 16);
        let floats = NY * NX * (inputs + outputs);
        let len = NY * NX * panels.len();
        let parts = tiling
            .tasks()
            .div_ceil(2)
            .min(PARTS)
            .min((SUMS / len).max(1));
        let tasks = tiling.tasks().div_ceil(parts);
        let zeros = row.max(panels.columns.next_multiple_of(16));
        with_sums(parts * len, |sums| {
            sums.par_chunks_mut(len)
                .enumerate()
                .for_each(|(part, sums)| {
                    sums.fill(0.0);
                    let sums = Shared::new(sums);
                    with_scratch(floats + zeros, |scratch| {
                        let (scratch, zeros) = scratch.split_at_mut(floats);
                        zeros.fill(0.0);
                        let (entered, returned) = scratch.split_at_mut(NY * NX * inputs);
                        let entered = Rows::new(entered, row, inputs);
                        for task in part * tasks..((part + 1) * tasks).min(tiling.tasks()) {
                            let tiles = tiling.tiles(task);
                            let source = (&self.gather, self.x);
                            tiling.enter(lines, source, tiles.clone(), zeros, entered);
                            for panel in 0..panels.count() {
                                let returned = Rows::new(returned, panels.stride(panel), outputs);
                                let to = Layout {
                                    offset: self.to.offset + panel * panels.width(),
                                    channels: panels.filled(panel),
                                    ..self.to
                                };
                                for (i, tile) in tiles.clone().enumerate() {
                                    let (image, top, left) = tiling.place(tile);
                                    let place = (image, top as isize, left as isize);
                                    let back = Return {
                                        lines,
                                        pixels: &pixels::<MY, MX>(self.dy, to, place, zeros),
                                        channels: to.channels,
                                        tile: i,
                                        to: returned,
                                    };
                                    // Safety: pixels of this image, and this tile's rows.
                                    unsafe { dispatch::<(Count<NY>, Count<NX>), _>(back) };
                                }
                                for product in 0..NY * NX {
                                    let out = sums.at(product * panels.len());
                                    // Safety: both blocks hold these tiles' rows; the sums are this part's alone.
                                    unsafe {
                                        panels.add_transposed_panel(
                                            panel,
                                            tiles.len(),
                                            (entered.at(product, 0), row, channels),
                                            returned.at(product, 0),
                                            (out, 0),
                                        );
                                    }
                                }
                            }
                        }
                    });
                });
            let (first, others) = sums.split_at_mut(len);
            first
                .par_chunks_mut(4096)
                .enumerate()
                .for_each(|(i, sums)| {
                    for other in others.chunks_exact(len) {
                        for (sum, other) in sums.iter_mut().zip(&other[i * 4096..]) {
                            *sum += other;
                        }
                    }
                });
            taps(
                &factors([self.gather.ny, self.gather.nx]),
                (panels, first),
                whole,
                dw,
            );
        });
    }
}

/// The gradients of taps from those of the products, each a matrix of channels x outputs.
fn taps(factors: &[Vec<f32>], (panels, sums): (Panels, &[f32]), whole: Panels, dw: &mut [f32]) {
    dw.par_chunks_mut((whole.rows * whole.width()).max(1))
        .enumerate()
        .for_each(|(panel, dw)| {
            let block = panels.rows * panels.stride(panel);
            for (tap, dw) in dw.chunks_exact_mut(block.max(1)).enumerate() {
                let of = |(product, factors): (usize, &Vec<f32>)| {
                    let start = product * panels.len() + panels.start(panel);
                    (factors[tap], &sums[start..][..block])
                };
                combine(dw, factors.iter().enumerate().map(of));
            }
        });
}
