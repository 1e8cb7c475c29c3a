//! Products of matrices as convolutions need them: the right side is laid out once, in panels as wide as a block's sums in
//! registers; the left side is read where it lies; bias and ReLU are part of the write-out.
//!
//! Every sum runs over the whole depth in one order, so that a result depends neither on how the work was divided
//! nor on the number of threads. The loop is that of Goto and van de Geijn (2008) without its packing of the left side, which
//! for the few hundred columns of a layer costs more than it saves.

mod block;
#[cfg(test)]
mod tests;
mod vector;

use std::sync::OnceLock;

pub(crate) use block::Run;
pub(super) use vector::Vector;

use block::Job;

/// The instructions that a product is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Plain,
}

impl Instructions {
    /// Everything that this processor has, best first.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                all.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Self::Avx2);
            }
        }
        all.push(Self::Plain);
        all
    }

    /// The best of this processor.
    pub fn best() -> Self {
        static BEST: OnceLock<Instructions> = OnceLock::new();
        *BEST.get_or_init(|| Self::all()[0])
    }

    /// Columns of a panel.
    pub fn width(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 32,
            _ => 16,
        }
    }

    fn run(self, job: &Job<'_>) {
        // Safety: `all` names only what the processor has; the pointers are those of `Panels::multiply`.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => run_avx512(job),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => run_avx2(job),
                Self::Plain => block::run::<vector::Plain, 4, 2, 4>(job),
            }
        }
    }
}

