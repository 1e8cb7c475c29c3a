//! A symmetric matrix as `A = Q T Q'` with `T` tridiagonal, by Householder reflections.
//!
//! For ridge regression over many penalties this replaces the eigenvalue decomposition, at a fifth
//! of its cost: `(T + a I) w = c` is solved in a time that grows with the size of `T` only, and so is
//! the trace of the inverse (Elden 1984, "A note on the computation of the generalized
//! cross-validation function for ill-conditioned least squares problems").

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as back_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
    apply_block_householder_sequence_transpose_on_the_left_in_place_scratch as scratch,
    apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj as apply_transpose,
};
use faer::{Conj, Mat, MatMut, Par, Spec};

/// Reflections applied at once.
const BLOCK: usize = 32;

/// Columns solved at once, so that the recurrences run side by side.
pub(crate) const LANES: usize = 8;

/// Row i of `LANES` columns.
pub(crate) type Lane = [f64; LANES];

pub(crate) struct Tridiagonal {
    pub diagonal: Vec<f64>,
    /// One fewer than the diagonal.
    pub off_diagonal: Vec<f64>,
    reflectors: Mat<f64>,
    coefficients: Mat<f64>,
}

impl Tridiagonal {
    /// Reads the lower triangle of `a` and uses it up; `a` has at least one row.
    pub fn new(mut a: Mat<f64>) -> Self {
        let size = a.nrows();
        let block = BLOCK.min(size);
        let mut coefficients = Mat::zeros(block, size - 1);
        let spec = Spec::default();
        tridiag_in_place(
            a.as_mut(),
            coefficients.as_mut(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(tridiag_in_place_scratch::<f64>(
                size,
                Par::Seq,
                spec,
            ))),
            spec,
        );
        Self {
            diagonal: (0..size).map(|i| a[(i, i)]).collect(),
            off_diagonal: (1..size).map(|i| a[(i, i - 1)]).collect(),
            reflectors: a,
            coefficients,
        }
    }

    pub fn size(&self) -> usize {
        self.diagonal.len()
    }

    /// Replaces `m` by `Q' m`.
    pub fn rotate(&self, m: MatMut<'_, f64>) {
        let tail = self.size() - 1;
        let columns = m.ncols();
        if tail == 0 {
            return;
        }
        let memory = scratch::<f64>(tail, self.coefficients.nrows(), columns);
        apply_transpose(
            self.reflectors.submatrix(1, 0, tail, tail),
            self.coefficients.as_ref(),
            Conj::No,
            m.subrows_mut(1, tail),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(memory)),
        );
    }

    /// Replaces `m` by `Q m`.
    pub fn rotate_back(&self, m: MatMut<'_, f64>) {
        let tail = self.size() - 1;
        let columns = m.ncols();
        if tail == 0 {
            return;
        }
        let memory = back_scratch::<f64>(tail, self.coefficients.nrows(), columns);
        apply(
            self.reflectors.submatrix(1, 0, tail, tail),
            self.coefficients.as_ref(),
            Conj::No,
            m.subrows_mut(1, tail),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(memory)),
        );
    }

    /// `T + shift I = L D L'`, for a positive semidefinite `A` and a shift above 0.
    pub fn shifted(&self, shift: f64) -> Shifted {
        let size = self.size();
        let mut inverse_pivots = Vec::with_capacity(size);
        let mut multipliers = Vec::with_capacity(size);
        let mut previous = 0.0;
        for i in 0..size {
            // Rounding may not take a pivot below the shift, where exact arithmetic cannot.
            let pivot = (self.diagonal[i] + shift - previous).max(shift);
            inverse_pivots.push(1.0 / pivot);
            if i + 1 < size {
                let multiplier = self.off_diagonal[i] / pivot;
                previous = multiplier * self.off_diagonal[i];
                multipliers.push(multiplier);
            }
        }
        Shifted {
            inverse_pivots,
            multipliers,
        }
    }

    /// Trace of `(A + shift I)⁻¹`: the diagonal of a tridiagonal matrix's inverse follows from the
    /// pivots of both directions, `1 / (down(i) + up(i) - t(i,i))`.
    pub fn inverse_trace(&self, shift: f64) -> f64 {
        let size = self.size();
        let mut down = Vec::with_capacity(size);
        let mut previous = 0.0;
        for (i, &value) in self.diagonal.iter().enumerate() {
            let pivot = (value + shift - previous).max(shift);
            previous = self
                .off_diagonal
                .get(i)
                .map_or(0.0, |off| off * off / pivot);
            down.push(pivot);
        }
        let mut trace = 0.0;
        let mut below = 0.0;
        for i in (0..size).rev() {
            let up = (self.diagonal[i] + shift - below).max(shift);
            trace += 1.0 / (down[i] - below).max(shift);
            if i > 0 {
                below = self.off_diagonal[i - 1].powi(2) / up;
            }
        }
        trace
    }

    /// `T v` of `LANES` columns.
    pub fn multiply(&self, v: &[Lane]) -> Vec<Lane> {
        let size = self.size();
        let mut out = vec![[0.0; LANES]; size];
        for i in 0..size {
            for l in 0..LANES {
                let mut sum = self.diagonal[i] * v[i][l];
                if i > 0 {
                    sum += self.off_diagonal[i - 1] * v[i - 1][l];
                }
                if i + 1 < size {
                    sum += self.off_diagonal[i] * v[i + 1][l];
                }
                out[i][l] = sum;
            }
        }
        out
    }
}

