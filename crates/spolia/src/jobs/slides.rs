//! From slides and annotations to patches: slide by slide, each kept when it is finished.

use std::path::{Path, PathBuf};

use hdf5_pure::{AttrValue, FileBuilder};
use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_dataset::{Mpp, Region, Resolution};
use spolia_slide::Slide;
use spolia_slide::annotation::{Annotations, Label, LabelRule, Scheme, Shape};
use spolia_slide::patches::{self, Patch, Resolved, Sampling};
use spolia_slide::slide::Options;
use spolia_slide::tissue::{self, Flags, Mask};

use super::kept::kept;
use crate::progress::Progress;
use crate::run_folder::{StepKey, write_atomic, write_csv};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Pictures.
    Png,
    /// One HDF5 file per slide as CLAM writes them: `coords` with their attributes, and `imgs`.
    Hdf5,
    /// Places alone, read from the slides when they are needed.
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

/// A slide's name: its file's, without ending.
pub fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let whole = ["ome.tiff", "ome.tif"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending)?.strip_suffix('.'));
    match whole {
        Some(stem) => stem.to_owned(),
        None => file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    }
}

/// Patient and centre, as far as names say them: `patient_012_node_3` (Camelyon17) in a folder `centre_1`, or a TCGA barcode.
pub fn origin(file: &Path) -> (Option<String>, Option<String>) {
    let name = name(file);
    let numbered = |word: &str, text: &str| -> Option<String> {
        let rest = text.strip_prefix(word)?.strip_prefix('_')?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then(|| format!("{word}_{digits}"))
    };
    let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
    let folder = folder.to_string_lossy().to_lowercase();
    let of_folder = numbered("centre", &folder).or_else(|| numbered("center", &folder));
    if let Some(patient) = numbered("patient", &name) {
        return (
            Some(patient),
            of_folder.map(|c| c.replace("center", "centre")),
        );
    }
    let parts: Vec<&str> = name.split('-').collect();
    if parts.len() >= 3 && parts[0] == "TCGA" {
        return (Some(parts[..3].join("-")), Some(parts[1].to_owned()));
    }
    (None, of_folder.map(|c| c.replace("center", "centre")))
}

/// The annotations of a slide: a file called as it is, in the folder, or the file itself.
pub fn annotation_of(slide: &Path, annotations: &[PathBuf]) -> Option<PathBuf> {
    let own = name(slide);
    let called = |file: &&PathBuf| name(file) == own;
    annotations.iter().find(called).cloned()
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
        key = key.with("file", &state(file))?;
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

/// Path, length and time of change of a slide: hashing gigabytes would take longer than cutting.
fn state(file: &Path) -> (String, u64, u128) {
    let meta = file.metadata().ok();
    let changed = meta.as_ref().and_then(|m| m.modified().ok());
    let changed = changed.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    (
        file.display().to_string(),
        meta.map_or(0, |m| m.len()),
        changed.map_or(0, |t| t.as_nanos()),
    )
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
            slide
                .mpp()
                .map_or_else(String::new, |m| m.mean().to_string()),
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
    let Some(file) = annotation else {
        return Ok(plan.unannotated_normal.then(|| Shape::of(&[])));
    };
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
    if let Some(problem) = annotations.problems(Some(slide.dimensions())).first() {
        return Err(miette::miette!(
            "{}: {problem}; correct the annotation",
            file.display()
        ));
    }
    Ok(Some(annotations.tumor(&scheme)))
}

fn pictures(slide: &Slide, found: &[Patch], out: &Path) -> miette::Result<()> {
    for (patch, image) in patches::read(slide, found) {
        let folder = out.join("patches").join(class(patch));
        std::fs::create_dir_all(&folder).into_diagnostic()?;
        patches::write_png(&folder, patch, image.into_diagnostic()?).into_diagnostic()?;
    }
    Ok(())
}

/// Writes `h5/SLIDE.h5`, whole or not at all.
fn hdf5(slide: &Slide, found: &[Patch], out: &Path) -> miette::Result<()> {
    let Some(first) = found.first() else {
        return Ok(());
    };
    let (n, side) = (found.len() as u64, u64::from(first.size));
    let mut pixels = Vec::with_capacity((n * side * side * 3) as usize);
    for (_, image) in patches::read(slide, found) {
        pixels.extend(image.into_diagnostic()?.into_raw());
    }
    let coordinates: Vec<i64> = found
        .iter()
        .flat_map(|p| [p.x as i64, p.y as i64])
        .collect();
    let downsample = slide
        .levels()
        .get(first.level)
        .map_or(1.0, |l| l.downsample);
    let mut file = FileBuilder::new();
    let coords = file.create_dataset("coords");
    coords.with_i64_data(&coordinates).with_shape(&[n, 2]);
    for (name, value) in [
        ("patch_level", first.level as i64),
        // In pixels of that level, from which patches of another µm/px are resampled.
        ("patch_size", (first.span / downsample).round() as i64),
        ("patch_size_level0", first.span.round() as i64),
    ] {
        coords.set_attr(name, AttrValue::I64(value));
    }
    file.create_dataset("imgs")
        .with_u8_data(&pixels)
        .with_shape(&[n, side, side, 3]);
    let folder = out.join("h5");
    std::fs::create_dir_all(&folder).into_diagnostic()?;
    let target = folder.join(format!("{}.h5", name(slide.path())));
    let beside = target.with_extension("h5.part");
    file.write(&beside)
        .map_err(|e| miette::miette!("{}: cannot be written: {e}", beside.display()))?;
    std::fs::rename(&beside, &target).into_diagnostic()
}

fn class(patch: &Patch) -> &'static str {
    patch.label.map_or("unlabelled", Label::name)
}

