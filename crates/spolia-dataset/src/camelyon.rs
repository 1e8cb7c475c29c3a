//! The HDF5 layout of the paper's authors: `tumor|normal/level*/centre*/patient*/node*/patches`.
//!
//! Files differ in depth (Camelyon16 has no `node*`), so every dataset called `patches` below a
//! class is taken, and each group on its way is read by the word it starts with.

use std::path::Path;

use hdf5_pure::Group;

use crate::error::{Error, Result};
use crate::hdf5;
use crate::resolve::Found;
use crate::table::{Patch, Source, known_classes, parse_label};
use crate::table_csv::hdf5_id;

/// Groups within groups beyond this are not a cohort.
const DEEPEST: usize = 8;

pub(crate) fn refuse(path: &Path) -> std::result::Result<(), String> {
    if !path.is_file() {
        return Err("not a file".to_owned());
    }
    match hdf5_pure::is_hdf5(path) {
        Ok(true) => {}
        Ok(false) => return Err("no HDF5 signature".to_owned()),
        Err(e) => return Err(e.to_string()),
    }
    let groups = hdf5::open(path)
        .and_then(|f| f.root().groups().map_err(|e| hdf5::fail(path, "", &e)))
        .map_err(|e| e.to_string())?;
    if groups.is_empty() {
        return Err("HDF5, but without groups such as `tumor` and `normal`".to_owned());
    }
    Ok(())
}

pub(crate) fn open(path: &Path, classes: &[String]) -> Result<Found> {
    let file = hdf5::open(path)?;
    let root = file.root();
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut patches = Vec::new();
    for class in sorted(root.groups(), path, "")? {
        let label = parse_label(&class, classes).ok_or_else(|| Error::Label {
            place: format!("{}, group /{class}", path.display()),
            label: class.clone(),
            known: known_classes(classes),
        })?;
        let group = root
            .group(&class)
            .map_err(|e| hdf5::fail(path, &class, &e))?;
        let mut walk = Walk {
            path,
            name: &name,
            label,
            patches: &mut patches,
        };
        walk.group(&group, &class, 1)?;
    }
    Ok((patches, Vec::new()))
}

fn sorted(
    names: std::result::Result<Vec<String>, hdf5_pure::Error>,
    path: &Path,
    place: &str,
) -> Result<Vec<String>> {
    let mut names = names.map_err(|e| hdf5::fail(path, place, &e))?;
    names.sort_unstable();
    Ok(names)
}

struct Walk<'a> {
    path: &'a Path,
    name: &'a str,
    label: u8,
    patches: &'a mut Vec<Patch>,
}

impl Walk<'_> {
    fn group(&mut self, group: &Group, place: &str, depth: usize) -> Result<()> {
        if depth > DEEPEST {
            return Err(Error::Hdf5 {
                path: self.path.to_path_buf(),
                dataset: place.to_owned(),
                what: format!("groups are nested more than {DEEPEST} deep"),
                remedy: "the layout is class/level/centre/patient/node/patches",
            });
        }
        for name in sorted(group.datasets(), self.path, place)? {
            if name == "patches" {
                let dataset = format!("{place}/{name}");
                let open = group
                    .dataset(&name)
                    .map_err(|e| hdf5::fail(self.path, &dataset, &e))?;
                let (images, _, _) = hdf5::image_shape(self.path, &dataset, &open)?;
                self.add(&dataset, images);
            }
        }
        for name in sorted(group.groups(), self.path, place)? {
            let place = format!("{place}/{name}");
            let below = group
                .group(&name)
                .map_err(|e| hdf5::fail(self.path, &place, &e))?;
            self.group(&below, &place, depth + 1)?;
        }
        Ok(())
    }

    fn add(&mut self, dataset: &str, images: u64) {
        let part = |word: &str| {
            dataset
                .split('/')
                .find(|p| p.starts_with(word))
                .map(str::to_owned)
        };
        let patient = part("patient");
        // A node has its number within its patient only.
        let slide = match (&patient, part("node")) {
            (Some(patient), Some(node)) => Some(format!("{patient}/{node}")),
            (Some(patient), None) => Some(patient.clone()),
            (None, node) => node,
        };
        for index in 0..images {
            let source = Source::Hdf5 {
                file: self.path.to_path_buf(),
                dataset: dataset.to_owned(),
                index,
            };
            let file = source.written(self.name);
            self.patches.push(Patch {
                label: Some(self.label),
                patient: patient.clone(),
                centre: part("centre").or_else(|| part("center")),
                slide: slide.clone(),
                ..Patch::new(hdf5_id(dataset, index), file, source)
            });
        }
    }
}
