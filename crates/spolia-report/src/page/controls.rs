//! The controls of R², the centre and the concepts that are classes, in words and tables.

use serde::Serialize;

use crate::numbers::{bracketed, count, counted, listed, probability, two};
use crate::run::controls::Control;
use crate::run::{Run, first_seen};

/// What the page says of controls.csv.
#[derive(Serialize)]
pub(super) struct Controls {
    sentences: Vec<String>,
    components: String,
    n: String,
    rows: Vec<Row>,
    /// Whether a noise ceiling is known.
    ceiling: bool,
}

/// A line of controls.csv.
#[derive(Serialize)]
struct Row {
    concept: String,
    network: String,
    layer: String,
    equal: String,
    unique: String,
    ceiling: String,
}

/// What the page says of centre.csv or classes.csv.
#[derive(Serialize)]
pub(super) struct Told {
    sentences: Vec<String>,
    rows: Vec<ToldRow>,
}

/// A line of centre.csv or classes.csv.
#[derive(Serialize)]
struct ToldRow {
    concept: String,
    network: String,
    layer: String,
    n: String,
    classes: String,
    accuracy: String,
    auc: String,
    chance: String,
    p: String,
}

/// Words and table of the controls; `None` without them.
pub(super) fn controls(run: &Run) -> Option<Controls> {
    let first = run.controls.first()?;
    let above_zero = |ends: fn(&Control) -> Option<(f64, f64)>| {
        let known: Vec<(f64, f64)> = run.controls.iter().filter_map(ends).collect();
        let above = known.iter().filter(|(low, _)| *low > 0.0).count();
        (!known.is_empty()).then(|| {
            format!(
                "The interval lies above zero in {} of {}.",
                count(above),
                counted(known.len(), "fit", "fits")
            )
        })
    };
    let mut sentences = Vec::new();
    sentences.extend(above_zero(Control::equal_ends).map(|counts| {
        format!(
            "At equal dimension every layer is reduced to the same number of principal \
             components, {} here: depth is then not confounded with width. {counts}",
            count(first.components)
        )
    }));
    sentences.extend(above_zero(Control::unique_ends).map(|counts| {
        format!(
            "Beyond colour is what the features add to brightness, saturation and the amounts of \
             the two stains: a concept that is nothing but stain has 0 here. {counts}"
        )
    }));
    let rows = run.controls.iter().map(|c| Row {
        concept: c.concept.clone(),
        network: c.network.clone(),
        layer: c.layer.clone(),
        equal: bracketed(c.equal, c.equal_ends()),
        unique: bracketed(c.unique, c.unique_ends()),
        ceiling: two(c.ceiling),
    });
    Some(Controls {
        sentences,
        components: count(first.components),
        n: counted(first.n, "patch", "patches"),
        rows: rows.collect(),
        ceiling: run.controls.iter().any(|c| c.ceiling.is_some()),
    })
}

/// Words and table of the centres; `None` without them.
pub(super) fn centre(run: &Run) -> Option<Told> {
    let first = run.centres.first()?;
    let known: Vec<_> = run
        .centres
        .iter()
        .filter_map(|c| Some((c, c.accuracy?, c.low?, c.chance?)))
        .collect();
    let above = known
        .iter()
        .filter(|(c, _, low, chance)| *low > c.chance_high.unwrap_or(*chance));
    let mut sentences = vec![format!(
        "A network that can tell the centre of a patch sees its stain or scanner: what follows the \
         centre may then pass for a concept. On {} of {} in {} (unit: {}), the interval lies above \
         chance in {} of {}.",
        counted(first.n, "patch", "patches"),
        counted(first.centres, "centre", "centres"),
        counted(first.groups, "group", "groups"),
        first.unit,
        count(above.count()),
        counted(known.len(), "fit", "fits")
    )];
    let best = known.iter().reduce(|a, b| if b.1 > a.1 { b } else { a });
    sentences.extend(best.map(|(c, accuracy, _, chance)| {
        format!(
            "It is told best by {} at {}: balanced accuracy {} where guessing gives {}.",
            c.network,
            c.layer,
            two(*accuracy),
            two(*chance)
        )
    }));
    let rows = run.centres.iter().map(|c| ToldRow {
        concept: String::new(),
        network: c.network.clone(),
        layer: c.layer.clone(),
        n: count(c.n),
        classes: count(c.centres),
        accuracy: bracketed(c.accuracy, c.low.zip(c.high)),
        auc: String::new(),
        chance: two(c.chance),
        p: probability(c.p),
    });
    Some(Told {
        sentences,
        rows: rows.collect(),
    })
}

/// Words and table of concepts that are classes; `None` without them.
pub(super) fn classes(run: &Run) -> Option<Told> {
    run.classes.first()?;
    let best: Vec<String> = first_seen(run.classes.iter().map(|c| c.concept.as_str()))
        .into_iter()
        .filter_map(|concept| {
            let own = run.classes.iter().filter(|c| c.concept == concept);
            let known = own.filter(|c| c.accuracy.is_some());
            let c = known.reduce(|a, b| if b.accuracy > a.accuracy { b } else { a })?;
            Some(format!(
                "{concept} by {} at {} ({} where guessing gives {}, n = {})",
                c.network,
                c.layer,
                two(c.accuracy),
                two(c.chance),
                count(c.n)
            ))
        })
        .collect();
    let mut sentences = Vec::new();
    if !best.is_empty() {
        let best = listed(&best);
        sentences.push(format!("Highest balanced accuracy, held out: {best}."));
    }
    let rows = run.classes.iter().map(|c| ToldRow {
        concept: c.concept.clone(),
        network: c.network.clone(),
        layer: c.layer.clone(),
        n: count(c.n),
        classes: count(c.classes),
        accuracy: bracketed(c.accuracy, c.low.zip(c.high)),
        auc: two(c.auc),
        chance: two(c.chance),
        p: probability(c.p),
    });
    Some(Told {
        sentences,
        rows: rows.collect(),
    })
}
