//! Concepts of a small study and of one's own table: every table, the same for any number of threads.

mod cohort;

use std::fs;
use std::path::Path;

use cohort::{images, number, rows, spolia, told};

const STUDY: &str = r#"
name = "concepts"
seed = 5
[patches]
images = "images.csv"
[network.random]
[network.tuned]
start = "random"
train = { epochs = 1, learning_rate = 1e-2, batch = 8 }
[concepts]
layers = ["Conv2d_1a_3x3", "Mixed_7c"]
measures = ["glcm_contrast", "brightness_mean"]
table = "findings.csv"
images = 40
repeats = 2
split = "all"
"#;

/// The cohort, the study, and a table of one's own for it.
fn study(folder: &Path) {
    images(folder);
    fs::write(folder.join("study.toml"), STUDY).unwrap();
    let findings: String = (0..40)
        .map(|i| format!("{i:02},{},{}\n", i * 13 % 17, ["thin", "wide"][i % 2]))
        .collect();
    fs::write(
        folder.join("findings.csv"),
        format!("id,size,stripes\n{findings}"),
    )
    .unwrap();
}

/// `spolia concepts` of the cohort and own.csv at the first layer.
fn concepts(root: &Path, weights: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    let command = [
        "concepts",
        "images.csv",
        "--weights",
        weights,
        "--layer",
        "Conv2d_1a_3x3",
        "--measures",
        "own.csv",
    ];
    spolia(&[&command, more].concat(), root)
}

#[test]
fn a_study_and_a_table_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    study(root);
    for threads in ["1", "2"] {
        spolia(
            &[
                "run",
                "study.toml",
                "--quiet",
                "--threads",
                threads,
                "--out",
                threads,
            ],
            root,
        )
        .success();
    }
    let of = |run: &str, name: &str| root.join(run).join("concepts").join(name);
    for name in [
        "measures.csv",
        "r2.csv",
        "vectors.safetensors",
        "controls.csv",
        "relevance.csv",
        "centre.csv",
        "carriers.csv",
        "categories.csv",
        "classes.csv",
    ] {
        assert!(
            fs::read(of("1", name)).unwrap() == fs::read(of("2", name)).unwrap(),
            "{name}"
        );
    }

    let classes = rows(&of("1", "classes.csv"));
    assert_eq!(
        (classes.len(), classes[0]["concept"].as_str()),
        (4, "stripes")
    );
    assert!(number(&classes[0], "balanced_accuracy") > 0.9);
    let concepts: Vec<String> = rows(&of("1", "r2.csv"))
        .iter()
        .take(3)
        .map(|row| row["concept"].clone())
        .collect();
    assert_eq!(concepts, ["glcm_contrast", "brightness_mean", "size"]);
    let controls = rows(&of("1", "controls.csv"));
    assert!(number(&controls[0], "r2_ceiling") <= 1.0 && controls[2]["r2_ceiling"].is_empty());
    assert_eq!(rows(&of("1", "carriers.csv")).len(), 12);

    let centre = rows(&of("1", "centre.csv"));
    assert_eq!((centre.len(), centre[0]["unit"].as_str()), (4, "patient"));
    assert_eq!(
        (centre[0]["centres"].as_str(), centre[0]["groups"].as_str()),
        ("2", "20")
    );
    assert_eq!(number(&centre[0], "chance"), 0.5);
    let manifest = fs::read_to_string(root.join("1/manifest.json")).unwrap();
    assert!(!manifest.contains("How well layers tell the centre was not measured"));

    own(root);
}

