//! What partial reuse buys, and the study's answer: what became of each stage.

use miette::IntoDiagnostic;
use serde::Serialize;
use spolia_dataset::{Augment, Patch, Split, Unit, groups};
use spolia_network::{Network as Graph, TrainingCost};

use super::Run;
use crate::jobs::reuse::Estimate;
use crate::jobs::reuse::arms::{self, HEADER, RUNS_HEADER};
use crate::jobs::reuse::centres::{self, centres};
use crate::jobs::reuse::comparisons::{self, Comparison, comparisons};
use crate::jobs::reuse::scores::{Judged, Network, Scored, rows};
use crate::jobs::reuse::stages::{Finetuned, Reused, Tables, finetuned};
use crate::jobs::train::with_head;
use crate::run_folder::Begin;
use crate::seed;
use crate::study::{SweepPlan, TrainPlan};

/// Name of the step.
pub const STEP: &str = "reuse";

const ARMS: &str = "reuse/arms.csv";
const RUNS: &str = "reuse/runs.csv";
const COMPARISONS: &str = "reuse/comparisons.csv";
const CENTRES: &str = "reuse/centres.csv";
const ANSWER: &str = "reuse/reuse.json";

/// reuse.json.
#[derive(Serialize)]
struct Answer {
    /// Stages of every finetuned network that drift compares with its start.
    finetuned: Vec<Finetuned>,
    /// The sweep, if there is one.
    sweep: Option<SweepAnswer>,
}

/// What the sweep says of where to cut.
#[derive(Serialize)]
struct SweepAnswer {
    /// The network whose stages were kept.
    start: String,
    /// Part of the patches that the arms are judged on.
    split: &'static str,
    /// Patches.
    n: usize,
    /// Patients, slides or images.
    groups: usize,
    unit: &'static str,
    /// Networks of each arm.
    networks: usize,
    /// Loss of AUC that counts as none.
    margin: f64,
    /// From shallow to deep, arms of the first size that are neither frozen nor drawn otherwise than by Xavier.
    cuts: Vec<CutAnswer>,
    /// The controls of the first size.
    controls: Vec<CutAnswer>,
    /// The shallowest cut that loses no more than the margin.
    shallowest_as_good: Option<&'static str>,
    /// Arms that could not be judged.
    left_out: Vec<String>,
}

/// An arm, and its difference from keeping all.
#[derive(Serialize)]
struct CutAnswer {
    arm: String,
    cut: &'static str,
    stages_kept: usize,
    auc: Estimate,
    runs: Vec<f64>,
    against_all: Option<Reused>,
}

/// Writes the tables of the sweep, if there is one, and reuse.json.
pub fn step(run: &mut Run<'_>) -> miette::Result<()> {
    let study = run.study;
    let mut upstream: Vec<String> = vec!["patches".into(), "drift".into()];
    upstream.push(super::visualize::COMPARISON.into());
    for plan in &study.networks {
        upstream.push(format!("concepts/{}", plan.name));
        if plan.swept {
            upstream.extend([
                format!("train/{}", plan.name),
                format!("predict/{}", plan.name),
            ]);
        }
    }
    let upstream: Vec<&str> = upstream.iter().map(String::as_str).collect();
    let key = run
        .key(STEP, &upstream)
        .with("sweep", &study.sweep)?
        .with("pairs", &study.finetuned())?
        .with("seed", &run.seed)?;
    if run.begin(STEP, key, &["reuse"])? == Begin::Done {
        return Ok(());
    }
    let (compared, sweep) = match &study.sweep {
        Some(plan) => judge(run, plan)?,
        None => (Vec::new(), None),
    };
    let read = |file: &str| rows(&run.folder.path(file));
    let tables = Tables {
        drift: read(super::drift::TABLE)?,
        natural: read(super::drift::NATURAL)?,
        visualized: read("visualize/comparison.csv")?,
        concepts: read("concepts/r2.csv")?,
    };
    let reused = |layer: &str| -> Option<Reused> {
        let cuts = &sweep.as_ref()?.cuts;
        cuts.iter().find(|c| c.cut == layer)?.against_all.clone()
    };
    let answers = study
        .finetuned()
        .into_iter()
        .map(|(before, after)| finetuned((&before, &after), &tables, &reused))
        .filter(|f| !f.stages.is_empty());
    let answer = Answer {
        finetuned: answers.collect(),
        sweep,
    };
    run.folder.write_json(ANSWER, &answer)?;
    Ok(run.folder.finish(STEP, compared.len())?)
}

