//! The square of pixels that is being drawn.

use std::ops::Range;

use super::nucleus::Nucleus;

/// Where the pixels of a drawing lie on the plane of tissue, in µm.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Column and row of its first pixel, counted from the plane's origin.
    pub(super) left: i32,
    pub(super) top: i32,
    /// Pixels across and down.
    pub(super) size: usize,
    /// Width of a pixel in µm.
    pub(super) mpp: f32,
}

impl Frame {
    /// Middle of a column, in µm.
    pub(super) fn x(&self, column: usize) -> f32 {
        ((self.left + column as i32) as f32 + 0.5) * self.mpp
    }

    /// Middle of a row, in µm.
    pub(super) fn y(&self, row: usize) -> f32 {
        ((self.top + row as i32) as f32 + 0.5) * self.mpp
    }

    /// Place of a pixel, in µm.
    pub(super) fn place(&self, pixel: usize) -> (f32, f32) {
        (self.x(pixel % self.size), self.y(pixel / self.size))
    }

    /// Number of pixels.
    pub(super) fn pixels(&self) -> usize {
        self.size * self.size
    }

    /// Shows every pixel that a nucleus may cover, with its level (0 in the nucleus' centre, 1 on
    /// its outline), row by row, until `show` gives `false`.
    pub(super) fn around(&self, nucleus: &Nucleus, mut show: impl FnMut(usize, f32) -> bool) {
        let outline = &nucleus.outline;
        let range = |middle: f32, reach: f32, first: i32| -> Range<usize> {
            let first = first as f32;
            let end = |edge: f32| (edge / self.mpp - first).max(0.0);
            let low = end(middle - reach).floor() as usize;
            let high = end(middle + reach).ceil() as usize;
            low..high.min(self.size)
        };
        let (across, down) = nucleus.reach();
        for row in range(outline.y, down, self.top) {
            let y = self.y(row);
            for column in range(outline.x, across, self.left) {
                let level = outline.level(self.x(column), y);
                if !show(row * self.size + column, level) {
                    return;
                }
            }
        }
    }
}
