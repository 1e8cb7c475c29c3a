//! Partial least squares of one target at a time (PLS1).
//!
//! The recurrences are those of Dayal and MacGregor (1997, "Improved PLS algorithms"), which deflate
//! the covariances `Z'y` in place of the data and give the coefficients of NIPALS.

use faer::Mat;

use crate::basis::Basis;
use crate::tridiagonal::{LANES, Lane, dot, lanes};

/// Up to `LANES` targets on their way through the components; vectors are coordinates of the basis.
struct Block {
    /// Deflated covariances.
    left: Vec<Lane>,
    /// What a weight loses along each earlier component: the metric of its loading.
    loadings: Vec<Vec<Lane>>,
    /// Direction whose product with the features is each component's score.
    rotations: Vec<Vec<Lane>>,
    coefficients: Vec<Lane>,
    /// Length of the first weight: below rounding of it there is nothing more to explain.
    first: Lane,
}

impl Block {
    fn new(basis: &Basis<'_>, left: Vec<Lane>) -> Self {
        Self {
            first: dot(&left, &basis.metric(&left)),
            coefficients: vec![[0.0; LANES]; left.len()],
            loadings: Vec::new(),
            rotations: Vec::new(),
            left,
        }
    }

    fn next_component(&mut self, basis: &Basis<'_>) {
        let squares = dot(&self.left, &basis.metric(&self.left));
        let scale: Lane = std::array::from_fn(|l| {
            if squares[l] > self.first[l] * 1e-24 {
                1.0 / squares[l].sqrt()
            } else {
                0.0
            }
        });
        let mut rotation = self.left.clone();
        each(&mut rotation, |lane, l| lane[l] *= scale[l]);
        let weight = rotation.clone();
        for (loading, earlier) in self.loadings.iter().zip(&self.rotations) {
            let share = dot(loading, &weight);
            for (r, e) in rotation.iter_mut().zip(earlier) {
                for l in 0..LANES {
                    r[l] -= share[l] * e[l];
                }
            }
        }
        // Z'Z r, the squared length of the score Z r, and the target's share of it.
        let image = basis.t.multiply(&rotation);
        let measure = basis.metric(&rotation);
        let length = dot(&measure, &image);
        let covariance = dot(&measure, &self.left);
        let inverse: Lane = std::array::from_fn(|l| {
            if length[l] > 0.0 && scale[l] > 0.0 {
                1.0 / length[l]
            } else {
                0.0
            }
        });
        for i in 0..rotation.len() {
            for l in 0..LANES {
                let share = covariance[l] * inverse[l];
                self.coefficients[i][l] += rotation[i][l] * share;
                self.left[i][l] -= image[i][l] * share;
            }
        }
        let mut loading = basis.metric(&image);
        each(&mut loading, |lane, l| lane[l] *= inverse[l]);
        self.loadings.push(loading);
        self.rotations.push(rotation);
    }
}

fn each(v: &mut [Lane], change: impl Fn(&mut Lane, usize)) {
    for lane in v {
        for l in 0..LANES {
            change(lane, l);
        }
    }
}

/// Calls `visit` with the coordinates (size x m) of the fits of 1, 2, … `most` components of each
/// column of `covariances`. Where components run out the last fit stays.
pub(crate) fn components(
    basis: &Basis<'_>,
    covariances: &Mat<f64>,
    most: usize,
    visit: &mut dyn FnMut(usize, Mat<f64>),
) {
    let (size, m) = (covariances.nrows(), covariances.ncols());
    let mut blocks: Vec<Block> = (0..m)
        .step_by(LANES)
        .map(|first| Block::new(basis, lanes(covariances, first)))
        .collect();
    for k in 0..most {
        for block in &mut blocks {
            block.next_component(basis);
        }
        let w = Mat::from_fn(size, m, |i, t| blocks[t / LANES].coefficients[i][t % LANES]);
        visit(k, w);
    }
}
