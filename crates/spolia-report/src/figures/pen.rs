//! Draws a vector figure: lines (solid, dashed, dotted), markers and text at real-valued places.

use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::palette::{Look, Shape};
use crate::Error;

/// The SVG backend has whole coordinates only; drawing larger and shrinking by the view box
/// keeps curves smooth.
const FINE: f64 = 8.0;
/// The backend divides a font's size by this.
const FONT: f64 = 1.24;
/// Width of a character of a sans-serif font, in font sizes, roughly.
const GLYPH: f64 = 0.54;

/// Corners of markers, in radii.
const SQUARE: [(f64, f64); 4] = [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)];
const TRIANGLE: [(f64, f64); 3] = [(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)];
const DIAMOND: [(f64, f64); 4] = [(0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0)];

pub(crate) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// A line's pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stroke {
    Solid,
    Dashed,
    /// Long dashes.
    Long,
    /// Short dashes.
    Short,
    Dotted,
}

/// Where a text hangs on its point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hang {
    /// The text ends at the point.
    Before,
    /// The text is centred on the point.
    Middle,
    /// The text starts at the point.
    After,
    /// Centred, turned by 90 degrees against the clock.
    Upwards,
    /// Turned like `Upwards`, its end at the point.
    UpwardsBefore,
}

/// A figure in the making; places are in pixels of the finished figure.
pub(crate) struct Pen<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Draws a figure of `size` pixels; returns its SVG text.
///
/// `description` is what a reader who cannot see the figure is told.
///
/// # Errors
/// [`Error::Figure`] when the drawing library refuses.
pub(crate) fn svg(
    figure: &str,
    (width, height): (f64, f64),
    description: &str,
    draw: impl FnOnce(&Pen<'_>) -> Drawn,
) -> Result<String, Error> {
    let mut text = String::new();
    {
        let size = (fine(width) as u32, fine(height) as u32);
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        let pen = Pen { area };
        pen.area
            .fill(&WHITE)
            .and_then(|()| draw(&pen))
            .and_then(|()| pen.area.present())
            .map_err(|e| Error::Figure {
                figure: figure.to_owned(),
                reason: e.to_string(),
            })?;
    }
    let body = text.split_once('>').map_or("", |(_, body)| body);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{body}",
        fine(width),
        fine(height),
        escaped(description)
    ))
}

fn fine(v: f64) -> i32 {
    (v * FINE).round() as i32
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Width of a text, roughly: without the reader's font nobody knows it.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * GLYPH
}

