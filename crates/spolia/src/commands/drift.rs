//! `spolia drift`.

use std::path::PathBuf;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Reader, Unit, groups};
use spolia_interpret::concepts::Pool;
use spolia_network::Convention;

use super::images::{ImagesArgs, tell};
use super::network_args::DeviceArgs;
use crate::context::{Context, Outcome, Wrong};
use crate::jobs::drift::{HEADER, Pair, every_layer};
use crate::jobs::features::features;
use crate::jobs::model::Model;
use crate::output;
use crate::run_folder::write_csv;

/// `spolia drift IMAGES --weights BEFORE --weights AFTER`
///
/// How far each layer moved between two networks: in what it answers to the images (CKA, SVCCA, PWCCA, Procrustes, channel by
/// channel), and in its weights. What is far only the same between two networks that differ by their seeds can say: measure
/// that too.
#[derive(Debug, Args)]
pub struct Drift {
    #[command(flatten)]
    images: ImagesArgs,
    /// Weights files: the network before, then the network after.
    #[arg(long = "weights", value_name = "FILE", required = true)]
    weights: Vec<PathBuf>,
    /// What the weights were trained with: keras or torchvision [default: what the files say].
    #[arg(long, value_name = "C")]
    convention: Option<Convention>,
    #[command(flatten)]
    device: DeviceArgs,
    /// Layers [default: all].
    #[arg(long = "layer", value_name = "LAYER")]
    layers: Vec<String>,
    /// The table to write.
    #[arg(long, value_name = "CSV")]
    out: PathBuf,
}

impl Drift {
    /// Runs the command.
    ///
    /// # Errors
    /// The images, the weights, a layer or the table cannot be used; not two weights files.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        let [before, after] = self.weights.as_slice() else {
            return Err(Wrong::usage(format!(
                "--weights is given {} times; drift is between two networks: --weights BEFORE --weights AFTER",
                self.weights.len()
            )));
        };
        output::prepare_file(&self.out)?;
        self.device.choose()?;
        let before = Model::load(before, self.convention)?;
        let after = Model::load(after, self.convention)?;
        let layers = if self.layers.is_empty() {
            every_layer(&before)
        } else {
            before.stages(&self.layers)?
        };
        let (table, mut problems) = self.images.resolve(context)?;
        let grouped = groups(&table, Unit::Patient, None).into_diagnostic()?;
        let patches: Vec<&Patch> = table.patches().iter().collect();
        let reader = Reader::new();
        let of = |model: &Model, title: &str| {
            let patches = (&reader, patches.as_slice());
            features(model, patches, &layers, Pool::Mean, title, None, context)
        };
        let (first, failed) = of(&before, "features before")?;
        problems.extend(failed);
        // The same patches fail as before.
        let (second, _) = of(&after, "features after")?;
        if first.rows.len() < 4 {
            return Err(miette::miette!(
                "{}: {} images can be read; drift needs at least 4, and better several hundred",
                self.images.images.display(),
                first.rows.len()
            ));
        }
        let pair = Pair {
            before: (&before, &first),
            after: (&after, &second),
            layers: &layers,
            groups: &first.pick(&grouped.of),
        };
        let task = context.progress.start("drift", layers.len());
        let rows = pair.rows(&task)?;
        task.finish();
        write_csv(&self.out, &HEADER, rows)?;
        Ok(Outcome::of(tell(&problems)))
    }
}
