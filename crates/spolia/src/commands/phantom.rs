//! `spolia phantom`.

use std::path::PathBuf;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_slide::phantom::{self, slides};

use crate::context::{Context, Outcome};
use crate::output;

/// `spolia phantom --out DIR`
#[derive(Debug, Args)]
#[command(
    after_help = "Slides: writes slides/centre_C/ (pyramids of 8,192 x 4,096 px at 0.5 µm), annotations/ (ASAP XML), nuclei/ (tiled TIFF of 32 bits, the number of each nucleus) and truth.csv. \
Half of the slides hold tumour: larger, more varied nuclei with coarser chromatin.
Patches: writes patches/, masks/ (16 bit, the number of each nucleus), patches.csv and truth.csv; half of a patient's patches are tumour."
)]
pub struct Phantom {
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Patients.
    #[arg(long, default_value_t = 10, value_name = "N")]
    patients: u32,
    /// Centres, each with its own stain [default: 5, or as many as patients].
    #[arg(long, value_name = "N")]
    centres: Option<u32>,
    /// Slides of each patient.
    #[arg(
        long,
        default_value_t = 1,
        value_name = "N",
        conflicts_with = "patches"
    )]
    slides: u32,
    /// Patches of each patient, instead of slides.
    #[arg(long, value_name = "N")]
    patches: Option<u32>,
    /// Side of a patch in pixels of 0.5 µm.
    #[arg(
        long,
        default_value_t = 96,
        value_name = "PIXELS",
        requires = "patches"
    )]
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
        let centres = self.centres.unwrap_or(self.patients.min(5));
        let each = self.patches.unwrap_or(self.slides);
        let task = context
            .progress
            .start("phantom", self.patients as usize * each as usize);
        let table = if self.patches.is_some() {
            let cohort =
                phantom::cohort(self.patients, centres, each, self.size, seed).into_diagnostic()?;
            phantom::write(&self.out, cohort, seed, |_| task.advance(1)).into_diagnostic()?;
            "patches.csv"
        } else {
            let cohort = slides::cohort(self.patients, centres, each, seed).into_diagnostic()?;
            slides::write(&self.out, cohort, seed, |_| task.advance(1)).into_diagnostic()?;
            "truth.csv"
        };
        task.finish();
        output::print(&format!("{}\n", self.out.join(table).display()))?;
        Ok(Outcome::Done)
    }
}
