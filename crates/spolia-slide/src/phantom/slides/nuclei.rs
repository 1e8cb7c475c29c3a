//! Where all nuclei of a slide lie.

use rayon::prelude::*;

use super::super::frame::Frame;
use super::super::nucleus::Nucleus;
use super::super::render::{Draw, rng};
use super::super::scatter::Taken;
use super::ground::Ground;

/// Side of a cell of the grid by which nuclei are placed, in µm.
const CELL: i32 = 128;
/// No nucleus reaches farther than this from its centre, in µm.
pub(super) const REACH: f32 = 24.0;

/// Nuclei in the cells of a grid; each has a number from 1, cell after cell, row after row.
#[derive(Debug)]
pub(super) struct Nuclei {
    across: i32,
    down: i32,
    cells: Vec<Vec<Nucleus>>,
    /// Number of the first nucleus of each cell.
    first: Vec<u32>,
}

impl Nuclei {
    /// Places the nuclei of a slide of `width * height` µm. Cells that do not touch are filled at
    /// the same time, in four turns; a cell sees the nuclei of those that came before.
    pub(super) fn place(
        ground: &Ground,
        (width, height): (f32, f32),
        scale: f32,
        (seed, slide): (u64, u32),
    ) -> Self {
        let side = CELL as f32;
        let (across, down) = ((width / side).ceil() as i32, (height / side).ceil() as i32);
        let mut placed = Nuclei {
            across,
            down,
            cells: vec![Vec::new(); (across * down) as usize],
            first: Vec::new(),
        };
        for turn in 0..4 {
            let of_turn: Vec<i32> = (0..across * down)
                .filter(|cell| (cell % across) % 2 == turn % 2 && (cell / across) % 2 == turn / 2)
                .collect();
            let filled: Vec<(i32, Vec<Nucleus>)> = of_turn
                .into_par_iter()
                .map(|cell| (cell, placed.fill(cell, ground, scale, (seed, slide))))
                .collect();
            for (cell, nuclei) in filled {
                placed.cells[cell as usize] = nuclei;
            }
        }
        let mut next = 1;
        placed.first = placed
            .cells
            .iter()
            .map(|cell| {
                let first = next;
                next += cell.len() as u32;
                first
            })
            .collect();
        placed
    }

    fn fill(
        &self,
        cell: i32,
        ground: &Ground,
        scale: f32,
        (seed, slide): (u64, u32),
    ) -> Vec<Nucleus> {
        let (column, row) = (cell % self.across, cell / self.across);
        let margin = REACH as i32;
        let (left, top) = (column * CELL, row * CELL);
        let from = (left as f32, top as f32);
        let to = ((left + CELL) as f32, (top + CELL) as f32);
        if !ground.any(from, to) {
            return Vec::new();
        }
        // A pixel of 1 µm is fine enough to see whether nuclei touch.
        let frame = Frame {
            left: left - margin,
            top: top - margin,
            size: (CELL + 2 * margin) as usize,
            mpp: 1.0,
        };
        let mut taken = Taken::none(frame);
        for nucleus in self.around((column - 1, row - 1), (column + 1, row + 1)) {
            taken.take(nucleus.1);
        }
        let number = (u64::from(slide) << 24) | cell as u64;
        taken.scatter(
            ground,
            (from.0..to.0, from.1..to.1),
            scale,
            usize::MAX,
            &mut rng(seed, Draw::Nuclei, number),
        )
    }

    /// Nuclei of the cells from one to another, with their numbers.
    fn around(&self, from: (i32, i32), to: (i32, i32)) -> impl Iterator<Item = (u32, &Nucleus)> {
        let columns = from.0.max(0)..(to.0 + 1).min(self.across);
        let rows = from.1.max(0)..(to.1 + 1).min(self.down);
        rows.flat_map(move |row| columns.clone().map(move |c| row * self.across + c))
            .flat_map(|cell| {
                let first = self.first.get(cell as usize).copied().unwrap_or(1);
                (first..).zip(&self.cells[cell as usize])
            })
    }

    /// Nuclei that a rectangle (in µm) may see, with their numbers, in the order of these.
    pub(super) fn seen(
        &self,
        from: (f32, f32),
        to: (f32, f32),
    ) -> impl Iterator<Item = (u32, &Nucleus)> {
        let cell = |v: f32| (v / CELL as f32).floor() as i32;
        let (left, top) = (from.0 - REACH, from.1 - REACH);
        let (right, bottom) = (to.0 + REACH, to.1 + REACH);
        self.around((cell(left), cell(top)), (cell(right), cell(bottom)))
            .filter(move |(_, nucleus)| {
                let outline = &nucleus.outline;
                (left..=right).contains(&outline.x) && (top..=bottom).contains(&outline.y)
            })
    }

    /// All nuclei, in the order of their numbers.
    pub(super) fn all(&self) -> impl Iterator<Item = &Nucleus> {
        self.cells.iter().flatten()
    }
}