/// A picture of what was found, and the mask.
fn qc(
    slide: &Slide,
    mask: &Mask,
    tumor: Option<&Shape>,
    found: &[Patch],
    out: &Path,
) -> miette::Result<()> {
    let folder = out.join("qc");
    std::fs::create_dir_all(&folder).into_diagnostic()?;
    let own = name(slide.path());
    let picture = tissue::picture(slide, mask, tumor, found).into_diagnostic()?;
    png(&picture, &folder.join(format!("{own}.png")))?;
    mask.write_png(&folder.join(format!("{own}_mask.png")))
        .into_diagnostic()
}

/// Writes a picture whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn png(picture: &image::RgbImage, file: &Path) -> miette::Result<()> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .into_diagnostic()?;
    Ok(write_atomic(file, &bytes.into_inner())?)
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
    let option = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
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
        option(patch.mpp),
        String::new(),
        patch.level.to_string(),
        option(patch.mpp_asked),
        option(patch.tumor_share),
        patch.tissue_share.to_string(),
    ]
}

/// The files that a pattern such as `slides/*.tif` or a path names, sorted.
///
/// # Errors
/// The pattern makes no sense, or names no file.
pub fn files(pattern: &Path) -> miette::Result<Vec<PathBuf>> {
    let text = pattern.display().to_string();
    let found =
        glob::glob(&text).map_err(|e| miette::miette!("{text}: {e}; correct the pattern"))?;
    let mut files: Vec<PathBuf> = found
        .filter_map(Result::ok)
        .flat_map(|path| {
            if !path.is_dir() {
                return vec![path];
            }
            let inside = std::fs::read_dir(&path).into_iter().flatten().flatten();
            inside
                .map(|entry| entry.path())
                .filter(|p| p.is_file())
                .collect()
        })
        .collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        return Err(miette::miette!("{text}: no such file; check the path"));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_patient_and_centre() {
        let of = |file: &str| {
            let (patient, centre) = origin(Path::new(file));
            (patient.unwrap_or_default(), centre.unwrap_or_default())
        };
        let expect = |a: &str, b: &str| (a.to_string(), b.to_string());
        assert_eq!(
            of("centre_1/patient_020_node_4.tif"),
            expect("patient_020", "centre_1")
        );
        assert_eq!(
            of("Center_3/patient_7.svs"),
            expect("patient_7", "centre_3")
        );
        assert_eq!(
            of("x/TCGA-A2-A0CM-01Z-00-DX1.svs"),
            expect("TCGA-A2-A0CM", "A2")
        );
        assert_eq!(of("x/tumor_001.tif"), expect("", ""));
        assert_eq!(name(Path::new("a/b.ome.tif")), "b");
        let annotations = [PathBuf::from("a/one.xml"), PathBuf::from("a/two.geojson")];
        assert_eq!(
            annotation_of(Path::new("s/two.svs"), &annotations),
            Some(annotations[1].clone())
        );
        assert_eq!(annotation_of(Path::new("s/three.svs"), &annotations), None);
    }
}
