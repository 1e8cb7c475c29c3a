//! Figure 2: patches beside what each network looks at in them.

use serde::Serialize;

use super::mosaic::{LETTER, Mosaic, text_width};
use super::palette::colour_map;
use super::pictures::{self, Missing};
use crate::Error;
use crate::numbers::three;
use crate::run::attention::Map;
use crate::run::{Run, first_seen};

/// Patches shown; the rest stay in the run folder.
const SHOWN: usize = 6;
/// Side of a picture on the sheet, pixels.
const SIDE: u32 = 224;
const GAP: u32 = 8;

/// The figure as the page shows it.
#[derive(Serialize)]
pub(crate) struct Gallery {
    /// Heading of each overlay: network and method.
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    /// Patches shown and patches with maps.
    pub(crate) shown: usize,
    pub(crate) patches: usize,
}

/// A network's method.
#[derive(Serialize, PartialEq, Clone)]
pub(crate) struct Column {
    pub(crate) network: String,
    pub(crate) method: String,
}

/// One patch with its overlays.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// Its true class in words.
    pub(crate) label: String,
    pub(crate) patch: Option<String>,
    pub(crate) overlays: Vec<Overlay>,
}

/// One map laid over its patch.
#[derive(Serialize)]
pub(crate) struct Overlay {
    pub(crate) network: String,
    pub(crate) method: String,
    pub(crate) picture: Option<String>,
    /// Predicted probability of the positive class.
    pub(crate) p: String,
    /// What a reader must know of this map.
    pub(crate) note: Option<&'static str>,
}

/// Draws the figure: the page's gallery and the sheet for `figures/figure2.png`; `None` where
/// no maps were made.
pub(crate) fn draw(run: &Run, missing: &mut Missing) -> Result<Option<(Gallery, Vec<u8>)>, Error> {
    let ids = first_seen(run.maps.iter().map(|m| m.id.as_str()));
    if ids.is_empty() {
        return Ok(None);
    }
    let mut columns = first_seen(run.maps.iter().map(|m| Column {
        network: m.network.clone(),
        method: m.method.clone(),
    }));
    columns.sort_by_key(|c| run.place(&c.network));
    let chosen = spread(ids.len(), SHOWN);

    let words = 2 * (LETTER + 2);
    let width = GAP + (columns.len() as u32 + 1) * (SIDE + GAP);
    let height = words + 2 * GAP + chosen.len() as u32 * (SIDE + LETTER + 2 * GAP) + LETTER + GAP;
    let mut sheet = Mosaic::new(width, height);
    let x_of = |column: usize| GAP + column as u32 * (SIDE + GAP);
    sheet.text("patch", (x_of(0), GAP + LETTER + 2));
    for (i, column) in columns.iter().enumerate() {
        sheet.text(&column.network, (x_of(i + 1), GAP));
        sheet.text(&column.method, (x_of(i + 1), GAP + LETTER + 2));
    }

    let mut rows = Vec::new();
    for (line, &index) in chosen.iter().enumerate() {
        let id = ids[index];
        let y = words + 2 * GAP + line as u32 * (SIDE + LETTER + 2 * GAP);
        let label = run
            .maps
            .iter()
            .find(|m| m.id == id)
            .map_or_else(String::new, |m| run.class(m.label));
        let patch = format!("attention/patches/{id}.png");
        let patch = shown(run, &mut sheet, (x_of(0), y), &patch, missing)?;
        sheet.text(&label, (x_of(0), y + SIDE + 2));
        let mut overlays = Vec::new();
        for (i, column) in columns.iter().enumerate() {
            let at = (x_of(i + 1), y);
            let map = run
                .maps
                .iter()
                .find(|m| m.id == id && m.network == column.network && m.method == column.method);
            let picture = match map {
                Some(map) => shown(run, &mut sheet, at, &map.overlay(), missing)?,
                None => {
                    sheet.empty(at, SIDE, &["no map"]);
                    None
                }
            };
            let p = map.map_or_else(|| three(None), |m| three(m.p));
            if map.is_some() {
                let text = format!("p({}) {p}", run.positive());
                sheet.text(&text, (at.0, at.1 + SIDE + 2));
            }
            overlays.push(Overlay {
                network: column.network.clone(),
                method: column.method.clone(),
                picture,
                p,
                note: note(map),
            });
        }
        rows.push(Row {
            id: id.to_owned(),
            label,
            patch,
            overlays,
        });
    }
    let y = height - LETTER - GAP;
    sheet.text("low", (x_of(0), y));
    let bar = text_width("low") + GAP;
    let colours = |t: f64| colour_map(&run.judged.style.colours, t);
    sheet.bar((x_of(0) + bar, y), 2 * SIDE / 3, colours);
    sheet.text("high", (x_of(0) + bar + 2 * SIDE / 3 + GAP, y));
    let gallery = Gallery {
        columns,
        shown: rows.len(),
        patches: ids.len(),
        rows,
    };
    let bytes = pictures::png(&sheet.done(), "figure2.png")?;
    Ok(Some((gallery, bytes)))
}

/// Puts a picture on the sheet and packs it for the page.
fn shown(
    run: &Run,
    sheet: &mut Mosaic,
    at: (u32, u32),
    below: &str,
    missing: &mut Missing,
) -> Result<Option<String>, Error> {
    match pictures::read(&run.folder, below, missing) {
        Some(picture) => {
            sheet.picture(&picture, at, SIDE);
            pictures::data_address(&picture, "figure2").map(Some)
        }
        None => {
            sheet.empty(at, SIDE, &["no picture"]);
            Ok(None)
        }
    }
}

fn note(map: Option<&Map>) -> Option<&'static str> {
    match map {
        None => Some("no map of this patch"),
        Some(map) if map.max.is_some_and(|max| max <= 0.0) => Some("empty map: zero everywhere"),
        Some(_) => None,
    }
}

/// Up to `wanted` of `n` places at even distances, so that no patch is picked for its looks.
fn spread(n: usize, wanted: usize) -> Vec<usize> {
    let shown = n.min(wanted);
    (0..shown).map(|i| i * n / shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_taken_at_even_distances() {
        assert_eq!(spread(3, 6), vec![0, 1, 2]);
        assert_eq!(spread(50, 5), vec![0, 10, 20, 30, 40]);
        assert_eq!(spread(7, 6), vec![0, 1, 2, 3, 4, 5]);
        assert!(spread(0, 6).is_empty());
    }
}