/// Numbers, a finding, categories, and lines that cannot be used.
fn own(root: &Path) {
    let mut table = String::from("id,size,wide,kind,same\n");
    for i in 0..40 {
        let size = if i == 7 {
            "NaN".into()
        } else {
            format!("{}.5", i * 13 % 17)
        };
        let kind = ["a", "b", "c"][i / 2 % 3];
        table.push_str(&format!("{i:02},{size},{},{kind},1\n", i % 2));
    }
    table.push_str("nowhere,1,0,a,1\n");
    fs::write(root.join("own.csv"), table).unwrap();
    let weights = "1/networks/tuned/weights.safetensors";
    let run = concepts(root, weights, &["--repeats", "2", "--out", "own"]);
    let told = told(&run.failure().code(1));
    for said in [
        "07: size is missing or not finite",
        "nowhere: stands in own.csv, but there is no image",
        "same: is the same in all 39 images",
    ] {
        assert!(told.contains(said), "{said} is not in {told}");
    }
    let out = root.join("own");
    let classes = rows(&out.join("classes.csv"));
    assert_eq!((classes.len(), classes[1]["classes"].as_str()), (2, "3"));
    assert_eq!(
        (classes[0]["concept"].as_str(), classes[0]["n"].as_str()),
        ("wide", "39")
    );
    // The stripes of two widths are told from the first layer on.
    assert!(number(&classes[0], "balanced_accuracy") > 0.9);
    assert_eq!(rows(&out.join("r2.csv")).len(), 1);
    assert_eq!(rows(&out.join("relevance.csv")).len(), 3);
    let vectors = fs::read(out.join("vectors.safetensors")).unwrap();
    let has = |name: &str| vectors.windows(name.len()).any(|w| w == name.as_bytes());
    assert!(has("Conv2d_1a_3x3/wide") && has("Conv2d_1a_3x3/size") && !has("Conv2d_1a_3x3/kind"));
    let left: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 7, "{left:?}");
}

/// The weights of an untrained network.
fn random_weights(root: &Path) -> &'static str {
    fs::write(root.join("w.toml"), "name = \"w\"\n[network.random]\n").unwrap();
    spolia(&["run", "w.toml", "--quiet", "--out", "w"], root).success();
    "w/networks/random/weights.safetensors"
}

#[test]
fn every_estimator_and_pool_tells_the_stripes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    let weights = random_weights(root);
    // The stripes' width, not quite.
    let table: String = (0..40)
        .map(|i| format!("{i:02},{}\n", i % 2 * 10 + i * 7 % 3))
        .collect();
    fs::write(root.join("own.csv"), format!("id,width\n{table}")).unwrap();
    let run = |estimator: &str, pool: &str| {
        let out = format!("{estimator}-{pool}");
        let more = [
            "--repeats",
            "1",
            "--estimator",
            estimator,
            "--pool",
            pool,
            "--out",
            &out,
        ];
        concepts(root, weights, &more).success();
        let row = rows(&root.join(&out).join("r2.csv")).remove(0);
        let size = fs::metadata(root.join(&out).join("vectors.safetensors")).unwrap();
        (
            number(&row, "r2_test"),
            number(&row, "features"),
            size.len(),
        )
    };
    let (ridge, features, small) = run("ridge", "mean");
    assert!(ridge > 0.7, "{ridge}");
    assert_eq!(features, 32.0);
    for (estimator, pool) in [
        ("ols", "mean"),
        ("pls", "mean"),
        ("lasso", "mean"),
        ("ridge", "max"),
    ] {
        let (found, features, _) = run(estimator, pool);
        assert_eq!(features, 32.0);
        // Least squares of 32 channels on 32 images is no good estimator.
        assert!(
            found > 0.5 || estimator == "ols",
            "{estimator}, {pool}: {found}"
        );
        assert!(found != ridge, "{estimator}, {pool}");
    }
    let (flat, features, large) = run("ridge", "flat");
    assert!(flat > 0.5, "{flat}");
    // A quarter of the images; a direction has a value for each of 8 x 8 cells of 32 channels.
    assert_eq!((features, large - small), (10.0, 4 * 32 * 63));
}

#[test]
fn one_patient_is_not_enough() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    let table = fs::read_to_string(root.join("images.csv")).unwrap();
    let lines = table.lines().enumerate().map(|(k, line)| {
        let fields: Vec<&str> = line.split(',').collect();
        format!(
            "{},{},{}\n",
            fields[0],
            fields[1],
            if k == 0 { "patient" } else { "p" }
        )
    });
    fs::write(root.join("images.csv"), lines.collect::<String>()).unwrap();
    let sizes: String = (0..40)
        .map(|i| format!("{i:02},{}\n", i * 7 % 11))
        .collect();
    fs::write(root.join("own.csv"), format!("id,size\n{sizes}")).unwrap();
    let weights = random_weights(root);
    let told = told(&concepts(root, weights, &["--out", "own"]).failure());
    assert!(told.contains("the 40 images are of 1 patient"), "{told}");
}
