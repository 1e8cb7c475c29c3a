//! Which concepts the decision follows, in words and a table.

use serde::Serialize;

use crate::numbers::{count, counted, listed, probability, two};
use crate::run::{Run, first_seen};

/// The subsection.
#[derive(Serialize)]
pub(super) struct Section {
    sentences: Vec<String>,
    /// Patches and shuffles behind the figures.
    n: String,
    rows: Vec<Row>,
    /// Whether random directions were tried too.
    random: bool,
}

/// A line of relevance.csv.
#[derive(Serialize)]
struct Row {
    concept: String,
    network: String,
    layer: String,
    class: String,
    n: String,
    tcav: String,
    tcav_null: String,
    tcav_q: String,
    tcav_random: String,
    tcav_random_q: String,
    br: String,
    br_q: String,
}

/// Words and table; `None` without relevance.
pub(super) fn section(run: &Run) -> Option<Section> {
    let n = run
        .relevance
        .iter()
        .filter(|r| r.class == "all")
        .map(|r| r.n)
        .max()?;
    let rows = run.relevance.iter().map(|r| Row {
        concept: r.concept.clone(),
        network: r.network.clone(),
        layer: r.layer.clone(),
        class: r.class.clone(),
        n: count(r.n),
        tcav: two(r.tcav),
        tcav_null: two(r.tcav_null),
        tcav_q: probability(r.tcav_q),
        tcav_random: two(r.tcav_random),
        tcav_random_q: probability(r.tcav_random_q),
        br: two(r.br),
        br_q: probability(r.br_q),
    });
    Some(Section {
        sentences: sentences(run),
        n: counted(n, "patch", "patches"),
        rows: rows.collect(),
        random: run.relevance.iter().any(|r| r.tcav_random.is_some()),
    })
}

fn sentences(run: &Run) -> Vec<String> {
    run.ordered(run.relevance.iter().map(|r| r.network.as_str()))
        .into_iter()
        .map(|network| {
            let all: Vec<_> = run
                .relevance
                .iter()
                .filter(|r| r.network == network && r.class == "all")
                .collect();
            let sure = |up: bool| -> Vec<String> {
                let found = all.iter().filter(|r| {
                    r.br_q.is_some_and(|q| q < 0.05) && r.br.is_some_and(|br| (br > 0.0) == up)
                });
                let concepts = first_seen(found.clone().map(|r| r.concept.as_str()));
                concepts
                    .iter()
                    .map(|c| {
                        let layers: Vec<&str> = found
                            .clone()
                            .filter(|r| r.concept == *c)
                            .map(|r| r.layer.as_str())
                            .collect();
                        // A list of many layers would hide what it says; the figure has them all.
                        if layers.len() > 3 {
                            format!("{c} (at {} layers)", count(layers.len()))
                        } else {
                            format!("{c} (at {})", listed(&layers))
                        }
                    })
                    .collect()
            };
            let words = |up: bool| {
                let found = sure(up);
                let found: Vec<&str> = found.iter().map(String::as_str).collect();
                if found.is_empty() { "none".to_owned() } else { listed(&found) }
            };
            format!(
                "{network}: of {} pairs of concept and layer, beyond shuffled concepts (false discovery rate 5%) these \
                 pull towards {}: {}; these away: {}.",
                count(all.len()),
                run.positive(),
                words(true),
                words(false)
            )
        })
        .collect()
}
