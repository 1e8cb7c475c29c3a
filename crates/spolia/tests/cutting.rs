//! How patches are cut out of slides: in parallel, resumed, labelled and stained.

mod cohort;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cohort::striped::slides;
use cohort::{number, patches_of_study, rows, spolia, told};
use spolia_measure::stain::{StainBasis, StainOptions};
use spolia_slide::write;

/// What all calls have in common.
const CUT: [&str; 9] = [
    "slide",
    "patches",
    "centre_1",
    "--annotations",
    "xml",
    "--size",
    "96",
    "--quiet",
    "--out",
];

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let own = path.strip_prefix(folder).unwrap().to_path_buf();
                found.insert(own, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn bytes_do_not_depend_on_threads_or_interruptions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    slides(root);
    let cut = |out: &str, threads: &str| {
        let more = [
            out,
            "--mpp",
            "0.7",
            "--per-slide",
            "9",
            "--threads",
            threads,
        ];
        spolia(&[&CUT[..], &more].concat(), root).success();
        files(&root.join(out))
    };
    let (one, three) = (cut("one", "1"), cut("three", "3"));
    assert!(one == three);
    let states = rows(&root.join("one/slides.csv"));
    let names: Vec<&str> = states.iter().map(|s| s["slide"].as_str()).collect();
    let wanted = [0, 1, 2, 3].map(|k| format!("patient_00{k}_node_1"));
    assert!(names == wanted && states.iter().all(|s| s["state"] == "done"));
    let patches = rows(&root.join("one/patches.csv"));
    assert_eq!(patches.len(), 4 * 18);
    assert!(patches.is_sorted_by_key(|p| &p["slide"]));

    // What a kill leaves: slides that are finished, one that is not, no table.
    fs::remove_file(root.join("one/patches.csv")).unwrap();
    let third = |file: &&PathBuf| {
        let name = file.to_string_lossy();
        name.contains("patient_002") && (name.ends_with(".json") || name.ends_with(".png"))
    };
    let mut gone = 0;
    for file in one.keys().filter(third) {
        fs::remove_file(root.join("one").join(file)).unwrap();
        gone += 1;
    }
    assert_eq!(gone, 18 + 2 + 1);
    let kept = root.join("one/qc/patient_000_node_1.png");
    let before = fs::metadata(&kept).unwrap().modified().unwrap();
    assert!(cut("one", "2") == one);
    // What was finished was not made again.
    assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), before);
}

#[test]
fn two_slides_of_one_name() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    slides(root);
    fs::create_dir(root.join("centre_2")).unwrap();
    let file = "patient_001_node_1.tif";
    fs::copy(
        root.join("centre_1").join(file),
        root.join("centre_2").join(file),
    )
    .unwrap();
    let more = ["out", "--level", "0", "--per-slide", "3", "centre_2"];
    let words = told(&spolia(&[&CUT[..], &more].concat(), root).code(1));
    assert!(
        words.contains("centre_1/patient_001_node_1.tif is called so too"),
        "{words}"
    );
    let states = rows(&root.join("out/slides.csv"));
    let states: Vec<&str> = states.iter().map(|s| s["state"].as_str()).collect();
    assert_eq!(states, ["done", "done", "done", "done", "failed"]);
    assert_eq!(rows(&root.join("out/patches.csv")).len(), 4 * 6);
}

/// Tumour lies above row 1,024; a patch of 96 px at level 0 is 96 px wide.
#[test]
fn labels_by_share_centre_and_central_square() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    slides(root);
    let cut = |out: &str, more: &[&str]| {
        let own = [
            out,
            "--level",
            "0",
            "--grid",
            "--overlap",
            "0.5",
            "--format",
            "csv",
        ];
        let calls = [&CUT[..], &own, more].concat();
        spolia(&calls, root).success();
        rows(&root.join(out).join("patches.csv"))
    };
    let all = |patches: &[cohort::Row], tumor: &dyn Fn(f64) -> bool| {
        assert!(patches.len() > 100);
        for patch in patches {
            assert_eq!(
                patch["label"] == "1",
                tumor(number(patch, "y")),
                "{patch:?}"
            );
        }
    };
    let share = cut("share", &["--tumor-share", "0.25", "--normal-share", "0.1"]);
    // rows of the grid are at multiples of 48: at 960 the share is 64 / 96, at 1,008 it is 16 / 96
    all(&share, &|y| y <= 960.0);
    assert!(share.iter().all(|p| p["y"] != "1008"));
    let centre = cut("centre", &["--label", "centre"]);
    all(&centre, &|y| y + 48.0 < 1_024.0);
    assert!(centre.iter().any(|p| p["y"] == "1008"));
    // the middle 32 px of a patch begin 32 px below its top
    let central = cut("central", &["--label", "central"]);
    all(&central, &|y| y + 32.0 < 1_024.0);
    let one = cut("one", &["--label", "central", "--central", "96"]);
    all(&one, &|y| y < 1_024.0);
    let more = ["o", "--level", "0", "--label", "central", "--central", "97"];
    let words = told(&spolia(&[&CUT[..], &more].concat(), root).code(2));
    assert!(
        words.contains("97 px") && words.contains("the patch's 96"),
        "{words}"
    );

    // The same keys in a study, and an excluded slide gives no normal patches.
    fs::write(
        root.join("study.toml"),
        "name = \"labels\"\n[patches]\nslides = \"centre_1/*.tif\"\nannotations = \"xml\"\nlevel = 0\nsize = 96\n\
         per_slide = 20\nlabel = \"central\"\nexclude = [\"patient_003_node_1\"]\nval = 0.5\ntest = 0\n[network.random]\n",
    )
    .unwrap();
    patches_of_study(root).success();
    let patches = rows(&root.join("run/patches.csv"));
    assert_eq!(patches.len(), 7 * 20);
    for patch in &patches {
        assert_eq!(
            patch["label"] == "1",
            number(patch, "y") + 32.0 < 1_024.0,
            "{patch:?}"
        );
        assert!(patch["slide"] != "patient_003_node_1" || patch["label"] == "1");
    }
}

