//! Finetuning as the paper did it; a killed training goes on from its last whole epoch.

use std::path::{Path, PathBuf};
use std::time::Instant;

use miette::IntoDiagnostic;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use spolia_dataset::{Augment, Patch, Reader, RgbPatch, augment};
use spolia_network::training::Recipe;
use spolia_network::{Cut, Memory, Network, StageId, Tensor, Weights};

use super::activations::{Activations, Store};
use super::model::Model;
use super::predict::{self, probability};
use crate::batch::BatchSize;
use crate::context::Context;
use crate::run_folder::{cell, write_atomic, write_csv};
use crate::seed;

/// What is trained on what.
pub struct Training<'a> {
    /// For progress and seeds.
    pub name: &'a str,
    /// With one logit.
    pub network: &'a Network,
    /// The last stage that stays as it is.
    pub freeze: Option<StageId>,
    /// Where it starts.
    pub start: Weights,
    /// The schedule; how many patches a step takes is what `batch` comes to.
    pub recipe: Recipe,
    /// Patches a step.
    pub batch: BatchSize,
    /// The augmentation.
    pub augment: Augment,
    /// Labelled patches to learn from.
    pub train: Vec<&'a Patch>,
    /// Labelled patches to choose the best epoch by.
    pub val: Vec<&'a Patch>,
    /// Class names of labels 0 and 1.
    pub classes: Vec<String>,
    /// Seed of order and augmentation.
    pub seed: u64,
    /// Where the frozen stages' activations are kept; they are computed in every step where there is none, or where
    /// augmentation makes other images every time.
    pub activations: Option<&'a Store>,
}

/// How a training ended.
pub struct Trained {
    /// The epoch whose weights are in weights.safetensors, from 1.
    pub best_epoch: usize,
}

/// How far a training is: everything that the tables need, as text, so that it comes back as it was.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    epoch: usize,
    step: u64,
    steps: Vec<[String; 3]>,
    epochs: Vec<[String; 6]>,
    best_epoch: usize,
    best: f64,
    /// Patches a step; 0 in a state of an earlier version. Which are learned from together decides what is learned.
    #[serde(default)]
    batch: usize,
}

const STATE: &str = "state.json";

