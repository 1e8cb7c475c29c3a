//! The lasso by coordinate descent on covariances (Friedman, Hastie, Tibshirani 2010).

use faer::Mat;

/// Sweeps over the coordinates before a fit is given up.
const SWEEPS: usize = 10_000;

/// Penalties tried in a cross-validation, times the standard deviation of the target: 1 (which
/// leaves nothing, as no standardised feature covaries more) to 1e-2, six per decade.
pub(crate) const SHARES: usize = 13;

pub(crate) fn share(step: usize) -> f64 {
    10_f64.powf(-(step as f64) / 6.0)
}

/// Covariances of centred features and one centred target.
pub(crate) struct Problem<'a> {
    /// `Z'Z / n`, p x p.
    pub gram: &'a Mat<f64>,
    /// `Z'y / n`.
    pub covariances: &'a [f64],
    /// `|y|² / n`.
    pub variance: f64,
}

impl Problem<'_> {
    /// Minimises `|y - Z b|² / (2 n) + penalty |b|₁` from `b` on, until the duality gap is below
    /// `tolerance` times `|y|² / n`. Features without variance keep coefficient 0.
    ///
    /// Returns whether that gap was reached.
    pub fn descend(&self, penalty: f64, tolerance: f64, b: &mut [f64]) -> bool {
        let p = b.len();
        // Z'(y - Z b) / n.
        let mut gradient = self.covariances.to_vec();
        for (j, &value) in b.iter().enumerate() {
            if value != 0.0 {
                subtract(&mut gradient, self.gram.col_as_slice(j), value);
            }
        }
        for sweep in 0..SWEEPS {
            // Every fifth sweep goes over all features, the others over those in use.
            let all = sweep % 5 == 0;
            let mut moved = false;
            for j in 0..p {
                let own = self.gram[(j, j)];
                if own <= 0.0 || !(all || b[j] != 0.0) {
                    continue;
                }
                let target = gradient[j] + own * b[j];
                let next = target.signum() * (target.abs() - penalty).max(0.0) / own;
                if next != b[j] {
                    subtract(&mut gradient, self.gram.col_as_slice(j), next - b[j]);
                    b[j] = next;
                    moved = true;
                }
            }
            if (all || !moved) && self.gap(penalty, b, &gradient) <= tolerance * self.variance {
                return true;
            }
        }
        false
    }

    /// Duality gap, divided by n.
    fn gap(&self, penalty: f64, b: &[f64], gradient: &[f64]) -> f64 {
        let steepest = gradient.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
        let length: f64 = b.iter().map(|b| b.abs()).sum();
        let (mut fitted, mut residual) = (0.0, self.variance);
        for ((b, c), g) in b.iter().zip(self.covariances).zip(gradient) {
            fitted += b * c;
            residual -= b * (c + g);
        }
        let residual = residual.max(0.0);
        // The residual, shrunk until no feature covaries with it by more than the penalty, is a
        // point of the dual.
        let shrink = if steepest > penalty {
            penalty / steepest
        } else {
            1.0
        };
        let with_target = self.variance - fitted;
        0.5 * residual * (1.0 + shrink * shrink) + penalty * length - shrink * with_target
    }
}

fn subtract(gradient: &mut [f64], column: &[f64], factor: f64) {
    for (g, c) in gradient.iter_mut().zip(column) {
        *g -= c * factor;
    }
}
