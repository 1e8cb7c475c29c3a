//! Layer drift between the networks of a study, beside those pairs that differ by their seeds alone.

use miette::IntoDiagnostic;
use spolia_dataset::{Unit, groups};
use spolia_interpret::concepts::Pool;

use super::Run;
use crate::jobs::batches;
use crate::jobs::drift::{HEADER, Pair};
use crate::jobs::features::{Features, features};
use crate::run_folder::Begin;
use crate::study::{DriftPlan, NetworkPlan, Origin};

const TABLE: &str = "drift/drift.csv";

/// Writes drift.csv for all pairs of networks.
pub fn step(run: &mut Run<'_>, plan: &DriftPlan) -> miette::Result<()> {
    let trained: Vec<String> = plan.networks.iter().map(|n| format!("train/{n}")).collect();
    let upstream: Vec<&str> = ["patches"]
        .into_iter()
        .chain(trained.iter().map(String::as_str))
        .collect();
    let kinds: Vec<String> = pairs(run, plan).iter().map(|p| p.2.to_string()).collect();
    let key = run
        .key("drift", &upstream)
        .with("plan", plan)?
        .with("kinds", &kinds)?
        .with("seed", &run.seed)?;
    if run.begin("drift", key, &[TABLE])? == Begin::Done {
        return Ok(());
    }
    let chosen = run.draw("drift/draw", plan.images, |p| plan.split.holds(p.split));
    let patches = run.patches(&chosen);
    let grouped = groups(&run.table, Unit::Patient, None).into_diagnostic()?;
    let (mut models, mut answers, mut problems) = (Vec::new(), Vec::<Features>::new(), Vec::new());
    let parts = run.folder.path("drift/parts");
    for network in &plan.networks {
        let model = run.model(network)?;
        let layers = model.stages(&plan.layers)?;
        let (found, failed) = features(
            &model,
            (&run.reader, &patches),
            &layers,
            Pool::Mean,
            &format!("drift, features of {network}"),
            Some(&parts.join(network)),
            run.context,
        )?;
        // Every network fails on the same patches.
        problems = failed;
        models.push(model);
        answers.push(found);
    }
    let readable = answers.first().map_or(0, |f| f.rows.len());
    if readable < 4 {
        return Err(miette::miette!(
            "{readable} patches can be read; drift needs at least 4, and better several hundred"
        ));
    }
    let rows: Vec<usize> = answers[0].rows.iter().map(|&k| chosen[k]).collect();
    let numbers: Vec<usize> = rows.iter().map(|&row| grouped.of[row]).collect();
    let pairs = pairs(run, plan);
    let task = run
        .context
        .progress
        .start("drift", pairs.len() * plan.layers.len());
    let mut table = Vec::new();
    for (a, b, kind) in pairs {
        let layers = models[a].stages(&plan.layers)?;
        let pair = Pair {
            before: (&models[a], &answers[a]),
            after: (&models[b], &answers[b]),
            layers: &layers,
            groups: &numbers,
        };
        for row in pair.rows(&task)? {
            let mut cells = vec![plan.networks[a].clone(), plan.networks[b].clone()];
            cells.push(kind.to_string());
            cells.extend(row);
            table.push(cells);
        }
    }
    task.finish();
    let header: Vec<&str> = ["before", "after", "kind"]
        .into_iter()
        .chain(HEADER)
        .collect();
    let items = patches.len();
    run.folder.write_csv(TABLE, &header, table)?;
    batches::forget(&parts)?;
    run.problems("drift", &problems)?;
    Ok(run.folder.finish("drift", items)?)
}

/// Places of all pairs of the plan's networks, and what their drift means: `retrained` where only the seed of the training
/// differs and `random` where both are random, which are nulls; else `change`.
fn pairs(run: &Run<'_>, plan: &DriftPlan) -> Vec<(usize, usize, &'static str)> {
    let of = |name: &String| run.study.network(name);
    let mut pairs = Vec::new();
    for b in 0..plan.networks.len() {
        for a in 0..b {
            let kind = match (of(&plan.networks[a]), of(&plan.networks[b])) {
                (Some(first), Some(second)) => kind(first, second),
                _ => "change",
            };
            pairs.push((a, b, kind));
        }
    }
    pairs
}

fn kind(a: &NetworkPlan, b: &NetworkPlan) -> &'static str {
    match (&a.origin, &b.origin) {
        (Origin::Random(_), Origin::Random(_)) if a.train.is_none() && b.train.is_none() => {
            "random"
        }
        (first, second)
            if first == second && a.train.is_some() && a.train == b.train && a.seed != b.seed =>
        {
            "retrained"
        }
        _ => "change",
    }
}
