//! What every command is given, and how it may end.

use miette::Diagnostic;
use thiserror::Error;

use crate::cli::Global;
use crate::progress::Progress;

/// What every command is given.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// `--seed`, where it was given.
    pub seed: Option<u64>,
    /// How progress is shown.
    pub progress: Progress,
    /// Whether to tell details.
    pub verbose: bool,
}

impl Context {
    /// The context that the global flags ask for; sets the number of threads of this process.
    ///
    /// # Errors
    /// The system refuses that many threads.
    pub fn new(global: &Global) -> miette::Result<Self> {
        if let Some(threads) = global.threads {
            rayon::ThreadPoolBuilder::new()
                .num_threads(usize::from(threads))
                .build_global()
                .map_err(|error| Wrong::usage(format!("--threads {threads}: {error}")))?;
        }
        Ok(Context {
            seed: global.seed,
            progress: Progress::new(global.quiet),
            verbose: global.verbose,
        })
    }

    /// The seed of a command outside a study: `--seed`, else 0.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }

    /// A line for `--verbose`.
    pub fn detail(&self, line: impl FnOnce() -> String) {
        if self.verbose {
            self.progress.note(&line());
        }
    }
}

/// How a command ended that was not stopped by an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is done: exit status 0.
    Done,
    /// Some items failed; each was named and the rest is done: exit status 1.
    SomeFailed,
}

impl Outcome {
    /// [`Outcome::Done`] if nothing failed.
    pub fn of(failed: usize) -> Self {
        if failed == 0 {
            Outcome::Done
        } else {
            Outcome::SomeFailed
        }
    }
}

/// The command was used wrongly: exit status 2.
#[derive(Debug, Error, Diagnostic)]
#[error("{what}")]
pub struct Wrong {
    what: String,
}

impl Wrong {
    /// Wrong usage, in words that say what to do.
    pub fn usage(what: impl Into<String>) -> miette::Report {
        Wrong { what: what.into() }.into()
    }
}
