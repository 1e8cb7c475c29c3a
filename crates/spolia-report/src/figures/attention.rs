//! What was asked of the maps, drawn: faithfulness, what they fall on, atypia, and maps under random weights.

use super::axes::Key;
use super::by_layer::{Curve, Panel as Curves, Point, draw as curves};
use super::dots::{Line, Panel, draw as panel};
use super::palette::look;
use super::pen::Stroke;
use super::{Svg, file_name};
use crate::Error;
use crate::numbers::count;
use crate::run::judged::{Estimate, Measured};
use crate::run::{Run, first_seen};

/// Maps that know nothing, or know the mask itself, come after the methods.
pub(crate) const BASELINES: [&str; 4] = ["random", "centre", "stain", "mask"];

/// What a measure is called on the axis.
pub(crate) fn measure_words(measure: &str) -> &str {
    match measure {
        "insertion" => "area under insertion (high is faithful)",
        "deletion" => "area under deletion (low is faithful)",
        "road" => "ROAD (high is faithful, 0 is chance)",
        "average_drop" => "average drop (low is faithful)",
        "increase" => "share with an increase (high is faithful)",
        "sensitivity_n" => "sensitivity-n, correlation (high is faithful)",
        "pointing" => "maximum within the region, share of patches",
        "energy" => "share of the map's sum within the region",
        "top_share" => "share of the strongest pixels within the region",
        "enrichment" => "enrichment of the region (1 is chance)",
        "auc" => "AUC of the map as a detector of the region",
        other => other,
    }
}

/// What a region is called.
pub(crate) fn target_words(target: &str) -> &str {
    match target {
        "segmented_nuclei" => "segmented nuclei",
        "annotation" => "annotated tumor",
        target => target,
    }
}

/// What a baseline is called.
pub(crate) fn map_words(map: &str) -> &str {
    match map {
        "random" => "random map",
        "centre" => "centred blob",
        "stain" => "stain alone",
        "mask" => "the mask itself",
        method => method,
    }
}

/// Panels of insertion, deletion and ROAD.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn faithfulness(run: &Run) -> Result<Vec<Svg>, Error> {
    means(
        run,
        &run.judged.faithfulness,
        &["insertion", "deletion", "road"],
        "faithfulness",
    )
}

/// Panels of enrichment and AUC.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn localization(run: &Run) -> Result<Vec<Svg>, Error> {
    means(
        run,
        &run.judged.localization,
        &["enrichment", "auc"],
        "localization",
    )
}

fn means(run: &Run, rows: &[Measured], measures: &[&str], stem: &str) -> Result<Vec<Svg>, Error> {
    let mut drawn = Vec::new();
    for target in first_seen(rows.iter().map(|r| r.target.as_str())) {
        for measure in measures {
            let own: Vec<&Measured> = rows
                .iter()
                .filter(|r| r.target == target && r.measure == *measure)
                .collect();
            let Some(first) = own.first() else { continue };
            let mut maps = first_seen(own.iter().map(|r| r.method.as_str()));
            maps.sort_by_key(|map| BASELINES.iter().position(|b| b == map).map_or(0, |k| k + 1));
            let networks = run.ordered(own.iter().map(|r| r.network.as_str()));
            let lines = maps.into_iter().map(|map| Line {
                label: map_words(map),
                baseline: BASELINES.contains(&map),
                points: points(run, &networks, |network| {
                    let row = own.iter().find(|r| r.network == network && r.method == map);
                    row.map(|r| r.mean)
                }),
            });
            let n = own.iter().map(|r| r.n).max().unwrap_or(0);
            let title = match target {
                "" => format!("{} (n = {})", first.layer, count(n)),
                target => format!(
                    "{}, {} (n = {})",
                    target_words(target),
                    first.layer,
                    count(n)
                ),
            };
            drawn.push(panel(&Panel {
                name: file_name(
                    stem,
                    format!(
                        "{target}{}{measure}",
                        if target.is_empty() { "" } else { "_" }
                    )
                    .as_str(),
                ),
                label: measure_words(measure),
                alt: format!("{}, {title}.", measure_words(measure)),
                title,
                lines: lines.collect(),
                level: first
                    .chance
                    .filter(|_| ["enrichment", "auc"].contains(measure))
                    .or((*measure == "road").then_some(0.0)),
                keys: keys(run, &networks),
            })?);
        }
    }
    Ok(drawn)
}