/// Trains into `out`: weights.safetensors (best epoch), last.safetensors, steps.csv, epochs.csv. What is needed to go on
/// lies in `out/checkpoint` until the end.
///
/// # Errors
/// A patch cannot be read or is of another size, training diverges, `out` cannot be written.
pub fn train(
    mut job: Training<'_>,
    reader: &Reader,
    out: &Path,
    context: &Context,
) -> miette::Result<Trained> {
    let folder = out.join("checkpoint");
    let (images, side) = decode(reader, &job.train, job.network.least_side())?;
    let labels: Vec<f32> = job
        .train
        .iter()
        .map(|p| f32::from(p.label.unwrap_or(0)))
        .collect();
    let mut state = resume(&folder)?;
    job.recipe.batch = match (job.batch, state.batch) {
        (BatchSize::Auto, 1..) => state.batch,
        (asked, _) => asked.resolve("patches", &BATCHES, needs(&job, side)?)?,
    };
    state.batch = job.recipe.batch;
    if job.batch == BatchSize::Auto {
        let batch = state.batch;
        context
            .progress
            .note(&format!("train {}: {batch} patches a step", job.name));
    }
    let start = match state.epoch {
        0 => job.start.clone(),
        epoch => Weights::load(at(&folder, "weights", epoch), None).into_diagnostic()?,
    };
    let mut trainable = crate::engine::chosen()
        .trainable(job.network, &start)
        .into_diagnostic()?;
    trainable.freeze(job.freeze).into_diagnostic()?;
    if state.epoch > 0 {
        let velocities =
            Weights::load(at(&folder, "velocities", state.epoch), None).into_diagnostic()?;
        trainable.set_velocities(&velocities).into_diagnostic()?;
    }
    let mut seen = match (job.activations, job.freeze) {
        (Some(store), Some(stage))
            if job.augment == Augment::NONE && trainable.takes_activations() =>
        {
            store.activations(
                (job.network, &start),
                stage,
                &images,
                side,
                job.name,
                context,
            )?
        }
        _ => None,
    };
    let per_epoch = job.recipe.batches(images.len(), 0, job.seed).len();
    let task = context.progress.start(
        &format!("train {}", job.name),
        per_epoch * job.recipe.epochs,
    );
    task.advance(per_epoch * state.epoch);
    while state.epoch < job.recipe.epochs {
        let began = Instant::now();
        let mut total = 0.0;
        let batches = job.recipe.batches(images.len(), state.epoch, job.seed);
        for batch in &batches {
            let input = match &mut seen {
                Some(seen) => seen.batch(batch)?,
                None => augmented(&job, &images, batch, side, state.epoch)?,
            };
            let targets: Vec<f32> = batch.iter().map(|&i| labels[i]).collect();
            let sgd = job.recipe.at(state.step);
            let loss = trainable.step(&input, &targets, sgd).into_diagnostic()?;
            if !loss.is_finite() {
                let learning_rate = sgd.rate;
                return Err(spolia_network::Error::Diverged {
                    step: state.step,
                    loss,
                    learning_rate,
                })
                .into_diagnostic();
            }
            state.steps.push([
                state.step.to_string(),
                loss.to_string(),
                sgd.rate.to_string(),
            ]);
            total += f64::from(loss) * batch.len() as f64;
            state.step += 1;
            task.advance(1);
        }
        state.epoch += 1;
        let weights = finished(&job, trainable.weights().into_diagnostic()?, state.epoch);
        let scores = validate(&job, &weights, reader, context)?;
        // Without validation patches the last epoch is the best there is.
        let better = scores
            .auc
            .is_none_or(|auc| state.best_epoch == 0 || auc > state.best);
        if better {
            (state.best_epoch, state.best) = (state.epoch, scores.auc.unwrap_or(0.0));
        }
        state.epochs.push([
            state.epoch.to_string(),
            (total / images.len() as f64).to_string(),
            cell(scores.loss),
            cell(scores.accuracy),
            cell(scores.auc),
            format!("{:.1}", began.elapsed().as_secs_f64()),
        ]);
        let velocities = trainable.velocities().into_diagnostic()?;
        save(&folder, &state, &weights, &velocities)?;
        tables(out, &state)?;
    }
    task.finish();
    tables(out, &state)?;
    for (name, epoch) in [("last", state.epoch), ("weights", state.best_epoch)] {
        let weights = Weights::load(at(&folder, "weights", epoch), None).into_diagnostic()?;
        let settled = settle(&job, weights, &images, side, seen.as_mut())?;
        settled
            .save(out.join(format!("{name}.safetensors")))
            .into_diagnostic()?;
    }
    std::fs::remove_dir_all(&folder).into_diagnostic()?;
    Ok(Trained {
        best_epoch: state.best_epoch,
    })
}

/// What `--batch auto` chooses from: more than 32 need a learning rate of their own.
const BATCHES: [usize; 3] = [32, 16, 8];

/// Bytes that a training needs by its batch.
fn needs(
    job: &Training<'_>,
    [height, width]: [usize; 2],
) -> miette::Result<impl Fn(usize) -> u64 + use<>> {
    let last = job.network.last();
    let steps = Memory::training(job.network, job.freeze, height, width).into_diagnostic()?;
    let validation = Memory::forward(job.network, Cut::to(last), &[last], height, width);
    let validation = validation.into_diagnostic()?.of(super::batches::BATCH);
    // Where it starts, what an epoch leaves and its velocities, each as it is and on its way to the disk.
    let weights: usize = job.start.tensors.values().map(|t| t.data.len()).sum();
    let fixed = validation + 6 * 4 * weights as u64;
    // The pixels of a batch, one by one, together, and in the engine's order.
    let pixels = 3 * 4 * 3 * (height * width) as u64;
    Ok(move |batch: usize| fixed + steps.of(batch) + batch as u64 * pixels)
}

fn tables(out: &Path, state: &State) -> miette::Result<()> {
    write_csv(
        &out.join("steps.csv"),
        &["step", "loss", "lr"],
        &state.steps,
    )?;
    let header = [
        "epoch",
        "train_loss",
        "val_loss",
        "val_accuracy",
        "val_auc",
        "seconds",
    ];
    write_csv(&out.join("epochs.csv"), &header, &state.epochs)?;
    Ok(())
}

