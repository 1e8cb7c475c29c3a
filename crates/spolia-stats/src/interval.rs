//! The ends of bootstrap intervals.
//!
//! Percentiles of the draws of G groups are too narrow: the draws' variance is (G - 1)/G of what it
//! should be, and the normal quantiles that they imitate take that variance for known. Both are
//! mended by the factor t(G - 1) √(G/(G - 1)) in place of the normal quantile (Hesterberg 2015),
//! turned into a share of the draws: expanded percentiles. Where a scale is known on which the
//! statistic is about normal, the factor times the standard deviation of the draws gives ends on that
//! scale too. Percentiles follow the skewness of the draws, but the wrong way where the statistic and
//! its standard error go together; of both the outer end is taken.

use crate::Error;
use crate::distribution::{normal_below, student_quantile};
use crate::summary::{mean, quantile, standard_deviation};

/// A bootstrap interval over groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Draws for which the statistic is defined; the interval is of these.
    pub resamples: usize,
}

impl Interval {
    fn outer(self, low: f64, high: f64) -> Self {
        Self {
            low: self.low.min(low),
            high: self.high.max(high),
            ..self
        }
    }
}

/// t quantile of `groups` - 1 degrees of freedom times √(groups/(groups - 1)).
fn factor(groups: usize, level: f64) -> Result<f64, Error> {
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::Setting {
            what: "the level of an interval",
            value: level,
            allowed: "a number between 0 and 1, such as 0.95",
        });
    }
    if groups < 2 {
        return Err(Error::TooFew {
            what: "groups of an interval",
            needed: 2,
            got: groups,
        });
    }
    let g = groups as f64;
    Ok(student_quantile(0.5 + level / 2.0, g - 1.0) * (g / (g - 1.0)).sqrt())
}

fn defined(draws: &[f64]) -> Result<Vec<f64>, Error> {
    let finite: Vec<f64> = draws.iter().copied().filter(|d| d.is_finite()).collect();
    if finite.is_empty() {
        return Err(Error::TooFew {
            what: "bootstrap draws for which the statistic is defined",
            needed: 1,
            got: 0,
        });
    }
    Ok(finite)
}

/// Expanded percentiles (Hesterberg 2015), of any statistic: those of the draws at Φ(∓factor).
pub(crate) fn expanded(draws: &[f64], groups: usize, level: f64) -> Result<Interval, Error> {
    let tail = normal_below(-factor(groups, level)?);
    let draws = defined(draws)?;
    Ok(Interval {
        low: quantile(&draws, tail)?,
        high: quantile(&draws, 1.0 - tail)?,
        resamples: draws.len(),
    })
}

/// Of a share (an AUC, an accuracy): the outer ends of the expanded percentiles and of `estimate` ±
/// factor standard errors on the logit scale, which stays within 0 to 1. A share of 0 or 1 has no
/// such scale.
pub(crate) fn of_share(
    draws: &[f64],
    estimate: f64,
    groups: usize,
    level: f64,
) -> Result<Interval, Error> {
    let percentiles = expanded(draws, groups, level)?;
    let variance = estimate * (1.0 - estimate);
    if variance.is_nan() || variance <= 0.0 {
        return Ok(percentiles);
    }
    let draws = defined(draws)?;
    let half = factor(groups, level)? * spread(&draws) / variance;
    let logit = (estimate / (1.0 - estimate)).ln();
    let share = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    Ok(percentiles.outer(share(logit - half), share(logit + half)))
}

/// Of a positive ratio (of sums of squares): the outer ends of the expanded percentiles and of
/// `estimate` ± factor standard errors of its logarithm.
pub(crate) fn of_ratio(
    draws: &[f64],
    estimate: f64,
    groups: usize,
    level: f64,
) -> Result<Interval, Error> {
    let percentiles = expanded(draws, groups, level)?;
    if estimate.is_nan() || estimate <= 0.0 {
        return Ok(percentiles);
    }
    let half = factor(groups, level)? * spread(&defined(draws)?) / estimate;
    Ok(percentiles.outer(estimate * (-half).exp(), estimate * half.exp()))
}

/// Of a number with a standard error from a jackknife, which has the right variance already:
/// `estimate` ± t(groups - 1) standard errors.
pub(crate) fn student(
    estimate: f64,
    standard_error: f64,
    groups: usize,
    level: f64,
) -> Result<(f64, f64), Error> {
    let g = groups as f64;
    let half = factor(groups, level)? * ((g - 1.0) / g).sqrt() * standard_error;
    Ok((estimate - half, estimate + half))
}

/// Standard deviation of the draws; 0 for a single one, and where they differ by rounding alone.
fn spread(draws: &[f64]) -> f64 {
    let sd = standard_deviation(draws).unwrap_or(0.0);
    if sd <= 1e-14 * mean(draws).abs() {
        0.0
    } else {
        sd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors() {
        // scipy.stats.t.ppf(0.975, 19) = 2.093024054408263; times √(20/19).
        let expected = 2.093_024_054_408_263 * (20.0_f64 / 19.0).sqrt();
        assert!((factor(20, 0.95).unwrap() - expected).abs() < 1e-9);
        assert!(factor(1, 0.95).is_err() && factor(9, 1.0).is_err() && factor(9, 0.0).is_err());
    }

    #[test]
    fn ends() {
        let draws: Vec<f64> = (0..=1000).map(|k| f64::from(k) / 1000.0).collect();
        // Two groups: the factor is 17.97, beyond all draws.
        let two = expanded(&draws, 2, 0.95).unwrap();
        assert!(two.low < 1e-12 && two.high > 1.0 - 1e-12);
        // Many groups: the plain percentiles.
        let many = expanded(&draws, 1_000_000, 0.95).unwrap();
        assert!((many.low - 0.025).abs() < 1e-5 && (many.high - 0.975).abs() < 1e-5);
        // Symmetric about 1/2, and between 0 and 1 however wide.
        let share = of_share(&draws, 0.5, 5, 0.95).unwrap();
        assert!((share.low + share.high - 1.0).abs() < 1e-12);
        assert!(share.low > 0.0 && share.low < 0.001);
        // Draws of 0.4 and 0.6, sd 0.02^(1/2), over 1/4: beyond all draws on the logit scale.
        let logit = of_share(&[0.4, 0.6], 0.5, 5, 0.95).unwrap();
        let half = factor(5, 0.95).unwrap() * 0.02_f64.sqrt() / 0.25;
        assert!((logit.low - 1.0 / (1.0 + half.exp())).abs() < 1e-12);
        // A share of 1, and a ratio without spread.
        let one = of_share(&[1.0; 9], 1.0, 5, 0.95).unwrap();
        assert_eq!((one.low, one.high, one.resamples), (1.0, 1.0, 9));
        let same = of_ratio(&[0.3; 9], 0.3, 5, 0.95).unwrap();
        assert_eq!((same.low, same.high), (0.3, 0.3));
        // ±factor times sd over the ratio: sd of 1, 3 is √2.
        let ratio = of_ratio(&[1.0, 3.0], 2.0, 5, 0.95).unwrap();
        let half = factor(5, 0.95).unwrap() / 2.0_f64.sqrt();
        assert!((ratio.low - 2.0 * (-half).exp()).abs() < 1e-12);
        assert!((ratio.high - 2.0 * half.exp()).abs() < 1e-9);
        assert!(of_ratio(&[f64::NAN], 2.0, 5, 0.95).is_err());
    }
}
