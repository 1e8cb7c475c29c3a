//! `spolia dataset check` and `spolia dataset split`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use miette::IntoDiagnostic;
use serde_json::Value;
use spolia_dataset::{
    Check, Count, PatchTable, Reader, Split, SplitOptions, Unit, check, content_hashes,
    ensure_no_leaks, split,
};

use super::images::{ImagesArgs, tell};
use crate::context::{Context, Outcome};
use crate::jobs::stains::{self, Stains};
use crate::output::{self, Table};
use crate::run_folder::write_csv;
use crate::seed;

/// `spolia dataset …`
#[derive(Debug, Subcommand)]
pub enum Dataset {
    /// Counts patches, finds duplicates, leaks and bad files, compares the stains of centres.
    Check(CheckArgs),
    /// Divides patches into train, val and test by patient.
    Split(SplitArgs),
}

/// `spolia dataset check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    images: ImagesArgs,
    /// Prints the table as JSON.
    #[arg(long)]
    json: bool,
    /// A table to write: the stains of each slide whose centre is known.
    #[arg(long, value_name = "CSV")]
    stains: Option<PathBuf>,
}

/// `spolia dataset split`
#[derive(Debug, Args)]
pub struct SplitArgs {
    #[command(flatten)]
    images: ImagesArgs,
    /// What is never divided; the next smaller unit where it is unknown.
    #[arg(long, value_enum, default_value_t = By::Patient)]
    by: By,
    /// Share of the patches for validation.
    #[arg(long, default_value_t = 0.15, value_name = "SHARE")]
    val: f64,
    /// Share of the patches for the test.
    #[arg(long, default_value_t = 0.15, value_name = "SHARE")]
    test: f64,
    /// Centres whose patches are the test, and they alone; the others are divided in train and val.
    #[arg(long, value_name = "CENTRE,…", value_delimiter = ',')]
    test_centre: Vec<String>,
    /// Holds each centre out in turn: OUT is a folder, with CENTRE.csv for each.
    #[arg(long, conflicts_with = "test_centre")]
    leave_one_centre_out: bool,
    /// The table to write: the patches with their split.
    #[arg(long, value_name = "CSV")]
    out: PathBuf,
}

/// What is never divided.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    Patient,
    Centre,
    Slide,
    Image,
}

impl From<By> for Unit {
    fn from(by: By) -> Unit {
        match by {
            By::Patient => Unit::Patient,
            By::Centre => Unit::Centre,
            By::Slide => Unit::Slide,
            By::Image => Unit::Image,
        }
    }
}

impl Dataset {
    /// Runs the command.
    ///
    /// # Errors
    /// The images cannot be found, or the split cannot be made or written.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        match self {
            Dataset::Check(args) => args.run(context),
            Dataset::Split(args) => args.run(context),
        }
    }
}

impl CheckArgs {
    fn run(self, context: &Context) -> miette::Result<Outcome> {
        let (table, mut problems) = self.images.resolve(context)?;
        let reader = Reader::new();
        let found = check(&table, &reader).into_diagnostic()?;
        problems.extend(found.problems.iter().cloned());
        let mut shown = counts(&table, &found);
        let seed = seed::derive(context.seed(), "dataset", "stains");
        let stains = stains::stains(&table, &reader, seed)?;
        stained(&mut shown, &stains);
        if let Some(file) = &self.stains {
            output::prepare_file(file)?;
            write_csv(file, &stains::HEADER, stains::rows(&stains.slides))?;
        }
        for problem in &problems {
            let what = format!("{}; {}", problem.what, problem.remedy);
            note(&mut shown, ("problem", &problem.item), 1, what);
        }
        shown.print(self.json)?;
        context.progress.note(&format!(
            "{} patches, {} duplicates, {} leaks, {} problems",
            found.patches,
            found.duplicates.len(),
            found.leaks.len(),
            problems.len()
        ));
        Ok(Outcome::of(found.leaks.len() + problems.len()))
    }
}

/// The stains of each centre, whether they differ, and the slides whose stains cannot be told.
fn stained(shown: &mut Table, stains: &Stains) {
    for centre in &stains.centres {
        let name = ("stain", centre.centre.as_str());
        note(shown, name, centre.patients, centre.words());
    }
    if let Some(found) = &stains.compared {
        note(
            shown,
            ("stain", "all centres"),
            found.n,
            stains::compared(found),
        );
    }
    for slide in &stains.slides {
        if let Err(why) = &slide.stains {
            let what = format!("{} is left out: {why}", slide.slide);
            note(shown, ("stain", &slide.centre), 0, what);
        }
    }
}

