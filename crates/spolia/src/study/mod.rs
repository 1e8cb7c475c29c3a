//! The study file: what may be written ([`keys`]), what was written ([`written`]) and what it
//! means ([`Study`]).
//!
//! ```
//! use std::path::Path;
//! use spolia::study::Study;
//! let text = "[network.random]\n\n[visualize]\nlayers = [\"mixed5b\"]\n";
//! let study = Study::parse(Path::new("study.toml"), text).unwrap();
//! assert_eq!(study.visualize.unwrap().layers, ["Mixed_5b"]);
//! ```

pub mod channels;
pub mod error;
pub mod keys;
mod known;
mod networks;
pub mod plan;
mod resolve;
mod slides;
pub mod sweep;
pub mod template;
pub mod written;

use std::path::Path;

pub use error::StudyError;
pub use known::Known;
pub use plan::*;
pub use slides::OF_SLIDES;
pub use sweep::{Arm, Control, SweepPlan};

impl Study {
    /// Reads and validates a study file.
    ///
    /// # Errors
    /// [`StudyError`] where it cannot be read or anything in it is wrong.
    pub fn load(file: &Path) -> Result<Study, StudyError> {
        let text = std::fs::read_to_string(file).map_err(|source| StudyError::Read {
            file: file.to_path_buf(),
            source,
        })?;
        Study::parse(file, &text)
    }

    /// Validates the text of a study file that stands (or would stand) at `file`.
    ///
    /// # Errors
    /// [`StudyError::Faults`] with every fault of the text.
    pub fn parse(file: &Path, text: &str) -> Result<Study, StudyError> {
        let shown = file.display().to_string();
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        resolve::resolve(&shown, text, &folder, &Known::new()).map_err(|faults| {
            StudyError::Faults {
                file: shown,
                faults,
            }
        })
    }
}
