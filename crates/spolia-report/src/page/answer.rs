//! The answer at the top, worded from what was measured.

use serde::Serialize;

use super::concepts;
use super::networks::groups;
use crate::figures::split_words;
use crate::numbers::{count, counted, interval, listed, two};
use crate::run::likeness::likeness;
use crate::run::networks::SplitMetrics;
use crate::run::{Run, first_seen};

/// The answer: sentences, and the figures that stand out.
#[derive(Serialize)]
pub(super) struct Answer {
    pub(super) sentences: Vec<String>,
    figures: Vec<Figure>,
}

/// A large number with its meaning.
#[derive(Serialize)]
struct Figure {
    value: String,
    name: String,
    detail: String,
}

/// A network judged on a split.
struct Judged<'a> {
    name: &'a str,
    split: &'static str,
    m: &'a SplitMetrics,
}

/// Words the answer.
pub(super) fn answer(run: &Run) -> Answer {
    let judged: Vec<Judged<'_>> = run
        .networks
        .iter()
        .filter_map(|network| {
            let (split, m) = network.metrics.as_ref()?.judged()?;
            m.auc?;
            Some(Judged {
                name: &network.about.name,
                split,
                m,
            })
        })
        .collect();
    let mut sentences = vec![prediction(run, &judged)];
    sentences.extend(ranking(&judged));
    sentences.extend(super::reuse::short(run));
    sentences.extend(concepts::short(run));
    sentences.extend(dead(run));
    Answer {
        sentences,
        figures: figures(run, &judged),
    }
}

