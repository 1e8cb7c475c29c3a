//! The concepts: what in-sample R², noise and held-out R² say together.

use serde::Serialize;

use crate::numbers::{bracketed, count, counted, interval, probability, two};
use crate::run::concepts::Fit;
use crate::run::{Run, first_seen};

/// The section's sentences and table.
#[derive(Serialize)]
pub(super) struct Section {
    sentences: Vec<String>,
    /// One line per network and concept at the layer with the most features.
    examples: Vec<Example>,
    /// That layer.
    example_layer: String,
    /// What was left out of a fit, in words.
    left_out: &'static str,
    rows: Vec<Row>,
    /// Patches of the largest fit.
    n: String,
}

/// In-sample and held-out R² side by side.
#[derive(Serialize)]
struct Example {
    concept: String,
    network: String,
    noise: String,
    in_sample: String,
    held_out: String,
}

/// A line of r2.csv.
#[derive(Serialize)]
struct Row {
    concept: String,
    network: String,
    layer: String,
    n: String,
    features: String,
    noise: String,
    in_sample: String,
    se: String,
    adjusted: String,
    held_out: String,
    interval: String,
    p: String,
    q: String,
}

/// What was left out of a fit.
fn left_out(run: &Run) -> &'static str {
    match run.manifest.split_by.as_str() {
        "patient" => "patches of patients left out of the fit",
        "slide" => "patches of slides left out of the fit",
        "image" => "patches left out of the fit (whose patients may have been in it)",
        _ => "groups of patches left out of the fit",
    }
}

/// The fit with the highest held-out R².
pub(super) fn best(run: &Run) -> Option<&Fit> {
    let known = run.fits.iter().filter(|f| f.test.is_some());
    // On a tie the first in the table wins.
    known.reduce(|best, fit| if fit.test > best.test { fit } else { best })
}

/// One sentence for the answer at the top.
pub(super) fn short(run: &Run) -> Option<String> {
    let best = best(run)?;
    let mut text = if best.test.is_some_and(|test| test > 0.0) {
        format!(
            "Of the concept measures, {} is read best from the features: on {}, {} at {} explains \
             a share of {} of its variance",
            best.concept,
            left_out(run),
            best.network,
            best.layer,
            two(best.test),
        )
    } else {
        format!(
            "No concept measure can be read from the features of {}: the highest held-out R\u{b2} \
             is {}",
            left_out(run),
            two(best.test)
        )
    };
    if let Some((paper, null)) = best.paper.zip(best.null) {
        text += &format!(
            " (in sample {}, of which noise alone would give {})",
            two(paper),
            two(null)
        );
    }
    text.push('.');
    Some(text)
}

/// Words and table; `None` without concepts.
pub(super) fn section(run: &Run) -> Option<Section> {
    let widest = run.fits.iter().map(|f| f.features).max()?;
    let example_layer = run
        .fits
        .iter()
        .rev()
        .find(|f| f.features == widest)
        .map(|f| f.layer.clone())?;
    let examples: Vec<Example> = run
        .fits
        .iter()
        .filter(|f| f.layer == example_layer)
        .map(|f| Example {
            concept: f.concept.clone(),
            network: f.network.clone(),
            noise: two(f.null),
            in_sample: two(f.paper),
            held_out: held_out(f),
        })
        .collect();
    Some(Section {
        sentences: sentences(run, &example_layer),
        examples: sorted_by_concept(run, examples, |e| (e.concept.clone(), e.network.clone())),
        example_layer,
        left_out: left_out(run),
        rows: rows(run),
        n: count(run.fits.iter().map(|f| f.n).max().unwrap_or(0)),
    })
}

/// Puts the networks of one concept beneath each other, in the study's order.
fn sorted_by_concept<T>(
    run: &Run,
    mut rows: Vec<T>,
    key: impl Fn(&T) -> (String, String),
) -> Vec<T> {
    let concepts = first_seen(run.fits.iter().map(|f| f.concept.as_str()));
    rows.sort_by_key(|row| {
        let (concept, network) = key(row);
        (
            concepts.iter().position(|c| *c == concept),
            run.place(&network),
        )
    });
    rows
}

fn held_out(fit: &Fit) -> String {
    bracketed(fit.test, fit.interval())
}

fn rows(run: &Run) -> Vec<Row> {
    let rows = run
        .fits
        .iter()
        .map(|f| Row {
            concept: f.concept.clone(),
            network: f.network.clone(),
            layer: f.layer.clone(),
            n: count(f.n),
            features: count(f.features),
            noise: two(f.null),
            in_sample: two(f.paper),
            se: crate::numbers::three(f.paper_se),
            adjusted: two(f.adjusted),
            held_out: two(f.test),
            interval: f
                .interval()
                .map_or_else(|| two(None), |(low, high)| interval(low, high)),
            p: probability(f.p),
            q: probability(f.q),
        })
        .collect();
    sorted_by_concept(run, rows, |r| (r.concept.clone(), r.network.clone()))
}

