//! `spolia visualize`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Reader, ResolveOptions, resolve};
use spolia_interpret::visualize::objective::Vectors;
use spolia_interpret::visualize::transformation::Sequence;
use spolia_interpret::visualize::{Optimiser, Plateau, Preset, Settings};
use spolia_network::StageId;

use super::images::tell;
use super::network_args::NetworkArgs;
use crate::batch::BatchSize;
use crate::context::{Context, Outcome, Wrong};
use crate::jobs::model::Model;
use crate::jobs::visualize::written::Form;
use crate::jobs::visualize::{self as jobs, draw, estimate};
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
    #[arg(
        long = "layer",
        value_name = "LAYER",
        required_unless_present = "objectives"
    )]
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
    /// Channels at a time, or auto: as many as fit into memory, 32 at most.
    #[arg(long, value_name = "N", default_value = "8")]
    batch: BatchSize,
    #[command(flatten)]
    written: Written,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What is drawn instead of layers' channels.
#[derive(Debug, Args)]
struct Written {
    /// An objective such as "channel(Mixed_6a,12) - 0.025*tv"; repeat it for more. Terms: channel, neuron, direction, logit,
    /// deepdream, diversity, alignment, tv, l1, l2, blur; sums, differences, products with numbers.
    #[arg(long = "objective", value_name = "EXPR", conflicts_with = "layers")]
    objectives: Vec<String>,
    /// Images of each objective, which diversity and alignment compare.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "objectives", value_parser = clap::value_parser!(u32).range(1..=64))]
    images: u32,
    /// Vectors of direction, such as concepts/vectors.safetensors: network/layer/concept.
    #[arg(long, value_name = "FILE", requires = "objectives")]
    vectors: Option<PathBuf>,
    /// From numbers to an image.
    #[arg(long, value_enum, default_value_t = Form::Fourier, requires = "objectives")]
    parametrization: Form,
    /// Patches whose colours, and of maco spectra, the images have, instead of natural photographs'.
    #[arg(long, value_name = "IMAGES", requires = "objectives")]
    patches: Option<PathBuf>,
    /// Movements: lucid, maco, none, or a list such as "pad(12) jitter(8) scale(0.9,1.1) rotate(-10,0,10) jitter(4)" [default: the
    /// parametrization's].
    #[arg(long, value_name = "LIST", requires = "objectives", value_parser = Sequence::from_str)]
    transformations: Option<Sequence>,
    /// The optimiser and its rate: adam:0.05, nadam:1 [default: the parametrization's].
    #[arg(long, value_name = "NAME:RATE", requires = "objectives", value_parser = optimiser)]
    optimiser: Option<Optimiser>,
    /// Stops once the mean over so many steps is no more than a thousandth above that over as many before.
    #[arg(long, value_name = "STEPS", requires = "objectives", value_parser = clap::value_parser!(u32).range(1..))]
    plateau: Option<u32>,
}

fn optimiser(text: &str) -> Result<Optimiser, String> {
    let wrong = || "write adam:0.05 or nadam:1".to_owned();
    let (name, rate) = text.split_once(':').ok_or_else(wrong)?;
    let rate: f64 = rate.parse().map_err(|_| wrong())?;
    if !(rate.is_finite() && rate > 0.0) {
        return Err("the rate must be above 0".into());
    }
    match name {
        "adam" => Ok(Optimiser::Adam(rate)),
        "nadam" => Ok(Optimiser::NAdam(rate)),
        _ => Err(wrong()),
    }
}

impl Visualize {
    /// Runs the command.
    ///
    /// # Errors
    /// The weights cannot be used, a layer or channel does not exist, or the folder cannot be written.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        let model = self.network.model()?;
        if !self.written.objectives.is_empty() {
            return self.draw_written(&model, context);
        }
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
        let mut stages = Vec::new();
        for layer in &self.layers {
            let stage = model.network.stage(layer).into_diagnostic()?;
            stages.push((stage, self.out.join(model.network.name(stage))));
        }
        let layers: Vec<StageId> = stages.iter().map(|(stage, _)| *stage).collect();
        let needs = jobs::needs(&model, &layers, self.size as usize)?;
        let batch = self.batch.resolve("channels", &jobs::BATCHES, needs)?;
        if self.batch == BatchSize::Auto {
            context
                .progress
                .note(&format!("{batch} channels at a time"));
        }
        let work: Vec<_> = stages
            .iter()
            .map(|(s, to)| (*s, &channels[..], to.as_path()))
            .collect();
        estimate::tell(&model, &work, batch, &settings, &task)?;
        let mut rows = Vec::new();
        let mut dead = Vec::new();
        for (stage, folder) in &stages {
            let (stage, name) = (*stage, model.network.name(*stage));
            let drawn = draw(&model, stage, &channels, batch, &settings, folder, &task)?;
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

    /// Images of written objectives.
    fn draw_written(&self, model: &Model, context: &Context) -> miette::Result<Outcome> {
        let written = &self.written;
        let reader = Reader::new();
        let table = match &written.patches {
            None => None,
            Some(images) => {
                let (table, problems) =
                    resolve(images, &ResolveOptions::default()).into_diagnostic()?;
                tell(&problems);
                Some(table)
            }
        };
        let patches: Option<Vec<&Patch>> = table.as_ref().map(|t| t.patches().iter().collect());
        let seed = seed::derive(context.seed(), "visualize", "");
        let side = self.size as usize;
        let statistics = patches.as_deref().map(|patches| (&reader, patches));
        let mut recipe = written.parametrization.recipe(side, seed, statistics)?;
        if let Some(steps) = self.steps {
            recipe.steps = steps as usize;
        }
        if let Some(transformations) = &written.transformations {
            recipe.transformations = transformations.clone();
        }
        recipe.optimiser = written.optimiser.unwrap_or(recipe.optimiser);
        recipe.plateau = written.plateau.map(|window| Plateau {
            window: window as usize,
            gain: 1e-3,
        });
        let vectors = match &written.vectors {
            Some(file) => jobs::written::vectors(file, None)?,
            None => Vectors::new(),
        };
        let all = written.objectives.len() * recipe.steps;
        let task = context.progress.start("visualize", all);
        let how = (written.images as usize, &recipe);
        jobs::written::draw(model, &written.objectives, &vectors, how, &self.out, &task)?;
        task.finish();
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