/// Judges the arms; writes arms.csv, runs.csv, comparisons.csv and centres.csv.
fn judge(
    run: &mut Run<'_>,
    plan: &SweepPlan,
) -> miette::Result<(Vec<Comparison>, Option<SweepAnswer>)> {
    let (mut scored, mut left_out) = (Vec::new(), Vec::new());
    let graph = graph(run, plan)?;
    for arm in &plan.arms {
        let mut networks = Vec::new();
        for (name, &seed) in arm.networks.iter().zip(&plan.seeds) {
            let folder = run.folder.path(format!("networks/{name}"));
            if folder.join("predictions.csv").exists() {
                let mut network = Network::read(&folder, name, seed)?;
                cost(run, plan, &graph, &mut network)?;
                networks.push(network);
            }
        }
        // Runs are compared seed by seed, so that an arm with a gap is left out whole.
        if networks.len() == plan.seeds.len() {
            scored.push(Scored { arm, networks });
        } else {
            left_out.push(arm.name.clone());
        }
    }
    let test = run.table.of_split(Split::Test).any(|p| p.label.is_some());
    let split = if test { Split::Test } else { Split::Val };
    let grouped = groups(&run.table, Unit::Patient, None).into_diagnostic()?;
    let unit = grouped.unit.name();
    let judged = |keep: &dyn Fn(&Patch) -> bool| -> Judged {
        let known = |p: &Patch| {
            let mut networks = scored.iter().flat_map(|s| &s.networks);
            networks.all(|n| n.knows(&p.id))
        };
        let patches =
            run.table.patches().iter().enumerate().filter(|(_, p)| {
                p.split == Some(split) && p.label.is_some() && keep(p) && known(p)
            });
        let mut judged = Judged {
            ids: Vec::new(),
            positive: Vec::new(),
            groups: Vec::new(),
        };
        for (row, patch) in patches {
            judged.ids.push(patch.id.clone());
            judged.positive.push(patch.label == Some(1));
            judged.groups.push(grouped.of[row]);
        }
        judged
    };
    let all = judged(&|_| true);
    if scored.is_empty() || !all.is_enough() {
        return Err(miette::miette!(
            "no arm of the sweep can be judged: {} arms have all networks, and {} labelled {split} patches of {} groups were predicted; both classes and two groups are needed",
            scored.len(),
            all.ids.len(),
            all.count_groups()
        ));
    }
    let seed = seed::derive(run.seed, STEP, "bootstrap");
    let unseen = judged_centres(&scored, &judged, seed)?;
    let whole: Vec<Scored<'_>> = scored
        .into_iter()
        .filter(|s| s.arm.leave_out.is_none())
        .collect();
    let compared = comparisons(&whole, &all, seed)?;
    let (mut table, mut runs, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for one in &whole {
        let row = arms::Row::new(one, &all, seed)?;
        let kept = stages_kept(&graph, one.arm.cut)?;
        table.push(row.cells(one, kept, (&all, split.name(), unit), plan.target));
        runs.extend(row.runs(one, plan.target));
        rows.push((one, row, kept));
    }
    run.folder.write_csv(ARMS, &HEADER, table)?;
    run.folder.write_csv(RUNS, &RUNS_HEADER, runs)?;
    let cells = compared.iter().map(Comparison::cells);
    run.folder
        .write_csv(COMPARISONS, &comparisons::HEADER, cells)?;
    if !unseen.is_empty() {
        run.folder.write_csv(CENTRES, &centres::HEADER, unseen)?;
    }
    let first_size = plan.arms.first().and_then(|arm| arm.most);
    let answers = |control: bool| {
        let own = rows.iter().filter(|(one, ..)| {
            let arm = one.arm;
            let plain = arm.control.is_some() || arm.init == "xavier" && !arm.frozen;
            arm.most == first_size && arm.control.is_some() == control && plain
        });
        own.map(|(one, row, kept)| CutAnswer {
            arm: one.arm.name.clone(),
            cut: one.arm.cut,
            stages_kept: *kept,
            auc: row.auc(),
            runs: row.auc.runs.clone(),
            against_all: compared
                .iter()
                .find(|c| c.arm == one.arm.name && c.question == "all")
                .map(|c| Reused::of(c, plan.margin)),
        })
        .collect::<Vec<_>>()
    };
    let cuts = answers(false);
    // A cut is worth naming where every deeper one is as good too.
    let good = |c: &CutAnswer| {
        let verdict = c.against_all.as_ref().map(|r| r.verdict);
        c.cut == "all" || matches!(verdict, Some("as-good" | "better"))
    };
    let shallowest = cuts.iter().rev().take_while(|c| good(c)).last();
    let answer = SweepAnswer {
        start: plan.start.clone(),
        split: split.name(),
        n: all.ids.len(),
        groups: all.count_groups(),
        unit,
        networks: plan.seeds.len(),
        margin: plan.margin,
        shallowest_as_good: shallowest.map(|c| c.cut),
        controls: answers(true),
        cuts,
        left_out,
    };
    Ok((compared, Some(answer)))
}

/// Scores over the patches that are asked for.
type JudgedOver<'a> = dyn Fn(&dyn Fn(&Patch) -> bool) -> Judged + 'a;

fn judged_centres(
    scored: &[Scored<'_>],
    judged: &JudgedOver<'_>,
    seed: u64,
) -> miette::Result<Vec<Vec<String>>> {
    let of = |centre: &str| judged(&|p: &Patch| p.centre.as_deref() == Some(centre));
    centres(scored, &of, seed)
}

/// The graph of the sweep's networks, with a logit.
fn graph(run: &Run<'_>, plan: &SweepPlan) -> miette::Result<Graph> {
    let start = run.model(&plan.start)?;
    let (graph, _) = with_head(&start.weights, start.network.convention(), 0)?;
    Ok(graph)
}

/// How many stages a cut keeps, of those before the classification layer.
fn stages_kept(graph: &Graph, cut: &str) -> miette::Result<usize> {
    let before = |last| graph.stages().take_while(|(id, _)| *id <= last).count();
    Ok(match cut {
        "none" => 0,
        "all" => graph.stages().count() - 1,
        layer => before(graph.stage(layer).into_diagnostic()?),
    })
}

/// Training patches and operations of a network of the sweep.
fn cost(
    run: &Run<'_>,
    plan: &SweepPlan,
    graph: &Graph,
    network: &mut Network,
) -> miette::Result<()> {
    let Some(own) = run.study.network(&network.name) else {
        return Ok(());
    };
    let Some(how) = &own.train else {
        return Ok(());
    };
    network.patches = super::networks::taught(run, own, how)?.len();
    let side = run.folder.manifest().patch_size as usize;
    let frozen = own.freeze.map(|layer| graph.stage(layer));
    let frozen = frozen.transpose().into_diagnostic()?;
    let cost = TrainingCost::new(graph, frozen, side, side).into_diagnostic()?;
    let (patches, epochs) = (network.patches as u64, how.epochs as u64);
    let once = answers_once(plan, how, &cost, patches);
    let head = cost.frozen * if once { 1 } else { epochs };
    let operations = patches * (head + epochs * (cost.forward + cost.backward));
    network.gflop = operations as f64 / 1e9;
    Ok(())
}

/// Whether the frozen stages run once for each patch, not in every epoch.
fn answers_once(plan: &SweepPlan, how: &TrainPlan, cost: &TrainingCost, patches: u64) -> bool {
    let bytes = 4 * patches * cost.activation;
    how.augment == Augment::NONE && bytes <= plan.cache
}
