//! Figure 1's images: the channels of a study's layers, for each network with the same seeds and parametrization.

use miette::IntoDiagnostic;
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use spolia_interpret::visualize::{Preset, Settings};
use spolia_network::Network;

use super::Run;
use crate::jobs::visualize::{Channel, draw};
use crate::run_folder::Begin;
use crate::seed;
use crate::study::{Channels, PresetPlan, VisualizePlan};

/// Draws all channels of one network.
pub fn step(run: &mut Run<'_>, plan: &VisualizePlan, network: &str) -> miette::Result<()> {
    let name = format!("visualize/{network}");
    let shared = (
        &plan.layers,
        &plan.channels,
        plan.preset,
        plan.steps,
        plan.size,
        plan.batch,
    );
    let key = run
        .key(&name, &[&format!("train/{network}")])
        .with("plan", &shared)?
        .with("seed", &run.seed)?;
    if run.begin(&name, key, &[name.as_str()])? == Begin::Done {
        return Ok(());
    }
    let model = run.model(network)?;
    let settings = settings(plan, run.seed);
    let work = layers(plan, &model.network, run.seed)?;
    let channels: usize = work.iter().map(|(_, c)| c.len()).sum();
    let task = run
        .context
        .progress
        .start(&name, channels * settings.total_steps());
    for (layer, channels) in work {
        let stage = model.network.stage(layer).into_diagnostic()?;
        draw(
            &model,
            stage,
            &channels,
            plan.batch,
            &settings,
            &run.folder.path(format!("{name}/{layer}")),
            &task,
        )?;
    }
    task.finish();
    Ok(run.folder.finish(&name, channels)?)
}

fn settings(plan: &VisualizePlan, seed: u64) -> Settings {
    Settings {
        size: plan.size,
        preset: match plan.preset {
            PresetPlan::Paper => Preset::Paper,
            PresetPlan::Lucid => Preset::Lucid,
        },
        steps: plan.steps,
        // Not the network's name: all networks start from the same images and see the same movements.
        seed: seed::derive(seed, "visualize", ""),
    }
}

/// Each layer with its channels.
fn layers(
    plan: &VisualizePlan,
    network: &Network,
    seed: u64,
) -> miette::Result<Vec<(&'static str, Vec<usize>)>> {
    plan.layers
        .iter()
        .map(|&layer| {
            let width = network.channels(network.stage(layer).into_diagnostic()?);
            let channels = match &plan.channels {
                Channels::All => (0..width).collect(),
                Channels::These(these) => these.clone(),
                Channels::Sample(n) => {
                    let mut rng =
                        ChaCha8Rng::seed_from_u64(seed::derive(seed, "visualize/sample", layer));
                    let mut drawn = index::sample(&mut rng, width, (*n).min(width)).into_vec();
                    drawn.sort_unstable();
                    drawn
                }
            };
            Ok((layer, channels))
        })
        .collect()
}

/// Writes channels.csv and objectives.csv from the finished channels of all networks.
pub fn tables(run: &Run<'_>, plan: &VisualizePlan) -> miette::Result<()> {
    let (mut channels, mut objectives) = (Vec::new(), Vec::new());
    for network in &plan.networks {
        for layer in &plan.layers {
            let folder = run.folder.path(format!("visualize/{network}/{layer}"));
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            let mut files: Vec<_> = entries.filter_map(Result::ok).map(|e| e.path()).collect();
            files.retain(|f| f.extension().is_some_and(|e| e == "json"));
            files.sort();
            for file in files {
                let bytes = std::fs::read(&file).into_diagnostic()?;
                let c: Channel = serde_json::from_slice(&bytes).into_diagnostic()?;
                let (first, last) = (c.objective.first().cloned(), c.objective.last().cloned());
                let place = [network.clone(), (*layer).to_string(), c.channel.to_string()];
                for (step, value) in c.objective.iter().enumerate() {
                    objectives.push(
                        place
                            .iter()
                            .cloned()
                            .chain([step.to_string(), value.clone()])
                            .collect::<Vec<_>>(),
                    );
                }
                let facts = [
                    c.steps.to_string(),
                    c.size.to_string(),
                    first.unwrap_or_default(),
                    last.unwrap_or_default(),
                    u8::from(c.dead).to_string(),
                ];
                channels.push(place.into_iter().chain(facts).collect::<Vec<_>>());
            }
        }
    }
    let header = [
        "network",
        "layer",
        "channel",
        "steps",
        "size",
        "objective_first",
        "objective_last",
        "dead",
    ];
    run.folder
        .write_csv("visualize/channels.csv", &header, channels)?;
    run.folder.write_csv(
        "visualize/objectives.csv",
        &["network", "layer", "channel", "step", "objective"],
        objectives,
    )?;
    Ok(())
}
