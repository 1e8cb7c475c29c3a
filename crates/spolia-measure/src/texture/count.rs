//! Counting the pairs of an image, several offsets in one pass.
//!
//! Each row's pairs become a list of cells (vectorised), then the lists of up to four offsets are
//! counted side by side: pairs that hit one cell again and again, as on white ground, then wait
//! for their own matrix alone. A matrix spans the levels that occur, and a symmetric one is
//! counted in its upper triangle alone, so that it fits a near cache.

use super::Offset;
use super::mask::Selected;

/// Cells of the largest matrix, 256 x 256; a cell's number fits in 16 bits.
pub(crate) const CELLS: usize = 1 << 16;

/// The counts of one offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    cells: Box<[u32; CELLS]>,
    span: usize,
    symmetric: bool,
}

impl Table {
    pub fn new() -> Self {
        let cells = vec![0; CELLS].into_boxed_slice();
        Self {
            // The length is CELLS; an empty table would only be the answer to another one.
            cells: cells.try_into().unwrap_or_else(|_| Box::new([0; CELLS])),
            span: 0,
            symmetric: false,
        }
    }

    /// Empties the table for `span` levels.
    fn clear(&mut self, span: usize, symmetric: bool) {
        self.span = span;
        self.symmetric = symmetric;
        if symmetric {
            for i in 0..span {
                self.cells[i * span + i..(i + 1) * span].fill(0);
            }
        } else {
            self.cells[..span * span].fill(0);
        }
    }

    /// Levels of a side.
    pub fn span(&self) -> usize {
        self.span
    }

    /// Whether pairs count in both orders, so that only `column >= row` is stored.
    pub fn symmetric(&self) -> bool {
        self.symmetric
    }

    /// The stored cells of row `i` and the column of the first: the row's upper triangle in a
    /// symmetric table, where the other order of each pair is left out.
    pub fn row(&self, i: usize) -> (usize, &[u32]) {
        let first = if self.symmetric { i } else { 0 };
        let row = i * self.span;
        (first, &self.cells[row + first..row + self.span])
    }

    /// The cell (i, j) of the whole matrix, both orders counted in a symmetric one.
    pub fn get(&self, i: usize, j: usize) -> u64 {
        let cell = |i: usize, j: usize| u64::from(self.cells[i * self.span + j]);
        match (self.symmetric, i == j) {
            (false, _) => cell(i, j),
            (true, true) => 2 * cell(i, i),
            (true, false) => cell(i.min(j), i.max(j)),
        }
    }

    /// The cell of the levels (i, j) where the table's first level is `low`; 0 for a level that
    /// does not occur.
    pub fn at_levels(&self, low: usize, i: usize, j: usize) -> u64 {
        let occurring = low..low + self.span;
        if !occurring.contains(&i) || !occurring.contains(&j) {
            return 0;
        }
        self.get(i - low, j - low)
    }
}

/// Lists of cells, one an offset of the group.
type Lists = [Vec<u16>; 4];

/// Counts the pairs of `levels` (one a pixel, each below `span`) at each offset. `tables` holds
/// one table an offset.
pub(crate) fn count(
    image: &Selected<'_>,
    levels: &[u8],
    span: usize,
    symmetric: bool,
    offsets: &[Offset],
    tables: &mut [Table],
    lists: &mut Lists,
) {
    for list in lists.iter_mut() {
        list.resize(image.width, 0);
    }
    for table in tables.iter_mut() {
        table.clear(span, symmetric);
    }
    for (offsets, tables) in offsets.chunks(4).zip(tables.chunks_mut(4)) {
        for y in 0..image.height {
            let mut lengths = [0; 4];
            for ((length, list), &offset) in lengths.iter_mut().zip(lists.iter_mut()).zip(offsets) {
                *length = list_row(image, levels, span, symmetric, offset, y, list);
            }
            if let [a, b, c, d] = tables {
                let lists = [0, 1, 2, 3].map(|k| &lists[k][..lengths[k]]);
                tally_four([a, b, c, d].map(|table| &mut *table.cells), lists);
            } else {
                for ((table, list), length) in tables.iter_mut().zip(lists.iter()).zip(lengths) {
                    tally(&mut table.cells, &list[..length]);
                }
            }
        }
    }
}

/// Writes the cells of the pairs whose upper pixel lies in row `y` and returns how many there are.
fn list_row(
    image: &Selected<'_>,
    levels: &[u8],
    span: usize,
    symmetric: bool,
    offset: Offset,
    y: usize,
    list: &mut [u16],
) -> usize {
    // Offsets that point up are counted from the other pixel of the pair.
    let up = offset.down < 0;
    let (down, right) = if up {
        (
            offset.down.unsigned_abs() as usize,
            -i64::from(offset.right),
        )
    } else {
        (offset.down as usize, i64::from(offset.right))
    };
    let across = right.unsigned_abs() as usize;
    if y + down >= image.height || across >= image.width {
        return 0;
    }
    let length = image.width - across;
    let (left_here, left_there) = if right >= 0 { (0, across) } else { (across, 0) };
    let here = y * image.width + left_here;
    let there = (y + down) * image.width + left_there;
    let upper = &levels[here..here + length];
    let lower = &levels[there..there + length];
    let (first, second) = if up { (lower, upper) } else { (upper, lower) };
    let span = span as u16;
    let ordered = |a: u8, b: u8| u16::from(a).wrapping_mul(span).wrapping_add(b.into());
    let cell = |a: u8, b: u8| {
        if symmetric {
            ordered(a.min(b), a.max(b))
        } else {
            ordered(a, b)
        }
    };
    let Some(mask) = image.mask else {
        for ((out, &a), &b) in list.iter_mut().zip(first).zip(second) {
            *out = cell(a, b);
        }
        return length;
    };
    let mut count = 0;
    let both = mask[here..here + length]
        .iter()
        .zip(&mask[there..there + length]);
    for ((&a, &b), (&here, &there)) in first.iter().zip(second).zip(both) {
        if here && there {
            list[count] = cell(a, b);
            count += 1;
        }
    }
    count
}

fn tally(table: &mut [u32; CELLS], list: &[u16]) {
    for &cell in list {
        table[usize::from(cell)] += 1;
    }
}

fn tally_four(tables: [&mut [u32; CELLS]; 4], lists: [&[u16]; 4]) {
    let [ta, tb, tc, td] = tables;
    let common = lists.iter().map(|list| list.len()).min().unwrap_or(0);
    let [(a, rest_a), (b, rest_b), (c, rest_c), (d, rest_d)] =
        lists.map(|list| list.split_at(common));
    for (((&a, &b), &c), &d) in a.iter().zip(b).zip(c).zip(d) {
        ta[usize::from(a)] += 1;
        tb[usize::from(b)] += 1;
        tc[usize::from(c)] += 1;
        td[usize::from(d)] += 1;
    }
    tally(ta, rest_a);
    tally(tb, rest_b);
    tally(tc, rest_c);
    tally(td, rest_d);
}