/// Runs a loop over values, compiled for the widest vectors of this processor; it rounds as any other.
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    // Safety: `best` names only what the processor has.
    match Instructions::best() {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => unsafe { on_avx512(work) },
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => unsafe { on_avx2(work) },
        Instructions::Plain => work(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn on_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn on_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Work on vectors of any kind; `Which` tells apart what is otherwise one type's.
pub(super) trait Work<Which> {
    /// # Safety
    /// The processor has T's instructions, and what the work's own fields ask for holds.
    unsafe fn run<T: Vector>(self);
}

/// Does it with the widest vectors of this processor.
///
/// # Safety
/// What the work asks for holds.
pub(super) unsafe fn dispatch<Which, W: Work<Which>>(work: W) {
    unsafe {
        match Instructions::best() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => work_avx512(work),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => work_avx2(work),
            Instructions::Plain => work.run::<vector::Plain>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn work_avx512<Which, W: Work<Which>>(work: W) {
    unsafe { work.run::<vector::Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn work_avx2<Which, W: Work<Which>>(work: W) {
    unsafe { work.run::<vector::Avx2>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn run_avx512(job: &Job<'_>) {
    unsafe { block::run::<vector::Avx512, 12, 1, 2>(job) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2(job: &Job<'_>) {
    unsafe { block::run::<vector::Avx2, 6, 1, 2>(job) }
}

/// Where the columns of a matrix lie when it is cut into panels: whole ones side by side, the last of half the width where
/// that is enough, its columns beyond the matrix zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panels {
    pub rows: usize,
    pub columns: usize,
    instructions: Instructions,
}

/// What happens to a product on its way out.
#[derive(Clone, Copy, Default)]
pub(crate) struct Finish<'a> {
    /// Adds to what the target holds.
    pub add: bool,
    /// A value for each column of the whole matrix.
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
}

impl Panels {
    pub fn new(rows: usize, columns: usize) -> Self {
        Self::with(Instructions::best(), rows, columns)
    }

    pub fn with(instructions: Instructions, rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            instructions,
        }
    }

    pub fn count(&self) -> usize {
        self.columns.div_ceil(self.instructions.width())
    }

    /// Columns of whole panels.
    pub fn width(&self) -> usize {
        self.instructions.width()
    }

    /// Floats of all panels.
    pub fn len(&self) -> usize {
        self.rows * ((self.count().saturating_sub(1)) * self.width() + self.last())
    }

    /// The width of the last panel.
    fn last(&self) -> usize {
        let (rest, half) = (self.columns % self.width(), self.width() / 2);
        if rest > 0 && rest <= half {
            half
        } else {
            self.width()
        }
    }

    /// A panel's distance between rows.
    pub fn stride(&self, panel: usize) -> usize {
        if panel + 1 == self.count() {
            self.last()
        } else {
            self.width()
        }
    }

    /// Columns of the matrix in a panel.
    pub fn filled(&self, panel: usize) -> usize {
        (self.columns - panel * self.width()).min(self.width())
    }

    /// Where a panel begins.
    pub fn start(&self, panel: usize) -> usize {
        panel * self.width() * self.rows
    }

    /// Where a column's first value lies, and how far it is from one row to the next.
    pub fn column(&self, column: usize) -> (usize, usize) {
        let panel = column / self.width();
        (
            self.start(panel) + column % self.width(),
            self.stride(panel),
        )
    }

    /// A run over `depth` rows of the matrix from `row` on, for a left side that begins at `lhs`.
    pub fn run(&self, panel: usize, lhs: isize, row: usize, depth: usize) -> Run {
        Run {
            lhs,
            rhs: row * self.stride(panel),
            depth,
        }
    }

    /// out = the sum over the runs of lhs times the panel's values; `out` is the place of the first row's column 0. `lhs`
    /// has `rows` rows, `lhs_stride` floats apart.
    ///
    /// # Safety
    /// `values` is laid out by these panels; the runs lie within them, and both matrices within their allocations; nothing
    /// else touches the panel's columns of the target meanwhile.
    pub unsafe fn multiply(
        &self,
        values: &[f32],
        (panel, runs): (usize, &[Run]),
        rows: usize,
        (lhs, lhs_stride): (*const f32, usize),
        (out, out_stride): (*mut f32, usize),
        finish: Finish<'_>,
    ) {
        let first = panel * self.width();
        let bias = finish
            .bias
            .map_or(std::ptr::null(), |b| b[first..].as_ptr());
        self.instructions.run(&Job {
            rows,
            lhs,
            runs,
            lhs_stride,
            transposed: false,
            rhs: values[self.start(panel)..].as_ptr(),
            narrow: self.stride(panel) < self.width(),
            out: out.wrapping_add(first),
            out_stride,
            columns: self.filled(panel),
            add: finish.add,
            bias,
            relu: finish.relu,
        });
    }

    /// Adds lhs' rhs to rows `first ..` of the matrix `out`, laid out in panels: for `depth` rows of `lhs` (each
    /// `columns` values) and of `rhs` (each the matrix's columns).
    ///
    /// # Safety
    /// As [`Panels::multiply`], of the rows that are written.
    pub unsafe fn add_transposed(
        &self,
        depth: usize,
        (lhs, lhs_stride, columns): (*const f32, usize, usize),
        (rhs, rhs_stride): (*const f32, usize),
        (out, first): (*mut f32, usize),
        scratch: &mut Vec<f32>,
    ) {
        for panel in 0..self.count() {
            let (stride, filled) = (self.stride(panel), self.filled(panel));
            scratch.clear();
            scratch.resize(depth * stride, 0.0);
            for (row, to) in scratch.chunks_exact_mut(stride).enumerate() {
                let from = rhs.wrapping_add(row * rhs_stride + panel * self.width());
                unsafe { to.as_mut_ptr().copy_from_nonoverlapping(from, filled) };
            }
            unsafe {
                let lhs = (lhs, lhs_stride, columns);
                self.add_transposed_panel(panel, depth, lhs, scratch.as_ptr(), (out, first));
            }
        }
    }

    /// The same for the columns of one panel; `rhs` has rows as wide as the panel, one after another.
    ///
    /// # Safety
    /// As [`Panels::add_transposed`].
    pub unsafe fn add_transposed_panel(
        &self,
        panel: usize,
        depth: usize,
        (lhs, lhs_stride, columns): (*const f32, usize, usize),
        rhs: *const f32,
        (out, first): (*mut f32, usize),
    ) {
        let stride = self.stride(panel);
        self.instructions.run(&Job {
            rows: columns,
            lhs,
            runs: &[self.run(panel, 0, 0, depth)],
            lhs_stride,
            transposed: true,
            rhs,
            narrow: stride < self.width(),
            out: out.wrapping_add(self.start(panel) + first * stride),
            out_stride: stride,
            columns: stride,
            add: true,
            bias: std::ptr::null(),
            relu: false,
        });
    }
}
