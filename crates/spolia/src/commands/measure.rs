//! `spolia measure`.

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use serde_json::Value;
use spolia_dataset::{Problem, Reader};
use spolia_measure::Measure as Of;

use super::images::{ImagesArgs, existing_folder, tell};
use crate::context::{Context, Outcome, Wrong};
use crate::jobs::measure::{measure, measure_with_masks};
use crate::output::{self, Table};
use crate::run_folder::write_atomic;
use crate::study::keys::nearest;

/// `spolia measure IMAGES`
#[derive(Debug, Args)]
#[command(after_help = help())]
pub struct Measure {
    #[command(flatten)]
    images: ImagesArgs,
    /// Measures [default: glcm_asm,glcm_contrast,glcm_correlation].
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    measures: Vec<String>,
    /// A folder of instance masks, ID.png (gray, the number of each nucleus): nuclei are those, where there is a mask.
    #[arg(long, value_name = "DIR")]
    masks: Option<PathBuf>,
    /// The table to write [default: standard output].
    #[arg(long, value_name = "CSV")]
    out: Option<PathBuf>,
    /// Prints the table as JSON.
    #[arg(long, conflicts_with = "out")]
    json: bool,
}

impl Measure {
    /// Runs the command.
    ///
    /// # Errors
    /// The images cannot be found, a measure is not known, or the table cannot be written.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        let measures = chosen(&self.measures)?;
        if let Some(out) = &self.out {
            output::prepare_file(out)?;
        }
        existing_folder("--masks", self.masks.as_deref())?;
        let (patches, mut problems) = self.images.resolve(context)?;
        let reader = Reader::new();
        let task = context.progress.start("measure", patches.len());
        let measured: Vec<Result<Vec<f64>, Problem>> = patches
            .patches()
            .par_iter()
            .map(|patch| {
                let values = match &self.masks {
                    Some(masks) => measure_with_masks(patch, &reader, &measures, masks),
                    None => measure(patch, &reader, &measures),
                };
                task.advance(1);
                values
            })
            .collect();
        task.finish();

        let names = measures.iter().map(|measure| measure.name());
        let mut table = Table::new(["id"].into_iter().chain(names));
        for (patch, values) in patches.patches().iter().zip(measured) {
            match values {
                Ok(values) => {
                    let cells = values.into_iter().map(Value::from);
                    table.push(
                        [patch.id.as_str().into()]
                            .into_iter()
                            .chain(cells)
                            .collect(),
                    );
                }
                Err(problem) => problems.push(problem),
            }
        }
        match &self.out {
            Some(out) => write_atomic(out, table.csv().as_bytes())?,
            None => table.print(self.json)?,
        }
        Ok(Outcome::of(tell(&problems)))
    }
}

/// The measures asked for, each once; the paper's, sorted by name, where none is.
fn chosen(names: &[String]) -> miette::Result<Vec<Of>> {
    let mut measures = Vec::new();
    for name in names {
        let measure = Of::parse(name).map_err(|error| {
            let near = nearest(name, Of::ALL.iter().map(|measure| measure.name()));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            Wrong::usage(format!("--measures: {error}{hint}"))
        })?;
        if !measures.contains(&measure) {
            measures.push(measure);
        }
    }
    if measures.is_empty() {
        measures = Of::PAPER.to_vec();
        measures.sort_unstable();
    }
    Ok(measures)
}

/// Every measure with its meaning.
fn help() -> String {
    let lines = Of::ALL
        .iter()
        .map(|m| format!("  {:<36} {}", m.name(), m.description()));
    format!("Measures:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
