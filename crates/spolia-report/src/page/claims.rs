//! What is left of the paper's three claims about concepts: in sample, held out, at equal dimension.

use serde::Serialize;

use crate::numbers::{count, interval, two};
use crate::run::{Run, first_seen};

/// The subsection.
#[derive(Serialize)]
pub(super) struct Section {
    /// One line a claim.
    claims: Vec<Claim>,
    /// Principal components of the last column.
    components: String,
    /// Patches.
    n: String,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Claim {
    claim: &'static str,
    /// In what is counted.
    of: &'static str,
    in_sample: String,
    held_out: String,
    equal: String,
}

/// A line of controls.csv.
#[derive(Serialize)]
struct Row {
    concept: String,
    network: String,
    layer: String,
    equal: String,
    unique: String,
}

/// R² of a network, layer and concept, measured in one way.
struct Value<'a> {
    network: &'a str,
    layer: &'a str,
    concept: &'a str,
    r2: f64,
}

/// Claims and table; `None` where there are no controls.
pub(super) fn section(run: &Run) -> Option<Section> {
    let first = run.controls.first()?;
    let fits = |of: fn(&crate::run::concepts::Fit) -> Option<f64>| -> Vec<Value<'_>> {
        let known = run.fits.iter().filter_map(|f| Some((f, of(f)?)));
        known
            .map(|(f, r2)| Value {
                network: &f.network,
                layer: &f.layer,
                concept: &f.concept,
                r2,
            })
            .collect()
    };
    let equal: Vec<Value<'_>> = run
        .controls
        .iter()
        .filter_map(|c| {
            Some(Value {
                network: &c.network,
                layer: &c.layer,
                concept: &c.concept,
                r2: c.equal?,
            })
        })
        .collect();
    let ways = [fits(|f| f.paper), fits(|f| f.test), equal];
    let kind = |kind: &str| -> Vec<&str> {
        let found = run.networks.iter().filter(|n| n.about.kind == kind);
        found.map(|n| n.about.name.as_str()).collect()
    };
    let (random, pretrained) = (kind("random"), kind("pretrained"));
    let finetuned = kind("finetuned");
    let claim = |claim, of, counted: &dyn Fn(&[Value<'_>]) -> (usize, usize)| {
        let words = |way: &[Value<'_>]| match counted(way) {
            (_, 0) => "not in this study".to_owned(),
            (holds, all) => format!("{} of {}", count(holds), count(all)),
        };
        Claim {
            claim,
            of,
            in_sample: words(&ways[0]),
            held_out: words(&ways[1]),
            equal: words(&ways[2]),
        }
    };
    let interval_of = |value: Option<f64>, low: Option<f64>, high: Option<f64>| {
        low.zip(high).map_or_else(
            || two(value),
            |(l, h)| format!("{} ({})", two(value), interval(l, h)),
        )
    };
    Some(Section {
        claims: vec![
            claim(
                "R\u{b2} rises with depth",
                "curves of a network and concept, last layer against first",
                &rises,
            ),
            claim(
                "a random network lies below the pretrained one",
                "pairs of concept and layer",
                &|way| compared(way, &pretrained, &random),
            ),
            claim(
                "finetuning raises R\u{b2} above the pretrained network's",
                "pairs of concept and layer",
                &|way| compared(way, &finetuned, &pretrained),
            ),
        ],
        components: count(first.components),
        n: count(first.n),
        rows: run
            .controls
            .iter()
            .map(|c| Row {
                concept: c.concept.clone(),
                network: c.network.clone(),
                layer: c.layer.clone(),
                equal: interval_of(c.equal, c.equal_low, c.equal_high),
                unique: interval_of(c.unique, c.unique_low, c.unique_high),
            })
            .collect(),
    })
}

/// In how many curves the last layer has a higher R² than the first.
fn rises(way: &[Value<'_>]) -> (usize, usize) {
    let curves = first_seen(way.iter().map(|v| (v.network, v.concept)));
    let ends = curves.iter().filter_map(|&(network, concept)| {
        let mut own = way
            .iter()
            .filter(|v| (v.network, v.concept) == (network, concept));
        own.next().zip(own.next_back())
    });
    ends.fold((0, 0), |(up, all), (first, last)| {
        (up + usize::from(last.r2 > first.r2), all + 1)
    })
}

/// In how many concepts and layers a network of `over` has a higher R² than one of `under`.
fn compared(way: &[Value<'_>], over: &[&str], under: &[&str]) -> (usize, usize) {
    let mut found = (0, 0);
    for high in way.iter().filter(|v| over.contains(&v.network)) {
        let same = way.iter().filter(|v| {
            under.contains(&v.network) && (v.layer, v.concept) == (high.layer, high.concept)
        });
        for low in same {
            found.0 += usize::from(high.r2 > low.r2);
            found.1 += 1;
        }
    }
    found
}
