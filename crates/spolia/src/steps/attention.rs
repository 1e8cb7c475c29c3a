//! Figure 2's maps: patches of one class that a network is sure of.

use std::collections::BTreeMap;

use miette::IntoDiagnostic;
use spolia_dataset::Patch;

use super::Run;
use crate::jobs::attention::{HEADER, Job, draw};
use crate::jobs::batches;
use crate::run_folder::Begin;
use crate::study::AttentionPlan;

/// Maps the chosen patches of one network.
pub fn step(run: &mut Run<'_>, plan: &AttentionPlan, network: &str) -> miette::Result<()> {
    let name = format!("attention/{network}");
    let methods: Vec<&str> = plan.methods.iter().map(|m| m.name()).collect();
    let shared = (
        methods, plan.layer, plan.class, plan.p_min, plan.most, plan.split,
    );
    let key = run
        .key(
            &name,
            &[&format!("predict/{network}"), &format!("train/{network}")],
        )
        .with("plan", &shared)?;
    if run.begin(&name, key, &[name.as_str()])? == Begin::Done {
        return Ok(());
    }
    let model = run.model(network)?;
    let patches = chosen(run, plan, network)?;
    let class_name = run
        .table
        .classes()
        .get(plan.class)
        .cloned()
        .unwrap_or_default();
    let job = Job {
        network,
        layer: model.network.stage(plan.layer).into_diagnostic()?,
        methods: &plan.methods,
        class: plan.class,
        class_name: &class_name,
        maps: run.folder.path(&name),
        plain: run.folder.path("attention/patches"),
    };
    let parts = run.folder.path(format!("{name}/parts"));
    let (rows, problems) = draw(
        &job,
        &model,
        &run.reader,
        &patches,
        Some(&parts),
        run.context,
    )?;
    let single = rows.iter().any(|row| row[8..10] == ["1", "1"]);
    run.folder
        .write_csv(format!("{name}/attention.csv"), &HEADER, rows)?;
    batches::forget(&parts)?;
    let items = patches.len();
    if single {
        run.notes(vec![format!(
            "At {} a patch of this size leaves a single position, so its maps say nothing about where the network looks; name an earlier layer in [attention], such as Mixed_6e.",
            plan.layer
        )])?;
    }
    run.problems(&name, &problems)?;
    Ok(run.folder.finish(&name, items)?)
}

/// The patches of the class that the network is surest of, most certain first.
fn chosen<'r>(
    run: &'r Run<'_>,
    plan: &AttentionPlan,
    network: &str,
) -> miette::Result<Vec<&'r Patch>> {
    let file = run
        .folder
        .path(format!("networks/{network}/predictions.csv"));
    if !file.exists() {
        return Err(miette::miette!(
            "network {network} has no classification layer, so it makes no prediction to explain; train it, or leave it out of [attention] networks"
        ));
    }
    let mut table = csv::Reader::from_path(&file).into_diagnostic()?;
    let mut sure: BTreeMap<String, f64> = BTreeMap::new();
    for record in table.records() {
        let record = record.into_diagnostic()?;
        let p: f64 = record
            .get(4 + plan.class)
            .unwrap_or_default()
            .parse()
            .into_diagnostic()?;
        sure.insert(record.get(0).unwrap_or_default().to_string(), p);
    }
    let mut patches: Vec<(&Patch, f64)> = run
        .table
        .patches()
        .iter()
        .filter(|p| plan.split.holds(p.split) && p.label.map(usize::from) == Some(plan.class))
        .filter_map(|p| Some((p, *sure.get(&p.id)?)))
        .filter(|(_, p)| *p >= plan.p_min)
        .collect();
    patches.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.id.cmp(&b.0.id)));
    Ok(patches.into_iter().take(plan.most).map(|p| p.0).collect())
}

/// Writes attention.csv from the tables of all networks.
pub fn table(run: &Run<'_>, plan: &AttentionPlan) -> miette::Result<()> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for network in &plan.networks {
        let file = run
            .folder
            .path(format!("attention/{network}/attention.csv"));
        if !file.exists() {
            continue;
        }
        for record in csv::Reader::from_path(&file).into_diagnostic()?.records() {
            rows.push(record.into_diagnostic()?.iter().map(String::from).collect());
        }
    }
    Ok(run
        .folder
        .write_csv("attention/attention.csv", &HEADER, rows)?)
}
