//! Slides and annotations, from the commands and in a study.

mod cohort;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cohort::striped::{SIDE, slides};
use cohort::{number, rows, spolia, told};

#[test]
fn a_study_from_slides() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    slides(root);
    fs::write(
        root.join("study.toml"),
        "name = \"slides\"\nseed = 3\n[patches]\nslides = \"centre_1/*.tif\"\nannotations = \"xml\"\nmpp = 1.0\nsize = 96\n\
         per_slide = 12\nval = 0.25\ntest = 0.25\n[network.random]\n",
    )
    .unwrap();
    for run in ["a", "b", "a"] {
        spolia(&["run", "study.toml", "--quiet", "--out", run], root).success();
    }
    let table = fs::read(root.join("a/patches.csv")).unwrap();
    assert!(table == fs::read(root.join("b/patches.csv")).unwrap());
    let patches = rows(&root.join("a/patches.csv"));
    assert_eq!(patches.len(), 4 * 24);
    let mut splits: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for patch in &patches {
        // A patch of 96 px at 1 µm/px is 192 px wide at .5; at least .4 of it is tissue.
        assert!(number(patch, "x") + 0.4 * 192.0 <= 1_281.0, "{patch:?}");
        let tumor = number(patch, "y") + 0.6 * 192.0 <= 1_024.5;
        assert_eq!(patch["label"] == "1", tumor, "{patch:?}");
        assert_eq!(patch["centre"], "centre_1");
        assert!((number(patch, "mpp") - 1.0).abs() < 1e-9);
        splits
            .entry(&patch["patient"])
            .or_default()
            .insert(&patch["split"]);
    }
    assert!(
        splits.len() == 4 && splits.values().all(|s| s.len() == 1),
        "{splits:?}"
    );
    assert_eq!(rows(&root.join("a/patches/slides.csv")).len(), 4);
    assert!(root.join("a/patches/qc/patient_000_node_1.png").exists());
}

#[test]
fn places_and_pictures_are_the_same_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    slides(root);
    let cut = |format: &str| {
        let command = [
            "slide",
            "patches",
            "centre_1",
            "--annotations",
            "xml",
            "--mpp",
            "2",
            "--size",
            "80",
            "--grid",
            "--format",
            format,
            "--out",
            format,
            "--quiet",
        ];
        spolia(&command, root).success();
        let table = format!("{format}/patches.csv");
        let out = format!("{format}.csv");
        let measures = "glcm_contrast,brightness_mean";
        spolia(
            &[
                "measure",
                &table,
                "--measures",
                measures,
                "--out",
                &out,
                "--quiet",
            ],
            root,
        )
        .success();
        fs::read_to_string(root.join(out)).unwrap()
    };
    let (pictures, places, stacks) = (cut("png"), cut("csv"), cut("hdf5"));
    assert!(pictures.lines().count() > 40);
    // Rows differ in their ids alone where a place has no file of its own.
    let values = |text: &str| -> BTreeSet<String> {
        text.lines()
            .map(|line| line.split_once(',').unwrap().1.to_owned())
            .collect()
    };
    assert_eq!(values(&pictures), values(&places));
    assert_eq!(values(&pictures), values(&stacks));
    assert!(!root.join("csv/patches").exists());
}

#[test]
fn what_is_wrong_with_one_slide_does_not_stop_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    slides(root);
    let whole = fs::read(root.join("centre_1/patient_000_node_1.tif")).unwrap();
    fs::write(
        root.join("centre_1/patient_008_node_1.tif"),
        &whole[..whole.len() / 2],
    )
    .unwrap();
    let unclosed = "<ASAP_Annotations><Annotations><Annotation";
    fs::write(root.join("xml/patient_001_node_1.xml"), unclosed).unwrap();
    fs::write(root.join("xml/nobody.xml"), unclosed).unwrap();
    let command = [
        "slide",
        "patches",
        "centre_1/*.tif",
        "--annotations",
        "xml",
        "--level",
        "1",
        "--size",
        "64",
        "--per-slide",
        "5",
        "--out",
        "out",
    ];
    let done = spolia(&command, root).code(1);
    let words = told(&done);
    assert!(
        words.contains("patient_008_node_1: ") && words.contains("patient_001_node_1: "),
        "{words}"
    );
    assert!(
        words.contains("nobody.xml: no slide is called so"),
        "{words}"
    );
    let states = rows(&root.join("out/slides.csv"));
    let failed: Vec<&str> = states
        .iter()
        .filter(|s| s["state"] == "failed")
        .map(|s| s["slide"].as_str())
        .collect();
    assert_eq!(failed, ["patient_001_node_1", "patient_008_node_1"]);
    assert_eq!(rows(&root.join("out/patches.csv")).len(), 3 * 10);
    // Only what failed is done again.
    spolia(&command, root).code(1);

    let info = spolia(
        &[
            "slide",
            "info",
            "centre_1/patient_008_node_1.tif",
            "xml/nobody.xml",
        ],
        root,
    )
    .code(1);
    assert!(told(&info).contains("nobody.xml"), "{}", told(&info));
    let info = spolia(
        &["slide", "info", "--json", "centre_1/patient_000_node_1.tif"],
        root,
    )
    .success();
    let object: serde_json::Value = serde_json::from_slice(&info.get_output().stdout).unwrap();
    assert_eq!(
        (object[0]["width"].as_u64(), object[0]["mpp_x"].as_f64()),
        (Some(SIDE), Some(0.5))
    );
    spolia(
        &[
            "slide",
            "tissue",
            "centre_1/patient_000_node_1.tif",
            "--out",
            "tissue",
        ],
        root,
    )
    .success();
    let share: f64 = rows(&root.join("tissue/tissue.csv"))[0]["tissue_share"]
        .parse()
        .unwrap();
    assert!((share - 1_280.0 / 2_048.0).abs() < 0.01, "{share}");
    for (wrong, word) in [
        (
            &["slide", "patches", "gone/*.tif", "--mpp", "1", "--out", "o"][..],
            "no such file",
        ),
        (&["slide", "patches", "centre_1", "--out", "o"][..], "--mpp"),
    ] {
        let words = told(&spolia(wrong, root).failure());
        assert!(words.contains(word), "{words}");
    }
}
