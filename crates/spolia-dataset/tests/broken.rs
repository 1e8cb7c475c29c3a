//! Broken input is named, with what is wrong and what to do.

use std::fs;
use std::path::Path;

use hdf5_pure::FileBuilder;
use image::{ImageFormat, Rgb, RgbImage};
use spolia_dataset::{
    Error, Patch, PatchTable, Reader, ResolveOptions, Source, content_hashes, default_classes,
    resolve,
};

fn noisy() -> RgbImage {
    RgbImage::from_fn(64, 64, |x, y| {
        let v = (x * 7 + y * 13) ^ (x * y);
        Rgb([v as u8, (v * 3) as u8, (v * 5) as u8])
    })
}

fn cut(path: &Path, format: ImageFormat) {
    let mut bytes = std::io::Cursor::new(Vec::new());
    noisy().write_to(&mut bytes, format).expect("encoded");
    let bytes = bytes.into_inner();
    fs::write(path, &bytes[..bytes.len() * 2 / 3]).expect("written");
}

fn read(path: &Path) -> String {
    let patch = Patch::new("p", "p", Source::File(path.to_path_buf()));
    Reader::new().read(&patch).expect_err("broken").to_string()
}

fn refused(path: &Path) -> String {
    resolve(path, &ResolveOptions::default())
        .expect_err("refused")
        .to_string()
}

/// Every part must be in the message.
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn truncated_images() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, format) in [
        ("cut.png", ImageFormat::Png),
        ("cut.jpg", ImageFormat::Jpeg),
        ("cut.tif", ImageFormat::Tiff),
        ("cut.bmp", ImageFormat::Bmp),
    ] {
        let path = dir.path().join(name);
        cut(&path, format);
        says(&read(&path), &[name, "cut short", "leave it out"]);
    }
}

#[test]
fn no_image_at_all() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("text.png");
    fs::write(&path, "not a picture").expect("written");
    says(&read(&path), &["text.png", "cannot be decoded"]);
    says(
        &read(&dir.path().join("gone.png")),
        &["gone.png", "no such file"],
    );
}

#[test]
fn a_broken_patch_is_a_problem_and_the_others_are_hashed() {
    let dir = tempfile::tempdir().expect("a folder");
    noisy().save(dir.path().join("a.png")).expect("an image");
    cut(&dir.path().join("b.png"), ImageFormat::Png);
    noisy().save(dir.path().join("c.bmp")).expect("an image");
    let (table, _) = resolve(dir.path(), &ResolveOptions::default()).expect("a folder");
    let (hashes, problems) = content_hashes(&table, &Reader::new());
    assert_eq!(hashes[0], hashes[2]);
    assert!(hashes[0].is_some() && hashes[1].is_none());
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].item, "b");
    says(&problems[0].what, &["b.png", "cut short"]);
}

#[test]
fn a_missing_file_is_a_problem_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    noisy().save(dir.path().join("a.png")).expect("an image");
    let csv = dir.path().join("t.csv");
    fs::write(
        &csv,
        "file,label\na.png,0\nb.png,1\nstore.h5::tumor/patches::3,1\n",
    )
    .expect("written");
    let (table, problems) = resolve(&csv, &ResolveOptions::default()).expect("a table");
    assert_eq!(table.len(), 1);
    let items: Vec<_> = problems.iter().map(|p| p.item.as_str()).collect();
    assert_eq!(items, ["b", "tumor/000003"]);
    says(
        &problems[0].to_string(),
        &[
            "t.csv, line 3",
            "b.png does not exist",
            "relative to the CSV",
        ],
    );
    says(&problems[1].to_string(), &["line 4", "store.h5"]);
}

