//! The networks of a study: read, drawn at random, finetuned.

use std::collections::BTreeSet;

use miette::IntoDiagnostic;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use spolia_dataset::{Augment, Patch, Split};
use spolia_network::training::Recipe;
use spolia_network::{
    Convention, Initialisation, Network, Weights, architecture, inception_v3, initialise,
    keep_batch_norm, keep_until, mean_var, shuffled,
};

use super::Run;
use crate::batch::BatchSize;
use crate::jobs::train::{Training, train, with_head};
use crate::run_folder::{Begin, NetworkEntry};
use crate::seed;
use crate::study::{Init, NetworkPlan, Origin, Study, TrainPlan};

/// The network that must exist before this one.
pub fn needs<'a>(study: &'a Study, plan: &'a NetworkPlan) -> Option<&'a str> {
    let sweep = study.sweep.as_ref().filter(|_| plan.swept);
    if let Some(sweep) = sweep {
        return Some(&sweep.start);
    }
    match &plan.origin {
        Origin::Random(init) => init.of(),
        Origin::Network { start, .. } => Some(start),
        Origin::File { .. } => None,
    }
}

/// Writes networks/NAME/weights.safetensors.
pub fn step(run: &mut Run<'_>, plan: &NetworkPlan) -> miette::Result<()> {
    let name = format!("train/{}", plan.name);
    let folder = format!("networks/{}", plan.name);
    let upstream: Vec<String> = needs(run.study, plan)
        .map(|n| format!("train/{n}"))
        .into_iter()
        .collect();
    let mut before: Vec<&str> = upstream.iter().map(String::as_str).collect();
    if plan.train.is_some() {
        before.push("patches");
    }
    let mut key = run
        .key(&name, &before)
        .with("plan", plan)?
        .with("seed", &run.seed)?;
    if let Origin::File { weights, .. } = &plan.origin {
        key = key.file("weights", weights)?;
    }
    if let (Some(sweep), Some(how)) = (&run.study.sweep, &plan.train)
        && plan.freeze.is_some()
        && how.augment == Augment::NONE
    {
        // Activations that are kept are computed in other batches, which rounds otherwise.
        key = key.with("cache", &sweep.cache)?;
    }
    if run.begin(&name, key, &[folder.as_str()])? == Begin::Done {
        return Ok(());
    }
    let (start, convention) = origin(run, plan)?;
    let file = run.folder.path(format!("{folder}/weights.safetensors"));
    std::fs::create_dir_all(run.folder.path(&folder)).into_diagnostic()?;
    let mut entry = described(plan, &start, convention);
    let items = match &plan.train {
        None => {
            start.save(&file).into_diagnostic()?;
            1
        }
        Some(how) => {
            let seed = seed::derive(seed_of(run, plan), "network", "head");
            let (network, weights) = with_head(&start, convention, seed)?;
            let taught = taught(run, plan, how)?;
            let val = run.table.of_split(Split::Val);
            let val = val.filter(|p| p.label.is_some() && !left_out(p, how));
            let job = Training {
                name: &plan.name,
                network: &network,
                freeze: plan
                    .freeze
                    .map(|layer| network.stage(layer))
                    .transpose()
                    .into_diagnostic()?,
                start: weights,
                recipe: Recipe {
                    epochs: how.epochs,
                    learning_rate: how.learning_rate,
                    decay: how.decay,
                    momentum: how.momentum,
                    shuffle: how.shuffle,
                    ..Recipe::default()
                },
                batch: BatchSize::Of(how.batch),
                augment: how.augment,
                train: taught.iter().collect(),
                val: val.collect(),
                activations: run.activations.as_ref(),
                classes: run.table.classes().to_vec(),
                seed: seed::derive(seed_of(run, plan), "network", "training"),
            };
            let seen = job.train.len();
            let trained = train(job, &run.reader, &run.folder.path(&folder), run.context)?;
            entry.best_epoch = Some(trained.best_epoch);
            seen
        }
    };
    run.folder.describe(|m| {
        m.networks.retain(|n| n.name != entry.name);
        m.networks.push(entry);
    })?;
    let order: Vec<String> = run.study.networks.iter().map(|n| n.name.clone()).collect();
    run.folder.describe(|m| {
        m.networks.retain(|n| order.contains(&n.name));
        m.networks
            .sort_by_key(|n| order.iter().position(|o| *o == n.name));
    })?;
    Ok(run.folder.finish(&name, items)?)
}

