//! `IMAGES`: what every command that reads images takes.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::IntoDiagnostic;
use spolia_dataset::{PatchTable, Problem, ResolveOptions, resolve};

use crate::context::{Context, Wrong};

/// The images and what their labels mean.
#[derive(Debug, Clone, Args)]
pub struct ImagesArgs {
    /// An image, a folder (labels from class sub-folders or labels.csv), a CSV with at least
    /// `file` or `id`, or an HDF5 file.
    #[arg(value_name = "IMAGES")]
    pub images: PathBuf,
    /// What labels 0, 1, … mean [default: normal,tumor].
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub classes: Option<Vec<String>>,
}

impl ImagesArgs {
    /// Finds the images; no pixel is read.
    ///
    /// # Errors
    /// The path is no source of images.
    pub fn resolve(&self, context: &Context) -> miette::Result<(PatchTable, Vec<Problem>)> {
        let options = ResolveOptions {
            classes: self.classes.clone(),
        };
        let (table, problems) = resolve(&self.images, &options).into_diagnostic()?;
        context.detail(|| format!("{}: {} images", self.images.display(), table.len()));
        Ok((table, problems))
    }
}

/// Names failed items on standard error, whatever `--quiet` says; returns their number.
pub fn tell(problems: &[Problem]) -> usize {
    for problem in problems {
        eprintln!("{problem}");
    }
    problems.len()
}

/// That the folder which an option names is there, where it is given.
///
/// # Errors
/// It is not.
pub fn existing_folder(option: &str, folder: Option<&Path>) -> miette::Result<()> {
    match folder {
        Some(folder) if !folder.is_dir() => Err(Wrong::usage(format!(
            "{option} {}: no such folder",
            folder.display()
        ))),
        _ => Ok(()),
    }
}
