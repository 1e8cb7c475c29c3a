//! Figure 2: patches beside what each network looks at in them.

use image::RgbImage;
use serde::Serialize;

use super::pictures::{self, Missing};
use super::sheet::{SheetRow, attention_sheet};
use crate::Error;
use crate::numbers::three;
use crate::run::attention::Map;
use crate::run::{Run, first_seen};

/// Patches shown; the rest stay in the run folder.
const SHOWN: usize = 6;

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
    /// Predicted probability of the positive class; none of a network without training.
    pub(crate) p: Option<String>,
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
    let (mut rows, mut sheet) = (Vec::new(), Vec::new());
    for &index in &chosen {
        let id = ids[index];
        let label = run
            .maps
            .iter()
            .find(|m| m.id == id)
            .map_or_else(String::new, |m| run.class(m.label));
        let (patch, picture) = shown(run, &format!("attention/patches/{id}.png"), missing)?;
        let mut line = SheetRow {
            cells: vec![(picture, label.clone())],
        };
        let mut overlays = Vec::new();
        for column in &columns {
            let map = run
                .maps
                .iter()
                .find(|m| m.id == id && m.network == column.network && m.method == column.method);
            let (packed, picture) = match map {
                Some(map) => shown(run, &map.overlay(), missing)?,
                None => (None, None),
            };
            let p = map.and_then(|m| m.p).map(|p| three(Some(p)));
            let words = p.as_ref().map(|p| format!("p({}) {p}", run.positive()));
            line.cells.push((picture, words.unwrap_or_default()));
            overlays.push(Overlay {
                network: column.network.clone(),
                method: column.method.clone(),
                picture: packed,
                p,
                note: note(map),
            });
        }
        sheet.push(line);
        rows.push(Row {
            id: id.to_owned(),
            label,
            patch,
            overlays,
        });
    }
    let heads: Vec<[&str; 2]> = columns
        .iter()
        .map(|c| [c.network.as_str(), c.method.as_str()])
        .collect();
    let bytes = attention_sheet(&heads, &sheet, &run.judged.style.colours)?;
    let gallery = Gallery {
        columns,
        shown: rows.len(),
        patches: ids.len(),
        rows,
    };
    Ok(Some((gallery, bytes)))
}

/// A picture packed for the page, and itself; none where it is missing.
fn shown(
    run: &Run,
    below: &str,
    missing: &mut Missing,
) -> Result<(Option<String>, Option<RgbImage>), Error> {
    match pictures::read(&run.folder, below, missing) {
        Some(picture) => {
            let packed = pictures::data_address(&picture, "figure2")?;
            Ok((Some(packed), Some(picture)))
        }
        None => Ok((None, None)),
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
