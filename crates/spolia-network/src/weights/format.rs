//! The one loader: which format a file is of, seen from its content, and who opens it.

use std::path::Path;

use super::{Weights, keras, names, pytorch, safetensors};
use crate::{Convention, Error};

/// A weights file format.
struct Format {
    /// Its name in messages.
    name: &'static str,
    /// Why the file is not of this format; its ending does not matter.
    detect: fn(&[u8]) -> Result<(), String>,
    /// Reads the file's bytes; `Err` is the reason why not, and what to do.
    open: fn(&[u8]) -> Result<Weights, String>,
}

const FORMATS: [Format; 3] = [
    Format {
        name: "safetensors",
        detect: safetensors::detect,
        open: safetensors::read,
    },
    Format {
        name: "PyTorch",
        detect: pytorch::detect,
        open: pytorch::read,
    },
    Format {
        name: "Keras HDF5",
        detect: keras::detect,
        open: keras::read,
    },
];

impl Weights {
    /// Reads a weights file: safetensors (torchvision's names, ours and timm's), a PyTorch state dict (`.pth`, `.pt`)
    /// or Keras's InceptionV3 (`.h5`, `.weights.h5`). Its content decides which, not its ending.
    ///
    /// The tensors come back under torchvision's names as f32. Nothing is said about the shapes yet: see
    /// [`Weights::check`]. The convention is the file's own (a Keras file is `keras`); a `convention` given here
    /// overrides it, and the metadata's history says so. Where neither is known it stays unknown: see
    /// [`Weights::convention_or`].
    ///
    /// # Errors
    /// [`Error::Io`] for a file that cannot be read, [`Error::Format`] for one that is damaged or of no known format;
    /// the latter says why each format refused it.
    pub fn load(path: impl AsRef<Path>, convention: Option<Convention>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            path: path.into(),
            source,
        })?;
        let mut refusals = Vec::new();
        for format in &FORMATS {
            if let Err(refusal) = (format.detect)(&bytes) {
                refusals.push(format!("{}: {refusal}", format.name));
                continue;
            }
            let failed = |reason| Error::Format {
                path: path.into(),
                format: format.name,
                reason,
            };
            let mut weights = (format.open)(&bytes).map_err(failed)?;
            names::add_unit_scales(&mut weights.tensors);
            weights.source = path.display().to_string();
            weights.set_convention(convention);
            return Ok(weights);
        }
        let reason = format!(
            "{}; give a safetensors, PyTorch or Keras InceptionV3 file",
            refusals.join("; ")
        );
        Err(Error::Format {
            path: path.into(),
            format: "weights",
            reason,
        })
    }

    /// The convention: `given` if there is one, else the metadata's.
    ///
    /// # Errors
    /// [`Error::NoConvention`] where neither is known.
    pub fn convention_or(&self, given: Option<Convention>) -> Result<Convention, Error> {
        given
            .or(self.metadata.convention)
            .ok_or_else(|| Error::NoConvention {
                file: self.source.clone(),
            })
    }

    fn set_convention(&mut self, given: Option<Convention>) {
        let Some(given) = given else { return };
        match self.metadata.convention.replace(given) {
            Some(own) if own == given => {}
            Some(own) => self.metadata.history.push(format!(
                "read as convention {given}, though the file says {own}"
            )),
            None => self
                .metadata
                .history
                .push(format!("read as convention {given}, as told")),
        }
    }
}
