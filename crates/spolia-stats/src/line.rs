//! A straight line through pairs, and the interval of its slope.

use crate::bootstrap::group_bootstrap;
use crate::correlation::check_pairs;
use crate::matrix::check_groups;
use crate::summary::mean;
use crate::{Error, Interval};

/// y = intercept + slope x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Change of y per unit of x.
    pub slope: f64,
    /// y where x is 0.
    pub intercept: f64,
}

/// How a line is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFit {
    /// Least squares.
    LeastSquares,
    /// Theil (1950) and Sen (1968): the median of the slopes of all pairs of different x, and the
    /// intercept through the medians of x and y. Bears up to 29 % of outliers. n²/2 slopes.
    TheilSen,
}

/// The line through pairs.
///
/// # Errors
/// [`Error::Rows`], [`Error::NotFinite`], [`Error::TooFew`] for fewer than two pairs,
/// [`Error::Constant`] where all x are the same.
pub fn line(x: &[f64], y: &[f64], fit: LineFit) -> Result<Line, Error> {
    check_pairs(x, y)?;
    if x.iter().all(|value| *value == x[0]) {
        return Err(Error::Constant {
            what: "the values x",
            needed: "a slope is not defined",
        });
    }
    Ok(match fit {
        LineFit::LeastSquares => {
            let (mx, my) = (mean(x), mean(y));
            let (mut cross, mut square) = (0.0, 0.0);
            for (x, y) in x.iter().zip(y) {
                cross += (x - mx) * (y - my);
                square += (x - mx).powi(2);
            }
            let slope = cross / square;
            Line {
                slope,
                intercept: my - slope * mx,
            }
        }
        LineFit::TheilSen => {
            let mut slopes = Vec::with_capacity(x.len() * (x.len() - 1) / 2);
            for i in 0..x.len() {
                for j in 0..i {
                    if x[i] != x[j] {
                        slopes.push((y[i] - y[j]) / (x[i] - x[j]));
                    }
                }
            }
            let slope = median(slopes);
            Line {
                slope,
                intercept: median(y.to_vec()) - slope * median(x.to_vec()),
            }
        }
    })
}

/// Bootstrap interval of the slope over whole units (`units[i]` is the patient or layer of pair
/// i); draws in which all x are the same are left out.
///
/// # Errors
/// As [`line()`] and [`group_bootstrap`].
pub fn slope_interval(
    x: &[f64],
    y: &[f64],
    units: &[usize],
    fit: LineFit,
    resamples: usize,
    level: f64,
    seed: u64,
) -> Result<Interval, Error> {
    line(x, y, fit)?;
    check_groups(x.len(), units)?;
    group_bootstrap(units, resamples, level, seed, |rows| {
        let of = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        line(&of(x), &of(y), fit).ok().map(|line| line.slope)
    })
}

/// Median of finite values, at least one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        values[half]
    } else {
        f64::midpoint(values[half - 1], values[half])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outlier() {
        let x = [0.0, 1.0, 2.0, 3.0, 4.0];
        let y = [1.0, 3.0, 5.0, 7.0, 109.0];
        let robust = line(&x, &y, LineFit::TheilSen).unwrap();
        assert_eq!((robust.slope, robust.intercept), (2.0, 1.0));
        // Cross product -2·1 - 3 + 7 + 2·109 = 220 over 10.
        let plain = line(&x, &y, LineFit::LeastSquares).unwrap();
        assert_eq!((plain.slope, plain.intercept), (22.0, -19.0));
        assert!(line(&[1.0, 1.0], &[0.0, 2.0], LineFit::TheilSen).is_err());
        let units = [0, 1, 2, 3, 4];
        let exact = [1.0, 3.0, 5.0, 7.0, 9.0];
        let interval = slope_interval(&x, &exact, &units, LineFit::TheilSen, 99, 0.95, 1).unwrap();
        assert_eq!((interval.low, interval.high), (2.0, 2.0));
    }
}
