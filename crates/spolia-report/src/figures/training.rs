//! Training curves of one network: the loss, and accuracy with AUC, epoch by epoch.

use super::axes::{Axes, Key, Ticks, legend};
use super::palette::{Look, SOFT, look, pale};
use super::pen::{Drawn, Hang, Pen, Stroke, svg};
use super::{Svg, file_name};
use crate::Error;
use crate::run::Run;
use crate::run::networks::{Epoch, Network};

/// A curve: its name, its pattern, whether it is pale, and how to read it from a row.
type Curve = (&'static str, Stroke, bool, fn(&Epoch) -> Option<f64>);

/// Draws two panels for each network that was trained.
pub(crate) fn draw(run: &Run) -> Result<Vec<Svg>, Error> {
    let mut figures = Vec::new();
    for (place, network) in run.networks.iter().enumerate() {
        let losses: [Curve; 2] = [
            ("training", Stroke::Dashed, true, |e| e.train_loss),
            ("validation", Stroke::Solid, false, |e| e.val_loss),
        ];
        let scores: [Curve; 2] = [
            ("accuracy", Stroke::Dashed, true, |e| e.val_accuracy),
            ("AUC", Stroke::Solid, false, |e| e.val_auc),
        ];
        let name = &network.about.name;
        let look = look(place);
        figures.extend(panel(
            network,
            look,
            &losses,
            &format!("{name}: loss"),
            ("cross-entropy per patch", "training_loss"),
        )?);
        figures.extend(panel(
            network,
            look,
            &scores,
            &format!("{name}: validation"),
            ("share, or area under the curve", "training_scores"),
        )?);
    }
    Ok(figures)
}

/// One panel; `None` where none of its curves has a value.
fn panel(
    network: &Network,
    look: Look,
    curves: &[Curve; 2],
    title: &str,
    (label, stem): (&str, &str),
) -> Result<Option<Svg>, Error> {
    let epochs = &network.epochs;
    let lines: Vec<Vec<(f64, f64)>> = curves
        .iter()
        .map(|(.., read)| {
            let finite = |e: &Epoch| read(e).filter(|v| v.is_finite());
            epochs
                .iter()
                .filter_map(|e| Some((e.epoch as f64, finite(e)?)))
                .collect()
        })
        .collect();
    let values = || lines.iter().flatten().map(|p| p.1);
    if values().next().is_none() {
        return Ok(None);
    }
    let (mut low, mut high) = values().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
    if stem == "training_loss" {
        low = 0.0;
        high = if high > 0.0 { high * 1.08 } else { 1.0 };
    } else {
        // Half of the scale suffices unless something is worse than guessing.
        low = if low < 0.5 { 0.0 } else { 0.5 };
        high = 1.0;
    }
    let first = epochs.iter().map(|e| e.epoch).min().unwrap_or(0) as f64;
    let last = epochs.iter().map(|e| e.epoch).max().unwrap_or(1) as f64;
    let margin = ((last - first) * 0.04).max(0.25);
    let axes = Axes {
        left: 52.0,
        top: 34.0,
        right: 388.0,
        bottom: 230.0,
        x: (first - margin, last + margin),
        y: (low, high),
    };
    let keys: Vec<Key> = curves
        .iter()
        .zip(&lines)
        .filter(|(_, line)| !line.is_empty())
        .map(|((text, stroke, ..), _)| Key {
            text: (*text).to_owned(),
            colour: look.colour,
            stroke: Some(*stroke),
            look: None,
        })
        .collect();
    let ends: Vec<String> = curves
        .iter()
        .zip(&lines)
        .filter_map(|((text, ..), line)| {
            let (first, last) = (line.first()?, line.last()?);
            Some(format!("{text} from {:.3} to {:.3}", first.1, last.1))
        })
        .collect();
    let alt = format!("{title} by epoch: {}.", ends.join(", "));
    let name = file_name(stem, &network.about.name);
    let text = svg(&name, (400.0, 298.0), &alt, |pen| {
        axes.draw_y(pen, &Ticks::round((low, high), 5), label)?;
        axes.draw_x(pen, &Ticks::whole(axes.x, 8), "epoch")?;
        axes.title(pen, title)?;
        if let Some(best) = network.about.best_epoch {
            kept(pen, &axes, best as f64)?;
        }
        for ((_, stroke, faint, _), line) in curves.iter().zip(&lines) {
            let points: Vec<_> = line.iter().map(|&(x, y)| axes.at(x, y)).collect();
            pen.line(&points, look.colour, 2.0, *stroke)?;
            let colour = if *faint {
                pale(look.colour, 0.7)
            } else {
                look.colour
            };
            for &at in &points {
                pen.marker(at, look.shape, if *faint { 2.4 } else { 3.4 }, colour)?;
            }
        }
        legend(pen, &keys, (52.0, 274.0), 336.0)
    })?;
    Ok(Some(Svg::new(&name, text)))
}

/// Marks the epoch whose weights were kept.
fn kept(pen: &Pen<'_>, axes: &Axes, epoch: f64) -> Drawn {
    if !(axes.x.0..=axes.x.1).contains(&epoch) {
        return Ok(());
    }
    let (x, bottom) = axes.at(epoch, axes.y.0);
    pen.line(&[(x, bottom), (x, axes.top)], SOFT, 1.2, Stroke::Dotted)?;
    let (place, hang) = if x > (axes.left + axes.right) / 2.0 {
        (x - 5.0, Hang::Before)
    } else {
        (x + 5.0, Hang::After)
    };
    pen.text("kept", (place, axes.top + 6.0), 11.0, SOFT, hang)
}