fn sentences(run: &Run, layer: &str) -> Vec<String> {
    let mut words = Vec::new();
    let example = run
        .fits
        .iter()
        .find(|f| f.layer == layer && f.null.is_some());
    if let Some(fit) = example {
        let mut text = format!(
            "With {} and {}, features that are pure noise give an in-sample R\u{b2} of {} on \
             average",
            counted(fit.features, "feature", "features"),
            counted(fit.n, "patch", "patches"),
            two(fit.null)
        );
        if fit.features >= fit.n {
            text += " (with as many features as patches, a fit is always perfect)";
        }
        text += &format!(
            ". So at {layer} an in-sample value says little by itself; what counts is R\u{b2} on {}.",
            left_out(run)
        );
        words.push(text);
    }
    words.extend(widest_gap(run, layer));
    words.extend(above_zero(run));
    words.extend(significant(run));
    words.extend(rise(run));
    words
}

/// The fit of a layer whose in-sample value promises most beyond what holds.
fn widest_gap(run: &Run, layer: &str) -> Option<String> {
    let of_layer = run.fits.iter().filter(|f| f.layer == layer);
    let gaps = of_layer.filter_map(|f| Some((f, f.paper?, f.test?)));
    let wider = |a: &(_, f64, f64), b: &(_, f64, f64)| b.1 - b.2 > a.1 - a.2;
    let (fit, paper, test) = gaps.reduce(|a, b| if wider(&a, &b) { b } else { a })?;
    (paper > test).then(|| {
        format!(
            "The widest gap there: {} from {} has R\u{b2} {} in sample and {} held out.",
            fit.concept,
            fit.network,
            two(paper),
            two(test)
        )
    })
}

/// In how many fits the held-out interval lies above zero.
fn above_zero(run: &Run) -> Option<String> {
    let known: Vec<(f64, f64)> = run.fits.iter().filter_map(Fit::interval).collect();
    if known.is_empty() {
        return None;
    }
    let above = known.iter().filter(|(low, _)| *low > 0.0).count();
    let below = known.iter().filter(|(_, high)| *high < 0.0).count();
    let mut text = format!(
        "The held-out interval lies above zero in {} of {}",
        count(above),
        counted(known.len(), "fit", "fits")
    );
    if below > 0 {
        text += &format!(
            " and below zero in {}, where the features predict worse than the mean value would",
            count(below)
        );
    }
    text.push('.');
    Some(text)
}

/// In how many fits the permutation test rejects, after control of false discoveries. Shuffled measures can be predicted
/// even worse than badly, so a small q says nothing where the held-out R² is not above zero.
fn significant(run: &Run) -> Option<String> {
    let known: Vec<(f64, f64)> = run.fits.iter().filter_map(|f| f.q.zip(f.test)).collect();
    if known.is_empty() {
        return None;
    }
    let sure = known.iter().filter(|(q, test)| *q < 0.05 && *test > 0.0);
    Some(format!(
        "A permutation test finds more than chance, with a held-out R\u{b2} above zero, in {} of {} (false discovery \
         rate 5%).",
        count(sure.count()),
        counted(known.len(), "fit", "fits")
    ))
}

/// Whether R² rises from the first to the last layer, in sample and held out.
fn rise(run: &Run) -> Option<String> {
    let mut pairs = Vec::new();
    for concept in first_seen(run.fits.iter().map(|f| f.concept.as_str())) {
        let of_concept: Vec<&Fit> = run.fits.iter().filter(|f| f.concept == concept).collect();
        for network in run.ordered(of_concept.iter().map(|f| f.network.as_str())) {
            let mut own = of_concept.iter().filter(|f| f.network == network);
            if let (Some(first), Some(last)) = (own.next(), own.next_back()) {
                pairs.push((*first, *last));
            }
        }
    }
    let rises = |value: fn(&Fit) -> Option<f64>| {
        let known = pairs.iter().filter_map(|(a, b)| value(a).zip(value(b)));
        known.fold((0, 0), |(up, all), (a, b)| {
            (up + usize::from(b > a), all + 1)
        })
    };
    let ((up, all), (held_up, held_all)) = (rises(|f| f.paper), rises(|f| f.test));
    if all == 0 || held_all == 0 {
        return None;
    }
    let layers = first_seen(
        pairs
            .iter()
            .map(|(a, b)| (a.layer.as_str(), b.layer.as_str())),
    );
    let span = match layers.as_slice() {
        [(first, last)] => format!("from {first} to {last}"),
        _ => "from the first layer to the last".to_owned(),
    };
    let mut text = format!(
        "In sample, R\u{b2} rises {span} in {} of {all} curves; held out, in {} of {held_all}",
        count(up),
        count(held_up)
    );
    if up > held_up && pairs.iter().any(|(a, b)| b.features > a.features) {
        text += "; the number of features grows on the way, which by itself raises the in-sample \
                 value";
    }
    text.push('.');
    Some(text)
}
