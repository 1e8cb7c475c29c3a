//! Patches decoded in batches of one size.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;

use miette::IntoDiagnostic;
use rayon::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use spolia_dataset::{Patch, Problem, Reader, RgbPatch};
use spolia_network::{Normalisation, Tensor};

use super::model::Model;
use crate::context::Context;
use crate::run_folder::write_atomic;

/// Patches that a network sees at once, unless told otherwise.
pub const BATCH: usize = 32;

/// Patches of one size, decoded.
pub struct Batch {
    /// Their places in the list that was asked for.
    pub rows: Vec<usize>,
    /// Their pixels, in the same order.
    pub images: Vec<RgbPatch>,
    /// The same as the network's input: N H W 3.
    pub input: Tensor,
}

/// Decodes `patches[rows]` for a network. Those that cannot be read, or are smaller than it takes, are problems; the others come
/// in one batch per image size.
///
/// # Errors
/// None that depends on the images; an image whose bytes do not match its own size.
fn read(
    reader: &Reader,
    patches: &[&Patch],
    rows: &[usize],
    (least, normalisation): (usize, &Normalisation),
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
                remedy: "the others go on without it".into(),
            }),
        }
    }
    let batches = sizes
        .into_iter()
        .map(|((width, height), (rows, images))| {
            let pixels: Vec<&[u8]> = images.iter().map(|image| image.data.as_slice()).collect();
            let input = normalisation.tensor(&pixels, width, height);
            let input = input.into_diagnostic()?;
            Ok(Batch {
                rows,
                images,
                input,
            })
        })
        .collect::<miette::Result<_>>()?;
    Ok((batches, problems))
}

/// How `each` goes through the patches.
pub struct Pass<'a> {
    /// Where their pixels come from.
    pub reader: &'a Reader,
    /// The patches.
    pub patches: &'a [&'a Patch],
    /// At most so many at a time.
    pub batch: usize,
    /// The smallest side that the network takes, pixels.
    pub least: usize,
    /// What it takes for colours.
    pub normalisation: Normalisation,
    /// What the progress bar calls it.
    pub title: &'a str,
    /// Folder of finished parts, so that a killed pass goes on where it was; whoever finished with the results
    /// removes it with [`forget`]. `None` where nothing may be kept.
    pub parts: Option<&'a Path>,
}

impl<'a> Pass<'a> {
    /// Patches for a network, [`BATCH`] at a time, of which nothing is kept.
    pub fn new(
        model: &Model,
        reader: &'a Reader,
        patches: &'a [&'a Patch],
        title: &'a str,
    ) -> Self {
        Self {
            reader,
            patches,
            batch: BATCH,
            least: model.network.least_side(),
            normalisation: *model.network.normalisation(),
            title,
            parts: None,
        }
    }
}

/// What a finished part holds: the results, and the problems as item, what, remedy.
type Part<T> = (Vec<T>, Vec<[String; 3]>);

/// Batches that are decoded and wait: one, while the network is at the one before and the next is being decoded.
const AHEAD: usize = 1;

/// What comes to the network.
enum Coming<T> {
    /// A finished part.
    Kept(Part<T>),
    /// Decoded patches, and those that could not be.
    Decoded(Vec<Batch>, Vec<Problem>),
}

