//! Figure 2's maps: patches of one class that a network is sure of, judged, and compared with nuclei.

use std::collections::BTreeMap;

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Unit, groups};

use super::Run;
use crate::jobs::attention::annotated::Annotated;
use crate::jobs::attention::overlays::{self, Scale};
use crate::jobs::attention::regions::Regions;
use crate::jobs::attention::{self as maps, Checks, Job, Mapped, tables};
use crate::jobs::batches;
use crate::jobs::model::Model;
use crate::jobs::slides::files as files_of;
use crate::jobs::train::with_head;
use crate::run_folder::Begin;
use crate::seed;
use crate::study::AttentionPlan;

/// The step that draws all networks' overlays.
pub const OVERLAYS: &str = "overlays";
/// Tables of one network that are joined into one of all networks.
const JOINED: [&str; 6] = [
    "attention",
    "faithfulness",
    "curves",
    "localization",
    "atypia",
    "sanity",
];

/// Maps the chosen patches of one network.
pub fn step(run: &mut Run<'_>, plan: &AttentionPlan, network: &str) -> miette::Result<()> {
    let name = format!("attention/{network}");
    let judge = judge(run, network).to_string();
    let shared = (
        (
            &plan.methods.iter().map(|m| m.name()).collect::<Vec<_>>(),
            &plan.layers,
            plan.compat,
        ),
        (plan.class, plan.p_min, plan.most, plan.split),
        (&plan.masks, plan.segment, plan.checks),
    );
    let mut key = run
        .key(
            &name,
            &[&format!("predict/{judge}"), &format!("train/{network}")],
        )
        .with("plan", &shared)?
        .with("seed", &run.seed)?;
    if let Some(masks) = &plan.masks {
        key = key.with("masks", &crate::run_folder::file_state(masks))?;
    }
    if run.begin(&name, key, &[name.as_str()])? == Begin::Done {
        return Ok(());
    }
    if let Some(masks) = plan.masks.as_ref().filter(|m| !m.is_dir()) {
        return Err(miette::miette!(
            "masks = {}: no such folder; name one, or leave the key out",
            masks.display()
        ));
    }
    let model = run.model(network)?;
    let headless = model.network.outputs() == 0;
    let model = if headless {
        let seed = seed::derive(run.seed, "attention", "head");
        let (network, weights) = with_head(&model.weights, model.network.convention(), seed)?;
        Model { network, weights }
    } else {
        model
    };
    let rows = chosen(run, plan, &judge)?;
    let patches = run.patches(&rows);
    let grouped = groups(&run.table, Unit::Patient, None).into_diagnostic()?;
    let of: Vec<usize> = rows.iter().map(|&row| grouped.of[row]).collect();
    let cut = run.study.patches.as_ref().and_then(|p| p.slides.as_ref());
    let annotated = match cut {
        Some(cut) if !cut.annotations.is_empty() => {
            let files: Vec<Vec<_>> = cut
                .annotations
                .iter()
                .map(|pattern| files_of(pattern))
                .collect::<miette::Result<_>>()?;
            let slides: Vec<Vec<_>> = cut
                .slides
                .iter()
                .map(|pattern| files_of(pattern))
                .collect::<miette::Result<_>>()?;
            Some(Annotated::read(
                &files.concat(),
                &patches,
                (&slides.concat(), cut.slide_mpp),
            )?)
        }
        _ => None,
    };
    let class_name = run.table.classes().get(plan.class);
    let class_name = class_name.cloned().unwrap_or_default();
    let job = Job {
        network,
        layers: model.stages(&plan.layers)?,
        methods: &plan.methods,
        options: plan.compat.options(),
        class: plan.class,
        class_name: &class_name,
        headless,
        maps: run.folder.path(&name),
        plain: run.folder.path("attention/patches"),
        regions: Regions {
            masks: plan.masks.clone(),
            segment: plan.segment,
            annotated,
        },
        seed: run.seed,
    };
    // A network that was not trained has no answer of its own to depend on anything.
    let checks = if headless {
        Checks {
            faithfulness: 0,
            sanity: 0,
        }
    } else {
        plan.checks
    };
    let parts = run.folder.path(format!("{name}/parts"));
    let found = maps::run(
        &job,
        &model,
        (&run.reader, &patches),
        (&of, grouped.unit.name()),
        checks,
        Some(&parts),
        run.context,
    )?;
    for table in &found.tables {
        table.write(&job.maps)?;
    }
    let mut notes = found.notes;
    if found
        .mapped
        .iter()
        .flat_map(|m| &m.maps)
        .any(|m| (m.0, m.1) == (1, 1))
    {
        notes.push(format!(
            "At {} a patch of this size leaves a single position, so its maps say nothing about where the network looks; name an earlier layer in [attention], such as Mixed_6e.",
            plan.layers.join("+")
        ));
    }
    let drawn: Vec<Mapped> = found
        .mapped
        .into_iter()
        .map(|m| Mapped {
            on: Vec::new(),
            ..m
        })
        .collect();
    let ids: Vec<&str> = patches.iter().map(|p| p.id.as_str()).collect();
    run.folder
        .write_json(format!("{name}/maps.json"), &(ids, drawn))?;
    batches::forget(&parts)?;
    let items = patches.len();
    run.notes(notes)?;
    run.problems(&name, &found.problems)?;
    Ok(run.folder.finish(&name, items)?)
}

