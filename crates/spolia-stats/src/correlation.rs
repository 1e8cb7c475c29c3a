//! Spearman's rank correlation.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::folds::rows_by_group;
use crate::matrix::check_groups;
use crate::summary::check_finite;

/// Ranks from 1, equal values sharing the mean of theirs.
pub(crate) fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        for &row in tied {
            ranks[row] = before as f64 + (tied.len() + 1) as f64 / 2.0;
        }
        before += tied.len();
    }
    ranks
}

/// A rank correlation and its test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// Spearman's ρ, -1 to 1.
    pub rho: f64,
    /// Two-sided permutation p: twice the smaller of the shares of permutations at least as large
    /// and at most as large, counting the data as one permutation; at most 1.
    pub p_value: f64,
}

/// Spearman's rank correlation: Pearson's of the ranks, equal values sharing the mean of theirs.
///
/// # Errors
/// [`Error::Rows`], [`Error::NotFinite`], [`Error::TooFew`] for fewer than two pairs,
/// [`Error::Constant`] where one side does not vary.
pub fn spearman(x: &[f64], y: &[f64]) -> Result<f64, Error> {
    let (a, b) = ranks(x, y)?;
    Ok(product(&a, &b))
}

/// [`spearman`] with a test that exchanges the values of `y` within strata only (centres, layers,
/// patients): what differs between strata is kept, so that it alone makes no small p. Without
/// strata all are exchanged.
///
/// # Errors
/// As [`spearman`]; [`Error::TooFew`] for no permutations.
pub fn spearman_test(
    x: &[f64],
    y: &[f64],
    strata: Option<&[usize]>,
    permutations: usize,
    seed: u64,
) -> Result<Correlation, Error> {
    let (a, mut b) = ranks(x, y)?;
    if permutations == 0 {
        return Err(Error::TooFew {
            what: "permutations",
            needed: 1,
            got: 0,
        });
    }
    let members = match strata {
        None => vec![(0..x.len()).collect()],
        Some(strata) => {
            check_groups(x.len(), strata)?;
            rows_by_group(strata)
        }
    };
    let rho = product(&a, &b);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut above, mut below) = (1_usize, 1_usize);
    for _ in 0..permutations {
        for rows in &members {
            let mut values: Vec<f64> = rows.iter().map(|&row| b[row]).collect();
            values.shuffle(&mut rng);
            for (&row, value) in rows.iter().zip(values) {
                b[row] = value;
            }
        }
        let permuted = product(&a, &b);
        // Equal up to rounding counts on both sides.
        above += usize::from(permuted >= rho - 1e-12);
        below += usize::from(permuted <= rho + 1e-12);
    }
    let tail = above.min(below) as f64 / (1 + permutations) as f64;
    Ok(Correlation {
        rho,
        p_value: (2.0 * tail).min(1.0),
    })
}

/// Centred ranks of unit length.
fn ranks(x: &[f64], y: &[f64]) -> Result<(Vec<f64>, Vec<f64>), Error> {
    check_pairs(x, y)?;
    let unit = |values: &[f64], what: &'static str| {
        let mut ranks = midranks(values);
        let mean = (values.len() + 1) as f64 / 2.0;
        ranks.iter_mut().for_each(|rank| *rank -= mean);
        let length = ranks.iter().map(|rank| rank * rank).sum::<f64>().sqrt();
        if length == 0.0 {
            return Err(Error::Constant {
                what,
                needed: "a correlation is not defined",
            });
        }
        ranks.iter_mut().for_each(|rank| *rank /= length);
        Ok(ranks)
    };
    Ok((unit(x, "the values x")?, unit(y, "the values y")?))
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| a * b)
        .sum::<f64>()
        .clamp(-1.0, 1.0)
}

/// Pairs of finite numbers, at least two.
pub(crate) fn check_pairs(x: &[f64], y: &[f64]) -> Result<(), Error> {
    if x.len() != y.len() {
        return Err(Error::Rows {
            what: "the values y",
            expected: x.len(),
            got: y.len(),
        });
    }
    if x.len() < 2 {
        return Err(Error::TooFew {
            what: "pairs of values",
            needed: 2,
            got: x.len(),
        });
    }
    check_finite(x, "the values x")?;
    check_finite(y, "the values y")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(midranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        // 1 - 6 sum of d² / (n (n² - 1)) = 1 - 6 · 2 / 60.
        let (x, y) = ([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 9.0]);
        assert!((spearman(&x, &y).unwrap() - 0.8).abs() < 1e-15);
        assert!(spearman(&x, &[2.0; 4]).is_err());
        assert!(spearman(&x, &[2.0, f64::NAN, 1.0, 0.0]).is_err());
        assert!(spearman(&[], &[]).is_err());
    }

    #[test]
    fn what_differs_between_strata_alone_is_not_found() {
        // Within a stratum y does not follow x; both grow with the stratum.
        let x: Vec<f64> = (0..40)
            .map(|i| f64::from(i / 10 * 10 + i * 7 % 10))
            .collect();
        let y: Vec<f64> = (0..40)
            .map(|i| f64::from(i / 10 * 10 + i * i % 7))
            .collect();
        let strata: Vec<usize> = (0..40).map(|i| i / 10).collect();
        let free = spearman_test(&x, &y, None, 999, 1).unwrap();
        let within = spearman_test(&x, &y, Some(&strata), 999, 1).unwrap();
        assert!(free.p_value <= 0.002 && within.p_value > 0.05, "{within:?}");
        let same = spearman_test(&x, &x, Some(&strata), 999, 1).unwrap();
        assert!((same.rho - 1.0).abs() < 1e-12 && same.p_value <= 0.002);
    }
}
