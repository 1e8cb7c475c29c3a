//! How far a measure agrees with itself, and so what of it can be predicted at all.

use std::collections::BTreeMap;

use crate::interval::student;
use crate::matrix::check_groups;
use crate::summary::{mean, standard_error};
use crate::{Error, Matrix};

/// Agreement of repeated measurements of the same items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeatability {
    /// Intraclass correlation ICC(1,1), one-way random effects (Shrout and Fleiss 1979): the share
    /// of the variance of one measurement that belongs to the item. At least -1/(m - 1).
    pub icc: f64,
    /// Lower end of its 95 % interval over groups.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// ICC(1,k): the same of the mean of all m measurements (Spearman and Brown); none where it is
    /// not defined, as the items differ less than chance.
    pub icc_of_mean: Option<f64>,
    /// Standard deviation of one measurement of the same item, in units of the measure: the root of
    /// the mean square within items.
    pub within: f64,
    /// Different groups.
    pub groups: usize,
}

/// Repeatability of a measure from `values` (n items x m measurements of each: patches, each measured
/// on m augmented copies, say); `groups[i]` is the patient of item i.
///
/// With MSB and MSW the mean squares between and within items, ICC(1,1) = (MSB - MSW) / (MSB +
/// (m - 1) MSW). As the errors of two measurements are independent, no predictor of one measurement,
/// however good, attains an R² above the ICC in the population: it is the ceiling of
/// [`crate::held_out`] on a concept measured once, and [`Repeatability::icc_of_mean`] that of the mean
/// of m measurements. This holds as far as what varies between the measurements is noise to the
/// predictor too; one that sees the very copy that was measured can do better.
///
/// The interval is that of ln(MSB / MSW) by the jackknife that leaves out one group at a time
/// (Arvesen and Schmitz 1970), with Student's quantile for groups - 1 degrees of freedom. Where no
/// item varies within, the ICC is 1 and so are its ends.
///
/// # Errors
/// [`Error::Rows`], [`Error::NotFinite`], [`Error::TooFew`] for fewer than two items, measurements or
/// groups, or where one group has all but one of the items, [`Error::Constant`] where all values are
/// the same, or all items are once a group is left out.
pub fn repeatability(values: &Matrix, groups: &[usize]) -> Result<Repeatability, Error> {
    let (n, m) = (values.rows(), values.cols());
    check_groups(n, groups)?;
    let mut of_group: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (item, &group) in groups.iter().enumerate() {
        of_group.entry(group).or_default().push(item);
    }
    for (what, got) in [
        ("items measured", n),
        ("measurements of each item", m),
        ("groups of an interval", of_group.len()),
    ] {
        if got < 2 {
            return Err(Error::TooFew {
                what,
                needed: 2,
                got,
            });
        }
    }
    values.check_finite("the measurements")?;
    let items: Vec<Item> = (0..n).map(|i| Item::new(values.row(i))).collect();
    let all: Vec<usize> = (0..n).collect();
    let (between, within) = mean_squares(&items, &all, m)?;
    if between == 0.0 && within == 0.0 {
        return Err(Error::Constant {
            what: "the measurements",
            needed: "their agreement is not defined",
        });
    }
    let icc = |f: f64| {
        if f.is_infinite() {
            1.0
        } else {
            (f - 1.0) / (f + m as f64 - 1.0)
        }
    };
    let f = between / within;
    let (low, high) = if within == 0.0 {
        (1.0, 1.0)
    } else {
        let logarithms: Vec<f64> = of_group
            .keys()
            .map(|&out| {
                let rest: Vec<usize> = all.iter().copied().filter(|&i| groups[i] != out).collect();
                let (between, within) = mean_squares(&items, &rest, m)?;
                if between == 0.0 || within == 0.0 {
                    return Err(Error::Constant {
                        what: "the items, or the measurements of each, without one of the groups",
                        needed: "an interval is not defined",
                    });
                }
                Ok((between / within).ln())
            })
            .collect::<Result<_, Error>>()?;
        let g = logarithms.len() as f64;
        // Pseudovalues g ln F - (g - 1) ln F(-j); their standard error is the jackknife's.
        let pseudo: Vec<f64> = logarithms
            .iter()
            .map(|left| g * f.ln() - (g - 1.0) * left)
            .collect();
        let error = standard_error(&pseudo).unwrap_or(0.0);
        let (low, high) = student(f.ln(), error, logarithms.len(), 0.95)?;
        (icc(low.exp()), icc(high.exp()))
    };
    Ok(Repeatability {
        icc: icc(f),
        low,
        high,
        icc_of_mean: (between > 0.0).then(|| 1.0 - within / between),
        within: within.sqrt(),
        groups: of_group.len(),
    })
}

/// Mean of an item's measurements, and their sum of squares about it.
struct Item {
    mean: f64,
    squares: f64,
}

impl Item {
    fn new(values: &[f64]) -> Self {
        // Equal values have that mean exactly; the sum of them may not.
        let mean = if values.iter().all(|v| *v == values[0]) {
            values[0]
        } else {
            mean(values)
        };
        Self {
            mean,
            squares: values.iter().map(|v| (v - mean).powi(2)).sum(),
        }
    }
}

