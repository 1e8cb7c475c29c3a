//! A sheet of pictures with lettering: figures 1 and 2 as PNG files.

use font8x8::UnicodeFonts;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

/// Height of a letter, pixels.
pub(super) const LETTER: u32 = 16;
const INK: Rgb<u8> = Rgb([38, 34, 44]);
const SOFT: Rgb<u8> = Rgb([104, 98, 112]);
const LINE: Rgb<u8> = Rgb([190, 186, 196]);

/// A white sheet.
pub(super) struct Mosaic {
    sheet: RgbImage,
}

impl Mosaic {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self {
            sheet: RgbImage::from_pixel(width, height, Rgb([255; 3])),
        }
    }

    /// Puts a picture into the square of `side` pixels at (x, y), as large as it fits.
    pub(super) fn picture(&mut self, picture: &RgbImage, (x, y): (u32, u32), side: u32) {
        let (width, height) = picture.dimensions();
        let longest = width.max(height).max(1);
        let fit = |of: u32| (of * side / longest).max(1);
        let size = (fit(width), fit(height));
        let (x, y) = (x + (side - size.0) / 2, y + (side - size.1) / 2);
        if (width, height) == size {
            imageops::replace(&mut self.sheet, picture, x.into(), y.into());
        } else {
            let scaled = imageops::resize(picture, size.0, size.1, FilterType::Triangle);
            imageops::replace(&mut self.sheet, &scaled, x.into(), y.into());
        }
    }

    /// An empty frame with words in its middle, where there is nothing to show.
    pub(super) fn empty(&mut self, (x, y): (u32, u32), side: u32, words: &[&str]) {
        for i in 0..side {
            for (px, py) in [(i, 0), (i, side - 1), (0, i), (side - 1, i)] {
                self.dot(x + px, y + py, LINE);
            }
        }
        let height = words.len() as u32 * (LETTER + 2);
        for (line, word) in words.iter().enumerate() {
            let left = (side / 2).saturating_sub(text_width(word) / 2);
            let top = (side / 2).saturating_sub(height / 2) + line as u32 * (LETTER + 2);
            letters(&mut self.sheet, word, (x + left, y + top), SOFT);
        }
    }

    /// A text with its top left corner at `at`.
    pub(super) fn text(&mut self, text: &str, at: (u32, u32)) {
        letters(&mut self.sheet, text, at, INK);
    }

    /// A bar of colours from low to high.
    pub(super) fn bar(&mut self, (x, y): (u32, u32), width: u32, colour: impl Fn(f64) -> [u8; 3]) {
        for i in 0..width {
            let c = Rgb(colour(f64::from(i) / f64::from(width.max(2) - 1)));
            for j in 0..LETTER {
                self.dot(x + i, y + j, c);
            }
        }
    }

    fn dot(&mut self, x: u32, y: u32, colour: Rgb<u8>) {
        if let Some(pixel) = self.sheet.get_pixel_mut_checked(x, y) {
            *pixel = colour;
        }
    }

    /// The sheet.
    pub(super) fn done(self) -> RgbImage {
        self.sheet
    }
}

/// Width of a text, pixels.
pub(super) fn text_width(text: &str) -> u32 {
    text.chars().count() as u32 * LETTER / 2 * 9 / 8
}

/// Letters are 8 rows of 8 dots; a dot is one pixel wide and two high, which reads as a condensed face and leaves room for
/// layer names.
pub(super) fn letters(sheet: &mut RgbImage, text: &str, (x, y): (u32, u32), colour: Rgb<u8>) {
    let mut left = x;
    for letter in text.chars() {
        let rows = font8x8::BASIC_FONTS.get(letter).unwrap_or([0x7e; 8]);
        for (row, bits) in rows.iter().enumerate() {
            for column in (0..8).filter(|c| bits >> c & 1 == 1) {
                for tall in 0..2 {
                    let at = (left + column, y + 2 * row as u32 + tall);
                    if let Some(pixel) = sheet.get_pixel_mut_checked(at.0, at.1) {
                        *pixel = colour;
                    }
                }
            }
        }
        left += 9;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_frames_land_where_they_should() {
        let mut sheet = Mosaic::new(20, 10);
        sheet.picture(&RgbImage::from_pixel(4, 4, Rgb([9, 8, 7])), (1, 2), 4);
        sheet.empty((10, 0), 10, &[]);
        let sheet = sheet.done();
        assert_eq!(sheet.get_pixel(1, 2).0, [9, 8, 7]);
        assert_eq!(sheet.get_pixel(4, 5).0, [9, 8, 7]);
        assert_eq!(sheet.get_pixel(5, 5).0, [255; 3]);
        assert_eq!(sheet.get_pixel(10, 0), &LINE);
        assert_eq!(sheet.get_pixel(15, 5).0, [255; 3]);
    }
}
