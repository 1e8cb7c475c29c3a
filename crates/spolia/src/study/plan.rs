//! The study as it will be run: every default filled in, every name known, every path resolved.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Serialize, Serializer};
use spolia_dataset::{Augment, Split};
use spolia_interpret::attention::{ColourMap, Compat, Method, Options};
use spolia_interpret::concepts::{Estimator, Pool};
use spolia_measure::Measure;
use spolia_network::Convention;

use crate::jobs::attention::Checks;
use crate::jobs::attention::overlays::{Scale, Style};
use crate::jobs::slides::{Labelling, Normalisation};
use crate::jobs::visualize::written::Form;
use crate::study::sweep::SweepPlan;

/// A valid study. It is built by [`Study::load`](super::Study::load) alone.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Study {
    /// Name in the report.
    pub name: String,
    /// Where all randomness starts.
    pub seed: u64,
    /// The file as it was written.
    pub text: String,
    /// Folder of the study file; paths are relative to it.
    pub folder: PathBuf,
    /// The labelled images; absent where no step needs them.
    pub patches: Option<PatchesPlan>,
    /// The networks, each after the one that it starts from; those of the sweep last.
    pub networks: Vec<NetworkPlan>,
    /// Partial reuse, if wanted.
    pub sweep: Option<SweepPlan>,
    /// Feature visualization, if wanted.
    pub visualize: Option<VisualizePlan>,
    /// Class activation maps, if wanted.
    pub attention: Option<AttentionPlan>,
    /// Regression concept vectors, if wanted.
    pub concepts: Option<ConceptsPlan>,
    /// Layer drift, if wanted.
    pub drift: Option<DriftPlan>,
}

impl Study {
    /// The network of this name.
    pub fn network(&self, name: &str) -> Option<&NetworkPlan> {
        self.networks.iter().find(|network| network.name == name)
    }
}

/// Unit that is never shared between train, validation and test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// Centre, and what belongs to it; the patient where it is unknown.
    Centre,
    /// Patient; the slide where the patient is unknown, the image where both are.
    Patient,
    /// Slide; the image where it is unknown.
    Slide,
    /// Image.
    Image,
}

/// `[patches]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PatchesPlan {
    /// Sources of labelled images.
    pub images: Vec<PathBuf>,
    /// Whole slides to cut patches out of.
    pub slides: Option<SlidesPlan>,
    /// Side in pixels; `None`: that of the first image.
    pub size: Option<u32>,
    /// Names of labels 0 and 1.
    pub classes: [String; 2],
    /// Most patches per class and part of the split.
    pub most: Option<u64>,
    /// Unit of the split.
    pub split_by: SplitBy,
    /// Share for validation.
    pub val: f64,
    /// Share for the test.
    pub test: f64,
    /// Centres whose patches are the test.
    pub test_centres: Vec<String>,
    /// Goes on in spite of leaks.
    pub allow_leaks: bool,
}

/// Side of patches of slides in pixels, where none is asked for.
pub const SLIDE_PATCH: u32 = 224;

/// The slides of `[patches]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlidesPlan {
    /// Slides: paths or patterns.
    pub slides: Vec<PathBuf>,
    /// Annotations: paths or patterns.
    pub annotations: Vec<PathBuf>,
    /// µm/px of the patches; none where `level` says.
    pub mpp: Option<f64>,
    /// Level that patches are read from.
    pub level: usize,
    /// µm/px of level 0 of slides whose file does not say.
    pub slide_mpp: Option<f64>,
    /// Most patches of each class of a slide.
    pub per_slide: usize,
    /// How a patch gets its label.
    pub label: Labelling,
    /// Slides without annotations are normal all over.
    pub unannotated_normal: bool,
    /// Slides whose tumour is not annotated exhaustively.
    pub exclude: Vec<String>,
    /// Whose stains patches get.
    pub stain: Option<Normalisation>,
}

/// `[network.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkPlan {
    /// Its name, which is also its folder's.
    pub name: String,
    /// Where its weights come from.
    pub origin: Origin,
    /// Seed of its random weights and training.
    pub seed: u64,
    /// The last layer that training leaves as it is; `None` trains all.
    pub freeze: Option<&'static str>,
    /// How it is finetuned, if it is.
    pub train: Option<TrainPlan>,
    /// Made by `[sweep]`: steps that look at all networks leave it out.
    #[serde(skip)]
    pub swept: bool,
}

