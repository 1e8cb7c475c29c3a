//! Whether groups differ in several columns at once.
//!
//! Anderson, *A new method for non-parametric multivariate analysis of variance*, Austral Ecology 26(1), 2001, with Euclidean
//! distances, for which the sums of squared distances are those around the groups' means.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::permutation::{p_value, permuted_rows};
use crate::standardise::Scaling;
use crate::{Error, Matrix};

/// How much of the variance lies between groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Permanova {
    /// Rows.
    pub n: usize,
    /// Groups.
    pub groups: usize,
    /// Pseudo-F: variance between groups by that within them.
    pub f: f64,
    /// Share of the variance that lies between groups.
    pub r2: f64,
    /// The share that groups drawn at random have in the mean.
    pub r2_null: f64,
    /// Share of permutations, the observed one among them, that are at least as far apart.
    pub p_value: f64,
}

/// Compares groups of rows over all columns together, each scaled to a standard deviation of 1 (a constant one drops out).
/// `groups` are numbered from 0; rows change places `permutations` times.
///
/// ```
/// use spolia_stats::{Matrix, permanova};
/// let x = Matrix::new(6, 1, vec![1.0, 2.0, 3.0, 2.0, 3.0, 4.0])?;
/// let found = permanova(&x, &[0, 0, 0, 1, 1, 1], 99, 7)?;
/// assert!((found.f - 1.5).abs() < 1e-12); // as in an analysis of variance: 1.5 / 1 by 4 / 4
/// # Ok::<(), spolia_stats::Error>(())
/// ```
///
/// # Errors
/// Fewer than two groups, no more rows than groups, or another number of groups' rows than of `x`'s; values that are not finite.
pub fn permanova(
    x: &Matrix,
    groups: &[usize],
    permutations: usize,
    seed: u64,
) -> Result<Permanova, Error> {
    let (n, columns) = (x.rows(), x.cols());
    if groups.len() != n {
        return Err(Error::Rows {
            what: "the groups",
            expected: n,
            got: groups.len(),
        });
    }
    x.check_finite("the columns compared")?;
    let count = groups.iter().max().map_or(0, |most| most + 1);
    let present = (0..count).filter(|g| groups.contains(g)).count();
    for (what, needed, got) in [
        ("groups to compare", 2, present),
        ("rows of the groups compared", present + 1, n),
    ] {
        if got < needed {
            return Err(Error::TooFew { what, needed, got });
        }
    }
    let rows: Vec<usize> = (0..n).collect();
    let scaling = Scaling::new(x, &rows);
    let scaled: Vec<f64> = rows
        .iter()
        .flat_map(|&i| {
            let own = x.row(i).iter().enumerate();
            own.map(|(j, v)| (v - scaling.means[j]) * scaling.inverse_scales[j])
        })
        .collect();
    let total: f64 = scaled.iter().map(|v| v * v).sum();
    // Column means are 0: what lies between groups is the sum of squares of their means.
    let between = |from: &[usize]| -> f64 {
        let (mut sums, mut sizes) = (vec![0.0; count * columns], vec![0.0; count]);
        for (&group, &row) in groups.iter().zip(from) {
            sizes[group] += 1.0;
            for j in 0..columns {
                sums[group * columns + j] += scaled[row * columns + j];
            }
        }
        let own = sums.chunks_exact(columns.max(1)).zip(&sizes);
        own.filter(|(_, size)| **size > 0.0)
            .map(|(sums, size)| sums.iter().map(|s| s * s).sum::<f64>() / size)
            .sum()
    };
    let observed = between(&rows);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let permuted = (0..permutations).map(|_| between(&permuted_rows(&rows, &mut rng)));
    let p_value = p_value(observed, permuted.collect::<Vec<_>>());
    let share = |sum: f64| if total > 0.0 { sum / total } else { 0.0 };
    let freedom = (present - 1) as f64;
    let within = (total - observed).max(0.0) / (n - present) as f64;
    Ok(Permanova {
        n,
        groups: present,
        f: observed / freedom / within,
        r2: share(observed),
        r2_null: freedom / (n - 1) as f64,
        p_value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without structure.
    fn noise(k: usize) -> f64 {
        ((k * 7_919 + 13) % 1_009) as f64 / 1_009.0
    }

    #[test]
    fn groups_apart_and_groups_alike() {
        let groups: Vec<usize> = (0..40).map(|i| i % 2).collect();
        let table = |apart: f64| {
            let cell = |k: usize| noise(k * k + k) + apart * (k / 3 % 2) as f64;
            Matrix::new(40, 3, (0..120).map(cell).collect()).expect("a matrix")
        };
        let apart = permanova(&table(1.0), &groups, 199, 1).expect("compared");
        assert_eq!((apart.n, apart.groups, apart.p_value), (40, 2, 1.0 / 200.0));
        assert!(apart.r2 > 0.5 && (apart.r2_null - 1.0 / 39.0).abs() < 1e-12);
        let alike = permanova(&table(0.0), &groups, 199, 1).expect("compared");
        assert!(alike.p_value > 0.05 && alike.r2 < 0.15, "{alike:?}");
        // pseudo-F and R² say the same
        let f = alike.r2 / (1.0 - alike.r2) * 38.0;
        assert!((alike.f - f).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_compared() {
        let x = Matrix::new(3, 1, vec![1.0, 2.0, 3.0]).expect("a matrix");
        for groups in [&[0, 0, 0][..], &[0, 1, 2], &[0, 1]] {
            assert!(permanova(&x, groups, 9, 0).is_err(), "{groups:?}");
        }
    }
}
