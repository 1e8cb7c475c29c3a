//! What is left of the paper's three claims about concepts: in sample, held out, at equal dimension.

use serde::Serialize;

use crate::numbers::{count, counted, signed, two};
use crate::run::concepts::Fit;
use crate::run::{Run, first_seen};

/// "Just below" in the second claim: R² lower by less than this.
const JUST: f64 = 0.1;

/// The subsection.
#[derive(Serialize)]
pub(super) struct Section {
    /// The claims judged concept by concept.
    judged: Vec<Judged>,
    /// One row a claim.
    claims: Vec<Claim>,
    /// Principal components of the last column; none without controls.
    components: Option<String>,
    /// Patches.
    n: String,
}

/// A claim, how it is judged, and its verdict in each way of measuring.
#[derive(Serialize)]
struct Judged {
    claim: &'static str,
    how: String,
    ways: Vec<Way>,
    note: Option<String>,
}

/// `held out`, `no`, `1 of 3 concepts (…)`.
#[derive(Serialize)]
struct Way {
    name: String,
    verdict: &'static str,
    figures: String,
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

/// R² of a network, layer and concept, measured in one way.
struct Value<'a> {
    network: &'a str,
    layer: &'a str,
    concept: &'a str,
    r2: f64,
    ends: Ends,
}

/// An interval, where both ends are known.
type Ends = Option<(f64, f64)>;

/// Two values of one concept, of which the claim says that the second is higher.
type Pair<'a> = (&'a Value<'a>, &'a Value<'a>);

/// One claim in one way of measuring.
struct Verdict {
    /// Concepts of which it was measured; of those for which it holds.
    concepts: usize,
    holds: usize,
    /// The median differences of the concepts, least and greatest.
    least: f64,
    greatest: f64,
    /// Pairs; those that differ as claimed.
    pairs: usize,
    higher: usize,
    /// Pairs with intervals; those of them that lie apart as claimed.
    known: usize,
    apart: usize,
}

/// A claim's verdict in each way of measuring; none where it was not measured.
type Verdicts = [Option<Verdict>; 3];

/// Claims; `None` without fits.
pub(super) fn section(run: &Run) -> Option<Section> {
    let n = run.fits.iter().map(|f| f.n).max()?;
    let kind = |kind: &str| -> Vec<&str> {
        let found = run.networks.iter().filter(|n| n.about.kind == kind);
        found.map(|n| n.about.name.as_str()).collect()
    };
    let (random, pretrained) = (kind("random"), kind("pretrained"));
    let finetuned = kind("finetuned");
    let ways = ways(run);
    let higher = |d: f64| d > 0.0;
    let depth = ways.each_ref().map(|way| verdict(&ends(way), higher));
    let below = ways.each_ref().map(|way| {
        let pairs = pairs(way, &random, &pretrained);
        verdict(&pairs, |d| d > 0.0 && d < JUST)
    });
    let gain = ways.each_ref().map(|way| {
        let pairs = pairs(way, &pretrained, &finetuned);
        verdict(&pairs, higher)
    });
    let components = run.controls.first().map(|c| count(c.components));
    let mut names = vec!["in sample".to_owned(), "held out".to_owned()];
    names.extend(
        components
            .as_ref()
            .map(|c| format!("held out at equal dimension ({c} components a layer)")),
    );
    let just = format!(
        "pretrained less random, median over layers, above 0 and below {}",
        two(JUST)
    );
    Some(Section {
        judged: vec![
            Judged {
                claim: "R\u{b2} rises with depth",
                how: "last layer less first, median over networks".to_owned(),
                ways: judged(&names, &depth),
                note: noise(run),
            },
            Judged {
                claim: "A random network lies just below the pretrained one",
                how: just,
                ways: judged(&names, &below),
                note: None,
            },
            Judged {
                claim: "Finetuning improves",
                how: "finetuned less pretrained, median over layers".to_owned(),
                ways: judged(&names, &gain),
                note: None,
            },
        ],
        claims: vec![
            row(
                "R\u{b2} rises with depth",
                "curves of a network and concept, last layer against first",
                &depth,
            ),
            row(
                "a random network lies below the pretrained one",
                "pairs of concept and layer",
                &below,
            ),
            row(
                "finetuning raises R\u{b2} above the pretrained network's",
                "pairs of concept and layer",
                &gain,
            ),
        ],
        components,
        n: counted(n, "patch", "patches"),
    })
}

/// The verdict in each way of measuring.
fn judged(names: &[String], found: &Verdicts) -> Vec<Way> {
    let ways = names.iter().zip(found);
    ways.map(|(name, v)| Way {
        name: name.clone(),
        verdict: v.as_ref().map_or("not in this study", answer),
        figures: v.as_ref().map_or_else(String::new, words),
    })
    .collect()
}

/// The verdict in a word.
fn answer(v: &Verdict) -> &'static str {
    match v.holds {
        k if k == v.concepts => "yes",
        k if 2 * k > v.concepts => "mostly",
        _ => "no",
    }
}