/// Counts, then duplicates and leaks, one row each.
fn counts(table: &PatchTable, found: &Check) -> Table {
    let classes = table.classes().iter().map(String::as_str);
    let header = ["kind", "name"].into_iter().chain(classes);
    let mut shown = Table::new(header.chain(["unlabelled", "total", "note"]));
    let kinds: [(&str, &[Count]); 4] = [
        ("split", &found.by_split),
        ("patient", &found.by_patient),
        ("centre", &found.by_centre),
        ("slide", &found.by_slide),
    ];
    for (kind, counts) in kinds {
        for count in counts {
            let name = if count.value.is_empty() {
                Value::Null
            } else {
                count.value.as_str().into()
            };
            let mut row = vec![kind.into(), name];
            row.extend(count.of_class.iter().map(|&n| Value::from(n)));
            row.extend([count.unlabelled.into(), count.total().into()]);
            shown.push(row);
        }
    }
    for same in &found.duplicates {
        let ids: Vec<&str> = same
            .rows
            .iter()
            .map(|&row| table.patches()[row].id.as_str())
            .collect();
        let splits: Vec<&str> = same.splits.iter().map(|split| split.name()).collect();
        let labels = if same.labels_differ {
            "labels differ"
        } else {
            "same label"
        };
        let what = format!("{labels}; in {}", splits.join(" and "));
        note(
            &mut shown,
            ("duplicate", &ids.join(" ")),
            same.rows.len(),
            what,
        );
    }
    for leak in &found.leaks {
        let (_, first) = leak
            .examples
            .first()
            .cloned()
            .unwrap_or((Split::Train, String::new()));
        note(&mut shown, ("leak", &first), leak.patches, leak.to_string());
    }
    shown
}

fn note(shown: &mut Table, (kind, name): (&str, &str), total: usize, what: String) {
    shown.push_named(&[
        ("kind", kind.into()),
        ("name", name.into()),
        ("total", total.into()),
        ("note", what.into()),
    ]);
}

impl SplitArgs {
    fn run(self, context: &Context) -> miette::Result<Outcome> {
        if self.leave_one_centre_out {
            output::prepare_folder(&self.out)?;
        } else {
            output::prepare_file(&self.out)?;
        }
        let (table, mut problems) = self.images.resolve(context)?;
        let (hashes, unreadable) = content_hashes(&table, &Reader::new());
        problems.extend(unreadable);
        // A patch that cannot be read must not land in a table that others train on.
        let mut readable = hashes.iter().map(Option::is_some);
        let table = table.filtered(|_| readable.next().unwrap_or(false));
        let hashes: Vec<_> = hashes.into_iter().filter(Option::is_some).collect();
        let mut rounds = vec![(self.out.clone(), self.test_centre.clone())];
        if self.leave_one_centre_out {
            let centres = table.patches().iter().filter_map(|p| p.centre.clone());
            let centres: BTreeSet<String> = centres.collect();
            if centres.len() < 2 {
                return Err(miette::miette!(
                    "{}: {} centre(s) are known, and leaving one out needs two; fill the column centre",
                    self.images.images.display(),
                    centres.len()
                ));
            }
            let round = |centre: String| {
                (
                    self.out.join(format!("{}.csv", named(&centre))),
                    vec![centre],
                )
            };
            rounds = centres.into_iter().map(round).collect();
        }
        for (out, held_out) in rounds {
            let options = SplitOptions {
                by: self.by.into(),
                val: self.val,
                test: self.test,
                seed: seed::derive(context.seed(), "patches", "split"),
                held_out,
            };
            let divided = split(&table, Some(&hashes), &options).into_diagnostic()?;
            ensure_no_leaks(&divided.table, Some(&hashes), false).into_diagnostic()?;
            divided.table.write_csv(&out).into_diagnostic()?;
            let by = match divided.unit {
                Some(unit) => format!("by {unit}"),
                None => "as the images state it".to_string(),
            };
            let sizes: Vec<String> = Split::ALL
                .into_iter()
                .map(|split| format!("{} {split}", divided.table.of_split(split).count()))
                .collect();
            let line = format!("{} ({by}): {}", out.display(), sizes.join(", "));
            context.progress.note(&line);
        }
        Ok(Outcome::of(tell(&problems)))
    }
}

/// A centre's name as a file's: what has a meaning in paths is replaced.
fn named(centre: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    centre.chars().map(plain).collect()
}
