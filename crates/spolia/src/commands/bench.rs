//! `spolia bench`.

use std::time::Instant;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_interpret::attention::{Method, maps};
use spolia_interpret::visualize::{Preset, Settings, render};
use spolia_measure::{Gray, Workspace, haralick13};
use spolia_network::{
    Convention, Cut, Initialisation, Network, Profile, ReluGradient, Sgd, StageId, Tensor, Work,
    inception_v3, initialise,
};
use spolia_slide::phantom;

use super::network_args::DeviceArgs;
use crate::context::{Context, Outcome};
use crate::engine;
use crate::machine;
use crate::output::Table;

const WORKS: [&str; 6] = [
    "forward",
    "input-gradient",
    "training",
    "visualization",
    "grad-cam++",
    "texture",
];

/// What `--profile` knows.
const PROFILED: [&str; 3] = ["forward", "input-gradient", "training"];

/// `spolia bench`
///
/// Times of this machine, in milliseconds for the whole batch (visualization: for one step). Weights are random, the
/// input is noise; texture is Haralick's 13 features in four directions of phantom patches, one thread.
#[derive(Debug, Args)]
pub struct Bench {
    /// What to time.
    #[arg(long, value_delimiter = ',', value_parser = WORKS, default_values = WORKS)]
    work: Vec<String>,
    /// Last layer; the maps' layer [default: the whole network; for visualization Mixed_6a, for grad-cam++ Mixed_7c].
    #[arg(long)]
    layer: Option<String>,
    /// Side of the images, pixels.
    #[arg(long, default_value_t = 224, value_parser = clap::value_parser!(u32).range(75..))]
    size: u32,
    /// Batch sizes.
    #[arg(long, value_delimiter = ',', default_values = ["1", "8", "32"], value_parser = clap::value_parser!(u16).range(1..))]
    batch: Vec<u16>,
    /// Timed calls of each row.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Shows where the time of forward, input-gradient and training goes: milliseconds, GFLOP/s and bytes of each stage of one
    /// call, in place of the calls' times.
    #[arg(long)]
    profile: bool,
    #[command(flatten)]
    device: DeviceArgs,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Columns of `--profile`: bytes are what has to be read and written at least; peak_bytes is what activations and gradients
/// held at once. On a device, stage `copies` is what goes there and comes back, all in the forward columns.
const PROFILE: [&str; 11] = [
    "work",
    "batch",
    "stage",
    "forward_ms",
    "forward_gflops",
    "forward_bytes",
    "backward_ms",
    "backward_gflops",
    "backward_bytes",
    "share",
    "peak_bytes",
];

impl Bench {
    /// Runs the command.
    ///
    /// # Errors
    /// The layer is not known, or the images are too small for it.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        self.device.choose()?;
        if self.profile {
            return self.profiles(context);
        }
        let mut table = Table::new([
            "work",
            "layer",
            "size",
            "batch",
            "median_ms",
            "low_ms",
            "high_ms",
            "peak_bytes",
        ]);
        for work in &self.work {
            for &batch in &self.batch {
                let batch = usize::from(batch);
                context.detail(|| format!("{work}, batch {batch}"));
                let (layer, mut times) = self.row(work, batch)?;
                times.sort_by(f64::total_cmp);
                let round = |v: f64| (v * 1000.0).round() / 1000.0;
                table.push(vec![
                    work.as_str().into(),
                    layer.into(),
                    self.size.into(),
                    batch.into(),
                    round(times[times.len() / 2]).into(),
                    round(times[0]).into(),
                    round(times[times.len() - 1]).into(),
                    machine::peak_bytes().into(),
                ]);
            }
        }
        table.print(self.json)?;
        Ok(Outcome::Done)
    }

