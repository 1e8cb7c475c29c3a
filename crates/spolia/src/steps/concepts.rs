//! Figure 3's numbers: measures of patches, and how well each layer of each network tells them.

use std::collections::BTreeMap;

use miette::IntoDiagnostic;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use spolia_dataset::{Patch, Problem, Unit, groups};
use spolia_interpret::concepts::{Concept, ConceptOptions};
use spolia_measure::Measure;

use super::Run;
use crate::jobs::batches;
use crate::jobs::concepts::{Layer, Regression, picked, write_tables};
use crate::jobs::controls::{self, COVARIATES};
use crate::jobs::features::means;
use crate::jobs::measure::measure;
use crate::jobs::relevance;
use crate::run_folder::Begin;
use crate::seed;
use crate::study::ConceptsPlan;

const MEASURES: &str = "concepts/measures.csv";
/// Colour and brightness, which controls.csv takes out.
const COLOUR: &str = "concepts/colour.csv";

/// The patches of the concepts: as many as wanted of the part wanted, drawn by the seed, in the table's order.
fn chosen<'r>(run: &'r Run<'_>, plan: &ConceptsPlan) -> Vec<(usize, &'r Patch)> {
    let mut drawn: Vec<(u64, usize)> = run
        .table
        .patches()
        .iter()
        .enumerate()
        .filter(|(_, p)| plan.split.holds(p.split))
        .map(|(row, p)| (seed::derive(run.seed, "concepts/draw", &p.id), row))
        .collect();
    drawn.sort_unstable();
    let mut rows: Vec<usize> = drawn.into_iter().take(plan.images).map(|d| d.1).collect();
    rows.sort_unstable();
    rows.into_iter()
        .map(|row| (row, &run.table.patches()[row]))
        .collect()
}

/// Writes measures.csv.
pub fn measures(run: &mut Run<'_>, plan: &ConceptsPlan) -> miette::Result<()> {
    let names: Vec<&str> = plan.measures.iter().map(|m| m.name()).collect();
    let key = run
        .key("measures", &["patches"])
        .with("measures", &names)?
        .with("images", &(plan.images, plan.split))?
        .with("covariates", &COVARIATES.map(Measure::name))?
        .with("seed", &run.seed)?;
    if run.begin("measures", key, &[MEASURES, COLOUR])? == Begin::Done {
        return Ok(());
    }
    let patches = chosen(run, plan);
    let task = run.context.progress.start("measures", patches.len());
    let measured: Vec<Result<Vec<String>, Problem>> = patches
        .par_iter()
        .map(|(_, patch)| {
            let asked = [plan.measures.as_slice(), &COVARIATES].concat();
            let values = measure(patch, &run.reader, &asked)?;
            task.advance(1);
            Ok([patch.id.clone()]
                .into_iter()
                .chain(values.iter().map(f64::to_string))
                .collect())
        })
        .collect();
    task.finish();
    let (rows, problems): (Vec<_>, Vec<_>) = measured.into_iter().partition(Result::is_ok);
    let rows: Vec<Vec<String>> = rows.into_iter().filter_map(Result::ok).collect();
    let problems: Vec<Problem> = problems.into_iter().filter_map(Result::err).collect();
    let width = 1 + names.len();
    let header: Vec<&str> = ["id"].into_iter().chain(names).collect();
    let colours: Vec<&str> = ["id"]
        .into_iter()
        .chain(COVARIATES.iter().map(|m| m.name()))
        .collect();
    let items = rows.len();
    run.folder.write_csv(
        COLOUR,
        &colours,
        rows.iter().map(|row| row[..1].iter().chain(&row[width..])),
    )?;
    run.folder
        .write_csv(MEASURES, &header, rows.iter().map(|row| &row[..width]))?;
    run.problems("measures", &problems)?;
    Ok(run.folder.finish("measures", items)?)
}

