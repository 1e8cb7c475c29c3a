//! `spolia weights inspect`, `convert` and `pull`.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use miette::IntoDiagnostic;
use serde_json::Value;
use spolia_network::{
    Convention, Weights as Loaded, conventions,
    weights::{SOURCES, Source},
};

use crate::context::{Context, Outcome};
use crate::output::{self, Table};

/// `spolia weights …`
#[derive(Debug, Subcommand)]
pub enum Weights {
    /// Tells what a weights file holds, where it comes from and whether it is complete.
    Inspect(Inspect),
    /// Writes a weights file of any known format as safetensors.
    Convert(Convert),
    /// Downloads published ImageNet weights, checks and converts them.
    Pull(Pull),
}

/// `spolia weights inspect FILE`
#[derive(Debug, Args)]
pub struct Inspect {
    /// safetensors, a PyTorch state dict, or Keras's InceptionV3 as .h5.
    file: PathBuf,
    /// Lists every tensor: name, shape, mean, standard deviation, least and largest value.
    #[arg(long)]
    tensors: bool,
    /// Prints the table as JSON.
    #[arg(long)]
    json: bool,
}

/// `spolia weights convert IN --convention C --out FILE`
#[derive(Debug, Args)]
pub struct Convert {
    /// safetensors, a PyTorch state dict, or Keras's InceptionV3 as .h5.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// What the weights were trained with: keras or torchvision [default: what the file says].
    #[arg(long, value_name = "C")]
    convention: Option<Convention>,
    /// The safetensors file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// `spolia weights pull NAME`
#[derive(Debug, Args)]
pub struct Pull {
    /// Whose weights.
    #[arg(value_parser = PossibleValuesParser::new(SOURCES.map(|source| source.name)))]
    name: String,
    /// The folder to write them to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl Weights {
    /// Runs the command.
    ///
    /// # Errors
    /// A file cannot be read, written or downloaded, or is not what it should be.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        match self {
            Weights::Inspect(command) => command.run(),
            Weights::Convert(command) => command.run(context),
            Weights::Pull(command) => command.run(context),
        }
    }
}

impl Inspect {
    fn run(self) -> miette::Result<Outcome> {
        let weights = Loaded::load(&self.file, None).into_diagnostic()?;
        if self.tensors {
            tensors(&weights).print(self.json)?;
            return Ok(Outcome::Done);
        }
        let story = &weights.metadata;
        let unknown = || "unknown".to_string();
        let values: usize = weights
            .tensors
            .values()
            .map(|tensor| tensor.data.len())
            .sum();
        // Names and shapes are the same in all conventions.
        let first = weights.architecture().and_then(conventions);
        let first = first.ok().and_then(|all| all.first().copied());
        let network = weights.network(story.convention.or(first));
        let complete = network.and_then(|network| {
            weights.check(&network)?;
            Ok(network.architecture())
        });
        let convention = match story.convention {
            Some(convention) => convention.to_string(),
            None => "unknown; commands need --convention keras or torchvision".to_string(),
        };
        let head = match weights.outputs() {
            Some(outputs) => format!("{outputs} outputs"),
            None => "none".to_string(),
        };
        let mut table = Table::new(["property", "value"]);
        let mut tell = |property: &str, value: Value| table.push(vec![property.into(), value]);
        tell("file", weights.source.as_str().into());
        tell(
            "architecture",
            weights
                .architecture()
                .map_or_else(|_| unknown(), str::to_owned)
                .into(),
        );
        tell("convention", convention.into());
        tell("classification layer", head.into());
        tell("classes", story.classes.join(", ").into());
        tell("tensors", weights.tensors.len().into());
        tell("values", values.into());
        tell(
            "provenance",
            story.provenance.clone().unwrap_or_else(unknown).into(),
        );
        tell(
            "licence",
            story.license.clone().unwrap_or_else(unknown).into(),
        );
        for event in &story.history {
            tell("history", event.as_str().into());
        }
        let found = match &complete {
            Ok(name) => format!("complete {name}, all values finite"),
            Err(error) => error.to_string(),
        };
        tell("check", found.into());
        table.print(self.json)?;
        Ok(Outcome::of(usize::from(complete.is_err())))
    }
}

/// One row per tensor.
fn tensors(weights: &Loaded) -> Table {
    let mut table = Table::new(["tensor", "shape", "mean", "sd", "least", "largest"]);
    for (name, tensor) in &weights.tensors {
        let shape: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
        let n = tensor.data.len().max(1) as f64;
        let mean = tensor.data.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = tensor
            .data
            .iter()
            .map(|&v| (f64::from(v) - mean).powi(2))
            .sum::<f64>()
            / n;
        let least = tensor.data.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = tensor
            .data
            .iter()
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        table.push(vec![
            name.as_str().into(),
            shape.join("x").into(),
            mean.into(),
            variance.sqrt().into(),
            least.into(),
            largest.into(),
        ]);
    }
    table
}

impl Convert {
    fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_file(&self.out)?;
        let mut weights = Loaded::load(&self.input, self.convention).into_diagnostic()?;
        let network = weights.network(None).into_diagnostic()?;
        let convention = network.convention();
        weights.check(&network).into_diagnostic()?;
        weights.metadata.architecture = Some(network.architecture().into());
        let name = self.input.file_name().unwrap_or(self.input.as_os_str());
        let event = format!(
            "converted from {} by spolia {}",
            name.display(),
            env!("CARGO_PKG_VERSION")
        );
        weights.metadata.history.push(event);
        weights.save(&self.out).into_diagnostic()?;
        context.detail(|| format!("wrote {}, convention {convention}", self.out.display()));
        Ok(Outcome::Done)
    }
}

impl Pull {
    fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        let source = Source::named(&self.name).into_diagnostic()?;
        let mut task = None;
        let mut shown = 0;
        let mut progress = |done: u64, all: Option<u64>| {
            // In kilobytes; the total is known with the first of them.
            let all = usize::try_from(all.unwrap_or(0) / 1000).unwrap_or(0);
            let done = usize::try_from(done / 1000).unwrap_or(0);
            task.get_or_insert_with(|| context.progress.start("download, kB", all))
                .advance(done - shown);
            shown = done;
        };
        let path = source.pull(&self.out, &mut progress).into_diagnostic()?;
        if let Some(task) = task {
            task.finish();
        }
        output::print(&format!("{}\n", path.display()))?;
        Ok(Outcome::Done)
    }
}
