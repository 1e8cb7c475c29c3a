//! What regions are put together on.

use crate::tiff::Tile;

/// A white rectangle on which tiles are laid.
pub(super) struct Canvas {
    x: i64,
    y: i64,
    pub(super) w: usize,
    pub(super) h: usize,
    pub(super) rgb: Vec<u8>,
}

impl Canvas {
    pub(super) fn new(x: i64, y: i64, w: usize, h: usize) -> Self {
        Self {
            x,
            y,
            w,
            h,
            rgb: vec![255; w * h * 3],
        }
    }

    /// Copies the part of a tile that lies on the canvas and inside the level's size.
    pub(super) fn lay(&mut self, tile: &Tile, at: (u64, u64), size: (u64, u64)) {
        let overlap = |origin: i64, length: usize, at: u64, tile: usize, size: u64| {
            let start = origin.max(at as i64);
            let end = origin
                .saturating_add(length as i64)
                .min(at as i64 + tile as i64)
                .min(size as i64);
            (start < end).then(|| {
                (
                    (start - origin) as usize,
                    (start - at as i64) as usize,
                    (end - start) as usize,
                )
            })
        };
        let across = overlap(self.x, self.w, at.0, tile.width, size.0);
        let down = overlap(self.y, self.h, at.1, tile.height, size.1);
        let (Some((to_x, from_x, w)), Some((to_y, from_y, h))) = (across, down) else {
            return;
        };
        for row in 0..h {
            let to = ((to_y + row) * self.w + to_x) * 3;
            let from = ((from_y + row) * tile.width + from_x) * 3;
            self.rgb[to..to + w * 3].copy_from_slice(&tile.rgb[from..from + w * 3]);
        }
    }
}
