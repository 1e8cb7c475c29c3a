//! The patches step on small folders of images.

use std::fs;
use std::path::Path;

use spolia::progress::Progress;
use spolia::run_folder::{About, RunFolder, StepState};
use spolia::steps::patches;
use spolia::study::{PatchesPlan, Study};
use spolia_dataset::{PatchTable, Split};

/// Twenty 8 x 8 images, two of each of ten patients, and a table that names them.
fn images(folder: &Path) {
    let mut table = String::from("file,label,patient\n");
    for i in 0..20u8 {
        let image = image::RgbImage::from_pixel(8, 8, image::Rgb([i, 0, 0]));
        image.save(folder.join(format!("{i:02}.png"))).unwrap();
        table.push_str(&format!("{i:02}.png,{},p{}\n", i % 2, i / 2));
    }
    fs::write(folder.join("patches.csv"), table).unwrap();
}

fn plan(folder: &Path, more: &str) -> PatchesPlan {
    let text = format!("[patches]\nimages = \".\"\nval = 0.2\ntest = 0.2\n{more}\n");
    Study::parse(&folder.join("study.toml"), &text)
        .unwrap()
        .patches
        .unwrap()
}

fn open(folder: &Path) -> RunFolder {
    RunFolder::open(&folder.join("run"), About::new("s", 7, "")).unwrap()
}

fn run(plan: &PatchesPlan, run: &mut RunFolder) -> PatchTable {
    patches::run(plan, 7, run, Progress::Quiet).unwrap()
}

#[test]
fn patches_are_divided_by_patient_and_described() {
    let folder = tempfile::tempdir().unwrap();
    images(folder.path());
    let mut into = open(folder.path());
    let table = run(&plan(folder.path(), ""), &mut into);
    let count = |split| table.of_split(split).count();
    assert_eq!(
        [count(Split::Train), count(Split::Val), count(Split::Test)],
        [12, 4, 4]
    );
    let manifest = into.manifest();
    assert_eq!(
        (manifest.positive.as_str(), manifest.split_by.as_str()),
        ("tumor", "patient")
    );
    assert_eq!((manifest.patch_size, manifest.notes.len()), (8, 0));
    assert_eq!(manifest.step("patches").unwrap().items, 20);

    // Done: the same table again, from patches.csv.
    let before = fs::metadata(into.path("patches.csv"))
        .unwrap()
        .modified()
        .unwrap();
    let again = run(&plan(folder.path(), ""), &mut into);
    assert_eq!(
        fs::metadata(into.path("patches.csv"))
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
    let rows = |table: &PatchTable| -> Vec<(String, Option<Split>)> {
        table
            .patches()
            .iter()
            .map(|p| (p.id.clone(), p.split))
            .collect()
    };
    assert_eq!(rows(&again), rows(&table));
    // File names too: tables written after a resumption must not differ from those before.
    assert_eq!(again.patches(), table.patches());
}

#[test]
fn most_limits_each_class_in_each_split() {
    let folder = tempfile::tempdir().unwrap();
    images(folder.path());
    let mut into = open(folder.path());
    let table = run(&plan(folder.path(), "most = 1"), &mut into);
    assert_eq!(table.len(), 6);
    let labels: Vec<u8> = table
        .of_split(Split::Train)
        .filter_map(|p| p.label)
        .collect();
    assert_eq!(labels.iter().sum::<u8>(), 1);
}

#[test]
fn bad_patches_are_named_and_the_rest_is_used() {
    let folder = tempfile::tempdir().unwrap();
    images(folder.path());
    fs::write(folder.path().join("03.png"), b"cut short").unwrap();
    image::RgbImage::new(9, 8)
        .save(folder.path().join("04.png"))
        .unwrap();
    let mut into = open(folder.path());
    let table = run(&plan(folder.path(), ""), &mut into);
    assert_eq!(table.len(), 18);
    let problems = fs::read_to_string(into.path("problems.csv")).unwrap();
    assert_eq!(problems.lines().count(), 3, "{problems}");
    let of_04 = "\n04,patches,\"04.png is 9 x 8 pixels, not 8 x 8; ";
    assert!(
        problems.contains(of_04) && problems.contains("\n03,patches,"),
        "{problems}"
    );

    // A mended file is taken up by the next run.
    image::RgbImage::from_pixel(8, 8, image::Rgb([99, 0, 0]))
        .save(folder.path().join("03.png"))
        .unwrap();
    assert_eq!(run(&plan(folder.path(), ""), &mut into).len(), 19);
}

#[test]
fn a_leak_stops_the_study_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    images(folder.path());
    let leaky = "file,label,patient,split\n00.png,0,a,train\n01.png,1,a,test\n02.png,0,b,val\n";
    fs::write(folder.path().join("patches.csv"), leaky).unwrap();
    let mut into = open(folder.path());
    let refused = patches::run(&plan(folder.path(), ""), 7, &mut into, Progress::Quiet);
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("patient a is in train (00) and test (01)")
    );
    assert_eq!(
        into.manifest().step("patches").unwrap().state,
        StepState::Failed
    );
    let allowed = plan(folder.path(), "allow_leaks = true");
    assert_eq!(run(&allowed, &mut into).len(), 3);
    assert!(
        into.manifest().notes[0].contains("allow_leaks"),
        "{:?}",
        into.manifest().notes
    );
    assert_eq!(into.manifest().split_by, "given");
}

#[test]
fn unknown_patients_are_told_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    images(folder.path());
    let table = fs::read_to_string(folder.path().join("patches.csv")).unwrap();
    let table: String = table
        .lines()
        .map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0))
        .collect();
    fs::write(folder.path().join("patches.csv"), table).unwrap();
    let mut into = open(folder.path());
    assert_eq!(run(&plan(folder.path(), ""), &mut into).len(), 20);
    assert_eq!(into.manifest().split_by, "image");
    assert!(into.manifest().notes[0].contains("patient of some patches is unknown"));
}
