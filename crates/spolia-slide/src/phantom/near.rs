//! Borders between cells: where two nuclei are equally near.

use super::nucleus::Nucleus;

/// Width of a cell of the search grid in µm; neighbours further off make no visible border.
const CELL: f32 = 8.0;

/// Finds the two nearest nuclei of a place. The grid is aligned to the plane's origin, so that a
/// place has the same border whatever part of the plane is drawn.
pub(super) struct Near {
    cells: Vec<Vec<(f32, f32)>>,
    left: i32,
    top: i32,
    across: i32,
    down: i32,
}

fn cell(v: f32) -> i32 {
    (v / CELL).floor() as i32
}

impl Near {
    /// Nuclei around the rectangle from `from` to `to`, in µm.
    pub(super) fn new<'a>(
        nuclei: impl IntoIterator<Item = &'a Nucleus>,
        from: (f32, f32),
        to: (f32, f32),
    ) -> Self {
        let (left, top) = (cell(from.0) - 2, cell(from.1) - 2);
        let (across, down) = (cell(to.0) + 3 - left, cell(to.1) + 3 - top);
        let mut near = Near {
            cells: vec![Vec::new(); across.max(0) as usize * down.max(0) as usize],
            left,
            top,
            across,
            down,
        };
        for nucleus in nuclei {
            let (x, y) = (nucleus.outline.x, nucleus.outline.y);
            if let Some(at) = near.index(cell(x), cell(y)) {
                near.cells[at].push((x, y));
            }
        }
        near
    }

    fn index(&self, column: i32, row: i32) -> Option<usize> {
        let (column, row) = (column - self.left, row - self.top);
        let inside = (0..self.across).contains(&column) && (0..self.down).contains(&row);
        inside.then(|| (row * self.across + column) as usize)
    }

    /// 1 where two nuclei are equally near, falling to 0 within about a µm.
    pub(super) fn border(&self, x: f32, y: f32) -> f32 {
        let (column, row) = (cell(x), cell(y));
        let (mut first, mut second) = (f32::MAX, f32::MAX);
        for r in row - 1..=row + 1 {
            for c in column - 1..=column + 1 {
                let Some(at) = self.index(c, r) else { continue };
                for &(nx, ny) in &self.cells[at] {
                    let d2 = (nx - x).powi(2) + (ny - y).powi(2);
                    second = second.min(d2.max(first));
                    first = first.min(d2);
                }
            }
        }
        if second == f32::MAX {
            return 0.0;
        }
        let gap = second.sqrt() - first.sqrt();
        // Beyond this it is below 1e-5.
        if gap > 3.8 {
            return 0.0;
        }
        (-(gap / 1.1).powi(2)).exp()
    }
}
