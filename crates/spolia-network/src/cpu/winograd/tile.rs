//! Tiles on their way in and out: what the products are made of, and the outputs from the products.

use super::{
    super::{
        product::{Vector, Work},
        share::Layout,
    },
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
    pub fn new(scratch: &mut [f32], row: usize, product: usize) -> Self {
        Self {
            start: scratch.as_mut_ptr(),
            row,
            product,
        }
    }

    pub fn at(&self, product: usize, tile: usize) -> *mut f32 {
        self.start
            .wrapping_add(product * self.product + tile * self.row)
    }
}

/// Where each pixel's channels lie in a rectangle of an activation; outside of it, zeros.
pub(super) fn pixels<const H: usize, const W: usize>(
    x: &[f32],
    s: Layout,
    (image, top, left): (usize, isize, isize),
    zeros: &[f32],
) -> [[*const f32; W]; H] {
    let mut pixels = [[zeros.as_ptr(); W]; H];
    for (row, pixels) in (top..).zip(&mut pixels) {
        if row < 0 || row >= s.height as isize {
            continue;
        }
        let line = (image * s.height + row as usize) * s.width;
        for (column, pixel) in (left..).zip(pixels) {
            if column >= 0 && column < s.width as isize {
                let at = (line + column as usize) * s.stride + s.offset;
                *pixel = x[at..at + s.channels].as_ptr();
            }
        }
    }
    pixels
}

/// So many channels of a tile's pixels, from `first` on.
#[inline(always)]
unsafe fn load<T: Vector, const H: usize, const W: usize>(
    pixels: &[[*const f32; W]; H],
    first: usize,
    left: usize,
) -> [[T; W]; H] {
    unsafe {
        let mut block = [[T::splat(0.0); W]; H];
        for (line, pixels) in block.iter_mut().zip(pixels) {
            for (x, pixel) in line.iter_mut().zip(pixels) {
                let from = pixel.wrapping_add(first);
                *x = if left >= T::LANES {
                    T::load(from)
                } else {
                    T::load_first(from, left)
                };
            }
        }
        block
    }
}

/// A column of a block.
#[inline(always)]
fn column<T: Vector, const H: usize, const W: usize>(block: &[[T; W]; H], at: usize) -> [T; H] {
    let mut found = [block[0][at]; H];
    for (value, line) in found.iter_mut().zip(block) {
        *value = line[at];
    }
    found
}

/// Puts a column of a tile's products where they are multiplied, from the channel `first` on.
#[inline(always)]
unsafe fn store<T: Vector, const NY: usize, const NX: usize>(
    products: [T; NY],
    column: usize,
    to: Rows,
    (tile, first): (usize, usize),
) {
    for (row, product) in products.into_iter().enumerate() {
        unsafe { product.store(to.at(row * NX + column, tile).wrapping_add(first)) };
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
    Work<(Count<MY>, Count<MX>)> for Enter<'_, Y, X, NY, NX>
where
    Y: Line<MY, NY>,
    X: Line<MX, NX>,
{
    #[inline(always)]
    unsafe fn run<T: Vector>(self) {
        for first in (0..self.channels).step_by(T::LANES) {
            unsafe {
                let mut block = load::<T, NY, NX>(self.pixels, first, self.channels - first);
                for line in &mut block {
                    *line = self.lines.1.inputs(*line);
                }
                for column in 0..NX {
                    let products = self.lines.0.inputs(self::column(&block, column));
                    store::<T, NY, NX>(products, column, self.to, (self.tile, first));
                }
            }
        }
    }
}

/// Names how many values a line has, where types alone leave it open.
pub(super) struct Count<const M: usize>;

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
    Work<(Count<MY>, Count<MX>)> for Leave<Y, X, NY, NX>
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

/// Gradients of a tile's outputs become those of its products.
pub(super) struct Return<'a, Y, X, const MY: usize, const MX: usize> {
    pub lines: (Y, X),
    /// Where each output pixel's gradients lie; zeros outside of the image.
    pub pixels: &'a [[*const f32; MX]; MY],
    pub channels: usize,
    pub tile: usize,
    pub to: Rows,
}

impl<Y, X, const MY: usize, const MX: usize, const NY: usize, const NX: usize>
    Work<(Count<NY>, Count<NX>)> for Return<'_, Y, X, MY, MX>
where
    Y: Line<MY, NY>,
    X: Line<MX, NX>,
{
    #[inline(always)]
    unsafe fn run<T: Vector>(self) {
        let zero = unsafe { T::splat(0.0) };
        for first in (0..self.channels).step_by(T::LANES) {
            unsafe {
                let outputs = load::<T, MY, MX>(self.pixels, first, self.channels - first);
                let mut block = [[zero; NX]; MY];
                for (line, outputs) in block.iter_mut().zip(outputs) {
                    *line = self.lines.1.products(outputs);
                }
                for column in 0..NX {
                    let products = self.lines.0.products(self::column(&block, column));
                    store::<T, NY, NX>(products, column, self.to, (self.tile, first));
                }
            }
        }
    }
}
