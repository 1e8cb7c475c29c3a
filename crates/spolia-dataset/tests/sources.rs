//! What every source of patches must do, and each source that does it.

use std::fs;
use std::path::{Path, PathBuf};

use hdf5_pure::FileBuilder;
use image::{Rgb, RgbImage};
use rayon::prelude::*;
use spolia_dataset::{
    PatchTable, Reader, ResolveOptions, RgbPatch, Split, resolve, write_camelyon_hdf5,
};

/// An image of 5 x 4 pixels whose values tell where they belong.
fn pixels(n: u8) -> RgbImage {
    RgbImage::from_fn(5, 4, |x, y| Rgb([n, 10 * x as u8, 20 * y as u8]))
}

fn save(folder: &Path, name: &str, n: u8) {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).expect("a folder");
    }
    pixels(n).save(path).expect("an image");
}

/// The contract. `expected`: for each patch its id, label, split and the number in its pixels.
fn holds(path: &Path, expected: &[(&str, Option<u8>, Option<Split>, u8)]) -> PatchTable {
    let (table, problems) = resolve(path, &ResolveOptions::default()).expect("a source");
    assert_eq!(problems, []);
    let found: Vec<_> = table
        .patches()
        .iter()
        .map(|p| (p.id.as_str(), p.label, p.split))
        .collect();
    let wanted: Vec<_> = expected
        .iter()
        .map(|&(id, label, split, _)| (id, label, split))
        .collect();
    assert_eq!(found, wanted);
    assert_eq!(table.classes(), ["normal", "tumor"]);

    // One reader serves many threads and reads what was written.
    let reader = Reader::new();
    let read: Vec<RgbPatch> = table
        .patches()
        .par_iter()
        .map(|p| reader.read(p).expect("readable"))
        .collect();
    for (patch, &(id, .., n)) in read.iter().zip(expected) {
        assert_eq!((patch.width, patch.height), (5, 4), "{id}");
        assert_eq!(patch.data, pixels(n).into_raw(), "{id}");
    }

    // Written as a CSV in another folder and read again, it is the same table of the same pixels.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let csv = elsewhere.path().join("patches.csv");
    table.write_csv(&csv).expect("written");
    let (again, problems) = resolve(&csv, &ResolveOptions::default()).expect("a table");
    assert_eq!(problems, []);
    for (a, b) in table.patches().iter().zip(again.patches()) {
        assert_eq!(
            (&a.id, a.label, &a.patient, &a.centre),
            (&b.id, b.label, &b.patient, &b.centre)
        );
        assert_eq!(
            (&a.slide, a.x, a.y, a.mpp, a.split),
            (&b.slide, b.x, b.y, b.mpp, b.split)
        );
        assert_eq!(
            reader.read(a).expect("readable"),
            reader.read(b).expect("readable")
        );
    }
    assert_eq!(again.len(), table.len());
    assert_eq!(
        fs::read_dir(elsewhere.path()).expect("a folder").count(),
        1,
        "a part was left"
    );
    table
}

#[test]
fn one_image() {
    let dir = tempfile::tempdir().expect("a folder");
    save(dir.path(), "a.b.png", 3);
    holds(&dir.path().join("a.b.png"), &[("a.b", None, None, 3)]);
}

#[test]
fn tiff_and_bmp_and_gray() {
    let dir = tempfile::tempdir().expect("a folder");
    save(dir.path(), "one.tif", 1);
    save(dir.path(), "two.BMP", 2);
    holds(
        dir.path(),
        &[("one", None, None, 1), ("two", None, None, 2)],
    );
    let gray = dir.path().join("gray.png");
    image::GrayImage::from_pixel(2, 1, image::Luma([7]))
        .save(&gray)
        .expect("an image");
    let (table, _) = resolve(&gray, &ResolveOptions::default()).expect("an image");
    let read = Reader::new().read(&table.patches()[0]).expect("readable");
    assert_eq!(read.data, [7; 6]);
    assert_eq!(read.to_unit(), [7.0 / 255.0; 6]);
}

#[test]
fn plain_folder_in_the_order_of_paths() {
    let dir = tempfile::tempdir().expect("a folder");
    save(dir.path(), "b.png", 2);
    save(dir.path(), "sub/c.png", 3);
    save(dir.path(), "a.png", 1);
    fs::write(dir.path().join("notes.txt"), "no image").expect("written");
    holds(
        dir.path(),
        &[
            ("a", None, None, 1),
            ("b", None, None, 2),
            ("sub/c", None, None, 3),
        ],
    );
}

#[test]
fn class_folders() {
    let dir = tempfile::tempdir().expect("a folder");
    save(dir.path(), "tumor/x.png", 1);
    save(dir.path(), "normal/deep/y.png", 2);
    holds(
        dir.path(),
        &[
            ("normal/deep/y", Some(0), None, 2),
            ("tumor/x", Some(1), None, 1),
        ],
    );
}

