//! `spolia slide heatmap`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use spolia_interpret::attention::Method;

use super::network_args::NetworkArgs;
use super::slide::{ResolutionArgs, share};
use crate::context::{Context, Outcome, Wrong};
use crate::jobs::slides::heatmap::{Plan, heatmap};
use crate::jobs::slides::{files, name};
use crate::output;
use crate::run_folder::{cell, write_csv};

/// `spolia slide heatmap SLIDE…`
///
/// Runs a network over the tissue of each slide in overlapping patches, at the resolution that it was trained on, and stitches its probability and its attention into maps
/// of the slide: numbers, pyramids, pictures, and detections for QuPath. A killed run goes on where it was.
#[derive(Debug, Args)]
pub struct Heatmap {
    /// Slides, folders of slides, or patterns such as "slides/*.tif".
    #[arg(value_name = "SLIDE", required = true)]
    slides: Vec<PathBuf>,
    #[command(flatten)]
    network: NetworkArgs,
    /// Side of a patch in pixels.
    #[arg(long, default_value_t = 224, value_parser = clap::value_parser!(u32).range(75..=8_192))]
    size: u32,
    #[command(flatten)]
    resolution: ResolutionArgs,
    /// Share of a patch that its neighbour covers, below 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    overlap: f64,
    /// Least share of a patch that is tissue.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    tissue: f64,
    /// Layer of the attention.
    #[arg(long, default_value = "Mixed_7c")]
    layer: String,
    /// Kind of attention map, as of `spolia attention`.
    #[arg(long, value_name = "M", default_value = "grad-cam++", value_parser = Method::from_str)]
    method: Method,
    /// Number of the class that is mapped.
    #[arg(long, default_value_t = 1)]
    class: usize,
    /// Its name.
    #[arg(long, value_name = "NAME", default_value = "tumor")]
    class_name: String,
    /// The folder to write: a folder for each slide, and slides.csv.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Heatmap {
    /// Runs the command.
    ///
    /// # Errors
    /// The weights or the folder cannot be used; slides that fail are named.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        if self.overlap >= 1.0 {
            return Err(Wrong::usage(
                "--overlap 1: patches would not get on; give a share below 1".to_owned(),
            ));
        }
        let mut slides = Vec::new();
        for pattern in &self.slides {
            slides.extend(files(pattern)?);
        }
        output::prepare_folder(&self.out)?;
        let model = self.network.model()?;
        let logits = model.logits()?;
        let classes = if logits == 1 { 2 } else { logits };
        if self.class >= classes {
            return Err(Wrong::usage(format!(
                "--class {}: the network tells {classes} classes apart, from 0",
                self.class
            )));
        }
        let plan = Plan {
            size: self.size,
            mpp: self.resolution.mpp,
            level: self.resolution.level.unwrap_or(0),
            slide_mpp: self.resolution.slide_mpp,
            overlap: self.overlap,
            tissue: self.tissue,
            layer: self.layer,
            class: self.class,
            class_name: self.class_name,
        };
        let header = [
            "slide",
            "state",
            "reason",
            "patches",
            "failed",
            "mm2",
            "seconds",
            "seconds_per_mm2",
        ];
        let (mut rows, mut failed) = (Vec::new(), 0);
        for slide in &slides {
            let own = name(slide);
            let to = self.out.join(&own);
            let weights = self.network.weights.as_path();
            match heatmap(slide, (&model, weights), (&plan, self.method), &to, context) {
                Ok(done) => {
                    let area = done
                        .mm2
                        .map_or_else(String::new, |a| format!(" of {a:.2} mm²"));
                    let rate = done.seconds_per_mm2;
                    let rate = rate.map_or_else(String::new, |r| format!(", {r:.2} s/mm²"));
                    context.progress.note(&format!(
                        "{own}: {} patches{area} in {:.1} s{rate}",
                        done.patches, done.seconds
                    ));
                    failed += done.failed;
                    let mut row = vec![own, "done".to_owned(), String::new()];
                    row.extend([done.patches, done.failed].map(|n| n.to_string()));
                    row.extend([done.mm2, Some(done.seconds), done.seconds_per_mm2].map(cell));
                    rows.push(row);
                }
                Err(error) => {
                    eprintln!("{own}: {error}");
                    failed += 1;
                    let mut row = vec![own, "failed".to_owned(), error.to_string()];
                    row.resize(header.len(), String::new());
                    rows.push(row);
                }
            }
            write_csv(&self.out.join("slides.csv"), &header, &rows)?;
        }
        Ok(Outcome::of(failed))
    }
}
