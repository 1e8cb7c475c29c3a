//! Layers along an axis: their names, in two lines or turned where they stand close.

use super::axes::{Axes, SMALL};
use super::palette::{INK, SOFT};
use super::pen::{Drawn, Hang, Pen, Stroke, text_width};

/// Size of a layer's name; figures shrink by a seventh on a phone.
const SIZE: f64 = 11.5;

/// `Conv2d_2b_3x3` in two lines, split at its first underscore.
fn halves(layer: &str) -> (&str, &str) {
    layer.split_once('_').unwrap_or((layer, ""))
}

/// Whether names in two lines would touch each other at `step` pixels a layer.
fn turned(layers: &[&str], step: f64) -> bool {
    let width = |layer: &&str| {
        let (head, tail) = halves(layer);
        text_width(head, SIZE).max(text_width(tail, SIZE))
    };
    layers.iter().map(width).fold(0.0, f64::max) > step
}

/// Pixels per layer.
fn step(axes: &Axes) -> f64 {
    (axes.right - axes.left) / (axes.x.1 - axes.x.0)
}

/// Height below the plot that names and axis title take.
pub(super) fn height(layers: &[&str], step: f64) -> f64 {
    if turned(layers, step) {
        let longest = layers.iter().map(|l| text_width(l, SIZE));
        longest.fold(0.0, f64::max) + 34.0
    } else {
        54.0
    }
}

/// The axis of layers.
pub(super) const BY_DEPTH: &str = "layer, from input to output";

/// Draws a tick and a name per layer (at x = 0, 1, 2, …) and the axis's title.
pub(super) fn names(pen: &Pen<'_>, axes: &Axes, layers: &[&str], words: &str) -> Drawn {
    let turn = turned(layers, step(axes));
    for (i, layer) in layers.iter().enumerate() {
        let (x, y) = (axes.at(i as f64, axes.y.0).0, axes.bottom);
        pen.line(&[(x, y), (x, y + 4.0)], INK, 1.0, Stroke::Solid)?;
        if turn {
            pen.text(layer, (x, y + 8.0), SIZE, SOFT, Hang::UpwardsBefore)?;
        } else {
            let (head, tail) = halves(layer);
            pen.text(head, (x, y + 13.0), SIZE, SOFT, Hang::Middle)?;
            pen.text(tail, (x, y + 26.0), SIZE, SOFT, Hang::Middle)?;
        }
    }
    let y = axes.bottom + height(layers, step(axes)) - 10.0;
    let middle = (axes.left + axes.right) / 2.0;
    pen.text(words, (middle, y), SMALL, INK, Hang::Middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_turn_where_they_would_touch() {
        let layers = ["Conv2d_2b_3x3", "Mixed_6e"];
        // "Conv2d" and "2b_3x3": 6 characters of 0.54 x 11.5 pixels are 37.3.
        assert!(!turned(&layers, 38.0));
        assert!(turned(&layers, 36.0));
        assert!((height(&layers, 57.0) - 54.0).abs() < 1e-9);
        assert!(height(&layers, 20.0) > 100.0);
    }
}
