//! Tiles on their way in and out: what the products are made of, and the outputs from the products.

use super::{
    super::product::{Vector, Work},
    points::Line,
};

/// Where the values of one product lie in a block of scratch: tile after tile, `row` floats apart; product after product,
/// `product` floats apart.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub start: *mut f32,
    pub row: usize,
    pub product: usize,
}

impl Rows {
    pub fn at(&self, product: usize, tile: usize) -> *mut f32 {
        self.start
            .wrapping_add(product * self.product + tile * self.row)
    }
}

/// A tile's inputs become what is multiplied.
pub(super) struct Enter<'a, Y, X, const NY: usize, const NX: usize> {
    pub lines: (Y, X),
    /// Where each input pixel's channels lie; zeros outside of the image.
    pub pixels: &'a [[*const f32; NX]; NY],
    pub channels: usize,
    pub tile: usize,
    pub to: Rows,
}

impl<Y, X, const MY: usize, const MX: usize, const NY: usize, const NX: usize>
    Work<(Outputs<MY>, Outputs<MX>)> for Enter<'_, Y, X, NY, NX>
where
    Y: Line<MY, NY>,
    X: Line<MX, NX>,
{
    #[inline(always)]
    unsafe fn run<T: Vector>(self) {
        let zero = unsafe { T::splat(0.0) };
        for first in (0..self.channels).step_by(T::LANES) {
            let left = self.channels - first;
            unsafe {
                let mut block = [[zero; NX]; NY];
                for (line, pixels) in block.iter_mut().zip(self.pixels) {
                    let mut x = [zero; NX];
                    for (x, pixel) in x.iter_mut().zip(pixels) {
                        let from = pixel.wrapping_add(first);
                        *x = if left >= T::LANES {
                            T::load(from)
                        } else {
                            T::load_first(from, left)
                        };
                    }
                    *line = self.lines.1.inputs(x);
                }
                for column in 0..NX {
                    let mut y = [zero; NY];
                    for (y, line) in y.iter_mut().zip(&block) {
                        *y = line[column];
                    }
                    let y = self.lines.0.inputs(y);
                    for (row, y) in y.into_iter().enumerate() {
                        y.store(self.to.at(row * NX + column, self.tile).wrapping_add(first));
                    }
                }
            }
        }
    }
}

/// Names how many outputs a line has, where types alone leave it open.
pub(super) struct Outputs<const M: usize>;

/// A tile's products become its outputs.
pub(super) struct Leave<Y, X, const NY: usize, const NX: usize> {
    pub lines: (Y, X),
    pub from: Rows,
    pub tile: usize,
    /// The first output's first channel.
    pub out: *mut f32,
    pub line: usize,
    pub pixel: usize,
    /// Outputs of this tile that exist.
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub add: bool,
    /// Added to every output where it is not null.
    pub bias: *const f32,
    pub relu: bool,
}

impl<Y, X, const MY: usize, const MX: usize, const NY: usize, const NX: usize>
    Work<(Outputs<MY>, Outputs<MX>)> for Leave<Y, X, NY, NX>
where
    Y: Line<MY, NY>,
    X: Line<MX, NX>,
{
    #[inline(always)]
    unsafe fn run<T: Vector>(self) {
        let zero = unsafe { T::splat(0.0) };
        for first in (0..self.channels).step_by(T::LANES) {
            let left = self.channels - first;
            let whole = left >= T::LANES;
            let load = |from: *const f32| unsafe {
                if whole {
                    T::load(from)
                } else {
                    T::load_first(from, left)
                }
            };
            unsafe {
                let mut block = [[zero; NX]; MY];
                for column in 0..NX {
                    let mut products = [zero; NY];
                    for (row, product) in products.iter_mut().enumerate() {
                        let at = self.from.at(row * NX + column, self.tile);
                        *product = T::load(at.wrapping_add(first));
                    }
                    for (line, y) in block.iter_mut().zip(self.lines.0.outputs(products)) {
                        line[column] = y;
                    }
                }
                let bias = if self.bias.is_null() {
                    zero
                } else {
                    load(self.bias.wrapping_add(first))
                };
                for (row, products) in block.into_iter().enumerate().take(self.height) {
                    let outputs = self.lines.1.outputs(products);
                    for (column, output) in outputs.into_iter().enumerate().take(self.width) {
                        let at = row * self.line + column * self.pixel + first;
                        let out = self.out.wrapping_add(at);
                        let mut value = output.add(bias);
                        if self.add {
                            value = value.add(load(out));
                        }
                        if self.relu {
                            value = value.max(zero);
                        }
                        if whole {
                            value.store(out);
                        } else {
                            value.store_first(out, left);
                        }
                    }
                }
            }
        }
    }
}
