//! `spolia concepts`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Problem, Reader, Unit, groups};
use spolia_interpret::concepts::{Concept, ConceptOptions};

use super::images::{ImagesArgs, tell};
use super::network_args::NetworkArgs;
use crate::context::{Context, Outcome};
use crate::jobs::concepts::{Regression, picked, write_tables};
use crate::jobs::features::means;
use crate::jobs::model::Model;
use crate::jobs::relevance;
use crate::output;
use crate::seed;

/// `spolia concepts IMAGES`
///
/// How well each layer's activations (averaged over space) tell each measure: in sample as the paper did, held out by
/// patient, and what noise would give.
#[derive(Debug, Args)]
pub struct Concepts {
    #[command(flatten)]
    images: ImagesArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// Layers.
    #[arg(long = "layer", value_name = "LAYER", required = true)]
    layers: Vec<String>,
    /// A table with `id` and one column per measure, as `spolia measure` writes it.
    #[arg(long, value_name = "CSV")]
    measures: PathBuf,
    /// Random subsets and cross-validations.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// The folder to write: r2.csv, relevance.csv, vectors.safetensors.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Concepts {
    /// Runs the command.
    ///
    /// # Errors
    /// The images, the weights, the measures or the folder cannot be used; too few images or groups.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        let model = Model::load(&self.network.weights, self.network.convention)?;
        let stages = model.stages(&self.layers)?;
        let (measures, measured) = read(&self.measures)?;
        let (table, mut problems) = self.images.resolve(context)?;
        problems.extend(
            table
                .patches()
                .iter()
                .filter(|p| !measured.contains_key(&p.id))
                .map(|p| Problem {
                    item: p.id.clone(),
                    what: format!("is not measured in {}", self.measures.display()),
                    remedy: "measure it, or leave it out".into(),
                }),
        );
        let table = table.filtered(|p| measured.contains_key(&p.id));
        let patches: Vec<&Patch> = table.patches().iter().collect();
        let grouped = groups(&table, Unit::Patient, None).into_diagnostic()?;
        let concepts: Vec<Concept> = measures
            .iter()
            .enumerate()
            .map(|(k, id)| Concept {
                id: id.clone(),
                values: patches.iter().map(|p| measured[&p.id][k]).collect(),
            })
            .collect();
        let (features, failed) = means(
            &model,
            (&Reader::new(), &patches),
            &stages,
            "concepts",
            None,
            context,
        )?;
        problems.extend(failed);
        context.progress.note(&format!(
            "held out by {}: {} groups",
            grouped.unit, grouped.count
        ));
        let layers = stages.iter().map(|&s| (s, model.network.name(s)));
        let regression = Regression {
            network: "network",
            layers: layers.collect(),
            features: &features,
            concepts: picked(&features, &concepts),
            groups: features.pick(&grouped.of),
            options: ConceptOptions {
                images: patches.len(),
                repeats: self.repeats as usize,
                seed: seed::derive(context.seed(), "concepts", ""),
                ..ConceptOptions::default()
            },
            folder: tempfolder(&self.out),
        };
        let task = context.progress.start("regression", stages.len());
        let found = regression.run(&task)?;
        task.finish();
        write_tables(&found, &self.out)?;
        let mut rows = Vec::new();
        if model.network.outputs() == 1 {
            let job = relevance::Job {
                regression: &regression,
                model: &model,
                patches: &patches,
                reader: &Reader::new(),
                classes: table.classes(),
            };
            rows = relevance::rows(&job, &found, context)?;
        } else {
            context
                .progress
                .note("the weights have no single logit, so relevance.csv is empty");
        }
        relevance::write_table(rows, &self.out.join("relevance.csv"))?;
        std::fs::remove_dir_all(&regression.folder).into_diagnostic()?;
        Ok(Outcome::of(tell(&problems)))
    }
}

/// Finished layers of this process alone: the command has no manifest to say what an older one was made from.
fn tempfolder(out: &Path) -> PathBuf {
    out.join(format!(".layers-{}", std::process::id()))
}

/// Names of the measures, and their values by id.
type Measured = (Vec<String>, BTreeMap<String, Vec<f64>>);

fn read(file: &Path) -> miette::Result<Measured> {
    let here = |what: String| miette::miette!("{}: {what}", file.display());
    let mut table = csv::Reader::from_path(file)
        .map_err(|e| here(format!("{e}; write it with `spolia measure --out`")))?;
    let header = table.headers().into_diagnostic()?.clone();
    let id = header
        .iter()
        .position(|h| h == "id")
        .ok_or_else(|| here("has no column `id`; write it with `spolia measure --out`".into()))?;
    let names = header
        .iter()
        .enumerate()
        .filter(|(k, _)| *k != id)
        .map(|(_, h)| h.to_string())
        .collect();
    let mut rows = BTreeMap::new();
    for (line, record) in table.records().enumerate() {
        let record = record.map_err(|e| here(e.to_string()))?;
        let values = record
            .iter()
            .enumerate()
            .filter(|(k, _)| *k != id)
            .map(|(k, v)| {
                v.parse().map_err(|_| {
                    here(format!(
                        "line {}: {} is `{v}`, not a number; correct it or leave the row out",
                        line + 2,
                        &header[k]
                    ))
                })
            })
            .collect::<miette::Result<Vec<f64>>>()?;
        if rows.insert(record[id].to_string(), values).is_some() {
            return Err(here(format!(
                "line {}: id `{}` stands there twice; leave one out",
                line + 2,
                &record[id]
            )));
        }
    }
    Ok((names, rows))
}
