//! The first layer's kernels of every network, side by side.

use plotters::style::RGBColor;

use super::Svg;
use super::axes::SMALL;
use super::palette::INK;
use super::pen::{Hang, svg, text_width};
use crate::Error;
use crate::run::Run;
use crate::run::filters::Filter;

/// Kernels of a row, and most of them drawn.
const ROW: usize = 16;
const MOST: usize = 64;
/// Side of a kernel and the gap between two, pixels.
const SIDE: f64 = 26.0;
const GAP: f64 = 5.0;
/// Height of a network's name.
const NAME: f64 = 20.0;

/// Draws them; none without the table.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn draw(run: &Run) -> Result<Option<Svg>, Error> {
    let networks = run.ordered(run.filters.iter().map(|f| f.network.as_str()));
    if networks.is_empty() {
        return Ok(None);
    }
    let count = 1 + run.filters.iter().map(|f| f.filter).max().unwrap_or(0);
    let shown = count.min(MOST);
    let size = 1 + run
        .filters
        .iter()
        .map(|f| f.row.max(f.column))
        .max()
        .unwrap_or(0);
    // A kernel's strongest weight in any network is as dark or light as can be, so that networks can be compared.
    let mut strongest = vec![0.0_f64; count];
    for f in &run.filters {
        let most = f.rgb.iter().fold(0.0, |m: f64, w| m.max(w.abs()));
        strongest[f.filter] = strongest[f.filter].max(most);
    }
    let lines = shown.div_ceil(ROW);
    let block = NAME + lines as f64 * (SIDE + GAP) + 8.0;
    let longest = networks.iter().map(|n| text_width(n, SMALL));
    let width = (ROW as f64 * (SIDE + GAP)).max(longest.fold(0.0, f64::max)) + 10.0;
    let alt = format!(
        "The first {shown} of {count} kernels of the first layer, {size} x {size} weights each, of {}.",
        networks.join(", ")
    );
    let cell = SIDE / size as f64;
    let name = "filters.svg";
    let text = svg(name, (width, block * networks.len() as f64), &alt, |pen| {
        for (place, network) in networks.iter().enumerate() {
            let top = block * place as f64;
            pen.text(network, (4.0, top + 10.0), SMALL, INK, Hang::After)?;
            let own = run
                .filters
                .iter()
                .filter(|f| f.network == *network && f.filter < shown);
            for f in own {
                let left = 4.0 + (f.filter % ROW) as f64 * (SIDE + GAP);
                let above = top + NAME + (f.filter / ROW) as f64 * (SIDE + GAP);
                let (x, y) = (left + f.column as f64 * cell, above + f.row as f64 * cell);
                let colour = shade(f, strongest[f.filter]);
                // A little into the next weight, which is drawn over it: else white shines between them.
                let right = (x + cell + 0.4).min(left + SIDE);
                let bottom = (y + cell + 0.4).min(above + SIDE);
                pen.fill((x, y), (right, bottom), colour)?;
            }
        }
        Ok(())
    })?;
    Ok(Some(Svg::new(name, text)))
}

/// Mid-gray at 0, black and white at minus and plus the strongest weight.
fn shade(filter: &Filter, strongest: f64) -> RGBColor {
    let [r, g, b] = filter.rgb.map(|w| {
        let part = if strongest > 0.0 { w / strongest } else { 0.0 };
        (127.5 + 127.5 * part.clamp(-1.0, 1.0)).round() as u8
    });
    RGBColor(r, g, b)
}
