//! Bars: which concepts the logit follows, beside shuffled concepts; the deepest layer large,
//! then each layer small.

use plotters::style::RGBColor;

use super::axes::{Axes, SMALL, Ticks};
use super::palette::{GRID, INK, SOFT, look, pale};
use super::pen::{Drawn, Hang, Pen, Stroke, svg, text_width};
use super::{Svg, file_name};
use crate::Error;
use crate::numbers::count;
use crate::run::relevance::Relevance;
use crate::run::{Run, first_seen};

/// False discovery rate below which a bar counts.
const RATE: f64 = 0.05;
/// Width of a figure, pixels.
const WIDTH: f64 = 400.0;

/// One figure per network that has a logit.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn draw(run: &Run) -> Result<Vec<Svg>, Error> {
    let all = || run.relevance.iter().filter(|r| r.class == "all");
    // One scale for all networks, so that their bars can be compared.
    let reach = all()
        .map(|r| {
            let random = 1.96 * r.br_random_sd.unwrap_or_default();
            r.br.unwrap_or_default().abs().max(band(r)).max(random)
        })
        .fold(0.0, f64::max)
        * 1.25;
    let reach = if reach > 0.0 { reach } else { 0.1 };
    run.ordered(all().map(|r| r.network.as_str()))
        .into_iter()
        .map(|network| {
            let rows: Vec<&Relevance> = all().filter(|r| r.network == network).collect();
            figure(run, network, &rows, reach)
        })
        .collect()
}

/// 1.96 standard deviations of shuffled concepts: half of the gray band.
fn band(r: &Relevance) -> f64 {
    1.96 * r.br_null_sd.unwrap_or_default()
}

/// What every panel of a figure shares.
struct Sheet<'a> {
    concepts: Vec<&'a str>,
    colour: RGBColor,
    /// Largest |Br| of the axis.
    reach: f64,
}

fn figure(run: &Run, network: &str, rows: &[&Relevance], reach: f64) -> Result<Svg, Error> {
    let layers = first_seen(rows.iter().map(|r| r.layer.as_str()));
    let sheet = Sheet {
        concepts: first_seen(rows.iter().map(|r| r.concept.as_str())),
        colour: look(run.place(network)).colour,
        reach,
    };
    let names = sheet.concepts.iter().map(|c| text_width(c, SMALL));
    let left = names.fold(60.0, f64::max) + 34.0;
    let large = 22.0 * sheet.concepts.len() as f64;
    let small = 16.0 * sheet.concepts.len() as f64;
    let block = small + 46.0;
    let multiples = if layers.len() > 1 { &layers[..] } else { &[] };
    let first_top = 56.0 + large + 92.0;
    let height = if multiples.is_empty() {
        56.0 + large + 62.0
    } else {
        first_top + multiples.len().div_ceil(2) as f64 * block + 14.0
    };
    let n = rows.iter().map(|r| r.n).max().unwrap_or(0);
    let name = file_name("relevance", network);
    let description = format!(
        "Bidirectional relevance of {} concepts at {} layers of {network}, {n} patches",
        sheet.concepts.len(),
        layers.len()
    );
    let at = |layer: &str| -> Vec<&Relevance> {
        rows.iter().copied().filter(|r| r.layer == layer).collect()
    };
    let text = svg(&name, (WIDTH, height), &description, |pen| {
        let title = format!("{network}: relevance to the decision");
        pen.text(&title, (8.0, 18.0), 14.0, INK, Hang::After)?;
        if let Some(deepest) = layers.last() {
            let axes = frame((left, WIDTH - 16.0), 56.0, large, &sheet);
            let words = format!("{deepest}, the deepest layer (n = {})", count(n));
            pen.text(&words, (8.0, 42.0), SMALL, INK, Hang::After)?;
            let middle = (axes.top + axes.bottom) / 2.0;
            pen.text("concept", (13.0, middle), SMALL, INK, Hang::Upwards)?;
            bars(pen, &axes, &sheet, &at(deepest), true)?;
            axes.draw_x(pen, &Ticks::round(axes.x, 6), "Br (no unit)")?;
            let y = axes.bottom + 50.0;
            let away = format!("\u{2190} away from {}", run.positive());
            let towards = format!("towards {} \u{2192}", run.positive());
            pen.text(&away, (axes.left, y), SMALL, INK, Hang::After)?;
            pen.text(&towards, (axes.right, y), SMALL, INK, Hang::Before)?;
        }
        for (i, layer) in multiples.iter().enumerate() {
            let wide = (WIDTH - 16.0 - left - 22.0) / 2.0;
            let from = left + (i % 2) as f64 * (wide + 22.0);
            let top = first_top + (i / 2) as f64 * block;
            let axes = frame((from, from + wide), top, small, &sheet);
            pen.text(layer, (from, top - 9.0), SMALL, INK, Hang::After)?;
            bars(pen, &axes, &sheet, &at(layer), i % 2 == 0)?;
            axes.draw_x(pen, &ends_and_zero(axes.x), "")?;
        }
        if multiples.is_empty() {
            return Ok(());
        }
        let words = "Br (no unit), every layer, from input to output";
        let middle = (left + WIDTH - 16.0) / 2.0;
        pen.text(words, (middle, height - 8.0), SMALL, INK, Hang::Middle)
    })?;
    Ok(Svg::new(&name, text))
}

