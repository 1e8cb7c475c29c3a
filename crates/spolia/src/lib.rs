//! The `spolia` command: the study file, the run folder and one module per command.
//!
//! The science lies in the other crates; this one reads what the user wrote, calls them, writes
//! the files of a run and turns errors into words.

pub mod batch;
pub mod cli;
pub mod commands;
pub mod context;
pub mod engine;
pub mod jobs;
pub mod machine;
pub mod output;
pub mod progress;
pub mod run_folder;
pub mod seed;
pub mod steps;
pub mod study;
