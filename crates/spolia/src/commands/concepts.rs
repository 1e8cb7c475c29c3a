//! `spolia concepts`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use miette::IntoDiagnostic;
use rayon::prelude::*;
use spolia_dataset::{Patch, Problem, Reader, Unit, groups};
use spolia_interpret::concepts::{Concept, ConceptOptions};

use super::images::{ImagesArgs, tell};
use super::network_args::NetworkArgs;
use crate::context::{Context, Outcome};
use crate::jobs::concepts::controls::COVARIATES;
use crate::jobs::concepts::own_table::Table;
use crate::jobs::concepts::{Job, Measured, tables};
use crate::jobs::features::{Features, features};
use crate::jobs::measure::measure;
use crate::output;
use crate::seed;
use crate::study::{Pooling, Regressor};

/// `spolia concepts IMAGES`
///
/// How well each layer's activations tell each concept: in sample as the paper did, held out by patient, and what noise would
/// give; whether the decision follows it; how well the layer tells the centre.
#[derive(Debug, Args)]
pub struct Concepts {
    #[command(flatten)]
    images: ImagesArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// Layers.
    #[arg(long = "layer", value_name = "LAYER", required = true)]
    layers: Vec<String>,
    /// A table with `id` and one column per concept, as `spolia measure` writes it: numbers, findings that are present or
    /// not (0 and 1), or categories (text).
    #[arg(long, value_name = "CSV")]
    measures: PathBuf,
    /// Random subsets and cross-validations.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// The linear model of the held-out R² and of the concept vectors.
    #[arg(long, value_enum, default_value_t = Regressor::Ridge)]
    estimator: Regressor,
    /// What becomes of a layer's positions.
    #[arg(long, value_enum, default_value_t = Pooling::Mean)]
    pool: Pooling,
    /// The folder to write: r2.csv, controls.csv, relevance.csv, classes.csv, centre.csv, carriers.csv, vectors.safetensors.
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
        let model = self.network.model()?;
        let stages = model.stages(&self.layers)?;
        let own_table = Table::read(&self.measures)?;
        let (table, mut problems) = self.images.resolve(context)?;
        let all: Vec<&Patch> = table.patches().iter().collect();
        let own = own_table.concepts(table.patches(), &all)?;
        problems.extend(own.problems);
        let grouped = groups(&table, Unit::Patient, None).into_diagnostic()?;
        let patches: Vec<&Patch> = own.rows.iter().map(|&row| all[row]).collect();
        let numbers: Vec<usize> = own.rows.iter().map(|&row| grouped.of[row]).collect();
        let count = numbers.iter().collect::<BTreeSet<_>>().len();
        if count < 2 {
            return Err(miette::miette!(
                "the {} images are of {count} {}; what is held out needs at least 2 and better 10",
                patches.len(),
                grouped.unit
            ));
        }
        context
            .progress
            .note(&format!("held out by {}: {count} groups", grouped.unit));
        let reader = Reader::new();
        let pool = self.pool.pool();
        let (mut features, failed) = features(
            &model,
            (&reader, &patches),
            &stages,
            pool,
            "features",
            None,
            context,
        )?;
        problems.extend(failed);
        let read: Vec<&Patch> = features.rows.iter().map(|&row| patches[row]).collect();
        let (at, covariates, failed) = colours(&read, &reader, context);
        problems.extend(failed);
        features.keep(&at);
        let names: Vec<&'static str> = stages.iter().map(|&s| model.network.name(s)).collect();
        self.warn_of_width(&names, &features, context);
        let measured = Measured {
            numbers: own.numbers,
            categories: own.categories,
            ..Measured::default()
        };
        let job = Job {
            network: "network",
            model: &model,
            layers: stages.iter().copied().zip(names.iter().copied()).collect(),
            patches: &patches,
            reader: &reader,
            classes: table.classes(),
            pool,
            measured: Measured {
                covariates,
                ..measured.of(&features.rows)
            },
            groups: features.pick(&numbers),
            unit: grouped.unit,
            options: ConceptOptions {
                estimator: self.estimator.estimator(),
                images: patches.len(),
                repeats: self.repeats as usize,
                seed: seed::derive(context.seed(), "concepts", ""),
                ..ConceptOptions::default()
            },
            features,
            folder: tempfolder(&self.out),
        };
        for note in job.run(context)? {
            context.progress.note(&note);
        }
        tables::write(std::slice::from_ref(&job.folder), &names, &self.out)?;
        if job.folder.exists() {
            std::fs::remove_dir_all(&job.folder).into_diagnostic()?;
        }
        Ok(Outcome::of(tell(&problems)))
    }

    /// Says where least squares passes through every point.
    fn warn_of_width(&self, names: &[&str], features: &Features, context: &Context) {
        let images = features.rows.len();
        for (index, name) in names.iter().enumerate() {
            let width = features.layer(index).1;
            if width + 1 >= images {
                context.progress.note(&format!(
                    "{name} has {width} features and there are {images} images: least squares passes through every point, so that r2_train is 1 whatever the measure; read r2_test"
                ));
            }
        }
    }
}

/// Colour and brightness: places of the patches of which they can be measured, their values, and the other patches.
fn colours(
    patches: &[&Patch],
    reader: &Reader,
    context: &Context,
) -> (Vec<usize>, Vec<Concept>, Vec<Problem>) {
    let task = context.progress.start("colour", patches.len());
    let found: Vec<Result<Vec<f64>, Problem>> = patches
        .par_iter()
        .map(|patch| {
            let values = measure(patch, reader, &COVARIATES);
            task.advance(1);
            values
        })
        .collect();
    task.finish();
    let mut concepts: Vec<Concept> = COVARIATES
        .iter()
        .map(|measure| Concept {
            id: measure.name().into(),
            values: Vec::new(),
        })
        .collect();
    let (mut at, mut problems) = (Vec::new(), Vec::new());
    for (place, values) in found.into_iter().enumerate() {
        match values {
            Err(problem) => problems.push(problem),
            Ok(values) => {
                at.push(place);
                let columns = concepts.iter_mut().zip(values);
                columns.for_each(|(concept, value)| concept.values.push(value));
            }
        }
    }
    (at, concepts, problems)
}

/// Finished layers of this process alone: the command has no manifest to say what an older one was made from.
fn tempfolder(out: &Path) -> PathBuf {
    out.join(format!(".layers-{}", std::process::id()))
}
