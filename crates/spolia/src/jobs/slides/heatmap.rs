//! Probability and attention over a whole slide, stitched from overlapping patches.
//!
//! In memory are two batches and the stitched maps, whose size is bounded.

use std::path::Path;
use std::time::Instant;

use image::RgbImage;
use miette::IntoDiagnostic;
use serde::Serialize;
use spolia_interpret::attention::{Map, Method, Options, Path as Cuts};
use spolia_network::Normalisation;
use spolia_slide::Slide;
use spolia_slide::annotation::{Label, LabelRule};
use spolia_slide::patches::{self, Patch, Resolved, Sampling};
use spolia_slide::tissue::{self, Mask};

use super::drawn::{self, Drawn};
use super::journal::{Found, Journal};
use super::names::name;
use super::stitch::Stitch;
use crate::context::Context;
use crate::jobs::model::Model;
use crate::run_folder::{StepKey, file_state, write_atomic};

/// Patches a pass.
const BATCH: usize = 16;

/// How slides are mapped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Side of a patch in its own pixels.
    pub size: u32,
    /// µm/px; none where `level` says.
    pub mpp: Option<f64>,
    /// Level of the pyramid, where `mpp` is not asked for.
    pub level: usize,
    /// µm/px of level 0, of slides whose file does not say.
    pub slide_mpp: Option<f64>,
    /// Share of a patch that its neighbour covers.
    pub overlap: f64,
    /// Least share of tissue.
    pub tissue: f64,
    /// Layer of the attention.
    pub layer: String,
    /// Label of the class.
    pub class: usize,
    /// Its name.
    pub class_name: String,
}

/// What was done with a slide.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The slide.
    pub slide: String,
    /// Patches mapped.
    pub patches: usize,
    /// Patches that could not be read.
    pub failed: usize,
    /// Area that the patches stand for, mm², where the width of a pixel is known.
    pub mm2: Option<f64>,
    /// Seconds of this run; less where it went on with an earlier one.
    pub seconds: f64,
    /// Seconds for each mm² mapped by this run.
    pub seconds_per_mm2: Option<f64>,
    /// Width of a cell of the stitched maps, µm.
    pub cell_um: Option<f64>,
    /// Attention that the strongest colour stands for: the 99th percentile over all cells.
    pub attention_scale: f32,
}

