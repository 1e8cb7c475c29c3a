//! A scale bar and a colour bar in the corners of a picture.

use image::{Rgb, RgbImage};

use super::mosaic::{LETTER, letters, text_width};
use super::palette::colour_map;

/// Widest bar, of the picture's width.
const WIDEST: f64 = 0.3;
/// Thickness of the bar and distance from the edges, pixels.
const THICK: u32 = 4;
const EDGE: u32 = 8;

/// Draws a bar of a round number of µm with its length in the lower left corner of an RGB picture of `width` x `height`
/// pixels, each `um_per_px` µm wide: white on a dark ground, legible on any tissue. A picture too small for it, or a width
/// that is no positive number, stays as it is.
pub fn scale_bar(rgb: &mut Vec<u8>, (width, height): (usize, usize), um_per_px: f64) {
    let Some((length, words)) = round_length(width as f64 * WIDEST * um_per_px) else {
        return;
    };
    let bar = (length / um_per_px).round() as u32;
    let plate = (bar.max(text_width(&words)) + 2 * THICK, LETTER + 3 * THICK);
    let left = EDGE;
    let Some(mut picture) = darkened(rgb, (width, height), left, plate) else {
        return;
    };
    let top = height as u32 - EDGE - plate.1;
    let white = Rgb([255; 3]);
    for (x, y) in (0..THICK).flat_map(|y| (0..bar).map(move |x| (x, y))) {
        picture.put_pixel(left + THICK + x, top + LETTER + THICK + y, white);
    }
    letters(&mut picture, &words, (left + THICK, top + THICK / 2), white);
    *rgb = picture.into_raw();
}

/// Draws a bar of colours from low to high in the lower right corner of an RGB picture of `width` x `height` pixels, under the
/// words that say what they stand for, with 0 and the value of the strongest colour at its ends. A picture too small for it
/// stays as it is.
pub fn colour_bar(
    rgb: &mut Vec<u8>,
    (width, height): (usize, usize),
    colours: &str,
    (words, high): (&str, &str),
) {
    let bar = (width as f64 * WIDEST / 2.0) as u32;
    let ends = text_width("0") + text_width(high) + 4 * THICK;
    let plate = (
        bar.max(text_width(words)).max(ends) + 2 * THICK,
        2 * LETTER + 5 * THICK,
    );
    let left = (width as u32).saturating_sub(EDGE + plate.0);
    let Some(mut picture) = darkened(rgb, (width, height), left, plate) else {
        return;
    };
    let top = height as u32 - EDGE - plate.1;
    let white = Rgb([255; 3]);
    letters(&mut picture, words, (left + THICK, top + THICK / 2), white);
    let length = plate.0 - 2 * THICK;
    for x in 0..length {
        let colour = colour_map(colours, f64::from(x) / f64::from(length.max(2) - 1));
        for y in 0..2 * THICK {
            picture.put_pixel(left + THICK + x, top + LETTER + THICK + y, Rgb(colour));
        }
    }
    let below = top + LETTER + 3 * THICK + THICK / 2;
    letters(&mut picture, "0", (left + THICK, below), white);
    let right = left + plate.0 - THICK - text_width(high);
    letters(&mut picture, high, (right, below), white);
    *rgb = picture.into_raw();
}

/// Takes a picture out of its bytes with a darkened plate, from `left` and above the lower edge; `None`, and the bytes as they
/// are, where the plate does not fit or the bytes are not those of the size.
fn darkened(
    rgb: &mut Vec<u8>,
    (width, height): (usize, usize),
    left: u32,
    plate: (u32, u32),
) -> Option<RgbImage> {
    let fits = (plate.0 + 2 * EDGE) as usize <= width && (plate.1 + 2 * EDGE) as usize <= height;
    if !fits || rgb.len() != width * height * 3 {
        return None;
    }
    let mut picture = RgbImage::from_raw(width as u32, height as u32, std::mem::take(rgb))?;
    let top = height as u32 - EDGE - plate.1;
    for (x, y) in (0..plate.1).flat_map(|y| (0..plate.0).map(move |x| (x, y))) {
        let pixel = picture.get_pixel_mut(left + x, top + y);
        pixel.0 = pixel.0.map(|v| v / 4);
    }
    Some(picture)
}

/// The largest of 1, 2, 5 times a power of ten that is at most `most` µm, and its words.
fn round_length(most: f64) -> Option<(f64, String)> {
    if !(most.is_finite() && most > 0.0) {
        return None;
    }
    let power = 10f64.powf(most.log10().floor());
    let step = [5.0, 2.0, 1.0].into_iter().find(|s| s * power <= most)?;
    let length = step * power;
    let words = if length >= 1000.0 {
        format!("{} mm", length / 1000.0)
    } else {
        format!("{length} um")
    };
    Some((length, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_round() {
        let of = |most| round_length(most).map(|l| l.1);
        assert_eq!(of(33.6).as_deref(), Some("20 um"));
        assert_eq!(of(5.0).as_deref(), Some("5 um"));
        assert_eq!(of(2300.0).as_deref(), Some("2 mm"));
        assert_eq!(of(0.0), None);
        assert_eq!(of(f64::NAN), None);
    }

    #[test]
    fn a_bar_is_as_long_as_it_says() {
        let mut rgb = vec![200; 224 * 224 * 3];
        scale_bar(&mut rgb, (224, 224), 0.5);
        // 30 % of 112 µm: 20 µm are 40 px.
        let white = |y: usize| (0..224).filter(|x| rgb[(y * 224 + x) * 3] == 255).count();
        let row = 224 - 8 - 28 + 16 + 4;
        assert_eq!(white(row), 40);
        assert_eq!(rgb[..3], [200; 3]);

        let mut small = vec![200; 20 * 20 * 3];
        scale_bar(&mut small, (20, 20), 0.5);
        assert_eq!(small, vec![200; 20 * 20 * 3]);
    }
}
