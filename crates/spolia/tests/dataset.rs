//! Centres: held out of training, and their stains compared.

mod cohort;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cohort::{images, number, patches_of_study, rows, spolia, told};

#[test]
fn each_centre_is_left_out_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    let call = [
        "dataset",
        "split",
        "images.csv",
        "--leave-one-centre-out",
        "--out",
        "rounds",
    ];
    spolia(&call, root).success();
    for held in ["c0", "c1"] {
        let patches = rows(&root.join(format!("rounds/{held}.csv")));
        assert_eq!(patches.len(), 40);
        let mut patients: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for patch in &patches {
            assert_eq!(
                patch["split"] == "test",
                patch["centre"] == held,
                "{patch:?}"
            );
            patients
                .entry(&patch["patient"])
                .or_default()
                .insert(&patch["split"]);
        }
        assert!(patients.values().all(|splits| splits.len() == 1));
        assert!(patches.iter().any(|p| p["split"] == "val"));
    }
    let one = [
        "dataset",
        "split",
        "images.csv",
        "--test-centre",
        "c1",
        "--out",
        "one.csv",
    ];
    spolia(&one, root).success();
    let [a, b] = ["one.csv", "rounds/c1.csv"].map(|file| rows(&root.join(file)));
    let splits = |rows: &[cohort::Row]| rows.iter().map(|r| r["split"].clone()).collect::<Vec<_>>();
    assert_eq!(splits(&a), splits(&b));
    let unknown = [
        "dataset",
        "split",
        "images.csv",
        "--test-centre",
        "c7",
        "--out",
        "o.csv",
    ];
    let words = told(&spolia(&unknown, root).code(1));
    assert!(words.contains("c7") && words.contains("c0, c1"), "{words}");

    let study = "name = \"centres\"\n[patches]\nimages = \"images.csv\"\ntest_centres = [\"c1\"]\nval = 0.2\n[network.random]\n";
    fs::write(root.join("study.toml"), study).unwrap();
    patches_of_study(root).success();
    for patch in rows(&root.join("run/patches.csv")) {
        assert_eq!(
            patch["split"] == "test",
            patch["centre"] == "c1",
            "{patch:?}"
        );
    }
}

/// Phantom centres have stains of their own; one patient's patches are glass.
#[test]
fn stains_of_centres_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let phantom = "phantom --out cohort --patients 8 --centres 2 --patches 4 --size 96 --quiet";
    spolia(&phantom.split(' ').collect::<Vec<_>>(), root).success();
    let table = rows(&root.join("cohort/patches.csv"));
    for patch in table.iter().filter(|p| p["patient"] == "patient_007") {
        let glass = image::RgbImage::from_pixel(96, 96, image::Rgb([244, 243, 244]));
        glass
            .save(root.join("cohort").join(&patch["file"]))
            .unwrap();
    }
    let check = |seed: &str| {
        let call = [
            "dataset",
            "check",
            "cohort",
            "--stains",
            "stains.csv",
            "--quiet",
            "--seed",
            seed,
        ];
        let done = spolia(&call, root);
        String::from_utf8(done.get_output().stdout.clone()).unwrap()
    };
    let shown = check("1");
    assert_eq!(check("1"), shown);
    let mut reader = csv::Reader::from_reader(shown.as_bytes());
    let found: Vec<cohort::Row> = reader.deserialize().map(Result::unwrap).collect();
    let stain = |name: &str| -> Vec<&cohort::Row> {
        let of = |row: &&cohort::Row| row["kind"] == "stain" && row["name"] == name;
        found.iter().filter(of).collect()
    };
    assert_eq!(stain("centre_0")[0]["total"], "4");
    assert_eq!(stain("centre_1")[0]["total"], "3");
    assert!(stain("centre_0")[0]["note"].contains("degrees from the other centres"));
    assert!(
        stain("centre_1")
            .iter()
            .any(|row| row["note"].contains("left out: "))
    );
    let all = stain("all centres")[0];
    assert_eq!(all["total"], "7");
    let of = |word: &str| -> f64 {
        let rest = all["note"].split(word).nth(1).unwrap();
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        rest[..end].parse().unwrap()
    };
    assert!(
        of("p = ") <= 0.1 && of("centres explain ") > of("by chance "),
        "{}",
        all["note"]
    );

    let slides = rows(&root.join("stains.csv"));
    assert_eq!(
        slides
            .iter()
            .map(|s| &s["patient"])
            .collect::<BTreeSet<_>>()
            .len(),
        8
    );
    for slide in &slides {
        if slide["patient"] == "patient_007" {
            assert!(slide["reason"].contains("tissue") && slide["eosin_r"].is_empty());
        } else {
            let length: f64 = ["r", "g", "b"]
                .iter()
                .map(|c| number(slide, &format!("eosin_{c}")).powi(2))
                .sum();
            assert!((length - 1.0).abs() < 1e-9 && slide["reason"].is_empty());
        }
    }
}