fn prediction(run: &Run, judged: &[Judged<'_>]) -> String {
    let Some(first) = judged.first() else {
        return match run.patches.len() {
            0 => "This run holds no predictions: no network was trained in it.".to_owned(),
            n => format!(
                "This run holds {} but no predictions: no network was trained in it.",
                counted(n, "patch", "patches")
            ),
        };
    };
    let others: Vec<&str> = run
        .manifest
        .classes
        .iter()
        .map(String::as_str)
        .filter(|class| *class != run.positive())
        .collect();
    let each: Vec<String> = judged
        .iter()
        .map(|j| {
            let mut text = format!("{} {}", j.name, two(j.m.auc));
            if let Some((low, high)) = j.m.auc_low.zip(j.m.auc_high) {
                text += &format!(" ({})", interval(low, high));
            }
            text
        })
        .collect();
    let drawn = groups(first.m).map_or_else(String::new, |g| format!(", bootstrap over {g}"));
    let named = if others.is_empty() {
        format!("{} from the rest", run.positive())
    } else {
        format!("{} from {}", run.positive(), listed(&others))
    };
    format!(
        "On {} {} patches, the area under the ROC curve for telling {named} is: {}; in brackets, \
         95% intervals{drawn}.",
        count(first.m.n),
        split_words(first.split),
        listed(&each)
    )
}

/// Whether the intervals tell the networks apart.
fn ranking(judged: &[Judged<'_>]) -> Option<String> {
    let known: Vec<(&str, f64, f64)> = judged
        .iter()
        .filter_map(|j| Some((j.name, j.m.auc_low?, j.m.auc_high?)))
        .collect();
    if known.len() < 2 {
        return None;
    }
    let mut apart = Vec::new();
    for (i, a) in known.iter().enumerate() {
        for b in &known[i + 1..] {
            if a.1 > b.2 {
                apart.push(format!("{} above {}", a.0, b.0));
            } else if b.1 > a.2 {
                apart.push(format!("{} above {}", b.0, a.0));
            }
        }
    }
    Some(if apart.is_empty() {
        "The intervals overlap, so these patches do not rank the networks.".to_owned()
    } else {
        format!("Intervals that do not overlap: {}.", listed(&apart))
    })
}

/// How many visualized channels never activated.
fn dead(run: &Run) -> Option<String> {
    if run.channels.is_empty() {
        return None;
    }
    let dead = run.channels.iter().filter(|c| c.dead).count();
    Some(if dead == 0 {
        format!(
            "All {} could be activated.",
            counted(
                run.channels.len(),
                "visualized channel",
                "visualized channels"
            )
        )
    } else {
        format!(
            "Of {}, {} never activated.",
            counted(
                run.channels.len(),
                "visualized channel",
                "visualized channels"
            ),
            count(dead)
        )
    })
}

/// Dead channels and the rise of the objective, network by network.
pub(super) fn channel_words(run: &Run) -> Vec<String> {
    run.ordered(run.channels.iter().map(|c| c.network.as_str()))
        .into_iter()
        .map(|network| {
            let own: Vec<_> = run
                .channels
                .iter()
                .filter(|c| c.network == network)
                .collect();
            let dead = own.iter().filter(|c| c.dead).count();
            let rose = own
                .iter()
                .filter(|c| !c.dead)
                .filter(|c| matches!((c.first, c.last), (Some(a), Some(b)) if b > a))
                .count();
            format!(
                "{network}: {} visualized, {} dead; the objective rose in {} of the other {}.",
                counted(own.len(), "channel", "channels"),
                count(dead),
                count(rose),
                count(own.len() - dead)
            )
        })
        .collect()
}

/// How the pictures were drawn, and whether every network was treated alike.
pub(super) fn how_drawn(run: &Run) -> Option<String> {
    let ways = first_seen(run.channels.iter().map(|c| (c.steps, c.size)));
    match ways.as_slice() {
        [] => None,
        [(steps, size)] => Some(format!(
            "{} at {size} \u{d7} {size} pixels, alike for every network",
            counted(*steps, "step", "steps")
        )),
        _ => Some(
            "but steps or sizes differ between pictures, so they are not strictly comparable"
                .to_owned(),
        ),
    }
}

/// From this mean correlation on, half of what a map shows (r² = .5) is common to all patches.
const ALIKE: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Which class the maps explain, at which layer and resolution.
pub(super) fn map_words(run: &Run) -> Vec<String> {
    let kinds = first_seen(
        run.maps
            .iter()
            .map(|m| (m.layer.as_str(), m.class.as_str(), m.height, m.width)),
    );
    let mut words: Vec<String> = kinds
        .iter()
        .map(|(layer, class, height, width)| {
            format!(
                "The maps at {layer} explain the class {class} and have {height} \u{d7} {width} \
                 values; they are enlarged to the patch, so an edge in a map is no edge in the \
                 tissue."
            )
        })
        .collect();
    words.extend(likeness(&run.folder, &run.maps).iter().map(|alike| {
        let start = format!(
            "{}, {}: each of {} maps correlates {} with the mean of the others",
            alike.network,
            alike.method,
            count(alike.maps),
            two(alike.correlation)
        );
        if alike.correlation >= ALIKE {
            format!(
                "{start}: they point at the same place whatever lies there, so they show a habit \
                 of the network (its padding, the patch's frame) more than the tissue. An earlier \
                 layer or larger patches may tell more."
            )
        } else {
            format!("{start} (1: always the same place; near 0: each its own).")
        }
    }));
    let empty = run
        .maps
        .iter()
        .filter(|m| m.max.is_some_and(|max| max <= 0.0))
        .count();
    if empty > 0 {
        words.push(format!(
            "{} of {} {} zero everywhere.",
            count(empty),
            counted(run.maps.len(), "map", "maps"),
            if empty == 1 { "is" } else { "are" }
        ));
    }
    let wrong: Vec<_> = run
        .maps
        .iter()
        .filter(|m| m.label.is_some_and(|l| run.class(Some(l)) != m.class))
        .collect();
    if !wrong.is_empty() {
        words.push(format!(
            "{} of {} {} a class that is not the patch's own.",
            count(wrong.len()),
            counted(run.maps.len(), "map", "maps"),
            if wrong.len() == 1 {
                "explains"
            } else {
                "explain"
            }
        ));
    }
    words
}

fn figures(run: &Run, judged: &[Judged<'_>]) -> Vec<Figure> {
    let mut figures: Vec<Figure> = judged
        .iter()
        .take(3)
        .map(|j| Figure {
            value: two(j.m.auc),
            name: format!("{} AUC, {}", split_words(j.split), j.name),
            detail: j
                .m
                .auc_low
                .zip(j.m.auc_high)
                .map_or_else(String::new, |(l, h)| {
                    format!("95% interval {}", interval(l, h))
                }),
        })
        .collect();
    if let Some(best) = concepts::best(run) {
        figures.push(Figure {
            value: two(best.test),
            name: format!("highest held-out R\u{b2}, {}", best.concept),
            detail: format!("{}, {}", best.network, best.layer),
        });
    }
    if !run.patches.is_empty() {
        let known = first_seen(run.patches.iter().filter_map(|p| p.patient.as_deref())).len();
        figures.push(Figure {
            value: count(run.patches.len()),
            name: "patches".to_owned(),
            detail: match known {
                0 => "patients unknown".to_owned(),
                n => counted(n, "patient", "patients"),
            },
        });
    }
    figures
}
