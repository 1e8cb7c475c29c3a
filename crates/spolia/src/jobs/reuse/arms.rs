//! How well each arm predicts, and what its training cost.

use miette::IntoDiagnostic;
use spolia_stats::{OverRuns, auc_runs, brier_runs, calibration_runs};

use super::scores::{Judged, Scored};
use super::{BINS, Estimate, draws};
use crate::run_folder::cell;

/// Columns of arms.csv.
pub const HEADER: [&str; 31] = [
    "arm",
    "control",
    "cut",
    "stages_kept",
    "init",
    "frozen",
    "most",
    "patches",
    "networks",
    "split",
    "n",
    "groups",
    "unit",
    "auc",
    "auc_low",
    "auc_high",
    "auc_sd",
    "brier",
    "brier_low",
    "brier_high",
    "calibration_error",
    "calibration_error_low",
    "calibration_error_high",
    "target",
    "reached",
    "epochs_to_target",
    "epochs",
    "gflop_per_patch",
    "gflop",
    "seconds_per_epoch",
    "seconds",
];

/// Columns of runs.csv.
pub const RUNS_HEADER: [&str; 10] = [
    "network",
    "arm",
    "seed",
    "patches",
    "auc",
    "brier",
    "calibration_error",
    "epochs_to_target",
    "gflop",
    "seconds",
];

/// An arm, judged.
pub struct Row {
    /// Area under the ROC curve: of each network, and their mean with its interval.
    pub auc: OverRuns,
    brier: OverRuns,
    calibration: OverRuns,
}

impl Row {
    /// Judges an arm on these patches.
    ///
    /// # Errors
    /// The patches are of one class or one group.
    pub fn new(scored: &Scored<'_>, judged: &Judged, seed: u64) -> miette::Result<Self> {
        let p = scored.probabilities(judged);
        let draws = draws(&judged.groups, seed);
        Ok(Self {
            auc: auc_runs(&p, &judged.positive, draws).into_diagnostic()?,
            brier: brier_runs(&p, &judged.positive, draws).into_diagnostic()?,
            calibration: calibration_runs(&p, &judged.positive, BINS, draws).into_diagnostic()?,
        })
    }

    /// AUC with its interval.
    pub fn auc(&self) -> Estimate {
        Estimate::of(&self.auc)
    }

    /// Its row of arms.csv.
    pub fn cells(
        &self,
        scored: &Scored<'_>,
        stages_kept: usize,
        (judged, split, unit): (&Judged, &str, &str),
        target: f64,
    ) -> Vec<String> {
        let (arm, networks) = (scored.arm, &scored.networks);
        let n = networks.len().max(1) as f64;
        let mean = |of: &dyn Fn(&super::scores::Network) -> f64| {
            (networks.iter().map(of).sum::<f64>() / n).to_string()
        };
        let mut reached: Vec<usize> = networks
            .iter()
            .filter_map(|n| n.epochs_to(target))
            .collect();
        reached.sort_unstable();
        // The median over the networks, of which those that never reach it come last.
        let median = reached.get(networks.len() / 2);
        let epochs = |n: &super::scores::Network| n.epochs.len().max(1) as f64;
        let mut row = vec![
            arm.name.clone(),
            arm.control.map_or("", |c| c.word()).to_string(),
            arm.cut.to_string(),
            stages_kept.to_string(),
            arm.init.to_string(),
            if arm.frozen { "yes" } else { "no" }.to_string(),
            arm.most
                .map_or_else(|| "all".to_string(), |most| most.to_string()),
            networks.first().map_or(0, |n| n.patches).to_string(),
            networks.len().to_string(),
            split.to_string(),
            judged.ids.len().to_string(),
            judged.count_groups().to_string(),
            unit.to_string(),
        ];
        row.extend(self.auc().cells());
        row.push(cell(self.auc.sd));
        row.extend(Estimate::of(&self.brier).cells());
        row.extend(Estimate::of(&self.calibration).cells());
        row.extend([
            target.to_string(),
            reached.len().to_string(),
            median.map_or_else(String::new, usize::to_string),
            networks.first().map_or(0, |n| n.epochs.len()).to_string(),
            mean(&|n| n.gflop / (epochs(n) * n.patches.max(1) as f64)),
            mean(&|n| n.gflop),
            format!("{:.1}", {
                let per_epoch = networks.iter().map(|n| n.seconds() / epochs(n));
                per_epoch.sum::<f64>() / n
            }),
            format!(
                "{:.1}",
                networks.iter().map(|x| x.seconds()).sum::<f64>() / n
            ),
        ]);
        row
    }

    /// The rows of runs.csv of its networks.
    pub fn runs(&self, scored: &Scored<'_>, target: f64) -> Vec<Vec<String>> {
        let networks = scored.networks.iter().enumerate();
        networks
            .map(|(i, network)| {
                let of = |over: &OverRuns| over.runs[i].to_string();
                vec![
                    network.name.clone(),
                    scored.arm.name.clone(),
                    network.seed.to_string(),
                    network.patches.to_string(),
                    of(&self.auc),
                    of(&self.brier),
                    of(&self.calibration),
                    network
                        .epochs_to(target)
                        .map_or_else(String::new, |e| e.to_string()),
                    network.gflop.to_string(),
                    format!("{:.1}", network.seconds()),
                ]
            })
            .collect()
    }
}
