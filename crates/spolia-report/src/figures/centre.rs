//! How well the centre that a patch comes from is told, by layer.

use super::Svg;
use super::axes::Key;
use super::by_layer::{Curve, Panel, Point, draw as panel};
use super::palette::{SOFT, look};
use super::pen::Stroke;
use crate::Error;
use crate::numbers::{count, two};
use crate::run::{Run, first_seen};

/// Draws one panel; `None` where no centre was told.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn draw(run: &Run) -> Result<Option<Svg>, Error> {
    let Some(first) = run.centres.first() else {
        return Ok(None);
    };
    // The fits' chances differ by their draws alone.
    let known: Vec<f64> = run.centres.iter().filter_map(|c| c.chance).collect();
    let chance = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
    let layers = first_seen(run.centres.iter().map(|c| c.layer.as_str()));
    let mut alt = "Balanced accuracy of telling the centre from a layer's features.".to_owned();
    let mut curves = Vec::new();
    let mut keys = Vec::new();
    for network in run.ordered(run.centres.iter().map(|c| c.network.as_str())) {
        let look = look(run.place(network));
        let own = run.centres.iter().filter(|c| c.network == network);
        let points: Vec<Point> = own
            .filter_map(|c| {
                Some(Point {
                    layer: layers.iter().position(|l| *l == c.layer)?,
                    value: c.accuracy.filter(|v| v.is_finite())?,
                    ends: c.low.zip(c.high),
                })
            })
            .collect();
        for point in &points {
            alt += &format!(" {network}, {}: {}.", layers[point.layer], two(point.value));
        }
        keys.push(Key {
            text: network.to_owned(),
            colour: look.colour,
            stroke: Some(Stroke::Solid),
            look: Some(look),
        });
        curves.push(Curve {
            look,
            stroke: Stroke::Solid,
            points,
        });
    }
    if let Some(chance) = chance {
        keys.push(Key {
            text: format!("chance: {}", two(chance)),
            colour: SOFT,
            stroke: Some(Stroke::Dotted),
            look: None,
        });
    }
    let (centres, n) = (count(first.centres), count(first.n));
    panel(&Panel {
        name: "centre.svg".to_owned(),
        title: &format!("Which of {centres} centres? (n = {n})"),
        label: "balanced accuracy (share)",
        alt,
        layers,
        y: (0.0, 1.0),
        curves,
        level: chance,
        keys,
    })
    .map(Some)
}