#[test]
fn patches_get_the_stains_of_another_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    slides(root);
    // A slide of one colour has no two stains.
    let flat = root.join("centre_1/patient_009_node_1.tif");
    let options = write::Options {
        mpp: Some(0.5),
        ..write::Options::default()
    };
    write::pyramid(&flat, 1_024, 1_024, &options, |area| {
        let colour = if area.x < 512 {
            [150, 90, 160]
        } else {
            [244; 3]
        };
        Ok(Some(image::RgbImage::from_pixel(
            area.width,
            area.height,
            image::Rgb(colour),
        )))
    })
    .unwrap();
    let cut = |out: &str, more: &[&str], code: i32| {
        let own = [
            out,
            "--level",
            "0",
            "--per-slide",
            "6",
            "--unannotated-normal",
        ];
        let done = spolia(&[&CUT[..], &own, more].concat(), root).code(code);
        let patches = root.join(out).join("patches");
        let found = patches.is_dir().then(|| files(&patches));
        (found.unwrap_or_default(), told(&done))
    };
    let (plain, _) = cut("plain", &[], 0);
    let (stained, words) = cut("stained", &["--stain", "macenko"], 1);
    assert!(
        words.contains("patient_009_node_1: its stain is left as it is"),
        "{words}"
    );
    let states = rows(&root.join("stained/slides.csv"));
    let stains: Vec<&str> = states.iter().map(|s| s["stain"].as_str()).collect();
    assert_eq!(stains, ["macenko", "macenko", "macenko", "macenko", "left"]);
    assert!(states[4]["state"] == "done" && states[4]["reason"].contains("left as it is"));
    assert!(plain.keys().eq(stained.keys()));
    let (mut own, mut pixels) = (Vec::new(), Vec::new());
    for ((file, before), after) in plain.iter().zip(stained.values()) {
        let kept = file.to_string_lossy().contains("patient_009");
        assert_eq!(before == after, kept, "{}", file.display());
        if file.to_string_lossy().contains("patient_001") {
            for (png, all) in [(before, &mut own), (after, &mut pixels)] {
                let image = image::load_from_memory(png).unwrap();
                all.extend(image.into_rgb8().into_raw());
            }
        }
    }
    // Colours that a screen does not have are cut off, so that the stains come near the reference's, not upon them.
    let angles = |pixels: &[u8]| {
        let options = StainOptions::default();
        let found = StainBasis::estimate(pixels, pixels.len() / 3, 1, &options).unwrap();
        let reference = StainBasis::REFERENCE;
        [
            (found.haematoxylin, reference.haematoxylin),
            (found.eosin, reference.eosin),
        ]
        .map(|(own, wanted)| {
            let cosine: f64 = own.iter().zip(wanted).map(|(a, b)| a * b).sum();
            cosine.min(1.0).acos().to_degrees()
        })
    };
    let (before, after) = (angles(&own), angles(&pixels));
    assert!(
        after
            .iter()
            .zip(before)
            .all(|(&after, before)| after < before / 3.0),
        "{after:?} degrees from the reference, {before:?} before"
    );
    let target = [
        "--stain",
        "reinhard",
        "--stain-target",
        "centre_1/patient_002_node_1.tif",
    ];
    let (other, _) = cut("target", &target, 1);
    assert!(other != stained && other.keys().eq(plain.keys()));
    let glass = [
        "--stain",
        "macenko",
        "--stain-target",
        "centre_1/patient_009_node_1.tif",
    ];
    let (none, words) = cut("glass", &glass, 1);
    assert!(none.is_empty());
    assert!(words.contains("cannot be the target"), "{words}");
    let places = ["p", "--level", "0", "--format", "csv", "--stain", "macenko"];
    let words = told(&spolia(&[&CUT[..], &places].concat(), root).code(2));
    assert!(words.contains("places alone"), "{words}");

    // A study names the slide among its problems and goes on.
    fs::write(
        root.join("study.toml"),
        "name = \"stains\"\n[patches]\nslides = \"centre_1/*.tif\"\nannotations = \"xml\"\nlevel = 0\nsize = 96\nper_slide = 6\n\
         unannotated = \"normal\"\nstain = \"macenko\"\nval = 0.5\ntest = 0\n[network.random]\n",
    )
    .unwrap();
    patches_of_study(root).code(1);
    let problems = rows(&root.join("run/problems.csv"));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0]["item"], "patient_009_node_1");
    assert!(
        problems[0]["error"].contains("keep their own stain"),
        "{problems:?}"
    );
    assert_eq!(rows(&root.join("run/patches.csv")).len(), 4 * 12 + 6);
}
