//! Figure 3: how well each depth's features explain a concept measure.
//!
//! Three kinds of R² share a panel and differ in more than colour: held out is solid with
//! markers and intervals, in sample is dashed and pale, noise is dotted.

use super::axes::{Axes, Key, Ticks, legend, legend_height};
use super::by_layer::value_below;
use super::layers;
use super::palette::{INK, Look, SOFT, look, pale};
use super::pen::{Drawn, Pen, Stroke, svg};
use super::{Svg, file_name};
use crate::Error;
use crate::numbers::two;
use crate::run::concepts::Fit;
use crate::run::{Run, first_seen};

/// Held-out R² has no lower bound; below this the axis ends and a mark says so.
const FLOOR: f64 = -0.5;
/// Neighbouring networks stand side by side, so that their intervals can be read; in layers.
const DODGE: f64 = 0.17;

/// Draws one panel per concept; each comes with its concept's name.
pub(crate) fn draw(run: &Run) -> Result<Vec<(String, Svg)>, Error> {
    let concepts = first_seen(run.fits.iter().map(|fit| fit.concept.as_str()));
    concepts
        .into_iter()
        .map(|concept| Ok((concept.to_owned(), panel(run, concept)?)))
        .collect()
}

/// One network's fits along the layers, with the layer's place.
struct Series<'a> {
    network: &'a str,
    fits: Vec<(usize, &'a Fit)>,
}

fn panel(run: &Run, concept: &str) -> Result<Svg, Error> {
    let fits: Vec<&Fit> = run.fits.iter().filter(|f| f.concept == concept).collect();
    let depths = first_seen(fits.iter().map(|f| f.layer.as_str()));
    let series: Vec<Series<'_>> = run
        .ordered(fits.iter().map(|f| f.network.as_str()))
        .into_iter()
        .map(|network| {
            let mut own: Vec<(usize, &Fit)> = fits
                .iter()
                .filter(|f| f.network == network)
                .filter_map(|f| Some((depths.iter().position(|l| *l == f.layer)?, *f)))
                .collect();
            own.sort_by_key(|(layer, _)| *layer);
            Series { network, fits: own }
        })
        .collect();

    let keys: Vec<Key> = series
        .iter()
        .map(|s| {
            let look = look(run.place(s.network));
            Key {
                text: s.network.to_owned(),
                colour: look.colour,
                stroke: Some(Stroke::Solid),
                look: Some(look),
            }
        })
        .collect();
    let kind = |text: &str, stroke, colour| Key {
        text: text.to_owned(),
        colour,
        stroke: Some(stroke),
        look: None,
    };
    let kinds = [
        kind("held out", Stroke::Solid, INK),
        kind("in sample", Stroke::Dashed, pale(INK, 0.6)),
        kind("noise, in sample", Stroke::Dotted, SOFT),
    ];

    let bottom = 250.0;
    let step = 342.0 / depths.len().max(1) as f64;
    let key_top = bottom + layers::height(&depths, step);
    let kind_top = key_top + legend_height(&keys, 384.0);
    let height = kind_top + legend_height(&kinds, 384.0) + 6.0;
    let axes = Axes {
        left: 50.0,
        top: 34.0,
        right: 392.0,
        bottom,
        x: (-0.5, depths.len() as f64 - 0.5),
        y: (floor(&fits), 1.0),
    };
    let name = file_name("figure3", concept);
    let alt = described(concept, &series, depths.len());
    let text = svg(&name, (400.0, height), &alt, |pen| {
        axes.draw_y(
            pen,
            &Ticks::round(axes.y, 6),
            "R\u{b2}, no unit (solid: held-out R\u{b2})",
        )?;
        let zero = [axes.at(axes.x.0, 0.0), axes.at(axes.x.1, 0.0)];
        pen.line(&zero, SOFT, 1.0, Stroke::Solid)?;
        axes.title(pen, concept)?;
        layers::names(pen, &axes, &depths, layers::BY_DEPTH)?;
        for (i, one) in series.iter().enumerate() {
            let shift = (i as f64 - (series.len() - 1) as f64 / 2.0) * DODGE;
            in_sample(pen, &axes, run, one, shift)?;
        }
        noise(pen, &axes, &series)?;
        for (i, one) in series.iter().enumerate() {
            let shift = (i as f64 - (series.len() - 1) as f64 / 2.0) * DODGE;
            held_out(pen, &axes, run, one, shift)?;
        }
        values_below(pen, &axes, run, &series)?;
        legend(pen, &keys, (10.0, key_top), 384.0)?;
        legend(pen, &kinds, (10.0, kind_top), 384.0)
    })?;
    Ok(Svg::new(&name, text))
}

