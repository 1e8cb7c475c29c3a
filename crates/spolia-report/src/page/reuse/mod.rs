//! The answer: what became of each stage, what keeping it is worth, and what the data do not say.

mod words;

use serde::Serialize;

use crate::figures::split_words;
use crate::numbers::{bracketed, count, probability, three, two};
use crate::run::Run;
use crate::run::reuse::{Arm, Estimate, Stage};
use words::{centres_in_words, gap, signed3, stages_in_words, sweep_in_words, with_ends};

/// What the page says of `reuse/`.
#[derive(Serialize)]
pub(super) struct Section {
    /// What the data support.
    supported: Vec<String>,
    /// What they do not.
    open: Vec<String>,
    stages: Vec<StageRow>,
    arms: Vec<ArmRow>,
    comparisons: Vec<ComparisonRow>,
    centres: Vec<CentreRow>,
    n: String,
    networks: usize,
    target: String,
}

#[derive(Serialize)]
struct StageRow {
    pair: String,
    layer: String,
    class: String,
    cka: String,
    natural: String,
    retrained: String,
    random: String,
    kernels: String,
    visualization: String,
    concepts: String,
    reuse: String,
}

#[derive(Serialize)]
struct ArmRow {
    name: String,
    way: String,
    patches: String,
    auc: String,
    sd: String,
    brier: String,
    calibration: String,
    epochs: String,
    gflop: String,
}

#[derive(Serialize)]
struct ComparisonRow {
    arm: String,
    against: String,
    difference: String,
    p: String,
    delong: String,
}

#[derive(Serialize)]
struct CentreRow {
    arm: String,
    centre: String,
    n: String,
    inside: String,
    new: String,
    difference: String,
    p: String,
}

/// Words and tables; `None` where neither drift nor a sweep says anything.
pub(super) fn section(run: &Run) -> Option<Section> {
    let reuse = &run.reuse;
    let answer = &reuse.answer;
    if answer.finetuned.is_empty() && answer.sweep.is_none() {
        return None;
    }
    let (mut supported, mut open) = (Vec::new(), Vec::new());
    for finetuned in &answer.finetuned {
        stages_in_words(finetuned, &mut supported, &mut open);
    }
    if let Some(sweep) = &answer.sweep {
        sweep_in_words(run, sweep, &mut supported, &mut open);
    }
    centres_in_words(run, &mut supported, &mut open);
    let stages = answer.finetuned.iter().flat_map(|f| {
        let pair = format!("{} \u{2192} {}", f.before, f.after);
        f.stages.iter().map(move |s| stage_row(&pair, s))
    });
    Some(Section {
        supported,
        open,
        stages: stages.collect(),
        arms: reuse.arms.iter().map(arm_row).collect(),
        comparisons: reuse
            .comparisons
            .iter()
            .map(|c| ComparisonRow {
                arm: c.arm.clone(),
                against: c.against.clone(),
                difference: gap(c.difference),
                p: probability(c.p_holm),
                delong: probability(c.delong_p_holm),
            })
            .collect(),
        centres: reuse
            .centres
            .iter()
            .map(|c| CentreRow {
                arm: c.arm.clone(),
                centre: c.centre.clone(),
                n: format!("{} ({})", count(c.n), count(c.groups)),
                inside: bracketed(Some(c.inside.value), Some(c.inside.ends())),
                new: bracketed(Some(c.new.value), Some(c.new.ends())),
                difference: gap(c.difference),
                p: probability(c.p_holm),
            })
            .collect(),
        n: answer.sweep.as_ref().map_or_else(String::new, |s| {
            format!("{} {} patches", count(s.n), split_words(&s.split))
        }),
        networks: answer.sweep.as_ref().map_or(0, |s| s.networks),
        target: reuse
            .arms
            .first()
            .map_or_else(String::new, |a| two(a.target)),
    })
}

/// Where to cut, in one sentence.
pub(super) fn short(run: &Run) -> Option<String> {
    let sweep = run.reuse.answer.sweep.as_ref()?;
    let margin = two(sweep.margin);
    Some(match sweep.shallowest_as_good.as_deref() {
        Some("none") => format!(
            "Partial reuse: keeping nothing of {} loses less than {margin} of AUC to keeping all.",
            sweep.start
        ),
        Some("all") | None => format!(
            "Partial reuse: no cut of {} is shown to lose less than {margin} of AUC to keeping all.",
            sweep.start
        ),
        Some(cut) => format!(
            "Partial reuse: keeping {} through {cut} loses less than {margin} of AUC to keeping all.",
            sweep.start
        ),
    })
}

fn stage_row(pair: &str, s: &Stage) -> StageRow {
    let with = |e: Option<Estimate>| bracketed(e.map(|e| e.value), e.map(Estimate::ends));
    let concepts = s.concepts.iter().map(|c| {
        format!(
            "{} {} \u{2192} {}",
            c.concept,
            two(c.r2_before.value),
            two(c.r2_after.value)
        )
    });
    StageRow {
        pair: pair.to_owned(),
        layer: s.layer.clone(),
        class: s.class.clone(),
        cka: with(s.cka),
        natural: with(s.cka_natural),
        retrained: with(s.null_retrained),
        random: with(s.null_random),
        kernels: two(s.kernel_cosine),
        visualization: with(s.visualization.as_ref().map(|v| v.excess)),
        concepts: match s.concepts.len() {
            0 => two(None),
            _ => concepts.collect::<Vec<_>>().join("; "),
        },
        reuse: s.reuse.as_ref().map_or_else(
            || two(None),
            |r| {
                let verdict = match r.verdict.as_str() {
                    "as-good" => "as good",
                    other => other,
                };
                format!("{} ({verdict})", signed3(r.difference.value))
            },
        ),
    }
}

fn arm_row(arm: &Arm) -> ArmRow {
    ArmRow {
        name: match &arm.control {
            Some(control) => format!("control: {control}"),
            None => arm.cut.clone(),
        },
        way: arm.way(),
        patches: count(arm.patches),
        auc: with_ends(arm.auc),
        sd: three(arm.auc_sd),
        brier: with_ends(arm.brier),
        calibration: with_ends(arm.calibration_error),
        epochs: match arm.epochs_to_target {
            Some(epochs) => format!("{epochs} ({} of {})", arm.reached, arm.networks),
            None => format!("> {} ({} of {})", arm.epochs, arm.reached, arm.networks),
        },
        gflop: count(arm.gflop.round() as usize),
    }
}
