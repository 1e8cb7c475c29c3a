//! Colours that colour-blind readers tell apart, each with a marker of its own so that a gray
//! print still reads; and the colour map of the attention overlays.

use plotters::style::RGBColor;

use super::pen::Stroke;

/// Text and axes.
pub(crate) const INK: RGBColor = RGBColor(38, 34, 44);
/// Secondary text.
pub(crate) const SOFT: RGBColor = RGBColor(104, 98, 112);
/// Grid lines.
pub(crate) const GRID: RGBColor = RGBColor(228, 225, 232);

/// A marker's shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

/// How a network looks in every figure.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) colour: RGBColor,
    pub(crate) shape: Shape,
    /// White within: tells markers of one shape apart, and helps a gray print.
    pub(crate) open: bool,
    /// The pattern of its dashed lines.
    pub(crate) dashes: Stroke,
}

/// Okabe & Ito's palette (2008), less the yellow, which white paper swallows.
const LOOKS: [(u8, u8, u8, Shape, bool); 7] = [
    (110, 110, 110, Shape::Square, true),
    (0, 114, 178, Shape::Circle, false),
    (213, 94, 0, Shape::Triangle, false),
    (0, 158, 115, Shape::Diamond, true),
    (204, 121, 167, Shape::Cross, false),
    (230, 159, 0, Shape::Square, false),
    (86, 180, 233, Shape::Circle, true),
];

/// The look of the network at `place` in the study.
pub(crate) fn look(place: usize) -> Look {
    let (r, g, b, shape, open) = LOOKS[place % LOOKS.len()];
    Look {
        colour: RGBColor(r, g, b),
        shape,
        open,
        dashes: [Stroke::Short, Stroke::Dashed, Stroke::Long][place % 3],
    }
}

/// A colour mixed with white: `share` of 1 is the colour itself.
pub(crate) fn pale(colour: RGBColor, share: f64) -> RGBColor {
    let mix = |c: u8| (255.0 - (255.0 - f64::from(c)) * share).round() as u8;
    RGBColor(mix(colour.0), mix(colour.1), mix(colour.2))
}

/// A colour map by the name that overlays are drawn with, at `t` between 0 and 1; viridis for a name that is not known.
pub(crate) fn colour_map(name: &str, t: f64) -> [u8; 3] {
    let gradient = match name {
        "inferno" => colorous::INFERNO,
        "magma" => colorous::MAGMA,
        "cividis" => colorous::CIVIDIS,
        "jet" => {
            let level = |middle: f64| (1.5 - (4.0 * t - middle).abs()).clamp(0.0, 1.0);
            return [3.0, 2.0, 1.0].map(|m| (level(m) * 255.0).round() as u8);
        }
        _ => colorous::VIRIDIS,
    };
    gradient.eval_continuous(t).as_array()
}

/// Viridis at `t` between 0 and 1.
pub(crate) fn viridis(t: f64) -> [u8; 3] {
    colour_map("viridis", t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viridis_meets_its_ends_and_middle() {
        assert_eq!(viridis(0.0), [68, 1, 84]);
        assert_eq!(viridis(0.5), [32, 144, 140]);
        assert_eq!(viridis(1.0), [253, 231, 37]);
    }

    #[test]
    fn pale_goes_to_white() {
        assert_eq!(pale(RGBColor(0, 100, 200), 0.0), RGBColor(255, 255, 255));
        assert_eq!(pale(RGBColor(0, 100, 200), 1.0), RGBColor(0, 100, 200));
    }
}
