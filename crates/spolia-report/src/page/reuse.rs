//! The answer: what became of each stage, what keeping it is worth, and what the data do not say.

use serde::Serialize;

use crate::figures::split_words;
use crate::numbers::{bracketed, count, counted, listed, probability, signed, three, two};
use crate::run::reuse::{Arm, Cut, Estimate, Finetuned, Stage, Sweep};
use crate::run::{Run, first_seen};

/// Networks of an arm that the field's rule asks for.
const RULE: usize = 10;

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
    let signed_ends = |e: Estimate| {
        format!(
            "{} ({} to {})",
            signed3(e.value),
            signed3(e.low),
            signed3(e.high)
        )
    };
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
                difference: signed_ends(c.difference),
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
                difference: signed_ends(c.difference),
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

/// A difference of AUCs with three decimals and its sign.
fn signed3(value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", three(value))
}

fn stages_in_words(f: &Finetuned, supported: &mut Vec<String>, open: &mut Vec<String>) {
    let pair = format!("{} \u{2192} {}", f.before, f.after);
    let of =
        |class: &str| -> Vec<&Stage> { f.stages.iter().filter(|s| s.class == class).collect() };
    let named = |stages: &[&Stage]| {
        let each = stages.iter().map(|s| {
            let cka = s.cka.map(|e| format!(" ({})", two(e.value)));
            format!("{}{}", s.layer, cka.unwrap_or_default())
        });
        listed(&each.collect::<Vec<_>>())
    };
    for (class, words) in [
        (
            "kept",
            "kept, no further from their start than two finetunings with different seeds are from each other",
        ),
        (
            "adapted",
            "adapted, further than that and nearer than two random networks are to each other",
        ),
        (
            "rebuilt",
            "rebuilt, as far from their start as two random networks are from each other",
        ),
    ] {
        let stages = of(class);
        if !stages.is_empty() {
            supported.push(format!(
                "{pair}: {} of {} stages were {words} (CKA in brackets, by 95% intervals): {}.",
                count(stages.len()),
                count(f.stages.len()),
                named(&stages)
            ));
        }
    }
    let undecided = of("undecided");
    for why in first_seen(
        undecided
            .iter()
            .filter_map(|s| s.undecided_because.as_deref()),
    ) {
        let own = undecided
            .iter()
            .filter(|s| s.undecided_because.as_deref() == Some(why));
        let own: Vec<&str> = own.map(|s| s.layer.as_str()).collect();
        open.push(format!(
            "{pair}: whether {} {} kept, adapted or rebuilt, since {why}.",
            listed(&own),
            if own.len() == 1 { "was" } else { "were" }
        ));
    }
}

fn sweep_in_words(run: &Run, sweep: &Sweep, supported: &mut Vec<String>, open: &mut Vec<String>) {
    let with = |e: Estimate| format!("{} ({} to {})", three(e.value), three(e.low), three(e.high));
    let gap = |e: Estimate| {
        format!(
            "{} ({} to {})",
            signed3(e.value),
            signed3(e.low),
            signed3(e.high)
        )
    };
    let judged = format!("{} {} patches", count(sweep.n), split_words(&sweep.split));
    let find = |cut: &str| sweep.cuts.iter().find(|c| c.cut == cut);
    if let (Some(all), Some(none)) = (find("all"), find("none")) {
        let words = format!(
            "Keeping all of {} gives AUC {}, keeping nothing {} (mean of {} each, {judged})",
            sweep.start,
            with(all.auc),
            with(none.auc),
            counted(sweep.networks, "network", "networks"),
        );
        match none.against_all.as_ref() {
            Some(r) if r.difference.high < 0.0 => supported.push(format!(
                "{words}: what was pretrained helps by {} (95% interval {} to {}).",
                three(-r.difference.value),
                three(-r.difference.high),
                three(-r.difference.low)
            )),
            Some(r) if r.difference.low > 0.0 => supported.push(format!(
                "{words}: what was pretrained hurts; nothing kept less all kept is {}.",
                gap(r.difference)
            )),
            Some(r) => open.push(format!(
                "Whether keeping anything helps. {words}; the difference is {}.",
                gap(r.difference)
            )),
            None => {}
        }
    }
    match sweep.shallowest_as_good.as_deref() {
        Some("all") | None => {}
        Some("none") => supported.push(format!(
            "No cut loses more than {} of AUC to keeping all, not even keeping nothing.",
            two(sweep.margin)
        )),
        Some(cut) => {
            let difference = find(cut).and_then(|c| c.against_all.as_ref());
            if let Some(r) = difference {
                supported.push(format!(
                    "Keeping the stages through {cut} is enough: it and every deeper cut lose less than {} of AUC to keeping all (95% intervals); at {cut} the difference is {}.",
                    two(sweep.margin),
                    gap(r.difference)
                ));
            }
        }
    }
    let verdict = |wanted: &str| -> Vec<&Cut> {
        let own = sweep
            .cuts
            .iter()
            .filter(|c| c.against_all.as_ref().is_some_and(|r| r.verdict == wanted));
        own.collect()
    };
    let each = |cuts: &[&Cut]| {
        let one = |c: &&Cut| {
            let r = c.against_all.as_ref()?;
            let p = probability(Some(r.p_holm));
            Some(format!("{} {}, adjusted p {p}", c.cut, gap(r.difference)))
        };
        cuts.iter().filter_map(one).collect::<Vec<_>>().join("; ")
    };
    for (wanted, words) in [
        ("better", "Cuts better than keeping all"),
        ("worse", "Cuts worse than keeping all"),
    ] {
        let cuts = verdict(wanted);
        if !cuts.is_empty() {
            supported.push(format!("{words} (difference of AUC): {}.", each(&cuts)));
        }
    }
    let undecided = verdict("undecided");
    if !undecided.is_empty() {
        open.push(format!(
            "Whether {} than {} of AUC is lost by cutting at: {}.",
            if undecided.len() == 1 {
                "more"
            } else {
                "more or less"
            },
            two(sweep.margin),
            each(&undecided)
        ));
    }
    controls_in_words(run, sweep, supported, open);
    if sweep.networks < RULE {
        open.push(format!(
            "How much other seeds would differ: with {} an arm, the intervals see a part of that; {RULE} are the rule.",
            counted(sweep.networks, "network", "networks")
        ));
    }
    if sweep.unit == "image" {
        open.push(format!(
            "How much other patients would differ: the patients of these patches are unknown, so that the intervals take all {} for independent and are too narrow.",
            counted(sweep.n, "patch", "patches")
        ));
    } else if sweep.groups < 10 {
        open.push(format!(
            "Much: the intervals are drawn over {} {}s alone.",
            count(sweep.groups),
            sweep.unit
        ));
    }
    if !sweep.left_out.is_empty() {
        open.push(format!(
            "Arms without all of their networks, left out: {}.",
            listed(&sweep.left_out)
        ));
    }
}

