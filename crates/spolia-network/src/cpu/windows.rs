//! Products of all windows of an activation with a matrix, without copying a window: where pixels are neighbours in memory
//! a row of the window is one run of floats, and the windows of neighbouring outputs are evenly spaced. Windows at the border
//! see fewer taps; those that see the same are taken together, and no product with padding is computed.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    gather::{Gather, TILE_FLOATS},
    product::{Finish, Panels, Run},
    share::Shared,
};

/// Where the product of a window goes: `start + image * n + line * i + pixel * j`.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub values: Shared,
    pub start: usize,
    pub image: usize,
    pub line: usize,
    pub pixel: usize,
}

/// Outputs along one side whose windows see the same taps.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    outputs: Range<usize>,
    taps: Range<usize>,
}

/// Cuts `count` outputs, whose windows of `taps` begin at `step o + first`, where the taps inside of `extent` change.
fn spans(count: usize, extent: usize, step: usize, first: isize, taps: usize) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for output in 0..count {
        let start = (output * step) as isize + first;
        let inside = |at: isize| (at - start).clamp(0, taps as isize) as usize;
        let (low, high) = (inside(0), inside(extent as isize));
        let seen = if low < high { low..high } else { 0..0 };
        match spans.last_mut() {
            Some(last) if last.taps == seen => last.outputs.end += 1,
            _ => spans.push(Span {
                outputs: output..output + 1,
                taps: seen,
            }),
        }
    }
    spans
}

/// Outputs of one line that are evenly spaced in the source and in the target.
#[derive(Clone, Copy)]
struct Axis {
    count: usize,
    source: usize,
    target: usize,
}

impl Gather {
    /// The target's pixel (i, j) becomes the product of the window (i, j) of `x` with a matrix of the window's values x
    /// outputs.
    ///
    /// # Safety
    /// The target has a place for every window's outputs, apart from `x`, and nothing else touches it meanwhile.
    pub unsafe fn multiply(
        &self,
        x: &[f32],
        matrix: (Panels, &[f32]),
        target: Target,
        finish: Finish<'_>,
    ) {
        let mut gather = *self;
        let mut target = target;
        if self.is_plain()
            && target.line == self.grid_width * target.pixel
            && target.image == self.grid_height * target.line
        {
            // All pixels are one line.
            let pixels = self.rows();
            (gather.source.images, gather.grid_height) = (1, 1);
            (gather.source.height, gather.source.width) = (1, pixels);
            gather.grid_width = pixels;
            target.line = pixels * target.pixel;
        }
        if gather.rows() == 0 {
            return;
        }
        let windows = Windows {
            rows: spans(
                gather.grid_height,
                gather.source.height,
                gather.step,
                gather.dy,
                gather.ny,
            ),
            columns: spans(
                gather.grid_width,
                gather.source.width,
                gather.step,
                gather.dx,
                gather.nx,
            ),
            gather,
            x,
            matrix,
            target,
            finish,
        };
        let panels = matrix.0;
        let one_line = gather.source.images * gather.grid_height == 1;
        let units = if one_line {
            gather.grid_width
        } else {
            gather.source.images * gather.grid_height
        };
        let source = gather.source.stride * gather.step;
        // What a task reads stays in the second-level cache; it has whole blocks of rows.
        let most = if one_line {
            (TILE_FLOATS / source).clamp(24, 504) / 12 * 12
        } else {
            (TILE_FLOATS / (source * gather.source.width)).max(1)
        };
        let (down, across) = shares(units, most, gather.rows() * source, panels);
        let size = units.div_ceil(down);
        let size = if one_line {
            size.next_multiple_of(12)
        } else {
            size
        };
        let down = units.div_ceil(size);
        let width = panels.count().div_ceil(across);
        let across = panels.count().div_ceil(width);
        (0..down * across).into_par_iter().for_each(|task| {
            let (first, panel) = (task / across * size, task % across * width);
            let part = first..(first + size).min(units);
            for panel in panel..(panel + width).min(panels.count()) {
                // Safety: these outputs of these windows are this task's alone.
                unsafe {
                    if one_line {
                        windows.rectangle(panel, 0..1, 0..1, part.clone());
                    } else {
                        windows.lines(panel, part.clone());
                    }
                }
            }
        });
    }
}

