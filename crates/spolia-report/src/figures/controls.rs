//! Controls of R²: all layers at the same dimension, and beyond colour and brightness.

use super::axes::Key;
use super::by_layer::{Curve, Panel, Point, draw as panel};
use super::palette::{INK, Look, SOFT, look, pale};
use super::pen::Stroke;
use super::{Svg, file_name};
use crate::Error;
use crate::numbers::{count, two};
use crate::run::controls::Control;
use crate::run::{Run, first_seen};

/// Below this the axis ends and a mark says so.
const FLOOR: f64 = -0.5;

/// One panel per concept.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn draw(run: &Run) -> Result<Vec<Svg>, Error> {
    first_seen(run.controls.iter().map(|c| c.concept.as_str()))
        .into_iter()
        .map(|concept| of_concept(run, concept))
        .collect()
}

/// A curve of one network: R² and its interval at each layer.
fn curve(
    rows: &[&Control],
    layers: &[&str],
    look: Look,
    stroke: Stroke,
    read: impl Fn(&Control) -> (Option<f64>, Option<(f64, f64)>),
) -> Curve {
    let points = rows.iter().filter_map(|c| {
        let (value, ends) = read(c);
        Some(Point {
            layer: layers.iter().position(|l| *l == c.layer)?,
            value: value?,
            ends,
        })
    });
    Curve {
        look,
        stroke,
        points: points.collect(),
    }
}

fn of_concept(run: &Run, concept: &str) -> Result<Svg, Error> {
    let rows = run.controls.iter().filter(|c| c.concept == concept);
    let rows: Vec<&Control> = rows.collect();
    let layers = first_seen(rows.iter().map(|c| c.layer.as_str()));
    let mut curves = Vec::new();
    let mut keys = Vec::new();
    let mut alt = format!("Controls of R\u{b2} of {concept}.");
    for network in run.ordered(rows.iter().map(|c| c.network.as_str())) {
        let own = rows.iter().copied().filter(|c| c.network == network);
        let own: Vec<&Control> = own.collect();
        let look = look(run.place(network));
        let faint = Look {
            colour: pale(look.colour, 0.55),
            ..look
        };
        let unique = curve(&own, &layers, faint, look.dashes, |c| {
            (c.unique, c.unique_ends())
        });
        let equal = curve(&own, &layers, look, Stroke::Solid, |c| {
            (c.equal, c.equal_ends())
        });
        if let Some((first, last)) = equal.points.first().zip(equal.points.last()) {
            alt += &format!(
                " {network}, equal dimension: {} at {}, {} at {}.",
                two(first.value),
                layers[first.layer],
                two(last.value),
                layers[last.layer]
            );
        }
        curves.extend([unique, equal]);
        keys.push(Key {
            text: network.to_owned(),
            colour: look.colour,
            stroke: Some(Stroke::Solid),
            look: Some(look),
        });
    }
    let kind = |text: &str, stroke, colour| Key {
        text: text.to_owned(),
        colour,
        stroke: Some(stroke),
        look: None,
    };
    keys.push(kind("equal dimension", Stroke::Solid, INK));
    keys.push(kind("beyond colour", Stroke::Dashed, pale(INK, 0.55)));
    let level = rows.iter().find_map(|c| c.ceiling);
    if level.is_some() {
        let words = "blind to augmentation: at most";
        keys.push(kind(words, Stroke::Dotted, SOFT));
    }
    let points = curves.iter().flat_map(|c| &c.points);
    let lowest = points
        .map(|p| p.ends.map_or(p.value, |e| e.0.min(p.value)))
        .fold(0.0, f64::min);
    let low = if lowest < 0.0 {
        ((lowest - 0.05) * 10.0).floor().max(FLOOR * 10.0) / 10.0
    } else {
        0.0
    };
    let n = rows.iter().map(|c| c.n).max().unwrap_or(0);
    panel(&Panel {
        name: file_name("controls", concept),
        title: &format!("{concept} (n = {})", count(n)),
        label: "held-out R\u{b2} (no unit)",
        alt,
        layers,
        y: (low, 1.0),
        curves,
        level,
        keys,
    })
}