#[test]
fn class_folders_within_splits() {
    let dir = tempfile::tempdir().expect("a folder");
    save(dir.path(), "train/tumor/x.png", 1);
    save(dir.path(), "valid/normal/y.png", 2);
    save(dir.path(), "test/1/z.png", 3);
    holds(
        dir.path(),
        &[
            ("test/1/z", Some(1), Some(Split::Test), 3),
            ("train/tumor/x", Some(1), Some(Split::Train), 1),
            ("valid/normal/y", Some(0), Some(Split::Val), 2),
        ],
    );
}

#[test]
fn folder_with_labels() {
    let dir = tempfile::tempdir().expect("a folder");
    save(dir.path(), "train/normal/p.png", 1);
    save(dir.path(), "q.png", 2);
    fs::write(
        dir.path().join("labels.csv"),
        "split,id,label,file\ntrain,named,0,train/normal/p.png\ntest,,Tumor,q.png\n",
    )
    .expect("written");
    holds(
        dir.path(),
        &[
            ("named", Some(0), Some(Split::Train), 1),
            ("q", Some(1), Some(Split::Test), 2),
        ],
    );
}

#[test]
fn table_with_every_column() {
    let dir = tempfile::tempdir().expect("a folder");
    save(dir.path(), "deep/p.png", 1);
    let csv = dir.path().join("any name.csv");
    fs::write(
        &csv,
        "file,label,patient,center,slide,x,y,mpp,split,stain\ndeep/p.png,1,p4,c2,s9,-3,40.0,0.25,val,H&E\n",
    )
    .expect("written");
    let table = holds(&csv, &[("deep/p", Some(1), Some(Split::Val), 1)]);
    let patch = &table.patches()[0];
    assert_eq!(patch.patient.as_deref(), Some("p4"));
    assert_eq!(patch.centre.as_deref(), Some("c2"));
    assert_eq!(patch.slide.as_deref(), Some("s9"));
    assert_eq!(
        (patch.x, patch.y, patch.mpp),
        (Some(-3), Some(40), Some(0.25))
    );
}

#[test]
fn table_of_ids_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    save(dir.path(), "a/p.tif", 1);
    fs::write(dir.path().join("ids.csv"), "id\na/p\n").expect("written");
    holds(&dir.path().join("ids.csv"), &[("a/p", None, None, 1)]);
}

/// Images of one dataset, one after the other.
fn images(numbers: &[u8]) -> Vec<u8> {
    numbers.iter().flat_map(|&n| pixels(n).into_raw()).collect()
}

fn camelyon(path: PathBuf) {
    let mut file = FileBuilder::new();
    for (class, numbers) in [("tumor", [1u8, 2]), ("normal", [3, 4])] {
        let mut class = file.create_group(class);
        let mut level = class.create_group("level7");
        let mut centre = level.create_group("centre2");
        let mut patient = centre.create_group("patient044");
        let mut node = patient.create_group("node1");
        node.create_dataset("patches")
            .with_u8_data(&images(&numbers))
            .with_shape(&[2, 4, 5, 3]);
        node.create_dataset("locations")
            .with_i64_data(&[1, 2, 3, 4])
            .with_shape(&[2, 2]);
        patient.add_group(node.finish());
        centre.add_group(patient.finish());
        level.add_group(centre.finish());
        class.add_group(level.finish());
        file.add_group(class.finish());
    }
    file.write(path).expect("an HDF5 file");
}

#[test]
fn camelyon_hdf5() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("cam.hdf5");
    camelyon(path.clone());
    let table = holds(
        &path,
        &[
            (
                "normal/level7/centre2/patient044/node1/000000",
                Some(0),
                None,
                3,
            ),
            (
                "normal/level7/centre2/patient044/node1/000001",
                Some(0),
                None,
                4,
            ),
            (
                "tumor/level7/centre2/patient044/node1/000000",
                Some(1),
                None,
                1,
            ),
            (
                "tumor/level7/centre2/patient044/node1/000001",
                Some(1),
                None,
                2,
            ),
        ],
    );
    let patch = &table.patches()[3];
    assert_eq!(patch.patient.as_deref(), Some("patient044"));
    assert_eq!(patch.centre.as_deref(), Some("centre2"));
    assert_eq!(patch.slide.as_deref(), Some("patient044/node1"));
    assert_eq!(
        patch.file,
        "cam.hdf5::tumor/level7/centre2/patient044/node1/patches::1"
    );
}

#[test]
fn chunked_and_deflated_hdf5_without_nodes() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("cam16.h5");
    let mut file = FileBuilder::new();
    let mut class = file.create_group("normal");
    let mut patient = class.create_group("patient042_Mask.tif");
    patient
        .create_dataset("patches")
        .with_u8_data(&images(&[9, 8, 7]))
        .with_shape(&[3, 4, 5, 3])
        .with_chunks(&[2, 4, 5, 3])
        .with_deflate(4);
    class.add_group(patient.finish());
    file.add_group(class.finish());
    file.write(&path).expect("an HDF5 file");
    let table = holds(
        &path,
        &[
            ("normal/patient042_Mask.tif/000000", Some(0), None, 9),
            ("normal/patient042_Mask.tif/000001", Some(0), None, 8),
            ("normal/patient042_Mask.tif/000002", Some(0), None, 7),
        ],
    );
    assert_eq!(
        table.patches()[0].slide.as_deref(),
        Some("patient042_Mask.tif")
    );
    assert_eq!(table.patches()[0].centre, None);
}

