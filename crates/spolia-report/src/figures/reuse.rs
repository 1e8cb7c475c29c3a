//! What keeping each depth is worth: AUC and calibration against the last stage kept, controls beside.

use super::axes::{Axes, Key, Ticks, legend, legend_height};
use super::palette::{INK, Look, SOFT, look, pale};
use super::pen::{Drawn, Pen, Stroke, svg};
use super::{Svg, layers};
use crate::Error;
use crate::numbers::{counted, three};
use crate::run::reuse::{Arm, Estimate};
use crate::run::{Run, first_seen};

/// What a panel shows of an arm.
type Value = fn(&Arm) -> Estimate;

/// Draws a panel of AUC and one of the calibration error for each number of training patches; none without a sweep.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn draw(run: &Run) -> Result<Vec<Svg>, Error> {
    let mut drawn = Vec::new();
    for most in first_seen(run.reuse.arms.iter().map(|a| a.most.as_str())) {
        let arms: Vec<&Arm> = run.reuse.arms.iter().filter(|a| a.most == most).collect();
        let patches = arms.first().map_or(0, |a| a.patches);
        let trained = counted(patches, "training patch", "training patches");
        let panels: [(&str, &str, &str, Value); 2] = [
            ("reuse_auc", "AUC", "AUC (no unit)", |a| a.auc),
            (
                "reuse_calibration",
                "Calibration",
                "calibration error (no unit)",
                |a| a.calibration_error,
            ),
        ];
        for (name, title, label, value) in panels {
            let name = match most {
                "all" => format!("{name}.svg"),
                most => super::file_name(name, most),
            };
            let title = format!("{title} ({trained})");
            drawn.push(panel(&arms, (&name, &title, label), value)?);
        }
    }
    Ok(drawn)
}

/// Arms that are joined by a line.
struct Series<'a> {
    words: String,
    look: Look,
    arms: Vec<(usize, &'a Arm)>,
}

fn panel(
    arms: &[&Arm],
    (name, title, label): (&str, &str, &str),
    value: Value,
) -> Result<Svg, Error> {
    let is_auc = label.starts_with("AUC");
    let plain = || arms.iter().filter(|a| a.control.is_none());
    let cuts = first_seen(plain().map(|a| a.cut.as_str()));
    let controls: Vec<&Arm> = arms
        .iter()
        .copied()
        .filter(|a| a.control.is_some())
        .collect();
    let mut names: Vec<&str> = cuts.clone();
    names.extend(controls.iter().filter_map(|a| a.control.as_deref()));
    let way = |a: &Arm| (a.init.clone(), a.frozen);
    let ways = first_seen(
        plain()
            .filter(|a| a.cut != "all" && a.cut != "none" || a.init == "xavier")
            .map(|a| way(a)),
    );
    let mut series: Vec<Series<'_>> = Vec::new();
    for (place, (init, frozen)) in ways.iter().enumerate() {
        let own = plain().filter(|a| way(a) == (init.clone(), *frozen));
        let own: Vec<(usize, &Arm)> = own
            .filter_map(|a| Some((cuts.iter().position(|c| *c == a.cut)?, *a)))
            .collect();
        let kept = if *frozen {
            "kept stages frozen"
        } else {
            "all stages trained"
        };
        let words = match init.as_str() {
            "xavier" => kept.to_owned(),
            other => format!("{kept}, later ones {other}"),
        };
        series.push(Series {
            words,
            look: look(1 + place),
            arms: own,
        });
    }
    let ends = arms.iter().map(|a| value(a));
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), e| {
        (l.min(e.low), h.max(e.high))
    });
    let (low, high) = if is_auc {
        (low.min(0.5), 1.0)
    } else {
        (0.0, high)
    };
    let y = ((low * 20.0).floor() / 20.0, (high * 20.0).ceil() / 20.0);
    let bottom = 236.0;
    let axes = Axes {
        left: 50.0,
        top: 34.0,
        right: 392.0,
        bottom,
        x: (-0.5, names.len() as f64 - 0.5),
        y,
    };
    let control = Look {
        colour: SOFT,
        ..look(0)
    };
    let mut keys: Vec<Key> = series
        .iter()
        .map(|s| Key {
            text: s.words.clone(),
            colour: s.look.colour,
            stroke: Some(Stroke::Solid),
            look: Some(s.look),
        })
        .collect();
    if !controls.is_empty() {
        keys.push(Key {
            text: "controls".to_owned(),
            colour: control.colour,
            stroke: None,
            look: Some(control),
        });
    }
    let step = 342.0 / names.len().max(1) as f64;
    let key_top = bottom + layers::height(&names, step);
    let size = (400.0, key_top + legend_height(&keys, 384.0) + 6.0);
    let mut alt = format!("{title}: {label} by the last stage kept.");
    for arm in arms {
        let e = value(arm);
        alt += &format!(
            " {}: {} ({} to {}).",
            arm.arm,
            three(e.value),
            three(e.low),
            three(e.high)
        );
    }
    let text = svg(name, size, &alt, |pen| {
        axes.draw_y(pen, &Ticks::round(axes.y, 6), label)?;
        axes.title(pen, title)?;
        layers::names(pen, &axes, &names, "last stage kept, and controls")?;
        let across = |v: f64| [axes.at(axes.x.0, v), axes.at(axes.x.1, v)];
        if is_auc {
            pen.line(&across(0.5), SOFT, 1.6, Stroke::Dotted)?;
        }
        if !controls.is_empty() {
            let x = cuts.len() as f64 - 0.5;
            let upright = [axes.at(x, axes.y.0), axes.at(x, axes.y.1)];
            pen.line(&upright, pale(INK, 0.35), 1.0, Stroke::Dashed)?;
        }
        let dodge = f64::min(0.3, 0.9 / series.len().max(1) as f64);
        for (i, one) in series.iter().enumerate() {
            let shift = (i as f64 - (series.len() - 1) as f64 / 2.0) * dodge;
            let points: Vec<(f64, &Arm)> = one
                .arms
                .iter()
                .map(|(x, a)| (*x as f64 + shift, *a))
                .collect();
            let line: Vec<_> = points
                .iter()
                .map(|(x, a)| axes.at(*x, value(a).value))
                .collect();
            pen.line(&line, pale(one.look.colour, 0.6), 1.4, Stroke::Solid)?;
            for (x, arm) in points {
                mark(pen, &axes, (x, one.look), arm, value, is_auc)?;
            }
        }
        for (i, arm) in controls.iter().enumerate() {
            let x = (cuts.len() + i) as f64;
            mark(pen, &axes, (x, control), arm, value, is_auc)?;
        }
        legend(pen, &keys, (10.0, key_top), 384.0)
    })?;
    Ok(Svg::new(name, text))
}

/// An arm: its interval, its networks beside it, its mean.
fn mark(
    pen: &Pen<'_>,
    axes: &Axes,
    (x, look): (f64, Look),
    arm: &Arm,
    value: Value,
    runs: bool,
) -> Drawn {
    let e = value(arm);
    let clamp = |v: f64| v.clamp(axes.y.0, axes.y.1);
    let bar = [axes.at(x, clamp(e.low)), axes.at(x, clamp(e.high))];
    pen.line(&bar, look.colour, 1.6, Stroke::Solid)?;
    if runs {
        for run in &arm.runs {
            let at = axes.at(x + 0.14, clamp(*run));
            pen.marker(
                at,
                super::palette::Shape::Circle,
                1.5,
                pale(look.colour, 0.7),
            )?;
        }
    }
    pen.mark(axes.at(x, clamp(e.value)), look, 4.0)
}
