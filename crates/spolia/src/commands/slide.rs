//! `spolia slide info`, `slide tissue`, `slide patches`; `slide heatmap` has a file of its own.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use miette::IntoDiagnostic;
use serde_json::{Value, json};
use spolia_slide::Slide as Open;
use spolia_slide::tissue::{self, Flags, Mask};

use super::heatmap::Heatmap;
use crate::context::{Context, Outcome, Wrong};
use crate::jobs::slides::{
    self, Cut, Format, LabelBy, Normalisation, StainMethod, cut, files, picture,
};
use crate::output::{self, Table};
use crate::run_folder::{cell, write_csv};
use crate::seed;

/// Whole-slide images.
#[derive(Debug, Subcommand)]
pub enum Slide {
    /// Says what a slide is: size, levels, µm/px, vendor.
    Info(Info),
    /// Marks the tissue of a slide, with pen marks, folds and blur.
    Tissue(Tissue),
    /// Cuts patches out of slides, labelled by annotations.
    Patches(Box<Patches>),
    /// Maps a network's probability and attention over whole slides.
    Heatmap(Box<Heatmap>),
}

impl Slide {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever stops the command as a whole; slides that fail are named.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        match self {
            Slide::Info(info) => info.run(),
            Slide::Tissue(tissue) => tissue.run(),
            Slide::Patches(patches) => patches.run(context),
            Slide::Heatmap(heatmap) => heatmap.run(context),
        }
    }
}

/// `spolia slide info FILE…`
#[derive(Debug, Args)]
pub struct Info {
    /// Slides.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Prints JSON, with every level.
    #[arg(long)]
    json: bool,
}

impl Info {
    fn run(self) -> miette::Result<Outcome> {
        let mut failed = 0;
        let mut objects = Vec::new();
        let mut table = Table::new([
            "file",
            "vendor",
            "width",
            "height",
            "levels",
            "downsamples",
            "mpp_x",
            "mpp_y",
            "objective",
            "tile",
            "compression",
            "associated",
        ]);
        for file in &self.files {
            let slide = match Open::open(file) {
                Ok(slide) => slide,
                Err(error) => {
                    eprintln!("{error}");
                    failed += 1;
                    continue;
                }
            };
            let (width, height) = slide.dimensions();
            let levels: Vec<Value> = slide
                .levels()
                .iter()
                .enumerate()
                .map(|(number, level)| {
                    json!({
                        "level": number,
                        "width": level.width,
                        "height": level.height,
                        "downsample": level.downsample,
                        "mpp": slide.level_mpp(number).map(|m| m.mean()),
                        "tile": [level.tile.0, level.tile.1],
                        "compression": level.compression,
                    })
                })
                .collect();
            let associated: Vec<&str> = slide.associated().collect();
            let downsamples: Vec<String> = slide
                .levels()
                .iter()
                .map(|l| l.downsample.to_string())
                .collect();
            let tile = slide
                .levels()
                .first()
                .map(|l| format!("{}x{}", l.tile.0, l.tile.1));
            let compression = slide.levels().first().map(|l| l.compression);
            if self.json {
                objects.push(json!({
                    "file": file.display().to_string(),
                    "vendor": slide.vendor().name(),
                    "width": width,
                    "height": height,
                    "mpp_x": slide.mpp().map(|m| m.x),
                    "mpp_y": slide.mpp().map(|m| m.y),
                    "objective": slide.objective(),
                    "associated": associated,
                    "levels": levels,
                }));
            } else {
                table.push(vec![
                    file.display().to_string().into(),
                    slide.vendor().name().into(),
                    width.into(),
                    height.into(),
                    slide.levels().len().into(),
                    downsamples.join(" ").into(),
                    slide.mpp().map(|m| m.x).into(),
                    slide.mpp().map(|m| m.y).into(),
                    slide.objective().into(),
                    tile.into(),
                    compression.into(),
                    associated.join(" ").into(),
                ]);
            }
        }
        if self.json {
            output::print(&format!("{:#}\n", Value::from(objects)))?;
        } else {
            table.print(false)?;
        }
        Ok(Outcome::of(failed))
    }
}

