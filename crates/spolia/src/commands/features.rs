//! `spolia features`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Reader};
use spolia_interpret::concepts;
use spolia_network::{Cut, StageId};

use super::images::{ImagesArgs, tell};
use super::network_args::NetworkArgs;
use crate::context::{Context, Outcome};
use crate::jobs::attention::npy_f32;
use crate::jobs::batches::{self, Pass};
use crate::jobs::features::features;
use crate::jobs::model::Model;
use crate::output;
use crate::run_folder::{write_atomic, write_csv};

/// `spolia features IMAGES`
///
/// Activations of layers as NumPy files: images x channels, or images x channels x rows x columns with --pool none.
#[derive(Debug, Args)]
pub struct Features {
    #[command(flatten)]
    images: ImagesArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// Layers.
    #[arg(long = "layer", value_name = "LAYER", required = true)]
    layers: Vec<String>,
    /// What becomes of rows and columns.
    #[arg(long, value_enum, default_value_t = Pool::Mean)]
    pool: Pool,
    /// The folder to write: LAYER.npy and items.csv.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pool {
    /// Their mean.
    Mean,
    /// They stay.
    None,
}

impl Features {
    /// Runs the command.
    ///
    /// # Errors
    /// The images, the weights, a layer or the folder cannot be used; images of several sizes with --pool none.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        let model = self.network.model()?;
        let stages = model.stages(&self.layers)?;
        let (table, mut problems) = self.images.resolve(context)?;
        let patches: Vec<&Patch> = table.patches().iter().collect();
        let rows = match self.pool {
            Pool::Mean => {
                let (features, failed) = features(
                    &model,
                    (&Reader::new(), &patches),
                    &stages,
                    concepts::Pool::Mean,
                    "features",
                    None,
                    context,
                )?;
                problems.extend(failed);
                for (&stage, layer) in stages.iter().zip(&features.layers) {
                    let shape = [
                        features.rows.len() as u64,
                        model.network.channels(stage) as u64,
                    ];
                    self.write(&model, stage, &layer.values, &shape)?;
                }
                features.rows
            }
            Pool::None => {
                let mut head = model.frozen(Cut::to(
                    stages.iter().max().copied().unwrap_or(model.network.last()),
                ))?;
                let mut layers: Vec<(Vec<f32>, Option<[usize; 4]>)> =
                    vec![(Vec::new(), None); stages.len()];
                let reader = Reader::new();
                let pass = Pass::new(&model, &reader, &patches, "features");
                let (rows, failed) = batches::each(&pass, context, |batch| {
                    let taps = head.forward(&batch.input, &stages).into_diagnostic()?;
                    for ((values, shape), tap) in layers.iter_mut().zip(&taps) {
                        let [n, h, w, c] = tap.shape();
                        if shape.is_some_and(|[_, height, width, _]| [height, width] != [h, w]) {
                            return Err(miette::miette!(
                                "the images are of several sizes, so their activations do not fit one array; use --pool mean, or images of one size"
                            ));
                        }
                        *shape = Some([n, h, w, c]);
                        for image in 0..n {
                            let image = tap.image(image);
                            values.extend(
                                (0..c).flat_map(|k| image.iter().skip(k).step_by(c).copied()),
                            );
                        }
                    }
                    Ok(batch.rows)
                })?;
                problems.extend(failed);
                for (&stage, (values, shape)) in stages.iter().zip(&layers) {
                    let [_, h, w, c] = shape.unwrap_or_default();
                    self.write(
                        &model,
                        stage,
                        values,
                        &[rows.len() as u64, c as u64, h as u64, w as u64],
                    )?;
                }
                rows
            }
        };
        let items = rows
            .iter()
            .map(|&row| [patches[row].id.as_str(), patches[row].file.as_str()]);
        write_csv(&self.out.join("items.csv"), &["id", "file"], items)?;
        Ok(Outcome::of(tell(&problems)))
    }

    fn write(
        &self,
        model: &Model,
        stage: StageId,
        values: &[f32],
        shape: &[u64],
    ) -> miette::Result<()> {
        let file = self.out.join(format!("{}.npy", model.network.name(stage)));
        Ok(write_atomic(&file, &npy_f32(values, shape)?)?)
    }
}
