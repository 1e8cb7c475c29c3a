//! A study, step by step. Each step reads what earlier steps wrote into the run folder, and is skipped when nothing that
//! it is made from has changed.

mod attention;
mod concepts;
mod drift;
mod measures;
mod networks;
pub mod patches;
mod predict;
mod reuse;
mod visualize;

use std::collections::BTreeMap;
use std::path::Path;

use spolia_dataset::{Patch, PatchTable, Reader};

use crate::context::{Context, Outcome};
use crate::jobs::activations::Store;
use crate::run_folder::{About, Begin, RunFolder, StepKey};
use crate::seed;
use crate::study::Study;

/// The kinds of step, in order; `--only` takes these.
pub const STEPS: [&str; 9] = [
    "patches",
    "train",
    "predict",
    "visualize",
    "attention",
    "concepts",
    "drift",
    "reuse",
    "report",
];

/// Most bytes of decoded patches that a study with a sweep holds.
const DECODED: usize = 1 << 30;

/// A study under way.
struct Run<'a> {
    study: &'a Study,
    seed: u64,
    folder: RunFolder,
    context: &'a Context,
    reader: Reader,
    /// Where activations of frozen stages are kept while a sweep's networks are trained.
    activations: Option<Store>,
    /// The patches of the study; empty without `[patches]`.
    table: PatchTable,
    /// Inputs hashes of the steps that others are made from.
    keys: BTreeMap<String, String>,
}

