//! Least squares within groups, by cross-products that add up over groups.
//!
//! y and all x are centred within each patch ("fixed effects"), so that what differs between patches, such as how strong
//! their maps are, plays no part. The slope of the first column, with the controls held fixed, is that of the residuals
//! (Frisch and Waugh 1933, Lovell 1963).

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use spolia_stats::{Interval, group_bootstrap, sign_flip_test};

use crate::Error;

/// How a regression is tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegressionOptions {
    /// Permutations within patches, and sign flips over groups.
    pub permutations: usize,
    /// Bootstrap resamples over groups.
    pub resamples: usize,
    /// Coverage of the interval.
    pub level: f64,
    /// Of both.
    pub seed: u64,
}

impl Default for RegressionOptions {
    fn default() -> Self {
        Self {
            permutations: 999,
            resamples: 1_000,
            level: 0.95,
            seed: 0,
        }
    }
}

/// A slope with the controls held fixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// Change of y per unit of x.
    pub slope: f64,
    /// The same in standard deviations (within patches) of y per standard deviation of x.
    pub standardised: f64,
    /// Partial correlation of y and x.
    pub partial: f64,
    /// Two-sided p of the partial correlation: residuals of y on the controls exchanged within patches (Freedman and Lane
    /// 1983), the data counted as one permutation. It supposes that the rows of a patch are exchangeable.
    pub p_value: f64,
    /// Two-sided p over groups: the signs of the groups' shares of the slope flipped. It supposes that groups are
    /// independent; with g groups it cannot be below 2^(1 - g). None for fewer than two groups.
    pub p_groups: Option<f64>,
    /// Interval of the standardised slope with whole groups resampled; none for fewer than two groups.
    pub interval: Option<Interval>,
    /// Rows, patches, groups.
    pub counts: [usize; 3],
}

/// The slope of `y` on `x` with `controls` (columns) held fixed, all centred within `patches`; `groups` are resampled.
///
/// # Errors
/// [`Error::Shape`] for unequal lengths, [`Error::NotFinite`], [`Error::Statistics`] where x or y does not vary within
/// patches beyond the controls, or there are no more rows than patches and columns.
pub fn regression(
    y: &[f64],
    x: &[f64],
    controls: &[Vec<f64>],
    patches: &[usize],
    groups: &[usize],
    options: &RegressionOptions,
) -> Result<Slope, Error> {
    let n = y.len();
    let columns = controls.iter().map(|c| ("control", c.len()));
    for (what, got) in [
        ("x", x.len()),
        ("patches", patches.len()),
        ("groups", groups.len()),
    ]
    .into_iter()
    .chain(columns)
    {
        if got != n {
            return Err(Error::Shape {
                what: format!("{what} of a regression"),
                expected: format!("{n} values, as many as y"),
                got: got.to_string(),
            });
        }
    }
    for column in [y, x].into_iter().chain(controls.iter().map(Vec::as_slice)) {
        if let Some(&value) = column.iter().find(|v| !v.is_finite()) {
            return Err(Error::NotFinite {
                what: "a column of a regression",
                value,
            });
        }
    }
    let members = rows_of(patches);
    if n <= members.len() + controls.len() + 1 {
        return Err(spolia_stats::Error::TooFew {
            what: "rows of a regression within patches",
            needed: members.len() + controls.len() + 2,
            got: n,
        }
        .into());
    }
    let centre = |column: &[f64]| centred(column, &members);
    let (y, x) = (centre(y), centre(x));
    let basis = orthogonal(&controls.iter().map(|c| centre(c)).collect::<Vec<_>>());
    let rest_y = varying(residual(&y, &basis), &y, "the values y within patches")?;
    let rest_x = varying(residual(&x, &basis), &x, "the values x within patches")?;
    let (xx, xy) = (dot(&rest_x, &rest_x), dot(&rest_x, &rest_y));
    let slope = xy / xx;
    let scale = (dot(&x, &x) / dot(&y, &y)).sqrt();
    let partial = xy / (xx * dot(&rest_y, &rest_y)).sqrt();

    // The residuals of permuted residuals decide, so that the statistic is pivotal.
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let mut exchanged = rest_y.clone();
    let mut as_large = 1usize;
    for _ in 0..options.permutations {
        for rows in &members {
            let mut values: Vec<f64> = rows.iter().map(|&row| exchanged[row]).collect();
            values.shuffle(&mut rng);
            for (&row, value) in rows.iter().zip(values) {
                exchanged[row] = value;
            }
        }
        let rest = residual(&exchanged, &basis);
        let length = (xx * dot(&rest, &rest)).sqrt();
        let correlation = if length > 0.0 {
            dot(&rest_x, &rest) / length
        } else {
            0.0
        };
        as_large += usize::from(correlation.abs() >= partial.abs() - 1e-12);
    }

    let by_group = rows_of(groups);
    let several = by_group.len() > 1;
    let shares: Vec<f64> = by_group
        .iter()
        .map(|rows| rows.iter().map(|&r| rest_x[r] * rest_y[r]).sum())
        .collect();
    let interval = several
        .then(|| interval(&[vec![y, x], basis].concat(), &by_group, options))
        .transpose()?;
    Ok(Slope {
        slope,
        standardised: slope * scale,
        partial,
        p_value: as_large as f64 / (1 + options.permutations) as f64,
        p_groups: several
            .then(|| sign_flip_test(&shares, 0.0, options.permutations, options.seed))
            .transpose()?
            .map(|test| test.p_value),
        interval,
        counts: [n, members.len(), by_group.len()],
    })
}

