//! Whether scores lie away from a value, or from those of random directions.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::distribution::student_two_sided;
use crate::kolmogorov::Test;
use crate::summary::{check_finite, mean};

/// Student's one-sample test of the mean against `null` (1/2 for TCAV scores), two-sided.
///
/// Values that are all the same give p = 0, or 1 where they are `null`.
///
/// # Errors
/// [`Error::TooFew`] for fewer than two values, [`Error::NotFinite`].
pub fn t_test(values: &[f64], null: f64) -> Result<Test, Error> {
    let (centre, square) = mean_and_error(values, "values of a t test")?;
    Ok(student(centre - null, square, (values.len() - 1) as f64))
}

/// Welch's (1947) two-sample test of equal means, variances not supposed equal, two-sided: scores
/// of a concept against those of random directions (Kim et al. 2018).
///
/// Scores of one network on the same patches are not independent draws: it answers for the
/// directions, not for patients.
///
/// # Errors
/// As [`t_test`].
pub fn welch_test(first: &[f64], second: &[f64]) -> Result<Test, Error> {
    let (a, u) = mean_and_error(first, "values of the first sample")?;
    let (b, v) = mean_and_error(second, "values of the second sample")?;
    let (m, n) = (first.len() as f64, second.len() as f64);
    let square = u + v;
    let df = square * square / (u * u / (m - 1.0) + v * v / (n - 1.0));
    Ok(student(a - b, square, df))
}

fn student(difference: f64, square: f64, df: f64) -> Test {
    if square == 0.0 {
        let equal = difference == 0.0;
        return Test {
            statistic: if equal {
                0.0
            } else {
                difference.signum() * f64::INFINITY
            },
            p_value: f64::from(u8::from(equal)),
        };
    }
    let statistic = difference / square.sqrt();
    Test {
        statistic,
        p_value: student_two_sided(statistic, df),
    }
}

/// Mean and squared standard error.
fn mean_and_error(values: &[f64], what: &'static str) -> Result<(f64, f64), Error> {
    if values.len() < 2 {
        return Err(Error::TooFew {
            what,
            needed: 2,
            got: values.len(),
        });
    }
    check_finite(values, "the values")?;
    let n = values.len() as f64;
    let centre = mean(values);
    let sum: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    Ok((centre, sum / (n - 1.0) / n))
}

/// Sign-flip test of the mean against `null`, two-sided: under the null hypothesis each value lies
/// as often as far above as below. The statistic is the mean less `null`.
///
/// All sign patterns are tried if there are at most `permutations` of them (p is then exact), else
/// that many random ones, the data counting as one more. With n values p is at least 2 / 2^n.
///
/// # Errors
/// [`Error::TooFew`] for no values or no permutations, [`Error::NotFinite`].
pub fn sign_flip_test(
    values: &[f64],
    null: f64,
    permutations: usize,
    seed: u64,
) -> Result<Test, Error> {
    for (what, got) in [
        ("values of a sign-flip test", values.len()),
        ("permutations", permutations),
    ] {
        if got == 0 {
            return Err(Error::TooFew {
                what,
                needed: 1,
                got,
            });
        }
    }
    check_finite(values, "the values")?;
    let deviations: Vec<f64> = values.iter().map(|v| v - null).collect();
    let observed: f64 = deviations.iter().sum();
    // What differs by rounding alone counts as equal.
    let size: f64 = deviations.iter().map(|d| d.abs()).sum();
    let least = observed.abs() - 1e-12 * size;
    let extreme = |negative: &mut dyn FnMut(usize) -> bool| {
        let flipped = deviations.iter().enumerate();
        let sum: f64 = flipped
            .map(|(i, d)| if negative(i) { -d } else { *d })
            .sum();
        usize::from(sum.abs() >= least)
    };
    let patterns = u32::try_from(values.len())
        .ok()
        .and_then(|n| 1_usize.checked_shl(n))
        .filter(|all| *all <= permutations);
    let p_value = if let Some(all) = patterns {
        let count: usize = (0..all)
            .map(|mask| extreme(&mut |i| mask >> i & 1 == 1))
            .sum();
        count as f64 / all as f64
    } else {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count: usize = (0..permutations)
            .map(|_| extreme(&mut |_| rng.random::<bool>()))
            .sum();
        (1 + count) as f64 / (1 + permutations) as f64
    };
    Ok(Test {
        statistic: observed / values.len() as f64,
        p_value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_flips_by_hand() {
        // Of the 8 patterns of 1, 2, 3 only +++ and --- reach 6.
        let exact = sign_flip_test(&[1.0, 2.0, 3.0], 0.0, 8, 1).unwrap();
        assert_eq!((exact.statistic, exact.p_value), (2.0, 0.25));
        let many: Vec<f64> = (0..30).map(|i| 0.6 + 0.01 * f64::from(i % 5)).collect();
        assert_eq!(sign_flip_test(&many, 0.5, 99, 1).unwrap().p_value, 0.01);
        assert_eq!(sign_flip_test(&[0.5; 4], 0.5, 99, 1).unwrap().p_value, 1.0);
        assert!(sign_flip_test(&[], 0.0, 99, 1).is_err());
        assert!(sign_flip_test(&[f64::NAN], 0.0, 99, 1).is_err());
    }

    #[test]
    fn without_variance() {
        assert_eq!(t_test(&[0.5, 0.5], 0.5).unwrap().p_value, 1.0);
        assert_eq!(t_test(&[1.0, 1.0], 0.5).unwrap().p_value, 0.0);
        assert!(t_test(&[1.0], 0.5).is_err());
        assert!(welch_test(&[1.0, 2.0], &[]).is_err());
    }
}
