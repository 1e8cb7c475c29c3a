//! Channels beside the patches that excite them, networks compared, and written objectives.

mod cohort;

use std::fs;
use std::path::Path;

use cohort::{Row, images, number, rows, spolia, told};

const STUDY: &str = r#"
name = "visualize"
seed = 5
[patches]
images = "images.csv"
[network.random]
[network.tuned]
start = "random"
train = { epochs = 1, learning_rate = 1e-2, batch = 8 }
[visualize]
layers = ["Conv2d_2b_3x3", "Mixed_5b"]
channels = "0-3"
preset = "lucid"
steps = 6
size = 75
batch = 4
again = 3
exemplars = 30
objectives = ["channel(Mixed_5b,1) - 0.1*tv", "direction(Mixed_5b, Mixed_5b/glcm_contrast)"]
parametrization = "maco"
colours = "patches"
[concepts]
measures = ["glcm_contrast"]
layers = ["Mixed_5b"]
repeats = 2
images = 40
"#;

#[test]
fn a_study_compares_networks_and_shows_patches() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    fs::write(root.join("study.toml"), STUDY).unwrap();
    spolia(&["run", "study.toml", "--quiet", "--out", "run"], root).success();
    let below = root.join("run/visualize");

    let compared = rows(&below.join("comparison.csv"));
    let of = |layer: &str, measure: &str| {
        let fits = |row: &&Row| row["layer"] == layer && row["measure"] == measure;
        compared.iter().find(fits).cloned().unwrap()
    };
    for layer in ["Conv2d_2b_3x3", "Mixed_5b"] {
        let row = of(layer, "features");
        assert_eq!(
            (row["before"].as_str(), row["after"].as_str()),
            ("random", "tuned")
        );
        assert!(number(&row, "channels") <= 3.0);
        let excess = number(&row, "between") - number(&row, "null");
        assert!((number(&row, "excess") - excess).abs() < 1e-9);
        assert!(number(&row, "q_value") >= number(&row, "p_value"));
    }
    // Of complexity the null has no side, so that its mean may be below 0; a dissimilarity may not.
    assert!(number(&of("Mixed_5b", "absolute"), "null") > 0.0);
    let slopes = rows(&below.join("comparison_slopes.csv"));
    assert!(
        slopes
            .iter()
            .any(|row| row["measure"] == "features" && row["layers"] == "2")
    );
    let complexity = rows(&below.join("complexity.csv"));
    // So short a training may leave one of the eight channels dead; it has no image, and no other lacks its row.
    let mut drawn = 0;
    for (layer, channel) in ["Conv2d_2b_3x3", "Mixed_5b"]
        .iter()
        .flat_map(|l| (0..4).map(move |c| (l, c)))
    {
        let image = below.join(format!("tuned/{layer}/channel_{channel:04}.png"));
        let own = complexity.iter().filter(|row| {
            row["network"] == "tuned"
                && row["layer"] == *layer
                && row["channel"] == channel.to_string()
        });
        assert_eq!(
            own.count(),
            usize::from(image.is_file()),
            "{layer} {channel}"
        );
        drawn += usize::from(image.is_file());
    }
    assert!(drawn >= 7, "{drawn}");

    let exemplars = rows(&below.join("exemplars.csv"));
    let own: Vec<&Row> = exemplars
        .iter()
        .filter(|r| r["network"] == "tuned" && r["layer"] == "Mixed_5b" && r["channel"] == "2")
        .collect();
    assert_eq!(own.len(), 4);
    let activations: Vec<f64> = own.iter().map(|r| number(r, "activation")).collect();
    assert!(activations.is_sorted_by(|a, b| a >= b));
    let channels = rows(&below.join("channels.csv"));
    let state = |row: &Row| {
        let (on_data, optimum) = (number(row, "on_data"), number(row, "optimum"));
        match (on_data > 0.0, optimum > 0.0) {
            (false, false) => "dead",
            (false, true) => "unused",
            (true, _) if optimum >= on_data => "alive",
            _ => "not-reached",
        }
    };
    assert!(channels.iter().all(|row| row["state"] == state(row)));
    assert!(
        below
            .join("tuned/Mixed_5b/channel_0002_patches.png")
            .is_file()
    );
    let gallery = fs::read_to_string(root.join("run/gallery.html")).unwrap();
    let gallery = gallery.replace("&#x2f;", "/");
    assert!(gallery.contains("visualize/tuned/Mixed_5b/channel_0002_patches.png"));
    assert!(gallery.contains("loading=\"lazy\"") && !gallery.contains("http"));
    let page = fs::read_to_string(root.join("run/report.html")).unwrap();
    assert!(
        page.contains("Did finetuning change and simplify them?") && page.contains("gallery.html")
    );

    for network in ["random", "tuned"] {
        let table = rows(&below.join(format!("{network}/objectives/images.csv")));
        assert_eq!(table.len(), 2);
        assert_eq!(
            table[1]["objective"],
            "direction(Mixed_5b, Mixed_5b/glcm_contrast)"
        );
        assert!(
            below
                .join(format!("{network}/objectives"))
                .join(&table[1]["file"])
                .is_file()
        );
    }
    // Nothing is drawn again.
    let before = fs::read(below.join("comparison.csv")).unwrap();
    spolia(&["run", "study.toml", "--quiet", "--out", "run"], root).success();
    assert_eq!(fs::read(below.join("comparison.csv")).unwrap(), before);

    // Fewer channels: the layers are drawn anew, and what other steps keep beside them stays.
    let fewer = STUDY.replace("channels = \"0-3\"", "channels = \"0-2\"");
    fs::write(root.join("study.toml"), fewer).unwrap();
    spolia(&["run", "study.toml", "--quiet", "--out", "run"], root).success();
    assert!(!below.join("tuned/Mixed_5b/channel_0003.png").exists());
    assert!(below.join("tuned/Mixed_5b/channel_0002.png").is_file());
    assert!(below.join("tuned/objectives/objective_00_0.png").is_file());

    by_command(root);
}

