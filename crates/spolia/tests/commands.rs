//! Every command as a user calls it.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;

fn spolia(arguments: &[&str]) -> Assert {
    Command::cargo_bin("spolia")
        .unwrap()
        .args(arguments)
        .assert()
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Twelve images of six patients, half of each class; one of them is `file` as given.
fn images(folder: &Path) -> PathBuf {
    let mut table = String::from("file,label,patient\n");
    for i in 0..12u8 {
        let image = image::RgbImage::from_fn(8, 8, |x, _| image::Rgb([i, 20 * (x as u8 % 2), 0]));
        image.save(folder.join(format!("{i}.png"))).unwrap();
        table.push_str(&format!("{i}.png,{},p{}\n", i % 2, i / 2));
    }
    let csv = folder.join("images.csv");
    fs::write(&csv, table).unwrap();
    csv
}

#[test]
fn alone_it_shows_the_commands_in_groups() {
    let shown = stdout(&spolia(&[]).code(0));
    let places: Vec<usize> = [
        "Study:",
        "\n  study check ",
        "Patches:",
        "\n  phantom ",
        "Methods:",
        "\n  measure ",
        "Machine:",
    ]
    .iter()
    .map(|word| {
        shown
            .find(word)
            .unwrap_or_else(|| panic!("no {word} in {shown}"))
    })
    .collect();
    assert!(places.is_sorted(), "{shown}");
    assert!(stdout(&spolia(&["--help"]).code(0)).contains("Methods:"));
}

#[test]
fn wrong_usage_is_status_2() {
    let shown = stderr(&spolia(&["mesure"]).code(2));
    assert!(shown.contains("measure"), "{shown}");
    spolia(&["measure"]).code(2);
    spolia(&["doctor", "--threads", "0"]).code(2);
    let folder = tempfile::tempdir().unwrap();
    let csv = images(folder.path());
    let shown = stderr(&spolia(&["measure", text(&csv), "--measures", "glcm_contrst"]).code(2));
    assert!(shown.contains("did you mean glcm_contrast?"), "{shown}");
}

#[test]
fn the_template_passes_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.toml");
    fs::write(&file, stdout(&spolia(&["study", "template"]).code(0))).unwrap();
    let steps = stdout(&spolia(&["study", "check", text(&file)]).code(0));
    assert!(steps.starts_with("step,network,what\npatches,,"), "{steps}");
    assert!(
        steps.contains("train,finetuned,\"finetuned, 30 epochs\"\n"),
        "{steps}"
    );
}

#[test]
fn a_misspelt_key_is_shown_with_its_line_and_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.toml");
    fs::write(
        &file,
        "name = \"a\"\n\n[patches]\nclases = [\"a\", \"b\"]\n",
    )
    .unwrap();
    let shown = stderr(&spolia(&["study", "check", text(&file)]).code(1));
    assert!(
        shown.contains("study.toml, line 4: unknown key `clases` in [patches]"),
        "{shown}"
    );
    assert!(shown.contains("did you mean `classes`?"), "{shown}");
    let missing = folder.path().join("none.toml");
    let shown = stderr(&spolia(&["study", "check", text(&missing)]).code(1));
    assert!(shown.contains("none.toml"), "{shown}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let csv = images(folder.path());
    // A path below a regular file: not even root can write there.
    let below = folder.path().join("0.png/out");
    let out = text(&below);
    for arguments in [
        vec!["phantom", "--out", out],
        vec!["man", "--out", out],
        vec!["measure", text(&csv), "--out", &format!("{out}/m.csv")],
        vec![
            "dataset",
            "split",
            text(&csv),
            "--out",
            &format!("{out}/s.csv"),
        ],
    ] {
        let shown = stderr(&spolia(&arguments).code(1));
        assert!(
            shown.contains("0.png/out") && shown.contains("--out"),
            "{shown}"
        );
    }
}