/// Runs or resumes a study in `out`; `only` limits it to some kinds of step, `force` redoes them.
///
/// # Errors
/// Whatever stops the study as a whole. A step that fails is recorded, and those that do not need it go on.
pub fn run(
    study: &Study,
    out: &Path,
    only: &[String],
    force: bool,
    context: &Context,
) -> miette::Result<Outcome> {
    let seed = context.seed.unwrap_or(study.seed);
    let folder = RunFolder::open(out, About::new(&study.name, seed, &study.text))?;
    let table = PatchTable::new(Vec::new(), spolia_dataset::default_classes())
        .map_err(|e| miette::miette!("{e}"))?;
    let mut run = Run {
        study,
        seed,
        folder,
        context,
        reader: match &study.sweep {
            // Many networks read the same patches.
            Some(_) => Reader::keeping(DECODED),
            None => Reader::new(),
        },
        activations: None,
        table,
        keys: BTreeMap::new(),
    };
    if let Some(sweep) = &study.sweep {
        let folder = run.folder.path("networks/activations");
        run.activations = Some(Store::new(folder, sweep.cache));
    }
    if force {
        run.folder.force();
    }
    run.folder.plan(&names(study))?;
    let wanted = |kind: &str| only.is_empty() || only.iter().any(|o| o == kind);
    let mut failed = 0;
    // Patches and networks are what the others read: always brought up to date, which costs nothing when they are.
    if let Some(plan) = &study.patches {
        run.table = patches::run(plan, seed, &mut run.folder, context.progress)?;
        run.keys
            .insert(patches::STEP.into(), run.folder.inputs(patches::STEP));
    }
    let mut broken: Vec<&str> = Vec::new();
    for plan in &study.networks {
        let needs = networks::needs(study, plan);
        let name = format!("train/{}", plan.name);
        if needs.is_some_and(|n| broken.contains(&n)) {
            run.folder.fail(
                &name,
                format!(
                    "network {} failed, and this one starts from it",
                    needs.unwrap_or_default()
                ),
            )?;
            broken.push(&plan.name);
        } else if run.step(&name, |run| networks::step(run, plan))? > 0 {
            broken.push(&plan.name);
        }
    }
    if let Some(store) = &run.activations {
        store.forget()?;
    }
    failed += broken.len();
    for plan in study
        .networks
        .iter()
        .filter(|plan| !broken.contains(&plan.name.as_str()))
    {
        let name = plan.name.as_str();
        let judged = plan.swept && wanted("reuse");
        if wanted("predict") || wanted("attention") || judged {
            failed += run.step(&format!("predict/{name}"), |run| predict::step(run, name))?;
        }
        if let Some(visualize) = study
            .visualize
            .as_ref()
            .filter(|v| wanted("visualize") && v.networks.iter().any(|n| n == name))
        {
            failed += run.step(&format!("visualize/{name}"), |run| {
                visualize::step(run, visualize, name)
            })?;
            if visualize.again > 0 {
                failed += run.step(&format!("again/{name}"), |run| {
                    visualize::again(run, visualize, name)
                })?;
            }
            if visualize.exemplars > 0 && !run.table.is_empty() {
                failed += run.step(&format!("exemplars/{name}"), |run| {
                    visualize::exemplars(run, visualize, name)
                })?;
            }
        }
    }
    if let Some(visualize) = study
        .visualize
        .as_ref()
        .filter(|v| wanted("visualize") && v.again > 0)
    {
        failed += run.step(visualize::COMPARISON, |run| {
            visualize::comparison(run, visualize)
        })?;
    }
    if let Some(attention) = study.attention.as_ref().filter(|_| wanted("attention")) {
        // After all predictions: networks without their own look at the patches of one that was trained.
        for name in &attention.networks {
            if broken.contains(&name.as_str()) {
                continue;
            }
            failed += run.step(&format!("attention/{name}"), |run| {
                attention::step(run, attention, name)
            })?;
        }
        failed += run.step(attention::OVERLAYS, |run| attention::draw(run, attention))?;
    }
    if let Some(concepts) = study.concepts.as_ref().filter(|_| wanted("concepts")) {
        failed += run.step("measures", |run| measures::step(run, concepts))?;
        for name in concepts
            .networks
            .iter()
            .filter(|n| !broken.contains(&n.as_str()))
        {
            let step = format!("features/{name}");
            if run.step(&step, |run| concepts::features_step(run, concepts, name))? > 0 {
                failed += 1;
                let why = format!("the features of {name} failed");
                run.folder.fail(&format!("concepts/{name}"), why)?;
                continue;
            }
            failed += run.step(&format!("concepts/{name}"), |run| {
                concepts::step(run, concepts, name)
            })?;
        }
    }
    if let Some(drift) = study.drift.as_ref().filter(|_| wanted("drift")) {
        let missing = drift.networks.iter().find(|n| broken.contains(&n.as_str()));
        if let Some(network) = missing {
            let why = format!("network {network} failed, and drift is between all networks");
            run.folder.fail("drift", why)?;
            failed += 1;
        } else {
            failed += run.step("drift", |run| drift::step(run, drift))?;
        }
    }
    if let Some(plan) = &study.visualize {
        visualize::tables(&run, plan)?;
    }
    if let Some(plan) = &study.attention {
        attention::table(&run, plan)?;
    }
    if let Some(plan) = &study.concepts {
        concepts::tables(&run, plan)?;
    }
    if let Some(plan) = study
        .visualize
        .as_ref()
        .filter(|v| (wanted("visualize") || wanted("concepts")) && !v.objectives.is_empty())
    {
        // After the concepts' tables, which hold the vectors.
        for name in plan
            .networks
            .iter()
            .filter(|n| !broken.contains(&n.as_str()))
        {
            failed += run.step(&format!("objectives/{name}"), |run| {
                visualize::objectives(run, plan, name)
            })?;
        }
    }
    if wanted("reuse") && study.judges_reuse() {
        failed += run.step(reuse::STEP, reuse::step)?;
    }
    if wanted("report") {
        failed += run.step("report", report)?;
    }
    let items = run.folder.problems().len();
    for problem in run.folder.problems() {
        eprintln!("{} ({}): {}", problem.item, problem.step, problem.error);
    }
    Ok(Outcome::of(failed + items))
}

/// The report of what is there; always drawn anew, since it costs a second.
fn report(run: &mut Run<'_>) -> miette::Result<()> {
    let inputs = StepKey::new("report").finish();
    run.folder.begin("report", &inputs, &[])?;
    run.folder.finish("report", 1)?;
    let summary = spolia_report::write(run.folder.root()).map_err(|e| miette::miette!("{e}"))?;
    run.context
        .progress
        .note(&format!("report: {}", summary.report.display()));
    Ok(())
}

