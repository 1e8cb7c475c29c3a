//! `spolia completions`.

use clap::Args;
use clap_complete::Shell;

use crate::cli::build;
use crate::context::Outcome;
use crate::output;

/// `spolia completions SHELL`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Runs the command.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn run(self) -> miette::Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut build(), "spolia", &mut script);
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(Outcome::Done)
    }
}
