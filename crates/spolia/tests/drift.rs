//! Drift between the networks of a small study, and by the command.

mod cohort;

use std::fs;

use cohort::{Row, images, number, rows, spolia, told};

const STUDY: &str = r#"
name = "drift"
seed = 5
[patches]
images = "images.csv"
[network.random]
[network.other]
seed = 9
[network.tuned]
start = "random"
train = { epochs = 1, learning_rate = 1e-5, batch = 8 }
[network.again]
start = "random"
seed = 11
train = { epochs = 1, learning_rate = 1e-5, batch = 8 }
[drift]
layers = ["Conv2d_1a_3x3", "Mixed_5b", "maxpool1"]
images = 24
"#;

#[test]
fn a_study_compares_all_pairs_and_names_the_nulls() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    fs::write(root.join("study.toml"), STUDY).unwrap();
    spolia(&["run", "study.toml", "--quiet", "--out", "run"], root).success();
    let table = rows(&root.join("run/drift/drift.csv"));
    assert_eq!(table.len(), 6 * 3);
    let of = |before: &str, after: &str, layer: &str| {
        let same =
            |row: &&Row| row["before"] == before && row["after"] == after && row["layer"] == layer;
        table.iter().find(same).unwrap().clone()
    };
    assert_eq!(of("random", "other", "maxpool1")["kind"], "random");
    assert_eq!(of("tuned", "again", "maxpool1")["kind"], "retrained");
    let tuned = of("random", "tuned", "Conv2d_1a_3x3");
    assert_eq!(
        (tuned["kind"].as_str(), tuned["n"].as_str()),
        ("change", "24")
    );
    // An epoch of four steps moves little; two random networks share nothing of their weights.
    let (cosine, cka) = (number(&tuned, "weight_cosine"), number(&tuned, "cka"));
    assert!(cosine > 0.99 && cka > 0.9, "{cosine}, {cka}");
    let strange = of("random", "other", "Conv2d_1a_3x3");
    assert!(number(&strange, "weight_cosine").abs() < 0.2);
    assert!(number(&strange, "weight_distance") > 1.0);
    // A pool has answers and no weights.
    let pool = of("random", "tuned", "maxpool1");
    assert!(pool["weight_distance"].is_empty() && !pool["cka"].is_empty());
    let page = fs::read_to_string(root.join("run/report.html")).unwrap();
    assert!(page.contains("How far layers moved") && page.contains("null: another seed"));
    assert!(root.join("run/figures/drift_answers.svg").exists());

    // The command, on a network and itself, and on the wrong number of networks.
    let weights = "run/networks/tuned/weights.safetensors";
    let command = [
        "drift",
        "images.csv",
        "--weights",
        weights,
        "--out",
        "drift.csv",
    ];
    let told = told(&spolia(&command, root).code(2));
    assert!(told.contains("--weights BEFORE --weights AFTER"), "{told}");
    let layer = [
        "--weights",
        weights,
        "--layer",
        "Mixed_5b",
        "--layer",
        "pool",
    ];
    spolia(&[&command[..], &layer[..]].concat(), root).success();
    let same = rows(&root.join("drift.csv"));
    assert_eq!(same.len(), 2);
    assert_eq!(number(&same[0], "weight_distance"), 0.0);
    for (column, wanted) in [
        ("cka", 1.0),
        ("svcca", 1.0),
        ("pwcca", 1.0),
        ("procrustes", 0.0),
    ] {
        assert!((number(&same[0], column) - wanted).abs() < 1e-9, "{column}");
    }
}

#[test]
fn drift_needs_two_networks() {
    let folder = tempfile::tempdir().unwrap();
    let study = "name = \"a\"\n[patches]\n[network.a]\n[drift]\n";
    fs::write(folder.path().join("study.toml"), study).unwrap();
    let told = told(&spolia(&["study", "check", "study.toml"], folder.path()).failure());
    assert!(
        told.contains("[drift] is between networks, and there is 1"),
        "{told}"
    );
}

const PARTIAL: &str = r#"
name = "partial"
seed = 5
[patches]
images = "images.csv"
[network.random]
[network.frozen]
start = "random"
freeze = "Mixed_5b"
train = { epochs = 1, learning_rate = 1e-2, batch = 8 }
[network.shuffled]
start = "random"
init = "shuffled"
[network.statistics]
start = "frozen"
init = "statistics"
[drift]
layers = ["Conv2d_1a_3x3", "Mixed_5b", "Mixed_6a"]
images = 24
"#;

/// Frozen stages stay as they are, shuffled weights keep their values and lose their places.
#[test]
fn networks_that_keep_a_part() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    fs::write(root.join("study.toml"), PARTIAL).unwrap();
    spolia(&["run", "study.toml", "--quiet", "--out", "run"], root).success();
    let table = rows(&root.join("run/drift/drift.csv"));
    let of = |after: &str, layer: &str, column: &str| {
        let same = |row: &&Row| {
            row["before"] == "random" && row["after"] == after && row["layer"] == layer
        };
        number(table.iter().find(same).unwrap(), column)
    };
    for layer in ["Conv2d_1a_3x3", "Mixed_5b"] {
        assert_eq!(of("frozen", layer, "weight_distance"), 0.0, "{layer}");
        assert!(of("frozen", layer, "cka") > 0.999_999, "{layer}");
    }
    assert!(of("frozen", "Mixed_6a", "weight_distance") > 0.0);
    assert!(of("shuffled", "Mixed_6a", "weight_cosine").abs() < 0.1);

    let wrong = PARTIAL.replace(
        "train = { epochs = 1, learning_rate = 1e-2, batch = 8 }",
        "keep = \"Mixed_5b\"",
    );
    fs::write(root.join("wrong.toml"), wrong).unwrap();
    let done = spolia(&["study", "check", "wrong.toml"], root).failure();
    assert!(
        told(&done).contains("freeze says nothing without train"),
        "{}",
        told(&done)
    );
}
