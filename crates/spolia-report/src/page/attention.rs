//! Whether the maps can be trusted and what they fall on, in words and tables.

use serde::Serialize;

use crate::figures::attention::{BASELINES, map_words, target_words};
use crate::numbers::{count, counted, listed, probability, two};
use crate::run::judged::{Atypia, Estimate, Measured};
use crate::run::{Run, first_seen};

/// The measures of faithfulness of which more is better.
const MORE: [&str; 4] = ["insertion", "road", "increase", "sensitivity_n"];

/// What the page says of the maps beyond Figure 2.
#[derive(Serialize)]
pub(super) struct Section {
    faithfulness: Option<Part>,
    sanity: Vec<String>,
    localization: Option<Part>,
    atypia: Option<Part>,
}

/// A subsection.
#[derive(Serialize)]
struct Part {
    sentences: Vec<String>,
    n: String,
    rows: Vec<Vec<String>>,
}

/// `None` where nothing was asked of the maps.
pub(super) fn section(run: &Run) -> Option<Section> {
    let judged = &run.judged;
    let section = Section {
        faithfulness: faithfulness(run),
        sanity: sanity(run),
        localization: localization(run),
        atypia: atypia(run),
    };
    let any = !(judged.faithfulness.is_empty()
        && judged.sanity.is_empty()
        && judged.localization.is_empty()
        && judged.atypia.is_empty());
    any.then_some(section)
}

fn units(first: &Measured) -> String {
    format!(
        "{} of {}",
        counted(first.n, "patch", "patches"),
        counted(first.groups, &first.unit, &format!("{}s", first.unit))
    )
}

fn trained(run: &Run, network: &str) -> bool {
    let known = run.networks.iter().find(|n| n.about.name == network);
    known.is_some_and(|n| n.about.trained)
}

/// The methods, without the maps that know nothing.
fn methods<'r>(rows: impl Iterator<Item = &'r str>) -> Vec<&'r str> {
    first_seen(rows.filter(|m| !BASELINES.contains(m)))
}

fn faithfulness(run: &Run) -> Option<Part> {
    let rows = &run.judged.faithfulness;
    let first = rows.first()?;
    let mut sentences = Vec::new();
    for network in run.ordered(rows.iter().map(|r| r.network.as_str())) {
        for method in methods(rows.iter().map(|r| r.method.as_str())) {
            let own: Vec<&Measured> = rows
                .iter()
                .filter(|r| r.network == network && r.method == method)
                .collect();
            if own.is_empty() {
                continue;
            }
            let beats = |baseline: usize| -> Vec<&str> {
                own.iter()
                    .filter(|r| {
                        let more = MORE.contains(&r.measure.as_str());
                        r.minus[baseline]
                            .is_some_and(|d| if more { d.above(0.0) } else { d.below(0.0) })
                    })
                    .map(|r| r.measure.as_str())
                    .collect()
            };
            let words = |found: Vec<&str>| {
                if found.is_empty() {
                    "by none".to_owned()
                } else {
                    format!("by {}", listed(&found))
                }
            };
            sentences.push(format!(
                "{network}, {method}: of {} measures, more faithful than a random map {}; than a centred blob {} (whole \
                 interval of the difference).",
                own.len(),
                words(beats(0)),
                words(beats(1))
            ));
        }
    }
    let table = rows.iter().map(|r| {
        vec![
            r.network.clone(),
            map_words(&r.method).to_owned(),
            r.measure.clone(),
            r.mean.words(),
            r.minus[0].map_or_else(String::new, |e| e.words()),
            r.minus[1].map_or_else(String::new, |e| e.words()),
        ]
    });
    Some(Part {
        sentences,
        n: units(first),
        rows: table.collect(),
    })
}

fn sanity(run: &Run) -> Vec<String> {
    let rows = &run.judged.sanity;
    let mut sentences = Vec::new();
    for network in run.ordered(rows.iter().map(|r| r.network.as_str())) {
        for method in methods(rows.iter().map(|r| r.method.as_str())) {
            let own: Vec<_> = rows
                .iter()
                .filter(|r| r.network == network && r.method == method)
                .collect();
            let (Some(first), Some(last)) = (own.first(), own.last()) else {
                continue;
            };
            let n = first.patches + first.flat;
            let mut sentence = format!(
                "{network}, {method}: with {} alone random the maps correlate {} with the trained network's, with all stages \
                 random {} (rank correlation, mean of {}; 1 would mean that the map does not depend on what was learnt)",
                first.stage,
                two(first.rho),
                two(last.rho),
                counted(n, "patch", "patches")
            );
            if last.flat > 0 {
                sentence += &format!(
                    "; of {} of them the last map is the same everywhere",
                    count(last.flat)
                );
            }
            sentences.push(sentence + ".");
        }
    }
    sentences
}

