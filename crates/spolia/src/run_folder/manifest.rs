//! `manifest.json`: what the run is made of and how far it is.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::RunFolderError;

/// The study as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyEntry {
    /// Name.
    pub name: String,
    /// Seed.
    pub seed: u64,
    /// The study file's text.
    pub text: String,
}

/// The machine that ran last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor.
    pub cpu: String,
    /// Threads used.
    pub threads: usize,
    /// Operating system.
    pub os: String,
    /// What networks ran on.
    #[serde(default)]
    pub engine: String,
}

/// A network as the report describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkEntry {
    /// Name.
    pub name: String,
    /// `random`, `pretrained`, `finetuned` or `reused`.
    pub kind: String,
    /// The network it starts from.
    pub start: Option<String>,
    /// How random weights were drawn: `xavier` or `mean-var`.
    pub init: Option<String>,
    /// The last layer kept from `start`.
    pub keep: Option<String>,
    /// Name of the weights file.
    pub weights: Option<String>,
    /// `keras` or `torchvision`.
    pub convention: String,
    /// Whether it was finetuned here.
    pub trained: bool,
    /// Epochs of that.
    pub trained_epochs: usize,
    /// The epoch whose weights were kept, from 1.
    pub best_epoch: Option<usize>,
    /// What in the weights is from where, in a sentence.
    pub provenance: String,
    /// One of a sweep's networks, which the report shows together.
    #[serde(default)]
    pub swept: bool,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun; the run was interrupted if none is running.
    Running,
    /// Done; single items may have failed.
    Done,
    /// Failed as a whole.
    Failed,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepEntry {
    /// `patches`, `train/<network>`, …
    pub name: String,
    /// How far it is.
    pub state: StepState,
    /// Time of the last run of it.
    pub seconds: f64,
    /// Items worked on.
    pub items: usize,
    /// Items that failed.
    pub problems: usize,
    /// Hash of everything it is made from.
    pub inputs: String,
}

impl StepEntry {
    /// A step that has not begun.
    pub fn pending(name: &str) -> Self {
        StepEntry {
            name: name.to_string(),
            state: StepState::Pending,
            seconds: 0.0,
            items: 0,
            problems: 0,
            inputs: String::new(),
        }
    }
}

/// What a run is about, as far as it is known before it starts.
#[derive(Debug, Clone)]
pub struct About {
    pub(super) study: StudyEntry,
    pub(super) machine: Machine,
}

impl About {
    /// A study by its name, seed and text, on this machine.
    pub fn new(name: &str, seed: u64, text: &str) -> Self {
        About {
            study: StudyEntry {
                name: name.into(),
                seed,
                text: text.into(),
            },
            machine: crate::machine::this(),
        }
    }
}

/// The whole of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version that ran last.
    pub spolia: String,
    /// The study.
    pub study: StudyEntry,
    /// The machine.
    pub machine: Machine,
    /// Names of labels 0 and 1.
    pub classes: Vec<String>,
    /// Name of the positive class.
    pub positive: String,
    /// `patient`, `slide`, `image` or `given`.
    pub split_by: String,
    /// Side of a patch in pixels; 0 before patches are read.
    pub patch_size: u32,
    /// Micrometres per pixel, where known.
    pub mpp: Option<f64>,
    /// Sentences that the report shows.
    pub notes: Vec<String>,
    /// Networks in the order of the study.
    pub networks: Vec<NetworkEntry>,
    /// Steps in order.
    pub steps: Vec<StepEntry>,
}

impl Manifest {
    pub(super) fn begin(about: About, earlier: Option<Manifest>) -> Manifest {
        let About { study, machine } = about;
        let spolia = env!("CARGO_PKG_VERSION").to_string();
        match earlier {
            Some(earlier) => Manifest {
                spolia,
                study,
                machine,
                ..earlier
            },
            None => Manifest {
                spolia,
                study,
                machine,
                classes: Vec::new(),
                positive: String::new(),
                split_by: String::new(),
                patch_size: 0,
                mpp: None,
                notes: Vec::new(),
                networks: Vec::new(),
                steps: Vec::new(),
            },
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`RunFolderError`] where it cannot be read or is damaged.
    pub fn read(file: &Path) -> Result<Manifest, RunFolderError> {
        let bytes = std::fs::read(file).map_err(|source| RunFolderError::Read {
            file: file.to_path_buf(),
            source,
        })?;
        serde_json::from_slice(&bytes).map_err(|source| RunFolderError::Json {
            file: file.to_path_buf(),
            source,
        })
    }

    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<&StepEntry> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// The step of this name, added at the end where it is not listed.
    pub(super) fn step_mut(&mut self, name: &str) -> &mut StepEntry {
        let at = self
            .steps
            .iter()
            .position(|step| step.name == name)
            .unwrap_or_else(|| {
                self.steps.push(StepEntry::pending(name));
                self.steps.len() - 1
            });
        &mut self.steps[at]
    }
}
