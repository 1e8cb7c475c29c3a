//! A plot's frame, its ticks and labels, and the legend beneath it.

use plotters::style::RGBColor;

use super::palette::{GRID, INK, Look, SOFT};
use super::pen::{Drawn, Hang, Pen, Stroke, text_width};

/// Size of tick labels and legends, pixels.
pub(crate) const SMALL: f64 = 12.0;
/// Height of a legend's line, pixels.
pub(crate) const LEGEND_LINE: f64 = 19.0;

/// A rectangle of the figure and the values it spans.
pub(crate) struct Axes {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
    /// Values at the left and right edges.
    pub(crate) x: (f64, f64),
    /// Values at the bottom and top edges.
    pub(crate) y: (f64, f64),
}

impl Axes {
    /// Where a value lies in the figure.
    pub(crate) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let part = |v: f64, (low, high): (f64, f64)| (v - low) / (high - low);
        (
            self.left + part(x, self.x) * (self.right - self.left),
            self.bottom - part(y, self.y) * (self.bottom - self.top),
        )
    }

    /// The title above and the baseline below.
    pub(crate) fn title(&self, pen: &Pen<'_>, title: &str) -> Drawn {
        pen.text(title, (self.left, self.top - 14.0), 14.0, INK, Hang::After)?;
        let line = [(self.left, self.bottom), (self.right, self.bottom)];
        pen.line(&line, INK, 1.0, Stroke::Solid)
    }

    /// Grid lines and labels up the left side, and the axis's name.
    pub(crate) fn draw_y(&self, pen: &Pen<'_>, ticks: &Ticks, label: &str) -> Drawn {
        for &value in &ticks.values {
            let (_, y) = self.at(self.x.0, value);
            pen.line(&[(self.left, y), (self.right, y)], GRID, 1.0, Stroke::Solid)?;
            pen.text(
                &ticks.text(value),
                (self.left - 7.0, y),
                SMALL,
                SOFT,
                Hang::Before,
            )?;
        }
        let middle = (self.top + self.bottom) / 2.0;
        pen.text(label, (13.0, middle), SMALL, INK, Hang::Upwards)
    }

    /// Ticks and labels along the bottom, and the axis's name.
    pub(crate) fn draw_x(&self, pen: &Pen<'_>, ticks: &Ticks, label: &str) -> Drawn {
        for &value in &ticks.values {
            let (x, y) = self.at(value, self.y.0);
            pen.line(&[(x, y), (x, y + 4.0)], INK, 1.0, Stroke::Solid)?;
            pen.text(&ticks.text(value), (x, y + 14.0), SMALL, SOFT, Hang::Middle)?;
        }
        let middle = (self.left + self.right) / 2.0;
        pen.text(
            label,
            (middle, self.bottom + 33.0),
            SMALL,
            INK,
            Hang::Middle,
        )
    }
}

/// Round values along an axis.
pub(crate) struct Ticks {
    pub(crate) values: Vec<f64>,
    places: usize,
}

impl Ticks {
    /// About `wanted` round values (steps of 1, 2 or 5 times a power of ten) within a range.
    pub(crate) fn round((low, high): (f64, f64), wanted: usize) -> Self {
        let rough = (high - low) / wanted.max(1) as f64;
        let power = rough.log10().floor();
        let unit = 10f64.powf(power);
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|s| s * unit)
            .find(|s| *s >= rough * 0.999)
            .unwrap_or(10.0 * unit);
        let first = (low / step - 1e-6).ceil() as i64;
        let last = (high / step + 1e-6).floor() as i64;
        let exponent = step.log10();
        Self {
            values: (first..=last).map(|i| i as f64 * step).collect(),
            places: if exponent < -1e-9 {
                (-exponent).ceil() as usize
            } else {
                0
            },
        }
    }

    /// Whole values only: epochs.
    pub(crate) fn whole(range: (f64, f64), wanted: usize) -> Self {
        let mut ticks = Self::round(range, wanted);
        ticks.values.retain(|v| (v - v.round()).abs() < 1e-9);
        ticks.places = 0;
        ticks
    }

    fn text(&self, value: f64) -> String {
        let text = format!("{:.*}", self.places, value);
        match text.strip_prefix('-') {
            Some(rest) if value.abs() > 1e-9 => format!("\u{2212}{rest}"),
            Some(rest) => rest.to_owned(),
            None => text,
        }
    }
}

/// One entry of a legend.
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) colour: RGBColor,
    pub(crate) stroke: Option<Stroke>,
    pub(crate) look: Option<Look>,
}

/// Places a legend's entries in lines no wider than `width`: (line, left edge) of each.
fn places(keys: &[Key], width: f64) -> Vec<(usize, f64)> {
    let (mut line, mut left) = (0, 0.0);
    keys.iter()
        .map(|key| {
            let needed = 30.0 + text_width(&key.text, SMALL) + 14.0;
            if left > 0.0 && left + needed - 14.0 > width {
                line += 1;
                left = 0.0;
            }
            let place = (line, left);
            left += needed;
            place
        })
        .collect()
}

/// The height a legend needs.
pub(crate) fn legend_height(keys: &[Key], width: f64) -> f64 {
    places(keys, width)
        .last()
        .map_or(0.0, |(line, _)| (line + 1) as f64 * LEGEND_LINE)
}

/// Draws a legend with its top left corner at `at`.
pub(crate) fn legend(pen: &Pen<'_>, keys: &[Key], at: (f64, f64), width: f64) -> Drawn {
    for (key, (line, left)) in keys.iter().zip(places(keys, width)) {
        let y = at.1 + (line as f64 + 0.5) * LEGEND_LINE;
        let x = at.0 + left;
        if let Some(stroke) = key.stroke {
            pen.line(&[(x, y), (x + 24.0, y)], key.colour, 2.0, stroke)?;
        }
        if let Some(look) = key.look {
            pen.mark((x + 12.0, y), look, 4.0)?;
        }
        pen.text(&key.text, (x + 30.0, y), SMALL, INK, Hang::After)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let ticks = Ticks::round((-0.5, 1.0), 6);
        assert_eq!(ticks.values.len(), 4);
        assert_eq!(ticks.text(ticks.values[0]), "\u{2212}0.5");
        assert_eq!(ticks.text(ticks.values[1]), "0.0");
        let small = Ticks::round((0.0, 0.7), 5);
        assert_eq!(small.text(small.values[1]), "0.2");
        let epochs = Ticks::whole((1.0, 3.0), 6);
        assert_eq!(epochs.values, vec![1.0, 2.0, 3.0]);
    }

    #[test]
    fn values_land_in_the_frame() {
        let axes = Axes {
            left: 10.0,
            top: 0.0,
            right: 110.0,
            bottom: 50.0,
            x: (0.0, 2.0),
            y: (-0.5, 1.0),
        };
        assert_eq!(axes.at(1.0, -0.5), (60.0, 50.0));
        assert_eq!(axes.at(2.0, 1.0), (110.0, 0.0));
    }
}
