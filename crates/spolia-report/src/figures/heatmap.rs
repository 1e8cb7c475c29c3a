//! Heat map of held-out R²: concepts by layers, one figure per network.

use plotters::style::{RGBColor, WHITE};

use super::axes::{Axes, SMALL};
use super::layers;
use super::palette::{GRID, INK, SOFT, viridis};
use super::pen::{Drawn, Hang, Pen, Stroke, svg, text_width};
use super::{Svg, file_name};
use crate::Error;
use crate::numbers::{count, two};
use crate::run::concepts::Fit;
use crate::run::{Run, first_seen};

/// Height of a cell, pixels.
const CELL: f64 = 28.0;
/// Where the cells begin.
const TOP: f64 = 50.0;
/// Least width of a cell: a number must fit.
const NARROWEST: f64 = 36.0;
/// False discovery rate from which a cell is crossed out.
const RATE: f64 = 0.05;

/// A network's map. One of many layers is wider than a phone, which must scroll it.
pub(crate) struct Map {
    pub(crate) svg: Svg,
    /// Width, pixels.
    pub(crate) width: f64,
}

/// One figure per network; none where there are not two concepts and two layers.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn draw(run: &Run) -> Result<Vec<Map>, Error> {
    let concepts = first_seen(run.fits.iter().map(|f| f.concept.as_str()));
    let depths = first_seen(run.fits.iter().map(|f| f.layer.as_str()));
    if concepts.len() < 2 || depths.len() < 2 {
        return Ok(Vec::new());
    }
    run.ordered(run.fits.iter().map(|f| f.network.as_str()))
        .into_iter()
        .map(|network| map(run, network, &concepts, &depths))
        .collect()
}

fn map(run: &Run, network: &str, concepts: &[&str], depths: &[&str]) -> Result<Map, Error> {
    let names = concepts.iter().map(|c| text_width(c, SMALL));
    let left = names.fold(50.0, f64::max) + 12.0;
    let width = ((392.0 - left) / depths.len() as f64).max(NARROWEST);
    let bottom = TOP + CELL * concepts.len() as f64;
    let axes = Axes {
        left,
        top: TOP,
        right: left + width * depths.len() as f64,
        bottom,
        x: (-0.5, depths.len() as f64 - 0.5),
        y: (concepts.len() as f64 - 0.5, -0.5),
    };
    let own = run.fits.iter().filter(|f| f.network == network);
    let cells: Vec<(usize, usize, &Fit)> = own
        .filter_map(|f| {
            let row = concepts.iter().position(|c| *c == f.concept)?;
            let column = depths.iter().position(|l| *l == f.layer)?;
            Some((row, column, f))
        })
        .collect();
    let name = file_name("heatmap", network);
    let n = patches(&cells);
    let title = format!("{network}: held-out R\u{b2} (n = {n})");
    let values: Vec<String> = cells
        .iter()
        .map(|(_, _, f)| format!("{} at {}: {}", f.concept, f.layer, two(f.test)))
        .collect();
    let alt = format!(
        "Held-out R\u{b2} of {} concepts at {} layers of {network}, {n} patches. {}",
        concepts.len(),
        depths.len(),
        values.join("; ")
    );
    let key_top = bottom + layers::height(depths, width);
    let size = ((axes.right + 8.0).max(400.0), key_top + 46.0);
    let text = svg(&name, size, &alt, |pen| {
        pen.text(&title, (8.0, 18.0), 14.0, INK, Hang::After)?;
        let above = (left - 7.0, TOP - 9.0);
        pen.text("concept", above, SMALL, INK, Hang::Before)?;
        for (row, concept) in concepts.iter().enumerate() {
            let (_, y) = axes.at(0.0, row as f64);
            pen.text(concept, (left - 7.0, y), SMALL, SOFT, Hang::Before)?;
            for column in 0..depths.len() {
                let (a, b) = corners(&axes, row, column);
                pen.fill(a, b, GRID)?;
                pen.fill((a.0 + 1.0, a.1 + 1.0), (b.0 - 1.0, b.1 - 1.0), WHITE)?;
            }
        }
        for (row, column, fit) in &cells {
            cell(pen, corners(&axes, *row, *column), fit)?;
        }
        layers::names(pen, &axes, depths, layers::BY_DEPTH)?;
        scale(pen, (8.0, key_top + 6.0))
    })?;
    Ok(Map {
        svg: Svg::new(&name, text),
        width: size.0,
    })
}