fn at(folder: &Path, what: &str, epoch: usize) -> PathBuf {
    folder.join(format!("{what}-{epoch}.safetensors"))
}

/// The state of a training that was cut short, or the beginning of one.
fn resume(folder: &Path) -> miette::Result<State> {
    match std::fs::read(folder.join(STATE)) {
        Ok(bytes) => serde_json::from_slice(&bytes).into_diagnostic(),
        Err(_) => Ok(State::default()),
    }
}

/// Weights and velocities first, then the state that names them, then what it no longer names is removed.
fn save(
    folder: &Path,
    state: &State,
    weights: &Weights,
    velocities: &Weights,
) -> miette::Result<()> {
    std::fs::create_dir_all(folder).into_diagnostic()?;
    weights
        .save(at(folder, "weights", state.epoch))
        .into_diagnostic()?;
    velocities
        .save(at(folder, "velocities", state.epoch))
        .into_diagnostic()?;
    write_atomic(
        &folder.join(STATE),
        &serde_json::to_vec(state).into_diagnostic()?,
    )?;
    for epoch in 1..state.epoch {
        let stale = [
            at(folder, "velocities", epoch),
            at(folder, "weights", epoch),
        ];
        for file in &stale[..if epoch == state.best_epoch { 1 } else { 2 }] {
            if file.exists() {
                std::fs::remove_file(file).into_diagnostic()?;
            }
        }
    }
    Ok(())
}

/// All training patches, decoded once; they must be of one size.
fn decode(
    reader: &Reader,
    patches: &[&Patch],
    least: usize,
) -> miette::Result<(Vec<RgbPatch>, [usize; 2])> {
    let images: Vec<RgbPatch> = patches
        .par_iter()
        .map(|patch| reader.read(patch))
        .collect::<Result<_, _>>()
        .into_diagnostic()?;
    let Some(first) = images.first() else {
        return Err(miette::miette!(
            "no labelled patches to train on; give labels, and a split with training patches"
        ));
    };
    let side = [first.height, first.width];
    for (patch, image) in patches.iter().zip(&images) {
        if [image.height, image.width] != side || image.width.min(image.height) < least {
            return Err(miette::miette!(
                "{}: {}x{} px; training needs patches of one size (the first has {}x{}) of at least {least} px; cut them anew or leave it out",
                patch.file,
                image.width,
                image.height,
                side[1],
                side[0]
            ));
        }
    }
    Ok((images, side))
}

/// A batch as the network sees it in this epoch.
fn augmented(
    job: &Training<'_>,
    images: &[RgbPatch],
    batch: &[usize],
    [height, width]: [usize; 2],
    epoch: usize,
) -> miette::Result<Tensor> {
    if job.augment == Augment::NONE {
        return plain(job.network, images, batch, [height, width]);
    }
    let pixels: Vec<Vec<f32>> = batch
        .par_iter()
        .map(|&i| {
            let mut rgb = images[i].to_unit();
            let item = format!("augment/{epoch}/{}", job.train[i].id);
            let seed = seed::derive(job.seed, "train", &item);
            augment(&mut rgb, width, height, &job.augment, seed);
            let normalisation = job.network.normalisation();
            for pixel in rgb.chunks_exact_mut(3) {
                let values = normalisation.from_unit([pixel[0], pixel[1], pixel[2]]);
                pixel.copy_from_slice(&values);
            }
            rgb
        })
        .collect();
    Tensor::new([batch.len(), height, width, 3], pixels.concat()).into_diagnostic()
}

/// A batch as it is, not augmented.
///
/// # Errors
/// The images are not of this size.
pub fn plain(
    network: &Network,
    images: &[RgbPatch],
    batch: &[usize],
    [height, width]: [usize; 2],
) -> miette::Result<Tensor> {
    let pixels: Vec<&[u8]> = batch.iter().map(|&i| images[i].data.as_slice()).collect();
    let input = network.normalisation().tensor(&pixels, width, height);
    input.into_diagnostic()
}

struct Scores {
    loss: Option<f64>,
    accuracy: Option<f64>,
    auc: Option<f64>,
}

