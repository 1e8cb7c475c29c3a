//! A map drawn over its patch.

use super::{ColourMap, Map, Picture};

/// Opacity of the strongest attention; the opacity falls with the attention, so that tissue without any stays as it
/// is.
const OPACITY: f32 = 0.6;

/// How a map is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Its colours.
    pub colours: ColourMap,
    /// The values that are 0 and 1; the map's own smallest and largest without it. With one range for several maps their
    /// colours can be compared.
    pub range: Option<(f32, f32)>,
    /// Levels between 0 and 1 at which a contour is drawn: white within, dark without.
    pub contours: Vec<f32>,
}

impl Default for Drawing {
    fn default() -> Self {
        Self {
            colours: ColourMap::Viridis,
            range: None,
            contours: vec![0.5],
        }
    }
}

/// The map, brought to 0-1 by the drawing's range and to the picture's size (bilinear), in colours over the picture. Where
/// the map is 0 the picture shows unchanged, where it is 1 to 40 %. A map that is the same everywhere shows nothing.
#[must_use]
pub fn overlay(picture: &Picture, map: &Map, drawing: &Drawing) -> Picture {
    let normalised = match drawing.range {
        None => map.normalised(),
        Some(range) => map.normalised_by(range),
    };
    let attention = normalised.resized(picture.width, picture.height);
    let mut rgb = picture.rgb.clone();
    for (pixel, &a) in rgb.chunks_exact_mut(3).zip(&attention.values) {
        let colour = drawing.colours.at(a);
        let opacity = OPACITY * a;
        for (p, c) in pixel.iter_mut().zip(colour) {
            *p = (f32::from(*p) * (1.0 - opacity) + f32::from(c) * opacity).round() as u8;
        }
    }
    for &level in &drawing.contours {
        contour(&attention, level, &mut rgb);
    }
    Picture { rgb, ..*picture }
}

/// Marks the pixels on both sides of a level: legible on dark and on light ground.
fn contour(map: &Map, level: f32, rgb: &mut [u8]) {
    let (width, height) = (map.width, map.height);
    let above = |x: usize, y: usize| map.values[y * width + x] >= level;
    for y in 0..height {
        for x in 0..width {
            let inside = above(x, y);
            let crossed = (x > 0 && above(x - 1, y) != inside)
                || (x + 1 < width && above(x + 1, y) != inside)
                || (y > 0 && above(x, y - 1) != inside)
                || (y + 1 < height && above(x, y + 1) != inside);
            if crossed {
                let at = (y * width + x) * 3;
                rgb[at..at + 3].copy_from_slice(&if inside { [255; 3] } else { [30; 3] });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Drawing {
        Drawing {
            contours: Vec::new(),
            ..Drawing::default()
        }
    }

    fn mixed(ground: u8, t: f32) -> [u8; 3] {
        let opacity = OPACITY * t;
        ColourMap::Viridis
            .at(t)
            .map(|c| (f32::from(ground) * (1.0 - opacity) + f32::from(c) * opacity).round() as u8)
    }

    #[test]
    fn strong_attention_is_yellow_and_none_is_the_patch() {
        let picture = Picture::new(4, 1, vec![100; 12]).unwrap();
        let map = Map {
            height: 1,
            width: 2,
            values: vec![3.0, 7.0],
        };
        let drawn = overlay(&picture, &map, &plain());
        // Normalised 0 and 1, at the centres of the picture's halves: 0, .25, .75, 1.
        assert_eq!(drawn.rgb[..3], [100; 3]);
        assert_eq!(drawn.rgb[6..9], mixed(100, 0.75));
        assert_eq!(drawn.rgb[9..], mixed(100, 1.0));
        // On a range of 0 to 14, 3 and 7 are low.
        let drawing = Drawing {
            range: Some((0.0, 14.0)),
            ..plain()
        };
        let drawn = overlay(&picture, &map, &drawing);
        assert_eq!(drawn.rgb[9..], mixed(100, 0.5));
    }

    #[test]
    fn a_flat_map_leaves_the_patch() {
        let picture = Picture::new(2, 2, (0..12).collect()).unwrap();
        for value in [0.0, 5.0] {
            let map = Map {
                height: 3,
                width: 3,
                values: vec![value; 9],
            };
            assert_eq!(overlay(&picture, &map, &Drawing::default()), picture);
        }
    }

    #[test]
    fn contours_lie_on_both_sides_of_the_level() {
        let picture = Picture::new(6, 1, vec![100; 18]).unwrap();
        let map = Map {
            height: 1,
            width: 6,
            values: vec![0.0, 0.1, 0.2, 0.8, 0.9, 1.0],
        };
        let drawn = overlay(&picture, &map, &Drawing::default());
        assert_eq!(drawn.rgb[6..12], [30, 30, 30, 255, 255, 255]);
        assert_ne!(drawn.rgb[3..6], [30; 3]);
        assert_ne!(drawn.rgb[12..15], [255; 3]);
    }
}
