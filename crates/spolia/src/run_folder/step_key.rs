//! The hash of everything a step is made from.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::error::RunFolderError;

/// Builds a step's `inputs` hash: this version, the step's name, the study keys that matter to it,
/// the content of files, and the hashes of the steps before it. A step is redone when it changes.
///
/// ```
/// use spolia::run_folder::StepKey;
/// # fn main() -> Result<(), spolia::run_folder::RunFolderError> {
/// let patches = StepKey::new("patches").with("size", &96)?.finish();
/// let train = |epochs: u32| -> Result<String, spolia::run_folder::RunFolderError> {
///     Ok(StepKey::new("train/a").with("epochs", &epochs)?.upstream(&patches).finish())
/// };
/// assert_eq!(train(3)?, train(3)?);
/// assert_ne!(train(3)?, train(4)?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct StepKey {
    hash: Sha256,
}

impl StepKey {
    /// The key of a step made from nothing yet.
    pub fn new(step: &str) -> Self {
        let mut key = StepKey {
            hash: Sha256::new(),
        };
        key.put("spolia", env!("CARGO_PKG_VERSION").as_bytes());
        key.put("step", step.as_bytes());
        key
    }

    fn put(&mut self, name: &str, bytes: &[u8]) {
        for part in [name.as_bytes(), bytes] {
            self.hash.update((part.len() as u64).to_le_bytes());
            self.hash.update(part);
        }
    }

    /// Adds a value, as JSON.
    ///
    /// # Errors
    /// [`RunFolderError::Json`] for a value that JSON cannot express, such as a map with keys that
    /// are no text.
    pub fn with(
        mut self,
        name: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<Self, RunFolderError> {
        let json = serde_json::to_vec(value).map_err(|source| RunFolderError::Json {
            file: PathBuf::from(name),
            source,
        })?;
        self.put(name, &json);
        Ok(self)
    }

    /// Adds the content of a file.
    ///
    /// # Errors
    /// [`RunFolderError::Read`] where it cannot be read.
    pub fn file(mut self, name: &str, file: &Path) -> Result<Self, RunFolderError> {
        let hash = hash_file(file)?;
        self.put(name, hash.as_bytes());
        Ok(self)
    }

    /// Adds the inputs hash of a step that this one reads from.
    pub fn upstream(mut self, inputs: &str) -> Self {
        self.put("upstream", inputs.as_bytes());
        self
    }

    /// The hash, as 64 hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.hash.finalize())
    }
}

/// SHA-256 of a file's content, as 64 hexadecimal digits.
///
/// # Errors
/// [`RunFolderError::Read`] where it cannot be read.
pub fn hash_file(file: &Path) -> Result<String, RunFolderError> {
    let digest = || -> io::Result<Vec<u8>> {
        let mut reader = File::open(file)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; 1 << 20];
        loop {
            match reader.read(&mut block) {
                Ok(0) => return Ok(hash.finalize().to_vec()),
                Ok(n) => hash.update(&block[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    let digest = digest().map_err(|source| RunFolderError::Read {
        file: file.to_path_buf(),
        source,
    })?;
    Ok(hex(&digest))
}

/// Length and time of change in nanoseconds, of a file that would take too long to hash; zeros for one that is gone, which
/// reading tells.
pub fn file_state(file: &Path) -> (u64, u128) {
    let Ok(meta) = file.metadata() else {
        return (0, 0);
    };
    let changed = meta
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (meta.len(), changed.map_or(0, |time| time.as_nanos()))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
