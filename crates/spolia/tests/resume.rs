//! A study killed in each of its steps ends with the bytes of an uninterrupted one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The steps, and how far each goes before the kill, milliseconds.
const KILLS: [(&str, &[u64]); 10] = [
    ("patches", &[0]),
    ("train/random", &[0]),
    ("train/tuned", &[0, 1500]),
    ("predict/tuned", &[0, 150]),
    ("visualize/tuned", &[0, 400]),
    ("attention/tuned", &[0, 300, 3000]),
    ("overlays", &[0]),
    ("measures", &[0]),
    ("concepts/tuned", &[0, 250, 900]),
    ("report", &[0]),
];

const STUDY: &str = r#"
name = "killed"
seed = 5
[patches]
images = "images.csv"
[network.random]
[network.tuned]
start = "random"
train = { epochs = 2, learning_rate = 1e-2, batch = 8 }
[visualize]
layers = ["Conv2d_2b_3x3"]
channels = "0-3"
steps = 12
size = 75
batch = 2
networks = ["tuned"]
[attention]
layer = "Mixed_5b"
networks = ["tuned"]
faithfulness = 2
sanity = 1
select = { class = "tumor", p_min = 0.0, most = 20, split = "all" }
[concepts]
layers = ["Conv2d_1a_3x3", "Conv2d_2b_3x3"]
images = 40
repeats = 2
split = "all"
networks = ["tuned"]
"#;

/// Forty images of 20 patients: stripes of one of two widths, with noise.
fn study(folder: &Path) -> PathBuf {
    let mut table = String::from("file,label,patient\n");
    let mut state = 1u32;
    for i in 0..40u32 {
        let image = image::RgbImage::from_fn(76, 76, |x, y| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let stripe = 120 * ((x + y) / (4 + 4 * (i % 2)) % 2) as u8;
            let noise = (state >> 26) as u8;
            image::Rgb([stripe + noise, stripe + 40, noise + 60 + i as u8])
        });
        image.save(folder.join(format!("{i:02}.png"))).unwrap();
        table.push_str(&format!("{i:02}.png,{},p{}\n", i % 2, i / 2));
    }
    fs::write(folder.join("images.csv"), table).unwrap();
    let file = folder.join("study.toml");
    fs::write(&file, STUDY).unwrap();
    file
}

fn start(study: &Path, out: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_spolia"))
        .args(["run".as_ref(), study.as_os_str()])
        .args(["--quiet".as_ref(), "--out".as_ref(), out.as_os_str()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// State of a step in a run's manifest; empty where there is none yet.
fn state(run: &Path, step: &str) -> String {
    let Ok(text) = fs::read(run.join("manifest.json")) else {
        return String::new();
    };
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
    manifest["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|s| s["name"] == step)
        .and_then(|s| s["state"].as_str())
        .unwrap_or_default()
        .to_string()
}

/// Runs until `step` has been running for `wait`, then kills; whether it still ran at that time.
fn kill_in(study: &Path, out: &Path, step: &str, wait: Duration) -> bool {
    let mut child = start(study, out);
    let limit = Instant::now() + Duration::from_secs(300);
    while state(out, step) != "running" {
        assert!(Instant::now() < limit, "{step} never ran");
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        sleep(Duration::from_millis(1));
    }
    sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    state(out, step) == "running"
}

/// Every file but those that tell the time, by name; of epochs.csv all but the seconds.
fn bytes(run: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(run).unwrap().to_path_buf();
        if path.is_dir() {
            bytes(run, &path, found);
        } else if name.ends_with("epochs.csv") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with("epoch,") && text.lines().next().unwrap().ends_with(",seconds")
            );
            let rows = text.lines().map(|l| l.rsplit_once(',').unwrap().0);
            found.insert(name, rows.collect::<Vec<_>>().join("\n").into_bytes());
        } else if name != Path::new("manifest.json") {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
}

#[test]
fn killed_in_each_step_it_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    assert!(start(&study, &whole).wait().unwrap().success());
    let mut missed = Vec::new();
    for (step, waits) in KILLS {
        for &wait in waits {
            if !kill_in(&study, &cut, step, Duration::from_millis(wait)) {
                missed.push((step, wait));
            }
        }
    }
    // A fast machine may finish a step before the later kill; the kill at its start must have hit.
    let at_start: Vec<_> = missed
        .iter()
        .filter(|(step, wait)| *wait == 0 && step.contains("/tuned"))
        .collect();
    assert!(at_start.is_empty(), "no kill in {at_start:?}");
    assert!(start(&study, &cut).wait().unwrap().success());

    let (mut expected, mut found) = (BTreeMap::new(), BTreeMap::new());
    bytes(&whole, &whole, &mut expected);
    bytes(&cut, &cut, &mut found);
    let names = |all: &BTreeMap<PathBuf, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{} differs", name.display());
    }
    for name in [
        "networks/tuned/predictions.csv",
        "visualize/objectives.csv",
        "attention/attention.csv",
        "attention/faithfulness.csv",
        "attention/sanity.csv",
        "concepts/r2.csv",
        "concepts/relevance.csv",
        "report.html",
    ] {
        assert!(expected.contains_key(Path::new(name)), "no {name}");
    }
}
