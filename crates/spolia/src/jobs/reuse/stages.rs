//! What became of each stage of a finetuned network: kept, adapted or rebuilt, by its drift against that of two nulls.

use serde::Serialize;

use super::Estimate;
use super::comparisons::Comparison;
use super::scores::{Row, number};

/// What became of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// No further from its start than two finetunings of that start are from each other.
    Kept,
    /// Further than that, and nearer than two random networks are to each other.
    Adapted,
    /// As far from its start as two random networks are from each other.
    Rebuilt,
    /// The nulls are absent or cannot be told apart.
    Undecided,
}

/// A stage of a finetuned network beside its start.
#[derive(Debug, Serialize)]
pub struct Stage {
    /// Its name.
    pub layer: String,
    /// What became of it.
    pub class: Class,
    /// Why that cannot be said, where it cannot.
    pub undecided_because: Option<&'static str>,
    /// CKA with the start on the study's patches.
    pub cka: Option<Estimate>,
    /// The same on natural-like images.
    pub cka_natural: Option<Estimate>,
    /// The lowest of two finetunings with different seeds.
    pub null_retrained: Option<Estimate>,
    /// The highest of two random networks.
    pub null_random: Option<Estimate>,
    /// Mean cosine of a kernel with itself.
    pub kernel_cosine: Option<f64>,
    /// How far the images that excite its channels are apart, beyond two starts of one network's.
    pub visualization: Option<Visualized>,
    /// Held-out R² of concepts before and after.
    pub concepts: Vec<ConceptChange>,
    /// What keeping the network through this stage gave.
    pub reuse: Option<Reused>,
}

/// Dissimilarity of images in a third network's features.
#[derive(Debug, Serialize)]
pub struct Visualized {
    /// Between the networks less between two starts.
    pub excess: Estimate,
    /// Adjusted for all rows of the table.
    pub q_value: Option<f64>,
}

/// A concept at a stage.
#[derive(Debug, Serialize)]
pub struct ConceptChange {
    /// The concept.
    pub concept: String,
    /// In the start.
    pub r2_before: Estimate,
    /// In the finetuned network.
    pub r2_after: Estimate,
}

/// An arm of the sweep whose cut is the stage.
#[derive(Debug, Clone, Serialize)]
pub struct Reused {
    /// Its name.
    pub arm: String,
    /// AUC less that of keeping all.
    pub difference: Estimate,
    /// Adjusted p of the difference.
    pub p_holm: f64,
    /// `better`, `as-good`, `worse` or `undecided`.
    pub verdict: &'static str,
}

/// A network and the one that it was finetuned from.
#[derive(Debug, Serialize)]
pub struct Finetuned {
    /// The start.
    pub before: String,
    /// The finetuned network.
    pub after: String,
    /// Stages in the order of drift.csv.
    pub stages: Vec<Stage>,
}

/// The tables that are joined.
pub struct Tables {
    /// drift.csv.
    pub drift: Vec<Row>,
    /// natural.csv.
    pub natural: Vec<Row>,
    /// comparison.csv of the visualizations.
    pub visualized: Vec<Row>,
    /// r2.csv of the concepts.
    pub concepts: Vec<Row>,
}

/// Classes of a stage's CKA, and why not.
///
/// Kept and rebuilt are by overlap of 95 % intervals: kept where that of the change reaches up to the retrained null's,
/// rebuilt where it reaches down to the random null's; where both, nothing can be said.
pub fn class(
    cka: Option<Estimate>,
    retrained: Option<Estimate>,
    random: Option<Estimate>,
) -> (Class, Option<&'static str>) {
    let because = |why| (Class::Undecided, Some(why));
    let Some(cka) = cka else {
        return because("its answers do not vary, or too few patients say how sure the CKA is");
    };
    match (retrained, random) {
        (None, None) => because("the study has neither null"),
        (None, _) => because("no two networks differ by the seed of their finetuning alone"),
        (_, None) => because("there are no two random networks"),
        (Some(retrained), Some(random)) => {
            let like_retrained = cka.high >= retrained.low;
            let like_random = cka.low <= random.high;
            match (like_retrained, like_random) {
                (true, false) => (Class::Kept, None),
                (false, true) => (Class::Rebuilt, None),
                (false, false) => (Class::Adapted, None),
                (true, true) => {
                    because("here two finetunings are no more alike than two random networks")
                }
            }
        }
    }
}

