//! `spolia demo`.

use std::path::PathBuf;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_network::weights::starter_path;
use spolia_slide::phantom::slides;

use super::network_args::DeviceArgs;
use crate::context::{Context, Outcome};
use crate::output;
use crate::run_folder::write_atomic;
use crate::seed;
use crate::steps;
use crate::study::Study;

/// Patients, centres, and slides of each patient.
const COHORT: (u32, u32, u32) = (16, 3, 1);

/// `spolia demo`
///
/// Draws a cohort of procedural H&E slides with known truth and runs a whole study on it with the starter weights.
#[derive(Debug, Args)]
pub struct Demo {
    /// The folder for the cohort, the study file and the run.
    #[arg(long, value_name = "DIR", default_value = "demo-run")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

impl Demo {
    /// Runs the command.
    ///
    /// # Errors
    /// The starter weights are not found, or the folder cannot be written.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        self.device.choose()?;
        output::prepare_folder(&self.out)?;
        let weights = starter_path().into_diagnostic()?;
        let cohort = self.out.join("cohort");
        if !cohort.join("truth.csv").exists() {
            let (patients, centres, each) = COHORT;
            let seed = seed::derive(context.seed(), "phantom", "");
            let cohort_of = slides::cohort(patients, centres, each, seed).into_diagnostic()?;
            let all = (patients * each) as usize;
            let task = context.progress.start("phantom slides", all);
            slides::write(&cohort, cohort_of, seed, |_| task.advance(1)).into_diagnostic()?;
            task.finish();
        }
        let file = self.out.join("study.toml");
        let path = |p: &std::path::Path| toml::Value::from(p.display().to_string()).to_string();
        let text = include_str!("demo.toml").replace("{weights}", &path(&weights));
        write_atomic(&file, text.as_bytes())?;
        let study = Study::load(&file)?;
        let outcome = steps::run(&study, &self.out.join("run"), &[], false, context)?;
        context.progress.note(&format!(
            "open {} in a browser",
            self.out.join("run/report.html").display()
        ));
        Ok(outcome)
    }
}