    /// Where the time goes, stage by stage.
    fn profiles(&self, context: &Context) -> miette::Result<Outcome> {
        let mut table = Table::new(PROFILE);
        for work in self.work.iter().filter(|w| PROFILED.contains(&w.as_str())) {
            for &batch in &self.batch {
                context.detail(|| format!("{work}, batch {batch}"));
                let (network, profile) = self.profiled(work, usize::from(batch))?;
                let total = profile.total().seconds;
                let round = |v: f64| (v * 1000.0).round() / 1000.0;
                let copies = (profile.copies.bytes > 0).then_some((
                    "copies",
                    profile.copies,
                    Work::default(),
                ));
                let stages = profile
                    .stages
                    .iter()
                    .map(|s| (network.name(s.stage), s.forward, s.backward));
                for (stage, forward, backward) in copies.into_iter().chain(stages) {
                    let share = (forward.seconds + backward.seconds) / total;
                    table.push(vec![
                        work.as_str().into(),
                        batch.into(),
                        stage.into(),
                        round(forward.seconds * 1e3).into(),
                        round(forward.gflops()).into(),
                        forward.bytes.into(),
                        round(backward.seconds * 1e3).into(),
                        round(backward.gflops()).into(),
                        backward.bytes.into(),
                        round(share).into(),
                        profile.peak_bytes.into(),
                    ]);
                }
            }
        }
        table.print(self.json)?;
        Ok(Outcome::Done)
    }

    /// The last layer of a kind of work.
    fn last(&self, network: &Network, work: &str) -> miette::Result<StageId> {
        match (&self.layer, work) {
            (Some(layer), _) => network.stage(layer).into_diagnostic(),
            (None, "visualization") => network.stage("Mixed_6a").into_diagnostic(),
            (None, "grad-cam++") => network.stage("Mixed_7c").into_diagnostic(),
            (None, _) => Ok(network.last()),
        }
    }

    /// The profile of a call after two that warm up.
    fn profiled(&self, work: &str, batch: usize) -> miette::Result<(Network, Profile)> {
        let network = inception_v3(Convention::Keras, Some(1));
        let weights = initialise(&network, Initialisation::Xavier, 0);
        let input = noise(batch, self.size as usize);
        let layer = self.last(&network, work)?;
        let profile = if work == "training" {
            let mut trainable = engine::chosen()
                .trainable(&network, &weights)
                .into_diagnostic()?;
            let labels: Vec<f32> = (0..batch).map(|i| (i % 2) as f32).collect();
            let step = Sgd {
                rate: 1e-4,
                momentum: 0.9,
            };
            for call in 0..3 {
                trainable.measure(call == 2);
                trainable.step(&input, &labels, step).into_diagnostic()?;
            }
            trainable.profile().cloned()
        } else {
            let mut head = engine::chosen()
                .frozen(&network, &weights, Cut::to(layer))
                .into_diagnostic()?;
            for call in 0..3 {
                head.measure(call == 2);
                if work == "forward" {
                    head.forward(&input, &[layer]).into_diagnostic()?;
                } else {
                    head.input_gradient(&input, &[layer], ReluGradient::True, &mut of_the_sum)
                        .into_diagnostic()?;
                }
            }
            head.profile().cloned()
        };
        let profile = profile.ok_or_else(|| miette::miette!("{work} left no profile"))?;
        Ok((network, profile))
    }