fn controls_in_words(
    run: &Run,
    sweep: &Sweep,
    supported: &mut Vec<String>,
    open: &mut Vec<String>,
) {
    let against_none = |arm: &str| {
        let none = sweep.cuts.iter().find(|c| c.cut == "none")?;
        let pair = run.reuse.comparisons.iter();
        pair.into_iter()
            .find(|c| c.arm == arm && c.against == none.arm)
            .map(|c| c.difference)
    };
    for control in &sweep.controls {
        let name = control.arm.trim_start_matches("sweep-");
        let auc = format!(
            "{} ({} to {})",
            three(control.auc.value),
            three(control.auc.low),
            three(control.auc.high)
        );
        if name.starts_with("random-labels") {
            let chance = control.auc.low <= 0.5 && control.auc.high >= 0.5;
            if chance {
                supported.push(format!(
                    "Control, training labels in a random order: AUC {auc}, as chance gives, so that the patches are told apart by their labels and not by how they were divided."
                ));
            } else {
                open.push(format!(
                    "Why training on labels in a random order gives AUC {auc} and not 0.5: so few networks follow what the random order happened to favour."
                ));
            }
            continue;
        }
        let Some(d) = against_none(&control.arm) else {
            continue;
        };
        let gap = format!(
            "{} ({} to {})",
            signed3(d.value),
            signed3(d.low),
            signed3(d.high)
        );
        let what = match name {
            _ if name.starts_with("shuffled") => "the pretrained weights' values in a random order",
            _ if name.starts_with("statistics") => "batch-norm statistics alone",
            _ => "each layer's mean and variance alone",
        };
        if d.low > 0.0 {
            supported.push(format!(
                "Control, {what}: AUC {auc}, {gap} more than a random start, so that a part of what pretraining gives is scale and not features."
            ));
        } else if d.high < 0.0 {
            supported.push(format!(
                "Control, {what}: AUC {auc}, {gap} against a random start: the scale without the features does not help."
            ));
        } else {
            open.push(format!(
                "Whether {what} help: AUC {auc}, {gap} against a random start."
            ));
        }
    }
}

fn centres_in_words(run: &Run, supported: &mut Vec<String>, open: &mut Vec<String>) {
    let centres = &run.reuse.centres;
    if centres.is_empty() {
        return;
    }
    let worse: Vec<String> = centres
        .iter()
        .filter(|c| c.difference.high < 0.0)
        .map(|c| format!("{} at {} ({})", c.arm, c.centre, signed(c.difference.value)))
        .collect();
    let words = format!(
        "{} of {} pairs of an arm and a centre lose AUC where the centre was not trained on",
        count(worse.len()),
        count(centres.len())
    );
    if worse.is_empty() {
        open.push(format!(
            "How much an unseen centre costs: {words} (95% intervals)."
        ));
    } else {
        supported.push(format!("{words} (95% intervals): {}.", listed(&worse)));
    }
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
    let with = |e: Estimate| format!("{} ({} to {})", three(e.value), three(e.low), three(e.high));
    ArmRow {
        name: match &arm.control {
            Some(control) => format!("control: {control}"),
            None => arm.cut.clone(),
        },
        way: arm.way(),
        patches: count(arm.patches),
        auc: with(arm.auc),
        sd: three(arm.auc_sd),
        brier: with(arm.brier),
        calibration: with(arm.calibration_error),
        epochs: match arm.epochs_to_target {
            Some(epochs) => format!("{epochs} ({} of {})", arm.reached, arm.networks),
            None => format!("> {} ({} of {})", arm.epochs, arm.reached, arm.networks),
        },
        gflop: count(arm.gflop.round() as usize),
    }
}
