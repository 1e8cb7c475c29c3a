//! The work itself, shared by the commands and the steps of a study: one file per job.

pub mod activations;
pub mod attention;
pub mod batches;
pub mod concepts;
pub mod drift;
pub mod evaluate;
pub mod features;
pub mod filters;
pub mod kept;
pub mod masks;
pub mod measure;
pub mod model;
pub mod natural;
pub mod predict;
pub mod reuse;
pub mod slides;
pub mod stains;
pub mod train;
pub mod visualize;
