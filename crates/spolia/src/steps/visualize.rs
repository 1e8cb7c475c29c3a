//! Figure 1's images: the channels of a study's layers, for each network with the same seeds and parametrization.

use miette::IntoDiagnostic;
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use spolia_interpret::visualize::liveness::Liveness;
use spolia_interpret::visualize::objective::Vectors;
use spolia_interpret::visualize::{Preset, Settings};
use spolia_network::Network;

use super::Run;
use crate::jobs::batches;
use crate::jobs::concepts::tables::fill_q;
use crate::jobs::model::Model;
use crate::jobs::visualize::compare::{self, Drawn};
use crate::jobs::visualize::exemplars::OnData;
use crate::jobs::visualize::{self as jobs, Channel, draw, estimate};
use crate::run_folder::Begin;
use crate::seed;
use crate::study::{Channels, Origin, PresetPlan, VisualizePlan};

/// Patches whose colours are taken.
const COLOURS: usize = 500;
/// Folders of other steps within a network's.
const AGAIN: &str = "again";
const OBJECTIVES: &str = "objectives";
/// The step that compares networks' images.
pub const COMPARISON: &str = "comparison";

/// Draws all channels of one network.
pub fn step(run: &mut Run<'_>, plan: &VisualizePlan, network: &str) -> miette::Result<()> {
    let name = format!("visualize/{network}");
    let key = run
        .key(&name, &[&format!("train/{network}")])
        .with("plan", &shared(plan))?
        .with("seed", &run.seed)?;
    let outputs = layer_folders(run, &name);
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    if run.begin(&name, key, &outputs)? == Begin::Done {
        return Ok(());
    }
    let model = run.model(network)?;
    let work = layers(plan, &model.network, run.seed)?;
    draw_all(
        run,
        plan,
        (&name, &name),
        (&model, &work),
        &settings(plan, run.seed),
    )
}

/// The same from a second start, of the first channels of each layer: what two images of one channel differ by alone.
pub fn again(run: &mut Run<'_>, plan: &VisualizePlan, network: &str) -> miette::Result<()> {
    let name = format!("again/{network}");
    let folder = format!("visualize/{network}/{AGAIN}");
    let key = run
        .key(&name, &[&format!("train/{network}")])
        .with("plan", &shared(plan))?
        .with("again", &plan.again)?
        .with("seed", &run.seed)?;
    if run.begin(&name, key, &[folder.as_str()])? == Begin::Done {
        return Ok(());
    }
    let model = run.model(network)?;
    let settings = Settings {
        seed: seed::derive(run.seed, "visualize", "again"),
        ..settings(plan, run.seed)
    };
    let mut work = layers(plan, &model.network, run.seed)?;
    for (_, channels) in &mut work {
        channels.truncate(plan.again);
    }
    draw_all(run, plan, (&name, &folder), (&model, &work), &settings)
}

/// What a network's folder holds of its own step, without what other steps keep there.
fn layer_folders(run: &Run<'_>, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(run.folder.path(folder));
    let entries = entries.into_iter().flatten().filter_map(Result::ok);
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| ![AGAIN, OBJECTIVES].contains(&name.as_str()))
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