/// `spolia slide tissue FILE --out DIR`
#[derive(Debug, Args)]
pub struct Tissue {
    /// The slide.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How tissue is told from glass.
    #[arg(long, value_enum, default_value_t = Method::Otsu)]
    method: Method,
    /// The folder to write: thumbnail.png, mask.png, overlay.png, tissue.csv.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// How tissue is told from glass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Otsu's threshold on saturation.
    Otsu,
    /// The rule of the paper's sampling: luma between 90 and 200.
    White,
}

impl Tissue {
    fn run(self) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        let slide = Open::open(&self.file).into_diagnostic()?;
        let options = tissue::Options {
            method: match self.method {
                Method::Otsu => tissue::Method::Otsu,
                Method::White => tissue::Method::White {
                    white_level: 200,
                    gray_threshold: 90,
                },
            },
            ..tissue::Options::default()
        };
        let mask = Mask::find(&slide, &options).into_diagnostic()?;
        let flags = Flags::of(&slide, &mask).into_diagnostic()?;
        let file = |name: &str| self.out.join(name);
        picture(
            slide.thumbnail(options.longest).into_diagnostic()?,
            &file("thumbnail.png"),
        )?;
        picture(
            tissue::picture(&slide, &mask, None, &[]).into_diagnostic()?,
            &file("overlay.png"),
        )?;
        mask.write_png(&file("mask.png")).into_diagnostic()?;
        let header = [
            "slide",
            "tissue_share",
            "downsample",
            "threshold",
            "pen",
            "fold",
            "blur",
            "sharpness",
        ];
        let row = [
            slides::name(&self.file),
            mask.total_share().to_string(),
            mask.downsample().to_string(),
            mask.threshold().to_string(),
            flags.pen.to_string(),
            flags.fold.to_string(),
            cell(flags.blur),
            cell(flags.sharpness),
        ];
        write_csv(&file("tissue.csv"), &header, [row])?;
        if let Some(why) = mask.empty_reason() {
            eprintln!("{}: no tissue was found: {why}", self.file.display());
            return Ok(Outcome::of(1));
        }
        Ok(Outcome::of(0))
    }
}

/// At which resolution patches are read.
#[derive(Debug, Args)]
pub struct ResolutionArgs {
    /// µm per pixel of the patches.
    #[arg(long, value_name = "M", required_unless_present = "level", conflicts_with = "level", value_parser = positive)]
    pub mpp: Option<f64>,
    /// Level of the slides' pyramids that patches are read from.
    #[arg(long, value_name = "L")]
    pub level: Option<usize>,
    /// µm per pixel of level 0, of slides whose file does not say.
    #[arg(long, value_name = "M", value_parser = positive)]
    pub slide_mpp: Option<f64>,
}

