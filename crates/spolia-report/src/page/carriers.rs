//! Which concepts carry the centre, in words and a table.

use serde::Serialize;

use crate::numbers::{probability, signed, two};
use crate::run::carriers::Carrier;
use crate::run::{Run, first_seen};

/// What the page says of carriers.csv.
#[derive(Serialize)]
pub(super) struct Carriers {
    sentences: Vec<String>,
    rows: Vec<Row>,
}

/// A line of carriers.csv.
#[derive(Serialize)]
struct Row {
    concept: String,
    network: String,
    layer: String,
    eta_squared: String,
    null: String,
    q: String,
    with: String,
    without: String,
    lost: String,
}

/// Words and table; `None` without them.
pub(super) fn section(run: &Run) -> Option<Carriers> {
    run.carriers.first()?;
    let sentences = first_seen(run.carriers.iter().map(|c| c.concept.as_str()))
        .into_iter()
        .filter_map(|concept| {
            let own: Vec<&Carrier> = run
                .carriers
                .iter()
                .filter(|c| c.concept == concept)
                .collect();
            let first = own.first()?;
            let differs = format!(
                "{concept}: {} of its variance lies between centres where permuted centres leave {} (q {})",
                two(Some(first.eta_squared)),
                two(Some(first.null)),
                probability(first.q)
            );
            let lost = own
                .iter()
                .filter_map(|c| Some((c, c.with? - c.without?)))
                .reduce(|a, b| if b.1 > a.1 { b } else { a });
            Some(match lost {
                Some((c, lost)) if lost > 0.0 => format!(
                    "{differs}; taking it out of a layer costs most for {} at {}, where the centre is told {} instead of {}.",
                    c.network,
                    c.layer,
                    two(c.without),
                    two(c.with)
                ),
                _ => format!("{differs}; no layer tells the centre less well without it."),
            })
        });
    let rows = run.carriers.iter().map(|c| Row {
        concept: c.concept.clone(),
        network: c.network.clone(),
        layer: c.layer.clone(),
        eta_squared: two(Some(c.eta_squared)),
        null: two(Some(c.null)),
        q: probability(c.q),
        with: two(c.with),
        without: two(c.without),
        lost: c
            .without
            .zip(c.with)
            .map_or_else(String::new, |(without, with)| signed(without - with)),
    });
    Some(Carriers {
        sentences: sentences.collect(),
        rows: rows.collect(),
    })
}