/// The network whose predictions choose the patches: the network itself, or the study's first trained one.
fn judge<'r>(run: &'r Run<'_>, network: &'r str) -> &'r str {
    let trained = |name: &str| run.study.network(name).is_some_and(|n| n.train.is_some());
    let predicts = |name: &str| {
        run.folder
            .path(format!("networks/{name}/predictions.csv"))
            .exists()
    };
    if trained(network) || predicts(network) {
        return network;
    }
    let first = run.study.networks.iter().find(|n| n.train.is_some());
    first.map_or(network, |n| &n.name)
}

/// Places in the table of the patches of the class that the network is surest of, most certain first.
fn chosen(run: &Run<'_>, plan: &AttentionPlan, judge: &str) -> miette::Result<Vec<usize>> {
    let file = run.folder.path(format!("networks/{judge}/predictions.csv"));
    if !file.exists() {
        return Err(miette::miette!(
            "network {judge} has no predictions, so there is nothing to choose patches by; train a network of the study, or leave [attention] out"
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
    let mut patches: Vec<(usize, &Patch, f64)> = run
        .table
        .patches()
        .iter()
        .enumerate()
        .filter(|(_, p)| plan.split.holds(p.split) && p.label.map(usize::from) == Some(plan.class))
        .filter_map(|(row, p)| Some((row, p, *sure.get(&p.id)?)))
        .filter(|(_, _, p)| *p >= plan.p_min)
        .collect();
    patches.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.1.id.cmp(&b.1.id)));
    Ok(patches.into_iter().take(plan.most).map(|p| p.0).collect())
}

/// Draws the maps of all networks over their patches.
pub fn draw(run: &mut Run<'_>, plan: &AttentionPlan) -> miette::Result<()> {
    let mapped: Vec<String> = plan
        .networks
        .iter()
        .map(|n| format!("attention/{n}"))
        .collect();
    let upstream: Vec<&str> = mapped.iter().map(String::as_str).collect();
    let key = run
        .key(OVERLAYS, &upstream)
        .with("style", &(plan.colours.name(), plan.scale))?;
    if run.begin(OVERLAYS, key, &[])? == Begin::Done {
        return Ok(());
    }
    let mut networks = Vec::new();
    for name in &mapped {
        let file = run.folder.path(format!("{name}/maps.json"));
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        let (ids, mapped): (Vec<String>, Vec<Mapped>) =
            serde_json::from_slice(&bytes).into_diagnostic()?;
        networks.push((name, ids, mapped));
    }
    let ranges = overlays::ranges(&plan.methods, networks.iter().flat_map(|n| &n.2));
    let by_id: BTreeMap<&str, &Patch> = run
        .table
        .patches()
        .iter()
        .map(|p| (p.id.as_str(), p))
        .collect();
    let all = networks.iter().map(|n| n.2.len()).sum();
    let task = run.context.progress.start(OVERLAYS, all);
    for (name, ids, mapped) in &networks {
        let patches: Vec<&Patch> = ids
            .iter()
            .filter_map(|id| by_id.get(id.as_str()).copied())
            .collect();
        if patches.len() < ids.len() {
            return Err(miette::miette!(
                "{name}: patches of another study; run it with --force"
            ));
        }
        overlays::draw(
            (
                &run.folder.path(name),
                &run.folder.path("attention/patches"),
            ),
            &plan.methods,
            (&patches, mapped),
            plan.style(),
            &ranges,
            &task,
        )?;
    }
    task.finish();
    let shared = plan.scale == Scale::Shared;
    let style = serde_json::json!({
        "colours": plan.colours.name(),
        "scale": plan.scale,
        "ranges": if shared { Some(&ranges) } else { None },
    });
    run.folder.write_json("attention/overlays.json", &style)?;
    Ok(run.folder.finish(OVERLAYS, all)?)
}

/// Joins the tables of all networks.
pub fn table(run: &Run<'_>, plan: &AttentionPlan) -> miette::Result<()> {
    for table in JOINED {
        let mut header: Vec<String> = Vec::new();
        let mut rows = tables::Rows::new();
        for network in &plan.networks {
            let file = run.folder.path(format!("attention/{network}/{table}.csv"));
            if !file.exists() {
                continue;
            }
            let mut reader = csv::Reader::from_path(&file).into_diagnostic()?;
            header = reader
                .headers()
                .into_diagnostic()?
                .iter()
                .map(String::from)
                .collect();
            for record in reader.records() {
                rows.push(record.into_diagnostic()?.iter().map(String::from).collect());
            }
        }
        if table == "attention" {
            header = maps::HEADER.map(String::from).to_vec();
        }
        if header.is_empty() {
            // What an earlier run with other settings left would not belong to these maps.
            let stale = run.folder.path(format!("attention/{table}.csv"));
            if stale.exists() {
                std::fs::remove_file(stale).into_diagnostic()?;
            }
            continue;
        }
        if table == "atypia" {
            tables::fill_atypia_q(&mut rows)?;
        }
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        run.folder
            .write_csv(format!("attention/{table}.csv"), &header, rows)?;
    }
    Ok(())
}