#[test]
fn measure_gives_one_row_per_image_and_names_the_bad_ones() {
    let folder = tempfile::tempdir().unwrap();
    let two = image::RgbImage::from_fn(2, 2, |x, _| image::Rgb([255 * x as u8; 3]));
    two.save(folder.path().join("two.png")).unwrap();
    fs::write(folder.path().join("bad.png"), b"no image").unwrap();
    let run = spolia(&["measure", text(folder.path())]).code(1);
    assert_eq!(
        stdout(&run),
        "id,glcm_asm,glcm_contrast,glcm_correlation\ntwo,0.5,65025.0,-1.0\n"
    );
    assert!(stderr(&run).contains("bad.png"), "{}", stderr(&run));

    fs::remove_file(folder.path().join("bad.png")).unwrap();
    let out = folder.path().join("new/m.csv");
    let arguments = [
        "measure",
        text(folder.path()),
        "--measures",
        "glcm_asm",
        "--out",
        text(&out),
    ];
    let run = spolia(&arguments).code(0);
    assert_eq!(stdout(&run), "");
    assert_eq!(fs::read_to_string(out).unwrap(), "id,glcm_asm\ntwo,0.5\n");
    let json = stdout(&spolia(&["measure", text(folder.path()), "--json"]).code(0));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["glcm_contrast"], 65025.0);
}

#[test]
fn threads_do_not_change_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let csv = images(folder.path());
    let one = stdout(&spolia(&["measure", text(&csv), "--threads", "1"]).code(0));
    let three = stdout(&spolia(&["measure", text(&csv), "--threads", "3"]).code(0));
    assert_eq!(one.lines().count(), 13);
    assert_eq!(one, three);
}

#[test]
fn quiet_is_quiet_and_plain_lines_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let csv = images(folder.path());
    assert_eq!(
        stderr(&spolia(&["measure", text(&csv), "--quiet"]).code(0)),
        ""
    );
    let lines = stderr(&spolia(&["measure", text(&csv), "-v"]).code(0));
    assert!(
        lines.contains("12 images\nmeasure: 12 to do\nmeasure: done in"),
        "{lines}"
    );
}

#[test]
fn check_counts_patches_and_finds_leaks() {
    let folder = tempfile::tempdir().unwrap();
    let csv = images(folder.path());
    let run = spolia(&["dataset", "check", text(&csv)]).code(0);
    let table = stdout(&run);
    assert!(
        table.starts_with("kind,name,normal,tumor,unlabelled,total,note\nsplit,,6,6,0,12,\n"),
        "{table}"
    );
    assert!(table.contains("\npatient,p3,1,1,0,2,\n"), "{table}");

    let leaky = "file,label,patient,split\n0.png,0,a,train\n1.png,1,a,test\n";
    fs::write(&csv, leaky).unwrap();
    let run = spolia(&["dataset", "check", text(&csv)]).code(1);
    assert!(
        stdout(&run).contains("patient a is in train (0) and test (1)"),
        "{}",
        stdout(&run)
    );
}

#[test]
fn split_keeps_patients_together() {
    let folder = tempfile::tempdir().unwrap();
    let csv = images(folder.path());
    let split = |name: &str, seed: &str| {
        let out = folder.path().join(name);
        let arguments = [
            "dataset",
            "split",
            text(&csv),
            "--by",
            "patient",
            "--seed",
            seed,
            "--out",
            text(&out),
        ];
        spolia(&arguments).code(0);
        fs::read_to_string(out).unwrap()
    };
    let table = split("a.csv", "7");
    assert_eq!(table, split("b.csv", "7"));
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!(rows[0][3], "patient");
    for rows in rows[1..].chunks(2) {
        assert_eq!(rows[0][3], rows[1][3]); // patient
        assert_eq!(rows[0][9], rows[1][9]); // split
    }
    let check = spolia(&["dataset", "check", text(&folder.path().join("a.csv"))]).code(0);
    assert!(
        stdout(&check).contains("\nsplit,test,1,1,0,2,\n"),
        "{}",
        stdout(&check)
    );
}

