//! `spolia attention`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Reader, Unit, groups};
use spolia_interpret::attention::{ColourMap, Method};

use super::images::{ImagesArgs, existing_folder, tell};
use super::network_args::NetworkArgs;
use super::slide::positive;
use crate::context::{Context, Outcome, Wrong};
use crate::jobs::attention::annotated::Annotated;
use crate::jobs::attention::overlays::{self, Scale, Style};
use crate::jobs::attention::regions::Regions;
use crate::jobs::attention::{Checks, Job, run, tables};
use crate::jobs::slides;
use crate::output;
use crate::study::Formulas;

/// `spolia attention IMAGES`
///
/// Where in each image the logit of a class comes from: raw maps and overlays; whether the maps can be trusted, and whether
/// they fall on nuclei.
#[derive(Debug, Args)]
pub struct Attention {
    #[command(flatten)]
    images: ImagesArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// Layer of the maps; several are fused into one map.
    #[arg(long = "layer", value_name = "LAYER", default_value = "Mixed_7c")]
    layers: Vec<String>,
    /// Methods: grad-cam, grad-cam++, xgrad-cam, layer-cam, hires-cam, eigen-cam, and, slower, score-cam,
    /// integrated-gradients, occlusion.
    #[arg(long = "method", value_name = "M", default_values = ["grad-cam", "grad-cam++"], value_parser = Method::from_str)]
    methods: Vec<Method>,
    /// The class whose evidence is mapped, by name or number [default: the positive one].
    #[arg(long)]
    class: Option<String>,
    /// Whose formulas where a program departs from a method's paper.
    #[arg(long, value_enum, default_value_t = Formulas::Paper)]
    compat: Formulas,
    /// A folder of instance masks, ID.png (gray, the number of each nucleus), that the maps are compared with.
    #[arg(long, value_name = "DIR")]
    masks: Option<PathBuf>,
    /// Compares the maps with segmented nuclei where there is no mask.
    #[arg(long)]
    segment: bool,
    /// Annotations (ASAP XML, QuPath GeoJSON), a file, a folder or a pattern, that the maps of patches of slides are compared
    /// with; each is called as its slide.
    #[arg(long, value_name = "A")]
    annotations: Option<PathBuf>,
    /// µm per pixel of level 0 of the annotated slides, where patches are files of their own.
    #[arg(long, value_name = "M", requires = "annotations", value_parser = positive)]
    slide_mpp: Option<f64>,
    /// Judges the maps of so many images by insertion, deletion, ROAD, average drop and sensitivity-n.
    #[arg(long, value_name = "N", default_value_t = 0)]
    faithfulness: usize,
    /// Compares the maps of so many images with those of the network made random, stage by stage.
    #[arg(long, value_name = "N", default_value_t = 0)]
    sanity: usize,
    /// Colours of the overlays: viridis, inferno, magma, cividis, jet.
    #[arg(long, value_name = "MAP", default_value = "viridis", value_parser = ColourMap::from_str)]
    colours: ColourMap,
    /// What the strongest colour stands for: each map's own largest value, or that of all maps of the method.
    #[arg(long, value_enum, default_value_t = Scale::Own)]
    scale: Scale,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Attention {
    /// Runs the command.
    ///
    /// # Errors
    /// The images, the weights, the class or the folder cannot be used.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        existing_folder("--masks", self.masks.as_deref())?;
        let model = self.network.model()?;
        let logits = model.logits()?;
        let (table, mut problems) = self.images.resolve(context)?;
        let class = chosen(self.class.as_deref(), logits, table.classes())?;
        let patches: Vec<&Patch> = table.patches().iter().collect();
        let name = table.classes().get(class).cloned();
        let class_name = name.unwrap_or_else(|| class.to_string());
        let grouped = groups(&table, Unit::Patient, None).into_diagnostic()?;
        let annotated = match &self.annotations {
            Some(files) => Some(Annotated::read(
                &slides::files(files)?,
                &patches,
                (&[], self.slide_mpp),
            )?),
            None => None,
        };
        let regions = Regions {
            masks: self.masks.clone(),
            segment: self.segment,
            annotated,
        };
        let job = Job {
            network: "network",
            layers: model.stages(&self.layers)?,
            methods: &self.methods,
            options: self.compat.options(),
            class,
            class_name: &class_name,
            headless: false,
            maps: self.out.clone(),
            plain: self.out.join("patches"),
            regions,
            seed: context.seed(),
        };
        let checks = Checks {
            faithfulness: self.faithfulness,
            sanity: self.sanity,
        };
        let reader = Reader::new();
        let units = (&grouped.of[..], grouped.unit.name());
        let mut found = run(
            &job,
            &model,
            (&reader, &patches),
            units,
            checks,
            None,
            context,
        )?;
        problems.extend(found.problems);
        for note in &found.notes {
            context.progress.note(note);
        }
        for table in &mut found.tables {
            if table.name == "atypia" {
                tables::fill_atypia_q(&mut table.rows)?;
            }
            table.write(&self.out)?;
        }
        let task = context.progress.start("overlays", found.mapped.len());
        let ranges = overlays::ranges(&self.methods, found.mapped.iter());
        let style = Style {
            colours: self.colours,
            scale: self.scale,
        };
        let drawn = (&patches[..], &found.mapped[..]);
        let folders = (self.out.as_path(), job.plain.as_path());
        overlays::draw(folders, &self.methods, drawn, style, &ranges, &task)?;
        task.finish();
        let methods = (&self.methods[..], &*job.layer(&model));
        // One logit gives the probability of the positive class, whichever is mapped.
        let positive = table.classes().get(1).map_or("1", String::as_str);
        let of = if logits == 1 { positive } else { &class_name };
        overlays::sheet(folders, methods, drawn, (style, of))?;
        Ok(Outcome::of(tell(&problems)))
    }
}

/// The class asked for: by name, or by number where a network tells more classes apart than the images have names for.
fn chosen(asked: Option<&str>, logits: usize, names: &[String]) -> miette::Result<usize> {
    let classes = if logits == 1 { 2 } else { logits };
    let Some(asked) = asked else {
        return if classes == 2 {
            Ok(1)
        } else {
            Err(Wrong::usage(format!(
                "--class: the network tells {classes} classes apart; say which one is mapped, by number from 0 or by a name of --classes"
            )))
        };
    };
    let named = names.iter().position(|name| name == asked);
    match named.or_else(|| asked.parse().ok()) {
        Some(class) if class < classes => Ok(class),
        _ => Err(Wrong::usage(format!(
            "--class {asked}: the classes are {}, or 0 to {}",
            names.join(", "),
            classes - 1
        ))),
    }
}
