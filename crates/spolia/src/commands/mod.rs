//! One file per command: its arguments, and its run.

pub mod completions;
pub mod dataset;
pub mod doctor;
pub mod images;
pub mod man;
pub mod measure;
pub mod network_args;
pub mod phantom;
pub mod report;
pub mod run;
pub mod study;
pub mod weights;