/// Maps one slide into `out`.
///
/// # Errors
/// The slide cannot be read or has no tissue, its µm/px is asked for and not known, the network cannot run at this size, or a
/// file cannot be written.
pub fn heatmap(
    file: &Path,
    (model, weights): (&Model, &Path),
    (plan, method): (&Plan, Method),
    out: &Path,
    context: &Context,
) -> miette::Result<Summary> {
    let begun = Instant::now();
    let own = name(file);
    let slide = Slide::open_with(
        file,
        &spolia_slide::slide::Options {
            mpp: plan.slide_mpp,
            ..Default::default()
        },
    )
    .into_diagnostic()?;
    let mask = Mask::find(&slide, &tissue::Options::default()).into_diagnostic()?;
    let sampling = Sampling {
        size: plan.size,
        resolved: plan.mpp.map_or(Resolved::Level(plan.level), Resolved::Mpp),
        tissue: plan.tissue,
        rule: LabelRule::default(),
        classes: vec![Label::Normal, Label::Tumor],
        overlap: plan.overlap,
    };
    let patches = patches::grid(&slide, &mask, None, &sampling).into_diagnostic()?;
    let Some(first) = patches.first() else {
        let why = mask.empty_reason();
        let why = why.map_or_else(|| "no patch has enough of it".into(), |w| w.to_string());
        return Err(miette::miette!(
            "{}: no tissue to map: {why}",
            file.display()
        ));
    };
    let span = first.span;
    let key = StepKey::new("heatmap")
        .with("plan", plan)?
        .with("method", &method.name())?
        .with("slide", &(file.display().to_string(), file_state(file)))?
        .file("weights", weights)?
        .finish();
    std::fs::create_dir_all(out).into_diagnostic()?;
    let mut kept = Journal::open(out, &key, BATCH)?;
    let mut maps = Stitched {
        probability: Stitch::new(slide.dimensions(), span),
        attention: Stitch::new(slide.dimensions(), span),
    };
    let before = kept.replay(&patches, |patch, p, map| maps.add(patch, p, map))?;
    let layer = model.network.stage(&plan.layer).into_diagnostic()?;
    let mut walk = Walk {
        cuts: Cuts::new(
            crate::engine::chosen(),
            &model.network,
            &model.weights,
            &[layer],
        )
        .into_diagnostic()?,
        normalisation: *model.network.normalisation(),
        logits: model.logits()?,
        plan,
        method,
    };
    let task = context
        .progress
        .start(&format!("heatmap {own}"), patches.len());
    task.advance(before);
    let left = &patches[before..];
    let read = |batch: &[Patch]| -> Vec<spolia_slide::Result<RgbImage>> {
        let some = patches::read(&slide, batch);
        some.map(|(_, image)| image).collect()
    };
    let mut batches = left.chunks(BATCH).peekable();
    let mut ahead = batches.peek().map(|batch| read(batch));
    while let Some(batch) = batches.next() {
        let images = ahead.take().unwrap_or_else(|| read(batch));
        let next = batches.peek();
        // The next patches are read while the network runs.
        let (found, coming) = std::thread::scope(|scope| {
            let reader = next.map(|next| scope.spawn(|| read(next)));
            let found = walk.maps(batch, images);
            (found, reader.map(|reader| reader.join()))
        });
        ahead = coming.and_then(Result::ok);
        for (patch, found) in batch.iter().zip(found?) {
            match found {
                Ok(found) => {
                    kept.push(patch, Some(&found))?;
                    maps.add(patch, found.p, &found.map);
                }
                Err(why) => {
                    eprintln!("{} ({own}): {why}", patch.id());
                    kept.push(patch, None)?;
                }
            }
        }
        kept.flush()?;
        task.advance(batch.len());
    }
    task.finish();
    let stride = span * (1.0 - plan.overlap);
    let mm = slide.mpp().map(|mpp| mpp.mean() / 1e3);
    let area = |patches: usize| mm.map(|mm| patches as f64 * (stride * mm).powi(2));
    let seconds = begun.elapsed().as_secs_f64();
    let attention = maps.attention.map();
    let summary = Summary {
        slide: own,
        patches: patches.len() - kept.failed,
        failed: kept.failed,
        mm2: area(patches.len()),
        seconds,
        seconds_per_mm2: area(left.len()).filter(|a| *a > 0.0).map(|a| seconds / a),
        cell_um: mm.map(|mm| mm * 1e3 * maps.probability.cell),
        attention_scale: drawn::percentile(&attention, 0.99),
    };
    let probability = maps.probability.map();
    drawn::write(
        &Drawn {
            slide: &slide,
            cell: maps.probability.cell,
            probability: &probability,
            attention: &attention,
            scale: summary.attention_scale,
            class_name: &plan.class_name,
        },
        out,
    )?;
    drop(maps);
    kept.geojson(&patches, stride, &plan.class_name, out)?;
    let text = serde_json::to_vec_pretty(&summary).into_diagnostic()?;
    write_atomic(&out.join("summary.json"), &text)?;
    Ok(summary)
}

struct Stitched {
    probability: Stitch,
    attention: Stitch,
}

impl Stitched {
    fn add(&mut self, patch: &Patch, p: f32, map: &Map) {
        let flat = Map {
            height: 1,
            width: 1,
            values: vec![p],
        };
        self.probability.add((patch.x, patch.y), patch.span, &flat);
        self.attention.add((patch.x, patch.y), patch.span, map);
    }
}

struct Walk<'a> {
    cuts: Cuts,
    normalisation: Normalisation,
    logits: usize,
    plan: &'a Plan,
    method: Method,
}

impl Walk<'_> {
    /// The maps of the patches that could be read.
    fn maps(
        &mut self,
        batch: &[Patch],
        images: Vec<spolia_slide::Result<RgbImage>>,
    ) -> miette::Result<Vec<Result<Found, String>>> {
        let (mut pixels, mut found) = (Vec::new(), Vec::new());
        for image in images {
            found.push(match image {
                Ok(image) => {
                    pixels.push(image.into_raw());
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            });
        }
        let side = batch.first().map_or(0, |p| p.size as usize);
        let bytes: Vec<&[u8]> = pixels.iter().map(Vec::as_slice).collect();
        let mut maps = Vec::new();
        if !bytes.is_empty() {
            let input = self.normalisation.tensor(&bytes, side, side);
            let input = input.into_diagnostic()?;
            // Glass is white in the network's own values.
            let options = Options {
                baseline: self.normalisation.from_unit([1.0; 3]),
                ..Options::default()
            };
            maps = self
                .cuts
                .maps(&input, self.plan.class, &[self.method], &options)
                .into_diagnostic()?;
        }
        let mut maps = maps.into_iter();
        let class = self.plan.class;
        Ok(found
            .into_iter()
            .map(|read| {
                read?;
                let mut one = maps.next().ok_or("the network gave no map")?;
                let logit = if self.logits == 1 { 0 } else { class };
                Ok(Found {
                    logit: one.logits.get(logit).copied().unwrap_or(f32::NAN),
                    p: one.probabilities.get(class).copied().unwrap_or(f32::NAN),
                    map: one.maps.pop().ok_or("the network gave no map")?,
                })
            })
            .collect())
    }
}