#[test]
fn wrong_labels() {
    let dir = tempfile::tempdir().expect("a folder");
    noisy().save(dir.path().join("a.png")).expect("an image");
    let csv = dir.path().join("t.csv");
    fs::write(&csv, "file,label\na.png,0\na.png,benign\n").expect("written");
    says(
        &refused(&csv),
        &[
            "t.csv, line 3 (a.png)",
            "`benign`",
            "normal (0), tumor (1)",
            "classes",
        ],
    );
    fs::write(&csv, "file,label\na.png,2\n").expect("written");
    says(&refused(&csv), &["line 2", "`2`", "normal (0), tumor (1)"]);

    let classes = dir.path().join("classes");
    for class in ["normal", "odd"] {
        fs::create_dir_all(classes.join(class)).expect("a folder");
        noisy()
            .save(classes.join(class).join("x.png"))
            .expect("an image");
    }
    says(&refused(&classes), &["odd/x.png", "`odd`", "known classes"]);
    let named = ResolveOptions {
        classes: Some(vec!["A".to_owned(), "B".to_owned()]),
    };
    let message = resolve(&classes, &named)
        .expect_err("other classes")
        .to_string();
    says(&message, &["`normal`", "A (0), B (1)"]);
}

#[test]
fn wrong_cells_and_columns() {
    let dir = tempfile::tempdir().expect("a folder");
    noisy().save(dir.path().join("a.png")).expect("an image");
    let csv = dir.path().join("t.csv");
    for (text, parts) in [
        (
            "file,split\na.png,holdout\n",
            ["line 2", "`holdout`", "train, val or test"],
        ),
        ("file,x\na.png,1.5\n", ["line 2", "`1.5`", "whole number"]),
        ("file,mpp\na.png,0\n", ["line 2", "`0`", "positive"]),
        (
            "path,label\na.png,0\n",
            ["t.csv", "no column `file`", "path, label"],
        ),
        (
            "file,label\na.png,0,9\n",
            ["t.csv", "not a readable CSV", "header"],
        ),
        ("file\na.png\na.png\n", ["`a`", "borne by both", "id"]),
        (
            "file,id\na.png,../a\n",
            ["`../a`", "`..` part", "another `id`"],
        ),
        ("file\n", ["t.csv", "no patches", "CSV table"]),
    ] {
        fs::write(&csv, text).expect("written");
        says(&refused(&csv), &parts);
    }
}

#[test]
fn what_is_no_source_shows_every_refusal() {
    let dir = tempfile::tempdir().expect("a folder");
    says(
        &refused(dir.path()),
        &[
            "one image: not a file",
            "CSV table of patches: not a file",
            "neither patches.csv nor labels.csv",
            "no image in a sub-folder called normal or tumor",
            "no PNG, JPEG, TIFF or BMP image in it",
            "HDF5 in the Camelyon layout",
        ],
    );
    let odd = dir.path().join("slides.xyz");
    fs::write(&odd, "what").expect("written");
    says(
        &refused(&odd),
        &[
            "slides.xyz",
            "does not end in one of png",
            "no HDF5 signature",
        ],
    );
    says(
        &refused(&dir.path().join("gone")),
        &["gone", "no such file or folder"],
    );
}

