//! Maps in colours over their patches.

use std::collections::BTreeMap;
use std::path::Path;

use clap::ValueEnum;
use miette::IntoDiagnostic;
use rayon::prelude::*;
use serde::Serialize;
use spolia_dataset::Patch;
use spolia_interpret::attention::{ColourMap, Drawing, Method, Picture, overlay};
use spolia_report::{SheetRow, attention_sheet};

use super::{Mapped, file, read_map, spread};
use crate::jobs::visualize::{png, read_rgb};
use crate::progress::Task;
use crate::run_folder::write_atomic;

/// Standard deviation by which maps of single pixels are smoothed for the eye, of the map's width; the npy is as it is.
const SMOOTHED: f64 = 0.03;

/// Most patches on a sheet.
const ON_SHEET: usize = 6;

/// What the strongest colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// The map's own largest value: shows where, not how much.
    Own,
    /// The largest value of all maps of the method: colours can be compared.
    Shared,
}

/// How overlays are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Their colours.
    pub colours: ColourMap,
    /// What the strongest colour stands for.
    pub scale: Scale,
}

/// Smallest and largest value of each method's maps over all of `mapped`.
pub fn ranges<'m>(
    methods: &[Method],
    mapped: impl Iterator<Item = &'m Mapped>,
) -> BTreeMap<&'static str, (f32, f32)> {
    let mut ranges = BTreeMap::new();
    for found in mapped {
        for (method, &(_, _, least, most)) in methods.iter().zip(&found.maps) {
            let range = ranges.entry(method.name()).or_insert((least, most));
            *range = (range.0.min(least), range.1.max(most));
        }
    }
    ranges
}

/// Draws the maps below `maps` over the pictures below `plain`, with a contour at half of the scale and, where the width of a
/// pixel is known, a scale bar.
///
/// # Errors
/// A map or picture cannot be read, or an overlay cannot be written.
pub fn draw(
    (maps, plain): (&Path, &Path),
    methods: &[Method],
    (patches, mapped): (&[&Patch], &[Mapped]),
    style: Style,
    ranges: &BTreeMap<&'static str, (f32, f32)>,
    task: &Task,
) -> miette::Result<()> {
    mapped.par_iter().try_for_each(|found| {
        let id = &patches[found.place].id;
        let picture = read_picture(&file(plain, id, "png"))?;
        for method in methods {
            let folder = maps.join(method.name());
            let map = read_map(&file(&folder, id, "npy"))?;
            let map = if method.of_a_layer() {
                map
            } else {
                map.smoothed(map.width as f64 * SMOOTHED)
            };
            let range = ranges.get(method.name()).copied();
            let drawing = Drawing {
                colours: style.colours,
                range: range.filter(|_| style.scale == Scale::Shared),
                ..Drawing::default()
            };
            let mut shown = overlay(&picture, &map, &drawing);
            if let Some(um_per_px) = found.um_per_px {
                spolia_report::scale_bar(&mut shown.rgb, (shown.width, shown.height), um_per_px);
            }
            write_picture(&file(&folder, id, "png"), shown)?;
        }
        task.advance(1);
        Ok(())
    })
}

/// Writes figure.png below `maps`: up to six patches, at even distances and not chosen by eye, beside their overlays, with the
/// probability of the class.
///
/// # Errors
/// A picture cannot be read, or the file cannot be written.
pub fn sheet(
    (maps, plain): (&Path, &Path),
    (methods, layer): (&[Method], &str),
    (patches, mapped): (&[&Patch], &[Mapped]),
    (style, class): (Style, &str),
) -> miette::Result<()> {
    let picture = |folder: &Path, id: &str| read_rgb(&file(folder, id, "png")).map(Some);
    let mut rows = Vec::new();
    for k in spread(mapped.len(), ON_SHEET) {
        let found = &mapped[k];
        let id = &patches[found.place].id;
        let p = found.p.map(|p| format!("p({class}) {p:.3}"));
        let mut cells = vec![(picture(plain, id)?, p.unwrap_or_default())];
        for (method, &(_, _, _, most)) in methods.iter().zip(&found.maps) {
            cells.push((
                picture(&maps.join(method.name()), id)?,
                format!("max {most:.3e}"),
            ));
        }
        rows.push(SheetRow { cells });
    }
    let heads: Vec<[&str; 2]> = methods.iter().map(|m| [m.name(), layer]).collect();
    let bytes = attention_sheet(&heads, &rows, style.colours.name()).into_diagnostic()?;
    Ok(write_atomic(&maps.join("figure.png"), &bytes)?)
}

/// Writes a picture as PNG.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write_picture(file: &Path, picture: Picture) -> miette::Result<()> {
    write_atomic(file, &png(picture.width, picture.height, picture.rgb)?)?;
    Ok(())
}

fn read_picture(file: &Path) -> miette::Result<Picture> {
    let rgb = read_rgb(file)?;
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    Picture::new(width, height, rgb.into_raw()).into_diagnostic()
}
