//! Figures and one HTML page from a run folder.
//!
//! A run folder holds plain tables and pictures: patches, training curves, predictions,
//! visualized channels, class activation maps, concept regressions. [`write`] reads those files
//! alone, draws the figures and puts them into one page that opens from disk on any machine:
//! no script, no font and no picture is fetched. What a study left out, the page leaves out.
//!
//! Every sentence with a number is worded from that number: where intervals overlap the page
//! says so, and it claims nothing that was not measured.
//!
//! ```
//! # let run = tempfile::tempdir()?;
//! // What `spolia run` writes first; the other files of a run folder are optional.
//! std::fs::write(
//!     run.path().join("manifest.json"),
//!     r#"{"study": {"name": "small", "seed": 7}, "classes": ["normal", "tumor"]}"#,
//! )?;
//!
//! let summary = spolia_report::write(run.path())?;
//! let page = std::fs::read_to_string(&summary.report)?;
//! assert!(page.contains("<title>small"));
//! assert!(summary.left_out.contains(&"predictions"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The page and its limits are described in `docs/report.md`.

mod error;
mod figures;
mod files;
mod gallery;
mod numbers;
mod page;
mod run;

use std::path::{Path, PathBuf};

pub use error::Error;
pub use figures::{SheetRow, attention_sheet, colour_bar, scale_bar};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The page.
    pub report: PathBuf,
    /// The figures, in the order of the page.
    pub figures: Vec<PathBuf>,
    /// The first sentence of the page's answer.
    pub headline: String,
    /// Parts left out because the study did not run their step.
    pub left_out: Vec<&'static str>,
    /// Pictures that a table promises but that are absent or broken, each with the reason.
    /// The page shows an empty frame in their place.
    pub missing: Vec<String>,
}

/// Draws the figures and the page of a run folder from its files alone: `figures/*.svg`,
/// `figures/*.png` and `report.html`, one page that needs no other file; beside it, where
/// channels were drawn, `gallery.html`, which shows the run folder's own pictures.
///
/// The same files give the same bytes. Each file is written beside its place and renamed, so a
/// reader never meets half of one.
///
/// # Errors
/// [`Error::NotARun`] without `manifest.json`; [`Error::Read`], [`Error::Json`],
/// [`Error::Line`], [`Error::NoColumn`] or [`Error::Cell`] when a table is there but broken;
/// [`Error::Figure`] when a figure cannot be drawn; [`Error::Write`] when a file cannot be
/// written. A step's table that is absent is no error: its part is left out.
pub fn write(run: &Path) -> Result<Summary, Error> {
    let run = run::Run::read(run)?;
    let folder = run.folder.join("figures");
    let mut written = Vec::new();
    let mut keep = |name: &str, bytes: &[u8]| -> Result<(), Error> {
        let path = folder.join(name);
        files::write_whole(&path, bytes)?;
        written.push(path);
        Ok(())
    };

    let drawn = page::Drawn::new(&run)?;
    for svg in drawn.vectors() {
        keep(&svg.name, svg.text.as_bytes())?;
    }
    for (name, bytes) in drawn.sheets() {
        keep(name, bytes)?;
    }
    if let Some(gallery) = gallery::write(&run)? {
        files::write_whole(&run.folder.join("gallery.html"), gallery.as_bytes())?;
    }
    let page = page::write(&run, &drawn)?;
    let report = run.folder.join("report.html");
    files::write_whole(&report, page.html.as_bytes())?;
    Ok(Summary {
        report,
        figures: written,
        headline: page.headline,
        left_out: page.left_out,
        missing: drawn.missing.0,
    })
}
