//! spolia-interpret
mod error;
pub mod visualize;

pub use error::Error;