/// `T + shift I` ready to solve.
pub(crate) struct Shifted {
    inverse_pivots: Vec<f64>,
    multipliers: Vec<f64>,
}

impl Shifted {
    /// Writes `(T + shift I)⁻¹ c` of `LANES` columns to `w`.
    pub fn solve(&self, c: &[Lane], w: &mut [Lane]) {
        let mut above = [0.0; LANES];
        for (i, (c, w)) in c.iter().zip(w.iter_mut()).enumerate() {
            let multiplier = if i > 0 { self.multipliers[i - 1] } else { 0.0 };
            for l in 0..LANES {
                above[l] = c[l] - multiplier * above[l];
            }
            *w = above;
        }
        let mut below = [0.0; LANES];
        for (i, w) in w.iter_mut().enumerate().rev() {
            let multiplier = self.multipliers.get(i).copied().unwrap_or(0.0);
            for l in 0..LANES {
                below[l] = w[l] * self.inverse_pivots[i] - multiplier * below[l];
            }
            *w = below;
        }
    }

    /// `w'w` and `c'w` of `w = (T + shift I)⁻¹ c`, for each lane; `store` is overwritten.
    pub fn quadratics(&self, c: &[Lane], store: &mut [Lane]) -> (Lane, Lane) {
        let mut above = [0.0; LANES];
        let mut cross = [0.0; LANES];
        for (i, (c, store)) in c.iter().zip(store.iter_mut()).enumerate() {
            let multiplier = if i > 0 { self.multipliers[i - 1] } else { 0.0 };
            for l in 0..LANES {
                above[l] = c[l] - multiplier * above[l];
                store[l] = above[l] * self.inverse_pivots[i];
                cross[l] += above[l] * store[l];
            }
        }
        let mut below = [0.0; LANES];
        let mut own = [0.0; LANES];
        for (i, store) in store.iter().enumerate().rev() {
            let multiplier = self.multipliers.get(i).copied().unwrap_or(0.0);
            for l in 0..LANES {
                below[l] = store[l] - multiplier * below[l];
                own[l] += below[l] * below[l];
            }
        }
        (own, cross)
    }
}

/// Columns `first..` of `m`, at most `LANES` of them, side by side; zeros beyond the last.
pub(crate) fn lanes(m: &Mat<f64>, first: usize) -> Vec<Lane> {
    let mut out = vec![[0.0; LANES]; m.nrows()];
    for l in 0..LANES.min(m.ncols() - first) {
        for (lane, &value) in out.iter_mut().zip(m.col(first + l).iter()) {
            lane[l] = value;
        }
    }
    out
}

/// Sum over the rows of the product of two columns, for each lane.
pub(crate) fn dot(a: &[Lane], b: &[Lane]) -> Lane {
    let mut sum = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for l in 0..LANES {
            sum[l] += a[l] * b[l];
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_solution_and_trace() {
        for size in [1, 2, 3, 70] {
            let value = |k: usize| ((k * 7919 + 13) % 1009) as f64 / 1009.0 - 0.5;
            let half = Mat::from_fn(size, size + 2, |i, j| value(i * 77 + j * j + 3 * i * i));
            let a = &half * half.transpose();
            let c = Mat::from_fn(size, 3, |i, j| value(31 * i + 7 * j + 5));
            let t = Tridiagonal::new(a.clone());
            let mut rotated = c.clone();
            t.rotate(rotated.as_mut());
            let columns = lanes(&rotated, 0);
            let mut solved = columns.clone();
            t.shifted(0.3).solve(&columns, &mut solved);
            let (own, cross) = t.shifted(0.3).quadratics(&columns, &mut columns.clone());
            for l in 0..LANES {
                assert!((own[l] - dot(&solved, &solved)[l]).abs() <= 1e-12 * own[l]);
                assert!((cross[l] - dot(&solved, &columns)[l]).abs() <= 1e-12 * own[l].max(1.0));
            }
            let mut w = Mat::from_fn(size, 3, |i, j| solved[i][j]);
            t.rotate_back(w.as_mut());
            let back = &a * &w + faer::Scale(0.3) * &w - &c;
            assert!(back.norm_max() < 1e-11, "size {size}: {}", back.norm_max());

            let mut product = Mat::from_fn(size, 3, |i, j| t.multiply(&columns)[i][j]);
            t.rotate_back(product.as_mut());
            assert!((&product - &a * &c).norm_max() < 1e-11);

            let unit = Mat::<f64>::identity(size, size);
            let mut inverse_trace = 0.0;
            for first in (0..size).step_by(LANES) {
                let columns = lanes(&unit, first);
                let mut solved = columns.clone();
                t.shifted(0.3).solve(&columns, &mut solved);
                inverse_trace += dot(&columns, &solved).iter().sum::<f64>();
            }
            assert!((t.inverse_trace(0.3) - inverse_trace).abs() < 1e-10 * inverse_trace);
        }
    }
}
