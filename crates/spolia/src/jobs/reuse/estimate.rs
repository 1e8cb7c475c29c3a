//! How long a sweep will take, before it runs.

use std::time::Instant;

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Reader, ResolveOptions, Split, resolve};
use spolia_network::{
    Convention, Cpu, Engine, Initialisation, Network, Sgd, Tensor, TrainingCost, Weights,
    architecture, inception_v3, initialise,
};

use crate::study::{Origin, PatchesPlan, Study, SweepPlan};

/// Images of the step that is timed.
const TIMED: usize = 8;

/// What a sweep's trainings take.
pub struct Effort {
    /// Training patches of a network that takes all.
    pub patches: usize,
    /// Their side, pixels.
    pub side: usize,
    /// Operations of all trainings, 10^9.
    pub gflop: f64,
    /// Seconds of all trainings at the speed of one step now.
    pub seconds: f64,
}

/// Estimates a sweep from its patches, which are counted and not read but for one, and from one training step of random weights.
///
/// # Errors
/// The patches cannot be found, or are smaller than the network takes.
pub fn effort(study: &Study, sweep: &SweepPlan) -> miette::Result<Effort> {
    let Some(plan) = study.patches.as_ref().filter(|p| p.slides.is_none()) else {
        return Err(miette::miette!(
            "patches of slides are counted when they are cut"
        ));
    };
    let (patches, of_class, side) = training_patches(plan)?;
    let graph = graph(study, sweep)?;
    let mut operations = 0.0;
    for network in study.networks.iter().filter(|n| n.swept) {
        let Some(how) = &network.train else {
            continue;
        };
        let frozen = network.freeze.map(|layer| graph.stage(layer));
        let frozen = frozen.transpose().into_diagnostic()?;
        let cost = TrainingCost::new(&graph, frozen, side, side).into_diagnostic()?;
        let most = how.most.unwrap_or(usize::MAX);
        let seen: usize = of_class.iter().map(|n| n.min(&most)).sum();
        operations += (seen * how.epochs) as f64 * cost.total() as f64;
    }
    let whole = TrainingCost::new(&graph, None, side, side).into_diagnostic()?;
    let per_second = TIMED as f64 * whole.total() as f64 / step_seconds(&graph, side)?;
    Ok(Effort {
        patches,
        side,
        gflop: operations / 1e9,
        seconds: operations / per_second,
    })
}

/// How many training patches there will be, those of each class, and their side.
fn training_patches(plan: &PatchesPlan) -> miette::Result<(usize, [usize; 2], usize)> {
    let options = ResolveOptions {
        classes: Some(plan.classes.to_vec()),
    };
    let mut found: Vec<Patch> = Vec::new();
    for source in &plan.images {
        let (table, _) = resolve(source, &options).into_diagnostic()?;
        found.extend(table.patches().iter().cloned());
    }
    let Some(first) = found.first() else {
        return Err(miette::miette!("there are no patches"));
    };
    let side = match plan.size {
        Some(side) => side as usize,
        None => Reader::new().read(first).into_diagnostic()?.width,
    };
    let stated = found.iter().any(|p| p.split.is_some());
    let share = if stated {
        1.0
    } else {
        1.0 - plan.val - plan.test
    };
    let most = plan.most.map_or(usize::MAX, |n| n as usize);
    let of_class = [0, 1].map(|class| {
        let own = found
            .iter()
            .filter(|p| p.label == Some(class) && (!stated || p.split == Some(Split::Train)));
        ((own.count() as f64 * share).round() as usize).min(most)
    });
    Ok((of_class.iter().sum(), of_class, side))
}

/// The graph that is trained: that of the start's weights file, if it has one.
fn graph(study: &Study, sweep: &SweepPlan) -> miette::Result<Network> {
    let start = study.network(&sweep.start).map(|n| &n.origin);
    let Some(Origin::File {
        weights,
        convention,
    }) = start
    else {
        return Ok(inception_v3(Convention::Keras, Some(1)));
    };
    let weights = Weights::load(weights, *convention).into_diagnostic()?;
    let network = weights.network(*convention).into_diagnostic()?;
    architecture(network.architecture(), network.convention(), Some(1)).into_diagnostic()
}

/// Seconds of a training step of [`TIMED`] gray images, the second of two.
fn step_seconds(graph: &Network, side: usize) -> miette::Result<f64> {
    let weights = initialise(graph, Initialisation::Xavier, 0);
    let mut trainable = Cpu.trainable(graph, &weights).into_diagnostic()?;
    let input = Tensor::zeros([TIMED, side, side, 3]);
    let labels: Vec<f32> = (0..TIMED).map(|i| (i % 2) as f32).collect();
    let still = Sgd {
        rate: 0.0,
        momentum: 0.0,
    };
    trainable.step(&input, &labels, still).into_diagnostic()?;
    let began = Instant::now();
    trainable.step(&input, &labels, still).into_diagnostic()?;
    Ok(began.elapsed().as_secs_f64())
}
