//! Many slides: a fixed number at once with one cache of tiles, each kept when it is finished.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_slide::TileCache;

use super::names::{annotation_of, name};
use super::one::one;
use super::stain::Target;
use super::workers::{self, in_order};
use super::{Cut, Format, HEADER, SLIDES};
use crate::jobs::kept::kept;
use crate::progress::Progress;
use crate::run_folder::{StepKey, file_state, write_csv};

/// Bytes of decoded tiles that all slides in hand keep together.
const CACHE: usize = 128 << 20;

/// What is kept of a finished slide, beside its rows of patches.csv.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    /// Its row of slides.csv.
    slide: Vec<String>,
    /// Why its patches keep their stain, where they were to get another.
    unsound: Option<String>,
}

/// A slide that something is wrong with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its name.
    pub slide: String,
    /// What is wrong.
    pub reason: String,
    /// What became of it.
    pub remedy: &'static str,
}

/// A slide and what is known of it before it is opened.
struct Item {
    file: PathBuf,
    annotation: Option<PathBuf>,
    /// The earlier slide of the same name, whose files its own would replace.
    namesake: Option<PathBuf>,
}

/// Cuts patches of all slides into `out`: patches.csv, slides.csv, `qc/SLIDE.png`, `qc/SLIDE_mask.png` and
/// `patches/LABEL/ID.png` or `h5/SLIDE.h5`. Up to four slides are in hand at once; a slide that fails does not stop the others; a finished
/// one is not cut again. slides.csv says after each slide how far all are. Returns the slides that something is wrong with.
///
/// # Errors
/// The target of the stain cannot be used, or the folder cannot be written.
pub fn cut(
    slides: &[PathBuf],
    annotations: &[PathBuf],
    plan: &Cut,
    out: &Path,
    progress: Progress,
) -> miette::Result<Vec<Trouble>> {
    let target = plan.stain.as_ref().map(Target::of).transpose()?;
    let cache = Arc::new(TileCache::new(CACHE));
    let items = items(slides, annotations);
    let mut states: Vec<Vec<String>> = items
        .iter()
        .map(|item| state(item, "waiting", ""))
        .collect();
    let table = out.join("slides.csv");
    write_csv(&table, &SLIDES, &states)?;
    let task = progress.start("slides", items.len());
    let work = |item: &Item| -> miette::Result<(PathBuf, Done)> {
        if let Some(first) = &item.namesake {
            return Err(miette::miette!(
                "{} is called so too, and files are named after slides; rename one",
                first.display()
            ));
        }
        let mark = out.join(format!(
            "slides/{}-{}",
            name(&item.file),
            &key(item, plan)?[..16]
        ));
        let rows = mark.with_added_extension("csv");
        let done = mark.with_added_extension("json");
        if !rows.exists() {
            // Rows without their mark are written again; a mark without its rows is worth nothing.
            let _ = std::fs::remove_file(&done);
        }
        let done = kept(&done, || {
            let slide = (item.file.as_path(), item.annotation.as_deref());
            let found = one(slide, plan, target.as_ref(), &cache, out)?;
            write_csv(&rows, &HEADER, &found.patches)?;
            Ok(Done {
                slide: found.slide,
                unsound: found.unsound,
            })
        })?;
        Ok((rows, done))
    };
    let workers = match plan.format {
        // It holds all patches of a slide.
        Format::Hdf5 => 1,
        Format::Png | Format::Places => rayon::current_num_threads().min(workers::MOST),
    };
    let mut unwritten = None;
    let made = in_order(&items, workers, work, |index, made| {
        states[index] = match made {
            Ok((_, done)) => done.slide.clone(),
            Err(error) => state(&items[index], "failed", &error.to_string()),
        };
        if let Err(error) = write_csv(&table, &SLIDES, &states) {
            unwritten.get_or_insert(error);
        }
        task.advance(1);
    });
    task.finish();
    if let Some(error) = unwritten {
        return Err(error.into());
    }
    let mut parts = Vec::new();
    let mut troubles = Vec::new();
    for (item, made) in items.iter().zip(made) {
        let (reason, remedy) = match made {
            Ok((rows, done)) => {
                parts.push(rows);
                match done.unsound {
                    None => continue,
                    Some(why) => (why, "its patches keep their own stain"),
                }
            }
            Err(error) => (error.to_string(), "the other slides go on without it"),
        };
        troubles.push(Trouble {
            slide: name(&item.file),
            reason,
            remedy,
        });
    }
    join(&out.join("patches.csv"), &parts)?;
    Ok(troubles)
}

fn items(slides: &[PathBuf], annotations: &[PathBuf]) -> Vec<Item> {
    let mut first: BTreeMap<String, &Path> = BTreeMap::new();
    let item = |file: &'_ PathBuf, namesake: Option<PathBuf>| Item {
        annotation: annotation_of(file, annotations),
        file: file.clone(),
        namesake,
    };
    let mut items = Vec::new();
    for file in slides {
        let namesake = first.insert(name(file), file).map(Path::to_path_buf);
        items.push(item(file, namesake));
    }
    items
}

/// What a slide's patches depend on.
fn key(item: &Item, plan: &Cut) -> miette::Result<String> {
    // Hashing gigabytes would take longer than cutting.
    let (length, changed) = file_state(&item.file);
    let mut key = StepKey::new("slide")
        .with("plan", plan)?
        .with("file", &(item.file.display().to_string(), length, changed))?;
    if let Some(annotation) = &item.annotation {
        key = key.file("annotation", annotation)?;
    }
    if let Some(target) = plan.stain.as_ref().and_then(|s| s.target.as_deref()) {
        key = key.file("target", target)?;
    }
    Ok(key.finish())
}

/// A row of slides.csv of which no more is known.
fn state(item: &Item, state: &str, reason: &str) -> Vec<String> {
    let mut row = vec![name(&item.file), item.file.display().to_string()];
    row.extend([state.to_owned(), reason.to_owned()]);
    row.resize(SLIDES.len(), String::new());
    row
}

/// Writes tables of one header as one, whole or not at all, without holding them.
fn join(file: &Path, parts: &[PathBuf]) -> miette::Result<()> {
    let beside = file.with_file_name(".patches.csv.partial");
    let mut out = BufWriter::new(File::create(&beside).into_diagnostic()?);
    writeln!(out, "{}", HEADER.join(",")).into_diagnostic()?;
    for part in parts {
        let mut rows = io::BufReader::new(File::open(part).into_diagnostic()?);
        io::BufRead::skip_until(&mut rows, b'\n').into_diagnostic()?;
        io::copy(&mut rows, &mut out).into_diagnostic()?;
    }
    let out = out.into_inner().into_diagnostic()?;
    out.sync_all().into_diagnostic()?;
    std::fs::rename(&beside, file).into_diagnostic()
}
