//! `spolia predict`.

use std::path::PathBuf;

use clap::Args;
use spolia_dataset::{Patch, Reader};

use super::images::{ImagesArgs, tell};
use super::network_args::NetworkArgs;
use crate::context::{Context, Outcome};
use crate::jobs::predict;
use crate::output;

/// `spolia predict IMAGES`
#[derive(Debug, Args)]
pub struct Predict {
    #[command(flatten)]
    images: ImagesArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// The table to write.
    #[arg(long, value_name = "CSV")]
    out: PathBuf,
}

impl Predict {
    /// Runs the command.
    ///
    /// # Errors
    /// The images, the weights or the table cannot be used.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_file(&self.out)?;
        let model = self.network.model()?;
        let (table, mut problems) = self.images.resolve(context)?;
        let patches: Vec<&Patch> = table.patches().iter().collect();
        let (logits, failed) =
            predict::logits(&model, (&Reader::new(), &patches), "predict", None, context)?;
        problems.extend(failed);
        predict::write(&self.out, table.classes(), &patches, &logits)?;
        Ok(Outcome::of(tell(&problems)))
    }
}
