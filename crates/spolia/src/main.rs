//! The `spolia` command.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::FromArgMatches;
use miette::MietteHandlerOpts;
use spolia::cli::{Cli, build};
use spolia::context::{Context, Outcome, Wrong};

fn main() -> ExitCode {
    // Messages contain their causes already; long lines stay whole for whoever greps them.
    let terminal = std::io::stderr().is_terminal();
    let _ = miette::set_hook(Box::new(move |_| {
        let form = MietteHandlerOpts::new()
            .without_cause_chain()
            .break_words(false);
        Box::new(form.wrap_lines(terminal).build())
    }));
    match run() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::from(if error.is::<Wrong>() { 2 } else { 1 })
        }
    }
}

fn run() -> miette::Result<Outcome> {
    let matches = build().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.command {
        Some(command) => command.run(&Context::new(&cli.global)?),
        None => {
            let overview = build().render_help();
            spolia::output::print(&overview.to_string())?;
            Ok(Outcome::Done)
        }
    }
}
