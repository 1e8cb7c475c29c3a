//! `reuse/`: what became of each stage of a finetuned network, and what keeping each depth is worth.

use std::path::Path;

use serde::Deserialize;

use super::table;
use crate::Error;

/// A number with the ends of its 95 % interval.
#[derive(Deserialize, Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Estimate {
    pub(crate) fn ends(self) -> (f64, f64) {
        (self.low, self.high)
    }
}

/// `reuse.json`.
#[derive(Deserialize, Default)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) finetuned: Vec<Finetuned>,
    #[serde(default)]
    pub(crate) sweep: Option<Sweep>,
}

/// A network beside the one that it was finetuned from.
#[derive(Deserialize)]
pub(crate) struct Finetuned {
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) stages: Vec<Stage>,
}

/// A stage of it.
#[derive(Deserialize)]
pub(crate) struct Stage {
    pub(crate) layer: String,
    /// `kept`, `adapted`, `rebuilt` or `undecided`.
    pub(crate) class: String,
    #[serde(default)]
    pub(crate) undecided_because: Option<String>,
    #[serde(default)]
    pub(crate) cka: Option<Estimate>,
    #[serde(default)]
    pub(crate) cka_natural: Option<Estimate>,
    #[serde(default)]
    pub(crate) null_retrained: Option<Estimate>,
    #[serde(default)]
    pub(crate) null_random: Option<Estimate>,
    #[serde(default)]
    pub(crate) kernel_cosine: Option<f64>,
    #[serde(default)]
    pub(crate) visualization: Option<Visualized>,
    #[serde(default)]
    pub(crate) concepts: Vec<Concept>,
    #[serde(default)]
    pub(crate) reuse: Option<Reused>,
}

/// How far the images that excite its channels are apart, beyond two starts of one network's.
#[derive(Deserialize)]
pub(crate) struct Visualized {
    pub(crate) excess: Estimate,
}

/// Held-out R² of a concept before and after.
#[derive(Deserialize)]
pub(crate) struct Concept {
    pub(crate) concept: String,
    pub(crate) r2_before: Estimate,
    pub(crate) r2_after: Estimate,
}

/// An arm less the one that keeps all.
#[derive(Deserialize)]
pub(crate) struct Reused {
    pub(crate) difference: Estimate,
    pub(crate) p_holm: f64,
    pub(crate) verdict: String,
}

/// The sweep's answer.
#[derive(Deserialize)]
pub(crate) struct Sweep {
    pub(crate) start: String,
    pub(crate) split: String,
    pub(crate) n: usize,
    pub(crate) groups: usize,
    pub(crate) unit: String,
    pub(crate) networks: usize,
    pub(crate) margin: f64,
    pub(crate) cuts: Vec<Cut>,
    pub(crate) controls: Vec<Cut>,
    #[serde(default)]
    pub(crate) shallowest_as_good: Option<String>,
    #[serde(default)]
    pub(crate) left_out: Vec<String>,
}

/// An arm of the sweep.
#[derive(Deserialize)]
pub(crate) struct Cut {
    pub(crate) arm: String,
    pub(crate) cut: String,
    pub(crate) auc: Estimate,
    #[serde(default)]
    pub(crate) against_all: Option<Reused>,
}

/// A row of `arms.csv`.
pub(crate) struct Arm {
    pub(crate) arm: String,
    pub(crate) control: Option<String>,
    pub(crate) cut: String,
    pub(crate) init: String,
    pub(crate) frozen: bool,
    pub(crate) most: String,
    pub(crate) patches: usize,
    pub(crate) networks: usize,
    pub(crate) auc: Estimate,
    pub(crate) auc_sd: Option<f64>,
    pub(crate) brier: Estimate,
    pub(crate) calibration_error: Estimate,
    pub(crate) target: f64,
    pub(crate) reached: usize,
    pub(crate) epochs_to_target: Option<usize>,
    pub(crate) epochs: usize,
    pub(crate) gflop: f64,
    /// AUC of each network.
    pub(crate) runs: Vec<f64>,
}

