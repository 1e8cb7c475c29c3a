//! The camelyon17 folder of WILDS (Koh et al. 2021): `metadata.csv` and
//! `patches/patient_PPP_node_N/patch_patient_PPP_node_N_x_X_y_Y.png`.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::resolve::{Found, Problem};
use crate::table::{Patch, Source, Split, known_classes, parse_label};
use crate::table_csv::places;

/// Columns that are needed.
const COLUMNS: [&str; 7] = [
    "patient", "node", "x_coord", "y_coord", "tumor", "center", "split",
];

fn table(path: &Path) -> PathBuf {
    path.join("metadata.csv")
}

pub(crate) fn refuse(path: &Path) -> std::result::Result<(), String> {
    if !path.is_dir() {
        return Err("not a folder".to_owned());
    }
    if !table(path).is_file() || !path.join("patches").is_dir() {
        return Err("no metadata.csv with a folder patches beside it".to_owned());
    }
    Ok(())
}

pub(crate) fn open(path: &Path, classes: &[String]) -> Result<Found> {
    let file = table(path);
    let csv_error = |source| Error::Csv {
        path: file.clone(),
        source,
    };
    let mut reader = csv::Reader::from_path(&file).map_err(csv_error)?;
    let header = reader.headers().map_err(csv_error)?.clone();
    let at = places(&file, &header, COLUMNS)?;
    let (mut patches, mut problems) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(csv_error)?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |k: usize| record.get(at[k]).unwrap_or_default().trim();
        let number = |k: usize| {
            let text = cell(k);
            // Tables of floating point columns write 12 as 12.0.
            text.strip_suffix(".0")
                .unwrap_or(text)
                .parse::<i64>()
                .map_err(|_| Error::Cell {
                    path: file.clone(),
                    line,
                    column: COLUMNS[k],
                    value: text.to_owned(),
                    expected: "a whole number",
                })
        };
        // WILDS writes patients with leading zeros as text, or as numbers without.
        let patient = format!("patient_{:03}", number(0)?);
        let (node, x, y) = (number(1)?, number(2)?, number(3)?);
        let slide = format!("{patient}_node_{node}");
        let id = format!("patch_{slide}_x_{x}_y_{y}");
        let written = format!("patches/{slide}/{id}.png");
        let picture = path.join(&written);
        if !picture.is_file() {
            problems.push(Problem {
                item: id,
                what: format!(
                    "{}, line {line}: file {} does not exist",
                    file.display(),
                    picture.display()
                ),
                remedy: "unpack the archive again, or remove the row".to_owned(),
            });
            continue;
        }
        let label = parse_label(cell(4), classes).ok_or_else(|| Error::Label {
            place: format!("{}, line {line}", file.display()),
            label: cell(4).to_owned(),
            known: known_classes(classes),
        })?;
        patches.push(Patch {
            label: Some(label),
            patient: Some(patient),
            centre: Some(format!("centre_{}", number(5)?)),
            slide: Some(slide),
            x: Some(x),
            y: Some(y),
            // 0 is training and 1 validation within the training hospitals; the benchmark's test hospitals are
            // chosen by `center`.
            split: match cell(6) {
                "0" => Some(Split::Train),
                "1" => Some(Split::Val),
                _ => None,
            },
            ..Patch::new(id, written, Source::File(picture))
        });
    }
    Ok((patches, problems))
}
