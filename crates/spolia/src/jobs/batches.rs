//! Patches decoded in batches of one size.

use std::collections::BTreeMap;

use miette::IntoDiagnostic;
use rayon::prelude::*;
use spolia_dataset::{Patch, Problem, Reader, RgbPatch};
use spolia_network::Tensor;

use crate::context::Context;

/// Patches that a network sees at once, unless told otherwise.
pub const BATCH: usize = 32;

/// Patches of one size, decoded.
pub struct Batch {
    /// Their places in the list that was asked for.
    pub rows: Vec<usize>,
    /// Their pixels, in the same order.
    pub images: Vec<RgbPatch>,
    /// The same as the network's input: N H W 3, values x / 127.5 - 1.
    pub input: Tensor,
}

/// Decodes `patches[rows]`. Those that cannot be read, or are smaller than `least` pixels, are problems; the others come
/// in one batch per image size.
///
/// # Errors
/// None that depends on the images; an image whose bytes do not match its own size.
fn read(
    reader: &Reader,
    patches: &[&Patch],
    rows: &[usize],
    least: usize,
) -> miette::Result<(Vec<Batch>, Vec<Problem>)> {
    let decoded: Vec<_> = rows
        .par_iter()
        .map(|&row| reader.read(patches[row]))
        .collect();
    let mut problems = Vec::new();
    let mut sizes: BTreeMap<(usize, usize), (Vec<usize>, Vec<RgbPatch>)> = BTreeMap::new();
    for (&row, image) in rows.iter().zip(decoded) {
        let item = patches[row].id.clone();
        match image {
            Ok(image) if image.width.min(image.height) < least => problems.push(Problem {
                item,
                what: format!(
                    "{}: an image of {}x{} px is smaller than the network takes ({least} px)",
                    patches[row].file, image.width, image.height
                ),
                remedy: "cut larger patches, or leave it out".into(),
            }),
            Ok(image) => {
                let (rows, images) = sizes.entry((image.width, image.height)).or_default();
                rows.push(row);
                images.push(image);
            }
            Err(error) => problems.push(Problem {
                item,
                what: error.to_string(),
                remedy: "replace the file, or leave it out; the others go on without it".into(),
            }),
        }
    }
    let batches = sizes
        .into_iter()
        .map(|((width, height), (rows, images))| {
            let pixels: Vec<&[u8]> = images.iter().map(|image| image.data.as_slice()).collect();
            let input = Tensor::from_rgb8(&pixels, width, height).into_diagnostic()?;
            Ok(Batch {
                rows,
                images,
                input,
            })
        })
        .collect::<miette::Result<_>>()?;
    Ok((batches, problems))
}

/// Hands all of `patches` to `work`, at most `batch` at a time, with progress under `title`; returns those that could not
/// be used.
///
/// # Errors
/// Those of `work`.
pub fn each(
    (reader, patches): (&Reader, &[&Patch]),
    (batch, least): (usize, usize),
    title: &str,
    context: &Context,
    mut work: impl FnMut(Batch) -> miette::Result<()>,
) -> miette::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let task = context.progress.start(title, patches.len());
    let rows: Vec<usize> = (0..patches.len()).collect();
    for rows in rows.chunks(batch) {
        let (batches, failed) = read(reader, patches, rows, least)?;
        problems.extend(failed);
        batches.into_iter().try_for_each(&mut work)?;
        task.advance(rows.len());
    }
    task.finish();
    Ok(problems)
}