/// Hands all patches to `work` in batches; returns what it made of them, in order, and the patches that could not be used. The
/// next batch is read while `work` is at one.
///
/// # Errors
/// Those of `work`, and a part that cannot be written.
pub fn each<T: Serialize + DeserializeOwned + Send>(
    pass: &Pass<'_>,
    context: &Context,
    mut work: impl FnMut(Batch) -> miette::Result<Vec<T>>,
) -> miette::Result<(Vec<T>, Vec<Problem>)> {
    let (mut results, mut problems) = (Vec::new(), Vec::new());
    let task = context.progress.start(pass.title, pass.patches.len());
    let rows: Vec<usize> = (0..pass.patches.len()).collect();
    let file = |number: usize| pass.parts.map(|p| p.join(format!("{number:06}.part")));
    let coming = |number: usize, rows: &[usize]| -> miette::Result<Coming<T>> {
        if let Some(part) = file(number).as_deref().and_then(kept::<T>) {
            return Ok(Coming::Kept(part));
        }
        let network = (pass.least, &pass.normalisation);
        let (batches, failed) = read(pass.reader, pass.patches, rows, network)?;
        Ok(Coming::Decoded(batches, failed))
    };
    std::thread::scope(|scope| -> miette::Result<()> {
        let (send, receive) = mpsc::sync_channel(AHEAD);
        let chunks = || rows.chunks(pass.batch).enumerate();
        scope.spawn(move || {
            for (number, rows) in chunks() {
                // Nobody receives any more once `work` failed.
                if send.send(coming(number, rows)).is_err() {
                    break;
                }
            }
        });
        for ((number, rows), coming) in chunks().zip(receive) {
            let (found, failed) = match coming? {
                Coming::Kept(part) => part,
                Coming::Decoded(batches, failed) => {
                    let mut found = Vec::new();
                    for batch in batches {
                        found.extend(work(batch)?);
                    }
                    let failed = failed.into_iter().map(|p| [p.item, p.what, p.remedy]);
                    let part = (found, failed.collect());
                    if let Some(file) = file(number) {
                        write_atomic(&file, &rmp_serde::to_vec(&part).into_diagnostic()?)?;
                    }
                    part
                }
            };
            results.extend(found);
            problems.extend(failed.into_iter().map(|[item, what, remedy]| Problem {
                item,
                what,
                remedy,
            }));
            task.advance(rows.len());
        }
        Ok(())
    })?;
    task.finish();
    Ok((results, problems))
}

/// A part that an earlier run finished.
fn kept<T: DeserializeOwned>(file: &Path) -> Option<Part<T>> {
    rmp_serde::from_slice(&std::fs::read(file).ok()?).ok()
}

/// Removes the parts of a pass whose results are written.
///
/// # Errors
/// The folder cannot be removed.
pub fn forget(parts: &Path) -> miette::Result<()> {
    match std::fs::remove_dir_all(parts) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(miette::miette!(
            "cannot remove {}: {error}",
            parts.display()
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use spolia_dataset::{ResolveOptions, resolve};
    use spolia_network::{Convention, inception_v3};

    use super::*;
    use crate::progress::Progress;

    const CONTEXT: Context = Context {
        seed: None,
        progress: Progress::Quiet,
        verbose: false,
    };

    /// A folder of images, each of one grey; of number 5 only half is there.
    fn images(folder: &Path) {
        let mut table = String::from("file\n");
        for i in 0..20u8 {
            let file = folder.join(format!("{i}.png"));
            image::RgbImage::from_pixel(9, 9, image::Rgb([i; 3]))
                .save(&file)
                .unwrap();
            if i == 5 {
                let bytes = fs::read(&file).unwrap();
                fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
            }
            table.push_str(&format!("{i}.png\n"));
        }
        fs::write(folder.join("images.csv"), table).unwrap();
    }

    #[test]
    fn what_is_read_ahead_comes_in_order_and_goes_on_after_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        images(folder.path());
        let csv = folder.path().join("images.csv");
        let (table, _) = resolve(&csv, &ResolveOptions::default()).unwrap();
        let patches: Vec<&Patch> = table.patches().iter().collect();
        let parts = folder.path().join("parts");
        fs::create_dir(&parts).unwrap();
        let reader = Reader::new();
        let pass = Pass {
            reader: &reader,
            patches: &patches,
            batch: 3,
            least: 1,
            normalisation: *inception_v3(Convention::Keras, None).normalisation(),
            title: "test",
            parts: Some(&parts),
        };
        let greys = |batch: &Batch| -> Vec<(usize, u8)> {
            let of = batch.rows.iter().zip(&batch.images);
            of.map(|(&row, image)| (row, image.data[0])).collect()
        };
        // The fourth batch fails; those before it are kept.
        let mut calls = 0;
        let error = each(&pass, &CONTEXT, |batch| {
            calls += 1;
            match calls {
                4 => Err(miette::miette!("the fourth")),
                _ => Ok(greys(&batch)),
            }
        });
        assert_eq!(error.err().unwrap().to_string(), "the fourth");
        assert_eq!(fs::read_dir(&parts).unwrap().count(), 3);
        let mut again = 0;
        let (found, problems) = each(&pass, &CONTEXT, |batch| {
            again += 1;
            Ok(greys(&batch))
        })
        .unwrap();
        assert_eq!(again, 4);
        let wanted = (0..20).filter(|&i| i != 5);
        assert_eq!(found, wanted.map(|i| (i, i as u8)).collect::<Vec<_>>());
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].item, patches[5].id);
    }
}