/// Draws each layer's channels into its folder below `folder`, and ends the step.
fn draw_all(
    run: &mut Run<'_>,
    plan: &VisualizePlan,
    (step, folder): (&str, &str),
    (model, work): (&Model, &[(&'static str, Vec<usize>)]),
    settings: &Settings,
) -> miette::Result<()> {
    let channels = work.iter().map(|(_, c)| c.len()).sum();
    let steps = channels * settings.total_steps();
    let task = run.context.progress.start(step, steps);
    let mut all = Vec::new();
    for (layer, channels) in work {
        let stage = model.network.stage(layer).into_diagnostic()?;
        all.push((
            stage,
            &channels[..],
            run.folder.path(format!("{folder}/{layer}")),
        ));
    }
    let places: Vec<estimate::Work<'_>> = all
        .iter()
        .map(|(s, c, to)| (*s, *c, to.as_path()))
        .collect();
    estimate::tell(model, &places, plan.batch, settings, &task)?;
    for (stage, channels, to) in places {
        draw(model, stage, channels, plan.batch, settings, to, &task)?;
    }
    task.finish();
    Ok(run.folder.finish(step, channels)?)
}

/// The patches that excite each channel most, and what it answers to them.
pub fn exemplars(run: &mut Run<'_>, plan: &VisualizePlan, network: &str) -> miette::Result<()> {
    let name = format!("exemplars/{network}");
    let table = format!("visualize/{network}/exemplars.json");
    let key = run
        .key(&name, &["patches", &format!("visualize/{network}")])
        .with("exemplars", &plan.exemplars)?
        .with("seed", &run.seed)?;
    if run.begin(&name, key, &[table.as_str()])? == Begin::Done {
        return Ok(());
    }
    let model = run.model(network)?;
    let rows = run.draw("visualize/exemplars", plan.exemplars, |_| true);
    let patches = run.patches(&rows);
    let named = layers(plan, &model.network, run.seed)?;
    let mut work = Vec::new();
    for (layer, channels) in &named {
        let stage = model.network.stage(layer).into_diagnostic()?;
        work.push((stage, channels.clone()));
    }
    let parts = run.folder.path(format!("visualize/{network}/parts"));
    let source = (&run.reader, &patches[..]);
    let (found, problems) =
        jobs::exemplars::exemplars(&model, source, &work, &name, Some(&parts), run.context)?;
    let mut kept = Vec::new();
    for (((layer, _), (stage, _)), on_data) in named.iter().zip(&work).zip(found) {
        let folder = run.folder.path(format!("visualize/{network}/{layer}"));
        for of_channel in on_data {
            jobs::exemplars::strip(&model, *stage, source, &of_channel, &folder)?;
            let ids = of_channel.best.iter().map(|e| patches[e.place].id.clone());
            let ids: Vec<String> = ids.collect();
            kept.push((layer.to_string(), of_channel, ids));
        }
    }
    let items = patches.len();
    run.folder.write_json(&table, &kept)?;
    batches::forget(&parts)?;
    run.problems(&name, &problems)?;
    Ok(run.folder.finish(&name, items)?)
}

/// Images of written objectives, which may name the network's concept vectors.
pub fn objectives(run: &mut Run<'_>, plan: &VisualizePlan, network: &str) -> miette::Result<()> {
    let name = format!("objectives/{network}");
    let folder = format!("visualize/{network}/{OBJECTIVES}");
    let mut upstream = vec![format!("train/{network}"), format!("concepts/{network}")];
    upstream.extend(plan.own_colours.then(|| "patches".to_owned()));
    let upstream: Vec<&str> = upstream.iter().map(String::as_str).collect();
    let shared = (
        (&plan.objectives, plan.parametrization, plan.own_colours),
        (plan.steps, plan.size),
    );
    let key = run
        .key(&name, &upstream)
        .with("plan", &shared)?
        .with("seed", &run.seed)?;
    if run.begin(&name, key, &[folder.as_str()])? == Begin::Done {
        return Ok(());
    }
    let model = run.model(network)?;
    let rows = run.draw("visualize/colours", COLOURS, |_| plan.own_colours);
    let patches = run.patches(&rows);
    let statistics = plan.own_colours.then_some((&run.reader, &patches[..]));
    // Not the network's name: all networks start from the same images.
    let seed = seed::derive(run.seed, "visualize", "");
    let mut recipe = plan.parametrization.recipe(plan.size, seed, statistics)?;
    recipe.steps = plan.steps.unwrap_or(recipe.steps);
    let file = run.folder.path("concepts/vectors.safetensors");
    let vectors = if file.exists() {
        jobs::written::vectors(&file, Some(network))?
    } else {
        Vectors::new()
    };
    let all = plan.objectives.len() * recipe.steps;
    let task = run.context.progress.start(&name, all);
    let to = run.folder.path(&folder);
    jobs::written::draw(&model, &plan.objectives, &vectors, (1, &recipe), &to, &task)?;
    task.finish();
    Ok(run.folder.finish(&name, plan.objectives.len())?)
}

/// Compares the images of each network with those of the network that it starts from.
pub fn comparison(run: &mut Run<'_>, plan: &VisualizePlan) -> miette::Result<()> {
    let drawn: Vec<String> = ["visualize", "again"]
        .iter()
        .flat_map(|step| plan.networks.iter().map(move |n| format!("{step}/{n}")))
        .collect();
    let upstream: Vec<&str> = drawn.iter().map(String::as_str).collect();
    let outputs = [
        "visualize/comparison.csv",
        "visualize/comparison_slopes.csv",
        "visualize/complexity.csv",
    ];
    let key = run.key(COMPARISON, &upstream).with("seed", &run.seed)?;
    if run.begin(COMPARISON, key, &outputs)? == Begin::Done {
        return Ok(());
    }
    let (mut rows, mut slopes, mut complexity) = (Vec::new(), Vec::new(), Vec::new());
    let seed = seed::derive(run.seed, COMPARISON, "");
    for network in &plan.networks {
        let after = run.model(network)?;
        let work = layers(plan, &after.network, run.seed)?;
        let images = |network: &str| run.folder.path(format!("visualize/{network}"));
        complexity.extend(compare::complexities(network, &images(network), &work)?);
        let start = match run.study.network(network).map(|n| &n.origin) {
            Some(Origin::Network { start, .. }) if plan.networks.contains(start) => start,
            _ => continue,
        };
        let before = run.model(start)?;
        let of = |network, model| Drawn {
            network,
            model,
            images: images(network),
            again: images(network).join(AGAIN),
        };
        let (before, after) = (of(start, &before), of(network, &after));
        let (found, over_depth) = compare::compare([&before, &after], &work, seed)?;
        rows.extend(found);
        slopes.extend(over_depth);
    }
    let last = compare::HEADER.len() - 1;
    fill_q(&mut rows, last - 1, last)?;
    let items = rows.len();
    run.folder.write_csv(outputs[0], &compare::HEADER, rows)?;
    run.folder.write_csv(outputs[1], &compare::SLOPES, slopes)?;
    run.folder
        .write_csv(outputs[2], &compare::COMPLEXITY, complexity)?;
    Ok(run.folder.finish(COMPARISON, items)?)
}

/// What of the plan decides an image.
fn shared(plan: &VisualizePlan) -> impl serde::Serialize + '_ {
    (
        &plan.layers,
        &plan.channels,
        plan.preset,
        plan.steps,
        plan.size,
        plan.batch,
    )
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

/// What was kept of a network's exemplars: layer, channel, and the ids of its patches.
type Answers = Vec<(String, OnData, Vec<String>)>;

fn answers(run: &Run<'_>, network: &str) -> miette::Result<Answers> {
    let file = run
        .folder
        .path(format!("visualize/{network}/exemplars.json"));
    match std::fs::read(&file) {
        Ok(bytes) => serde_json::from_slice(&bytes).into_diagnostic(),
        Err(_) => Ok(Vec::new()),
    }
}

/// Writes channels.csv, exemplars.csv and objectives.csv from the finished channels of all networks.
pub fn tables(run: &Run<'_>, plan: &VisualizePlan) -> miette::Result<()> {
    let (mut channels, mut objectives, mut exemplars) = (Vec::new(), Vec::new(), Vec::new());
    for network in &plan.networks {
        let on_data = answers(run, network)?;
        for (layer, of_channel, ids) in &on_data {
            for (rank, (exemplar, id)) in of_channel.best.iter().zip(ids).enumerate() {
                exemplars.push(vec![
                    network.clone(),
                    layer.clone(),
                    of_channel.channel.to_string(),
                    (rank + 1).to_string(),
                    id.clone(),
                    exemplar.activation.to_string(),
                    exemplar.position.0.to_string(),
                    exemplar.position.1.to_string(),
                ]);
            }
        }
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
                let known = on_data
                    .iter()
                    .find(|(l, on, _)| l == layer && on.channel == c.channel);
                let on_data = known.map(|(_, on, _)| on.most);
                let state = on_data.map(|on_data| {
                    let optimum = c.activation.parse().unwrap_or(0.0);
                    Liveness { on_data, optimum }.state().name()
                });
                let facts = facts.into_iter().chain([
                    c.activation.clone(),
                    on_data.map_or_else(String::new, |v| v.to_string()),
                    state.unwrap_or_default().to_string(),
                ]);
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
        "optimum",
        "on_data",
        "state",
    ];
    run.folder
        .write_csv("visualize/channels.csv", &header, channels)?;
    if !exemplars.is_empty() {
        let header = [
            "network",
            "layer",
            "channel",
            "rank",
            "id",
            "activation",
            "row",
            "column",
        ];
        run.folder
            .write_csv("visualize/exemplars.csv", &header, exemplars)?;
    }
    run.folder.write_csv(
        "visualize/objectives.csv",
        &["network", "layer", "channel", "step", "objective"],
        objectives,
    )?;
    Ok(())
}
