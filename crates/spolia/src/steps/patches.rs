//! The patches of a study: found, read once, divided, and written to patches.csv.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use miette::IntoDiagnostic;
use rayon::prelude::*;
use spolia_dataset::{
    ContentHash, Patch, PatchTable, Problem, Reader, ResolveOptions, Split, SplitOptions,
    Splitting, Unit, ensure_no_leaks, resolve, split,
};

use crate::jobs::slides::{Cut, Format, annotation_of, cut, files, name};
use crate::progress::Progress;
use crate::run_folder::{Begin, Manifest, RunFolder, StepKey, file_state};
use crate::seed;
use crate::study::{PatchesPlan, SLIDE_PATCH, SlidesPlan, SplitBy};

/// Name of the step.
pub const STEP: &str = "patches";

/// A patch that could be read: its content, width and height.
type Read = (ContentHash, usize, usize);

/// Finds and divides the patches of a study, unless that is done; returns them as in patches.csv.
///
/// Patches that cannot be read, have no label or another size than the others go to problems.csv.
///
/// # Errors
/// There are no patches, they cannot be divided, a leak is not allowed, or the run folder cannot
/// be written.
pub fn run(
    plan: &PatchesPlan,
    study_seed: u64,
    run: &mut RunFolder,
    progress: Progress,
) -> miette::Result<PatchTable> {
    let (mut table, mut problems) = find(plan)?;
    if let Some(slides) = &plan.slides {
        let (cut, failed) = cut_slides(plan, slides, study_seed, run, progress)?;
        problems.extend(failed);
        let patches = table.patches().iter().chain(cut.patches()).cloned();
        table = PatchTable::new(patches.collect(), plan.classes.to_vec()).into_diagnostic()?;
    }
    let inputs = inputs(plan, study_seed, &table)?;
    let file = run.path("patches.csv");
    if run.begin(STEP, &inputs, &["patches.csv"])? == Begin::Done {
        return written(&file, plan);
    }
    let total = table.len() + problems.len();
    let made = divide(plan, study_seed, &table, &mut problems, progress);
    for problem in &problems {
        run.problem(
            &problem.item,
            STEP,
            format!("{}; {}", problem.what, problem.remedy),
        )?;
    }
    let (divided, size, notes) = match made {
        Ok(made) => made,
        Err(error) => {
            run.fail(STEP, &error)?;
            return Err(error);
        }
    };
    let table = at_most(&divided.table, plan.most, study_seed);
    table.write_csv(&file).into_diagnostic()?;
    run.describe(|manifest| describe(manifest, plan, &table, &divided, size, notes))?;
    run.finish(STEP, total)?;
    written(&file, plan)
}

/// Cuts the study's slides into `patches/`, unless that is done; returns the patches, and the slides that failed.
fn cut_slides(
    plan: &PatchesPlan,
    slides: &SlidesPlan,
    study_seed: u64,
    run: &RunFolder,
    progress: Progress,
) -> miette::Result<(PatchTable, Vec<Problem>)> {
    let all = |patterns: &[std::path::PathBuf]| -> miette::Result<Vec<_>> {
        let found: miette::Result<Vec<_>> = patterns.iter().map(|p| files(p)).collect();
        Ok(found?.concat())
    };
    let annotations = all(&slides.annotations)?;
    let (known, unknown): (Vec<_>, Vec<_>) = all(&slides.slides)?.into_iter().partition(|slide| {
        slides.unannotated_normal || annotation_of(slide, &annotations).is_some()
    });
    let mut problems: Vec<Problem> = unknown
        .iter()
        .map(|slide| Problem {
            item: name(slide),
            what: format!("{} has no annotation of its name", slide.display()),
            remedy: "annotate it, or say unannotated = \"normal\" if it has no tumour".into(),
        })
        .collect();
    let cut_plan = Cut {
        size: plan.size.unwrap_or(SLIDE_PATCH),
        mpp: slides.mpp,
        level: slides.level,
        slide_mpp: slides.slide_mpp,
        per_class: Some(slides.per_slide),
        overlap: 1.0,
        tissue: 0.4,
        label: slides.label,
        unannotated_normal: slides.unannotated_normal,
        exclude: slides.exclude.clone(),
        stain: slides.stain.clone(),
        format: Format::Png,
        seed: seed::derive(study_seed, "slides", ""),
    };
    let folder = run.path("patches");
    std::fs::create_dir_all(&folder).into_diagnostic()?;
    let troubles = cut(&known, &annotations, &cut_plan, &folder, progress)?;
    problems.extend(troubles.into_iter().map(|trouble| Problem {
        item: trouble.slide,
        what: trouble.reason,
        remedy: trouble.remedy.into(),
    }));
    let (table, missing) =
        PatchTable::read_csv(&folder.join("patches.csv"), &plan.classes).into_diagnostic()?;
    problems.extend(missing);
    Ok((table, problems))
}

