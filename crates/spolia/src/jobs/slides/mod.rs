//! From slides and annotations to patches: slide by slide, each kept when it is finished.

mod drawn;
pub mod heatmap;
mod journal;
mod names;
mod stitch;
mod write;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_dataset::{Mpp, Region, Resolution};
use spolia_slide::Slide;
use spolia_slide::annotation::{Annotations, Label, LabelRule, Scheme, Shape};
use spolia_slide::patches::{self, Patch, Resolved, Sampling};
use spolia_slide::slide::Options;
use spolia_slide::tissue::{self, Flags, Mask};

pub use names::{annotation_of, files, name, origin};
pub use write::picture;
use write::{class, hdf5, pictures, qc};

use super::kept::kept;
use crate::progress::Progress;
use crate::run_folder::{StepKey, cell, file_state, write_csv};

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
    /// Slides without annotations are normal all over.
    pub unannotated_normal: bool,
    /// Slides (by name) that are not annotated exhaustively: only their tumour is known.
    pub exclude: Vec<String>,
    /// What becomes of patches.
    pub format: Format,
    /// Seed of the draws.
    pub seed: u64,
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
pub const SLIDES: [&str; 14] = [
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
];

/// What is kept of a finished slide.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    /// Rows of patches.csv.
    patches: Vec<Vec<String>>,
    /// Its row of slides.csv.
    slide: Vec<String>,
}

