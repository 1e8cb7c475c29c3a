//! Probability and attention over whole slides.

mod cohort;

use std::fs;
use std::path::Path;

use cohort::{images, number, rows, spolia, told};
use spolia_slide::Slide;
use spolia_slide::annotation::Annotations;
use spolia_slide::write;

const STUDY: &str = r#"
name = "heatmap"
seed = 5
[patches]
images = "images.csv"
[network.tuned]
init = "xavier"
train = { epochs = 1, learning_rate = 1e-3, batch = 8 }
"#;

/// Tissue on the left 900 of 1,400 px, glass on the right.
fn slide(file: &Path) {
    let options = write::Options {
        mpp: Some(0.5),
        ..write::Options::default()
    };
    write::pyramid(file, 1_400, 1_000, &options, |area| {
        Ok(Some(image::RgbImage::from_fn(
            area.width,
            area.height,
            |x, y| {
                let (x, y) = (area.x + u64::from(x), area.y + u64::from(y));
                if x >= 900 {
                    return image::Rgb([243, 243, 243]);
                }
                let spot = (x / 9 * 7 + y / 11 * 5) % 4 == 0;
                image::Rgb([
                    if spot { 90 } else { 200 },
                    if spot { 60 } else { 120 },
                    170,
                ])
            },
        )))
    })
    .unwrap();
}

#[test]
fn a_slide_is_mapped_and_a_cut_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    fs::write(root.join("study.toml"), STUDY).unwrap();
    spolia(&["run", "study.toml", "--quiet", "--out", "run"], root).success();
    slide(&root.join("s.tif"));
    fs::write(root.join("broken.tif"), b"II*\0 and no more").unwrap();
    let weights = "run/networks/tuned/weights.safetensors";
    let run = |slides: &[&str], out: &str| {
        let mut arguments = vec!["slide", "heatmap"];
        arguments.extend(slides);
        let rest = [
            "--weights",
            weights,
            "--size",
            "96",
            "--mpp",
            "0.5",
            "--layer",
            "Mixed_5b",
        ];
        arguments.extend(rest);
        arguments.extend(["--out", out, "--quiet"]);
        spolia(&arguments, root)
    };
    // One slide that cannot be read does not stop the other.
    let done = run(&["broken.tif", "s.tif"], "a").code(1);
    assert!(told(&done).contains("broken.tif"), "{}", told(&done));
    let states = rows(&root.join("a/slides.csv"));
    assert_eq!(
        (states[0]["state"].as_str(), states[1]["state"].as_str()),
        ("failed", "done")
    );

    let own = root.join("a/s");
    let table = rows(&own.join("heatmap.csv"));
    assert!(table.len() > 150, "{}", table.len());
    assert!(table.iter().all(|row| number(row, "x") < 900.0));
    let patches = table.len() as f64;
    assert!((number(&states[1], "mm2") - patches * (48.0 * 0.5e-3f64).powi(2)).abs() < 1e-6);

    // The pyramids lie on the slide: a cell is 6 px of 0.5 µm.
    for name in ["probability", "attention"] {
        let map = Slide::open(own.join(format!("{name}.tif"))).unwrap();
        assert_eq!(map.dimensions(), (234, 167));
        assert!((map.mpp().unwrap().x - 3.0).abs() < 1e-6);
        let picture = image::open(own.join(format!("{name}.png")))
            .unwrap()
            .into_rgb8();
        assert_eq!(picture.dimensions(), (1_400, 1_000));
    }
    let detections = Annotations::read(own.join("patches.geojson")).unwrap();
    assert_eq!(detections.annotations.len(), table.len());
    let first = &detections.annotations[0];
    let p = first.measurements["probability of tumor"];
    assert!((p - number(&table[0], "p")).abs() < 1e-9);

    // Killed in the middle of a row: the rest is done, and every byte is the same.
    run(&["s.tif"], "b").success();
    let cut = root.join("b/s");
    let text = fs::read_to_string(cut.join("heatmap.csv")).unwrap();
    fs::write(cut.join("heatmap.csv"), &text[..text.len() / 2]).unwrap();
    fs::remove_file(cut.join("attention.npy")).unwrap();
    run(&["s.tif"], "b").success();
    for name in [
        "heatmap.csv",
        "maps.f32",
        "probability.npy",
        "attention.npy",
        "attention.tif",
        "patches.geojson",
    ] {
        assert!(
            fs::read(own.join(name)).unwrap() == fs::read(cut.join(name)).unwrap(),
            "{name}"
        );
    }

    // Without µm/px on the slide it has to be said; an overlap of 1 would never end.
    write::pyramid(
        &root.join("plain.tif"),
        300,
        300,
        &write::Options::default(),
        |area| {
            Ok(Some(image::RgbImage::from_pixel(
                area.width,
                area.height,
                image::Rgb([180, 70, 150]),
            )))
        },
    )
    .unwrap();
    let done = run(&["plain.tif"], "c").code(1);
    assert!(told(&done).contains("--slide-mpp"), "{}", told(&done));
    let start = [
        "slide",
        "heatmap",
        "s.tif",
        "--weights",
        weights,
        "--mpp",
        "1",
        "--out",
        "d",
    ];
    let arguments: Vec<&str> = start.into_iter().chain(["--overlap", "1"]).collect();
    spolia(&arguments, root).code(2);
}
