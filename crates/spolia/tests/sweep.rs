//! Partial reuse: a study's networks that keep more and more of another one.

mod cohort;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use spolia_network::{Convention, TrainingCost, inception_v3};

use cohort::{Row, images, number, rows, spolia, told};

const STUDY: &str = r#"
name = "sweep"
seed = 5
[patches]
images = "images.csv"
test = 0.3
most = 6
[network.start]
[sweep]
start = "start"
cuts = ["Mixed_5b", "none"]
seeds = [1, 2]
freeze = ["no", "yes"]
controls = ["random-labels"]
leave_out = ["c1"]
target = 0.5
train = { epochs = 2, learning_rate = 1e-2, batch = 8, augment = "none" }
"#;

/// Every file that does not tell the time, by name; of tables with seconds all other columns.
fn bytes(run: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(run).unwrap().to_path_buf();
        if path.is_dir() {
            bytes(run, &path, found);
        } else if path.extension().is_some_and(|e| e == "csv") {
            let mut text = String::new();
            for row in rows(&path) {
                let kept = row
                    .iter()
                    .filter(|(column, _)| !column.starts_with("seconds"));
                text.extend(kept.map(|(column, value)| format!("{column}={value},")));
                text.push('\n');
            }
            found.insert(name, text.into_bytes());
        } else if name != Path::new("manifest.json") {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// Starts the run and kills it while `step` is being done.
fn kill_in(root: &Path, study: &str, out: &str, step: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_spolia"))
        .current_dir(root)
        .args(["run", study, "--quiet", "--out", out])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = || -> Option<String> {
        let text = fs::read(root.join(out).join("manifest.json")).ok()?;
        let manifest: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let steps = manifest["steps"].as_array()?.iter();
        let own = steps.into_iter().find(|s| s["name"] == step)?;
        own["state"].as_str().map(String::from)
    };
    let limit = Instant::now() + Duration::from_secs(300);
    while state().as_deref() != Some("running") {
        assert!(Instant::now() < limit, "{step} never ran");
        assert!(child.try_wait().unwrap().is_none(), "{step} never ran");
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(state().as_deref(), Some("running"));
}

#[test]
fn a_sweep_says_what_each_depth_is_worth() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    fs::write(root.join("study.toml"), STUDY).unwrap();
    spolia(&["run", "study.toml", "--quiet", "--out", "run"], root).success();
    let run = root.join("run");
    let arms = rows(&run.join("reuse/arms.csv"));
    let names: Vec<&str> = arms.iter().map(|r| r["arm"].as_str()).collect();
    let expected = [
        "sweep-none",
        "sweep-Mixed_5b",
        "sweep-Mixed_5b-frozen",
        "sweep-random-labels",
    ];
    assert_eq!(names, expected);
    let of = |name: &str| arms.iter().find(|r| r["arm"] == name).unwrap();
    for arm in &arms {
        let [auc, low, high] = ["auc", "auc_low", "auc_high"].map(|c| number(arm, c));
        assert!(
            (0.0..=1.0).contains(&auc) && low <= auc && auc <= high,
            "{arm:?}"
        );
        assert_eq!(
            (arm["networks"].as_str(), arm["unit"].as_str()),
            ("2", "patient")
        );
    }
    let kept = |name: &str| number(of(name), "stages_kept");
    assert_eq!(kept("sweep-none"), 0.0);
    assert!(kept("sweep-Mixed_5b") > 5.0 && kept("sweep-random-labels") > kept("sweep-Mixed_5b"));
    // Frozen stages run forward once for each patch, and never back.
    let graph = inception_v3(Convention::Keras, Some(1));
    let stage = graph.stage("Mixed_5b").unwrap();
    let of_all = TrainingCost::new(&graph, None, 76, 76).unwrap();
    let of_tail = TrainingCost::new(&graph, Some(stage), 76, 76).unwrap();
    for (name, each) in [
        ("sweep-none", 2 * of_all.total()),
        ("sweep-Mixed_5b", 2 * of_all.total()),
        (
            "sweep-Mixed_5b-frozen",
            of_tail.frozen + 2 * (of_tail.forward + of_tail.backward),
        ),
    ] {
        let expected = number(of(name), "patches") * each as f64 / 1e9;
        assert!(
            (number(of(name), "gflop") / expected - 1.0).abs() < 1e-12,
            "{name}"
        );
    }

    let runs = rows(&run.join("reuse/runs.csv"));
    assert_eq!(runs.len(), 2 * arms.len());
    let mean: f64 = runs
        .iter()
        .filter(|r| r["arm"] == "sweep-none")
        .map(|r| number(r, "auc"))
        .sum();
    assert!((mean / 2.0 - number(of("sweep-none"), "auc")).abs() < 1e-12);

    let compared = rows(&run.join("reuse/comparisons.csv"));
    let pair = |a: &str, b: &str| -> &Row {
        let own = |r: &&Row| r["arm"] == a && r["against"] == b;
        compared
            .iter()
            .find(own)
            .unwrap_or_else(|| panic!("{a} against {b}"))
    };
    let frozen = pair("sweep-Mixed_5b-frozen", "sweep-Mixed_5b");
    assert_eq!(frozen["question"], "unfrozen");
    let gap = number(of("sweep-Mixed_5b-frozen"), "auc") - number(of("sweep-Mixed_5b"), "auc");
    assert!((number(frozen, "difference") - gap).abs() < 1e-12);
    pair("sweep-random-labels", "sweep-none");
    for row in &compared {
        assert!(number(row, "p_holm") >= number(row, "p_value"));
    }

    // Without its patches in training, the centre is new; the same patches judge both.
    let centres = rows(&run.join("reuse/centres.csv"));
    assert_eq!(centres.len(), 3);
    let one = &centres[0];
    assert_eq!(
        (one["arm"].as_str(), one["centre"].as_str()),
        ("sweep-none", "c1")
    );
    let difference = number(one, "auc_new") - number(one, "auc_in");
    assert!((number(one, "difference") - difference).abs() < 1e-12);
    let weights =
        |name: &str| fs::read(run.join(format!("networks/{name}/weights.safetensors"))).unwrap();
    assert!(weights("sweep-none-without-c1-s1") != weights("sweep-none-s1"));
    assert!(weights("sweep-none-s2") != weights("sweep-none-s1"));

    let answer: serde_json::Value =
        serde_json::from_slice(&fs::read(run.join("reuse/reuse.json")).unwrap()).unwrap();
    assert_eq!(answer["sweep"]["cuts"][1]["arm"], "sweep-Mixed_5b");
    assert_eq!(answer["sweep"]["controls"][0]["arm"], "sweep-random-labels");
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("What is worth keeping?") && page.contains("What they leave open"));
    assert!(run.join("figures/reuse_auc.svg").exists());
    assert!(!run.join("networks/activations").exists());

    // Killed where frozen stages answer, and where a later network is trained.
    for step in [
        "train/sweep-Mixed_5b-frozen-s1",
        "train/sweep-random-labels-s2",
    ] {
        kill_in(root, "study.toml", "cut", step);
    }
    spolia(&["run", "study.toml", "--quiet", "--out", "cut"], root).success();
    let (mut whole, mut cut) = (BTreeMap::new(), BTreeMap::new());
    bytes(&run, &run, &mut whole);
    bytes(&root.join("cut"), &root.join("cut"), &mut cut);
    assert_eq!(
        whole.keys().collect::<Vec<_>>(),
        cut.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &whole {
        assert!(cut[name] == *bytes, "{} differs", name.display());
    }

    // Nothing kept on disk: the same numbers but for rounding.
    let plain = STUDY.replace("target", "cache = 0\ntarget");
    let plain = plain.replace("freeze = [\"no\", \"yes\"]", "freeze = [\"yes\"]");
    let plain = plain
        .replace("leave_out = [\"c1\"]\n", "")
        .replace("[1, 2]", "[2]");
    fs::write(root.join("plain.toml"), plain).unwrap();
    spolia(
        &[
            "run",
            "plain.toml",
            "--quiet",
            "--only",
            "reuse",
            "--out",
            "plain",
        ],
        root,
    )
    .success();
    let table = "networks/sweep-Mixed_5b-frozen-s2/predictions.csv";
    let (kept, anew) = (
        rows(&run.join(table)),
        rows(&root.join("plain").join(table)),
    );
    assert_eq!(kept.len(), anew.len());
    for (a, b) in kept.iter().zip(&anew) {
        let (a, b) = (number(a, "logit"), number(b, "logit"));
        assert!((a - b).abs() < 1e-3 * a.abs().max(1.0), "{a} {b}");
    }
}

#[test]
fn a_centre_that_nobody_has_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    let study = "name = \"a\"\n[patches]\nimages = \"images.csv\"\n[network.a]\n[network.b]\nstart = \"a\"\n\
                 train = { epochs = 1, batch = 8, leave_out = \"c7\" }\n";
    fs::write(root.join("study.toml"), study).unwrap();
    let done = spolia(&["run", "study.toml", "--quiet", "--out", "run"], root).failure();
    let told = told(&done);
    let manifest = fs::read_to_string(root.join("run/manifest.json")).unwrap();
    let problems = fs::read_to_string(root.join("run/problems.csv")).unwrap_or_default();
    let all = format!("{told}{manifest}{problems}");
    assert!(
        all.contains("no patch is of centre") && all.contains("c0, c1"),
        "{all}"
    );
}
