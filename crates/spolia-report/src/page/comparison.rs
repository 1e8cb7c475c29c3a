//! What the numbers say of Figure 1.

use serde::Serialize;

use crate::numbers::{counted, interval, listed, probability, signed};
use crate::run::comparison::{Compared, Slope};
use crate::run::{Run, first_seen};

/// What the page says of comparison.csv.
#[derive(Serialize)]
pub(super) struct Section {
    sentences: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Measures of complexity: below 0 means simpler after.
const COMPLEXITY: [(&str, &str); 3] = [
    ("compressed_bits", "compressed size"),
    ("edge_density", "density of edges"),
    ("high_frequency", "share of high frequencies"),
];

/// `None` where no networks' images were compared.
pub(super) fn section(run: &Run) -> Option<Section> {
    run.compared.first()?;
    let mut sentences = Vec::new();
    for pair in first_seen(run.compared.iter().map(Compared::pair)) {
        let own: Vec<&Compared> = run.compared.iter().filter(|c| c.pair() == pair).collect();
        sentences.extend(apart(&pair, &own));
        let of = |s: &&Slope| s.pair() == pair && s.measure == "features";
        let slope = run.slopes.iter().find(of);
        sentences.extend(slope.map(|s| deeper(&pair, s)));
        sentences.push(simpler(&pair, &own));
    }
    let rows = run.compared.iter().map(|c| {
        vec![
            c.pair(),
            c.layer.clone(),
            c.measure.clone(),
            c.channels.to_string(),
            c.between.words(),
            c.null.words(),
            c.excess.words(),
            probability(c.q),
        ]
    });
    Some(Section {
        sentences,
        rows: rows.collect(),
    })
}

/// At which layers the images differ more than those of two starts.
fn apart(pair: &str, own: &[&Compared]) -> Option<String> {
    let rows: Vec<&&Compared> = own.iter().filter(|c| c.measure == "features").collect();
    let first = rows.first()?;
    let beyond: Vec<&str> = rows
        .iter()
        .filter(|c| c.excess.above(0.0))
        .map(|c| c.layer.as_str())
        .collect();
    let where_ = if beyond.is_empty() {
        "at no layer".to_owned()
    } else {
        format!("at {}", listed(&beyond))
    };
    Some(format!(
        "{pair}: images of the same channel are farther apart (features of a third, random network) than two starts of one network \
         {where_}, of {} ({} each).",
        counted(rows.len(), "layer", "layers"),
        counted(first.channels, "channel", "channels")
    ))
}

/// The paper's sentence: more and more dissimilar in deeper layers.
fn deeper(pair: &str, s: &Slope) -> String {
    let verdict = if s.slope.above(0.0) {
        "supported here"
    } else if s.slope.below(0.0) {
        "contradicted here"
    } else {
        "neither supported nor contradicted here"
    };
    let ends = s.slope.ends.map_or_else(String::new, |(low, high)| {
        format!(" ({})", interval(low, high))
    });
    format!(
        "The paper's \"more and more dissimilar in deeper layers\" is {verdict}: from one of the {} compared layers to the next, \
         {pair} moves apart by {}{ends} beyond two starts ({} in all).",
        s.layers,
        signed(s.slope.value),
        counted(s.channels, "channel", "channels")
    )
}

/// The paper's sentence: deep channels are simplified to texture.
fn simpler(pair: &str, own: &[&Compared]) -> String {
    let parts: Vec<String> = COMPLEXITY
        .iter()
        .filter_map(|(measure, words)| {
            let rows: Vec<&&Compared> = own.iter().filter(|c| c.measure == *measure).collect();
            let deepest = rows.last()?;
            let verdict = if deepest.excess.below(0.0) {
                "falls"
            } else if deepest.excess.above(0.0) {
                "rises"
            } else {
                "does not change beyond two starts"
            };
            Some(format!(
                "{words} {verdict} ({} at {})",
                deepest.excess.words(),
                deepest.layer
            ))
        })
        .collect();
    if parts.is_empty() {
        return format!("{pair}: too few images to compare their complexity.");
    }
    format!(
        "{pair}: whether deep channels became simpler, at the deepest compared layer: {}.",
        parts.join("; ")
    )
}
