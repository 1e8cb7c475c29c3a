//! `spolia train`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use miette::IntoDiagnostic;
use spolia_dataset::{
    Augment, Patch, Split, SplitOptions, Unit, content_hashes, ensure_no_leaks, split,
};
use spolia_network::training::Recipe;
use spolia_network::{Initialisation, Weights, architecture, initialise, keep_until};

use super::images::{ImagesArgs, tell};
use super::network_args::NetworkArgs;
use crate::batch::BatchSize;
use crate::context::{Context, Outcome};
use crate::jobs::train::{Training, train, with_head};
use crate::{output, seed};

/// `spolia train IMAGES`
///
/// SGD with Nesterov momentum on binary cross-entropy, all layers trained unless --freeze names the last that is not. Patches without a split are split by patient.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    images: ImagesArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Times that every patch is seen.
    #[arg(long, default_value_t = 30)]
    epochs: usize,
    /// Learning rate of the first step.
    #[arg(long, default_value_t = 1e-4)]
    lr: f64,
    /// Patches a step, or auto: the largest of 8, 16 and 32 that fits into memory. It is told, written into the weights' history,
    /// and kept where a training that was cut short goes on.
    #[arg(long, value_name = "N", default_value = "32", value_parser = batch)]
    batch: BatchSize,
    /// Augmentation of training patches: paper (flips, hue and brightness), none, or some of flips, hue, brightness and hed (stains
    /// stronger or weaker), with commas.
    #[arg(long, value_name = "WORDS", default_value = "paper")]
    augment: Augment,
    /// A new order in every epoch.
    #[arg(long, value_enum, default_value_t = YesNo::Yes)]
    shuffle: YesNo,
    /// Keeps the weights through this layer; later ones start from random.
    #[arg(long, value_name = "LAYER")]
    keep: Option<String>,
    /// The last layer that stays as it is, batch norm's statistics included.
    #[arg(long, value_name = "LAYER")]
    freeze: Option<String>,
}

/// Batch norm needs two patches at least.
fn batch(text: &str) -> Result<BatchSize, String> {
    match text.parse()? {
        BatchSize::Of(1) => Err("at least 2".into()),
        batch => Ok(batch),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum YesNo {
    /// Yes.
    Yes,
    /// No.
    No,
}

impl Train {
    /// Runs the command.
    ///
    /// # Errors
    /// The images, the weights or the output folder cannot be used, or training diverges.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        self.network.device.choose()?;
        let (table, mut problems) = self.images.resolve(context)?;
        let reader = spolia_dataset::Reader::new();
        let (hashes, unread) = content_hashes(&table, &reader);
        problems.extend(unread);
        let options = SplitOptions {
            by: Unit::Patient,
            val: 0.15,
            test: 0.15,
            seed: seed::derive(context.seed(), "patches", "split"),
            ..SplitOptions::default()
        };
        let splitting = split(&table, Some(&hashes), &options).into_diagnostic()?;
        ensure_no_leaks(&splitting.table, Some(&hashes), false).into_diagnostic()?;
        let readable: std::collections::BTreeMap<&str, bool> = table
            .patches()
            .iter()
            .zip(&hashes)
            .map(|(p, h)| (p.id.as_str(), h.is_some()))
            .collect();
        let table = splitting
            .table
            .filtered(|p| readable.get(p.id.as_str()) == Some(&true));
        let weights =
            Weights::load(&self.network.weights, self.network.convention).into_diagnostic()?;
        let graph = weights.network(self.network.convention).into_diagnostic()?;
        let convention = graph.convention();
        let random = seed::derive(context.seed(), "network", "random");
        let weights = match &self.keep {
            None => weights,
            Some(layer) => {
                let network = architecture(graph.architecture(), convention, None);
                let network = network.into_diagnostic()?;
                let fresh = initialise(&network, Initialisation::Xavier, random);
                keep_until(
                    &network,
                    &weights,
                    &fresh,
                    network.stage(layer).into_diagnostic()?,
                )
                .into_diagnostic()?
            }
        };
        let (network, start) = with_head(
            &weights,
            convention,
            seed::derive(context.seed(), "network", "head"),
        )?;
        let patches = |split| -> Vec<&Patch> {
            table
                .of_split(split)
                .filter(|p| p.label.is_some())
                .collect()
        };
        let job = Training {
            name: "network",
            network: &network,
            freeze: self
                .freeze
                .as_ref()
                .map(|layer| network.stage(layer))
                .transpose()
                .into_diagnostic()?,
            start,
            recipe: Recipe {
                epochs: self.epochs,
                learning_rate: self.lr,
                shuffle: self.shuffle == YesNo::Yes,
                ..Recipe::default()
            },
            batch: self.batch,
            augment: self.augment,
            train: patches(Split::Train),
            val: patches(Split::Val),
            classes: table.classes().to_vec(),
            seed: seed::derive(context.seed(), "network", "training"),
            activations: None,
        };
        let trained = train(job, &reader, &self.out, context)?;
        table
            .write_csv(&self.out.join("patches.csv"))
            .into_diagnostic()?;
        context.progress.note(&format!(
            "best epoch {}: {}",
            trained.best_epoch,
            self.out.join("weights.safetensors").display()
        ));
        Ok(Outcome::of(tell(&problems)))
    }
}
