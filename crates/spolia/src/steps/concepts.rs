//! Figure 3's numbers: how well each layer of each network tells the concepts.

use std::collections::BTreeMap;

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Unit, groups};
use spolia_interpret::concepts::ConceptOptions;

use super::{Run, measures};
use crate::jobs::batches;
use crate::jobs::concepts::{Job, tables as concept_tables};
use crate::jobs::features::{Features, features};
use crate::run_folder::{Begin, write_atomic};
use crate::seed;
use crate::study::ConceptsPlan;

/// Computes the features of one network's layers and keeps them: they serve whatever concepts are asked later.
pub fn features_step(run: &mut Run<'_>, plan: &ConceptsPlan, network: &str) -> miette::Result<()> {
    let name = format!("features/{network}");
    let table = measures::own_table(plan)?;
    let rows = measures::chosen(run, plan, table.as_ref());
    let ids: Vec<&str> = run.patches(&rows).iter().map(|p| p.id.as_str()).collect();
    let key = run
        .key(&name, &["patches", &format!("train/{network}")])
        .with("layers", &plan.layers)?
        .with("pool", &plan.pool)?
        .with("patches by place in the table", &ids)?;
    let file = format!("{name}/features.bin");
    if run.begin(&name, key, &[&file])? == Begin::Done {
        return Ok(());
    }
    let patches = run.patches(&rows);
    let model = run.model(network)?;
    let stages = model.stages(&plan.layers)?;
    let parts = run.folder.path(format!("{name}/parts"));
    let (mut found, problems) = features(
        &model,
        (&run.reader, &patches),
        &stages,
        plan.pool.pool(),
        &name,
        Some(&parts),
        run.context,
    )?;
    let items = found.rows.len();
    // Places in the study's table, so that whoever reads them need not draw again.
    found.rows = found.rows.iter().map(|&k| rows[k]).collect();
    write_atomic(
        &run.folder.path(&file),
        &rmp_serde::to_vec(&found).into_diagnostic()?,
    )?;
    batches::forget(&parts)?;
    run.problems(&name, &problems)?;
    Ok(run.folder.finish(&name, items)?)
}

/// Everything about the concepts and one network.
pub fn step(run: &mut Run<'_>, plan: &ConceptsPlan, network: &str) -> miette::Result<()> {
    let name = format!("concepts/{network}");
    let key = run
        .key(&name, &["measures", &format!("features/{network}")])
        .with("repeats", &plan.repeats)?
        .with("estimator", &plan.estimator)?
        .with("method", "relevance, controls, categories, centre")?;
    if run.begin(&name, key, &[name.as_str()])? == Begin::Done {
        return Ok(());
    }
    let (ids, measured) = measures::read(run)?;
    let grouped = groups(&run.table, Unit::Patient, None).into_diagnostic()?;
    let patches: Vec<&Patch> = run.table.patches().iter().collect();
    let file = run.folder.path(format!("features/{network}/features.bin"));
    let mut features: Features =
        rmp_serde::from_slice(&std::fs::read(file).into_diagnostic()?).into_diagnostic()?;
    // Patches that could be read and were measured.
    let places: BTreeMap<&str, usize> = ids
        .iter()
        .enumerate()
        .map(|(k, id)| (id.as_str(), k))
        .collect();
    let (at, of): (Vec<usize>, Vec<usize>) = features
        .rows
        .iter()
        .enumerate()
        .filter_map(|(at, &row)| Some((at, *places.get(patches[row].id.as_str())?)))
        .unzip();
    features.keep(&at);
    let groups = features.pick(&grouped.of);
    let model = run.model(network)?;
    let stages = model.stages(&plan.layers)?;
    let job = Job {
        network,
        model: &model,
        layers: stages
            .into_iter()
            .zip(plan.layers.iter().copied())
            .collect(),
        patches: &patches,
        reader: &run.reader,
        classes: run.table.classes(),
        pool: plan.pool.pool(),
        features,
        measured: measured.of(&of),
        groups,
        unit: grouped.unit,
        options: ConceptOptions {
            estimator: plan.estimator.estimator(),
            images: plan.images,
            repeats: plan.repeats,
            seed: seed::derive(run.seed, "concepts", ""),
            ..ConceptOptions::default()
        },
        folder: run.folder.path(&name),
    };
    let notes = job.run(run.context)?;
    let items = of.len();
    run.notes(notes)?;
    Ok(run.folder.finish(&name, items)?)
}

/// Writes the tables over all networks.
pub fn tables(run: &Run<'_>, plan: &ConceptsPlan) -> miette::Result<()> {
    let folder = |network: &String| run.folder.path(format!("concepts/{network}"));
    let folders: Vec<_> = plan
        .networks
        .iter()
        .map(folder)
        .filter(|f| f.exists())
        .collect();
    if folders.is_empty() {
        return Ok(());
    }
    concept_tables::write(&folders, &plan.layers, &run.folder.path("concepts"))
}
