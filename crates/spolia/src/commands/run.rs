//! `spolia run`.

use std::path::PathBuf;

use clap::Args;

use super::network_args::DeviceArgs;
use crate::context::{Context, Outcome};
use crate::steps::{self, STEPS};
use crate::study::Study;

/// `spolia run STUDY`
///
/// A step that is done is skipped unless what it is made from has changed; a killed run goes on where it was.
#[derive(Debug, Args)]
pub struct Run {
    /// The study file.
    #[arg(value_name = "STUDY")]
    study: PathBuf,
    /// The run folder [default: the study's name, beside the study file].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Kinds of step to run; patches and networks are brought up to date for them.
    #[arg(long, value_name = "STEP,…", value_delimiter = ',', value_parser = STEPS)]
    only: Vec<String>,
    /// Redoes the steps even if nothing has changed.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

impl Run {
    /// Runs the command.
    ///
    /// # Errors
    /// The study is wrong, or the run folder cannot be used.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        self.device.choose()?;
        let study = Study::load(&self.study)?;
        let out = self.out.unwrap_or_else(|| study.folder.join(&study.name));
        steps::run(&study, &out, &self.only, self.force, context)
    }
}
