//! Receiver operating characteristic and the area under it.

use crate::Error;
use crate::bootstrap::{members_of, weighted_draws};
use crate::interval::of_share;
use crate::summary::check_finite;

/// A point of the curve: what is called positive if its score is at least `threshold`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// Least score called positive; infinite for the first point, where nothing is.
    pub threshold: f64,
    /// False positive rate: share of the negatives that is called positive.
    pub fpr: f64,
    /// True positive rate (sensitivity): share of the positives that is called positive.
    pub tpr: f64,
}

/// The curve from (0, 0) to (1, 1), one point per different score, thresholds falling.
///
/// # Errors
/// [`Error::Rows`] for unequal lengths, [`Error::NotFinite`] for a NaN or infinite score,
/// [`Error::OneClass`] where one class is absent.
pub fn roc_curve(scores: &[f64], positive: &[bool]) -> Result<Vec<RocPoint>, Error> {
    let (positives, negatives) = check(scores, positive)?;
    let mut points = vec![RocPoint {
        threshold: f64::INFINITY,
        fpr: 0.0,
        tpr: 0.0,
    }];
    let (mut true_positives, mut false_positives) = (0, 0);
    let order = falling(scores);
    for (k, &row) in order.iter().enumerate() {
        if positive[row] {
            true_positives += 1;
        } else {
            false_positives += 1;
        }
        let last_of_score = order
            .get(k + 1)
            .is_none_or(|&next| scores[next] != scores[row]);
        if last_of_score {
            points.push(RocPoint {
                threshold: scores[row],
                fpr: false_positives as f64 / negatives as f64,
                tpr: true_positives as f64 / positives as f64,
            });
        }
    }
    Ok(points)
}

/// Area under the curve: the probability that a positive scores above a negative, ties counting
/// one half (Mann-Whitney U / (n1 n0)).
///
/// # Errors
/// As [`roc_curve`].
pub fn auc(scores: &[f64], positive: &[bool]) -> Result<f64, Error> {
    let (positives, negatives) = check(scores, positive)?;
    let weights = vec![1; scores.len()];
    weighted_auc(scores, positive, &falling(scores), &weights).ok_or(Error::OneClass {
        n: positives + negatives,
        positives,
    })
}

/// An AUC with its bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AucInterval {
    /// AUC of all observations.
    pub auc: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Different groups.
    pub groups: usize,
    /// Resamples that held both classes; the interval is of these.
    pub resamples: usize,
}

/// AUC with a bootstrap interval of coverage `level` (0.95, say), in which whole groups (patients)
/// are drawn with replacement: patches of one patient are alike, so that resampling patches would
/// give an interval too narrow. Each end is the outer one of two: the percentile of the draws,
/// expanded for the number of groups (Hesterberg 2015), and the t interval (groups less 1 degrees of
/// freedom, standard deviation of the draws) on the logit scale. Both stay within 0 to 1.
///
/// Draws that hold one class only are left out and their absence shows in
/// [`AucInterval::resamples`]. Of an AUC of 0 or 1 no draw differs, so that its interval has no
/// width: it says nothing then.
///
/// # Errors
/// As [`roc_curve`]; [`Error::TooFew`] for fewer than two groups or where no draw held both classes;
/// [`Error::Setting`] for a level that is not between 0 and 1.
pub fn auc_bootstrap(
    scores: &[f64],
    positive: &[bool],
    groups: &[usize],
    resamples: usize,
    level: f64,
    seed: u64,
) -> Result<AucInterval, Error> {
    let auc = auc(scores, positive)?;
    if groups.len() != scores.len() {
        return Err(Error::Rows {
            what: "the groups",
            expected: scores.len(),
            got: groups.len(),
        });
    }
    let rows = members_of(groups)?;
    // The order of the scores is that of every resample: only the weights change.
    let order = falling(scores);
    let area = |weights: &[usize]| weighted_auc(scores, positive, &order, weights);
    let areas = weighted_draws(&rows, scores.len(), resamples, seed, 0, &area);
    let interval = of_share(&areas, auc, rows.len(), level)?;
    Ok(AucInterval {
        auc,
        low: interval.low,
        high: interval.high,
        groups: rows.len(),
        resamples: interval.resamples,
    })
}