/// The patches that a network learns from, with the labels that it is told.
///
/// # Errors
/// The centre to leave out is that of no patch.
pub fn taught(run: &Run<'_>, plan: &NetworkPlan, how: &TrainPlan) -> miette::Result<Vec<Patch>> {
    if let Some(centre) = &how.leave_out
        && !run.table.patches().iter().any(|p| left_out(p, how))
    {
        let centres = run.table.patches().iter();
        let known: BTreeSet<&str> = centres.filter_map(|p| p.centre.as_deref()).collect();
        let known: Vec<&str> = known.into_iter().collect();
        return Err(miette::miette!(
            "network {}: no patch is of centre \"{centre}\", which leave_out names; the patches' centres: {}",
            plan.name,
            if known.is_empty() {
                "unknown".to_string()
            } else {
                known.join(", ")
            }
        ));
    }
    let labelled = run.table.of_split(Split::Train);
    let labelled = labelled.filter(|p| p.label.is_some() && !left_out(p, how));
    let mut taught: Vec<Patch> = labelled.cloned().collect();
    if let Some(most) = how.most {
        let seed = seed_of(run, plan);
        let drawn = [0, 1].map(|class| {
            let rows = taught.iter().enumerate();
            let own = rows.filter(|(_, p)| p.label == Some(class));
            seed::draw(
                seed,
                "network/most",
                own.map(|(i, p)| (i, p.id.as_str())),
                most,
            )
        });
        let mut row = 0..;
        taught.retain(|_| {
            let row = row.next();
            row.is_some_and(|row| drawn.iter().any(|d| d.binary_search(&row).is_ok()))
        });
    }
    if how.random_labels {
        let mut labels: Vec<Option<u8>> = taught.iter().map(|p| p.label).collect();
        let seed = seed::derive(seed_of(run, plan), "network", "labels");
        labels.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        for (patch, label) in taught.iter_mut().zip(labels) {
            patch.label = label;
        }
    }
    Ok(taught)
}

fn left_out(patch: &Patch, how: &TrainPlan) -> bool {
    how.leave_out.is_some() && patch.centre == how.leave_out
}

/// The seed of a network: its own, else the run's.
fn seed_of(run: &Run<'_>, plan: &NetworkPlan) -> u64 {
    if plan.seed == run.study.seed {
        run.seed
    } else {
        plan.seed
    }
}

/// The weights before training, and what they mean.
fn origin(run: &Run<'_>, plan: &NetworkPlan) -> miette::Result<(Weights, Convention)> {
    let seed = seed::derive(seed_of(run, plan), "network", "random");
    match &plan.origin {
        Origin::File {
            weights,
            convention,
        } => {
            let model = crate::jobs::model::Model::load(weights, *convention)?;
            Ok((model.weights, model.network.convention()))
        }
        Origin::Random(init) => {
            let like = match (init.of(), &run.study.sweep) {
                (Some(of), _) => Some(of),
                (None, Some(sweep)) if plan.swept => Some(sweep.start.as_str()),
                (None, _) => None,
            };
            let network = match like {
                Some(of) => headless(&run.model(of)?.network)?,
                None => network_of_study(run)?,
            };
            let convention = network.convention();
            Ok((random(run, init, &network, seed)?, convention))
        }
        Origin::Network { start, keep, rest } => {
            let model = run.model(start)?;
            let convention = model.network.convention();
            let Some(keep) = keep else {
                return Ok((model.weights, convention));
            };
            let network = headless(&model.network)?;
            let fresh = random(run, rest, &network, seed)?;
            let stage = model.network.stage(keep).into_diagnostic()?;
            Ok((
                keep_until(&network, &model.weights, &fresh, stage).into_diagnostic()?,
                convention,
            ))
        }
    }
}

fn random(run: &Run<'_>, init: &Init, network: &Network, seed: u64) -> miette::Result<Weights> {
    match init {
        Init::Xavier => Ok(initialise(network, Initialisation::Xavier, seed)),
        Init::MeanVar(of) => mean_var(network, &run.model(of)?.weights, seed).into_diagnostic(),
        Init::Shuffled(of) => shuffled(network, &run.model(of)?.weights, seed).into_diagnostic(),
        Init::Statistics(of) => {
            keep_batch_norm(network, &run.model(of)?.weights, seed).into_diagnostic()
        }
    }
}

/// The same architecture without a classification layer.
fn headless(network: &Network) -> miette::Result<Network> {
    architecture(network.architecture(), network.convention(), None).into_diagnostic()
}

/// A random network is of the architecture and convention of the study's first weights file, so that they differ in weights
/// alone; InceptionV3 where there is none.
fn network_of_study(run: &Run<'_>) -> miette::Result<Network> {
    for plan in &run.study.networks {
        if let Origin::File {
            weights,
            convention,
        } = &plan.origin
        {
            let weights = Weights::load(weights, *convention).into_diagnostic()?;
            return headless(&weights.network(*convention).into_diagnostic()?);
        }
    }
    Ok(inception_v3(Convention::Keras, None))
}

fn described(plan: &NetworkPlan, start: &Weights, convention: Convention) -> NetworkEntry {
    let (mut from, mut init, mut keep, mut file) = (None, None, None, None);
    let name = |init: &Init| init.word().to_string();
    match &plan.origin {
        Origin::Random(how) => init = Some(name(how)),
        Origin::File { weights, .. } => {
            file = weights
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
        }
        Origin::Network {
            start,
            keep: kept,
            rest,
        } => {
            from = Some(start.clone());
            keep = kept.map(String::from);
            init = kept.map(|_| name(rest));
        }
    }
    let story = start.metadata.provenance.clone();
    NetworkEntry {
        name: plan.name.clone(),
        kind: plan.kind().into(),
        start: from,
        init,
        keep,
        weights: file,
        convention: convention.to_string(),
        trained: plan.train.is_some(),
        trained_epochs: plan.train.as_ref().map_or(0, |t| t.epochs),
        best_epoch: None,
        provenance: story.unwrap_or_else(|| start.metadata.history.join("; ")),
        swept: plan.swept,
    }
}