#[test]
fn a_phantom_is_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("cohort");
    let arguments = [
        "phantom",
        "--out",
        text(&out),
        "--patients",
        "2",
        "--centres",
        "1",
        "--patches",
        "4",
        "--size",
        "32",
    ];
    let printed = stdout(&spolia(&arguments).code(0));
    assert_eq!(printed.trim_end(), text(&out.join("patches.csv")));
    let table = stdout(&spolia(&["dataset", "check", text(&out)]).code(0));
    assert!(table.contains(",4,4,0,8,"), "{table}");
    let wrong = ["phantom", "--out", text(&out), "--patients", "0"];
    assert!(stderr(&spolia(&wrong).code(1)).contains("phantom cohort"));
}

#[test]
fn report_redraws_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = r#"{"study": {"name": "small", "seed": 7}, "classes": ["normal", "tumor"]}"#;
    fs::write(folder.path().join("manifest.json"), manifest).unwrap();
    let printed = stdout(&spolia(&["report", text(folder.path())]).code(0));
    let page = fs::read_to_string(printed.trim_end()).unwrap();
    assert!(page.contains("<title>small"));
    let empty = tempfile::tempdir().unwrap();
    let shown = stderr(&spolia(&["report", text(empty.path())]).code(1));
    assert!(shown.contains("manifest.json"), "{shown}");
}

#[test]
fn doctor_finds_this_machine_sound() {
    let table = stdout(&spolia(&["doctor"]).code(0));
    assert!(
        table.starts_with("check,state,detail,remedy\nversion,ok,spolia "),
        "{table}"
    );
    for check in [
        "texture,ok",
        "engine,ok,agrees with PyTorch",
        "PNG,ok",
        "JPEG,ok",
        "TIFF,ok",
        "threads,",
        "memory,",
    ] {
        assert!(table.contains(check), "{table}");
    }
    let json = stdout(&spolia(&["doctor", "--json"]).code(0));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["check"], "version");
}

#[test]
fn completions_and_man_pages_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&spolia(&["completions", shell]).code(0)).contains("phantom"));
    }
    assert!(stdout(&spolia(&["man"]).code(0)).contains(".TH spolia 1"));
    let folder = tempfile::tempdir().unwrap();
    spolia(&["man", "--out", text(folder.path())]).code(0);
    assert!(folder.path().join("spolia.1").exists());
    let page = fs::read_to_string(folder.path().join("spolia-dataset-split.1")).unwrap();
    assert!(page.contains("never divided"), "{page}");
}

#[test]
fn measures_of_nuclei_take_given_masks() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("i")).unwrap();
    std::fs::create_dir_all(root.join("m")).unwrap();
    // Nothing to segment, and two nuclei of 6 and 2 pixels that a mask states.
    let glass = image::RgbImage::from_pixel(32, 32, image::Rgb([240, 240, 240]));
    for name in ["a", "b", "c"] {
        glass.save(root.join(format!("i/{name}.png"))).unwrap();
    }
    let mask = image::ImageBuffer::<image::Luma<u16>, _>::from_fn(32, 32, |x, y| {
        image::Luma([match (x, y) {
            (2..=4, 2..=3) => 1u16,
            (9, 9..=10) => 300,
            _ => 0,
        }])
    });
    mask.save(root.join("m/a.png")).unwrap();
    glass.save(root.join("m/c.png")).unwrap();
    let command = [
        "measure",
        "i",
        "--masks",
        "m",
        "--measures",
        "nuclei_count",
        "--quiet",
    ];
    let done = Command::new(env!("CARGO_BIN_EXE_spolia"))
        .current_dir(root)
        .args(command)
        .assert()
        .code(1);
    let table = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    assert_eq!(table.replace(".0", ""), "id,nuclei_count\na,2\nb,0\n");
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(told.contains("c.png") && told.contains("gray"), "{told}");
}
