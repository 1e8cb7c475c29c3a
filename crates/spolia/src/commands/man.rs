//! `spolia man`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man as Page;
use miette::IntoDiagnostic;

use crate::cli::build;
use crate::context::Outcome;
use crate::output;
use crate::run_folder::write_atomic;

/// `spolia man`
#[derive(Debug, Args)]
pub struct Man {
    /// Folder to write a page per command into: spolia.1, spolia-study-check.1, …
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    /// Runs the command.
    ///
    /// # Errors
    /// A page cannot be written.
    pub fn run(self) -> miette::Result<Outcome> {
        let mut command = build();
        command.build();
        match self.out {
            None => output::print(&String::from_utf8_lossy(&render(command)?))?,
            Some(folder) => {
                output::prepare_folder(&folder)?;
                write(&folder, command)?;
            }
        }
        Ok(Outcome::Done)
    }
}

/// Writes the pages of a command and of those below it.
fn write(folder: &Path, command: clap::Command) -> miette::Result<()> {
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
    {
        write(folder, sub.clone())?;
    }
    let name = command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_string();
    let page = render(command)?;
    Ok(write_atomic(&folder.join(format!("{name}.1")), &page)?)
}

fn render(command: clap::Command) -> miette::Result<Vec<u8>> {
    let mut page = Vec::new();
    Page::new(command).render(&mut page).into_diagnostic()?;
    Ok(page)
}