/// Row numbers by falling score.
pub(crate) fn falling(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

/// AUC where row i counts `weights[i]` times; none where one class is absent. Counts are integers,
/// so the only rounding is that of the division.
pub(crate) fn weighted_auc(
    scores: &[f64],
    positive: &[bool],
    order: &[usize],
    weights: &[usize],
) -> Option<f64> {
    // Twice the number of (positive, negative) pairs in the right order.
    let mut twice = 0_u128;
    let (mut positives, mut negatives) = (0_u128, 0_u128);
    for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let (mut tied_positives, mut tied_negatives) = (0_u128, 0_u128);
        for &row in tied {
            if positive[row] {
                tied_positives += weights[row] as u128;
            } else {
                tied_negatives += weights[row] as u128;
            }
        }
        twice += tied_negatives * (2 * positives + tied_positives);
        positives += tied_positives;
        negatives += tied_negatives;
    }
    (positives > 0 && negatives > 0).then(|| twice as f64 / (2 * positives * negatives) as f64)
}

pub(crate) fn check(scores: &[f64], positive: &[bool]) -> Result<(usize, usize), Error> {
    if positive.len() != scores.len() {
        return Err(Error::Rows {
            what: "the labels",
            expected: scores.len(),
            got: positive.len(),
        });
    }
    check_finite(scores, "the scores")?;
    let positives = positive.iter().filter(|&&y| y).count();
    let n = scores.len();
    if positives == 0 || positives == n {
        return Err(Error::OneClass { n, positives });
    }
    Ok((positives, n - positives))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const SCORES: [f64; 6] = [0.9, 0.8, 0.8, 0.4, 0.4, 0.1];
    const LABELS: [bool; 6] = [true, true, false, true, false, false];

    #[test]
    fn by_hand() {
        // Pairs won of 9: .9 wins 3; .8 ties one and wins 2; .4 loses, ties and wins one each.
        assert_eq!(auc(&SCORES, &LABELS), Ok(7.0 / 9.0));
        let points = roc_curve(&SCORES, &LABELS).unwrap();
        let third = 1.0 / 3.0;
        let expected = [
            (f64::INFINITY, 0.0, 0.0),
            (0.9, 0.0, third),
            (0.8, third, 2.0 * third),
            (0.4, 2.0 * third, 1.0),
            (0.1, 1.0, 1.0),
        ];
        let got: Vec<_> = points.iter().map(|p| (p.threshold, p.fpr, p.tpr)).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn one_class_or_a_nan_is_refused() {
        assert_eq!(
            auc(&[0.1, 0.2], &[true, true]),
            Err(Error::OneClass { n: 2, positives: 2 })
        );
        assert!(auc(&[0.1, f64::NAN], &[true, false]).is_err());
    }

    #[test]
    fn interval_of_groups_is_wider_than_of_rows() {
        // 8 patients of 20 alike patches each.
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (mut scores, mut labels, mut groups) = (vec![], vec![], vec![]);
        for patient in 0..8 {
            let effect: f64 = rng.random();
            for _ in 0..20 {
                labels.push(patient % 2 == 0);
                scores.push(effect + 0.2 * f64::from(u8::from(patient % 2 == 0)));
                groups.push(patient);
            }
        }
        let rows: Vec<usize> = (0..160).collect();
        let by_patient = auc_bootstrap(&scores, &labels, &groups, 500, 0.95, 1).unwrap();
        let by_row = auc_bootstrap(&scores, &labels, &rows, 500, 0.95, 1).unwrap();
        assert_eq!((by_patient.groups, by_row.groups), (8, 160));
        assert!(by_patient.high - by_patient.low > 2.0 * (by_row.high - by_row.low));
        assert!(by_patient.low <= by_patient.auc && by_patient.auc <= by_patient.high);
        assert_eq!(
            by_patient,
            auc_bootstrap(&scores, &labels, &groups, 500, 0.95, 1).unwrap()
        );
        assert!(auc_bootstrap(&scores, &labels, &vec![0; 160], 500, 0.95, 1).is_err());
    }
}