/// The table of patches.csv: read back whether it is new or kept, so that a resumed run writes the
/// same `file` column as one that was never stopped.
fn written(file: &Path, plan: &PatchesPlan) -> miette::Result<PatchTable> {
    let (table, _) = PatchTable::read_csv(file, &plan.classes).into_diagnostic()?;
    Ok(table)
}

/// All images of the study in one table.
fn find(plan: &PatchesPlan) -> miette::Result<(PatchTable, Vec<Problem>)> {
    let options = ResolveOptions {
        classes: Some(plan.classes.to_vec()),
    };
    let (mut patches, mut problems) = (Vec::new(), Vec::new());
    for source in &plan.images {
        let (table, missing) = resolve(source, &options).into_diagnostic()?;
        patches.extend(table.patches().iter().cloned());
        problems.extend(missing);
    }
    let table = PatchTable::new(patches, plan.classes.to_vec()).into_diagnostic()?;
    Ok((table, problems))
}

/// What patches.csv is made from: the plan, the rows found, and each file's length and time.
fn inputs(plan: &PatchesPlan, seed: u64, table: &PatchTable) -> miette::Result<String> {
    let mut files: BTreeMap<&Path, (u64, u128)> = BTreeMap::new();
    for patch in table.patches() {
        files
            .entry(patch.source.path())
            .or_insert_with_key(|file| file_state(file));
    }
    let files: Vec<(String, (u64, u128))> = files
        .into_iter()
        .map(|(file, state)| (file.display().to_string(), state))
        .collect();
    let row = |p: &Patch| {
        (
            p.id.clone(),
            p.label,
            p.patient.clone(),
            p.slide.clone(),
            p.split.map(Split::name),
        )
    };
    let rows: Vec<_> = table.patches().iter().map(row).collect();
    let key = StepKey::new(STEP).with("plan", plan)?.with("seed", &seed)?;
    Ok(key.with("files", &files)?.with("rows", &rows)?.finish())
}

/// The divided patches, their side in pixels, and what the report must say about the division.
type Divided = (Splitting, usize, Vec<String>);

fn divide(
    plan: &PatchesPlan,
    study_seed: u64,
    table: &PatchTable,
    problems: &mut Vec<Problem>,
    progress: Progress,
) -> miette::Result<Divided> {
    let read = read(table, progress);
    let first = read.iter().flatten().map(|(_, width, _)| *width).next();
    let size = plan.size.map(|size| size as usize).or(first).unwrap_or(0);
    let mut hashes = Vec::new();
    let mut keep = Vec::new();
    for (patch, read) in table.patches().iter().zip(read) {
        let usable = read.and_then(|read| usable(patch, read, size));
        keep.push(usable.is_ok());
        match usable {
            Ok(hash) => hashes.push(Some(hash)),
            Err(problem) => problems.push(problem),
        }
    }
    if hashes.is_empty() {
        let first = problems
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        return Err(miette::miette!(
            "none of the {} patches can be used: {first}",
            table.len()
        ));
    }
    let mut keep = keep.into_iter();
    let table = table.filtered(|_| keep.next().unwrap_or(false));
    let by = match plan.split_by {
        SplitBy::Centre => Unit::Centre,
        SplitBy::Patient => Unit::Patient,
        SplitBy::Slide => Unit::Slide,
        SplitBy::Image => Unit::Image,
    };
    let seed = seed::derive(study_seed, STEP, "split");
    let options = SplitOptions {
        by,
        val: plan.val,
        test: plan.test,
        seed,
        held_out: plan.test_centres.clone(),
    };
    let divided = split(&table, Some(&hashes), &options).into_diagnostic()?;
    let leaks =
        ensure_no_leaks(&divided.table, Some(&hashes), plan.allow_leaks).into_diagnostic()?;
    let mut notes = Vec::new();
    match divided.unit {
        Some(unit) if unit < by => notes.push(format!(
            "The {by} of some patches is unknown, so the split is by {unit}: patches of one {by} may be in both training and test, and test figures may be too good."
        )),
        None if by == Unit::Patient && table.patches().iter().any(|p| p.patient.is_none()) => {
            notes.push("The images state their own split; whether it keeps patients apart is unknown.".to_string());
        }
        _ => {}
    }
    if !leaks.is_empty() {
        notes.push(format!(
            "{} leaks between training, validation and test were allowed (allow_leaks = true), such as: {}.",
            leaks.len(),
            leaks[0]
        ));
    }
    Ok((divided, size, notes))
}

