//! Coordinates as CLAM and TRIDENT write them: a dataset `coords` (N x 2, pixels of level 0) with the attributes `patch_level`
//! and `patch_size`, and the slide of the same name beside it.

use std::path::{Path, PathBuf};

use hdf5_pure::AttrValue;

use crate::error::{Error, Result};
use crate::hdf5;
use crate::region::{Region, Resolution};
use crate::resolve::Found;
use crate::table::{Patch, Source};

/// Endings of slides.
const SLIDES: [&str; 7] = ["svs", "tif", "tiff", "ome.tif", "ome.tiff", "png", "jpg"];

/// The slide: a file of the same name in the same folder, the one above, or `slides` beside that.
fn slide_of(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let here = path.parent()?;
    let above = here.join("..");
    let folders = [
        here.to_path_buf(),
        above.clone(),
        here.join("slides"),
        above.join("slides"),
    ];
    folders.iter().find_map(|folder| {
        SLIDES
            .iter()
            .map(|ending| folder.join(format!("{stem}.{ending}")))
            .find(|file| file.is_file())
    })
}

pub(crate) fn refuse(path: &Path) -> std::result::Result<(), String> {
    if !path.is_file() {
        return Err("not a file".to_owned());
    }
    if !hdf5_pure::is_hdf5(path).unwrap_or(false) {
        return Err("no HDF5 signature".to_owned());
    }
    let file = hdf5::open(path).map_err(|e| e.to_string())?;
    if file.dataset("coords").is_err() {
        return Err("HDF5, but without a dataset `coords`".to_owned());
    }
    match slide_of(path) {
        Some(_) => Ok(()),
        None => Err(format!(
            "holds coordinates, but no slide of its name ({}) lies beside it",
            SLIDES.map(|e| format!(".{e}")).join(", ")
        )),
    }
}

pub(crate) fn open(path: &Path) -> Result<Found> {
    let wrong = |what: String| Error::Hdf5 {
        path: path.to_path_buf(),
        dataset: "coords".to_owned(),
        what,
        remedy: "CLAM writes N x 2 whole numbers with the attributes patch_level and patch_size",
    };
    let dataset = hdf5::open(path)?
        .dataset("coords")
        .map_err(|e| hdf5::fail(path, "coords", &e))?;
    let shape = dataset
        .shape()
        .map_err(|e| hdf5::fail(path, "coords", &e))?;
    if shape.len() != 2 || shape[1] != 2 {
        return Err(wrong(format!("has shape {shape:?}")));
    }
    let attributes = dataset
        .attrs()
        .map_err(|e| hdf5::fail(path, "coords", &e))?;
    let number = |name: &str| {
        let value = attributes.get(name).and_then(whole);
        value.ok_or_else(|| wrong(format!("has no whole number as attribute {name}")))
    };
    let level = number("patch_level")?;
    let size = u32::try_from(number("patch_size")?)
        .ok()
        .filter(|s| (1..=16_384).contains(s))
        .ok_or_else(|| wrong("has a patch_size that is none".to_owned()))?;
    let coordinates = dataset
        .read_i64()
        .map_err(|e| hdf5::fail(path, "coords", &e))?;
    let slide = slide_of(path).ok_or_else(|| wrong("has no slide beside it".to_owned()))?;
    let name = slide
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let patches = coordinates.chunks_exact(2).map(|place| {
        let at = |v: i64| u64::try_from(v).map_err(|_| wrong(format!("holds the place {place:?}")));
        let region = Region {
            x: at(place[0])?,
            y: at(place[1])?,
            size,
            resolution: Resolution::Level(level as usize),
            slide_mpp: None,
        };
        let source = Source::Region {
            file: slide.clone(),
            region,
        };
        let file = source.written(&name);
        Ok(Patch {
            slide: Some(stem.clone()),
            x: Some(place[0]),
            y: Some(place[1]),
            ..Patch::new(format!("{stem}_x{}_y{}", place[0], place[1]), file, source)
        })
    });
    Ok((patches.collect::<Result<_>>()?, Vec::new()))
}

/// An attribute that is a whole number of at least 0.
fn whole(value: &AttrValue) -> Option<u64> {
    match value {
        AttrValue::I64(v) => u64::try_from(*v).ok(),
        AttrValue::I32(v) => u64::try_from(*v).ok(),
        AttrValue::I16(v) => u64::try_from(*v).ok(),
        AttrValue::U64(v) => Some(*v),
        AttrValue::U32(v) => Some(u64::from(*v)),
        AttrValue::U16(v) => Some(u64::from(*v)),
        AttrValue::U8(v) => Some(u64::from(*v)),
        AttrValue::I64Array(v) if v.len() == 1 => u64::try_from(v[0]).ok(),
        AttrValue::I32Array(v) if v.len() == 1 => u64::try_from(v[0]).ok(),
        _ => None,
    }
}
