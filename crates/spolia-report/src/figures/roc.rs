//! ROC curves of the trained networks.

use super::axes::{Axes, Key, Ticks, legend, legend_height};
use super::palette::{SOFT, look};
use super::pen::{Stroke, svg};
use super::{Svg, split_words};
use crate::Error;
use crate::numbers::{interval, two};
use crate::run::Run;

/// Draws sensitivity against 1 − specificity, one curve per network; `None` without any.
pub(crate) fn draw(run: &Run) -> Result<Option<Svg>, Error> {
    let mut curves = Vec::new();
    for (place, network) in run.networks.iter().enumerate() {
        let Some((split, metrics)) = network.metrics.as_ref().and_then(|m| m.judged()) else {
            continue;
        };
        let mut points: Vec<(f64, f64)> = network
            .roc
            .iter()
            .filter(|p| p.split == split)
            .map(|p| (p.fpr, p.tpr))
            .collect();
        if points.len() < 2 {
            continue;
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let auc = match (metrics.auc, metrics.auc_low, metrics.auc_high) {
            (Some(auc), Some(low), Some(high)) => {
                format!(": AUC {} [{}]", two(auc), interval(low, high))
            }
            (Some(auc), ..) => format!(": AUC {}", two(auc)),
            _ => String::new(),
        };
        curves.push((
            points,
            Key {
                text: format!("{}{auc}", network.about.name),
                colour: look(place).colour,
                stroke: Some([Stroke::Solid, Stroke::Dashed, Stroke::Dotted][curves.len() % 3]),
                look: None,
            },
            split,
        ));
    }
    let Some(&(_, _, split)) = curves.first() else {
        return Ok(None);
    };
    let splits_agree = curves.iter().all(|c| c.2 == split);
    let (lines, mut keys): (Vec<_>, Vec<_>) = curves.into_iter().map(|(p, k, _)| (p, k)).unzip();
    keys.push(Key {
        text: "guessing: AUC 0.50".to_owned(),
        colour: SOFT,
        stroke: Some(Stroke::Dotted),
        look: None,
    });
    let below = legend_height(&keys, 360.0);
    let axes = Axes {
        left: 52.0,
        top: 34.0,
        right: 388.0,
        bottom: 370.0,
        x: (0.0, 1.0),
        y: (0.0, 1.0),
    };
    let title = if splits_agree {
        format!("ROC, {} patches", split_words(split))
    } else {
        "ROC".to_owned()
    };
    let alt = format!(
        "ROC curves. {}",
        keys.iter()
            .map(|k| k.text.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    );
    let text = svg("roc.svg", (400.0, 414.0 + below), &alt, |pen| {
        let ticks = Ticks::round((0.0, 1.0), 5);
        axes.draw_y(pen, &ticks, "true positive rate (sensitivity)")?;
        axes.draw_x(pen, &ticks, "false positive rate (1 \u{2212} specificity)")?;
        axes.title(pen, &title)?;
        let guess = [axes.at(0.0, 0.0), axes.at(1.0, 1.0)];
        pen.line(&guess, SOFT, 1.2, Stroke::Dotted)?;
        for (points, key) in lines.iter().zip(&keys) {
            let points: Vec<_> = points.iter().map(|&(x, y)| axes.at(x, y)).collect();
            pen.line(
                &points,
                key.colour,
                2.2,
                key.stroke.unwrap_or(Stroke::Solid),
            )?;
        }
        legend(pen, &keys, (20.0, 410.0), 360.0)
    })?;
    Ok(Some(Svg::new("roc.svg", text)))
}
