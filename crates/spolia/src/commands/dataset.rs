//! `spolia dataset check` and `spolia dataset split`.

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
use crate::output::{self, Table};
use crate::seed;

/// `spolia dataset …`
#[derive(Debug, Subcommand)]
pub enum Dataset {
    /// Counts patches, finds duplicates, leaks and bad files.
    Check {
        /// The images.
        #[command(flatten)]
        images: ImagesArgs,
        /// Prints the table as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Divides patches into train, val and test by patient.
    Split(SplitArgs),
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
            Dataset::Check { images, json } => run_check(&images, json, context),
            Dataset::Split(args) => args.run(context),
        }
    }
}

fn run_check(images: &ImagesArgs, json: bool, context: &Context) -> miette::Result<Outcome> {
    let (table, mut problems) = images.resolve(context)?;
    let found = check(&table, &Reader::new()).into_diagnostic()?;
    problems.extend(found.problems.iter().cloned());
    let mut shown = counts(&table, &found);
    for problem in &problems {
        let what = format!("{}; {}", problem.what, problem.remedy);
        note(&mut shown, ("problem", &problem.item), 1, what);
    }
    shown.print(json)?;
    context.progress.note(&format!(
        "{} patches, {} duplicates, {} leaks, {} problems",
        found.patches,
        found.duplicates.len(),
        found.leaks.len(),
        problems.len()
    ));
    Ok(Outcome::of(found.leaks.len() + problems.len()))
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
        output::prepare_file(&self.out)?;
        let (table, mut problems) = self.images.resolve(context)?;
        let (hashes, unreadable) = content_hashes(&table, &Reader::new());
        problems.extend(unreadable);
        // A patch that cannot be read must not land in a table that others train on.
        let mut readable = hashes.iter().map(Option::is_some);
        let table = table.filtered(|_| readable.next().unwrap_or(false));
        let hashes: Vec<_> = hashes.into_iter().filter(Option::is_some).collect();
        let options = SplitOptions {
            by: self.by.into(),
            val: self.val,
            test: self.test,
            seed: seed::derive(context.seed(), "patches", "split"),
        };
        let divided = split(&table, Some(&hashes), &options).into_diagnostic()?;
        ensure_no_leaks(&divided.table, Some(&hashes), false).into_diagnostic()?;
        divided.table.write_csv(&self.out).into_diagnostic()?;
        let by = match divided.unit {
            Some(unit) => format!("by {unit}"),
            None => "as the images state it".to_string(),
        };
        let sizes: Vec<String> = Split::ALL
            .into_iter()
            .map(|split| format!("{} {split}", divided.table.of_split(split).count()))
            .collect();
        context.progress.note(&format!(
            "{} ({by}): {}",
            self.out.display(),
            sizes.join(", ")
        ));
        Ok(Outcome::of(tell(&problems)))
    }
}
