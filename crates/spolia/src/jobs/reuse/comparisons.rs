//! Arms compared in pairs: on the same patches, seed by seed.

use miette::IntoDiagnostic;
use serde::Serialize;
use spolia_stats::{auc_runs_difference, delong_runs, holm};

use super::scores::{Judged, Scored};
use super::{Estimate, draws};
use crate::study::Arm;

/// Columns of comparisons.csv.
pub const HEADER: [&str; 16] = [
    "arm",
    "against",
    "question",
    "networks",
    "n",
    "groups",
    "auc",
    "auc_against",
    "difference",
    "low",
    "high",
    "p_value",
    "p_holm",
    "delong_z",
    "delong_p",
    "delong_p_holm",
];

/// Two arms.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Name of the first.
    pub arm: String,
    /// Name of the second.
    pub against: String,
    /// What the pair tells: `all`, `none`, `unfrozen` or `init`.
    pub question: &'static str,
    networks: usize,
    n: usize,
    groups: usize,
    aucs: [f64; 2],
    /// AUC of the first less that of the second.
    pub difference: Estimate,
    p_value: f64,
    /// Adjusted for all comparisons of the table.
    pub p_holm: f64,
    delong_z: f64,
    delong_p: f64,
    delong_p_holm: f64,
}

/// Compares every arm with the one that keeps all and with the one that keeps nothing, frozen arms with those that are not,
/// and other initialisations with Xavier, each among arms trained on as many patches.
///
/// # Errors
/// The patches are of one class or one group.
pub fn comparisons(
    scored: &[Scored<'_>],
    judged: &Judged,
    seed: u64,
) -> miette::Result<Vec<Comparison>> {
    let mut found: Vec<Comparison> = Vec::new();
    for first in scored {
        for (question, fits) in QUESTIONS {
            let second = scored
                .iter()
                .find(|s| s.arm.most == first.arm.most && fits(first.arm, s.arm));
            let Some(second) = second.filter(|s| s.arm.name != first.arm.name) else {
                continue;
            };
            let names = [&first.arm.name, &second.arm.name];
            let pair = |c: &Comparison| names.contains(&&c.arm) && names.contains(&&c.against);
            if !found.iter().any(pair) {
                found.push(compare(first, second, question, judged, seed)?);
            }
        }
    }
    let adjusted = |p: &dyn Fn(&Comparison) -> f64| {
        holm(&found.iter().map(p).collect::<Vec<_>>()).into_diagnostic()
    };
    let (bootstrap, delong) = (adjusted(&|c| c.p_value)?, adjusted(&|c| c.delong_p)?);
    for ((one, b), d) in found.iter_mut().zip(bootstrap).zip(delong) {
        (one.p_holm, one.delong_p_holm) = (b, d);
    }
    Ok(found)
}

/// Whether the second arm is what the first is asked against.
type Fits = fn(&Arm, &Arm) -> bool;

const QUESTIONS: [(&str, Fits); 4] = [
    ("all", |_, b| {
        b.cut == "all" && !b.frozen && b.control.is_none()
    }),
    ("none", |_, b| {
        b.cut == "none" && b.init == "xavier" && b.control.is_none()
    }),
    ("unfrozen", |a, b| {
        a.frozen && !b.frozen && (a.cut, a.init) == (b.cut, b.init) && b.control.is_none()
    }),
    ("init", |a, b| {
        let other = a.control.is_none() && a.init != "xavier" && b.init == "xavier";
        other && (a.cut, a.frozen) == (b.cut, b.frozen) && b.control.is_none()
    }),
];

fn compare(
    first: &Scored<'_>,
    second: &Scored<'_>,
    question: &'static str,
    judged: &Judged,
    seed: u64,
) -> miette::Result<Comparison> {
    let (a, b) = (first.probabilities(judged), second.probabilities(judged));
    let draws = draws(&judged.groups, seed);
    let over = auc_runs_difference(&a, &b, &judged.positive, draws).into_diagnostic()?;
    let delong = delong_runs(&a, &b, &judged.positive).into_diagnostic()?;
    Ok(Comparison {
        arm: first.arm.name.clone(),
        against: second.arm.name.clone(),
        question,
        networks: first.networks.len(),
        n: judged.ids.len(),
        groups: judged.count_groups(),
        aucs: delong.auc,
        difference: Estimate::of(&over),
        p_value: over.p_value,
        p_holm: f64::NAN,
        delong_z: delong.z,
        delong_p: delong.p_value,
        delong_p_holm: f64::NAN,
    })
}

impl Comparison {
    /// Its row of comparisons.csv.
    pub fn cells(&self) -> Vec<String> {
        let mut row = vec![
            self.arm.clone(),
            self.against.clone(),
            self.question.to_string(),
        ];
        row.extend([self.networks, self.n, self.groups].map(|n| n.to_string()));
        row.extend(self.aucs.map(|v| v.to_string()));
        row.extend(self.difference.cells());
        let ps = [self.p_value, self.p_holm];
        let delong = [self.delong_z, self.delong_p, self.delong_p_holm];
        row.extend(ps.into_iter().chain(delong).map(|v| v.to_string()));
        row
    }

    /// What the interval says of a cut against all, with a loss of `margin` counting as none.
    pub fn verdict(&self, margin: f64) -> &'static str {
        let Estimate { low, high, .. } = self.difference;
        if low > 0.0 {
            "better"
        } else if low > -margin {
            "as-good"
        } else if high < 0.0 {
            "worse"
        } else {
            "undecided"
        }
    }
}