impl Arm {
    /// What its networks share beside the cut, in words; empty of plain arms.
    pub(crate) fn way(&self) -> String {
        let mut words = Vec::new();
        if self.control.is_none() && self.init != "xavier" {
            words.push(format!("later stages {}", self.init));
        }
        if self.frozen {
            words.push("kept stages frozen".to_owned());
        }
        if self.most != "all" {
            words.push(format!("{} patches of each class", self.most));
        }
        words.join(", ")
    }
}

/// A row of `comparisons.csv`.
pub(crate) struct Comparison {
    pub(crate) arm: String,
    pub(crate) against: String,
    pub(crate) difference: Estimate,
    pub(crate) p_holm: Option<f64>,
    pub(crate) delong_p_holm: Option<f64>,
}

/// A row of `centres.csv`.
pub(crate) struct Centre {
    pub(crate) arm: String,
    pub(crate) centre: String,
    pub(crate) n: usize,
    pub(crate) groups: usize,
    pub(crate) inside: Estimate,
    pub(crate) new: Estimate,
    pub(crate) difference: Estimate,
    pub(crate) p_holm: Option<f64>,
}

/// All of it.
#[derive(Default)]
pub(crate) struct Reuse {
    pub(crate) answer: Answer,
    pub(crate) arms: Vec<Arm>,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) centres: Vec<Centre>,
}

/// Reads the folder; empty where there is none.
pub(super) fn reuse(folder: &Path) -> Result<Reuse, Error> {
    let runs = table::read(&folder.join("runs.csv"), |row| {
        Ok((row.text("arm")?.to_owned(), row.number("auc")?))
    })?;
    let arms = table::read(&folder.join("arms.csv"), |row| {
        let arm = row.text("arm")?.to_owned();
        let own = runs.iter().filter(|(name, _)| *name == arm);
        Ok(Arm {
            control: row.known("control")?,
            cut: row.text("cut")?.to_owned(),
            init: row.text("init")?.to_owned(),
            frozen: row.text("frozen")? == "yes",
            most: row.text("most")?.to_owned(),
            patches: row.whole("patches")?,
            networks: row.whole("networks")?,
            auc: estimate(row, ["auc", "auc_low", "auc_high"])?,
            auc_sd: row.known_finite("auc_sd")?,
            brier: estimate(row, ["brier", "brier_low", "brier_high"])?,
            calibration_error: estimate(
                row,
                [
                    "calibration_error",
                    "calibration_error_low",
                    "calibration_error_high",
                ],
            )?,
            target: row.number("target")?,
            reached: row.whole("reached")?,
            epochs_to_target: row.known_whole("epochs_to_target")?,
            epochs: row.whole("epochs")?,
            gflop: row.number("gflop")?,
            runs: own.map(|(_, auc)| *auc).collect(),
            arm,
        })
    })?;
    Ok(Reuse {
        answer: super::json(&folder.join("reuse.json"))?.unwrap_or_default(),
        arms,
        comparisons: table::read(&folder.join("comparisons.csv"), |row| {
            Ok(Comparison {
                arm: row.text("arm")?.to_owned(),
                against: row.text("against")?.to_owned(),
                difference: estimate(row, ["difference", "low", "high"])?,
                p_holm: row.known_finite("p_holm")?,
                delong_p_holm: row.known_finite("delong_p_holm")?,
            })
        })?,
        centres: table::read(&folder.join("centres.csv"), |row| {
            Ok(Centre {
                arm: row.text("arm")?.to_owned(),
                centre: row.text("centre")?.to_owned(),
                n: row.whole("n")?,
                groups: row.whole("groups")?,
                inside: estimate(row, ["auc_in", "auc_in_low", "auc_in_high"])?,
                new: estimate(row, ["auc_new", "auc_new_low", "auc_new_high"])?,
                difference: estimate(row, ["difference", "low", "high"])?,
                p_holm: row.known_finite("p_holm")?,
            })
        })?,
    })
}

fn estimate(row: &table::Row<'_>, columns: [&str; 3]) -> Result<Estimate, Error> {
    Ok(Estimate {
        value: row.number(columns[0])?,
        low: row.number(columns[1])?,
        high: row.number(columns[2])?,
    })
}