impl NetworkPlan {
    /// `random`, `pretrained`, `finetuned` or `reused`, as the manifest calls it.
    pub fn kind(&self) -> &'static str {
        match &self.origin {
            Origin::Random(_) => "random",
            Origin::File { .. } if self.train.is_none() => "pretrained",
            Origin::File { .. } => "finetuned",
            Origin::Network { keep: Some(_), .. } => "reused",
            Origin::Network { keep: None, .. } => "finetuned",
        }
    }
}

/// How random weights are drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// Glorot's uniform distribution.
    Xavier,
    /// Normal, with each layer's mean and variance in the network named here.
    MeanVar(String),
    /// Each parameter's values in the network named here, in a random order: their scale without their features.
    Shuffled(String),
    /// Glorot's, with the batch norm of the network named here.
    Statistics(String),
}

impl Init {
    /// The network whose weights it takes something of.
    pub fn of(&self) -> Option<&str> {
        match self {
            Self::Xavier => None,
            Self::MeanVar(of) | Self::Shuffled(of) | Self::Statistics(of) => Some(of),
        }
    }

    /// Its word in the study file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Xavier => "xavier",
            Self::MeanVar(_) => "mean-var",
            Self::Shuffled(_) => "shuffled",
            Self::Statistics(_) => "statistics",
        }
    }
}

/// Where a network's weights come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// All random.
    Random(Init),
    /// A weights file.
    File {
        /// The file.
        weights: PathBuf,
        /// What it was trained with; `None`: the file says.
        convention: Option<Convention>,
    },
    /// Another network of the study.
    Network {
        /// Its name.
        start: String,
        /// The last layer kept; `None`: all.
        keep: Option<&'static str>,
        /// How the layers after `keep` are drawn.
        rest: Init,
    },
}

/// `train = { … }`: stochastic gradient descent with Nesterov momentum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainPlan {
    /// Times that every patch is seen.
    pub epochs: usize,
    /// Step size at the first iteration.
    pub learning_rate: f64,
    /// Decay of the step size per iteration.
    pub decay: f64,
    /// Nesterov momentum.
    pub momentum: f64,
    /// Patches per iteration.
    pub batch: usize,
    /// Augmentation.
    #[serde(serialize_with = "in_words")]
    pub augment: Augment,
    /// New order in every epoch.
    pub shuffle: bool,
    /// Most training patches of each class.
    pub most: Option<usize>,
    /// The labels of the training patches are put in a random order.
    pub random_labels: bool,
    /// Centre that is neither trained on nor validated with.
    pub leave_out: Option<String>,
}

/// Which channels of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Every channel.
    All,
    /// These, in increasing order.
    These(Vec<usize>),
    /// So many, drawn by the seed.
    Sample(usize),
}

/// Schedule of a visualization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PresetPlan {
    /// The paper's three phases.
    Paper,
    /// Lucid's single phase.
    Lucid,
}

/// `[visualize]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VisualizePlan {
    /// Layers.
    pub layers: Vec<&'static str>,
    /// Channels of each.
    pub channels: Channels,
    /// Schedule.
    pub preset: PresetPlan,
    /// Steps in all; `None`: the preset's.
    pub steps: Option<usize>,
    /// Side of the image in pixels.
    pub size: usize,
    /// Channels at a time.
    pub batch: usize,
    /// Channels of each layer that are drawn from a second start too.
    pub again: usize,
    /// Patches that are searched for what excites the channels.
    pub exemplars: usize,
    /// Objectives beyond channels.
    pub objectives: Vec<String>,
    /// How their images are made.
    pub parametrization: Form,
    /// Their colours (and of MACO their spectra) are those of the study's patches.
    pub own_colours: bool,
    /// Networks.
    pub networks: Vec<String>,
}

/// Part of the patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Training patches.
    Train,
    /// Validation patches.
    Val,
    /// Test patches.
    Test,
    /// All patches.
    All,
}

impl Part {
    /// Whether a patch of this split belongs to it.
    pub fn holds(self, split: Option<Split>) -> bool {
        match self {
            Part::All => true,
            Part::Train => split == Some(Split::Train),
            Part::Val => split == Some(Split::Val),
            Part::Test => split == Some(Split::Test),
        }
    }
}