/// Regresses the measures on all layers of one network.
pub fn step(run: &mut Run<'_>, plan: &ConceptsPlan, network: &str) -> miette::Result<()> {
    let name = format!("concepts/{network}");
    let key = run
        .key(&name, &["measures", &format!("train/{network}")])
        .with("layers", &plan.layers)?
        .with("repeats", &plan.repeats)?
        .with("estimator", "ridge, penalty by groups; relevance, controls")?;
    if run.begin(&name, key, &[name.as_str()])? == Begin::Done {
        return Ok(());
    }
    let measured = read(run, MEASURES)?;
    let colour = read(run, COLOUR)?;
    let grouped = groups(&run.table, Unit::Patient, None).into_diagnostic()?;
    let rows: Vec<(usize, &Patch)> = chosen(run, plan)
        .into_iter()
        .filter(|(_, p)| measured.contains_key(&p.id))
        .collect();
    let patches: Vec<&Patch> = rows.iter().map(|r| r.1).collect();
    let numbers: Vec<usize> = rows.iter().map(|r| grouped.of[r.0]).collect();
    let values = |measures: &[Measure], of: &BTreeMap<String, Vec<f64>>| -> Vec<Concept> {
        let numbered = measures.iter().enumerate();
        numbered
            .map(|(k, m)| Concept {
                id: m.name().into(),
                values: patches.iter().map(|p| of[&p.id][k]).collect(),
            })
            .collect()
    };
    let model = run.model(network)?;
    let stages = model.stages(&plan.layers)?;
    let parts = run.folder.path(format!("{name}/parts"));
    let (features, problems) = means(
        &model,
        (&run.reader, &patches),
        &stages,
        &name,
        Some(&parts),
        run.context,
    )?;
    let regression = Regression {
        network,
        layers: stages
            .into_iter()
            .zip(plan.layers.iter().copied())
            .collect(),
        features: &features,
        concepts: picked(&features, &values(&plan.measures, &measured)),
        groups: features.pick(&numbers),
        options: ConceptOptions {
            images: plan.images,
            repeats: plan.repeats,
            seed: seed::derive(run.seed, "concepts", ""),
            ..ConceptOptions::default()
        },
        folder: run.folder.path(&name),
    };
    let progress = run.context.progress;
    let task = progress.start(&format!("{name}, regression"), plan.layers.len());
    let found = regression.run(&task)?;
    task.finish();
    let task = progress.start(&format!("{name}, controls"), plan.layers.len());
    let covariates = picked(&features, &values(&COVARIATES, &colour));
    controls::rows(&regression, &covariates, &task)?;
    task.finish();
    if model.network.outputs() == 1 {
        let job = relevance::Job {
            regression: &regression,
            model: &model,
            patches: &patches,
            reader: &run.reader,
            classes: run.table.classes(),
        };
        relevance::rows(&job, &found, run.context)?;
    }
    batches::forget(&parts)?;
    let items = patches.len();
    run.problems(&name, &problems)?;
    Ok(run.folder.finish(&name, items)?)
}

fn read(run: &Run<'_>, table: &str) -> miette::Result<BTreeMap<String, Vec<f64>>> {
    let mut measured = BTreeMap::new();
    for record in csv::Reader::from_path(run.folder.path(table))
        .into_diagnostic()?
        .records()
    {
        let record = record.into_diagnostic()?;
        let values = record
            .iter()
            .skip(1)
            .map(str::parse)
            .collect::<Result<Vec<f64>, _>>()
            .into_diagnostic()?;
        measured.insert(record.get(0).unwrap_or_default().to_string(), values);
    }
    Ok(measured)
}

/// Writes r2.csv, vectors.safetensors, controls.csv and relevance.csv over all networks.
pub fn tables(run: &Run<'_>, plan: &ConceptsPlan) -> miette::Result<()> {
    let all: Vec<Layer> = finished(run, plan, "json")?;
    if all.is_empty() {
        return Ok(());
    }
    write_tables(&all, &run.folder.path("concepts"))?;
    let rows = |ending: &str| -> miette::Result<Vec<Vec<String>>> {
        let layers: Vec<Vec<Vec<String>>> = finished(run, plan, ending)?;
        Ok(layers.into_iter().flatten().collect())
    };
    run.folder.write_csv(
        "concepts/controls.csv",
        &controls::HEADER,
        rows("controls.json")?,
    )?;
    let table = run.folder.path("concepts/relevance.csv");
    relevance::write_table(rows("relevance.json")?, &table)
}

/// What is kept of each finished layer in `LAYER.ending`, network by network.
fn finished<T: DeserializeOwned>(
    run: &Run<'_>,
    plan: &ConceptsPlan,
    ending: &str,
) -> miette::Result<Vec<T>> {
    let mut all = Vec::new();
    for network in &plan.networks {
        for layer in &plan.layers {
            let file = format!("concepts/{network}/{layer}.{ending}");
            if let Ok(bytes) = std::fs::read(run.folder.path(file)) {
                all.push(serde_json::from_slice(&bytes).into_diagnostic()?);
            }
        }
    }
    Ok(all)
}
