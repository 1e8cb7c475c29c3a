//! Layer drift between the networks of a study, beside those pairs that differ by their seeds alone.

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Problem, ResolveOptions, RgbPatch, Unit, groups, resolve};
use spolia_interpret::concepts::Pool;

use super::Run;
use crate::jobs::drift::{HEADER, Pair};
use crate::jobs::features::{Features, features};
use crate::jobs::model::Model;
use crate::jobs::{batches, filters, natural};
use crate::run_folder::{Begin, file_state, write_atomic};
use crate::seed;
use crate::study::{DriftPlan, NetworkPlan, Origin};

/// Drift on the study's patches.
pub const TABLE: &str = "drift/drift.csv";
/// Drift on natural-like images.
pub const NATURAL: &str = "drift/natural.csv";
/// The first layer's kernels.
const FILTERS: &str = "drift/filters.csv";
/// Finished parts of passes over images.
const PARTS: &str = "drift/parts";

/// Writes drift.csv and natural.csv for all pairs of networks, and filters.csv.
pub fn step(run: &mut Run<'_>, plan: &DriftPlan) -> miette::Result<()> {
    let trained: Vec<String> = plan.networks.iter().map(|n| format!("train/{n}")).collect();
    let upstream: Vec<&str> = ["patches"]
        .into_iter()
        .chain(trained.iter().map(String::as_str))
        .collect();
    let kinds: Vec<String> = pairs(run, plan).iter().map(|p| p.2.to_string()).collect();
    let mut key = run
        .key("drift", &upstream)
        .with("plan", plan)?
        .with("kinds", &kinds)?
        .with("seed", &run.seed)?;
    let natural = files(plan, run.seed)?;
    let states: Vec<_> = natural
        .iter()
        .map(|p| file_state(p.source.path()))
        .collect();
    key = key.with("natural", &states)?;
    if run.begin("drift", key, &[TABLE, NATURAL, FILTERS])? == Begin::Done {
        return Ok(());
    }
    let chosen = run.draw("drift/draw", plan.images, |p| plan.split.holds(p.split));
    let patches = run.patches(&chosen);
    let grouped = groups(&run.table, Unit::Patient, None).into_diagnostic()?;
    let mut models = Vec::new();
    for network in &plan.networks {
        models.push(run.model(network)?);
    }
    let group = |k: usize| grouped.of[chosen[k]];
    let (table, mut problems) = compared(run, plan, &models, &patches, &group, "drift")?;
    let header: Vec<&str> = ["before", "after", "kind"]
        .into_iter()
        .chain(HEADER)
        .collect();
    let mut items = patches.len();
    run.folder.write_csv(TABLE, &header, table)?;
    let mut filters = Vec::new();
    for (name, model) in plan.networks.iter().zip(&models) {
        filters.extend(filters::rows(name, model)?);
    }
    run.folder.write_csv(FILTERS, &filters::HEADER, filters)?;
    if plan.natural_images > 0 {
        let (images, failed) = natural_images(run, plan, natural)?;
        problems.extend(failed);
        let images: Vec<&Patch> = images.iter().collect();
        items += images.len();
        let title = "drift on natural-like images";
        let (table, failed) = compared(run, plan, &models, &images, &|k| k, title)?;
        problems.extend(failed);
        run.folder.write_csv(NATURAL, &header, table)?;
    }
    batches::forget(&run.folder.path(PARTS))?;
    run.problems("drift", &problems)?;
    Ok(run.folder.finish("drift", items)?)
}

/// Rows of a table for all pairs of networks on some images. `group` is the number of an image's patient.
fn compared(
    run: &Run<'_>,
    plan: &DriftPlan,
    models: &[Model],
    images: &[&Patch],
    group: &dyn Fn(usize) -> usize,
    title: &str,
) -> miette::Result<(Vec<Vec<String>>, Vec<Problem>)> {
    let (mut answers, mut problems) = (Vec::<Features>::new(), Vec::new());
    for (network, model) in plan.networks.iter().zip(models) {
        let parts = run
            .folder
            .path(PARTS)
            .join(title.replace(' ', "-"))
            .join(network);
        let (found, failed) = features(
            model,
            (&run.reader, images),
            &model.stages(&plan.layers)?,
            Pool::Mean,
            &format!("{title}, features of {network}"),
            Some(&parts),
            run.context,
        )?;
        // Every network fails on the same images.
        problems = failed;
        answers.push(found);
    }
    let readable = answers.first().map_or(0, |f| f.rows.len());
    if readable < 4 {
        return Err(miette::miette!(
            "{title}: {readable} images can be read; drift needs at least 4, and better several hundred"
        ));
    }
    let numbers: Vec<usize> = answers[0].rows.iter().map(|&k| group(k)).collect();
    let pairs = pairs(run, plan);
    let task = run
        .context
        .progress
        .start(title, pairs.len() * plan.layers.len());
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
    Ok((table, problems))
}

/// The photographs that the study names, as many as wanted, drawn by the seed.
fn files(plan: &DriftPlan, seed: u64) -> miette::Result<Vec<Patch>> {
    let mut found = Vec::new();
    for source in &plan.natural {
        let (table, _) = resolve(source, &ResolveOptions::default()).into_diagnostic()?;
        found.extend(table.patches().iter().cloned());
    }
    let ids = found.iter().enumerate().map(|(i, p)| (i, p.id.as_str()));
    let drawn = seed::draw(seed, "drift/natural", ids, plan.natural_images);
    Ok(drawn.into_iter().map(|i| found[i].clone()).collect())
}

/// Writes natural-like images as large as the study's patches to drift/natural and returns them.
fn natural_images(
    run: &Run<'_>,
    plan: &DriftPlan,
    photographs: Vec<Patch>,
) -> miette::Result<(Vec<Patch>, Vec<Problem>)> {
    let side = run.folder.manifest().patch_size as usize;
    let folder = run.folder.path("drift/natural");
    batches::forget(&folder)?;
    std::fs::create_dir_all(&folder).into_diagnostic()?;
    let seed = seed::derive(run.seed, "drift", "natural");
    let mut problems = Vec::new();
    let keep = |number: usize, image: RgbPatch| -> miette::Result<()> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let size = image.width as u32;
        image::RgbImage::from_raw(size, size, image.data)
            .ok_or_else(|| miette::miette!("a natural-like image without pixels"))?
            .write_to(&mut bytes, image::ImageFormat::Png)
            .into_diagnostic()?;
        Ok(write_atomic(
            &folder.join(format!("{number:05}.png")),
            bytes.get_ref(),
        )?)
    };
    if plan.natural.is_empty() {
        for item in 0..plan.natural_images {
            keep(item, natural::noise(side, seed, item as u64))?;
        }
    }
    for (number, photograph) in photographs.iter().enumerate() {
        match run.reader.read(photograph) {
            Ok(image) => keep(number, natural::square(image, side)?)?,
            Err(error) => problems.push(Problem {
                item: photograph.id.clone(),
                what: error.to_string(),
                remedy: "drift on natural images goes on without it".into(),
            }),
        }
    }
    let (table, _) = resolve(&folder, &ResolveOptions::default()).into_diagnostic()?;
    Ok((table.patches().to_vec(), problems))
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