    /// The layer, and milliseconds of each call.
    fn row(&self, work: &str, batch: usize) -> miette::Result<(String, Vec<f64>)> {
        let network = inception_v3(Convention::Keras, Some(1));
        let weights = initialise(&network, Initialisation::Xavier, 0);
        let size = self.size as usize;
        let input = noise(batch, size);
        let layer = self.last(&network, work)?;
        let times = match work {
            "forward" => {
                let mut head = engine::chosen()
                    .frozen(&network, &weights, Cut::to(layer))
                    .into_diagnostic()?;
                self.time(|| head.forward(&input, &[layer]).map(drop).into_diagnostic())?
            }
            "input-gradient" => {
                let mut head = engine::chosen()
                    .frozen(&network, &weights, Cut::to(layer))
                    .into_diagnostic()?;
                self.time(|| {
                    head.input_gradient(&input, &[layer], ReluGradient::True, &mut of_the_sum)
                        .map(drop)
                        .into_diagnostic()
                })?
            }
            "training" => {
                let mut trainable = engine::chosen()
                    .trainable(&network, &weights)
                    .into_diagnostic()?;
                let labels: Vec<f32> = (0..batch).map(|i| (i % 2) as f32).collect();
                self.time(|| {
                    trainable
                        .step(
                            &input,
                            &labels,
                            Sgd {
                                rate: 1e-4,
                                momentum: 0.9,
                            },
                        )
                        .map(drop)
                        .into_diagnostic()
                })?
            }
            "grad-cam++" => {
                let logit = network.last();
                let mut head = engine::chosen()
                    .frozen(&network, &weights, Cut::to(layer))
                    .into_diagnostic()?;
                let mut tail = engine::chosen()
                    .frozen(&network, &weights, Cut::between(layer, logit))
                    .into_diagnostic()?;
                let methods = [Method::GradCamPlusPlus];
                self.time(|| {
                    maps(&mut *head, &mut *tail, [layer, logit], &input, 1, &methods)
                        .map(drop)
                        .into_diagnostic()
                })?
            }
            "texture" => {
                let patches = textures(batch as u32, self.size)?;
                let mut workspace = Workspace::new();
                self.time(|| {
                    for patch in &patches {
                        haralick13(patch, 1, &mut workspace).into_diagnostic()?;
                    }
                    Ok(())
                })?
            }
            _ => {
                let settings = Settings {
                    size,
                    preset: Preset::Lucid,
                    steps: Some(usize::from(self.runs) + 2),
                    seed: 0,
                };
                let channels: Vec<usize> = (0..batch).collect();
                let mut times = Vec::new();
                let mut last = Instant::now();
                render(
                    engine::chosen(),
                    &network,
                    &weights,
                    layer,
                    &channels,
                    &settings,
                    &mut |_| {
                        times.push(last.elapsed().as_secs_f64() * 1e3);
                        last = Instant::now();
                        true
                    },
                )
                .into_diagnostic()?;
                times.split_off(2)
            }
        };
        let name = if ["training", "texture"].contains(&work) || layer == network.last() {
            ""
        } else {
            network.name(layer)
        };
        Ok((name.to_string(), times))
    }

    /// Two calls to warm up, then the timed ones.
    fn time(&self, mut call: impl FnMut() -> miette::Result<()>) -> miette::Result<Vec<f64>> {
        call()?;
        call()?;
        (0..self.runs)
            .map(|_| {
                let start = Instant::now();
                call()?;
                Ok(start.elapsed().as_secs_f64() * 1e3)
            })
            .collect()
    }
}

/// The gradient of the sum of all values.
fn of_the_sum(taps: &[Tensor]) -> Vec<Tensor> {
    let mut ones = Tensor::zeros(taps[0].shape());
    ones.data_mut().fill(1.0);
    vec![ones]
}

/// Values in -1 to 1 without structure.
fn noise(batch: usize, size: usize) -> Tensor {
    let mut tensor = Tensor::zeros([batch, size, size, 3]);
    let mut state = 1u32;
    for v in tensor.data_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *v = (state >> 8) as f32 / 8_388_608.0 - 1.0;
    }
    tensor
}

/// Phantom patches in gray.
fn textures(patches: u32, size: u32) -> miette::Result<Vec<Gray>> {
    phantom::cohort(1, 1, patches, size, 0)
        .into_diagnostic()?
        .take(patches as usize)
        .map(|spec| {
            let (image, _) = phantom::patch(&spec, 0).into_diagnostic()?;
            Gray::from_rgb(image.as_raw(), size as usize, size as usize).into_diagnostic()
        })
        .collect()
}