/// One panel per method: how attention on a nucleus changes with each side of its morphology.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn atypia(run: &Run) -> Result<Vec<Svg>, Error> {
    let rows = &run.judged.atypia;
    let mut drawn = Vec::new();
    let kinds = first_seen(rows.iter().map(|r| (r.target.as_str(), r.method.as_str())));
    for (target, method) in kinds {
        let own: Vec<_> = rows
            .iter()
            .filter(|r| r.target == target && r.method == method)
            .collect();
        let Some(first) = own.first() else { continue };
        let networks = run.ordered(own.iter().map(|r| r.network.as_str()));
        let shapes = first_seen(own.iter().map(|r| r.morphology.as_str()));
        let lines = shapes.into_iter().map(|shape| Line {
            label: shape,
            baseline: shape != "atypia",
            points: points(run, &networks, |network| {
                let row = own
                    .iter()
                    .find(|r| r.network == network && r.morphology == shape);
                row.and_then(|r| r.slope)
            }),
        });
        let n = count(first.nuclei);
        let title = format!("{method}, {} (n = {n})", first.layer);
        drawn.push(panel(&Panel {
            name: file_name("atypia", &format!("{target}_{method}")),
            label: "attention, SD per SD, area and stain fixed",
            alt: format!("Slopes of attention on the morphology of nuclei, {title}."),
            title,
            lines: lines.collect(),
            level: Some(0.0),
            keys: keys(run, &networks),
        })?);
    }
    Ok(drawn)
}

fn points(
    run: &Run,
    networks: &[&str],
    of: impl Fn(&str) -> Option<Estimate>,
) -> Vec<(super::palette::Look, Estimate)> {
    networks
        .iter()
        .filter_map(|network| Some((look(run.place(network)), of(network)?)))
        .collect()
}

fn keys(run: &Run, networks: &[&str]) -> Vec<Key> {
    networks
        .iter()
        .map(|network| {
            let look = look(run.place(network));
            Key {
                text: (*network).to_owned(),
                colour: look.colour,
                stroke: None,
                look: Some(look),
            }
        })
        .collect()
}

/// One panel per network: the rank correlation of maps with those under weights that are random from a stage on.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn sanity(run: &Run) -> Result<Vec<Svg>, Error> {
    let rows = &run.judged.sanity;
    let mut drawn = Vec::new();
    for network in run.ordered(rows.iter().map(|r| r.network.as_str())) {
        let own: Vec<_> = rows.iter().filter(|r| r.network == network).collect();
        let mut stages = first_seen(own.iter().map(|r| r.stage.as_str()));
        // The table goes from the logits down, the axis from input to output.
        stages.reverse();
        let methods = first_seen(own.iter().map(|r| r.method.as_str()));
        let (mut lines, mut keys) = (Vec::new(), Vec::new());
        for (place, method) in methods.iter().enumerate() {
            let look = look(place + 1);
            let points = own
                .iter()
                .rev()
                .filter(|r| r.method == *method)
                .filter_map(|r| {
                    Some(Point {
                        layer: stages.iter().position(|s| *s == r.stage)?,
                        value: r.rho?,
                        ends: None,
                    })
                });
            lines.push(Curve {
                look,
                stroke: Stroke::Solid,
                points: points.collect(),
            });
            keys.push(Key {
                text: (*method).to_owned(),
                colour: look.colour,
                stroke: Some(Stroke::Solid),
                look: Some(look),
            });
        }
        let n = own.iter().map(|r| r.patches + r.flat).max().unwrap_or(0);
        let title = format!(
            "{network}, random from here to the logits (n = {})",
            count(n)
        );
        let lowest = lines
            .iter()
            .flat_map(|l| &l.points)
            .map(|p| p.value)
            .fold(0.0, f64::min);
        drawn.push(curves(&Curves {
            name: file_name("sanity", network),
            title: &title,
            label: "rank correlation of maps",
            alt: format!("Rank correlation of attention maps with those of {network} made random stage by stage."),
            layers: stages,
            y: (if lowest < 0.0 { (lowest * 5.0).floor() / 5.0 } else { 0.0 }, 1.0),
            curves: lines,
            level: None,
            keys,
        })?);
    }
    Ok(drawn)
}
