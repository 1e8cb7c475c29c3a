//! The steps of a study, one per file. A step reads what earlier steps wrote into the run folder.

pub mod patches;
