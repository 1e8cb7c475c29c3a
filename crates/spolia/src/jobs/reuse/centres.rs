//! A centre that was trained on, and the same one unseen.

use miette::IntoDiagnostic;
use spolia_stats::{auc_runs, auc_runs_difference, holm};

use super::scores::{Judged, Scored};
use super::{Estimate, draws};

/// Columns of centres.csv.
pub const HEADER: [&str; 20] = [
    "arm",
    "cut",
    "init",
    "frozen",
    "most",
    "centre",
    "networks",
    "n",
    "groups",
    "auc_in",
    "auc_in_low",
    "auc_in_high",
    "auc_new",
    "auc_new_low",
    "auc_new_high",
    "difference",
    "low",
    "high",
    "p_value",
    "p_holm",
];

/// Rows of centres.csv: each arm that was trained without a centre beside the one that was trained with all, on the test
/// patches of that centre. `judged` gives a centre's patches.
///
/// # Errors
/// As of the bootstraps.
pub fn centres(
    scored: &[Scored<'_>],
    judged: &dyn Fn(&str) -> Judged,
    seed: u64,
) -> miette::Result<Vec<Vec<String>>> {
    let (mut rows, mut ps) = (Vec::new(), Vec::new());
    for new in scored {
        let Some(centre) = &new.arm.leave_out else {
            continue;
        };
        let arm = |s: &Scored<'_>| (s.arm.cut, s.arm.init, s.arm.frozen, s.arm.most);
        let with = scored
            .iter()
            .find(|s| s.arm.leave_out.is_none() && s.arm.control.is_none() && arm(s) == arm(new));
        let patches = judged(centre);
        let Some(with) = with.filter(|_| patches.is_enough()) else {
            continue;
        };
        let (a, b) = (new.probabilities(&patches), with.probabilities(&patches));
        let draws = draws(&patches.groups, seed);
        let area = |p: &[Vec<f64>]| auc_runs(p, &patches.positive, draws).into_diagnostic();
        let difference = auc_runs_difference(&a, &b, &patches.positive, draws).into_diagnostic()?;
        let most = new.arm.most;
        let mut row = vec![
            with.arm.name.clone(),
            new.arm.cut.to_string(),
            new.arm.init.to_string(),
            if new.arm.frozen { "yes" } else { "no" }.to_string(),
            most.map_or_else(|| "all".to_string(), |most| most.to_string()),
            centre.clone(),
            new.networks.len().to_string(),
            patches.ids.len().to_string(),
            patches.count_groups().to_string(),
        ];
        row.extend(Estimate::of(&area(&b)?).cells());
        row.extend(Estimate::of(&area(&a)?).cells());
        row.extend(Estimate::of(&difference).cells());
        row.push(difference.p_value.to_string());
        ps.push(difference.p_value);
        rows.push(row);
    }
    for (row, p) in rows.iter_mut().zip(holm(&ps).into_diagnostic()?) {
        row.push(p.to_string());
    }
    Ok(rows)
}
