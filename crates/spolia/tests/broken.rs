//! Broken input to a whole study and to commands: one message that names the thing and the remedy; the rest is finished.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use spolia_network::{Convention, Initialisation, Weights, inception_v3, initialise};

fn spolia(arguments: &[&str]) -> Output {
    let output = Command::cargo_bin("spolia")
        .unwrap()
        .arg("--quiet")
        .args(arguments)
        .output()
        .unwrap();
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    output
}

fn stderr(output: &Output) -> String {
    // Messages are wrapped at the width of the terminal.
    let text = String::from_utf8_lossy(&output.stderr);
    text.split_whitespace()
        .filter(|word| *word != "│")
        .collect::<Vec<_>>()
        .join(" ")
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// Ten images of five patients and a study of them that trains nothing.
fn cohort(folder: &Path) -> PathBuf {
    let mut table = String::from("file,label,patient,split\n");
    for i in 0..10u32 {
        let image = image::RgbImage::from_fn(76, 76, |x, y| {
            image::Rgb([(x * y * (i + 3)) as u8, (x + 9 * i) as u8, (y * 3) as u8])
        });
        image.save(folder.join(format!("{i}.png"))).unwrap();
        table.push_str(&format!("{i}.png,{},p{},train\n", i % 2, i / 2));
    }
    fs::write(folder.join("images.csv"), table).unwrap();
    folder.join("images.csv")
}

/// A study whose two networks are measured at one layer; the second is read from `weights` where given.
fn study(folder: &Path, weights: Option<&Path>) -> PathBuf {
    let second = weights.map_or(String::new(), |w| {
        format!("[network.read]\nweights = \"{}\"\n", w.display())
    });
    let text = format!(
        "name = \"broken\"\n[patches]\nimages = \"images.csv\"\n[network.random]\n{second}\
         [concepts]\nlayers = [\"Conv2d_1a_3x3\"]\nmeasures = [\"glcm_contrast\"]\nimages = 10\nrepeats = 2\nsplit = \"all\"\n"
    );
    let file = folder.join("study.toml");
    fs::write(&file, text).unwrap();
    file
}

fn run(study: &Path, out: &Path) -> Output {
    spolia(&[
        "run",
        study.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ])
}

/// The concepts and the report were finished.
fn finished(out: &Path, networks: &[&str], images: usize) {
    let table = fs::read_to_string(out.join("concepts/r2.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|l| l.split(',').collect())
        .collect();
    assert_eq!(rows.iter().map(|r| r[0]).collect::<Vec<_>>(), networks);
    assert!(rows.iter().all(|r| r[3] == images.to_string()), "{table}");
    assert!(out.join("report.html").exists());
}

#[test]
fn one_bad_image_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let csv = cohort(folder.path());
    let file = study(folder.path(), None);
    let good = fs::read(folder.path().join("3.png")).unwrap();

    fs::write(folder.path().join("3.png"), &good[..good.len() / 2]).unwrap();
    let cases: [(&str, &[&str]); 2] = [
        ("truncated", &["3.png", "cut short", "leave it out"]),
        (
            "missing",
            &[
                "images.csv, line 5",
                "3.png does not exist",
                "correct the `file` column",
            ],
        ),
    ];
    for (name, parts) in cases {
        let out = folder.path().join(name);
        let output = run(&file, &out);
        assert_eq!(output.status.code(), Some(1));
        says(&stderr(&output), parts);
        let problems = fs::read_to_string(out.join("problems.csv")).unwrap();
        assert_eq!(problems.lines().count(), 2, "{problems}");
        says(&problems, &["item,step,error", "\n3,patches,"]);
        says(&problems, parts);
        finished(&out, &["random"], 9);
        let _ = fs::remove_file(folder.path().join("3.png"));
    }

    // 70 px are less than InceptionV3 takes.
    image::RgbImage::new(70, 70)
        .save(folder.path().join("3.png"))
        .unwrap();
    let out = folder.path().join("features");
    let starter = spolia_network::weights::starter_path().unwrap();
    let output = spolia(&[
        "features",
        csv.to_str().unwrap(),
        "--weights",
        starter.to_str().unwrap(),
        "--layer",
        "Conv2d_1a_3x3",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    says(
        &stderr(&output),
        &["3.png", "70x70 px", "75 px", "cut larger patches"],
    );
    let items = fs::read_to_string(out.join("items.csv")).unwrap();
    assert_eq!(items.lines().count(), 10);
    let output = run(&file, &folder.path().join("small"));
    assert_eq!(output.status.code(), Some(1));
    says(&stderr(&output), &["3.png", "70 x 70", "76 x 76", "cut it"]);
    finished(&folder.path().join("small"), &["random"], 9);
}

#[test]
fn all_images_too_small_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let csv = cohort(folder.path());
    for i in 0..10 {
        let name = folder.path().join(format!("{i}.png"));
        image::open(&name)
            .unwrap()
            .crop_imm(0, 0, 74, 74)
            .save(&name)
            .unwrap();
    }
    let starter = spolia_network::weights::starter_path().unwrap();
    let out = folder.path().join("trained");
    let output = spolia(&[
        "train",
        csv.to_str().unwrap(),
        "--weights",
        starter.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    says(&stderr(&output), &["74", "75 px"]);
    assert!(!out.join("weights.safetensors").exists());
}

#[test]
fn a_wrong_label_names_its_line_and_the_classes() {
    let folder = tempfile::tempdir().unwrap();
    let csv = cohort(folder.path());
    let table = fs::read_to_string(&csv).unwrap();
    fs::write(&csv, table.replace("7.png,1", "7.png,benign")).unwrap();
    let output = run(&study(folder.path(), None), &folder.path().join("run"));
    assert_eq!(output.status.code(), Some(1));
    says(
        &stderr(&output),
        &[
            "images.csv, line 9 (7.png)",
            "`benign` is not a class",
            "normal (0), tumor (1)",
        ],
    );
}

#[test]
fn broken_weights_are_named_and_the_other_network_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let network = inception_v3(Convention::Keras, None);
    let mut whole = initialise(&network, Initialisation::Xavier, 1);
    whole.metadata.convention = Some(Convention::Keras);
    let tensor = "Mixed_6a.branch3x3.conv.weight";
    let broken = |change: fn(&mut Weights, &str)| {
        let mut weights = whole.clone();
        change(&mut weights, tensor);
        weights
    };
    let missing = broken(|w, t| drop(w.tensors.remove(t)));
    let shape = broken(|w, t| w.tensors.get_mut(t).unwrap().shape.swap(0, 1));
    let nan = broken(|w, t| w.tensors.get_mut(t).unwrap().data[10] = f32::NAN);
    let cases: [(&Weights, &[&str]); 3] = [
        (
            &missing,
            &["1 of the network's tensors missing", "incomplete"],
        ),
        (
            &shape,
            &[
                "has shape [288, 384, 3, 3]",
                "needs [384, 288, 3, 3]",
                "weights convert",
            ],
        ),
        (&nan, &["holds NaN at position 10", "earlier checkpoint"]),
    ];
    let file = folder.path().join("w.safetensors");
    let study = study(folder.path(), Some(&file));
    let out = folder.path().join("run");
    for (weights, parts) in cases {
        weights.save(&file).unwrap();
        let output = run(&study, &out);
        assert_eq!(output.status.code(), Some(1));
        says(&stderr(&output), &["(train/read)", "w.safetensors", tensor]);
        says(&stderr(&output), parts);
        finished(&out, &["random"], 10);
    }
    // Mended, the same folder goes on to the end.
    whole.save(&file).unwrap();
    let output = run(&study, &out);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    finished(&out, &["random", "read"], 10);
}

#[test]
fn a_misspelt_key_and_a_folder_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let file = study(folder.path(), None);
    // A path below a regular file: not even root can write there.
    let below = folder.path().join("0.png/run");
    let output = run(&file, &below);
    assert_eq!(output.status.code(), Some(1));
    says(
        &stderr(&output),
        &["cannot write the run folder", "0.png/run", "--out"],
    );

    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("repeats", "repeat")).unwrap();
    let out = folder.path().join("run");
    let output = run(&file, &out);
    assert_eq!(output.status.code(), Some(1));
    says(
        &stderr(&output),
        &[
            "unknown key `repeat` in [concepts]",
            "did you mean `repeats`?",
        ],
    );
    assert!(!out.exists());
}