fn localization(run: &Run) -> Option<Part> {
    let rows = &run.judged.localization;
    let first = rows.first()?;
    let mut sentences = Vec::new();
    let targets = first_seen(rows.iter().map(|r| r.target.as_str()));
    // Controls stand in the figure and the table.
    let mut networks = run.ordered(rows.iter().map(|r| r.network.as_str()));
    if networks.iter().any(|n| trained(run, n)) {
        networks.retain(|n| trained(run, n));
    }
    for target in &targets {
        for &network in &networks {
            for method in methods(rows.iter().map(|r| r.method.as_str())) {
                let of = |method: &str| {
                    rows.iter().find(|r| {
                        r.target == *target
                            && r.network == network
                            && r.method == method
                            && r.measure == "auc"
                    })
                };
                let Some(own) = of(method) else { continue };
                let level = |map: &str| of(map).map_or_else(String::new, |r| two(r.mean.value));
                let verdict = |baseline: usize| match own.minus[baseline] {
                    Some(d) if d.above(0.0) => "more than",
                    Some(d) if d.below(0.0) => "less than",
                    Some(_) => "not told apart from",
                    None => "not compared with",
                };
                let mut sentence = format!(
                    "{network}, {method}: AUC {} for {}; {} a random map ({}), {} a centred blob ({}), {} the stain alone ({}).",
                    own.mean.words(),
                    target_words(target),
                    verdict(0),
                    level("random"),
                    verdict(1),
                    level("centre"),
                    verdict(2),
                    level("stain"),
                );
                if let Some(mask) = of("mask") {
                    sentence += &format!(
                        " The mask itself at this resolution has {}.",
                        two(mask.mean.value)
                    );
                }
                sentences.push(sentence);
            }
        }
    }
    if targets.contains(&"segmented_nuclei") {
        sentences.push(
            "Segmented nuclei are found by their stain, without a learned model: what is missed or false counts against every \
             map alike, and the stain alone has an advantage."
                .to_owned(),
        );
    }
    let table = rows.iter().map(|r| {
        let mut row = vec![
            r.network.clone(),
            map_words(&r.method).to_owned(),
            target_words(&r.target).to_owned(),
            r.measure.clone(),
            two(r.chance),
            r.mean.words(),
        ];
        row.extend(
            r.minus
                .iter()
                .map(|d| d.map_or_else(String::new, |e| e.words())),
        );
        row
    });
    Some(Part {
        sentences,
        n: units(first),
        rows: table.collect(),
    })
}

fn atypia(run: &Run) -> Option<Part> {
    let rows = &run.judged.atypia;
    let first = rows.first()?;
    let main: Vec<&Atypia> = rows.iter().filter(|r| r.morphology == "atypia").collect();
    let mut sentences = Vec::new();
    for r in main.iter().filter(|r| trained(run, &r.network)) {
        let Some(slope) = &r.slope else { continue };
        let verdict = if slope.above(0.0) {
            "attention rises with atypia"
        } else if slope.below(0.0) {
            "attention falls with atypia"
        } else if slope.ends.is_some() {
            "no relation to atypia is told apart from none"
        } else {
            "with a single group there is no interval, so nothing can be said"
        };
        let controls: Vec<String> = main
            .iter()
            .filter(|c| !trained(run, &c.network) && c.method == r.method && c.target == r.target)
            .filter_map(|c| Some(format!("{} {}", c.network, c.slope.as_ref()?.words())))
            .collect();
        let beside = if controls.is_empty() {
            " No untrained network stands beside it, so it cannot be said what was learnt."
                .to_owned()
        } else {
            format!(
                " Controls that learnt nothing of the label: {}.",
                listed(&controls)
            )
        };
        sentences.push(format!(
            "{}, {}: {verdict}: {} standard deviations of attention per standard deviation of atypia, area and stain held fixed, \
             p {} over {}.{beside}",
            r.network,
            r.method,
            slope.words(),
            probability(r.p),
            counted(r.groups, &r.unit, &format!("{}s", r.unit))
        ));
    }
    let table = rows.iter().map(|r| {
        vec![
            r.network.clone(),
            r.method.clone(),
            target_words(&r.target).to_owned(),
            r.morphology.clone(),
            two(r.rho),
            r.slope.as_ref().map_or_else(String::new, Estimate::words),
            probability(r.p),
            probability(r.q),
        ]
    });
    Some(Part {
        sentences,
        n: format!(
            "{} of {} and {}, at {}",
            counted(first.nuclei, "whole nucleus", "whole nuclei"),
            counted(first.patches, "patch", "patches"),
            counted(first.groups, &first.unit, &format!("{}s", first.unit)),
            first.layer
        ),
        rows: table.collect(),
    })
}
