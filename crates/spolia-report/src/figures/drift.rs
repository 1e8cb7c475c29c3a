//! How alike layers of two networks are, by depth: in what they answer, and in their weights.

use super::Svg;
use super::axes::Key;
use super::by_layer::{Curve, Panel, Point, draw as panel};
use super::palette::{Look, look, pale};
use super::pen::Stroke;
use crate::Error;
use crate::numbers::{count, two};
use crate::run::drift::Drift;
use crate::run::{Run, first_seen};

/// What a panel shows of a layer: the value and its ends.
type Value = fn(&Drift) -> (Option<f64>, Option<(f64, f64)>);

/// Draws a panel of answers and one of weights; none without the table.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn draw(run: &Run) -> Result<Vec<Svg>, Error> {
    let Some(first) = run.drift.first() else {
        return Ok(Vec::new());
    };
    let answers: Value = |d| (d.cka, d.low.zip(d.high));
    let weights: Value = |d| (d.kernel_cosine, None);
    let n = count(first.n);
    let mut drawn = vec![
        one(
            &run.drift,
            "drift_answers",
            &format!("Answers (n = {n})"),
            "CKA, debiased (no unit)",
            answers,
        )?,
        one(
            &run.drift,
            "drift_weights",
            "Weights",
            "mean cosine of a kernel with itself",
            weights,
        )?,
    ];
    if let Some(first) = run.natural.first() {
        let title = format!("Answers to natural-like images (n = {})", count(first.n));
        let label = "CKA, debiased (no unit)";
        drawn.push(one(&run.natural, "drift_natural", &title, label, answers)?);
    }
    Ok(drawn)
}

fn one(drift: &[Drift], name: &str, title: &str, label: &str, value: Value) -> Result<Svg, Error> {
    let layers = first_seen(drift.iter().map(|d| d.layer.as_str()));
    let pairs = first_seen(drift.iter().map(Drift::pair));
    let mut alt = format!("{title}: {label}.");
    let (mut curves, mut keys) = (Vec::new(), Vec::new());
    for (place, pair) in pairs.iter().enumerate() {
        let own: Vec<&Drift> = drift.iter().filter(|d| d.pair() == *pair).collect();
        let null = own.first().is_some_and(|d| d.is_null());
        let base = look(place);
        let (look, stroke) = if null {
            let colour = pale(base.colour, 0.6);
            (Look { colour, ..base }, Stroke::Dashed)
        } else {
            (base, Stroke::Solid)
        };
        let points: Vec<Point> = own
            .iter()
            .filter_map(|d| {
                let (value, ends) = value(d);
                Some(Point {
                    layer: layers.iter().position(|l| *l == d.layer)?,
                    value: value?,
                    ends,
                })
            })
            .collect();
        for point in &points {
            alt += &format!(" {pair}, {}: {}.", layers[point.layer], two(point.value));
        }
        let words = match own.first().map(|d| d.kind.as_str()) {
            Some("retrained") => format!("{pair} (null: another seed)"),
            Some("random") => format!("{pair} (null: both random)"),
            _ => pair.clone(),
        };
        keys.push(Key {
            text: words,
            colour: look.colour,
            stroke: Some(stroke),
            look: Some(look),
        });
        curves.push(Curve {
            look,
            stroke,
            points,
        });
    }
    let lowest = curves
        .iter()
        .flat_map(|c| &c.points)
        .map(|p| p.ends.map_or(p.value, |e| e.0.min(p.value)))
        .fold(0.0, f64::min);
    panel(&Panel {
        name: format!("{name}.svg"),
        title,
        label,
        alt,
        layers,
        y: (if lowest < 0.0 { -0.2 } else { 0.0 }, 1.0),
        curves,
        level: None,
        keys,
    })
}