/// `spolia slide patches SLIDE…`
///
/// Draws patches at random from the tissue of each slide (as the paper did, up to --per-slide of each class), or all of a grid;
/// labels them by ASAP or QuPath annotations. Finished slides are not cut again; one that fails does not stop the others.
#[derive(Debug, Args)]
pub struct Patches {
    /// Slides, folders of slides, or patterns such as "slides/*.tif".
    #[arg(value_name = "SLIDE", required = true)]
    slides: Vec<PathBuf>,
    /// Annotations (ASAP XML, QuPath GeoJSON): a file, a folder or a pattern; each is called as its slide.
    #[arg(long, value_name = "A")]
    annotations: Option<PathBuf>,
    /// Side of a patch in pixels.
    #[arg(long, default_value_t = 224, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    size: u32,
    #[command(flatten)]
    resolution: ResolutionArgs,
    /// Takes all patches of a grid.
    #[arg(long, conflicts_with = "per_slide")]
    grid: bool,
    /// Most patches of each class of a slide.
    #[arg(long, value_name = "N", default_value_t = 500)]
    per_slide: usize,
    /// Share of a patch that a neighbour may cover [default: 0 on a grid, 1 at random].
    #[arg(long, value_name = "SHARE", value_parser = share)]
    overlap: Option<f64>,
    /// Least share of a patch that is tissue.
    #[arg(long, value_name = "SHARE", default_value_t = 0.4, value_parser = share)]
    tissue: f64,
    /// How a patch gets its label.
    #[arg(long, value_enum, default_value_t = LabelBy::Share)]
    label: LabelBy,
    /// By share: a patch of at least this share of tumour is tumour.
    #[arg(long, value_name = "SHARE", default_value_t = 0.6, value_parser = share)]
    tumor_share: f64,
    /// By share: a patch of at most this share of tumour is normal; what lies between is left out.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    normal_share: f64,
    /// Central: side in pixels of the square in the patch's middle where any tumour makes it tumour.
    #[arg(long, value_name = "PX", default_value_t = 32)]
    central: u32,
    /// Slides without annotations are normal tissue all over.
    #[arg(long)]
    unannotated_normal: bool,
    /// Slides whose tumour is not annotated exhaustively: no normal patches of them.
    #[arg(long, value_name = "SLIDE,…", value_delimiter = ',')]
    exclude: Vec<String>,
    /// Gives patches the stains of another image, slide by slide; a slide whose own cannot be told is named and left as it is.
    #[arg(long, value_enum, value_name = "METHOD")]
    stain: Option<StainMethod>,
    /// An image or a slide with the stains wanted [default: the method's published reference].
    #[arg(long, value_name = "FILE", requires = "stain")]
    stain_target: Option<PathBuf>,
    /// What is written.
    #[arg(long, value_enum, default_value_t = Format::Png)]
    format: Format,
    /// The folder to write: patches.csv, slides.csv, qc/, and patches/ or h5/.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|e| format!("{e}"))?;
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err("must be above 0".into())
    }
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|e| format!("{e}"))?;
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err("must be from 0 to 1".into())
    }
}

impl Patches {
    fn run(self, context: &Context) -> miette::Result<Outcome> {
        let shares = (self.tumor_share, self.normal_share);
        let label = self.label.with(shares, self.central, self.size);
        let label = label.map_err(Wrong::usage)?;
        if self.stain.is_some() && self.format == Format::Places {
            let what = "--format csv writes places alone, whose pixels keep their stain; write png or hdf5, or leave out --stain";
            return Err(Wrong::usage(what));
        }
        let mut found = Vec::new();
        for pattern in &self.slides {
            found.extend(files(pattern)?);
        }
        let annotations = self
            .annotations
            .as_deref()
            .map(files)
            .transpose()?
            .unwrap_or_default();
        output::prepare_folder(&self.out)?;
        for annotation in unused(&annotations, &found) {
            context.progress.note(&format!(
                "{}: no slide is called so; it is not used",
                annotation.display()
            ));
        }
        let plan = Cut {
            size: self.size,
            mpp: self.resolution.mpp,
            level: self.resolution.level.unwrap_or(0),
            slide_mpp: self.resolution.slide_mpp,
            per_class: (!self.grid).then_some(self.per_slide),
            overlap: self.overlap.unwrap_or(if self.grid { 0.0 } else { 1.0 }),
            tissue: self.tissue,
            label,
            unannotated_normal: self.unannotated_normal,
            exclude: self.exclude,
            stain: self.stain.map(|method| Normalisation {
                method,
                target: self.stain_target,
            }),
            format: self.format,
            seed: seed::derive(context.seed(), "slides", ""),
        };
        let troubles = cut(&found, &annotations, &plan, &self.out, context.progress)?;
        for trouble in &troubles {
            eprintln!("{}: {}; {}", trouble.slide, trouble.reason, trouble.remedy);
        }
        Ok(Outcome::of(troubles.len()))
    }
}

/// Annotations that no slide is called as.
fn unused<'a>(annotations: &'a [PathBuf], slides: &[PathBuf]) -> Vec<&'a Path> {
    let names: Vec<String> = slides.iter().map(|s| slides::name(s)).collect();
    annotations
        .iter()
        .filter(|a| !names.contains(&slides::name(a)))
        .map(PathBuf::as_path)
        .collect()
}