/// Patches of the fits, as a range where they differ.
fn patches(cells: &[(usize, usize, &Fit)]) -> String {
    let counts = || cells.iter().map(|(_, _, f)| f.n);
    match (counts().min(), counts().max()) {
        (Some(low), Some(high)) if low < high => format!("{} to {}", count(low), count(high)),
        (least, _) => count(least.unwrap_or(0)),
    }
}

/// Two corners of a cell.
fn corners(axes: &Axes, row: usize, column: usize) -> ((f64, f64), (f64, f64)) {
    (
        axes.at(column as f64 - 0.5, row as f64 - 0.5),
        axes.at(column as f64 + 0.5, row as f64 + 0.5),
    )
}

/// White on dark colours, ink on light ones (relative luminance after ITU-R BT.709).
fn contrast([r, g, b]: [u8; 3]) -> RGBColor {
    let light = 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
    if light < 128.0 { WHITE } else { INK }
}

/// A cell: colour clipped at 0 and 1, the value itself, a cross where chance does as well. Shuffled
/// measures may be predicted even worse than badly: a small q says nothing of an R² below zero.
fn cell(pen: &Pen<'_>, (a, b): ((f64, f64), (f64, f64)), fit: &Fit) -> Drawn {
    let middle = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let Some(value) = fit.test else {
        return pen.text("\u{2013}", middle, SMALL, SOFT, Hang::Middle);
    };
    let [red, green, blue] = viridis(value);
    let colour = RGBColor(red, green, blue);
    let ink = contrast([red, green, blue]);
    let (from, to) = ((a.0 + 0.5, a.1 + 0.5), (b.0 - 0.5, b.1 - 0.5));
    pen.fill(from, to, colour)?;
    let text = two(value);
    if value <= 0.0 || fit.q.is_some_and(|q| q > RATE) {
        pen.line(&[from, to], ink, 1.0, Stroke::Solid)?;
        let other = [(from.0, to.1), (to.0, from.1)];
        pen.line(&other, ink, 1.0, Stroke::Solid)?;
        let half = text_width(&text, SMALL) / 2.0 + 0.5;
        let (x, y) = middle;
        pen.fill((x - half, y - 7.0), (x + half, y + 7.0), colour)?;
    }
    pen.text(&text, middle, SMALL, ink, Hang::Middle)
}

/// The scale of colours and what a cross means.
fn scale(pen: &Pen<'_>, (x, y): (f64, f64)) -> Drawn {
    const WIDE: f64 = 110.0;
    pen.text("0 or less", (x, y + 6.0), SMALL, INK, Hang::After)?;
    let left = x + 58.0;
    for i in 0..55 {
        let [r, g, b] = viridis(f64::from(i) / 54.0);
        let from = left + WIDE * f64::from(i) / 55.0;
        // Up to the end each time: neighbours that only touch leave pale seams.
        pen.fill((from, y), (left + WIDE, y + 12.0), RGBColor(r, g, b))?;
    }
    let right = left + WIDE;
    pen.text("1", (right + 6.0, y + 6.0), SMALL, INK, Hang::After)?;
    let words = "R\u{b2} (no unit)";
    pen.text(words, (right + 26.0, y + 6.0), SMALL, INK, Hang::After)?;
    let (a, b) = ((x, y + 20.0), (x + 20.0, y + 34.0));
    pen.line(&[a, b], INK, 1.0, Stroke::Solid)?;
    pen.line(&[(a.0, b.1), (b.0, a.1)], INK, 1.0, Stroke::Solid)?;
    let words = "no more than chance gives (q > .05, or R\u{b2} not above 0)";
    pen.text(words, (x + 28.0, y + 27.0), SMALL, INK, Hang::After)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_legible_on_their_cells() {
        assert_eq!(contrast(viridis(0.0)), WHITE);
        assert_eq!(contrast(viridis(1.0)), INK);
    }
}
