//! Reliability diagram: does a predicted probability of 0.8 come true in 8 of 10 patches?

use super::axes::{Axes, Key, Ticks, legend, legend_height};
use super::palette::{SOFT, look, pale};
use super::pen::{Stroke, svg};
use super::{Svg, split_words};
use crate::Error;
use crate::run::Run;

/// Wilson's interval of a share, for 95% (Wilson 1927): ends for `share` of `n`.
fn wilson(share: f64, n: usize) -> (f64, f64) {
    const Z: f64 = 1.959_963_985;
    let n = n as f64;
    let z2 = Z * Z / n;
    let middle = share + z2 / 2.0;
    let spread = Z * (share * (1.0 - share) / n + z2 / (4.0 * n)).sqrt();
    (
        (middle - spread) / (1.0 + z2),
        (middle + spread) / (1.0 + z2),
    )
}

/// Draws the share of positive patches against the mean predicted probability, by bin; `None`
/// where no network has bins.
pub(crate) fn draw(run: &Run) -> Result<Option<Svg>, Error> {
    let mut series = Vec::new();
    let mut keys = Vec::new();
    let mut title = None;
    for (place, network) in run.networks.iter().enumerate() {
        let Some((split, metrics)) = network.metrics.as_ref().and_then(|m| m.judged()) else {
            continue;
        };
        let points: Vec<(f64, f64, usize)> = metrics
            .calibration
            .iter()
            .filter(|bin| bin.n > 0)
            .filter_map(|bin| Some((bin.mean_p?, bin.share?, bin.n)))
            .collect();
        if points.is_empty() {
            continue;
        }
        title.get_or_insert_with(|| format!("Calibration, {} patches", split_words(split)));
        let look = look(place);
        keys.push(Key {
            text: network.about.name.clone(),
            colour: look.colour,
            stroke: Some(Stroke::Solid),
            look: Some(look),
        });
        series.push(points);
    }
    let Some(title) = title else {
        return Ok(None);
    };
    let networks = keys.iter().filter_map(|key| key.look).collect::<Vec<_>>();
    let positive = run.positive();
    let alt = format!(
        "Reliability diagram of {}: share of {positive} patches against predicted probability.",
        keys.iter()
            .map(|k| k.text.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    );
    keys.push(Key {
        text: "perfect".to_owned(),
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
    let text = svg("calibration.svg", (400.0, 414.0 + below), &alt, |pen| {
        let ticks = Ticks::round((0.0, 1.0), 5);
        axes.draw_y(
            pen,
            &ticks,
            &format!("share of patches that are {positive}"),
        )?;
        axes.draw_x(pen, &ticks, &format!("predicted p({positive})"))?;
        axes.title(pen, &title)?;
        let perfect = [axes.at(0.0, 0.0), axes.at(1.0, 1.0)];
        pen.line(&perfect, SOFT, 1.2, Stroke::Dotted)?;
        for (points, look) in series.iter().zip(&networks) {
            for &(p, share, n) in points {
                let (low, high) = wilson(share, n);
                let bar = [axes.at(p, low.max(0.0)), axes.at(p, high.min(1.0))];
                pen.line(&bar, pale(look.colour, 0.55), 1.4, Stroke::Solid)?;
            }
            let line: Vec<_> = points
                .iter()
                .map(|&(p, share, _)| axes.at(p, share))
                .collect();
            pen.line(&line, look.colour, 1.6, Stroke::Solid)?;
            for &at in &line {
                pen.mark(at, *look, 4.0)?;
            }
        }
        legend(pen, &keys, (20.0, 410.0), 360.0)
    })?;
    Ok(Some(Svg::new("calibration.svg", text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_meets_published_values() {
        // Newcombe 1998, table I, method 3: 81 of 263 and 0 of 20.
        let (low, high) = wilson(81.0 / 263.0, 263);
        assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5);
        let (low, high) = wilson(0.0, 20);
        assert!(low.abs() < 1e-12 && (high - 0.1611).abs() < 5e-5);
    }
}
