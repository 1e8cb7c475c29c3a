//! How far two networks' images of the same channels are apart, by depth, beside images from two starts of one network.

use super::Svg;
use super::axes::Key;
use super::by_layer::{Curve, Panel, Point, draw as panel};
use super::file_name;
use super::palette::{Look, SOFT, look, pale};
use super::pen::Stroke;
use crate::Error;
use crate::numbers::two;
use crate::run::comparison::Compared;
use crate::run::judged::Estimate;
use crate::run::{Run, first_seen};

/// What is drawn of the table, with the axis's words.
const DRAWN: [(&str, &str); 4] = [
    ("features", "dissimilarity in a third network (no unit)"),
    (
        "lost_activation",
        "share of activation lost on the other's image",
    ),
    ("compressed_bits", "change of compressed size, bits/px"),
    ("high_frequency", "change of the share of high frequencies"),
];

/// A panel for each measure and pair of networks.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn draw(run: &Run) -> Result<Vec<Svg>, Error> {
    let mut drawn = Vec::new();
    for pair in first_seen(run.compared.iter().map(Compared::pair)) {
        for (measure, label) in DRAWN {
            let rows: Vec<&Compared> = run
                .compared
                .iter()
                .filter(|c| c.pair() == pair && c.measure == measure)
                .collect();
            if !rows.is_empty() {
                drawn.push(one(run, &pair, &rows, (measure, label))?);
            }
        }
    }
    Ok(drawn)
}

fn one(
    run: &Run,
    pair: &str,
    rows: &[&Compared],
    (measure, label): (&str, &str),
) -> Result<Svg, Error> {
    let layers = first_seen(rows.iter().map(|r| r.layer.as_str()));
    let of = |value: fn(&Compared) -> Estimate| -> Vec<Point> {
        let points = rows.iter().filter_map(|r| {
            let estimate = value(r);
            Some(Point {
                layer: layers.iter().position(|l| *l == r.layer)?,
                value: estimate.value,
                ends: estimate.ends,
            })
        });
        points.collect()
    };
    let own = look(rows.first().map_or(0, |r| run.place(&r.after)));
    let null = Look {
        colour: pale(SOFT, 0.8),
        open: true,
        ..own
    };
    let curves = vec![
        Curve {
            look: null,
            stroke: Stroke::Dashed,
            points: of(|r| r.null),
        },
        Curve {
            look: own,
            stroke: Stroke::Solid,
            points: of(|r| r.between),
        },
    ];
    let mut alt = format!("{pair}, {label}.");
    for r in rows {
        alt += &format!(
            " {}: {}, from two starts {}.",
            r.layer,
            two(r.between.value),
            two(r.null.value)
        );
    }
    let values = curves.iter().flat_map(|c| &c.points).flat_map(|p| {
        let (low, high) = p.ends.unwrap_or((p.value, p.value));
        [low, high, p.value]
    });
    let (low, high) = values.fold((0.0, 0.0), |(l, h): (f64, f64), v| (l.min(v), h.max(v)));
    let room = f64::max(0.06 * (high - low), 0.01);
    let low = if low < 0.0 { low - room } else { 0.0 };
    let key = |text: &str, look: Look, stroke| Key {
        text: text.to_owned(),
        colour: look.colour,
        stroke: Some(stroke),
        look: Some(look),
    };
    let n = rows.iter().map(|r| r.channels).max().unwrap_or(0);
    panel(&Panel {
        name: file_name(
            "comparison",
            &format!("{}_{measure}", rows.first().map_or("", |r| &r.after)),
        ),
        title: &format!("{pair} ({n} channels a layer)"),
        label,
        alt,
        layers,
        y: (low, high + room),
        curves,
        level: None,
        keys: vec![
            key("between the networks", own, Stroke::Solid),
            key("between two starts of one network", null, Stroke::Dashed),
        ],
    })
}
