//! `spolia study template` and `spolia study check`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use spolia_dataset::Augment;

use crate::context::{Context, Outcome};
use crate::jobs::reuse::estimate::effort;
use crate::output::{self, Table};
use crate::study::{self, template};

/// `spolia study …`
#[derive(Debug, Subcommand)]
pub enum Study {
    /// Prints a commented study file with every key at its default.
    Template,
    /// Says whether a study file is valid, and what it would run.
    Check {
        /// The study file.
        #[arg(value_name = "STUDY")]
        study: PathBuf,
        /// Prints the steps as JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Study {
    /// Runs the command.
    ///
    /// # Errors
    /// The study file is missing or wrong.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        match self {
            Study::Template => output::print(&template::template())?,
            Study::Check { study, json } => {
                let plan = study::Study::load(&study)?;
                context
                    .progress
                    .note(&format!("{} is valid", study.display()));
                steps(&plan).print(json)?;
            }
        }
        Ok(Outcome::Done)
    }
}

/// What a sweep comes to.
fn words(study: &study::Study, sweep: &study::SweepPlan) -> String {
    let networks = sweep.arms.len() * sweep.seeds.len();
    let plan = study.networks.iter().find(|n| n.swept);
    let how = plan.and_then(|n| n.train.as_ref());
    let epochs = how.map_or(0, |t| t.epochs);
    let mut words = format!(
        "{networks} networks ({} arms, {} seeds each), {epochs} epochs",
        sweep.arms.len(),
        sweep.seeds.len()
    );
    let frozen = sweep.arms.iter().any(|arm| arm.frozen);
    if frozen && how.is_some_and(|t| t.augment != Augment::NONE) {
        words += ", frozen stages computed anew in every epoch since augmentation changes their input (augment = \"none\" computes them once)";
    }
    match effort(study, sweep) {
        Ok(effort) => {
            let minutes = (effort.seconds / 60.0).ceil() as u64;
            let time = match minutes {
                0..100 => format!("{minutes} min"),
                _ => format!("{} h", (effort.seconds / 3600.0).round()),
            };
            words
                + &format!(
                    ", {} training patches of {} px: {:.2e} GFLOP, about {time} on this machine as busy as it is now",
                    effort.patches, effort.side, effort.gflop
                )
        }
        Err(why) => words + &format!("; time not known: {why}"),
    }
}

/// The steps that a study would run.
fn steps(study: &study::Study) -> Table {
    let mut table = Table::new(["step", "network", "what"]);
    let mut row = |step: &str, network: Value, what: String| {
        table.push(vec![step.into(), network, what.into()]);
    };
    if let Some(patches) = &study.patches {
        let images: Vec<String> = patches
            .images
            .iter()
            .map(|p| p.display().to_string())
            .collect();
        row("patches", Value::Null, images.join(", "));
    }
    if let Some(sweep) = &study.sweep {
        row("sweep", json!(sweep.start), words(study, sweep));
    }
    for network in study.networks.iter().filter(|n| !n.swept) {
        if let Some(train) = &network.train {
            row(
                "train",
                json!(network.name),
                format!("{}, {} epochs", network.kind(), train.epochs),
            );
        }
    }
    if let Some(visualize) = &study.visualize {
        for network in &visualize.networks {
            row("visualize", json!(network), visualize.layers.join(", "));
        }
    }
    if let Some(attention) = &study.attention {
        for network in &attention.networks {
            let methods: Vec<&str> = attention
                .methods
                .iter()
                .map(|method| method.name())
                .collect();
            row(
                "attention",
                json!(network),
                format!("{} at {}", methods.join(", "), attention.layers.join("+")),
            );
        }
    }
    if let Some(concepts) = &study.concepts {
        let measures: Vec<&str> = concepts
            .measures
            .iter()
            .map(|measure| measure.name())
            .collect();
        row("measures", Value::Null, measures.join(", "));
        for network in &concepts.networks {
            row("concepts", json!(network), concepts.layers.join(", "));
        }
    }
    if let Some(drift) = &study.drift {
        row("drift", Value::Null, drift.layers.join(", "));
    }
    if study.judges_reuse() {
        row(
            "reuse",
            Value::Null,
            "what each stage became, and what keeping it is worth".to_string(),
        );
    }
    row("report", Value::Null, "figures and report.html".to_string());
    table
}
