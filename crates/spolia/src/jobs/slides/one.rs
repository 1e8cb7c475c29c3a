//! One slide: its tissue and tumour, the patches drawn from them, their files and rows.

use std::path::Path;
use std::sync::Arc;

use miette::IntoDiagnostic;
use spolia_dataset::{Mpp, Region, Resolution};
use spolia_slide::annotation::{Annotations, Label, Scheme, Shape};
use spolia_slide::patches::{self, Patch, Resolved, Sampling};
use spolia_slide::slide::Options;
use spolia_slide::tissue::{self, Flags, Mask};
use spolia_slide::{Slide, TileCache};

use super::names::{name, origin};
use super::stain::{Fitted, Target};
use super::write::{class, hdf5, pictures, qc};
use super::{Cut, Format};
use crate::run_folder::cell;

/// What is found on a slide.
pub(super) struct Found {
    /// Rows of patches.csv.
    pub patches: Vec<Vec<String>>,
    /// Its row of slides.csv.
    pub slide: Vec<String>,
    /// Why its patches keep their stain, where they were to get another.
    pub unsound: Option<String>,
}

/// Cuts one slide.
///
/// # Errors
/// The slide or its annotations cannot be read, or a file cannot be written.
pub(super) fn one(
    (file, annotation): (&Path, Option<&Path>),
    plan: &Cut,
    target: Option<&Target>,
    cache: &Arc<TileCache>,
    out: &Path,
) -> miette::Result<Found> {
    let options = Options {
        mpp: plan.slide_mpp,
        cache: Some(Arc::clone(cache)),
    };
    let slide = Slide::open_with(file, &options).into_diagnostic()?;
    let own = name(file);
    let mask = Mask::find(&slide, &tissue::Options::default()).into_diagnostic()?;
    let tumor = tumor(&slide, annotation, plan)?;
    let mut classes = vec![Label::Tumor];
    if !plan.exclude.contains(&own) {
        classes.insert(0, Label::Normal);
    }
    let sampling = Sampling {
        size: plan.size,
        resolved: plan.mpp.map_or(Resolved::Level(plan.level), Resolved::Mpp),
        tissue: plan.tissue,
        rule: plan.label.rule(),
        classes,
        overlap: plan.overlap,
    };
    let found = match plan.per_class {
        Some(most) => patches::random(&slide, &mask, tumor.as_ref(), &sampling, most, plan.seed),
        None => patches::grid(&slide, &mask, tumor.as_ref(), &sampling),
    }
    .into_diagnostic()?;
    let (fitted, unsound) = match target.filter(|_| !found.is_empty()) {
        None => (None, None),
        Some(target) => match Fitted::of(&slide, &found, target)? {
            Ok(fitted) => (Some(fitted), None),
            Err(why) => (None, Some(why)),
        },
    };
    match plan.format {
        Format::Png => pictures(&slide, &found, fitted.as_ref(), out)?,
        Format::Hdf5 => hdf5(&slide, &found, fitted.as_ref(), out)?,
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
        let of_label = found.iter().filter(|p| p.label == label);
        of_label.count().to_string()
    };
    let seen = [
        ("pen", flags.has_pen()),
        ("folds", flags.has_folds()),
        ("blurred", flags.is_blurred()),
    ];
    let seen: Vec<&str> = seen.iter().filter(|(_, is)| *is).map(|(n, _)| *n).collect();
    let reason = match (found.is_empty(), mask.empty_reason()) {
        (true, Some(why)) => why.to_string(),
        (true, None) => {
            "no patch has enough tissue, lies inside the slide and has a label".to_owned()
        }
        _ => unsound.clone().unwrap_or_default(),
    };
    let stain = match (&fitted, &unsound) {
        (Some(fitted), _) => fitted.name(),
        (None, Some(_)) => "left",
        (None, None) => "",
    };
    Ok(Found {
        patches: rows,
        unsound,
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
            stain.to_owned(),
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