/// Interval of the standardised slope; `columns` are y, x and the controls' basis, centred.
fn interval(
    columns: &[Vec<f64>],
    groups: &[Vec<usize>],
    options: &RegressionOptions,
) -> Result<Interval, Error> {
    let k = columns.len();
    // Cross-products of each group; those of a draw are their sum.
    let products: Vec<Vec<f64>> = groups
        .iter()
        .map(|rows| {
            let pairs = (0..k).flat_map(|i| (0..k).map(move |j| (i, j)));
            pairs
                .map(|(i, j)| rows.iter().map(|&r| columns[i][r] * columns[j][r]).sum())
                .collect()
        })
        .collect();
    let numbers: Vec<usize> = (0..groups.len()).collect();
    Ok(group_bootstrap(
        &numbers,
        options.resamples,
        options.level,
        options.seed,
        |drawn| {
            let mut sum = vec![0f64; k * k];
            for &group in drawn {
                sum.iter_mut()
                    .zip(&products[group])
                    .for_each(|(s, p)| *s += p);
            }
            let scale = (sum[k + 1] / sum[0]).sqrt();
            Some(swept_slope(sum, k)? * scale)
        },
    )?)
}

/// The slope of column 0 on column 1 from cross-products (k x k), columns 2 and on swept out. None where a column does
/// not vary beyond the others.
fn swept_slope(mut s: Vec<f64>, k: usize) -> Option<f64> {
    for pivot in 2..k {
        let d = s[pivot * k + pivot];
        if d <= 0.0 {
            return None;
        }
        for i in (0..k).filter(|&i| i != pivot && (i < 2 || i > pivot)) {
            let factor = s[i * k + pivot] / d;
            for j in 0..k {
                s[i * k + j] -= factor * s[pivot * k + j];
            }
        }
    }
    (s[k + 1] > 0.0).then(|| s[k] / s[k + 1])
}

fn rows_of(labels: &[usize]) -> Vec<Vec<usize>> {
    let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        rows.entry(label).or_default().push(row);
    }
    rows.into_values().collect()
}

fn centred(column: &[f64], members: &[Vec<usize>]) -> Vec<f64> {
    let mut out = column.to_vec();
    for rows in members {
        let mean = rows.iter().map(|&r| column[r]).sum::<f64>() / rows.len() as f64;
        rows.iter().for_each(|&r| out[r] -= mean);
    }
    out
}

/// An orthonormal basis of the columns (Gram and Schmidt, each column twice); one that the others explain is left out.
fn orthogonal(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for column in columns {
        let length = dot(column, column).sqrt();
        let rest = residual(&residual(column, &basis), &basis);
        let left = dot(&rest, &rest).sqrt();
        if left > 1e-10 * length {
            basis.push(rest.into_iter().map(|v| v / left).collect());
        }
    }
    basis
}

