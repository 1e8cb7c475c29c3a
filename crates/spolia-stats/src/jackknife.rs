//! Intervals of statistics that a bootstrap would bias, because they mind an observation that stands there twice.

use crate::Error;
use crate::bootstrap::members_of;
use crate::interval::student;
use crate::summary::mean;

/// Ends of an interval of coverage `level` for `estimate`: ± Student's quantile (groups - 1 degrees of freedom) times the
/// standard error of the jackknife that leaves out one group at a time (Tukey 1958; of groups: Shao, Tu 1995).
/// `statistic` gets the rows that are left; where it answers none, the group is passed over.
///
/// # Errors
/// [`Error::TooFew`] for fewer than two groups whose absence leaves a statistic, [`Error::Setting`] for a level that is not
/// between 0 and 1.
pub fn group_jackknife(
    estimate: f64,
    groups: &[usize],
    level: f64,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Result<[f64; 2], Error> {
    let members = members_of(groups)?;
    let mut kept = Vec::with_capacity(groups.len());
    let mut values = Vec::with_capacity(members.len());
    for out in 0..members.len() {
        kept.clear();
        for (group, rows) in members.iter().enumerate() {
            if group != out {
                kept.extend_from_slice(rows);
            }
        }
        values.extend(statistic(&kept).filter(|value| value.is_finite()));
    }
    if values.len() < 2 {
        return Err(Error::TooFew {
            what: "groups without which the statistic is defined",
            needed: 2,
            got: values.len(),
        });
    }
    let centre = mean(&values);
    let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    let g = values.len() as f64;
    let error = ((g - 1.0) / g * squares).sqrt();
    let (low, high) = student(estimate, error, values.len(), level)?;
    Ok([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_mean_it_is_students_interval() {
        // Mean 2, standard deviation 1, four values: 2 ± 3.18245 · 0.57735.
        let values = [1.0, 1.0, 3.0, 3.0];
        let of = |rows: &[usize]| Some(mean(&rows.iter().map(|&r| values[r]).collect::<Vec<_>>()));
        let [low, high] = group_jackknife(2.0, &[5, 6, 7, 9], 0.95, of).unwrap();
        let half = 3.182_446_305 * (4.0_f64 / 3.0).sqrt() / 2.0;
        assert!((low - (2.0 - half)).abs() < 1e-6 && (high - (2.0 + half)).abs() < 1e-6);
        assert!(group_jackknife(2.0, &[5; 4], 0.95, of).is_err());
        assert!(group_jackknife(2.0, &[1, 2, 3, 4], 0.95, |_| None).is_err());
    }
}
