//! `--batch auto`: told, recorded, kept where a training goes on, and without a trace in images.
#![cfg(target_os = "linux")] // other systems do not tell how much memory is available

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use spolia_network::Weights;

/// Forty images of twenty patients, half of each class.
fn images(folder: &Path) -> String {
    let mut table = String::from("file,label,patient\n");
    for i in 0..40u32 {
        let image = image::RgbImage::from_fn(76, 76, |x, y| {
            let value = (i * 31 + x * (1 + i % 2) * 3 + y * 7) % 251;
            image::Rgb([value as u8, (value / 2) as u8, 90])
        });
        image.save(folder.join(format!("{i}.png"))).unwrap();
        table.push_str(&format!("{i}.png,{},p{}\n", i % 2, i / 2));
    }
    fs::write(folder.join("images.csv"), table).unwrap();
    text(&folder.join("images.csv"))
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn starter() -> PathBuf {
    spolia_network::weights::starter_path().unwrap()
}

/// The arguments of a training; few stages of it are trained.
fn training(images: &str, batch: &str, epochs: &str, out: &Path) -> Vec<String> {
    let (weights, out) = (text(&starter()), text(out));
    let words = [
        "train",
        images,
        "--weights",
        &weights,
        "--freeze",
        "Mixed_7b",
        "--batch",
        batch,
        "--epochs",
        epochs,
        "--out",
        &out,
    ];
    words.map(String::from).to_vec()
}

fn run(arguments: &[String]) -> Output {
    let mut command = Command::cargo_bin("spolia").unwrap();
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    output
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn history(out: &Path) -> String {
    let weights = Weights::load(out.join("weights.safetensors"), None).unwrap();
    weights.metadata.history.join("\n")
}

#[test]
fn a_training_tells_its_batch_and_is_that_of_the_number() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    let (auto, given) = (folder.path().join("auto"), folder.path().join("given"));
    let output = run(&training(&images, "auto", "1", &auto));
    let told = told(&output);
    let number = ["8", "16", "32"]
        .into_iter()
        .find(|n| told.contains(&format!("{n} patches a step")))
        .unwrap_or_else(|| panic!("no number in {told}"));
    assert!(history(&auto).contains(&format!("batch {number},")));
    run(&training(&images, number, "1", &given));
    for file in ["weights.safetensors", "steps.csv"] {
        let bytes = |out: &Path| fs::read(out.join(file)).unwrap();
        assert!(bytes(&auto) == bytes(&given), "{file}");
    }
}

#[test]
fn a_training_goes_on_with_the_batch_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    let out = folder.path().join("out");
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("spolia"))
        .args(training(&images, "4", "1000", &out))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = out.join("checkpoint/state.json");
    let began = Instant::now();
    while !state.exists() && began.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let state: serde_json::Value = serde_json::from_slice(&fs::read(state).unwrap()).unwrap();
    assert_eq!(state["batch"], 4);
    // Four is none of the sizes that auto chooses from.
    let epochs = (state["epoch"].as_u64().unwrap() + 1).to_string();
    let output = run(&training(&images, "auto", &epochs, &out));
    assert!(
        told(&output).contains("4 patches a step"),
        "{}",
        told(&output)
    );
    assert!(history(&out).contains("batch 4,"));
}

#[test]
fn images_are_the_same_whatever_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = |batch: &str| -> Vec<Vec<u8>> {
        let out = folder.path().join(batch);
        let (weights, to) = (text(&starter()), text(&out));
        let words = [
            "visualize",
            "--weights",
            &weights,
            "--layer",
            "Mixed_5b",
            "--channels",
            "0-2",
            "--size",
            "75",
            "--steps",
            "4",
            "--batch",
            batch,
            "--out",
            &to,
        ];
        let output = run(&words.map(String::from));
        assert_eq!(
            told(&output).contains(" channels at a time"),
            batch == "auto"
        );
        let file = |n: usize| out.join(format!("Mixed_5b/channel_{n:04}.png"));
        (0..3).map(|n| fs::read(file(n)).unwrap()).collect()
    };
    let auto = drawn("auto");
    assert!(auto == drawn("1") && auto == drawn("2"));
}