/// `[attention]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttentionPlan {
    /// Methods.
    #[serde(serialize_with = "methods_by_name")]
    pub methods: Vec<Method>,
    /// Layers, fused into one map where there are several.
    pub layers: Vec<&'static str>,
    /// Whose formulas.
    pub compat: Formulas,
    /// Networks.
    pub networks: Vec<String>,
    /// Label (0 or 1) of the class whose evidence is mapped.
    pub class: usize,
    /// Least predicted probability of that class.
    pub p_min: f64,
    /// Most patches per network.
    pub most: usize,
    /// Part to choose from.
    pub split: Part,
    /// Folder of instance masks.
    pub masks: Option<PathBuf>,
    /// Segments nuclei where there is no mask.
    pub segment: bool,
    /// How many patches the maps are judged on.
    pub checks: Checks,
    /// Colours of the overlays.
    #[serde(serialize_with = "colours_by_name")]
    pub colours: ColourMap,
    /// What the strongest colour stands for.
    pub scale: Scale,
}

impl AttentionPlan {
    /// How the overlays are drawn.
    pub fn style(&self) -> Style {
        Style {
            colours: self.colours,
            scale: self.scale,
        }
    }
}

/// Whose formulas attention maps follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Formulas {
    /// The methods' papers.
    Paper,
    /// pytorch-grad-cam 1.5.
    PytorchGradCam,
}

impl Formulas {
    /// How maps are made.
    pub fn options(self) -> Options {
        Options {
            compat: match self {
                Self::Paper => Compat::Paper,
                Self::PytorchGradCam => Compat::PytorchGradCam,
            },
            ..Options::default()
        }
    }
}

/// `[concepts]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConceptsPlan {
    /// Measures.
    #[serde(serialize_with = "by_name")]
    pub measures: Vec<Measure>,
    /// A table of concepts of the user's own.
    pub table: Option<PathBuf>,
    /// Layers.
    pub layers: Vec<&'static str>,
    /// Patches used.
    pub images: usize,
    /// Random subsets.
    pub repeats: usize,
    /// Linear model.
    pub estimator: Regressor,
    /// What becomes of positions.
    pub pool: Pooling,
    /// Part to draw from.
    pub split: Part,
    /// Networks.
    pub networks: Vec<String>,
}

/// `[drift]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftPlan {
    /// Layers.
    pub layers: Vec<&'static str>,
    /// Patches used.
    pub images: usize,
    /// Part to draw from.
    pub split: Part,
    /// Sources of natural images; none: noise stands for them.
    pub natural: Vec<PathBuf>,
    /// Natural-like images used.
    pub natural_images: usize,
    /// Networks, compared pair by pair.
    pub networks: Vec<String>,
}

/// Linear models of concepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Regressor {
    /// Ridge, the penalty by cross-validation over groups.
    Ridge,
    /// Least squares, of minimum norm where there are more channels than images.
    Ols,
    /// Partial least squares of 1 to 10 components, by cross-validation over groups.
    Pls,
    /// Lasso, the penalty by cross-validation over groups.
    Lasso,
}

impl Regressor {
    /// The estimator.
    pub fn estimator(self) -> Estimator {
        match self {
            Self::Ridge => Estimator::RidgeByGroups,
            Self::Ols => Estimator::Ols,
            Self::Pls => Estimator::Pls { most: 10 },
            Self::Lasso => Estimator::Lasso,
        }
    }
}

/// What becomes of a layer's positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Each channel's mean.
    Mean,
    /// Each channel's maximum.
    Max,
    /// A grid of at most 8 x 8 cells, reduced to at most 256 principal components.
    Flat,
}

impl Pooling {
    /// The pool.
    pub fn pool(self) -> Pool {
        match self {
            Self::Mean => Pool::Mean,
            Self::Max => Pool::Max,
            Self::Flat => Pool::Flat,
        }
    }
}

fn methods_by_name<S: Serializer>(methods: &[Method], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(methods.iter().map(|method| method.name()))
}

fn colours_by_name<S: Serializer>(map: &ColourMap, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(map.name())
}

fn by_name<S: Serializer>(measures: &[Measure], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(measures.iter().map(|measure| measure.name()))
}

fn in_words<S: Serializer>(augment: &Augment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(augment)
}