impl Pen<'_> {
    /// A line through `points`.
    pub(crate) fn line(
        &self,
        points: &[(f64, f64)],
        colour: RGBColor,
        width: f64,
        stroke: Stroke,
    ) -> Drawn {
        let style = colour.stroke_width(fine(width) as u32);
        let pieces = match stroke {
            Stroke::Solid => vec![points.to_vec()],
            Stroke::Dashed => dashes(points, 5.0, 3.0),
            Stroke::Long => dashes(points, 10.0, 3.5),
            Stroke::Short => dashes(points, 2.8, 2.4),
            Stroke::Dotted => dashes(points, 1.3, 2.7),
        };
        for piece in pieces {
            let mut piece: Vec<(i32, i32)> =
                piece.iter().map(|&(x, y)| (fine(x), fine(y))).collect();
            // A ROC curve of many patches has more points than the figure has places.
            piece.dedup();
            self.area.draw(&PathElement::new(piece, style))?;
        }
        Ok(())
    }

    /// A filled rectangle between two corners.
    pub(crate) fn fill(&self, a: (f64, f64), b: (f64, f64), colour: RGBColor) -> Drawn {
        let corners = [(fine(a.0), fine(a.1)), (fine(b.0), fine(b.1))];
        self.area.draw(&Rectangle::new(corners, colour.filled()))
    }

    /// A marker `radius` pixels large.
    pub(crate) fn marker(&self, at: (f64, f64), shape: Shape, radius: f64, c: RGBColor) -> Drawn {
        let corners: &[(f64, f64)] = match shape {
            Shape::Circle => {
                let place = (fine(at.0), fine(at.1));
                let circle = Circle::new(place, fine(radius), c.filled());
                return self.area.draw(&circle);
            }
            Shape::Cross => {
                let arm = radius * 0.9;
                let (x, y) = at;
                self.line(
                    &[(x - arm, y - arm), (x + arm, y + arm)],
                    c,
                    1.8,
                    Stroke::Solid,
                )?;
                return self.line(
                    &[(x - arm, y + arm), (x + arm, y - arm)],
                    c,
                    1.8,
                    Stroke::Solid,
                );
            }
            Shape::Square => &SQUARE,
            Shape::Triangle => &TRIANGLE,
            Shape::Diamond => &DIAMOND,
        };
        let corners: Vec<(i32, i32)> = corners
            .iter()
            .map(|(dx, dy)| (fine(at.0 + dx * radius), fine(at.1 + dy * radius)))
            .collect();
        self.area.draw(&Polygon::new(corners, c.filled()))
    }

    /// A network's marker, filled or open.
    pub(crate) fn mark(&self, at: (f64, f64), look: Look, radius: f64) -> Drawn {
        self.marker(at, look.shape, radius, look.colour)?;
        if look.open && look.shape != Shape::Cross {
            self.marker(at, look.shape, radius - 1.5, WHITE)?;
        }
        Ok(())
    }

    /// The value lies below the axis: the network's marker over an arrow that points down to
    /// the axis's end.
    pub(crate) fn below(&self, at: (f64, f64), look: Look) -> Drawn {
        let corners = [(-4.0, -6.0), (4.0, -6.0), (0.0, 0.0)]
            .map(|(dx, dy)| (fine(at.0 + dx), fine(at.1 + dy)));
        let arrow = Polygon::new(corners.to_vec(), look.colour.filled());
        self.area.draw(&arrow)?;
        self.mark((at.0, at.1 - 10.0), look, 3.4)
    }

    /// A text of `size` pixels, centred vertically on its point.
    pub(crate) fn text(
        &self,
        text: &str,
        at: (f64, f64),
        size: f64,
        colour: RGBColor,
        hang: Hang,
    ) -> Drawn {
        let side = match hang {
            Hang::Before | Hang::UpwardsBefore => HPos::Right,
            Hang::Middle | Hang::Upwards => HPos::Center,
            Hang::After => HPos::Left,
        };
        let turn = match hang {
            Hang::Upwards | Hang::UpwardsBefore => FontTransform::Rotate270,
            _ => FontTransform::None,
        };
        let style = ("sans-serif", size * FINE * FONT)
            .into_font()
            .transform(turn)
            .color(&colour)
            .pos(Pos::new(side, VPos::Center));
        let place = (fine(at.0), fine(at.1));
        self.area.draw(&Text::new(text.to_owned(), place, style))
    }
}

/// Cuts a line into dashes of length `on` with gaps of length `off`.
fn dashes(points: &[(f64, f64)], on: f64, off: f64) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    let Some(&start) = points.first() else {
        return pieces;
    };
    let (mut drawing, mut left, mut piece) = (true, on, vec![start]);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length <= left {
                left -= length;
                if drawing {
                    piece.push(to);
                }
                break;
            }
            let part = left / length;
            from = (
                from.0 + (to.0 - from.0) * part,
                from.1 + (to.1 - from.1) * part,
            );
            if drawing {
                piece.push(from);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![from];
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
    }
    if drawing && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dashed_line_turns_corners() {
        // 4 right, 4 down; dashes of 3, gaps of 2: 0-3, 5-8 along the way.
        let line = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0)];
        assert_eq!(
            dashes(&line, 3.0, 2.0),
            vec![vec![(0.0, 0.0), (3.0, 0.0)], vec![(4.0, 1.0), (4.0, 4.0)],]
        );
        assert!(dashes(&[], 3.0, 2.0).is_empty());
    }

    #[test]
    fn a_figure_scales_and_is_described() -> Result<(), Error> {
        let text = svg("t.svg", (10.0, 5.0), "a \"line\"", |pen| {
            pen.line(&[(0.0, 0.0), (10.0, 5.0)], BLACK, 1.0, Stroke::Solid)
        })?;
        assert!(text.starts_with("<svg "), "{text}");
        assert!(text.contains("width=\"10\" height=\"5\" viewBox=\"0 0 80 40\""));
        assert!(text.contains("aria-label=\"a &quot;line&quot;\""));
        assert!(text.contains("points=\"0,0 80,40 \""), "{text}");
        Ok(())
    }
}
