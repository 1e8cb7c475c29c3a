//! How long a sweep over channels will take, said before it begins.

use std::path::Path;
use std::time::{Duration, Instant};

use miette::IntoDiagnostic;
use spolia_interpret::Error;
use spolia_interpret::visualize::{Settings, render};
use spolia_network::StageId;

use super::finished;
use crate::jobs::model::Model;
use crate::progress::{Task, words};

/// Steps that are timed of each layer, behind one that sets up the network.
const TIMED: usize = 2;

/// Fewer steps of whole batches than this are begun at once: timing them first would lengthen them.
const WORTH_IT: usize = 128;

/// The channels of a layer, and the folder that they are drawn into.
pub type Work<'a> = (StageId, &'a [usize], &'a Path);

/// Says on `task` how long the channels that are not drawn yet will take, by a few steps of each layer made now.
///
/// # Errors
/// As [`super::draw`].
pub fn tell(
    model: &Model,
    work: &[Work<'_>],
    batch: usize,
    settings: &Settings,
    task: &Task,
) -> miette::Result<()> {
    let steps = settings.total_steps();
    let left: Vec<(StageId, Vec<&[usize]>)> = work
        .iter()
        .map(|&(stage, channels, folder)| {
            let batches = channels.chunks(batch.max(1));
            let left = batches.filter(|b| b.iter().any(|&c| finished(folder, c).is_none()));
            (stage, left.collect())
        })
        .collect();
    let batches: usize = left.iter().map(|(_, batches)| batches.len()).sum();
    if batches * steps < WORTH_IT || steps <= TIMED + 1 {
        return Ok(());
    }
    let mut whole = Duration::ZERO;
    let mut channels = 0;
    for (stage, batches) in &left {
        let Some(first) = batches.first() else {
            continue;
        };
        let step = one_step(model, *stage, first, settings)?;
        let here: usize = batches.iter().map(|b| b.len()).sum();
        whole += step.mul_f64((here * steps) as f64 / first.len() as f64);
        channels += here;
    }
    task.note(&format!(
        "{channels} channels, {steps} steps each: about {} at the speed of the first steps",
        words(whole)
    ));
    Ok(())
}

/// The time of one step of a batch.
fn one_step(
    model: &Model,
    layer: StageId,
    channels: &[usize],
    settings: &Settings,
) -> miette::Result<Duration> {
    let mut began = Instant::now();
    let mut time = Duration::ZERO;
    let stopped = render(
        crate::engine::chosen(),
        &model.network,
        &model.weights,
        layer,
        channels,
        settings,
        &mut |step| {
            if step == 1 {
                began = Instant::now();
            }
            time = began.elapsed();
            step <= TIMED
        },
    );
    match stopped {
        Ok(_) | Err(Error::Stopped) => Ok(time / TIMED as u32),
        Err(other) => Err(other).into_diagnostic(),
    }
}
