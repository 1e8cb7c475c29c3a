//! Bars: which concepts the logit follows, at each layer, beside shuffled concepts.

use super::axes::{Axes, SMALL, Ticks};
use super::palette::{INK, SOFT, look, pale};
use super::pen::{Hang, Stroke, svg, text_width};
use super::{Svg, file_name};
use crate::Error;
use crate::run::relevance::Relevance;
use crate::run::{Run, first_seen};

/// Height of a bar's line, pixels.
const LINE: f64 = 20.0;
/// False discovery rate below which a bar counts.
const RATE: f64 = 0.05;

/// One figure per network that has a logit.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn draw(run: &Run) -> Result<Vec<Svg>, Error> {
    run.ordered(run.relevance.iter().map(|r| r.network.as_str()))
        .into_iter()
        .map(|network| {
            let rows: Vec<&Relevance> = run
                .relevance
                .iter()
                .filter(|r| r.network == network && r.class == "all")
                .collect();
            bars(run, network, &rows)
        })
        .collect()
}

/// 1.96 standard deviations of shuffled concepts: half of the gray band.
fn band(r: &Relevance) -> f64 {
    1.96 * r.br_null_sd.unwrap_or_default()
}

fn bars(run: &Run, network: &str, rows: &[&Relevance]) -> Result<Svg, Error> {
    let layers = first_seen(rows.iter().map(|r| r.layer.as_str()));
    let names = rows.iter().map(|r| text_width(&r.concept, SMALL));
    let left = names.fold(60.0, f64::max) + 20.0;
    let lines = rows.len() + layers.len();
    let bottom = 40.0 + lines as f64 * LINE;
    let reach = rows
        .iter()
        .map(|r| r.br.unwrap_or_default().abs().max(band(r)))
        .fold(0.1, f64::max)
        * 1.1;
    let axes = Axes {
        left,
        top: 40.0,
        right: left + 260.0,
        bottom,
        x: (-reach, reach),
        y: (lines as f64, 0.0),
    };
    let name = file_name("relevance", network);
    let description = format!(
        "Bidirectional relevance of {} concepts at {} layers of {network}",
        first_seen(rows.iter().map(|r| r.concept.as_str())).len(),
        layers.len()
    );
    let colour = look(run.place(network)).colour;
    let size = (axes.right + 14.0, bottom + 62.0);
    let text = svg(&name, size, &description, |pen| {
        axes.title(pen, &format!("{network}: relevance to the decision"))?;
        axes.draw_x(pen, &Ticks::round(axes.x, 4), "Br (no unit)")?;
        let (zero, _) = axes.at(0.0, 0.0);
        let mut line = 0.0;
        for layer in &layers {
            let y = axes.top + (line + 0.55) * LINE;
            pen.text(layer, (6.0, y), SMALL, INK, Hang::After)?;
            line += 1.0;
            for r in rows.iter().filter(|r| r.layer == **layer) {
                let y = axes.top + (line + 0.5) * LINE;
                let (low, high) = (axes.at(-band(r), 0.0).0, axes.at(band(r), 0.0).0);
                pen.fill((low, y - 8.0), (high, y + 8.0), pale(INK, 0.12))?;
                pen.text(&r.concept, (left - 7.0, y), SMALL, SOFT, Hang::Before)?;
                match r.br {
                    Some(br) => {
                        let sure = r.br_q.is_some_and(|q| q < RATE);
                        let shade = if sure { colour } else { pale(colour, 0.4) };
                        let (end, _) = axes.at(br, 0.0);
                        pen.fill((zero.min(end), y - 5.0), (zero.max(end), y + 5.0), shade)?;
                        if sure {
                            let beside = if br < 0.0 { end - 7.0 } else { end + 7.0 };
                            pen.text("*", (beside, y + 2.0), 14.0, INK, Hang::Middle)?;
                        }
                    }
                    None => pen.text(
                        "not told by this layer",
                        (zero + 6.0, y),
                        SMALL,
                        SOFT,
                        Hang::After,
                    )?,
                }
                line += 1.0;
            }
        }
        pen.line(&[(zero, axes.top), (zero, bottom)], INK, 1.0, Stroke::Solid)?;
        let y = bottom + 52.0;
        let negative = format!("\u{2190} away from {}", run.positive());
        let positive = format!("towards {} \u{2192}", run.positive());
        pen.text(&negative, (axes.left, y), SMALL, INK, Hang::After)?;
        pen.text(&positive, (axes.right, y), SMALL, INK, Hang::Before)
    })?;
    Ok(Svg::new(&name, text))
}
