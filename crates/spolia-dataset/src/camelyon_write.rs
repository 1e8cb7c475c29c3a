//! Writing the HDF5 layout of the paper's authors, which [`resolve`](crate::resolve) reads:
//! `tumor|normal/level*/centre*/patient*/node*/patches`.

use std::collections::BTreeMap;
use std::path::Path;

use hdf5_pure::{File, FileBuilder};

use crate::error::{Error, Result};
use crate::hdf5::fail;
use crate::read::Reader;
use crate::table::{Patch, PatchTable};

/// Writes the patches of a table as
/// `CLASS/levelL/centreC/patientP/nodeN/patches` (bytes of shape (N, height, width, 3)), with
/// their places as `locations` (N x 2, pixels of level 0) where all are known.
///
/// `level` names the level that they are of. Groups are called as in the authors' files
/// (`patient_044` becomes `patient044`, the slide `patient_044_node_1` its `node1`); what a table
/// does not know has no group. Patches keep their order within a node. The file appears whole or
/// not at all; the pixels of one node are held in memory at a time.
///
/// # Errors
/// A patch without label, one that cannot be read, one of another size than the others of its
/// node, or a file that cannot be written.
pub fn write_camelyon_hdf5(
    path: &Path,
    table: &PatchTable,
    reader: &Reader,
    level: u32,
) -> Result<()> {
    let mut nodes: BTreeMap<Vec<String>, Vec<&Patch>> = BTreeMap::new();
    for patch in table.patches() {
        nodes
            .entry(groups(table, patch, level)?)
            .or_default()
            .push(patch);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.part"));
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        action: "write",
        source,
    };
    let result = write(&beside, &nodes, reader).and_then(|()| {
        // Datasets are synced as they are added; the name comes last.
        std::fs::rename(&beside, path).map_err(io)
    });
    if result.is_err() {
        // What was wrong is already known: a leftover that cannot go either adds nothing.
        let _ = std::fs::remove_file(&beside);
    }
    result
}

fn write(path: &Path, nodes: &BTreeMap<Vec<String>, Vec<&Patch>>, reader: &Reader) -> Result<()> {
    FileBuilder::new()
        .write(path)
        .map_err(|e| fail(path, "", &e))?;
    let file = File::open_rw(path).map_err(|e| fail(path, "", &e))?;
    for (groups, patches) in nodes {
        let place = groups.join("/");
        let failed = |e| fail(path, &place, &e);
        let Pixels {
            width,
            height,
            data,
        } = pixels(path, &place, patches, reader)?;
        let mut group = file.root();
        for name in groups {
            group = match group.group(name) {
                Ok(found) => found,
                Err(_) => group.create_group(name).map_err(failed)?,
            };
        }
        let count = patches.len() as u64;
        let shape = [count, height as u64, width as u64, 3];
        group
            .create_dataset("patches", |dataset| {
                dataset.with_u8_data(&data).with_shape(&shape);
            })
            .map_err(failed)?;
        let places: Option<Vec<[i64; 2]>> = patches.iter().map(|p| Some([p.x?, p.y?])).collect();
        if let Some(places) = places {
            group
                .create_dataset("locations", |dataset| {
                    dataset
                        .with_i64_data(&places.concat())
                        .with_shape(&[count, 2]);
                })
                .map_err(failed)?;
        }
        file.commit().map_err(failed)?;
    }
    Ok(())
}

struct Pixels {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

fn pixels(path: &Path, place: &str, patches: &[&Patch], reader: &Reader) -> Result<Pixels> {
    let mut all = Pixels {
        width: 0,
        height: 0,
        data: Vec::new(),
    };
    for patch in patches {
        let read = reader.read(patch)?;
        if all.data.is_empty() {
            (all.width, all.height) = (read.width, read.height);
        }
        if (read.width, read.height) != (all.width, all.height) {
            return Err(Error::Hdf5 {
                path: path.to_path_buf(),
                dataset: format!("{place}/patches"),
                what: format!(
                    "patch `{}` has {} x {} pixels, the first {} x {}",
                    patch.id, read.width, read.height, all.width, all.height
                ),
                remedy: "a dataset holds patches of one size; cut them again",
            });
        }
        all.data.extend(read.data);
    }
    Ok(all)
}

/// Names of the groups in which a patch lies.
fn groups(table: &PatchTable, patch: &Patch, level: u32) -> Result<Vec<String>> {
    let class = table.class_of(patch).ok_or_else(|| Error::Value {
        id: patch.id.clone(),
        column: "label",
        value: String::new(),
        expected: "a class; the layout has no place for patches without label: leave it out",
    })?;
    let node = patch.slide.as_deref().map(|slide| {
        // A node is numbered within its patient.
        let own = slide.rfind("node").map_or(slide, |at| &slide[at..]);
        group("node", own)
    });
    let known = [
        Some(class.to_owned()),
        Some(format!("level{level}")),
        patch
            .centre
            .as_deref()
            .map(|centre| group("centre", &centre.to_lowercase().replace("center", "centre"))),
        patch
            .patient
            .as_deref()
            .map(|patient| group("patient", patient)),
        node,
    ];
    Ok(known.into_iter().flatten().collect())
}

/// `patient_044` as `patient044`; a name of another kind is put behind the word.
fn group(word: &str, name: &str) -> String {
    let name = name.replace('/', "_");
    let rest = name.strip_prefix(word).unwrap_or(&name);
    format!("{word}{}", rest.trim_start_matches(['_', '-', ' ']))
}

#[cfg(test)]
mod tests {
    use super::group;

    #[test]
    fn groups_are_called_as_the_authors_call_them() {
        assert_eq!(group("patient", "patient_044"), "patient044");
        assert_eq!(group("patient", "patient044"), "patient044");
        assert_eq!(group("patient", "TCGA-A2-A0CM"), "patientTCGA-A2-A0CM");
        assert_eq!(group("node", "node_1"), "node1");
        assert_eq!(group("node", "a/b"), "nodea_b");
    }
}
