//! PatchCamelyon as it is published (Veeling et al. 2018): `…_x.h5` with images, `…_y.h5` with labels beside it, and
//! `…_meta.csv` with the slides.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::hdf5;
use crate::resolve::Found;
use crate::table::{Patch, Source, Split, parse_label};
use crate::table_csv::places;

/// The file of another part of the same split, such as `_y.h5` for `_x.h5`.
fn beside(path: &Path, ending: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix("_x.h5")?;
    Some(path.with_file_name(format!("{stem}{ending}")))
}

pub(crate) fn refuse(path: &Path) -> std::result::Result<(), String> {
    if !path.is_file() {
        return Err("not a file".to_owned());
    }
    if path.to_string_lossy().ends_with(".h5.gz") {
        return Err("compressed as a whole: unpack it first (gunzip FILE)".to_owned());
    }
    if beside(path, "").is_none() {
        return Err("its name does not end in _x.h5".to_owned());
    }
    let file = hdf5::open(path).map_err(|e| e.to_string())?;
    match file.dataset("x") {
        Ok(_) => Ok(()),
        Err(_) => Err("HDF5, but without a dataset `x`".to_owned()),
    }
}

pub(crate) fn open(path: &Path, classes: &[String]) -> Result<Found> {
    let images = hdf5::open(path)?
        .dataset("x")
        .map_err(|e| hdf5::fail(path, "x", &e))?;
    let (count, _, _) = hdf5::image_shape(path, "x", &images)?;
    let labels = labels(path, count, classes)?;
    let slides = slides(path, count)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let split = [
        ("_train_", Split::Train),
        ("_valid_", Split::Val),
        ("_test_", Split::Test),
    ]
    .into_iter()
    .find_map(|(word, split)| name.contains(word).then_some(split));
    let stem = name.strip_suffix("_x.h5").unwrap_or(&name).to_owned();
    let patches = (0..count).map(|index| {
        let source = Source::Hdf5 {
            file: path.to_path_buf(),
            dataset: "x".to_owned(),
            index,
        };
        let file = source.written(&name);
        let at = index as usize;
        let Place { slide, x, y } = slides.get(at).cloned().unwrap_or_default();
        Patch {
            label: labels.as_ref().and_then(|l| l.get(at).copied()),
            slide,
            x,
            y,
            split,
            ..Patch::new(format!("{stem}/{index:06}"), file, source)
        }
    });
    Ok((patches.collect(), Vec::new()))
}

/// Labels of the file beside it; none where there is none.
fn labels(path: &Path, count: u64, classes: &[String]) -> Result<Option<Vec<u8>>> {
    let Some(file) = beside(path, "_y.h5").filter(|f| f.is_file()) else {
        return Ok(None);
    };
    let values = hdf5::open(&file)?
        .dataset("y")
        .and_then(|d| d.read_u8())
        .map_err(|e| hdf5::fail(&file, "y", &e))?;
    if values.len() as u64 != count {
        return Err(Error::Hdf5 {
            path: file,
            dataset: "y".to_owned(),
            what: format!("holds {} labels for {count} images", values.len()),
            remedy: "both files must be of the same split",
        });
    }
    let label = |value: &u8| {
        parse_label(&value.to_string(), classes).ok_or_else(|| Error::Label {
            place: format!("{}, dataset y", file.display()),
            label: value.to_string(),
            known: crate::table::known_classes(classes),
        })
    };
    values.iter().map(label).collect::<Result<_>>().map(Some)
}

/// Where an image lies.
#[derive(Debug, Clone, Default)]
struct Place {
    slide: Option<String>,
    x: Option<i64>,
    y: Option<i64>,
}

/// Slides and places of `…_meta.csv`; empty where there is none.
fn slides(path: &Path, count: u64) -> Result<Vec<Place>> {
    let Some(file) = beside(path, "_meta.csv").filter(|f| f.is_file()) else {
        return Ok(Vec::new());
    };
    let csv_error = |source| Error::Csv {
        path: file.clone(),
        source,
    };
    let mut reader = csv::Reader::from_path(&file).map_err(csv_error)?;
    let header = reader.headers().map_err(csv_error)?.clone();
    let [slide, x, y] = places(&file, &header, ["wsi", "coord_x", "coord_y"])?;
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record.map_err(csv_error)?;
        let number = |at: usize| record.get(at).and_then(|t| t.trim().parse().ok());
        let name = record
            .get(slide)
            .filter(|t| !t.is_empty())
            .map(str::to_owned);
        found.push(Place {
            slide: name,
            x: number(x),
            y: number(y),
        });
    }
    if found.len() as u64 != count {
        return Err(Error::Empty {
            path: file,
            what: format!(
                "{} lines for {count} images; both must be of the same split",
                found.len()
            ),
        });
    }
    Ok(found)
}
