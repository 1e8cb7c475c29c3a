//! `spolia phantom`.

use std::path::PathBuf;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_slide::phantom;

use crate::context::{Context, Outcome};
use crate::output;

/// `spolia phantom --out DIR`
#[derive(Debug, Args)]
#[command(
    after_help = "Writes patches/, masks/ (16 bit, the number of each nucleus), patches.csv and truth.csv. \
Half of a patient's patches are tumour: larger, more varied nuclei with coarser chromatin."
)]
pub struct Phantom {
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Patients.
    #[arg(long, default_value_t = 20, value_name = "N")]
    patients: u32,
    /// Centres, each with its own stain.
    #[arg(long, default_value_t = 5, value_name = "N")]
    centres: u32,
    /// Patches of each patient.
    #[arg(long, default_value_t = 20, value_name = "N")]
    patches: u32,
    /// Side of a patch in pixels of 0.5 µm.
    #[arg(long, default_value_t = 96, value_name = "PIXELS")]
    size: u32,
}

impl Phantom {
    /// Runs the command.
    ///
    /// # Errors
    /// The cohort cannot be drawn or written.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        let seed = context.seed();
        let cohort = phantom::cohort(self.patients, self.centres, self.patches, self.size, seed)
            .into_diagnostic()?;
        let total = self.patients as usize * self.patches as usize;
        let task = context.progress.start("phantom", total);
        phantom::write(&self.out, cohort, seed, |_| task.advance(1)).into_diagnostic()?;
        task.finish();
        output::print(&format!("{}\n", self.out.join("patches.csv").display()))?;
        Ok(Outcome::Done)
    }
}
