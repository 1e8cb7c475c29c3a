//! Class activation maps of patches, raw and drawn over the patch.

use std::path::{Path, PathBuf};

use miette::IntoDiagnostic;
use npyz::WriterBuilder;
use spolia_dataset::{Patch, Problem, Reader};
use spolia_interpret::attention::{Map, Method, Picture, maps, overlay};
use spolia_network::{Cut, StageId};

use super::batches::{self, Pass};
use super::model::Model;
use super::visualize::png;
use crate::context::Context;
use crate::run_folder::write_atomic;

/// Least side of a drawn patch, pixels.
const DRAWN: usize = 224;
/// Standard deviation by which maps of single pixels are smoothed for the eye, of the map's width; the npy is as it is.
const SMOOTHED: f64 = 0.03;
/// Patches a pass.
const BATCH: usize = 8;

/// Columns of attention.csv.
pub const HEADER: [&str; 12] = [
    "network", "method", "layer", "id", "label", "p_tumor", "logit", "class", "height", "width",
    "min", "max",
];

/// What is mapped.
pub struct Job<'a> {
    /// Network's name in the table.
    pub network: &'a str,
    /// Layer of the maps.
    pub layer: StageId,
    /// Kinds of map.
    pub methods: &'a [Method],
    /// Label of the class whose evidence is mapped.
    pub class: usize,
    /// Its name.
    pub class_name: &'a str,
    /// Folder of maps: `<method>/<id>.npy` and `.png`.
    pub maps: PathBuf,
    /// Folder of the plain patches at the overlays' size.
    pub plain: PathBuf,
}

/// Maps every patch; returns the rows of attention.csv. Finished parts are kept in `parts`.
///
/// # Errors
/// The network has no logit, or a folder cannot be written.
pub fn draw(
    job: &Job<'_>,
    model: &Model,
    reader: &Reader,
    patches: &[&Patch],
    parts: Option<&Path>,
    context: &Context,
) -> miette::Result<(Vec<Vec<String>>, Vec<Problem>)> {
    let logit = model.logit()?;
    let mut head = model.frozen(Cut::to(job.layer))?;
    let mut tail = model.frozen(Cut::between(job.layer, logit))?;
    let layer = model.network.name(job.layer);
    let title = format!("attention {}", job.network);
    let pass = Pass {
        batch: BATCH,
        parts,
        ..Pass::new(model, reader, patches, &title)
    };
    batches::each(&pass, context, |batch| {
        let mut rows = Vec::new();
        let found = maps(
            &mut *head,
            &mut *tail,
            [job.layer, logit],
            &batch.input,
            job.class,
            job.methods,
        )
        .into_diagnostic()?;
        for ((&place, image), found) in batch.rows.iter().zip(batch.images).zip(&found) {
            let patch = patches[place];
            let picture = Picture::new(image.width, image.height, image.data)
                .into_diagnostic()?
                .enlarged(DRAWN);
            for (method, map) in job.methods.iter().zip(&found.maps) {
                let to = job.maps.join(method.name());
                write_atomic(&file(&to, &patch.id, "npy"), &npy(map)?)?;
                let shown = if method.of_a_layer() {
                    overlay(&picture, map)
                } else {
                    overlay(&picture, &map.smoothed(map.width as f64 * SMOOTHED))
                };
                write_picture(&file(&to, &patch.id, "png"), shown)?;
                let (least, most) = map.range();
                rows.push(vec![
                    job.network.into(),
                    method.name().into(),
                    layer.into(),
                    patch.id.clone(),
                    patch.label.map_or_else(String::new, |l| l.to_string()),
                    found
                        .probabilities
                        .last()
                        .map_or_else(String::new, f32::to_string),
                    found
                        .logits
                        .first()
                        .map_or_else(String::new, f32::to_string),
                    job.class_name.into(),
                    map.height.to_string(),
                    map.width.to_string(),
                    least.to_string(),
                    most.to_string(),
                ]);
            }
            write_picture(&file(&job.plain, &patch.id, "png"), picture)?;
        }
        Ok(rows)
    })
}

/// Where an item's file lies; an id may name folders.
fn file(folder: &Path, id: &str, ending: &str) -> PathBuf {
    folder.join(format!("{id}.{ending}"))
}

fn write_picture(file: &Path, picture: Picture) -> miette::Result<()> {
    write_atomic(file, &png(picture.width, picture.height, picture.rgb)?)?;
    Ok(())
}

fn npy(map: &Map) -> miette::Result<Vec<u8>> {
    npy_f32(&map.values, &[map.height as u64, map.width as u64])
}

/// float32 values as an npy file's bytes, last axis fastest.
///
/// # Errors
/// The shape does not fit the number of values.
pub fn npy_f32(values: &[f32], shape: &[u64]) -> miette::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .writer(&mut bytes)
        .begin_nd()
        .into_diagnostic()?;
    writer.extend(values.iter().copied()).into_diagnostic()?;
    writer.finish().into_diagnostic()?;
    Ok(bytes)
}