/// Reads every patch once.
fn read(table: &PatchTable, progress: Progress) -> Vec<Result<Read, Problem>> {
    let reader = Reader::new();
    let task = progress.start(STEP, table.len());
    let read = table.patches().par_iter().map(|patch| {
        let image = reader.read(patch);
        task.advance(1);
        match image {
            Ok(image) => Ok((ContentHash::of(&image), image.width, image.height)),
            Err(error) => Err(problem(
                patch,
                error.to_string(),
                "the study goes on without it",
            )),
        }
    });
    let read = read.collect();
    task.finish();
    read
}

fn usable(patch: &Patch, (hash, width, height): Read, size: usize) -> Result<ContentHash, Problem> {
    if patch.label.is_none() {
        let remedy = "give it a label (class folder, labels.csv) or take it out";
        return Err(problem(
            patch,
            format!("{} has no label", patch.file),
            remedy,
        ));
    }
    if (width, height) != (size, size) {
        let what = format!(
            "{} is {width} x {height} pixels, not {size} x {size}",
            patch.file
        );
        return Err(problem(
            patch,
            what,
            "cut it to that size, or set `size` in [patches]",
        ));
    }
    Ok(hash)
}

fn problem(patch: &Patch, what: String, remedy: &str) -> Problem {
    Problem {
        item: patch.id.clone(),
        what,
        remedy: remedy.to_string(),
    }
}

/// At most so many patches of each class and split. Which ones depends on their ids and the seed
/// alone.
fn at_most(table: &PatchTable, most: Option<u64>, study_seed: u64) -> PatchTable {
    let Some(most) = most else {
        return table.clone();
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    type Group = (Option<u8>, Option<Split>);
    let mut groups: BTreeMap<Group, Vec<(usize, &str)>> = BTreeMap::new();
    for (row, patch) in table.patches().iter().enumerate() {
        let group = groups.entry((patch.label, patch.split)).or_default();
        group.push((row, &patch.id));
    }
    let drawn = groups
        .into_values()
        .flat_map(|items| seed::draw(study_seed, "patches/most", items.into_iter(), most));
    let kept: BTreeSet<usize> = drawn.collect();
    let mut row = 0..;
    table.filtered(|_| row.next().is_some_and(|row| kept.contains(&row)))
}

fn describe(
    manifest: &mut Manifest,
    plan: &PatchesPlan,
    table: &PatchTable,
    divided: &Splitting,
    size: usize,
    notes: Vec<String>,
) {
    manifest.classes = plan.classes.to_vec();
    manifest.positive = plan.classes[1].clone();
    manifest.split_by = divided.unit.map_or("given", Unit::name).to_string();
    manifest.patch_size = size as u32;
    let mut mpp = table.patches().iter().map(|patch| patch.mpp);
    let first = mpp.next().flatten();
    manifest.mpp = first.filter(|_| mpp.all(|other| other == first));
    manifest.notes = notes;
}
