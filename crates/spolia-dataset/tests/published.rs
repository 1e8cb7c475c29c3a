//! Cohorts as they are published: PatchCamelyon's HDF5, CLAM's coordinates, WILDS' folder; and places on a slide.

use std::fs;
use std::path::Path;

use hdf5_pure::{AttrValue, FileBuilder};
use spolia_dataset::{PatchTable, Problem, Reader, ResolveOptions, Split, resolve};

fn read(path: &Path) -> (PatchTable, Vec<Problem>) {
    resolve(path, &ResolveOptions::default()).unwrap()
}

fn refusal(path: &Path) -> String {
    resolve(path, &ResolveOptions::default())
        .unwrap_err()
        .to_string()
}

/// Images of 4 x 4 px whose bytes are all the same number.
fn images(numbers: &[u8]) -> Vec<u8> {
    numbers.iter().flat_map(|&n| [n; 48]).collect()
}

#[test]
fn patch_camelyon() {
    let folder = tempfile::tempdir().unwrap();
    let part = |name: &str| {
        folder
            .path()
            .join(format!("camelyonpatch_level_2_split_valid_{name}"))
    };
    let mut x = FileBuilder::new();
    x.create_dataset("x")
        .with_u8_data(&images(&[7, 9]))
        .with_shape(&[2, 4, 4, 3]);
    x.write(part("x.h5")).unwrap();
    // Images alone have no labels.
    let (table, _) = read(&part("x.h5"));
    assert_eq!((table.len(), table.patches()[1].label), (2, None));

    let mut y = FileBuilder::new();
    y.create_dataset("y")
        .with_u8_data(&[1, 0])
        .with_shape(&[2, 1, 1, 1]);
    y.write(part("y.h5")).unwrap();
    let meta = ",coord_y,coord_x,tumor_patch,center_tumor_patch,wsi\n0,20,10,True,True,node_9\n1,40,30,False,False,node_8\n";
    fs::write(part("meta.csv"), meta).unwrap();
    let (table, problems) = read(&part("x.h5"));
    assert!(problems.is_empty());
    let patch = &table.patches()[0];
    assert_eq!(
        (patch.label, patch.slide.as_deref(), patch.x, patch.y),
        (Some(1), Some("node_9"), Some(10), Some(20))
    );
    assert_eq!(
        (patch.split, table.patches()[1].label),
        (Some(Split::Val), Some(0))
    );
    assert_eq!(
        Reader::new().read(&table.patches()[1]).unwrap().data,
        [9; 48]
    );

    let mut wrong = FileBuilder::new();
    wrong
        .create_dataset("y")
        .with_u8_data(&[1])
        .with_shape(&[1, 1, 1, 1]);
    wrong.write(part("y.h5")).unwrap();
    assert!(refusal(&part("x.h5")).contains("holds 1 labels for 2 images"));
    fs::rename(part("x.h5"), part("x.h5.gz")).unwrap();
    assert!(refusal(&part("x.h5.gz")).contains("gunzip"));
}

#[test]
fn clam_coordinates() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.h5");
    let mut h5 = FileBuilder::new();
    let coords = h5.create_dataset("coords");
    coords.with_i64_data(&[0, 0, 8, 4]).with_shape(&[2, 2]);
    coords.set_attr("patch_level", AttrValue::I64(0));
    coords.set_attr("patch_size", AttrValue::I64(4));
    h5.write(&file).unwrap();
    assert!(refusal(&file).contains("no slide of its name"));

    let slide = image::RgbImage::from_fn(16, 12, |x, y| image::Rgb([x as u8, y as u8, 5]));
    slide.save(folder.path().join("a.png")).unwrap();
    let (table, _) = read(&file);
    let patch = &table.patches()[1];
    assert_eq!(
        (patch.id.as_str(), patch.slide.as_deref(), patch.x, patch.y),
        ("a_x8_y4", Some("a"), Some(8), Some(4))
    );
    let image = Reader::new().read(patch).unwrap();
    assert_eq!(
        (image.width, image.height, &image.data[..3]),
        (4, 4, &[8, 4, 5][..])
    );

    // Places survive a table.
    let out = folder.path().join("table.csv");
    table.write_csv(&out).unwrap();
    let (again, problems) = read(&out);
    assert!(problems.is_empty());
    assert_eq!(
        again.patches()[1].source.to_string(),
        patch.source.to_string()
    );
    let same = Reader::new().read(&again.patches()[1]).unwrap();
    assert_eq!(same, image);
    fs::write(&out, "file,label\na.png::0,0,0,level0,1\n").unwrap();
    let quoted = "file,label\n\"a.png::0,0,4,level9\",1\n";
    fs::write(&out, quoted).unwrap();
    let (beyond, _) = read(&out);
    let error = Reader::new()
        .read(&beyond.patches()[0])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a.png") && error.contains("level"),
        "{error}"
    );
}

#[test]
fn wilds() {
    let folder = tempfile::tempdir().unwrap();
    let node = folder.path().join("patches/patient_004_node_4");
    fs::create_dir_all(&node).unwrap();
    let id = "patch_patient_004_node_4_x_3328_y_21792";
    image::RgbImage::from_pixel(4, 4, image::Rgb([1, 2, 3]))
        .save(node.join(format!("{id}.png")))
        .unwrap();
    let meta = ",patient,node,x_coord,y_coord,tumor,slide,center,split\n0,004,4,3328,21792,1,0,2,0\n1,4,4,1,2,0,0,0,1\n";
    fs::write(folder.path().join("metadata.csv"), meta).unwrap();
    let (table, problems) = read(folder.path());
    let patch = &table.patches()[0];
    assert_eq!(
        (patch.id.as_str(), patch.label, patch.split),
        (id, Some(1), Some(Split::Train))
    );
    assert_eq!(patch.centre.as_deref(), Some("centre_2"));
    assert_eq!(
        (patch.patient.as_deref(), patch.slide.as_deref()),
        (Some("patient_004"), Some("patient_004_node_4"))
    );
    assert_eq!(Reader::new().read(patch).unwrap().data[..3], [1, 2, 3]);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].to_string().contains("metadata.csv, line 3"),
        "{}",
        problems[0]
    );
    fs::write(folder.path().join("metadata.csv"), "patient,node\n1,2\n").unwrap();
    assert!(refusal(folder.path()).contains("x_coord"));
}
