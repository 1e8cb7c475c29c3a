//! The features of a training fold in coordinates where ridge and partial least squares are cheap.
//!
//! With `Z` (n x p) of standardised features, the smaller Gram matrix is made tridiagonal: `Z'Z` if
//! p <= n, else `Z Z'`. A coefficient vector `b` is then kept as `w` with `b = Q w` or `b = Z'Q w`;
//! in both cases `Z'Z` acts on `w` as `T`. All targets, permutations, penalties and components share
//! this one decomposition.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{Accum, Mat, MatRef, Par};

use crate::tridiagonal::{LANES, Lane, Tridiagonal, lanes};

/// Penalties tried: n times 1e-6 to 1e4, three per decade. As standardised features have squared
/// norm n, this is from nearly none to a constant prediction.
pub(crate) const PENALTIES: usize = 31;

pub(crate) fn penalty(step: usize, n: usize) -> f64 {
    n as f64 * 10_f64.powf(step as f64 / 3.0 - 6.0)
}

pub(crate) struct Basis<'a> {
    z: MatRef<'a, f64>,
    /// Whether coordinates are of rows (`b = Z'Q w`) rather than of features (`b = Q w`).
    rows: bool,
    pub t: Tridiagonal,
}

/// `Z'Z` where it is not larger than `Z Z'`, which is given otherwise; its lower triangle alone.
pub(crate) fn smaller_gram(z: MatRef<'_, f64>) -> Mat<f64> {
    let (n, p) = (z.nrows(), z.ncols());
    let (left, right) = if p <= n {
        (z.transpose(), z)
    } else {
        (z, z.transpose())
    };
    let mut gram = Mat::zeros(n.min(p), n.min(p));
    matmul(
        gram.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Replace,
        left,
        BlockStructure::Rectangular,
        right,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
    gram
}

impl<'a> Basis<'a> {
    /// Takes standardised features, n x p, both at least 1.
    pub fn new(z: MatRef<'a, f64>) -> Self {
        let rows = z.ncols() > z.nrows();
        let gram = smaller_gram(z);
        Self {
            z,
            rows,
            t: Tridiagonal::new(gram),
        }
    }

    pub fn n(&self) -> usize {
        self.z.nrows()
    }

    /// `Z'y` of centred targets n x m, in coordinates.
    pub fn covariances(&self, centred: &Mat<f64>) -> Mat<f64> {
        let mut c = if self.rows {
            centred.clone()
        } else {
            self.z.transpose() * centred
        };
        self.t.rotate(c.as_mut());
        c
    }

    /// New rows of standardised features so that their predictions are a product with `w`.
    pub fn project(&self, new: &Mat<f64>) -> Mat<f64> {
        let mut projected = if self.rows {
            self.z * new.transpose()
        } else {
            new.transpose().to_owned()
        };
        self.t.rotate(projected.as_mut());
        projected.transpose().to_owned()
    }

    /// Coefficients of the standardised features, p x m.
    pub fn coefficients(&self, w: &Mat<f64>) -> Mat<f64> {
        let mut b = w.clone();
        self.t.rotate_back(b.as_mut());
        if self.rows { self.z.transpose() * b } else { b }
    }

    /// Predictions of new rows, less the mean, from coordinates size x m.
    pub fn predict(&self, new: &Mat<f64>, w: &Mat<f64>) -> Mat<f64> {
        if w.ncols() > new.nrows() {
            self.project(new) * w
        } else {
            new * self.coefficients(w)
        }
    }

    /// What takes `v` to the vector whose plain product with `u` is the product of the coefficients
    /// that `u` and `v` stand for: themselves, or `T v` in coordinates of rows.
    pub fn metric(&self, v: &[Lane]) -> Vec<Lane> {
        if self.rows {
            self.t.multiply(v)
        } else {
            v.to_vec()
        }
    }

    /// n less the effective number of parameters (intercept included) of a ridge fit.
    pub fn free(&self, penalty: f64) -> f64 {
        penalty * self.t.inverse_trace(penalty) + self.n() as f64 - 1.0 - self.t.size() as f64
    }

    /// Ridge coordinates of each column of `c` (from [`Self::covariances`]) with its own penalty.
    pub fn ridge(&self, c: &Mat<f64>, steps: &[usize]) -> Mat<f64> {
        let mut w = Mat::zeros(c.nrows(), c.ncols());
        let mut used = steps.to_vec();
        used.sort_unstable();
        used.dedup();
        for step in used {
            let shifted = self.t.shifted(penalty(step, self.n()));
            let columns: Vec<usize> = (0..steps.len()).filter(|&t| steps[t] == step).collect();
            for chunk in columns.chunks(LANES) {
                let mut side = vec![[0.0; LANES]; c.nrows()];
                for (l, &t) in chunk.iter().enumerate() {
                    for (lane, &value) in side.iter_mut().zip(c.col(t).iter()) {
                        lane[l] = value;
                    }
                }
                let mut solved = side.clone();
                shifted.solve(&side, &mut solved);
                for (l, &t) in chunk.iter().enumerate() {
                    for (value, lane) in w.col_mut(t).iter_mut().zip(&solved) {
                        *value = lane[l];
                    }
                }
            }
        }
        w
    }

    /// The penalty of each column that minimises generalised cross-validation,
    /// `n SS_res / (n - df)²` (Golub, Heath, Wahba 1979). `squares` are |y|² of centred targets.
    pub fn generalised_cross_validation(&self, c: &Mat<f64>, squares: &[f64]) -> Vec<usize> {
        let n = self.n();
        let steps: Vec<_> = (0..PENALTIES)
            .map(|step| {
                let alpha = penalty(step, n);
                (alpha, self.t.shifted(alpha), self.free(alpha))
            })
            .collect();
        let mut chosen = Vec::with_capacity(squares.len());
        let mut w = vec![[0.0; LANES]; c.nrows()];
        for (block, squares) in squares.chunks(LANES).enumerate() {
            let side = lanes(c, block * LANES);
            let mut best = [(f64::INFINITY, PENALTIES - 1); LANES];
            // From strong to weak: of equals the stronger penalty wins.
            for (step, (alpha, shifted, free)) in steps.iter().enumerate().rev() {
                let (own, cross) = shifted.quadratics(&side, &mut w);
                for (l, square) in squares.iter().enumerate() {
                    // |y - Z b|² from (Z'Z + a) b = Z'y; in coordinates of rows from
                    // y - Z b = a w.
                    let residual = if self.rows {
                        alpha * alpha * own[l]
                    } else {
                        (square - cross[l] - alpha * own[l]).max(0.0)
                    };
                    let criterion = residual / (free * free);
                    if criterion < best[l].0 {
                        best[l] = (criterion, step);
                    }
                }
            }
            chosen.extend(best.iter().take(squares.len()).map(|best| best.1));
        }
        chosen
    }
}

/// Takes the mean off each column; returns the means.
pub(crate) fn centre(y: &mut Mat<f64>) -> Vec<f64> {
    let n = y.nrows() as f64;
    y.col_iter_mut()
        .map(|mut column| {
            let mean = column.rb().iter().sum::<f64>() / n;
            column.rb_mut().iter_mut().for_each(|value| *value -= mean);
            mean
        })
        .collect()
}
