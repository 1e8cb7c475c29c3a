//! One file per command: its arguments, and its run.

pub mod attention;
pub mod bench;
pub mod completions;
pub mod concepts;
pub mod dataset;
pub mod demo;
pub mod doctor;
pub mod drift;
pub mod evaluate;
pub mod features;
pub mod heatmap;
pub mod images;
pub mod man;
pub mod measure;
pub mod network_args;
pub mod phantom;
pub mod predict;
pub mod report;
pub mod run;
pub mod slide;
pub mod study;
pub mod train;
pub mod visualize;
pub mod weights;