fn residual(column: &[f64], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut rest = column.to_vec();
    for b in basis {
        let along = dot(&rest, b);
        rest.iter_mut().zip(b).for_each(|(r, b)| *r -= along * b);
    }
    rest
}

fn varying(rest: Vec<f64>, whole: &[f64], what: &'static str) -> Result<Vec<f64>, Error> {
    if dot(&rest, &rest) > 1e-20 * dot(whole, whole) {
        Ok(rest)
    } else {
        Err(spolia_stats::Error::Constant {
            what,
            needed: "a slope beyond the controls is not defined",
        }
        .into())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(k: usize) -> f64 {
        ((k * 7919 + 13) % 1009) as f64 / 1009.0 - 0.5
    }

    /// y = 2 x - 3 c + a constant of each patch, exactly.
    #[test]
    fn an_exact_slope() {
        let x: Vec<f64> = (0..40).map(|i| value(i * i)).collect();
        let c: Vec<f64> = (0..40).map(|i| value(3 * i) + x[i]).collect();
        let patches: Vec<usize> = (0..40).map(|i| i / 5).collect();
        let groups: Vec<usize> = (0..40).map(|i| i / 10).collect();
        let y: Vec<f64> = (0..40)
            .map(|i| 2.0 * x[i] - 3.0 * c[i] + 50.0 * value(i / 5))
            .collect();
        let options = RegressionOptions::default();
        let found = regression(
            &y,
            &x,
            std::slice::from_ref(&c),
            &patches,
            &groups,
            &options,
        )
        .unwrap();
        assert!((found.slope - 2.0).abs() < 1e-9 && (found.partial - 1.0).abs() < 1e-9);
        assert_eq!(found.p_value, 0.001);
        assert_eq!(found.counts, [40, 8, 4]);
        // A second control that the first explains changes nothing.
        let twice: Vec<f64> = c.iter().map(|c| 2.0 * c + 1.0).collect();
        let again = regression(&y, &x, &[c, twice], &patches, &groups, &options).unwrap();
        assert!((again.slope - 2.0).abs() < 1e-9);
        let interval = found.interval.unwrap();
        assert!(interval.low <= found.standardised && found.standardised <= interval.high);
    }

    /// Without effect p is uniform: rarely below .05 over many data sets.
    #[test]
    fn no_effect() {
        let mut below = [0, 0];
        for set in 0..100 {
            let x: Vec<f64> = (0..60).map(|i| value(i * i + 31 * set)).collect();
            let mut rng = ChaCha8Rng::seed_from_u64(set as u64);
            let mut y: Vec<f64> = (0..60).map(|i| value(5 * i + 1)).collect();
            y.shuffle(&mut rng);
            let patches: Vec<usize> = (0..60).map(|i| i / 6).collect();
            let options = RegressionOptions {
                permutations: 99,
                resamples: 20,
                seed: set as u64,
                ..RegressionOptions::default()
            };
            let found = regression(&y, &x, &[], &patches, &patches, &options).unwrap();
            below[0] += usize::from(found.p_value <= 0.05);
            below[1] += usize::from(found.p_groups.is_some_and(|p| p <= 0.05));
        }
        assert!(below.iter().all(|&b| b <= 14), "{below:?}");
    }

    #[test]
    fn what_is_refused() {
        let options = RegressionOptions::default();
        let y = [1.0, 2.0, 3.0, 5.0];
        let run = |x: &[f64], patches: &[usize]| regression(&y, x, &[], patches, &[0; 4], &options);
        assert!(run(&[1.0, 2.0, 3.0], &[0; 4]).is_err());
        assert!(run(&[1.0; 4], &[0; 4]).is_err());
        assert!(run(&[1.0, 2.0, 3.0, f64::NAN], &[0; 4]).is_err());
        assert!(run(&[1.0, 2.0, 3.0, 9.0], &[0, 1, 2, 3]).is_err());
        let one = run(&[1.0, 2.0, 3.0, 9.0], &[0; 4]).unwrap();
        assert!(one.interval.is_none() && one.p_groups.is_none());
    }
}
