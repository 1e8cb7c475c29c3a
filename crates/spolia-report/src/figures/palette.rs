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

/// Viridis at nine equal steps, low to high.
pub(crate) const VIRIDIS: [[u8; 3]; 9] = [
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

/// Viridis at `t` between 0 and 1.
pub(crate) fn viridis(t: f64) -> [u8; 3] {
    let at = t.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let low = (at.floor() as usize).min(VIRIDIS.len() - 2);
    let part = at - low as f64;
    std::array::from_fn(|c| {
        let (a, b) = (f64::from(VIRIDIS[low][c]), f64::from(VIRIDIS[low + 1][c]));
        (a + (b - a) * part).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viridis_meets_its_ends_and_steps() {
        assert_eq!(viridis(0.0), [68, 1, 84]);
        assert_eq!(viridis(0.5), [33, 144, 141]);
        assert_eq!(viridis(1.0), [253, 231, 37]);
        assert_eq!(viridis(0.0625), [70, 23, 103]);
    }

    #[test]
    fn pale_goes_to_white() {
        assert_eq!(pale(RGBColor(0, 100, 200), 0.0), RGBColor(255, 255, 255));
        assert_eq!(pale(RGBColor(0, 100, 200), 1.0), RGBColor(0, 100, 200));
    }
}