/// Into how many parts the windows and the panels are cut: eight tasks at least, where there are as many. What is larger
/// of the source and the matrix is cut first, so that it is read once.
fn shares(units: usize, most: usize, source: usize, panels: Panels) -> (usize, usize) {
    const TASKS: usize = 8;
    let down = units.div_ceil(most);
    if panels.len() > source {
        let across = TASKS.div_ceil(down).min(panels.count());
        (down.max((TASKS / across).min(units)), across)
    } else {
        let down = down.max(4.min(units));
        (down, TASKS.div_ceil(down).min(panels.count()))
    }
}

struct Windows<'a> {
    gather: Gather,
    rows: Vec<Span>,
    columns: Vec<Span>,
    x: &'a [f32],
    matrix: (Panels, &'a [f32]),
    target: Target,
    finish: Finish<'a>,
}

impl Windows<'_> {
    /// Lines of all images, counted through.
    unsafe fn lines(&self, panel: usize, lines: Range<usize>) {
        let height = self.gather.grid_height;
        let mut start = lines.start;
        while start < lines.end {
            let (image, line) = (start / height, start % height);
            let whole = (lines.end - start) / height;
            let (images, rows) = if line == 0 && whole > 0 {
                (image..image + whole, 0..height)
            } else {
                (image..image + 1, line..height.min(line + lines.end - start))
            };
            start += images.len() * rows.len();
            unsafe { self.rectangle(panel, images, rows, 0..self.gather.grid_width) };
        }
    }

    unsafe fn rectangle(
        &self,
        panel: usize,
        images: Range<usize>,
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        let mut runs = Vec::with_capacity(self.gather.ny * self.gather.nx);
        for y in &self.rows {
            let lines = cut(&y.outputs, &rows);
            for x in &self.columns {
                let pixels = cut(&x.outputs, &columns);
                if lines.is_empty() || pixels.is_empty() {
                    continue;
                }
                self.runs(panel, y, x, &mut runs);
                unsafe {
                    self.alike(panel, &runs, images.clone(), lines.clone(), pixels);
                }
            }
        }
    }

    /// What the windows of two spans are made of, as distances from where a window begins (be it outside of the image).
    fn runs(&self, panel: usize, y: &Span, x: &Span, runs: &mut Vec<Run>) {
        let (source, panels) = (self.gather.source, self.matrix.0);
        runs.clear();
        if x.taps.is_empty() {
            return;
        }
        let dense = source.stride == source.channels;
        for ky in y.taps.clone() {
            let mut push = |kx: usize, taps: usize| {
                let lhs = (ky * source.width + kx) * source.stride;
                let row = (ky * self.gather.nx + kx) * source.channels;
                runs.push(panels.run(panel, lhs as isize, row, taps * source.channels));
            };
            if dense {
                push(x.taps.start, x.taps.len());
            } else {
                x.taps.clone().for_each(|kx| push(kx, 1));
            }
        }
    }

    /// Windows that see the same taps.
    unsafe fn alike(
        &self,
        panel: usize,
        runs: &[Run],
        images: Range<usize>,
        lines: Range<usize>,
        pixels: Range<usize>,
    ) {
        let (g, t) = (&self.gather, &self.target);
        let s = g.source;
        let line = s.width * s.stride;
        let mut axes = [
            Axis {
                count: images.len(),
                source: s.height * line,
                target: t.image,
            },
            Axis {
                count: lines.len(),
                source: g.step * line,
                target: t.line,
            },
            Axis {
                count: pixels.len(),
                source: g.step * s.stride,
                target: t.pixel,
            },
        ];
        // Blocks go along the longest side: a border is a column.
        if axes[2].count < 6 {
            axes.sort_by_key(|axis| axis.count);
        }
        let at = |first: isize, o: usize| (o * g.step) as isize + first;
        let first = ((images.start * s.height) as isize + at(g.dy, lines.start)) * s.width as isize
            + at(g.dx, pixels.start);
        let from = (first * s.stride as isize) + s.offset as isize;
        let to = t.start + t.image * images.start + t.line * lines.start + t.pixel * pixels.start;
        let [outer, middle, along] = axes;
        for o in 0..outer.count {
            for m in 0..middle.count {
                let source = o * outer.source + m * middle.source;
                let target = o * outer.target + m * middle.target;
                unsafe {
                    self.matrix.0.multiply(
                        self.matrix.1,
                        (panel, runs),
                        along.count,
                        (
                            self.x.as_ptr().wrapping_offset(from).wrapping_add(source),
                            along.source,
                        ),
                        (t.values.at(to + target), along.target),
                        self.finish,
                    );
                }
            }
        }
    }
}

fn cut(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.max(b.start)..a.end.min(b.end)
}
