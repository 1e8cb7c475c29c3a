//! What the networks of an arm say of the same patches, and how they were trained.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use miette::IntoDiagnostic;

use crate::jobs::predict::probability;

/// An arm of a sweep as it came out.
pub struct Scored<'a> {
    /// What it is.
    pub arm: &'a crate::study::Arm,
    /// Of each of its networks, in the order of the seeds.
    pub networks: Vec<Network>,
}

/// A network of an arm.
pub struct Network {
    /// Its name.
    pub name: String,
    /// Seed.
    pub seed: u64,
    /// Probability of the positive class by patch.
    probabilities: BTreeMap<String, f64>,
    /// Epochs as they went.
    pub epochs: Vec<Epoch>,
    /// Training patches.
    pub patches: usize,
    /// Operations of its training, 10^9.
    pub gflop: f64,
}

/// An epoch of a training.
pub struct Epoch {
    /// AUC on validation patches.
    pub val_auc: Option<f64>,
    /// How long it took.
    pub seconds: f64,
}

/// The patches that a comparison is of.
pub struct Judged {
    /// Their ids.
    pub ids: Vec<String>,
    /// Are they of the positive class?
    pub positive: Vec<bool>,
    /// Number of the patient, slide or image.
    pub groups: Vec<usize>,
}

impl Judged {
    /// How many different groups.
    pub fn count_groups(&self) -> usize {
        self.groups.iter().collect::<BTreeSet<_>>().len()
    }

    /// Whether there are both classes, and two groups at least: else nothing can be said.
    pub fn is_enough(&self) -> bool {
        self.positive.contains(&true) && self.positive.contains(&false) && self.count_groups() > 1
    }
}

impl Network {
    /// Reads what training and prediction left in the network's folder.
    ///
    /// # Errors
    /// A table is missing or damaged.
    pub fn read(folder: &Path, name: &str, seed: u64) -> miette::Result<Self> {
        let mut probabilities = BTreeMap::new();
        for row in rows(&folder.join("predictions.csv"))? {
            let logit = row.get("logit").and_then(|text| text.parse().ok());
            if let (Some(id), Some(logit)) = (row.get("id"), logit) {
                probabilities.insert(id.clone(), probability(logit));
            }
        }
        let epochs = rows(&folder.join("epochs.csv"))?;
        let epochs = epochs.iter().map(|row| Epoch {
            val_auc: number(row, "val_auc"),
            seconds: number(row, "seconds").unwrap_or(0.0),
        });
        Ok(Self {
            name: name.to_string(),
            seed,
            probabilities,
            epochs: epochs.collect(),
            patches: 0,
            gflop: 0.0,
        })
    }

    /// Whether it says something of a patch.
    pub fn knows(&self, id: &str) -> bool {
        self.probabilities.contains_key(id)
    }

    /// What it says of each of these patches.
    fn of(&self, judged: &Judged) -> Vec<f64> {
        let ids = judged.ids.iter();
        ids.filter_map(|id| self.probabilities.get(id).copied())
            .collect()
    }

    /// The first epoch, from 1, whose AUC on validation patches reaches `target`.
    pub fn epochs_to(&self, target: f64) -> Option<usize> {
        let reached = |e: &Epoch| e.val_auc.is_some_and(|auc| auc >= target);
        Some(1 + self.epochs.iter().position(reached)?)
    }

    /// Seconds of all epochs.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|e| e.seconds).sum()
    }
}

impl Scored<'_> {
    /// Probabilities of these patches, network by network.
    pub fn probabilities(&self, judged: &Judged) -> Vec<Vec<f64>> {
        self.networks.iter().map(|n| n.of(judged)).collect()
    }
}

/// A row of a table, by column.
pub type Row = BTreeMap<String, String>;

/// A number of a row, where there is one.
pub fn number(row: &Row, column: &str) -> Option<f64> {
    row.get(column)?.parse().ok()
}

/// Rows of a table; none where there is no table.
///
/// # Errors
/// It is there, and damaged.
pub fn rows(file: &Path) -> miette::Result<Vec<Row>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let mut table = csv::Reader::from_path(file).into_diagnostic()?;
    table
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|error| miette::miette!("{}: {error}; run its step anew", file.display()))
}