/// A claim counted in single comparisons.
fn row(claim: &'static str, of: &'static str, found: &Verdicts) -> Claim {
    let [in_sample, held_out, equal] = found.each_ref().map(|v| match v {
        Some(v) => format!("{} of {}", count(v.higher), count(v.pairs)),
        None => "not in this study".to_owned(),
    });
    Claim {
        claim,
        of,
        in_sample,
        held_out,
        equal,
    }
}

/// The values in sample, held out and at equal dimension.
fn ways(run: &Run) -> [Vec<Value<'_>>; 3] {
    let fits = |of: fn(&Fit) -> (Option<f64>, Ends)| {
        let known = run.fits.iter().filter_map(|f| {
            let (r2, ends) = of(f);
            Some(Value {
                network: &f.network,
                layer: &f.layer,
                concept: &f.concept,
                r2: r2?,
                ends,
            })
        });
        known.collect::<Vec<_>>()
    };
    let equal = run.controls.iter().filter_map(|c| {
        Some(Value {
            network: &c.network,
            layer: &c.layer,
            concept: &c.concept,
            r2: c.equal?,
            ends: c.equal_ends(),
        })
    });
    [
        fits(|f| (f.paper, None)),
        fits(|f| (f.test, f.interval())),
        equal.collect(),
    ]
}

/// First and last layer of each network and concept that has two.
fn ends<'a>(way: &'a [Value<'a>]) -> Vec<Pair<'a>> {
    let curves = first_seen(way.iter().map(|v| (v.network, v.concept)));
    let ends = curves.iter().filter_map(|&(network, concept)| {
        let mut own = way
            .iter()
            .filter(|v| (v.network, v.concept) == (network, concept));
        own.next().zip(own.next_back())
    });
    ends.collect()
}

/// The networks of `under` and `over` at each concept and layer that both have.
fn pairs<'a>(way: &'a [Value<'a>], under: &[&str], over: &[&str]) -> Vec<Pair<'a>> {
    let mut found = Vec::new();
    for high in way.iter().filter(|v| over.contains(&v.network)) {
        let same = way.iter().filter(|v| {
            under.contains(&v.network) && (v.layer, v.concept) == (high.layer, high.concept)
        });
        found.extend(same.map(|low| (low, high)));
    }
    found
}

/// The median: held-out R² has no lower bound, and a mean follows one layer that fails.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.get(middle) {
        Some(upper) if values.len().is_multiple_of(2) => (values[middle - 1] + upper) / 2.0,
        Some(value) => *value,
        None => f64::NAN,
    }
}

/// Judges a claim by the median difference of each concept; `None` without pairs.
fn verdict(pairs: &[Pair<'_>], holds: impl Fn(f64) -> bool) -> Option<Verdict> {
    let concepts = first_seen(pairs.iter().map(|(low, _)| low.concept));
    let middles: Vec<f64> = concepts
        .iter()
        .map(|concept| {
            let own = pairs.iter().filter(|(low, _)| low.concept == *concept);
            median(own.map(|(low, high)| high.r2 - low.r2).collect())
        })
        .collect();
    let intervals = || {
        pairs
            .iter()
            .filter_map(|(low, high)| low.ends.zip(high.ends))
    };
    let higher = pairs.iter().filter(|(low, high)| high.r2 > low.r2);
    (!middles.is_empty()).then(|| Verdict {
        concepts: middles.len(),
        holds: middles.iter().filter(|d| holds(**d)).count(),
        least: middles.iter().copied().fold(f64::MAX, f64::min),
        greatest: middles.iter().copied().fold(f64::MIN, f64::max),
        pairs: pairs.len(),
        higher: higher.count(),
        known: intervals().count(),
        apart: intervals().filter(|(low, high)| high.0 > low.1).count(),
    })
}

/// `1 of 3 concepts (differences −0.30 to +0.05; …)`.
fn words(v: &Verdict) -> String {
    let of = counted(v.concepts, "concept", "concepts");
    let mut text = format!("{} of {of}", count(v.holds));
    text += &if v.concepts == 1 {
        format!(" (difference {}", signed(v.least))
    } else {
        format!(
            " (differences {} to {}",
            signed(v.least),
            signed(v.greatest)
        )
    };
    if v.known > 0 {
        text += &format!(
            "; intervals apart that way in {} of {}",
            count(v.apart),
            counted(v.known, "comparison", "comparisons")
        );
    }
    text + ")"
}

/// What noise alone would do in sample from the first layer to the last.
fn noise(run: &Run) -> Option<String> {
    let (first, last) = (run.fits.first()?, run.fits.last()?);
    let (low, high) = first.null.zip(last.null)?;
    (high > low).then(|| {
        format!(
            "In sample, noise alone would rise by {} on that way, from {} at {} to {} at {}.",
            two(high - low),
            two(low),
            first.layer,
            two(high),
            last.layer
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failing_layer_does_not_decide() {
        assert!((median(vec![0.1, -38.0, 0.2]) - 0.1).abs() < 1e-12);
        assert!((median(vec![0.3, 0.1]) - 0.2).abs() < 1e-12);
        assert!(median(Vec::new()).is_nan());
    }
}
