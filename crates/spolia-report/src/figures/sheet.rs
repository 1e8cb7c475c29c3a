//! Patches beside the maps laid over them, as one picture with lettering.

use image::RgbImage;

use super::mosaic::{LETTER, Mosaic, text_width};
use super::palette::colour_map;
use super::pictures;
use crate::Error;

/// Side of a picture on the sheet, pixels.
const SIDE: u32 = 224;
const GAP: u32 = 8;

/// One patch and its maps.
#[derive(Debug, Clone, Default)]
pub struct SheetRow {
    /// The patch, then one picture per column, each with the words beneath it; none where there is none to show.
    pub cells: Vec<(Option<RgbImage>, String)>,
}

/// A sheet as PNG: the patch, then a picture for each of `columns` (two lines of heading each), a row per patch, and the bar of
/// colours by the name that the maps were drawn with.
///
/// # Errors
/// [`Error::Figure`] when the picture cannot be encoded.
pub fn attention_sheet(
    columns: &[[&str; 2]],
    rows: &[SheetRow],
    colours: &str,
) -> Result<Vec<u8>, Error> {
    let words = 2 * (LETTER + 2);
    let width = GAP + (columns.len() as u32 + 1) * (SIDE + GAP);
    let height = words + 2 * GAP + rows.len() as u32 * (SIDE + LETTER + 2 * GAP) + LETTER + GAP;
    let mut sheet = Mosaic::new(width, height);
    let x_of = |column: usize| GAP + column as u32 * (SIDE + GAP);
    sheet.text("patch", (x_of(0), GAP + LETTER + 2));
    for (i, [first, second]) in columns.iter().enumerate() {
        sheet.text(first, (x_of(i + 1), GAP));
        sheet.text(second, (x_of(i + 1), GAP + LETTER + 2));
    }
    for (line, row) in rows.iter().enumerate() {
        let y = words + 2 * GAP + line as u32 * (SIDE + LETTER + 2 * GAP);
        for (i, (picture, words)) in row.cells.iter().enumerate() {
            match picture {
                Some(picture) => sheet.picture(picture, (x_of(i), y), SIDE),
                None => sheet.empty((x_of(i), y), SIDE, &["no picture"]),
            }
            sheet.text(words, (x_of(i), y + SIDE + 2));
        }
    }
    let y = height - LETTER - GAP;
    sheet.text("low", (x_of(0), y));
    let bar = text_width("low") + GAP;
    let gradient = |t: f64| colour_map(colours, t);
    sheet.bar((x_of(0) + bar, y), 2 * SIDE / 3, gradient);
    sheet.text("high", (x_of(0) + bar + 2 * SIDE / 3 + GAP, y));
    pictures::png(&sheet.done(), "the sheet of attention maps")
}
