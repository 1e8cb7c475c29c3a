//! Whether values are spread evenly over 0 to 1, as p-values are where nothing is true.

use faer::Mat;

use crate::Error;
use crate::calibration::check_probabilities;

/// Values from which the distribution of the statistic is not computed exactly.
const EXACT: usize = 500;

/// A test's statistic and p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The statistic.
    pub statistic: f64,
    /// Probability, if the null hypothesis is true, of one at least as extreme.
    pub p_value: f64,
}

/// One-sample Kolmogorov-Smirnov test against the uniform distribution on 0 to 1, two-sided: the
/// largest distance between the empirical and the uniform distribution function.
///
/// p is exact for up to 500 values (Marsaglia, Tsang, Wang 2003); beyond, it is Kolmogorov's limit
/// at D √n + 1/(6 √n) + (D √n - 1)/(4 n) (Vrbik 2018), right to about 1e-4. Ties, such as p-values of few
/// permutations, make the test conservative.
///
/// # Errors
/// [`Error::Probability`] for a value outside 0 to 1, [`Error::TooFew`] for none.
pub fn kolmogorov_uniform(values: &[f64]) -> Result<Test, Error> {
    check_probabilities(values)?;
    let n = values.len();
    if n == 0 {
        return Err(Error::TooFew {
            what: "values",
            needed: 1,
            got: 0,
        });
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let statistic = sorted.iter().enumerate().fold(0.0_f64, |most, (k, value)| {
        let above = (k + 1) as f64 / n as f64 - value;
        let below = value - k as f64 / n as f64;
        most.max(above).max(below)
    });
    let p_value = if n <= EXACT {
        1.0 - exact(n, statistic)
    } else {
        let root = (n as f64).sqrt();
        let x = statistic * root;
        limit(x + 1.0 / (6.0 * root) + (x - 1.0) / (4.0 * n as f64))
    };
    Ok(Test {
        statistic,
        p_value: p_value.clamp(0.0, 1.0),
    })
}

/// P(sup |B| >= x) of a Brownian bridge.
fn limit(x: f64) -> f64 {
    if x < 0.2 {
        return 1.0;
    }
    let terms = (1..=100).map(|k| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    });
    terms.sum()
}

/// P(D < d) of n values: an element of the n-th power of a matrix, times n! / n^n.
fn exact(n: usize, d: f64) -> f64 {
    let nd = n as f64 * d;
    if nd * d > 18.0 {
        return 1.0;
    }
    let k = nd as usize + 1;
    let m = 2 * k - 1;
    let h = k as f64 - nd;
    let mut matrix = Mat::from_fn(m, m, |i, j| if i + 1 >= j { 1.0 } else { 0.0 });
    for i in 0..m {
        matrix[(i, 0)] -= h.powi(i as i32 + 1);
        matrix[(m - 1, i)] -= h.powi((m - i) as i32);
    }
    if 2.0 * h > 1.0 {
        matrix[(m - 1, 0)] += (2.0 * h - 1.0).powi(m as i32);
    }
    for i in 0..m {
        for j in 0..=i.min(m - 1) {
            for g in 1..=i + 1 - j {
                matrix[(i, j)] /= g as f64;
            }
        }
    }
    // Squares and products, kept from overflow by powers of ten.
    let mut power = Mat::<f64>::identity(m, m);
    let (mut exponent, mut square_exponent) = (0, 0);
    let mut left = n;
    while left > 0 {
        if left % 2 == 1 {
            power = &power * &matrix;
            exponent += square_exponent;
            rescale(&mut power, &mut exponent);
        }
        matrix = &matrix * &matrix;
        square_exponent *= 2;
        rescale(&mut matrix, &mut square_exponent);
        left /= 2;
    }
    let mut value = power[(k - 1, k - 1)];
    for i in 1..=n {
        value *= i as f64 / n as f64;
        if value < 1e-140 {
            value *= 1e140;
            exponent -= 140;
        }
    }
    value * 10_f64.powi(exponent)
}

fn rescale(matrix: &mut Mat<f64>, exponent: &mut i32) {
    if matrix.norm_max() > 1e140 {
        *matrix = faer::Scale(1e-140) * &*matrix;
        *exponent += 140;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value() {
        // P(D >= d) = 2 (1 - d) for one value, where d = max(u, 1 - u).
        let test = kolmogorov_uniform(&[0.3]).unwrap();
        assert_eq!(test.statistic, 0.7);
        assert!((test.p_value - 0.6).abs() < 1e-12, "{}", test.p_value);
        assert!(kolmogorov_uniform(&[]).is_err());
        assert!(kolmogorov_uniform(&[0.1, 1.2]).is_err());
    }

    #[test]
    fn exact_and_limit_meet() {
        for x in [0.6, 0.9, 1.3, 1.8] {
            let (n, root) = (EXACT, (EXACT as f64).sqrt());
            let corrected = x + 1.0 / (6.0 * root) + (x - 1.0) / (4.0 * n as f64);
            let difference = 1.0 - exact(n, x / root) - limit(corrected);
            assert!(difference.abs() < 1e-4, "{x}: {difference}");
        }
    }
}
