//! `spolia weights`, as a user runs it.

use std::path::PathBuf;

use assert_cmd::Command;
use spolia_network::{Convention, Initialisation, Weights, inception_v3, initialise};

fn spolia() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("spolia"));
    command.arg("weights");
    command
}

fn starter() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../weights/inception_v3_starter.safetensors")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn inspect_tells_the_story() {
    let output = spolia()
        .arg("inspect")
        .arg(starter())
        .arg("--json")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let value = |property: &str| {
        let row = rows.iter().find(|row| row["property"] == property).unwrap();
        row["value"].clone()
    };
    assert_eq!(value("convention"), "keras");
    assert_eq!(value("classification layer"), "none");
    // 94 convolutions and their batch norms.
    assert_eq!(value("tensors"), 470);
    assert_eq!(value("values"), 21_785_568 + 34_432);
    assert_eq!(value("check"), "complete inception_v3, all values finite");
    assert_eq!(
        rows.iter()
            .filter(|row| row["property"] == "history")
            .count(),
        4
    );
}

#[test]
fn inspect_lists_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.safetensors");
    let mut weights = Weights::default();
    let tensor = spolia_network::WeightTensor {
        shape: vec![2, 1],
        data: vec![1.0, 3.0],
    };
    weights.tensors.insert("fc.weight".into(), tensor);
    weights.save(&file).unwrap();
    let output = spolia()
        .arg("inspect")
        .arg(&file)
        .arg("--tensors")
        .output()
        .unwrap();
    let expected = "tensor,shape,mean,sd,least,largest\nfc.weight,2x1,2.0,1.0,1.0,3.0\n";
    assert_eq!(text(&output.stdout), expected);
    // A head alone says no architecture: told, and the exit status says so.
    let output = spolia().arg("inspect").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("architecture,unknown"));
}

#[test]
fn convert_wants_a_convention() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (
        folder.path().join("w.safetensors"),
        folder.path().join("new/out.safetensors"),
    );
    let mut weights = initialise(
        &inception_v3(Convention::Keras, Some(2)),
        Initialisation::Xavier,
        1,
    );
    weights.metadata = Default::default();
    weights.save(&file).unwrap();
    let output = spolia()
        .arg("convert")
        .arg(&file)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("--convention"),
        "{}",
        text(&output.stderr)
    );
    assert!(!out.exists());
    let convert = spolia()
        .arg("convert")
        .arg(&file)
        .args(["--convention", "torchvision", "--out"])
        .arg(&out)
        .output();
    assert_eq!(convert.unwrap().status.code(), Some(0));
    let converted = Weights::load(&out, None).unwrap();
    assert!(converted.tensors == weights.tensors);
    assert_eq!(converted.metadata.convention, Some(Convention::Torchvision));
    assert!(converted.metadata.history[1].starts_with("converted from w.safetensors by spolia "));
}

#[test]
fn wrong_files_and_names() {
    let output = spolia().args(["inspect", "Cargo.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("Keras HDF5: has no HDF5 signature"));
    let output = spolia().args(["pull", "keras/inception"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("keras/inception_v3_notop"));
}
