//! What frozen stages answer to the training patches, computed once and kept on disk.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use miette::IntoDiagnostic;
use sha2::{Digest, Sha256};
use spolia_dataset::RgbPatch;
use spolia_network::{Cpu, Cut, Engine, Network, StageId, Tensor, Weights};

use super::batches::{self, BATCH};
use super::train::plain;
use crate::context::Context;
use crate::run_folder::hex;

/// A folder of activations, one file for each cut of a network on some patches; named after all that they are made from.
pub struct Store {
    folder: PathBuf,
    /// Most bytes that it may hold.
    most: u64,
}

/// Activations of some patches at a stage.
pub struct Activations {
    path: PathBuf,
    file: File,
    /// Rows, columns and channels of one patch.
    shape: [usize; 3],
}

impl Store {
    /// A folder that holds at most `most` bytes; it is made when there is something to put in.
    pub fn new(folder: PathBuf, most: u64) -> Self {
        Self { folder, most }
    }

    /// What the stages through `stage` answer to `images`, not augmented; `None` where that is more than the folder may hold.
    /// Others' activations make room.
    ///
    /// # Errors
    /// The weights are unsound, or the folder cannot be written.
    pub fn activations(
        &self,
        (network, weights): (&Network, &Weights),
        stage: StageId,
        images: &[RgbPatch],
        side: [usize; 2],
        title: &str,
        context: &Context,
    ) -> miette::Result<Option<Activations>> {
        let mut head = Cpu
            .frozen(network, weights, Cut::to(stage))
            .into_diagnostic()?;
        let mut answer = |batch: &[usize]| -> miette::Result<Tensor> {
            let input = plain(network, images, batch, side)?;
            let mut taps = head.forward(&input, &[stage]).into_diagnostic()?;
            Ok(taps.remove(0))
        };
        let [_, rows, columns, channels] = answer(&[0])?.shape();
        let shape = [rows, columns, channels];
        let bytes = 4 * (images.len() * rows * columns * channels) as u64;
        if bytes > self.most {
            context.detail(|| {
                format!(
                    "{title}: activations at {} are {:.1} GB, more than are kept; they are computed in every step",
                    network.name(stage),
                    bytes as f64 / 1e9
                )
            });
            return Ok(None);
        }
        let name = name((network, weights), stage, images)?;
        let path = self.folder.join(format!("{name}.f32"));
        let whole = std::fs::metadata(&path).is_ok_and(|m| m.len() == bytes);
        if !whole {
            self.make_room(bytes)?;
            let beside = self.folder.join("unfinished");
            let write = |error| failed(&beside, &error);
            let mut file = BufWriter::new(File::create(&beside).map_err(write)?);
            let task = context
                .progress
                .start(&format!("{title}, frozen stages"), images.len());
            let all: Vec<usize> = (0..images.len()).collect();
            for batch in all.chunks(BATCH) {
                let answers = answer(batch)?;
                let values: Vec<u8> = answers
                    .data()
                    .iter()
                    .flat_map(|v| v.to_le_bytes())
                    .collect();
                file.write_all(&values).map_err(write)?;
                task.advance(batch.len());
            }
            task.finish();
            file.into_inner()
                .map_err(|e| failed(&beside, e.error()))?
                .sync_all()
                .map_err(write)?;
            std::fs::rename(&beside, &path).map_err(write)?;
        }
        let file = File::open(&path).map_err(|error| failed(&path, &error))?;
        Ok(Some(Activations { path, file, shape }))
    }

    /// Removes activations, the oldest names first, until `bytes` more fit.
    fn make_room(&self, bytes: u64) -> miette::Result<()> {
        let wrong = |error| failed(&self.folder, &error);
        std::fs::create_dir_all(&self.folder).map_err(wrong)?;
        let mut held = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let about = entry.metadata().map_err(wrong)?;
            let changed = about.modified().map_err(wrong)?;
            held.push((changed, entry.path(), about.len()));
        }
        held.sort();
        let mut total: u64 = held.iter().map(|h| h.2).sum();
        for (_, path, size) in held {
            if total + bytes <= self.most {
                break;
            }
            std::fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
            total -= size;
        }
        Ok(())
    }

    /// Removes all of it.
    ///
    /// # Errors
    /// The folder cannot be removed.
    pub fn forget(&self) -> miette::Result<()> {
        batches::forget(&self.folder)
    }
}

impl Activations {
    /// Those of the patches at these places.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn batch(&mut self, rows: &[usize]) -> miette::Result<Tensor> {
        let [height, width, channels] = self.shape;
        let size = height * width * channels;
        let mut bytes = vec![0; 4 * size];
        let mut values = Vec::with_capacity(rows.len() * size);
        for &row in rows {
            let place = SeekFrom::Start(4 * (row * size) as u64);
            let read = self
                .file
                .seek(place)
                .and_then(|_| self.file.read_exact(&mut bytes));
            read.map_err(|error| failed(&self.path, &error))?;
            let one = bytes.chunks_exact(4);
            values.extend(one.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        }
        Tensor::new([rows.len(), height, width, channels], values).into_diagnostic()
    }
}

/// A name that only the same stages' same weights on the same pixels have.
fn name(
    (network, weights): (&Network, &Weights),
    stage: StageId,
    images: &[RgbPatch],
) -> miette::Result<String> {
    let mut hash = Sha256::new();
    hash.update(network.architecture());
    hash.update(network.convention().to_string());
    hash.update(network.name(stage));
    for (id, _) in network.stages().take_while(|(id, _)| *id <= stage) {
        for (name, _) in network.stage_parameters(id) {
            for value in &weights.get(&name).into_diagnostic()?.data {
                hash.update(value.to_le_bytes());
            }
        }
    }
    for image in images {
        hash.update(&image.data);
    }
    let digest = hash.finalize();
    Ok(hex(&digest[..16]))
}

fn failed(path: &Path, error: &std::io::Error) -> miette::Report {
    miette::miette!(
        "{}: {error}; activations of frozen stages are kept there (cache = 0 in [sweep] keeps none)",
        path.display()
    )
}
