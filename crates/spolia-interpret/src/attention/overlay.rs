//! A map drawn over its patch.

use super::{Map, Picture, viridis::VIRIDIS};

/// Opacity of the strongest attention; the opacity falls with the attention, so that tissue without any stays as it
/// is.
const OPACITY: f32 = 0.6;

/// The map, brought to 0-1 ([`Map::normalised`]) and to the picture's size (bilinear), in viridis colours over the
/// picture. Where the map is 0 the picture shows unchanged, where it is 1 to 40 %.
#[must_use]
pub fn overlay(picture: &Picture, map: &Map) -> Picture {
    let attention = map.normalised().resized(picture.width, picture.height);
    let mut rgb = picture.rgb.clone();
    for (pixel, &a) in rgb.chunks_exact_mut(3).zip(&attention.values) {
        let colour = VIRIDIS[(a * 255.0).round() as usize];
        let opacity = OPACITY * a;
        for (p, c) in pixel.iter_mut().zip(colour) {
            *p = (f32::from(*p) * (1.0 - opacity) + f32::from(c) * opacity).round() as u8;
        }
    }
    Picture { rgb, ..*picture }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_attention_is_yellow_and_none_is_the_patch() {
        let picture = Picture::new(4, 1, vec![100; 12]).unwrap();
        let map = Map {
            height: 1,
            width: 2,
            values: vec![3.0, 7.0],
        };
        let drawn = overlay(&picture, &map);
        // Normalised 0 and 1, at the centres of the picture's halves: 0, .25, .75, 1.
        assert_eq!(drawn.rgb[..3], [100; 3]);
        let yellow = [253.0, 231.0, 37.0].map(|c: f32| (100.0 * 0.4 + c * 0.6).round() as u8);
        assert_eq!(drawn.rgb[9..], yellow);
        let colour =
            VIRIDIS[191].map(|c| (100.0 * (1.0 - 0.45) + f32::from(c) * 0.45f32).round() as u8);
        assert_eq!(drawn.rgb[6..9], colour);
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
            assert_eq!(overlay(&picture, &map), picture);
        }
    }
}