/// Mean squares between and within the items chosen, m measurements each.
fn mean_squares(items: &[Item], chosen: &[usize], m: usize) -> Result<(f64, f64), Error> {
    if chosen.len() < 2 {
        return Err(Error::TooFew {
            what: "items without one of the groups",
            needed: 2,
            got: chosen.len(),
        });
    }
    let n = chosen.len() as f64;
    let first = items[chosen[0]].mean;
    // Deviations from the first item, so that equal means give exactly 0.
    let shift = chosen.iter().map(|&i| items[i].mean - first).sum::<f64>() / n;
    let between: f64 = chosen
        .iter()
        .map(|&i| (items[i].mean - first - shift).powi(2))
        .sum();
    let within: f64 = chosen.iter().map(|&i| items[i].squares).sum();
    Ok((
        m as f64 * between / (n - 1.0),
        within / (n * (m as f64 - 1.0)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six subjects, four judges: table 2 of Shrout and Fleiss (1979).
    const SHROUT_FLEISS: [f64; 24] = [
        9., 2., 5., 8., 6., 1., 3., 2., 8., 4., 6., 8., 7., 1., 2., 6., 10., 5., 6., 9., 6., 2.,
        4., 7.,
    ];

    #[test]
    fn shrout_and_fleiss() {
        let values = Matrix::new(6, 4, SHROUT_FLEISS.to_vec()).unwrap();
        let got = repeatability(&values, &[0, 1, 2, 3, 4, 5]).unwrap();
        // Their table 3: BMS 11.24, WMS 6.26; table 4: ICC(1,1) .17, ICC(1,4) .44. Exactly, the sums
        // of squares are 1349/24 on 5 and 451/4 on 18 degrees of freedom.
        let (between, within) = (1349.0 / 120.0, 451.0 / 72.0);
        assert!((got.within.powi(2) - within).abs() < 1e-12);
        assert!((got.icc - (between - within) / (between + 3.0 * within)).abs() < 1e-12);
        assert!((got.icc_of_mean.unwrap() - (1.0 - within / between)).abs() < 1e-12);
        assert_eq!(
            format!("{:.2} {:.2}", got.icc, got.icc_of_mean.unwrap()),
            "0.17 0.44"
        );
        // Ends by numpy 2 and scipy 1: log of the ratio of mean squares, leave-one-group-out
        // jackknife, scipy.stats.t.ppf(0.975, groups - 1).
        let ends = |groups: &[usize], low: f64, high: f64| {
            let got = repeatability(&values, groups).unwrap();
            assert!(
                (got.low - low).abs() < 1e-9 && (got.high - high).abs() < 1e-9,
                "{got:?}"
            );
        };
        ends(
            &[0, 1, 2, 3, 4, 5],
            -0.180_904_935_354_676_86,
            0.646_570_020_962_228_9,
        );
        ends(
            &[0, 0, 1, 1, 2, 2],
            -0.074_717_795_139_189_23,
            0.463_922_873_632_524_2,
        );
    }

    #[test]
    fn what_is_not_defined() {
        let of = |rows: usize, data: Vec<f64>, groups: &[usize]| {
            let cols = data.len() / rows;
            repeatability(&Matrix::new(rows, cols, data).unwrap(), groups)
        };
        // The same value each time: no noise at all.
        let exact = of(
            3,
            vec![0.1, 0.1, 0.1, 0.7, 0.7, 0.7, 0.3, 0.3, 0.3],
            &[0, 1, 2],
        )
        .unwrap();
        assert_eq!(
            (exact.icc, exact.low, exact.high, exact.within),
            (1.0, 1.0, 1.0, 0.0)
        );
        assert!(matches!(
            of(3, vec![2.0; 6], &[0, 1, 2]),
            Err(Error::Constant { .. })
        ));
        assert!(matches!(
            of(3, vec![1.0, 2.0, 3.0], &[0, 1, 2]),
            Err(Error::TooFew { .. })
        ));
        assert!(matches!(
            of(2, vec![1.0, 2.0, 3.0, 5.0], &[0, 1]),
            Err(Error::TooFew { .. })
        ));
        let four = vec![1.0, 2.0, 3.0, 5.0, 3.0, 8.0, 1.0, 0.0];
        assert!(matches!(
            of(4, four.clone(), &[7; 4]),
            Err(Error::TooFew { .. })
        ));
        assert!(matches!(
            of(4, four.clone(), &[0, 1]),
            Err(Error::Rows { .. })
        ));
        assert!(of(4, four.clone(), &[0, 0, 1, 1]).is_ok());
        let mut bad = four;
        bad[3] = f64::NAN;
        assert!(matches!(
            of(4, bad, &[0, 0, 1, 1]),
            Err(Error::NotFinite { row: 1, .. })
        ));
        // Items alike, measurements not: less than chance, at its bound -1/(m - 1).
        let alike = of(4, [1.0, 3.0].repeat(4), &[0, 0, 1, 1]);
        assert!(matches!(alike, Err(Error::Constant { .. })));
    }
}