#[test]
fn wrong_hdf5() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("w.hdf5");
    fs::write(&path, "no HDF5").expect("written");
    says(&refused(&path), &["w.hdf5", "no HDF5 signature"]);

    let mut flat = FileBuilder::new();
    flat.create_dataset("x").with_u8_data(&[1, 2, 3]);
    flat.write(&path).expect("an HDF5 file");
    says(&refused(&path), &["without groups such as `tumor`"]);

    let with_group = |name: &str, shape: &[u64], float: bool| {
        let mut file = FileBuilder::new();
        let mut group = file.create_group(name);
        let count = shape.iter().product::<u64>() as usize;
        if float {
            group
                .create_dataset("patches")
                .with_f32_data(&vec![0.0; count])
                .with_shape(shape);
        } else {
            group
                .create_dataset("patches")
                .with_u8_data(&vec![0; count])
                .with_shape(shape);
        }
        file.add_group(group.finish());
        file.write(&path).expect("an HDF5 file");
    };
    with_group("tumor", &[2, 4, 4, 3], true);
    says(
        &refused(&path),
        &[
            "w.hdf5, tumor/patches",
            "f32",
            "[2, 4, 4, 3]",
            "unsigned bytes",
        ],
    );
    with_group("tumor", &[2, 4, 4], false);
    says(
        &refused(&path),
        &["tumor/patches", "[2, 4, 4]", "(N, height, width, 3)"],
    );
    with_group("stroma", &[2, 4, 4, 3], false);
    says(&refused(&path), &["group /stroma", "known classes"]);

    with_group("tumor", &[2, 4, 4, 3], false);
    let asked = |dataset: &str, index| {
        let source = Source::Hdf5 {
            file: path.clone(),
            dataset: dataset.to_owned(),
            index,
        };
        Reader::new()
            .read(&Patch::new("p", "p", source))
            .expect_err("not there")
            .to_string()
    };
    says(
        &asked("tumor/patches", 2),
        &["image 2 was asked for, but it holds 2"],
    );
    says(
        &asked("tumor/none", 0),
        &["w.hdf5, tumor/none", "cannot be read"],
    );

    let bytes = fs::read(&path).expect("the file");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    let cut = resolve(&path, &ResolveOptions::default());
    let message = match cut {
        Err(error) => error.to_string(),
        Ok((table, _)) => Reader::new()
            .read(&table.patches()[1])
            .expect_err("cut")
            .to_string(),
    };
    says(&message, &["w.hdf5"]);
}

#[test]
fn a_table_is_valid_once_built() {
    let source = || Source::File("f.png".into());
    let patch = |id: &str| Patch::new(id, "f.png", source());
    let build = |patches| PatchTable::new(patches, default_classes());
    assert!(matches!(
        build(vec![patch("a"), patch("a")]),
        Err(Error::DuplicateId { .. })
    ));
    for id in ["", "/a", "a//b", "a/../b", "a\\b", "a:b", "a\nb"] {
        assert!(
            matches!(build(vec![patch(id)]), Err(Error::Id { .. })),
            "{id:?}"
        );
    }
    let labelled = Patch {
        label: Some(2),
        ..patch("a")
    };
    assert!(matches!(build(vec![labelled]), Err(Error::Label { .. })));
    let wide = Patch {
        mpp: Some(f64::INFINITY),
        ..patch("a")
    };
    assert!(matches!(
        build(vec![wide]),
        Err(Error::Value { column: "mpp", .. })
    ));
    for classes in [
        vec![],
        vec!["a".to_owned(), "A".to_owned()],
        vec![" ".to_owned()],
    ] {
        assert!(matches!(
            PatchTable::new(vec![], classes),
            Err(Error::Classes { .. })
        ));
    }
}

/// Files that fuzzing made: headers that claim more than the file holds. A table of the claimed images, or an image of the
/// claimed chunks, would take minutes or all memory.
#[test]
fn hdf5_that_claims_too_much() {
    let dir = tempfile::tempdir().expect("a folder");
    let fuzzed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzzed");
    for (name, what) in [
        ("many_images.h5", "claims 72057594021150722 images"),
        ("more_images_than_bytes.h5", "cannot"),
        ("large_chunks.h5", "cannot"),
    ] {
        let path = dir.path().join("test_x.h5");
        fs::copy(fuzzed.join(name), &path).expect("copied");
        says(&refused(&path), &["test_x.h5, x", what]);
    }
    let path = dir.path().join("test_x.h5");
    fs::copy(fuzzed.join("chunk_behind_the_end.h5"), &path).expect("copied");
    let (table, _) = resolve(&path, &ResolveOptions::default()).expect("its header is sound");
    let reader = Reader::new();
    for patch in table.patches() {
        let message = reader.read(patch).expect_err("refused").to_string();
        says(&message, &["test_x.h5, x", "and the file has"]);
    }
}