/// Every step of a study, in order.
fn names(study: &Study) -> Vec<String> {
    let mut names: Vec<String> = study
        .patches
        .iter()
        .map(|_| patches::STEP.to_string())
        .collect();
    names.extend(study.networks.iter().map(|n| format!("train/{}", n.name)));
    let of = |kind: &str, networks: &[String]| {
        networks
            .iter()
            .map(|n| format!("{kind}/{n}"))
            .collect::<Vec<_>>()
    };
    let all: Vec<String> = study.networks.iter().map(|n| n.name.clone()).collect();
    names.extend(of("predict", &all));
    names.extend(
        study
            .visualize
            .iter()
            .flat_map(|v| of("visualize", &v.networks)),
    );
    if let Some(visualize) = &study.visualize {
        if visualize.again > 0 {
            names.extend(of("again", &visualize.networks));
        }
        if visualize.exemplars > 0 && study.patches.is_some() {
            names.extend(of("exemplars", &visualize.networks));
        }
        names.extend((visualize.again > 0).then(|| visualize::COMPARISON.to_string()));
    }
    names.extend(
        study
            .attention
            .iter()
            .flat_map(|a| of("attention", &a.networks)),
    );
    names.extend(
        study
            .attention
            .iter()
            .map(|_| attention::OVERLAYS.to_string()),
    );
    if let Some(concepts) = &study.concepts {
        names.push("measures".into());
        names.extend(of("features", &concepts.networks));
        names.extend(of("concepts", &concepts.networks));
    }
    names.extend(study.drift.iter().map(|_| "drift".to_string()));
    let written = study.visualize.iter().filter(|v| !v.objectives.is_empty());
    names.extend(written.flat_map(|v| of("objectives", &v.networks)));
    names.extend(study.judges_reuse().then(|| reuse::STEP.to_string()));
    names.push("report".into());
    names
}

impl Run<'_> {
    /// Runs a step; 1 where it failed as a whole, which is recorded and told at the end.
    fn step(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> miette::Result<()>,
    ) -> miette::Result<usize> {
        match work(self) {
            Ok(()) => Ok(0),
            Err(error) => {
                self.folder.fail(name, &error)?;
                Ok(1)
            }
        }
    }

    /// Begins a step made from `key`, and remembers its hash for those that are made from it.
    fn begin(&mut self, name: &str, key: StepKey, outputs: &[&str]) -> miette::Result<Begin> {
        let inputs = key.finish();
        let begin = self.folder.begin(name, &inputs, outputs)?;
        if begin == Begin::Done {
            self.context.progress.note(&format!("{name}: up to date"));
        }
        self.keys.insert(name.to_string(), inputs);
        Ok(begin)
    }

    /// The key of a step that reads what `upstream` steps wrote.
    fn key(&self, step: &str, upstream: &[&str]) -> StepKey {
        let key = StepKey::new(step);
        upstream.iter().fold(key, |key, name| {
            key.upstream(self.keys.get(*name).map_or("", String::as_str))
        })
    }

    /// Places in the study's table of up to `most` of the patches that `keep` keeps, drawn by the study's seed.
    fn draw(&self, name: &str, most: usize, keep: impl Fn(&Patch) -> bool) -> Vec<usize> {
        let patches = self.table.patches().iter().enumerate();
        let kept = patches.filter(|(_, p)| keep(p));
        seed::draw(
            self.seed,
            name,
            kept.map(|(row, p)| (row, p.id.as_str())),
            most,
        )
    }

    /// The patches at these places of the study's table.
    fn patches(&self, rows: &[usize]) -> Vec<&Patch> {
        rows.iter().map(|&row| &self.table.patches()[row]).collect()
    }

    /// The weights of a network of the study.
    fn model(&self, name: &str) -> miette::Result<crate::jobs::model::Model> {
        crate::jobs::model::Model::load(
            &self
                .folder
                .path(format!("networks/{name}/weights.safetensors")),
            None,
        )
    }

    /// Tells sentences about the study as a whole, and keeps them in the manifest.
    fn notes(&mut self, notes: Vec<String>) -> miette::Result<()> {
        for note in notes {
            self.context.progress.note(&note);
            self.folder.describe(|m| {
                if !m.notes.contains(&note) {
                    m.notes.push(note);
                }
            })?;
        }
        Ok(())
    }

    /// Records what went wrong with items of a step.
    fn problems(&mut self, step: &str, problems: &[spolia_dataset::Problem]) -> miette::Result<()> {
        for problem in problems {
            self.folder.problem(
                &problem.item,
                step,
                format!("{}; {}", problem.what, problem.remedy),
            )?;
        }
        Ok(())
    }
}
