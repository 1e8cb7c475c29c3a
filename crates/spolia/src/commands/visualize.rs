//! `spolia visualize`.

use std::path::PathBuf;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_interpret::visualize::{Preset, Settings};

use super::network_args::NetworkArgs;
use crate::context::{Context, Outcome, Wrong};
use crate::jobs::model::Model;
use crate::jobs::visualize::draw;
use crate::output;
use crate::run_folder::write_csv;
use crate::seed;

/// `spolia visualize`
///
/// The image that excites each channel most (Lucid's parametrization and transformations).
#[derive(Debug, Args)]
pub struct Visualize {
    #[command(flatten)]
    network: NetworkArgs,
    /// Layers.
    #[arg(long = "layer", value_name = "LAYER", required = true)]
    layers: Vec<String>,
    /// Channels: 3, 0-7 or 0,4,9.
    #[arg(long, default_value = "0-7")]
    channels: String,
    /// lucid: 512 steps; paper: 3,584 steps in three phases.
    #[arg(long, default_value = "lucid", value_parser = ["lucid", "paper"])]
    preset: String,
    /// Steps in all [default: the preset's].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    steps: Option<u32>,
    /// Side of the image, pixels.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(75..))]
    size: u32,
    /// Channels at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Visualize {
    /// Runs the command.
    ///
    /// # Errors
    /// The weights cannot be used, a layer or channel does not exist, or the folder cannot be written.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        let model = Model::load(&self.network.weights, self.network.convention)?;
        let channels = numbers(&self.channels)?;
        let settings = Settings {
            size: self.size as usize,
            preset: if self.preset == "paper" {
                Preset::Paper
            } else {
                Preset::Lucid
            },
            steps: self.steps.map(|s| s as usize),
            seed: seed::derive(context.seed(), "visualize", ""),
        };
        let task = context.progress.start(
            "visualize",
            self.layers.len() * channels.len() * settings.total_steps(),
        );
        let mut rows = Vec::new();
        let mut dead = Vec::new();
        for layer in &self.layers {
            let stage = model.network.stage(layer).into_diagnostic()?;
            let name = model.network.name(stage);
            let drawn = draw(
                &model,
                stage,
                &channels,
                self.batch as usize,
                &settings,
                &self.out.join(name),
                &task,
            )?;
            for channel in drawn {
                if channel.dead {
                    dead.push(format!("{name} channel {}", channel.channel));
                }
                for (step, value) in channel.objective.into_iter().enumerate() {
                    rows.push([
                        name.to_string(),
                        channel.channel.to_string(),
                        step.to_string(),
                        value,
                    ]);
                }
            }
        }
        task.finish();
        write_csv(
            &self.out.join("objectives.csv"),
            &["layer", "channel", "step", "objective"],
            rows,
        )?;
        if !dead.is_empty() {
            context.progress.note(&format!(
                "never activated, so not drawn: {}",
                dead.join(", ")
            ));
        }
        Ok(Outcome::Done)
    }
}

/// `3`, `0-7`, `0,4,9` as numbers, in order, each once.
fn numbers(text: &str) -> miette::Result<Vec<usize>> {
    let wrong = || Wrong::usage(format!("--channels {text}: write 3, 0-7 or 0,4,9"));
    let mut all = std::collections::BTreeSet::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (
            first.trim().parse().map_err(|_| wrong())?,
            last.trim().parse().map_err(|_| wrong())?,
        );
        if first > last || last - first > 100_000 {
            return Err(wrong());
        }
        all.extend(first..=last);
    }
    Ok(all.into_iter().collect())
}