/// The outermost round values and zero: a small panel has no room for more.
fn ends_and_zero(range: (f64, f64)) -> Ticks {
    let mut ticks = Ticks::round(range, 5);
    let outermost = ticks
        .values
        .iter()
        .fold(0.0, |far: f64, v| far.max(v.abs()));
    let shown = |v: &f64| v.abs() < outermost * 1e-6 || v.abs() > outermost * (1.0 - 1e-6);
    ticks.values.retain(shown);
    ticks
}

/// A panel's place; its upward axis counts concepts from the top.
fn frame((left, right): (f64, f64), top: f64, height: f64, sheet: &Sheet<'_>) -> Axes {
    Axes {
        left,
        top,
        right,
        bottom: top + height,
        x: (-sheet.reach, sheet.reach),
        y: (sheet.concepts.len() as f64, 0.0),
    }
}

/// The bars of one layer.
fn bars(pen: &Pen<'_>, axes: &Axes, sheet: &Sheet<'_>, rows: &[&Relevance], named: bool) -> Drawn {
    let (zero, _) = axes.at(0.0, 0.0);
    let line = (axes.bottom - axes.top) / sheet.concepts.len().max(1) as f64;
    let ground = pale(GRID, 0.35);
    pen.fill((axes.left, axes.top), (axes.right, axes.bottom), ground)?;
    for (place, concept) in sheet.concepts.iter().enumerate() {
        let (_, y) = axes.at(0.0, place as f64 + 0.5);
        if named {
            pen.text(concept, (axes.left - 7.0, y), SMALL, SOFT, Hang::Before)?;
        }
        let Some(r) = rows.iter().find(|r| r.concept == *concept) else {
            continue;
        };
        let (low, high) = (axes.at(-band(r), 0.0).0, axes.at(band(r), 0.0).0);
        let half = line * 0.42;
        pen.fill((low, y - half), (high, y + half), pale(INK, 0.22))?;
        if let Some(sd) = r.br_random_sd {
            for end in [-1.96 * sd, 1.96 * sd] {
                let (x, _) = axes.at(end.clamp(-sheet.reach, sheet.reach), 0.0);
                pen.line(&[(x, y - half), (x, y + half)], INK, 1.0, Stroke::Dotted)?;
            }
        }
        let Some(br) = r.br else {
            let words = if line > 20.0 {
                "not told by this layer"
            } else {
                "not told"
            };
            pen.text(words, (zero + 6.0, y), SMALL, SOFT, Hang::After)?;
            continue;
        };
        let sure = r.br_q.is_some_and(|q| q < RATE);
        let shade = if sure {
            sheet.colour
        } else {
            pale(sheet.colour, 0.45)
        };
        let (end, _) = axes.at(br, 0.0);
        let half = line * 0.25;
        let (a, b) = ((zero, y - half), (end, y + half));
        pen.fill((a.0.min(b.0), a.1), (a.0.max(b.0), b.1), shade)?;
        // The edge keeps a pale bar apart from the band in a gray print.
        let edge = [a, (b.0, a.1), b, (a.0, b.1)];
        pen.line(&edge, sheet.colour, 1.2, Stroke::Solid)?;
        if sure {
            let beside = if br < 0.0 { end - 7.0 } else { end + 7.0 };
            pen.text("*", (beside, y + 2.0), 15.0, INK, Hang::Middle)?;
        }
    }
    let ends = [(zero, axes.top), (zero, axes.bottom)];
    pen.line(&ends, INK, 1.0, Stroke::Solid)?;
    let base = [(axes.left, axes.bottom), (axes.right, axes.bottom)];
    pen.line(&base, INK, 1.0, Stroke::Solid)
}