#[test]
fn classes_given_by_name_decide_the_numbers() {
    let dir = tempfile::tempdir().expect("a folder");
    save(dir.path(), "TUM/x.png", 1);
    save(dir.path(), "STR/y.png", 2);
    let classes = Some(vec!["STR".to_owned(), "LYM".to_owned(), "TUM".to_owned()]);
    let (table, _) = resolve(dir.path(), &ResolveOptions { classes }).expect("a source");
    let labels: Vec<_> = table
        .patches()
        .iter()
        .map(|p| (p.label, table.class_of(p)))
        .collect();
    assert_eq!(labels, [(Some(0), Some("STR")), (Some(2), Some("TUM"))]);
}

#[test]
fn the_authors_layout_is_written_and_read_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut csv = String::from("id,file,label,patient,centre,slide,x,y\n");
    for (n, label, slide, patient) in [
        (1u8, 1, "patient_044_node_1", "patient_044"),
        (2, 0, "patient_044_node_1", "patient_044"),
        (3, 1, "patient_044_node_1", "patient_044"),
        (4, 0, "patient_007_node_0", "patient_007"),
    ] {
        save(dir.path(), &format!("{n}.png"), n);
        csv += &format!("{n},{n}.png,{label},{patient},centre_2,{slide},{n}0,{n}1\n");
    }
    fs::write(dir.path().join("patches.csv"), &csv).expect("written");
    let (table, _) = resolve(dir.path(), &ResolveOptions::default()).expect("a table");
    let path = dir.path().join("authors.h5");
    write_camelyon_hdf5(&path, &table, &Reader::new(), 3).expect("written");
    let read = holds(
        &path,
        &[
            (
                "normal/level3/centre2/patient007/node0/000000",
                Some(0),
                None,
                4,
            ),
            (
                "normal/level3/centre2/patient044/node1/000000",
                Some(0),
                None,
                2,
            ),
            (
                "tumor/level3/centre2/patient044/node1/000000",
                Some(1),
                None,
                1,
            ),
            (
                "tumor/level3/centre2/patient044/node1/000001",
                Some(1),
                None,
                3,
            ),
        ],
    );
    let last = &read.patches()[3];
    assert_eq!(last.patient.as_deref(), Some("patient044"));
    assert_eq!(last.centre.as_deref(), Some("centre2"));
    assert_eq!(last.slide.as_deref(), Some("patient044/node1"));
    let places = hdf5_pure::File::open(&path)
        .and_then(|f| f.dataset("tumor/level3/centre2/patient044/node1/locations"))
        .and_then(|d| d.read_i64());
    assert_eq!(places.expect("places"), [10, 11, 30, 31]);

    // The same table makes the same bytes; written from what was read, the same again.
    let again = dir.path().join("again.h5");
    write_camelyon_hdf5(&again, &table, &Reader::new(), 3).expect("written");
    assert_eq!(
        fs::read(&again).expect("bytes"),
        fs::read(&path).expect("bytes")
    );

    // A patch without label or of another size is named, and no file is left.
    let refused = |csv: &str| {
        fs::write(dir.path().join("patches.csv"), csv).expect("written");
        let (table, _) =
            resolve(&dir.path().join("patches.csv"), &ResolveOptions::default()).expect("a table");
        let none = dir.path().join("none.h5");
        let error = write_camelyon_hdf5(&none, &table, &Reader::new(), 3).expect_err("refused");
        let left = fs::read_dir(dir.path()).expect("a folder");
        let left = left.filter(|e| {
            let name = e.as_ref().expect("an entry").file_name();
            name.to_string_lossy().contains("none.h5")
        });
        assert_eq!(left.count(), 0);
        error.to_string()
    };
    let unlabelled = refused("id,file,label\n1,1.png,1\n2,2.png,\n");
    assert!(unlabelled.contains("`2`: label"), "{unlabelled}");
    RgbImage::new(9, 9)
        .save(dir.path().join("large.png"))
        .expect("an image");
    let uneven = refused("id,file,label\n1,1.png,1\nbig,large.png,1\n");
    assert!(uneven.contains("patch `big` has 9 x 9 pixels"), "{uneven}");
}

/// A keeping reader gives what it read before, as far as it has room, and reads the rest.
#[test]
fn decoded_patches_are_kept_within_bounds() {
    let folder = tempfile::tempdir().expect("a folder");
    for n in 0..3 {
        save(folder.path(), &format!("{n}.png"), n);
    }
    let (table, _) = resolve(folder.path(), &ResolveOptions::default()).expect("a source");
    // Two images of 5 x 4 x 3 bytes fit.
    let reader = Reader::keeping(2 * 60);
    for patch in table.patches() {
        reader.read(patch).expect("readable");
    }
    for n in 0..3 {
        save(folder.path(), &format!("{n}.png"), 100 + n);
    }
    let red = |row: usize| reader.read(&table.patches()[row]).expect("readable").data[0];
    assert_eq!([red(0), red(1), red(2)], [0, 1, 102]);
}