fn validate(
    job: &Training<'_>,
    weights: &Weights,
    reader: &Reader,
    context: &Context,
) -> miette::Result<Scores> {
    if job.val.is_empty() {
        return Ok(Scores {
            loss: None,
            accuracy: None,
            auc: None,
        });
    }
    let model = Model {
        network: job.network.clone(),
        weights: weights.clone(),
    };
    let quiet = Context {
        progress: crate::progress::Progress::Quiet,
        ..*context
    };
    let (logits, _) = predict::logits(&model, (reader, &job.val), "validate", None, &quiet)?;
    let (p, y): (Vec<f64>, Vec<bool>) = job
        .val
        .iter()
        .zip(logits)
        .filter_map(|(patch, logit)| Some((probability(logit?), patch.label? == 1)))
        .unzip();
    let right = p.iter().zip(&y).filter(|(p, y)| (**p > 0.5) == **y).count();
    Ok(Scores {
        loss: spolia_stats::log_loss(&p, &y).ok(),
        accuracy: (!p.is_empty()).then(|| right as f64 / p.len() as f64),
        auc: spolia_stats::auc(&p, &y).ok(),
    })
}

/// The weights with what is to be told of them.
fn finished(job: &Training<'_>, mut weights: Weights, epoch: usize) -> Weights {
    weights.metadata = job.start.metadata.clone();
    weights.metadata.classes.clone_from(&job.classes);
    weights.metadata.convention = Some(job.network.convention());
    weights.metadata.architecture = Some(job.network.architecture().into());
    weights.metadata.history.push(format!(
        "finetuned {epoch} epochs on {} patches ({}): learning rate {}, batch {}, seed {}",
        job.train.len(),
        job.classes.join(" and "),
        job.recipe.learning_rate,
        job.recipe.batch,
        job.seed
    ));
    weights
}

/// Re-estimates the batch-norm statistics over the training patches: in a short training the running ones lag behind
/// the weights.
fn settle(
    job: &Training<'_>,
    weights: Weights,
    images: &[RgbPatch],
    side: [usize; 2],
    mut seen: Option<&mut Activations>,
) -> miette::Result<Weights> {
    let mut trainable = crate::engine::chosen()
        .trainable(job.network, &weights)
        .into_diagnostic()?;
    trainable.freeze(job.freeze).into_diagnostic()?;
    let shuffled = Recipe {
        shuffle: true,
        ..job.recipe.clone()
    };
    for batch in shuffled.batches(images.len(), job.recipe.epochs, job.seed) {
        let input = match &mut seen {
            Some(seen) => seen.batch(&batch)?,
            None => plain(job.network, images, &batch, side)?,
        };
        trainable.gather_statistics(&input).into_diagnostic()?;
    }
    trainable.finish_statistics();
    let metadata = weights.metadata;
    let mut settled = trainable.weights().into_diagnostic()?;
    settled.metadata = metadata;
    settled
        .metadata
        .history
        .push("batch-norm statistics re-estimated over the training patches, not augmented".into());
    Ok(settled)
}

/// Where a finetuning starts: the weights with a fresh classification layer of one logit (Glorot uniform) unless they
/// have one.
///
/// # Errors
/// The weights are unsound.
pub fn with_head(
    weights: &Weights,
    convention: spolia_network::Convention,
    seed: u64,
) -> miette::Result<(Network, Weights)> {
    let name = weights.architecture().into_diagnostic()?;
    let network = spolia_network::architecture(name, convention, Some(1)).into_diagnostic()?;
    let mut weights = weights.clone();
    if weights.outputs() != Some(1) {
        let fresh =
            spolia_network::initialise(&network, spolia_network::Initialisation::Xavier, seed);
        for (name, tensor) in fresh
            .tensors
            .into_iter()
            .filter(|(name, _)| network.is_head(name))
        {
            weights.tensors.insert(name, tensor);
        }
    }
    weights.check(&network).into_diagnostic()?;
    // Refuses what cannot run at all before hours are spent.
    crate::engine::chosen()
        .frozen(&network, &weights, Cut::to(network.last()))
        .into_diagnostic()?;
    Ok((network, weights))
}
