//! The innermost loop: a block of the product whose sums stay in registers.

use super::vector::Vector;

/// `depth` columns of the left side and as many rows of a panel, as distances from where each begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub lhs: isize,
    pub rhs: usize,
    pub depth: usize,
}

/// A product of a matrix with one panel, and where it goes.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub rows: usize,
    pub lhs: *const f32,
    /// What is multiplied, one after another.
    pub runs: &'a [Run],
    /// From one row to the next; where transposed, from one column to the next.
    pub lhs_stride: usize,
    /// The value of row i, column j is `stride j + i`, not `stride i + j`.
    pub transposed: bool,
    /// The panel.
    pub rhs: *const f32,
    /// The panel is half as wide as a whole one.
    pub narrow: bool,
    pub out: *mut f32,
    pub out_stride: usize,
    /// How many of the panel's columns are wanted.
    pub columns: usize,
    /// Adds to what is there.
    pub add: bool,
    /// Added to every row where it is not null.
    pub bias: *const f32,
    pub relu: bool,
}

/// Runs a job in blocks of at most M rows; 2 V vectors make a whole panel.
///
/// # Safety
/// Every pointer of the job is good for its lengths, and the processor has T's instructions.
#[inline(always)]
pub(super) unsafe fn run<T: Vector, const M: usize, const V: usize, const W: usize>(job: &Job<'_>) {
    const {
        assert!(W == 2 * V && M <= 12);
    }
    // Blocks as even as can be: a block of few rows cannot hide the latency of its sums.
    let blocks = job.rows.div_ceil(M);
    let mut done = 0;
    for block in 0..blocks {
        let rows = (job.rows - done).div_ceil(blocks - block);
        let mut part = *job;
        let step = if job.transposed { 1 } else { job.lhs_stride };
        unsafe {
            part.lhs = job.lhs.add(done * step);
            part.out = job.out.add(done * job.out_stride);
            macro_rules! of {
                ($($m:literal)*) => {
                    match (rows, job.narrow, job.transposed) {
                        $(($m, false, false) if $m <= M => sum::<T, $m, W, false>(&part),
                        ($m, false, true) if $m <= M => sum::<T, $m, W, true>(&part),
                        ($m, true, false) if $m <= M => sum::<T, $m, V, false>(&part),
                        ($m, true, true) if $m <= M => sum::<T, $m, V, true>(&part),)*
                        _ => unreachable!("at most M rows"),
                    }
                };
            }
            of!(1 2 3 4 5 6 7 8 9 10 11 12);
        }
        done += rows;
    }
}

/// Products that are summed before they are added to the total: rounding errors grow with the root of this number and of
/// the number of parts, not with that of all of them.
const PART: usize = 256;

/// M rows of V vectors.
#[inline(always)]
unsafe fn sum<T: Vector, const M: usize, const V: usize, const TRANSPOSED: bool>(job: &Job<'_>) {
    unsafe {
        let mut totals = [[T::splat(0.0); V]; M];
        let mut sums = totals;
        let stride = job.lhs_stride;
        let mut summed = 0;
        for run in job.runs {
            let mut done = 0;
            while done < run.depth {
                let part = (run.depth - done).min(PART - summed);
                let mut rhs = job.rhs.add(run.rhs + done * V * T::LANES);
                // Three rows a pointer: the processor's addresses reach twice the stride, and twelve pointers would not
                // fit.
                let mut lhs: [*const f32; 4] = std::array::from_fn(|i| {
                    let row = if TRANSPOSED { 0 } else { 3 * i * stride };
                    let column = if TRANSPOSED { done * stride } else { done };
                    job.lhs.wrapping_offset(run.lhs).wrapping_add(row + column)
                });
                // A copy whose address nobody takes: sums that are also added to totals below would be stored at each step.
                let mut block = sums;
                for _ in 0..part {
                    let mut right = [T::splat(0.0); V];
                    for (v, r) in right.iter_mut().enumerate() {
                        *r = T::load(rhs.add(v * T::LANES));
                    }
                    for (m, sums) in block.iter_mut().enumerate() {
                        let left = T::splat(if TRANSPOSED {
                            *lhs[0].add(m)
                        } else {
                            *lhs[m / 3].add(m % 3 * stride)
                        });
                        for (s, r) in sums.iter_mut().zip(&right) {
                            *s = left.mul_add(*r, *s);
                        }
                    }
                    rhs = rhs.add(V * T::LANES);
                    let step = if TRANSPOSED { stride } else { 1 };
                    lhs = lhs.map(|l| l.wrapping_add(step));
                }
                sums = block;
                done += part;
                summed += part;
                if summed == PART {
                    summed = 0;
                    for (totals, sums) in totals.iter_mut().zip(&mut sums) {
                        for (t, s) in totals.iter_mut().zip(sums) {
                            (*t, *s) = (t.add(*s), T::splat(0.0));
                        }
                    }
                }
            }
        }
        for (totals, sums) in totals.iter().zip(&mut sums) {
            for (t, s) in totals.iter().zip(sums) {
                *s = s.add(*t);
            }
        }
        let zero = T::splat(0.0);
        for (m, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                let (first, mut sum) = (v * T::LANES, *sum);
                if first >= job.columns {
                    break;
                }
                let count = (job.columns - first).min(T::LANES);
                let out = job.out.add(m * job.out_stride + first);
                let whole = count == T::LANES;
                if !job.bias.is_null() {
                    let bias = job.bias.add(first);
                    sum = sum.add(if whole {
                        T::load(bias)
                    } else {
                        T::load_first(bias, count)
                    });
                }
                if job.add {
                    sum = sum.add(if whole {
                        T::load(out)
                    } else {
                        T::load_first(out, count)
                    });
                }
                if job.relu {
                    sum = sum.max(zero);
                }
                if whole {
                    sum.store(out);
                } else {
                    sum.store_first(out, count);
                }
            }
        }
    }
}