/// The lower end of the axis: 0 where nothing is negative, never below [`FLOOR`].
fn floor(fits: &[&Fit]) -> f64 {
    let lowest = fits
        .iter()
        .flat_map(|f| [f.test, f.test_low, f.paper])
        .flatten()
        .fold(0.0, f64::min);
    if lowest < 0.0 {
        ((lowest - 0.05) * 10.0).floor().max(FLOOR * 10.0) / 10.0
    } else {
        0.0
    }
}

fn described(concept: &str, series: &[Series<'_>], depths: usize) -> String {
    let mut text = format!("R\u{b2} of {concept} at {depths} depths.");
    for one in series {
        let ends = one.fits.first().zip(one.fits.last());
        if let Some(((_, first), (_, last))) = ends {
            text += &format!(
                " {}: held out {} at {} and {} at {}; in sample {} and {}.",
                one.network,
                two(first.test),
                first.layer,
                two(last.test),
                last.layer,
                two(first.paper),
                two(last.paper),
            );
        }
    }
    text
}

fn in_sample(pen: &Pen<'_>, axes: &Axes, run: &Run, one: &Series<'_>, shift: f64) -> Drawn {
    let look = look(run.place(one.network));
    let colour = pale(look.colour, 0.6);
    let mut points = Vec::new();
    for (layer, fit) in &one.fits {
        let Some(value) = fit.paper else { continue };
        let x = *layer as f64 + shift;
        points.push(axes.at(x, value.clamp(axes.y.0, axes.y.1)));
        if let Some(se) = fit.paper_se {
            let clamp = |v: f64| v.clamp(axes.y.0, axes.y.1);
            let bar = [axes.at(x, clamp(value - se)), axes.at(x, clamp(value + se))];
            pen.line(&bar, colour, 1.6, Stroke::Solid)?;
        }
    }
    pen.line(&points, colour, 1.5, look.dashes)?;
    for at in points {
        pen.mark(at, Look { colour, ..look }, 2.6)?;
    }
    Ok(())
}

/// Noise depends on the numbers of features and patches only: networks that agree share a line.
fn noise(pen: &Pen<'_>, axes: &Axes, series: &[Series<'_>]) -> Drawn {
    let lines = first_seen(series.iter().map(|one| {
        one.fits
            .iter()
            .filter_map(|(layer, fit)| Some((*layer as f64, fit.null?)))
            .collect::<Vec<_>>()
    }));
    for line in lines {
        let points: Vec<_> = line
            .iter()
            .map(|&(x, y)| axes.at(x, y.clamp(axes.y.0, axes.y.1)))
            .collect();
        pen.line(&points, SOFT, 1.8, Stroke::Dotted)?;
    }
    Ok(())
}

fn held_out(pen: &Pen<'_>, axes: &Axes, run: &Run, one: &Series<'_>, shift: f64) -> Drawn {
    let look = look(run.place(one.network));
    let (low_end, high_end) = axes.y;
    let mut points = Vec::new();
    for (layer, fit) in &one.fits {
        let Some(value) = fit.test else { continue };
        let x = *layer as f64 + shift;
        if let Some((low, high)) = fit.interval()
            && high > low_end
        {
            let bar = [axes.at(x, low.max(low_end)), axes.at(x, high.min(high_end))];
            pen.line(&bar, look.colour, 1.5, Stroke::Solid)?;
        }
        points.push((axes.at(x, value.clamp(low_end, high_end)), value));
    }
    let line: Vec<_> = points.iter().map(|p| p.0).collect();
    pen.line(&line, look.colour, 1.8, Stroke::Solid)?;
    for (at, value) in points {
        if value < low_end {
            pen.below(at, look)?;
        } else {
            pen.mark(at, look, 3.8)?;
        }
    }
    Ok(())
}

/// Writes the values that lie below the axis above their marks, one over the other, on white.
fn values_below(pen: &Pen<'_>, axes: &Axes, run: &Run, series: &[Series<'_>]) -> Drawn {
    for layer in 0..=axes.x.1 as usize {
        let at_layer = series.iter().filter_map(|one| {
            let (_, fit) = one.fits.iter().find(|(own, _)| *own == layer)?;
            Some((one.network, fit.test.filter(|value| *value < axes.y.0)?))
        });
        for (rank, (network, value)) in at_layer.enumerate() {
            let (x, bottom) = axes.at(layer as f64, axes.y.0);
            value_below(pen, (x, bottom), rank, look(run.place(network)), value)?;
        }
    }
    Ok(())
}
