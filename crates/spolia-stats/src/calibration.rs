//! Whether predicted probabilities are as large as the shares that come true.

use crate::Error;

/// Predictions whose probability lies in `[low, high)`; the last bin includes 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Predictions in the bin.
    pub n: usize,
    /// Mean predicted probability; none for an empty bin.
    pub mean_p: Option<f64>,
    /// Share of positives; none for an empty bin.
    pub share: Option<f64>,
}

/// Sorts predictions into `bins` bins of equal width from 0 to 1.
///
/// # Errors
/// [`Error::Rows`] for unequal lengths, [`Error::TooFew`] for no predictions or no bins,
/// [`Error::Probability`] for a value outside 0 to 1.
pub fn reliability(
    probabilities: &[f64],
    positive: &[bool],
    bins: usize,
) -> Result<Vec<ReliabilityBin>, Error> {
    check(probabilities, positive)?;
    if bins == 0 {
        return Err(Error::TooFew {
            what: "bins",
            needed: 1,
            got: 0,
        });
    }
    let mut counts = vec![(0_usize, 0.0, 0_usize); bins];
    for (&p, &is_positive) in probabilities.iter().zip(positive) {
        let bin = ((p * bins as f64) as usize).min(bins - 1);
        counts[bin].0 += 1;
        counts[bin].1 += p;
        counts[bin].2 += usize::from(is_positive);
    }
    Ok(counts
        .into_iter()
        .enumerate()
        .map(|(bin, (n, sum, positives))| ReliabilityBin {
            low: bin as f64 / bins as f64,
            high: (bin + 1) as f64 / bins as f64,
            n,
            mean_p: (n > 0).then(|| sum / n as f64),
            share: (n > 0).then(|| positives as f64 / n as f64),
        })
        .collect())
}

/// Expected calibration error: mean of |mean probability - share of positives| over the bins,
/// weighted by their predictions (Naeini et al. 2015). 0 is perfect.
#[must_use]
pub fn calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let total: usize = bins.iter().map(|bin| bin.n).sum();
    bins.iter()
        .filter_map(|bin| Some(bin.n as f64 * (bin.mean_p? - bin.share?).abs()))
        .sum::<f64>()
        / total.max(1) as f64
}

/// Brier score: mean squared difference of probability and outcome. 0 is perfect.
///
/// # Errors
/// As [`reliability`].
pub fn brier(probabilities: &[f64], positive: &[bool]) -> Result<f64, Error> {
    check(probabilities, positive)?;
    let sum: f64 = probabilities
        .iter()
        .zip(positive)
        .map(|(p, &y)| (p - f64::from(u8::from(y))).powi(2))
        .sum();
    Ok(sum / probabilities.len() as f64)
}

/// Log loss in nats: mean of -ln(probability of what happened). Probabilities are kept 2^-52
/// away from 0 and 1 (as in scikit-learn), so that one certain mistake costs 36, not infinity.
///
/// # Errors
/// As [`reliability`].
pub fn log_loss(probabilities: &[f64], positive: &[bool]) -> Result<f64, Error> {
    check(probabilities, positive)?;
    let sum: f64 = probabilities
        .iter()
        .zip(positive)
        .map(|(&p, &y)| {
            let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
            if y { -p.ln() } else { -(-p).ln_1p() }
        })
        .sum();
    Ok(sum / probabilities.len() as f64)
}

fn check(probabilities: &[f64], positive: &[bool]) -> Result<(), Error> {
    if positive.len() != probabilities.len() {
        return Err(Error::Rows {
            what: "the labels",
            expected: probabilities.len(),
            got: positive.len(),
        });
    }
    if probabilities.is_empty() {
        return Err(Error::TooFew {
            what: "predictions",
            needed: 1,
            got: 0,
        });
    }
    check_probabilities(probabilities)
}

pub(crate) fn check_probabilities(probabilities: &[f64]) -> Result<(), Error> {
    match probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some(row) => Err(Error::Probability {
            row,
            value: probabilities[row],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bins_by_hand() {
        let p = [0.1, 0.3, 0.5, 0.9, 1.0];
        let y = [false, true, true, true, false];
        let bins = reliability(&p, &y, 2).unwrap();
        assert_eq!((bins[0].n, bins[1].n), (2, 3));
        assert_eq!((bins[0].mean_p, bins[0].share), (Some(0.2), Some(0.5)));
        assert_eq!(bins[1].share, Some(2.0 / 3.0));
        // (2 |.2 - .5| + 3 |.8 - .6667|) / 5 = .2
        assert!((calibration_error(&bins) - 0.2).abs() < 1e-15);
        // (.01 + .49 + .25 + .01 + 1) / 5
        assert!((brier(&p, &y).unwrap() - 0.352).abs() < 1e-15);
    }

    #[test]
    fn empty_bins_say_so() {
        let bins = reliability(&[1.0], &[true], 4).unwrap();
        assert_eq!(bins[0].mean_p, None);
        assert_eq!((bins[3].n, bins[3].low, bins[3].high), (1, 0.75, 1.0));
        assert_eq!(calibration_error(&bins), 0.0);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        let error = brier(&[0.2, 1.5], &[true, true]).unwrap_err();
        assert_eq!(error, Error::Probability { row: 1, value: 1.5 });
        assert!(log_loss(&[f64::NAN], &[true]).is_err());
        assert!(log_loss(&[], &[]).is_err());
        assert!(log_loss(&[0.1], &[]).is_err());
    }
}
