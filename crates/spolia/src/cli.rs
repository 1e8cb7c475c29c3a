//! The command line: global flags, the list of commands and how it is shown.

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::commands;
use crate::context::{Context, Outcome};

/// What does a pretrained CNN keep, change and look at when it is finetuned on pathology?
#[derive(Debug, Parser)]
#[command(name = "spolia", version, max_term_width = 100)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command; without one the overview is shown.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Where all randomness starts [default: the study's seed, else 0].
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads to use [default: all]; the result does not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// No progress on standard error; errors are still told.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Tells what is read and with which settings.
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// Every command of this version.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Draws a phantom cohort and runs the whole study on it.
    Demo(commands::demo::Demo),
    /// Runs a study from its file, or goes on with it.
    Run(commands::run::Run),
    /// Writes a study file to start from, or checks one.
    #[command(subcommand)]
    Study(commands::study::Study),
    /// Redraws the figures and the report of a run folder.
    Report(commands::report::Report),
    /// Reads whole slides: what they are, their tissue, patches of them.
    #[command(subcommand)]
    Slide(commands::slide::Slide),
    /// Counts patches, finds duplicates and leaks, or splits by patient.
    #[command(subcommand)]
    Dataset(commands::dataset::Dataset),
    /// Draws a cohort of procedural H&E patches with known truth.
    Phantom(commands::phantom::Phantom),
    /// Looks into weights files, converts them, or downloads published ones.
    #[command(subcommand)]
    Weights(commands::weights::Weights),
    /// Finetunes a network as the paper did.
    Train(Box<commands::train::Train>),
    /// Says what a network makes of each image.
    Predict(commands::predict::Predict),
    /// Tells how good predictions are: accuracy, AUC with interval, calibration, ROC.
    Evaluate(commands::evaluate::Evaluate),
    /// Draws the image that excites each channel most.
    Visualize(commands::visualize::Visualize),
    /// Maps where in each image a logit comes from.
    Attention(commands::attention::Attention),
    /// Regresses measures on layers: in sample, held out, and the null.
    Concepts(commands::concepts::Concepts),
    /// Measures how far each layer moved between two networks.
    Drift(commands::drift::Drift),
    /// Writes activations of layers as NumPy files.
    Features(commands::features::Features),
    /// Times the engine on this machine.
    Bench(commands::bench::Bench),
    /// Measures the texture of images (GLCM).
    Measure(commands::measure::Measure),
    /// Says what works on this machine and how to mend what does not.
    Doctor(commands::doctor::Doctor),
    /// Prints completions for a shell.
    Completions(commands::completions::Completions),
    /// Prints the man page, or writes one per command.
    Man(commands::man::Man),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever stops the command as a whole; items that fail are in the [`Outcome`].
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        match self {
            Command::Demo(command) => command.run(context),
            Command::Train(command) => command.run(context),
            Command::Predict(command) => command.run(context),
            Command::Evaluate(command) => command.run(context),
            Command::Visualize(command) => command.run(context),
            Command::Attention(command) => command.run(context),
            Command::Concepts(command) => command.run(context),
            Command::Drift(command) => command.run(context),
            Command::Features(command) => command.run(context),
            Command::Bench(command) => command.run(context),
            Command::Run(command) => command.run(context),
            Command::Study(command) => command.run(context),
            Command::Report(command) => command.run(context),
            Command::Slide(command) => command.run(context),
            Command::Dataset(command) => command.run(context),
            Command::Phantom(command) => command.run(context),
            Command::Weights(command) => command.run(context),
            Command::Measure(command) => command.run(context),
            Command::Doctor(command) => command.run(context),
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
        }
    }
}

/// Commands in the order of the overview.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Study", &["demo", "run", "study", "report"]),
    ("Patches", &["slide", "dataset", "phantom"]),
    ("Networks", &["weights", "train", "predict", "evaluate"]),
    (
        "Methods",
        &[
            "visualize",
            "attention",
            "measure",
            "concepts",
            "drift",
            "features",
        ],
    ),
    ("Machine", &["doctor", "bench", "completions", "man"]),
];

/// The command line with its grouped overview.
pub fn build() -> clap::Command {
    let command = Cli::command();
    let overview = overview(&command);
    command
        .help_template("{about}\n\n{usage-heading} {usage}\n{after-help}\n\n{options}")
        .after_help(overview)
}

fn overview(command: &clap::Command) -> String {
    let mut text = String::new();
    for (group, names) in GROUPS {
        let mut lines = String::new();
        for name in names {
            let Some(sub) = command.find_subcommand(name) else {
                continue;
            };
            let mut leaves = sub.get_subcommands().peekable();
            if leaves.peek().is_none() {
                line(&mut lines, name, sub);
            }
            leaves.for_each(|leaf| line(&mut lines, &format!("{name} {}", leaf.get_name()), leaf));
        }
        if !lines.is_empty() {
            text.push_str(&format!("\n{group}:\n{lines}"));
        }
    }
    text.push_str("\n`spolia COMMAND --help` explains a command.");
    text.trim_start().to_string()
}

fn line(text: &mut String, name: &str, command: &clap::Command) {
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    text.push_str(&format!("  {name:<18} {about}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        build().debug_assert();
    }

    #[test]
    fn every_command_is_in_the_overview() {
        let command = build();
        let overview = overview(&command);
        for sub in command.get_subcommands() {
            assert!(
                overview.contains(&format!("  {}", sub.get_name())),
                "{}",
                sub.get_name()
            );
        }
    }
}