/// Joins what the tables say of a pair of networks. `reused` gives the comparison of the arm cut behind a stage.
pub fn finetuned(
    (before, after): (&str, &str),
    tables: &Tables,
    reused: &dyn Fn(&str) -> Option<Reused>,
) -> Finetuned {
    let pair = |row: &&Row| is(row, "before", before) && is(row, "after", after);
    let stages = tables.drift.iter().filter(pair).map(|row| {
        let layer = row.get("layer").map_or("", String::as_str);
        let at = |r: &&Row| is(r, "layer", layer);
        let null = |kind: &str, with: Option<&str>| -> Vec<Estimate> {
            let rows = tables.drift.iter().filter(at);
            let own = rows.filter(|r| {
                let with = with.is_none_or(|n| is(r, "before", n) || is(r, "after", n));
                is(r, "kind", kind) && with
            });
            own.filter_map(|r| estimate(r, "cka")).collect()
        };
        let mut retrained = null("retrained", Some(after));
        if retrained.is_empty() {
            retrained = null("retrained", None);
        }
        let lowest = retrained
            .into_iter()
            .reduce(|a, b| if b.low < a.low { b } else { a });
        let random = null("random", None);
        let highest = random
            .into_iter()
            .reduce(|a, b| if b.high > a.high { b } else { a });
        let cka = estimate(row, "cka");
        let (class, undecided_because) = class(cka, lowest, highest);
        let natural = tables.natural.iter().filter(pair).find(at);
        let drawn = tables
            .visualized
            .iter()
            .filter(pair)
            .find(|r| at(r) && is(r, "measure", "features"));
        Stage {
            layer: layer.to_string(),
            class,
            undecided_because,
            cka,
            cka_natural: natural.and_then(|r| estimate(r, "cka")),
            null_retrained: lowest,
            null_random: highest,
            kernel_cosine: number(row, "kernel_cosine"),
            visualization: drawn.and_then(|r| {
                Some(Visualized {
                    excess: estimate(r, "excess")?,
                    q_value: number(r, "q_value"),
                })
            }),
            concepts: changes(&tables.concepts, layer, before, after),
            reuse: reused(layer),
        }
    });
    Finetuned {
        before: before.to_string(),
        after: after.to_string(),
        stages: stages.collect(),
    }
}

fn changes(r2: &[Row], layer: &str, before: &str, after: &str) -> Vec<ConceptChange> {
    let of = |network: &str, concept: &str| {
        let row = r2.iter().find(|r| {
            is(r, "network", network) && is(r, "layer", layer) && is(r, "concept", concept)
        });
        estimate(row?, "r2_test")
    };
    let own = r2
        .iter()
        .filter(|r| is(r, "network", after) && is(r, "layer", layer));
    own.filter_map(|row| {
        let concept = row.get("concept")?;
        Some(ConceptChange {
            concept: concept.clone(),
            r2_before: of(before, concept)?,
            r2_after: of(after, concept)?,
        })
    })
    .collect()
}

impl Reused {
    /// The comparison with keeping all, of an arm.
    pub fn of(comparison: &Comparison, margin: f64) -> Self {
        Self {
            arm: comparison.arm.clone(),
            difference: comparison.difference,
            p_holm: comparison.p_holm,
            verdict: comparison.verdict(margin),
        }
    }
}

fn is(row: &Row, column: &str, value: &str) -> bool {
    row.get(column).is_some_and(|v| v == value)
}

fn estimate(row: &Row, column: &str) -> Option<Estimate> {
    Some(Estimate {
        value: number(row, column)?,
        low: number(row, &format!("{column}_low"))?,
        high: number(row, &format!("{column}_high"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(low: f64, high: f64) -> Option<Estimate> {
        let value = (low + high) / 2.0;
        Some(Estimate { value, low, high })
    }

    #[test]
    fn a_stage_is_classed_by_both_nulls() {
        let (retrained, random) = (at(0.9, 0.95), at(0.2, 0.3));
        let of = |cka| class(cka, retrained, random).0;
        assert_eq!(of(at(0.97, 0.99)), Class::Kept);
        assert_eq!(of(at(0.88, 0.91)), Class::Kept);
        assert_eq!(of(at(0.5, 0.6)), Class::Adapted);
        assert_eq!(of(at(0.1, 0.25)), Class::Rebuilt);
        assert_eq!(of(at(0.28, 0.5)), Class::Rebuilt);
        assert_eq!(of(at(0.25, 0.92)), Class::Undecided);
        assert_eq!(of(None), Class::Undecided);
        assert_eq!(class(at(0.97, 0.99), None, random).0, Class::Undecided);
        assert_eq!(class(at(0.97, 0.99), retrained, None).0, Class::Undecided);
        // Two random networks are as alike as two finetunings.
        assert_eq!(
            class(at(0.9, 0.99), retrained, at(0.85, 0.94)).0,
            Class::Undecided
        );
    }
}
