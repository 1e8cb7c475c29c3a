//! A panel of curves over the layers, with intervals.

use plotters::style::WHITE;

use super::Svg;
use super::axes::{Axes, Key, Ticks, legend, legend_height};
use super::layers;
use super::palette::{Look, SOFT, pale};
use super::pen::{Drawn, Hang, Pen, Stroke, svg, text_width};
use crate::Error;
use crate::numbers::two;

/// Neighbouring curves stand side by side, so that their intervals can be read; in layers.
const DODGE: f64 = 0.13;
/// All curves of a layer stay within this part of it.
const SPREAD: f64 = 0.5;

/// A value at a layer.
pub(super) struct Point {
    pub(super) layer: usize,
    pub(super) value: f64,
    pub(super) ends: Option<(f64, f64)>,
}

/// A curve over the layers.
pub(super) struct Curve {
    pub(super) look: Look,
    pub(super) stroke: Stroke,
    pub(super) points: Vec<Point>,
}

/// What a panel shows.
pub(super) struct Panel<'a> {
    /// File name.
    pub(super) name: String,
    pub(super) title: &'a str,
    /// Title of the upward axis.
    pub(super) label: &'a str,
    pub(super) alt: String,
    pub(super) layers: Vec<&'a str>,
    pub(super) y: (f64, f64),
    pub(super) curves: Vec<Curve>,
    /// A dotted level: chance, or a ceiling.
    pub(super) level: Option<f64>,
    pub(super) keys: Vec<Key>,
}

/// Draws a panel.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(super) fn draw(panel: &Panel<'_>) -> Result<Svg, Error> {
    let bottom = 236.0;
    let axes = Axes {
        left: 50.0,
        top: 34.0,
        right: 392.0,
        bottom,
        x: (-0.5, panel.layers.len() as f64 - 0.5),
        y: panel.y,
    };
    let step = 342.0 / panel.layers.len().max(1) as f64;
    let key_top = bottom + layers::height(&panel.layers, step);
    let size = (400.0, key_top + legend_height(&panel.keys, 384.0) + 6.0);
    let text = svg(&panel.name, size, &panel.alt, |pen| {
        axes.draw_y(pen, &Ticks::round(axes.y, 6), panel.label)?;
        axes.title(pen, panel.title)?;
        layers::names(pen, &axes, &panel.layers, layers::BY_DEPTH)?;
        let across = |level: f64| [axes.at(axes.x.0, level), axes.at(axes.x.1, level)];
        if axes.y.0 < 0.0 {
            pen.line(&across(0.0), SOFT, 1.0, Stroke::Solid)?;
        }
        if let Some(level) = panel.level.filter(|l| (axes.y.0..=axes.y.1).contains(l)) {
            pen.line(&across(level), SOFT, 1.8, Stroke::Dotted)?;
        }
        let dodge = DODGE.min(SPREAD / panel.curves.len().max(1) as f64);
        for (i, one) in panel.curves.iter().enumerate() {
            let shift = (i as f64 - (panel.curves.len() - 1) as f64 / 2.0) * dodge;
            curve(pen, &axes, one, shift)?;
        }
        below(pen, &axes, &panel.curves)?;
        legend(pen, &panel.keys, (10.0, key_top), 384.0)
    })?;
    Ok(Svg::new(&panel.name, text))
}

fn curve(pen: &Pen<'_>, axes: &Axes, one: &Curve, shift: f64) -> Drawn {
    let (bottom, top) = axes.y;
    let place = |p: &Point| axes.at(p.layer as f64 + shift, p.value.clamp(bottom, top));
    for point in &one.points {
        if let Some((low, high)) = point.ends.filter(|ends| ends.1 > bottom && ends.0 < top) {
            let x = point.layer as f64 + shift;
            let bar = [axes.at(x, low.max(bottom)), axes.at(x, high.min(top))];
            pen.line(&bar, pale(one.look.colour, 0.75), 1.5, Stroke::Solid)?;
        }
    }
    let line: Vec<_> = one.points.iter().map(place).collect();
    pen.line(&line, one.look.colour, 1.8, one.stroke)?;
    for point in &one.points {
        if point.value < bottom {
            pen.below(place(point), one.look)?;
        } else {
            pen.mark(place(point), one.look, 3.8)?;
        }
    }
    Ok(())
}

/// Writes the values that lie below the axis above their marks.
fn below(pen: &Pen<'_>, axes: &Axes, curves: &[Curve]) -> Drawn {
    let mut at_layer = vec![0usize; axes.x.1.ceil() as usize];
    for one in curves {
        for point in one.points.iter().filter(|p| p.value < axes.y.0) {
            let Some(rank) = at_layer.get_mut(point.layer) else {
                continue;
            };
            let place = axes.at(point.layer as f64, axes.y.0);
            value_below(pen, place, *rank, one.look, point.value)?;
            *rank += 1;
        }
    }
    Ok(())
}

/// One value that lies below the axis, on white, after its network's marker: the `rank`-th of
/// its layer, counted upwards.
pub(super) fn value_below(
    pen: &Pen<'_>,
    (x, bottom): (f64, f64),
    rank: usize,
    look: Look,
    value: f64,
) -> Drawn {
    let y = bottom - 24.0 - 13.0 * rank as f64;
    let text = two(value);
    let half = text_width(&text, 10.5) / 2.0 + 1.0;
    pen.fill((x - half - 6.0, y - 6.5), (x + half + 6.0, y + 6.5), WHITE)?;
    pen.mark((x - half - 1.0, y), look, 2.8)?;
    pen.text(&text, (x + 5.0, y), 10.5, look.colour, Hang::Middle)
}
