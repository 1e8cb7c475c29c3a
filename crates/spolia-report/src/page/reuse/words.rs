//! The answer in sentences: what the data support, and what they do not.

use crate::figures::split_words;
use crate::numbers::{count, counted, listed, probability, signed, three, two};
use crate::run::reuse::{Comparison, Cut, Estimate, Finetuned, Stage, Sweep};
use crate::run::{Run, first_seen};

/// Networks of an arm that the field's rule asks for.
const RULE: usize = 10;

/// Adjusted p below which a difference counts as shown.
const LEVEL: f64 = 0.05;

/// A difference of AUCs with three decimals and its sign.
pub(super) fn signed3(value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", three(value))
}

/// A difference of AUCs and its interval.
pub(super) fn gap(e: Estimate) -> String {
    format!(
        "{} ({} to {})",
        signed3(e.value),
        signed3(e.low),
        signed3(e.high)
    )
}

/// A figure and its interval, with three decimals.
pub(super) fn with_ends(e: Estimate) -> String {
    format!("{} ({} to {})", three(e.value), three(e.low), three(e.high))
}

/// An arm less the one that keeps nothing.
fn against_none<'a>(run: &'a Run, sweep: &Sweep, arm: &str) -> Option<&'a Comparison> {
    let none = sweep.cuts.iter().find(|c| c.cut == "none")?;
    let mut pairs = run.reuse.comparisons.iter();
    pairs.find(|c| c.arm == arm && c.against == none.arm)
}

pub(super) fn stages_in_words(f: &Finetuned, supported: &mut Vec<String>, open: &mut Vec<String>) {
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

pub(super) fn sweep_in_words(
    run: &Run,
    sweep: &Sweep,
    supported: &mut Vec<String>,
    open: &mut Vec<String>,
) {
    let judged = format!("{} {} patches", count(sweep.n), split_words(&sweep.split));
    let find = |cut: &str| sweep.cuts.iter().find(|c| c.cut == cut);
    if let (Some(all), Some(none)) = (find("all"), find("none")) {
        let words = format!(
            "Keeping all of {} gives AUC {}, keeping nothing {} (mean of {} each, {judged})",
            sweep.start,
            with_ends(all.auc),
            with_ends(none.auc),
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
                "Whether keeping all of it helps. {words}; the difference is {}.",
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
    let as_good = verdict("as-good");
    // Otherwise the sentence on the shallowest says it.
    if sweep
        .shallowest_as_good
        .as_deref()
        .is_none_or(|c| c == "all")
        && !as_good.is_empty()
    {
        supported.push(format!(
            "Cuts that lose less than {} of AUC to keeping all, though not every deeper one is shown to (difference of AUC): {}.",
            two(sweep.margin),
            each(&as_good)
        ));
    }
    better_than_none(run, sweep, supported);
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

/// The cuts, short of all, that beat keeping nothing after adjustment for all comparisons.
fn better_than_none(run: &Run, sweep: &Sweep, supported: &mut Vec<String>) {
    let cuts = sweep.cuts.iter().filter(|c| c.cut != "all");
    let better = cuts.filter_map(|c| {
        let pair = against_none(run, sweep, &c.arm)?;
        let p = pair.p_holm.filter(|p| *p < LEVEL)?;
        (pair.difference.low > 0.0).then(|| {
            let p = probability(Some(p));
            format!("{} {}, adjusted p {p}", c.cut, gap(pair.difference))
        })
    });
    let better: Vec<String> = better.collect();
    if !better.is_empty() {
        supported.push(format!(
            "Cuts better than keeping nothing (difference of AUC): {}.",
            better.join("; ")
        ));
    }
}

fn controls_in_words(
    run: &Run,
    sweep: &Sweep,
    supported: &mut Vec<String>,
    open: &mut Vec<String>,
) {
    for control in &sweep.controls {
        let name = control.arm.trim_start_matches("sweep-");
        let auc = with_ends(control.auc);
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
        let Some(d) = against_none(run, sweep, &control.arm).map(|c| c.difference) else {
            continue;
        };
        let gap = gap(d);
        let what = match name {
            _ if name.starts_with("shuffled") => "the pretrained weights' values in a random order",
            _ if name.starts_with("statistics") => "batch norm alone",
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

pub(super) fn centres_in_words(run: &Run, supported: &mut Vec<String>, open: &mut Vec<String>) {
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
