//! Two correlated AUCs without resampling.

use crate::Error;
use crate::auc::check;
use crate::correlation::midranks;
use crate::distribution::normal_two_sided;

/// AUCs of two scores of the same observations, compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeLong {
    /// AUC of the first score and of the second.
    pub auc: [f64; 2],
    /// Variance of each AUC.
    pub variance: [f64; 2],
    /// Covariance of the AUCs.
    pub covariance: f64,
    /// First less second.
    pub difference: f64,
    /// Difference over its standard error; 0 where both are 0, infinite where only the error is.
    pub z: f64,
    /// Two-sided p of z under the normal distribution.
    pub p_value: f64,
}

/// The test of DeLong, DeLong, Clarke-Pearson (1988), by the midranks of Sun and Xu (2014).
///
/// Observations count as independent: with several patches per patient the variance comes out too
/// small, so take one score per patient, or [`crate::auc_difference`].
///
/// # Errors
/// As [`crate::roc_curve`]; [`Error::TooFew`] for fewer than two observations of a class.
pub fn delong(first: &[f64], second: &[f64], positive: &[bool]) -> Result<DeLong, Error> {
    Ok(compared(
        Placements::new(first, positive)?,
        Placements::new(second, positive)?,
    ))
}

/// The same of the mean AUC of several runs (trainings with different seeds) of two methods: a mean of AUCs is a mean of
/// placements, so that its variance is that of the mean placements. It is of these runs; how much others would differ is not
/// in it.
///
/// # Errors
/// As [`delong`]; [`Error::TooFew`] where there is no run.
pub fn delong_runs(
    first: &[Vec<f64>],
    second: &[Vec<f64>],
    positive: &[bool],
) -> Result<DeLong, Error> {
    Ok(compared(
        Placements::mean(first, positive)?,
        Placements::mean(second, positive)?,
    ))
}

fn compared(a: Placements, b: Placements) -> DeLong {
    let variance = [a.covariance(&a), b.covariance(&b)];
    let covariance = a.covariance(&b);
    let difference = a.auc - b.auc;
    // Rounding of equal scores may leave a little.
    let square = variance[0] + variance[1] - 2.0 * covariance;
    let z = if square > 1e-14 * (variance[0] + variance[1]) {
        difference / square.sqrt()
    } else if difference == 0.0 {
        0.0
    } else {
        difference.signum() * f64::INFINITY
    };
    DeLong {
        auc: [a.auc, b.auc],
        variance,
        covariance,
        difference,
        z,
        p_value: normal_two_sided(z),
    }
}

/// An AUC and its DeLong variance; see [`delong`] for what it assumes.
///
/// # Errors
/// As [`delong`].
pub fn delong_variance(scores: &[f64], positive: &[bool]) -> Result<(f64, f64), Error> {
    let placements = Placements::new(scores, positive)?;
    Ok((placements.auc, placements.covariance(&placements)))
}

/// Share of the other class that each observation is on the right side of.
struct Placements {
    auc: f64,
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Placements {
    fn new(scores: &[f64], positive: &[bool]) -> Result<Self, Error> {
        let (m, n) = check(scores, positive)?;
        if m < 2 || n < 2 {
            return Err(Error::TooFew {
                what: "observations of each class",
                needed: 2,
                got: m.min(n),
            });
        }
        let of = |class: bool| {
            let own = scores
                .iter()
                .zip(positive)
                .filter(move |(_, p)| **p == class);
            own.map(|(score, _)| *score).collect::<Vec<f64>>()
        };
        let all = midranks(scores);
        let among = |class: bool| {
            let own = midranks(&of(class));
            let ranks = all.iter().zip(positive).filter(move |(_, p)| **p == class);
            ranks
                .zip(own)
                .map(|((all, _), own)| all - own)
                .collect::<Vec<f64>>()
        };
        let positives: Vec<f64> = among(true).into_iter().map(|k| k / n as f64).collect();
        let negatives = among(false)
            .into_iter()
            .map(|k| 1.0 - k / m as f64)
            .collect();
        Ok(Self {
            auc: positives.iter().sum::<f64>() / m as f64,
            positives,
            negatives,
        })
    }

    /// Means over runs.
    fn mean(runs: &[Vec<f64>], positive: &[bool]) -> Result<Self, Error> {
        let all: Vec<Self> = runs
            .iter()
            .map(|scores| Self::new(scores, positive))
            .collect::<Result<_, _>>()?;
        let Some(first) = all.first() else {
            return Err(Error::TooFew {
                what: "runs",
                needed: 1,
                got: 0,
            });
        };
        let over = |part: fn(&Self) -> &[f64]| -> Vec<f64> {
            (0..part(first).len())
                .map(|i| all.iter().map(|run| part(run)[i]).sum::<f64>() / all.len() as f64)
                .collect()
        };
        Ok(Self {
            auc: all.iter().map(|run| run.auc).sum::<f64>() / all.len() as f64,
            positives: over(|run| &run.positives),
            negatives: over(|run| &run.negatives),
        })
    }

    fn covariance(&self, other: &Self) -> f64 {
        let part = |a: &[f64], b: &[f64]| {
            let n = a.len() as f64;
            let products = a
                .iter()
                .zip(b)
                .map(|(a, b)| (a - self.auc) * (b - other.auc));
            products.sum::<f64>() / (n - 1.0) / n
        };
        part(&self.positives, &other.positives) + part(&self.negatives, &other.negatives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_by_hand() {
        let labels = [true, true, false, false];
        let (a, b) = (vec![0.9, 0.3, 0.4, 0.1], vec![0.6, 0.7, 0.5, 0.8]);
        // Equal runs are one run.
        let same = delong_runs(&[a.clone(), a.clone()], &[b.clone(), b.clone()], &labels).unwrap();
        assert_eq!(same, delong(&a, &b, &labels).unwrap());
        // Placements of the positives: a 1, 1/2 and b 1/2, 1/2, mean 3/4, 1/2; of the negatives a 1/2, 1 and b 1, 0, mean
        // 3/4, 1/2. AUC 5/8; each variance (2 (1/8)^2) / 1 / 2 = 1/64.
        let mixed = delong_runs(&[a.clone(), b.clone()], &[b], &labels).unwrap();
        assert_eq!(mixed.auc, [0.625, 0.5]);
        assert!((mixed.variance[0] - 2.0 / 64.0).abs() < 1e-15);
        assert!(delong_runs(&[], &[a], &labels).is_err());
    }
}