fn by_command(root: &Path) {
    let weights = "run/networks/tuned/weights.safetensors";
    let run = |extra: &[&str]| {
        let start = [
            "visualize",
            "--weights",
            weights,
            "--size",
            "75",
            "--steps",
            "4",
            "--quiet",
        ];
        let arguments: Vec<&str> = start.into_iter().chain(extra.iter().copied()).collect();
        spolia(&arguments, root)
    };
    let two = "channel(mixed5b, 1) + 2*diversity(Mixed_5b) - tv/10";
    let options = [
        "--images",
        "2",
        "--optimiser",
        "nadam:0.1",
        "--transformations",
        "jitter(4)",
    ];
    let mut arguments = vec![
        "--objective",
        two,
        "--objective",
        "logit(1)",
        "--out",
        "two",
    ];
    arguments.extend(options);
    run(&arguments).success();
    let table = rows(&root.join("two/images.csv"));
    assert_eq!(table.len(), 4);
    assert_eq!(
        (table[1]["image"].as_str(), table[1]["steps"].as_str()),
        ("1", "4")
    );
    let curves = rows(&root.join("two/curves.csv"));
    assert_eq!(curves.len(), 4 * 4);
    let image = image::open(root.join("two").join(&table[0]["file"])).unwrap();
    assert_eq!((image.width(), image.height()), (75, 75));

    for form in ["pixels", "pyramid", "maco"] {
        let out = format!("form-{form}");
        let objective = "neuron(Mixed_5b, 3)";
        let arguments = [
            "--objective",
            objective,
            "--parametrization",
            form,
            "--out",
            &out,
        ];
        run(&arguments).success();
    }
    let one = |name: &str| fs::read(root.join(name).join("objective_00_0.png")).unwrap();
    assert!(one("form-pixels") != one("form-pyramid"));

    // The error points at the column and names the nearest.
    let done = run(&["--objective", "tv + chanel(Mixed_5b, 1)", "--out", "bad"]).failure();
    let words = told(&done);
    assert!(
        words.contains("column 6") && words.contains("channel"),
        "{words}"
    );
    run(&["--objective", "tv", "--optimiser", "sgd:1", "--out", "bad"]).code(2);
    run(&["--objective", "tv", "--layer", "Mixed_5b", "--out", "bad"]).code(2);
}
