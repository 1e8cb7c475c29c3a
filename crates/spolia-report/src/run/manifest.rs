//! `manifest.json`: the study, its networks and its steps.

use serde::Deserialize;

/// What the runner says of the whole run.
#[derive(Deserialize)]
pub(crate) struct Manifest {
    /// Version of the program that ran the study.
    #[serde(default)]
    pub(crate) spolia: String,
    pub(crate) study: Study,
    #[serde(default)]
    pub(crate) machine: Machine,
    /// Class names; a label is an index into them.
    #[serde(default)]
    pub(crate) classes: Vec<String>,
    /// The class whose probability is reported.
    #[serde(default)]
    pub(crate) positive: String,
    /// `patient`, `slide`, `image` or `given`.
    #[serde(default)]
    pub(crate) split_by: String,
    /// Side of a patch, pixels.
    #[serde(default)]
    pub(crate) patch_size: Option<u32>,
    /// Micrometres per pixel of a patch.
    #[serde(default)]
    pub(crate) mpp: Option<f64>,
    /// Sentences the report must show.
    #[serde(default)]
    pub(crate) notes: Vec<String>,
    #[serde(default)]
    pub(crate) networks: Vec<About>,
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
}

/// The study file.
#[derive(Deserialize)]
pub(crate) struct Study {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) seed: u64,
    /// The TOML as it was written.
    #[serde(default)]
    pub(crate) text: String,
}

/// The machine of the run (its number of threads changes no result, so it is not read).
#[derive(Deserialize, Default)]
pub(crate) struct Machine {
    #[serde(default)]
    pub(crate) cpu: String,
    #[serde(default)]
    pub(crate) os: String,
}

/// What a network is.
#[derive(Deserialize)]
pub(crate) struct About {
    pub(crate) name: String,
    /// `random`, `pretrained`, `finetuned` or `reused`.
    #[serde(default)]
    pub(crate) kind: String,
    /// The network it started from.
    #[serde(default)]
    pub(crate) start: Option<String>,
    /// How random weights were drawn.
    #[serde(default)]
    pub(crate) init: Option<String>,
    /// The last stage whose weights were kept.
    #[serde(default)]
    pub(crate) keep: Option<String>,
    /// The weights file.
    #[serde(default)]
    pub(crate) weights: Option<String>,
    /// What that file means: `keras` or `torchvision`.
    #[serde(default)]
    pub(crate) convention: Option<String>,
    #[serde(default)]
    pub(crate) trained: bool,
    #[serde(default)]
    pub(crate) trained_epochs: usize,
    #[serde(default)]
    pub(crate) best_epoch: Option<usize>,
    /// What in the weights comes from where.
    #[serde(default)]
    pub(crate) provenance: Option<String>,
    /// One of a sweep's networks.
    #[serde(default)]
    pub(crate) swept: bool,
}

/// One step of the study. Its seconds vary from run to run and are not read.
#[derive(Deserialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) items: Option<usize>,
    #[serde(default)]
    pub(crate) problems: Option<usize>,
    /// Hash of what the step read.
    #[serde(default)]
    pub(crate) inputs: Option<String>,
}
