//! `spolia attention`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Reader};
use spolia_interpret::attention::Method;

use super::images::{ImagesArgs, tell};
use super::network_args::NetworkArgs;
use crate::context::{Context, Outcome, Wrong};
use crate::jobs::attention::{HEADER, Job, draw};
use crate::jobs::model::Model;
use crate::output;
use crate::run_folder::write_csv;

/// `spolia attention IMAGES`
///
/// Where in each image the logit of a class comes from: raw maps and overlays.
#[derive(Debug, Args)]
pub struct Attention {
    #[command(flatten)]
    images: ImagesArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// Layer of the maps.
    #[arg(long, default_value = "Mixed_7c")]
    layer: String,
    /// Methods: grad-cam, grad-cam++, xgrad-cam, layer-cam, hires-cam, eigen-cam, and, slower, score-cam,
    /// integrated-gradients, occlusion.
    #[arg(long = "method", value_name = "M", default_values = ["grad-cam", "grad-cam++"], value_parser = Method::from_str)]
    methods: Vec<Method>,
    /// The class whose evidence is mapped [default: the positive one].
    #[arg(long)]
    class: Option<String>,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Attention {
    /// Runs the command.
    ///
    /// # Errors
    /// The images, the weights, the class or the folder cannot be used.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        let model = Model::load(&self.network.weights, self.network.convention)?;
        let (table, mut problems) = self.images.resolve(context)?;
        let classes = table.classes();
        let class = match &self.class {
            None => 1,
            Some(name) => classes.iter().position(|c| c == name).ok_or_else(|| {
                Wrong::usage(format!(
                    "--class {name}: the classes are {}",
                    classes.join(", ")
                ))
            })?,
        };
        let patches: Vec<&Patch> = table.patches().iter().collect();
        let class_name = classes.get(class).cloned().unwrap_or_default();
        let job = Job {
            network: "network",
            layer: model.network.stage(&self.layer).into_diagnostic()?,
            methods: &self.methods,
            class,
            class_name: &class_name,
            maps: self.out.clone(),
            plain: self.out.join("patches"),
        };
        let (rows, failed) = draw(&job, &model, &Reader::new(), &patches, None, context)?;
        problems.extend(failed);
        write_csv(&self.out.join("attention.csv"), &HEADER, rows)?;
        Ok(Outcome::of(tell(&problems)))
    }
}
