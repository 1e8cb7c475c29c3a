//! How far layers moved, in words and a table.

use serde::Serialize;

use crate::numbers::{bracketed, count, counted, listed, two};
use crate::run::drift::Drift;
use crate::run::{Run, first_seen};

/// What the page says of drift.csv.
#[derive(Serialize)]
pub(super) struct Section {
    sentences: Vec<String>,
    n: String,
    rows: Vec<Row>,
}

/// A line of drift.csv.
#[derive(Serialize)]
struct Row {
    pair: String,
    kind: String,
    layer: String,
    cka: String,
    svcca: String,
    procrustes: String,
    own: String,
    kernel_cosine: String,
    weight_distance: String,
}

/// Words and table; `None` without drift.
pub(super) fn section(run: &Run) -> Option<Section> {
    let first = run.drift.first()?;
    let rows = run.drift.iter().map(|d| Row {
        pair: d.pair(),
        kind: match d.kind.as_str() {
            "retrained" => "null: another seed".into(),
            "random" => "null: both random".into(),
            other => other.to_owned(),
        },
        layer: d.layer.clone(),
        cka: bracketed(d.cka, d.low.zip(d.high)),
        svcca: two(d.svcca),
        procrustes: two(d.procrustes),
        own: two(d.own),
        kernel_cosine: two(d.kernel_cosine),
        weight_distance: two(d.weight_distance),
    });
    Some(Section {
        sentences: sentences(run),
        n: counted(first.n, "patch", "patches"),
        rows: rows.collect(),
    })
}

fn sentences(run: &Run) -> Vec<String> {
    let mut words = Vec::new();
    let changes = first_seen(run.drift.iter().filter(|d| !d.is_null()).map(Drift::pair));
    for pair in &changes {
        let own: Vec<(&Drift, f64)> = run
            .drift
            .iter()
            .filter(|d| d.pair() == *pair)
            .filter_map(|d| Some((d, d.cka?)))
            .collect();
        let least = own.iter().reduce(|a, b| if b.1 < a.1 { b } else { a });
        let most = own.iter().reduce(|a, b| if b.1 > a.1 { b } else { a });
        let Some((least, most)) = least.zip(most) else {
            continue;
        };
        let mut sentence = format!(
            "{pair}: CKA is highest at {} ({}) and lowest at {} ({}).",
            most.0.layer,
            two(most.1),
            least.0.layer,
            two(least.1)
        );
        if let Some(beyond) = beyond_retraining(run, &own) {
            sentence += &beyond;
        }
        words.push(sentence);
    }
    if !run.drift.iter().any(|d| d.kind == "retrained") {
        words.push(
            "No two networks of this study differ by the seed of their training alone, so it cannot be said how much of these \
             distances is what any training would leave."
                .to_owned(),
        );
    }
    words
}

/// Where the pair is farther apart than a second training with another seed, its interval below that one's.
fn beyond_retraining(run: &Run, own: &[(&Drift, f64)]) -> Option<String> {
    let null: Vec<&Drift> = run.drift.iter().filter(|d| d.kind == "retrained").collect();
    if null.is_empty() {
        return None;
    }
    let (mut judged, mut beyond) = (0, Vec::new());
    for (d, _) in own {
        let lowest = null
            .iter()
            .filter(|n| n.layer == d.layer)
            .filter_map(|n| n.low)
            .reduce(f64::min);
        if let Some((lowest, high)) = lowest.zip(d.high) {
            judged += 1;
            if high < lowest {
                beyond.push(d.layer.as_str());
            }
        }
    }
    Some(match beyond.len() {
        0 => " At no layer is it farther than two trainings with different seeds are from each other.".to_owned(),
        few if few <= 4 => format!(
            " Farther apart than two trainings with different seeds: {} ({} of {} layers).",
            listed(&beyond),
            count(few),
            count(judged)
        ),
        many => format!(
            " Farther apart than two trainings with different seeds: {} of {} layers, {} first.",
            count(many),
            count(judged),
            beyond[0]
        ),
    })
}
