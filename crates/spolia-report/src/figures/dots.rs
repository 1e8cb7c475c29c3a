//! A panel of estimates in rows, one marker per network, with intervals.

use super::Svg;
use super::axes::{Axes, Key, SMALL, Ticks, legend, legend_height};
use super::palette::{GRID, INK, Look, SOFT, pale};
use super::pen::{Hang, Stroke, svg, text_width};
use crate::Error;
use crate::numbers::two;
use crate::run::judged::Estimate;

/// Width of a panel, pixels.
const WIDTH: f64 = 400.0;
/// Height of a marker's line, pixels.
const LINE: f64 = 13.0;

/// One row: a method, a baseline, a side of morphology.
pub(super) struct Line<'a> {
    pub(super) label: &'a str,
    /// Whether it is a baseline, set apart from the rows above it.
    pub(super) baseline: bool,
    /// An estimate for each network that has one.
    pub(super) points: Vec<(Look, Estimate)>,
}

/// What a panel shows.
pub(super) struct Panel<'a> {
    /// File name.
    pub(super) name: String,
    pub(super) title: String,
    /// Title of the axis, with its unit.
    pub(super) label: &'a str,
    pub(super) alt: String,
    pub(super) lines: Vec<Line<'a>>,
    /// A dotted level: chance, or no effect.
    pub(super) level: Option<f64>,
    pub(super) keys: Vec<Key>,
}

/// Draws a panel.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(super) fn draw(panel: &Panel<'_>) -> Result<Svg, Error> {
    let names = panel.lines.iter().map(|l| text_width(l.label, SMALL));
    let left = names.fold(60.0, f64::max) + 14.0;
    let heights: Vec<f64> = panel
        .lines
        .iter()
        .map(|l| LINE * l.points.len().max(1) as f64 + 8.0)
        .collect();
    let top = 34.0;
    let bottom = top + heights.iter().sum::<f64>();
    let axes = Axes {
        left,
        top,
        right: WIDTH - 16.0,
        bottom,
        x: range(panel),
        y: (0.0, 1.0),
    };
    let key_top = bottom + 42.0;
    let size = (
        WIDTH,
        key_top + legend_height(&panel.keys, WIDTH - 16.0) + 6.0,
    );
    let mut alt = panel.alt.clone();
    for line in &panel.lines {
        let values: Vec<String> = line.points.iter().map(|p| two(p.1.value)).collect();
        alt += &format!(" {}: {}.", line.label, values.join(", "));
    }
    let text = svg(&panel.name, size, &alt, |pen| {
        axes.title(pen, &panel.title)?;
        let ticks = Ticks::round(axes.x, 5);
        for &value in &ticks.values {
            let x = axes.at(value, 0.0).0;
            pen.line(&[(x, top), (x, bottom)], GRID, 1.0, Stroke::Solid)?;
        }
        if let Some(level) = panel.level.filter(|l| (axes.x.0..=axes.x.1).contains(l)) {
            let x = axes.at(level, 0.0).0;
            pen.line(&[(x, top), (x, bottom)], SOFT, 1.8, Stroke::Dotted)?;
        }
        let mut y = top;
        for (line, height) in panel.lines.iter().zip(&heights) {
            if line.baseline {
                let ground = pale(GRID, 0.45);
                pen.fill((0.0, y), (left - 6.0, y + height), ground)?;
            }
            let ink = if line.baseline { SOFT } else { INK };
            let middle = y + height / 2.0;
            pen.text(line.label, (left - 9.0, middle), SMALL, ink, Hang::Before)?;
            for (k, (look, estimate)) in line.points.iter().enumerate() {
                let at = y + 4.0 + LINE * (k as f64 + 0.5);
                if let Some((low, high)) = estimate.ends {
                    let ends = [(axes.at(low, 0.0).0, at), (axes.at(high, 0.0).0, at)];
                    pen.line(&ends, look.colour, 1.8, Stroke::Solid)?;
                }
                pen.mark((axes.at(estimate.value, 0.0).0, at), *look, 3.8)?;
            }
            y += height;
        }
        axes.draw_x(pen, &ticks, panel.label)?;
        legend(pen, &panel.keys, (10.0, key_top), WIDTH - 16.0)
    })?;
    Ok(Svg::new(&panel.name, text))
}

/// All estimates, their intervals and the level, with some room.
fn range(panel: &Panel<'_>) -> (f64, f64) {
    let points = panel.lines.iter().flat_map(|l| &l.points).map(|p| p.1);
    let values = points.flat_map(|e| {
        let (low, high) = e.ends.unwrap_or((e.value, e.value));
        [e.value, low, high]
    });
    let (mut low, mut high) = values
        .chain(panel.level)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
    if low > high {
        (low, high) = (0.0, 1.0);
    }
    let room = f64::max(0.06 * (high - low), 0.01);
    (low - room, high + room)
}
