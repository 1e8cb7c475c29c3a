//! `spolia report`.

use std::path::PathBuf;

use clap::Args;
use miette::IntoDiagnostic;

use crate::context::{Context, Outcome};
use crate::output;

/// `spolia report RUN`
#[derive(Debug, Args)]
pub struct Report {
    /// The run folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,
}

impl Report {
    /// Runs the command.
    ///
    /// # Errors
    /// The folder is no run folder, a table in it is broken, or it cannot be written.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        let summary = spolia_report::write(&self.run).into_diagnostic()?;
        if !summary.headline.is_empty() {
            context.progress.note(&summary.headline);
        }
        context.detail(|| format!("{} figures", summary.figures.len()));
        context.detail(|| format!("left out: {}", summary.left_out.join(", ")));
        for missing in &summary.missing {
            eprintln!("{missing}");
        }
        output::print(&format!("{}\n", summary.report.display()))?;
        Ok(Outcome::of(summary.missing.len()))
    }
}
