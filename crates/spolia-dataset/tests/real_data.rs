//! Real patches, where `SPOLIA_DATA` names the folder that holds them.

use std::path::PathBuf;

use spolia_dataset::{Reader, ResolveOptions, Split, check, content_hashes, leaks, resolve};

fn data(below: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("SPOLIA_DATA") else {
        eprintln!("skipped: SPOLIA_DATA does not name a folder with {below}");
        return None;
    };
    Some(PathBuf::from(folder).join(below))
}

#[test]
fn pcam_is_counted_and_read() {
    let Some(path) = data("pcam") else { return };
    let (table, problems) = resolve(&path, &ResolveOptions::default()).expect("PCam");
    assert_eq!(problems, []);
    assert_eq!(table.len(), 2_448);
    let found = check(&table, &Reader::new()).expect("checked");
    let counts: Vec<_> = found
        .by_split
        .iter()
        .map(|c| (c.value.as_str(), c.of_class.clone(), c.unlabelled))
        .collect();
    assert_eq!(
        counts,
        [
            ("train", vec![800, 800], 0),
            ("val", vec![300, 300], 0),
            ("test", vec![124, 124], 0)
        ]
    );
    assert_eq!(found.problems, []);
    assert_eq!(found.by_patient.len(), 1);
    assert_eq!(
        (
            found.by_patient[0].value.as_str(),
            found.by_patient[0].total()
        ),
        ("", 2_448)
    );
    let image = Reader::new().read(&table.patches()[0]).expect("readable");
    assert_eq!((image.width, image.height), (96, 96));
}

#[test]
fn the_authors_hdf5_files_are_read() {
    let Some(path) = data("camelyon_patches") else {
        return;
    };
    let (table, _) =
        resolve(&path.join("cam17_patches.hdf5"), &ResolveOptions::default()).expect("HDF5");
    assert_eq!(table.len(), 20);
    let first = &table.patches()[0];
    assert_eq!(first.id, "normal/level7/centre0/patient010/node4/000000");
    assert_eq!(first.patient.as_deref(), Some("patient010"));
    assert_eq!(first.centre.as_deref(), Some("centre0"));
    assert_eq!(
        table
            .patches()
            .iter()
            .filter(|p| p.label == Some(1))
            .count(),
        10
    );
    let image = Reader::new().read(first).expect("readable");
    assert_eq!(
        (image.width, image.height, image.data.len()),
        (224, 224, 150_528)
    );

    let (table, _) =
        resolve(&path.join("cam16_patches.hdf5"), &ResolveOptions::default()).expect("HDF5");
    assert_eq!(table.len(), 10);
    assert_eq!(
        table.patches()[0].slide.as_deref(),
        Some("patient042_Mask.tif")
    );
}

#[test]
fn patches_stored_under_two_patients_are_found_by_content() {
    let Some(path) = data("camelyon_patches/cam17_patches.hdf5") else {
        return;
    };
    let (table, _) = resolve(&path, &ResolveOptions::default()).expect("HDF5");
    let (hashes, problems) = content_hashes(&table, &Reader::new());
    assert_eq!(problems, []);
    let splits: Vec<Split> = table
        .patches()
        .iter()
        .map(|p| {
            if p.patient.as_deref() == Some("patient010") {
                Split::Train
            } else {
                Split::Test
            }
        })
        .collect();
    let table = table.with_splits(&splits);
    assert_eq!(leaks(&table, None).expect("looked"), []);
    assert!(!leaks(&table, Some(&hashes)).expect("looked").is_empty());
}

#[test]
fn nct_tiffs_are_read() {
    let Some(path) = data("nct9") else { return };
    let (table, _) = resolve(&path, &ResolveOptions::default()).expect("a folder");
    assert_eq!(table.len(), 10);
    let reader = Reader::new();
    for patch in table.patches() {
        let image = reader.read(patch).expect("readable");
        assert_eq!((image.width, image.height), (224, 224), "{}", patch.id);
    }
}
