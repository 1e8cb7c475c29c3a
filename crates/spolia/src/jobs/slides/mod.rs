//! From slides and annotations to patches: several slides at once, each kept when it is finished.

mod cut;
mod drawn;
pub mod heatmap;
mod journal;
mod names;
mod one;
mod stain;
mod stitch;
mod workers;
mod write;

use clap::ValueEnum;
use serde::Serialize;
use spolia_slide::annotation::LabelRule;

pub use cut::{Trouble, cut};
pub use names::{annotation_of, files, name, origin};
pub use one::annotated;
pub use stain::{Method as StainMethod, Normalisation};
pub use write::picture;

/// How patches are cut.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cut {
    /// Side in pixels.
    pub size: u32,
    /// µm/px asked for; none where `level` says.
    pub mpp: Option<f64>,
    /// Level of the slides' pyramids, where `mpp` is not asked for.
    pub level: usize,
    /// µm/px of level 0, of slides whose file does not say.
    pub slide_mpp: Option<f64>,
    /// Most patches of each class of a slide; none cuts a grid.
    pub per_class: Option<usize>,
    /// Overlap of neighbours on the grid, or most overlap of random patches; 0 to 1.
    pub overlap: f64,
    /// Least share of tissue.
    pub tissue: f64,
    /// How a patch gets its label.
    pub label: Labelling,
    /// Slides without annotations are normal all over.
    pub unannotated_normal: bool,
    /// Slides (by name) that are not annotated exhaustively: only their tumour is known.
    pub exclude: Vec<String>,
    /// Whose stains patches get.
    pub stain: Option<Normalisation>,
    /// What becomes of patches.
    pub format: Format,
    /// Seed of the draws.
    pub seed: u64,
}

/// How a patch gets its label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Labelling {
    /// By the share of its area that is tumour.
    Share {
        /// At least this share is tumour.
        tumor: f64,
        /// At most this share is normal; what lies between is left out.
        normal: f64,
    },
    /// By what lies at its centre.
    Centre,
    /// Tumour where any lies in its central square.
    Central {
        /// Side of the square in pixels of the patch.
        side: u32,
    },
}

/// A kind of [`Labelling`], as commands and studies name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LabelBy {
    /// The share of the patch's area that is tumour.
    Share,
    /// What lies at the patch's centre.
    Centre,
    /// Any tumour in the patch's central square, as in PatchCamelyon.
    Central,
}

impl LabelBy {
    /// With its numbers.
    ///
    /// # Errors
    /// Shares that are none, or a square larger than the patch.
    pub fn with(
        self,
        (tumor, normal): (f64, f64),
        side: u32,
        size: u32,
    ) -> Result<Labelling, String> {
        match self {
            Self::Share if tumor <= normal => Err(format!(
                "a share of {tumor} is tumour and one of {normal} is normal; the first must be the larger"
            )),
            Self::Share => Ok(Labelling::Share { tumor, normal }),
            Self::Centre => Ok(Labelling::Centre),
            Self::Central if side == 0 || side > size => Err(format!(
                "the central square of {side} px must be from 1 px to the patch's {size}"
            )),
            Self::Central => Ok(Labelling::Central { side }),
        }
    }
}

impl Labelling {
    fn rule(self) -> LabelRule {
        match self {
            Self::Share { tumor, normal } => LabelRule::Share { tumor, normal },
            Self::Centre => LabelRule::Centre,
            Self::Central { side } => LabelRule::Central { side },
        }
    }
}

/// What becomes of patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Pictures.
    Png,
    /// One HDF5 file per slide in CLAM's layout: `coords` with their attributes, and `imgs`.
    Hdf5,
    /// Their places alone: the other commands read them from the slides.
    #[value(name = "csv")]
    Places,
}

/// Columns of patches.csv.
pub const HEADER: [&str; 14] = [
    "id",
    "file",
    "label",
    "patient",
    "centre",
    "slide",
    "x",
    "y",
    "mpp",
    "split",
    "level",
    "mpp_asked",
    "tumor_share",
    "tissue_share",
];

/// Columns of slides.csv.
pub const SLIDES: [&str; 15] = [
    "slide",
    "file",
    "state",
    "reason",
    "vendor",
    "width",
    "height",
    "levels",
    "mpp",
    "tissue_share",
    "normal",
    "tumor",
    "unlabelled",
    "flags",
    "stain",
];