/// Cuts patches of all slides into `out`: patches.csv, slides.csv, `qc/SLIDE.png`, `qc/SLIDE_mask.png` and
/// `patches/LABEL/ID.png` or `h5/SLIDE.h5`. A slide that fails does not stop the others; a finished one is not cut again. Returns the slides
/// that failed, as name and reason.
///
/// # Errors
/// The folder cannot be written.
pub fn cut(
    slides: &[PathBuf],
    annotations: &[PathBuf],
    plan: &Cut,
    out: &Path,
    progress: Progress,
) -> miette::Result<Vec<(String, String)>> {
    let task = progress.start("slides", slides.len());
    let (mut rows, mut states, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for file in slides {
        let annotation = annotation_of(file, annotations);
        let mut key = StepKey::new("slide").with("plan", plan)?;
        // Hashing gigabytes would take longer than cutting.
        let (length, changed) = file_state(file);
        key = key.with("file", &(file.display().to_string(), length, changed))?;
        if let Some(annotation) = &annotation {
            key = key.file("annotation", annotation)?;
        }
        let mark = out.join(format!(
            "slides/{}-{}.json",
            name(file),
            &key.finish()[..16]
        ));
        match kept(&mark, || one(file, annotation.as_deref(), plan, out)) {
            Ok(done) => {
                rows.extend(done.patches);
                states.push(done.slide);
            }
            Err(error) => {
                let reason = error.to_string();
                let mut row = vec![name(file), file.display().to_string()];
                row.extend(["failed".to_owned(), reason.clone()]);
                row.resize(SLIDES.len(), String::new());
                states.push(row);
                failed.push((name(file), reason));
            }
        }
        task.advance(1);
    }
    task.finish();
    write_csv(&out.join("slides.csv"), &SLIDES, &states)?;
    write_csv(&out.join("patches.csv"), &HEADER, &rows)?;
    Ok(failed)
}

fn one(file: &Path, annotation: Option<&Path>, plan: &Cut, out: &Path) -> miette::Result<Done> {
    let options = Options {
        mpp: plan.slide_mpp,
        ..Options::default()
    };
    let slide = Slide::open_with(file, &options).into_diagnostic()?;
    let own = name(file);
    let mask = Mask::find(&slide, &tissue::Options::default()).into_diagnostic()?;
    let tumor = tumor(&slide, annotation, plan)?;
    let exclude = plan.exclude.contains(&own);
    let mut classes = vec![Label::Tumor];
    if !exclude {
        classes.insert(0, Label::Normal);
    }
    let sampling = Sampling {
        size: plan.size,
        resolved: plan.mpp.map_or(Resolved::Level(plan.level), Resolved::Mpp),
        tissue: plan.tissue,
        rule: LabelRule::default(),
        classes,
        overlap: plan.overlap,
    };
    let found = match plan.per_class {
        Some(most) => patches::random(&slide, &mask, tumor.as_ref(), &sampling, most, plan.seed),
        None => patches::grid(&slide, &mask, tumor.as_ref(), &sampling),
    }
    .into_diagnostic()?;
    match plan.format {
        Format::Png => pictures(&slide, &found, out)?,
        Format::Hdf5 => hdf5(&slide, &found, out)?,
        Format::Places => {}
    }
    let flags = Flags::of(&slide, &mask).into_diagnostic()?;
    qc(&slide, &mask, tumor.as_ref(), &found, out)?;
    let (patient, centre) = origin(file);
    let rows = found
        .iter()
        .enumerate()
        .map(|(index, patch)| {
            let written = written(patch, index, (file, &own), plan, out)?;
            Ok(row(patch, written, &own, (&patient, &centre)))
        })
        .collect::<miette::Result<_>>()?;
    let (width, height) = slide.dimensions();
    let count = |label| {
        found
            .iter()
            .filter(|p| p.label == label)
            .count()
            .to_string()
    };
    let mut seen = Vec::new();
    for (name, is) in [
        ("pen", flags.has_pen()),
        ("folds", flags.has_folds()),
        ("blurred", flags.is_blurred()),
    ] {
        if is {
            seen.push(name);
        }
    }
    let reason = match (found.is_empty(), mask.empty_reason()) {
        (true, Some(why)) => why.to_string(),
        (true, None) => {
            "no patch has enough tissue, lies inside the slide and has a label".to_owned()
        }
        _ => String::new(),
    };
    Ok(Done {
        patches: rows,
        slide: vec![
            own,
            file.display().to_string(),
            "done".to_owned(),
            reason,
            slide.vendor().to_string(),
            width.to_string(),
            height.to_string(),
            slide.levels().len().to_string(),
            cell(slide.mpp().map(|m| m.mean())),
            mask.total_share().to_string(),
            count(Some(Label::Normal)),
            count(Some(Label::Tumor)),
            count(None),
            seen.join(" "),
        ],
    })
}

/// Where the slide's tumour lies; none where nobody said.
fn tumor(slide: &Slide, annotation: Option<&Path>, plan: &Cut) -> miette::Result<Option<Shape>> {
    match annotation {
        Some(file) => annotated(file, Some(slide.dimensions())).map(Some),
        None => Ok(plan.unannotated_normal.then(|| Shape::of(&[]))),
    }
}

/// The tumour that an annotation file marks, on a slide of these dimensions where they are known.
///
/// # Errors
/// The file cannot be read, has groups of no meaning, or marks what cannot be.
pub fn annotated(file: &Path, dimensions: Option<(u64, u64)>) -> miette::Result<Shape> {
    let annotations = Annotations::read(file).into_diagnostic()?;
    let scheme = Scheme::default();
    let unknown = annotations.unknown_groups(&scheme);
    if !unknown.is_empty() {
        return Err(miette::miette!(
            "{}: the groups {} are neither tumour ({}) nor cut out of it ({}); rename them",
            file.display(),
            unknown.join(", "),
            scheme.tumor.join(", "),
            scheme.holes.join(", ")
        ));
    }
    if let Some(problem) = annotations.problems(dimensions).first() {
        return Err(miette::miette!(
            "{}: {problem}; correct the annotation",
            file.display()
        ));
    }
    Ok(annotations.tumor(&scheme))
}

/// The `file` cell of a patch.
fn written(
    patch: &Patch,
    index: usize,
    (file, slide): (&Path, &str),
    plan: &Cut,
    out: &Path,
) -> miette::Result<String> {
    Ok(match plan.format {
        Format::Png => format!("patches/{}/{}.png", class(patch), patch.id()),
        Format::Hdf5 => format!("h5/{slide}.h5::imgs::{index}"),
        Format::Places => {
            let resolution = match plan.mpp.and_then(Mpp::new) {
                Some(mpp) => Resolution::Mpp(mpp),
                None => Resolution::Level(patch.level),
            };
            let region = Region {
                x: patch.x,
                y: patch.y,
                size: patch.size,
                resolution,
                slide_mpp: plan.slide_mpp.and_then(Mpp::new),
            };
            let file = std::fs::canonicalize(file).into_diagnostic()?;
            let base = std::fs::canonicalize(out).into_diagnostic()?;
            let file = file.strip_prefix(&base).unwrap_or(&file);
            format!("{}::{region}", file.display())
        }
    })
}

fn row(
    patch: &Patch,
    written: String,
    slide: &str,
    (patient, centre): (&Option<String>, &Option<String>),
) -> Vec<String> {
    let id = format!("{slide}_x{}_y{}", patch.x, patch.y);
    let label = match patch.label {
        None => String::new(),
        Some(Label::Normal) => "0".to_owned(),
        Some(Label::Tumor) => "1".to_owned(),
    };
    vec![
        id,
        written,
        label,
        patient.clone().unwrap_or_default(),
        centre.clone().unwrap_or_default(),
        slide.to_owned(),
        patch.x.to_string(),
        patch.y.to_string(),
        cell(patch.mpp),
        String::new(),
        patch.level.to_string(),
        cell(patch.mpp_asked),
        cell(patch.tumor_share),
        patch.tissue_share.to_string(),
    ]
}
