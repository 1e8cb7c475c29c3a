//! Attention maps judged and compared with nuclei: in a study, and by the command.

mod cohort;

use std::fs;
use std::path::Path;

use cohort::{Row, images, number, rows, spolia, told};

const STUDY: &str = r#"
name = "attention"
seed = 5
[patches]
images = "images.csv"
[network.random]
[network.tuned]
start = "random"
train = { epochs = 2, learning_rate = 1e-2, batch = 8 }
[attention]
methods = ["grad-cam", "layer-cam"]
layer = ["Mixed_5b", "Mixed_6a"]
masks = "masks"
nuclei = "masks"
faithfulness = 2
sanity = 1
colours = "magma"
scale = "shared"
select = { class = "tumor", p_min = 0.0, most = 20, split = "all" }
"#;

/// Round spots of growing size as instance masks of all images.
fn masks(root: &Path) {
    fs::create_dir_all(root.join("masks")).unwrap();
    for i in 0..40u32 {
        let mask = image::GrayImage::from_fn(76, 76, |x, y| {
            let (column, row) = (x / 19, y / 19);
            let (dx, dy) = (x as i32 % 19 - 9, y as i32 % 19 - 9);
            let number = row * 4 + column;
            let reach = 8 + 3 * ((number + i) % 5) as i32;
            let stretched = dx * dx * (1 + (number % 3) as i32) + dy * dy;
            image::Luma([if stretched < reach {
                number as u8 + 1
            } else {
                0
            }])
        });
        mask.save(root.join(format!("masks/{i:02}.png"))).unwrap();
    }
}

fn of<'r>(table: &'r [Row], cells: &[(&str, &str)]) -> Vec<&'r Row> {
    let fits = |row: &&Row| cells.iter().all(|(column, cell)| row[*column] == *cell);
    table.iter().filter(fits).collect()
}

#[test]
fn a_study_judges_its_maps() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(root);
    masks(root);
    fs::write(root.join("study.toml"), STUDY).unwrap();
    spolia(&["run", "study.toml", "--quiet", "--out", "run"], root).success();
    let table = |name: &str| rows(&root.join("run/attention").join(name));

    // Two fused layers make a map of the image's size. The untrained network looks at the trained one's patches.
    let maps = table("attention.csv");
    let tuned = of(&maps, &[("network", "tuned"), ("method", "layer-cam")]);
    let random = of(&maps, &[("network", "random"), ("method", "layer-cam")]);
    let ids = |rows: &[&Row]| rows.iter().map(|r| r["id"].clone()).collect::<Vec<_>>();
    assert!(!tuned.is_empty() && ids(&tuned) == ids(&random));
    assert_eq!(tuned[0]["layer"], "Mixed_5b+Mixed_6a");
    assert_eq!(
        (tuned[0]["height"].as_str(), tuned[0]["width"].as_str()),
        ("76", "76")
    );
    assert!(!tuned[0]["p_tumor"].is_empty() && random[0]["p_tumor"].is_empty());

    let localized = table("localization.csv");
    for network in ["random", "tuned"] {
        for map in ["grad-cam", "layer-cam", "random", "centre", "stain", "mask"] {
            let auc = of(
                &localized,
                &[("network", network), ("method", map), ("measure", "auc")],
            );
            assert_eq!(auc.len(), 1, "{network} {map}");
            assert_eq!(auc[0]["target"], "nuclei");
            assert_eq!(auc[0]["chance"], "0.5");
            assert_eq!(auc[0]["minus_centre"].is_empty(), !map.ends_with("cam"));
            // At the image's size the mask finds itself.
            if map == "mask" {
                assert_eq!(number(auc[0], "mean"), 1.0);
            }
        }
    }
    let own = of(
        &localized,
        &[
            ("network", "tuned"),
            ("method", "grad-cam"),
            ("measure", "auc"),
        ],
    )[0];
    let centre = of(
        &localized,
        &[
            ("network", "tuned"),
            ("method", "centre"),
            ("measure", "auc"),
        ],
    )[0];
    let difference = number(own, "mean") - number(centre, "mean");
    assert!((number(own, "minus_centre") - difference).abs() < 1e-9);

    let nuclei = rows(&root.join("run/attention/tuned/nuclei.csv"));
    let patches = tuned.len();
    assert_eq!(nuclei.len(), 2 * 16 * patches);
    let atypia = table("atypia.csv");
    let found = of(
        &atypia,
        &[
            ("network", "random"),
            ("method", "grad-cam"),
            ("morphology", "atypia"),
        ],
    );
    assert_eq!(found.len(), 1);
    assert!(number(found[0], "low") <= number(found[0], "slope"));
    assert!(number(found[0], "q_value") >= number(found[0], "groups_p"));

    let faithful = table("faithfulness.csv");
    let road = of(
        &faithful,
        &[
            ("network", "tuned"),
            ("method", "grad-cam"),
            ("measure", "road"),
        ],
    );
    assert_eq!((road.len(), road[0]["n"].as_str()), (1, "2"));
    assert!(!road[0]["minus_random"].is_empty());
    let curve = table("curves.csv");
    let insertion = of(
        &curve,
        &[
            ("network", "tuned"),
            ("method", "centre"),
            ("curve", "insertion"),
        ],
    );
    assert_eq!(
        (
            insertion[0]["share"].as_str(),
            insertion[32]["share"].as_str()
        ),
        ("0", "1")
    );

    // Down to the first stage; a network that was not trained is not asked.
    let sanity = table("sanity.csv");
    assert!(of(&sanity, &[("network", "random")]).is_empty());
    let stages = of(&sanity, &[("method", "layer-cam")]);
    assert_eq!(stages[0]["stage"], "logits");
    assert_eq!(stages[stages.len() - 1]["stage"], "Conv2d_1a_3x3");

    let style = fs::read_to_string(root.join("run/attention/overlays.json")).unwrap();
    assert!(style.contains("magma") && style.contains("shared") && style.contains("grad-cam"));
    let page = fs::read_to_string(root.join("run/report.html")).unwrap();
    for words in [
        "What do the maps fall on?",
        "Is it on atypical nuclei?",
        "Can the maps be trusted?",
    ] {
        assert!(page.contains(words), "{words}");
    }

    by_command(root);
}

/// The command with the study's network.
fn by_command(root: &Path) {
    let weights = "run/networks/tuned/weights.safetensors";
    let before = fs::read(root.join(weights)).unwrap();
    let run = |extra: &[&str], out: &str| {
        let start = [
            "attention",
            "images.csv",
            "--weights",
            weights,
            "--layer",
            "Mixed_5b",
        ];
        let arguments: Vec<&str> = start.into_iter().chain(extra.iter().copied()).collect();
        let end = ["--out", out, "--quiet"];
        let arguments: Vec<&str> = arguments.into_iter().chain(end).collect();
        spolia(&arguments, root)
    };
    run(&["--masks", "masks", "--colours", "jet"], "a").success();
    assert_eq!(fs::read(root.join(weights)).unwrap(), before);
    assert_eq!(rows(&root.join("a/attention.csv")).len(), 80);
    assert!(root.join("a/figure.png").is_file() && root.join("a/atypia.csv").is_file());
    assert!(!root.join("a/faithfulness.csv").exists());

    // The other program's formulas change Grad-CAM++ alone.
    run(&["--compat", "pytorch-grad-cam"], "b").success();
    let same = |method: &str| {
        let of = |out: &str| fs::read(root.join(format!("{out}/{method}/07.npy"))).unwrap();
        of("a") == of("b")
    };
    assert!(same("grad-cam") && !same("grad-cam++"));

    // Evidence for the other class of one logit.
    run(&["--class", "normal", "--method", "hires-cam"], "c").success();
    run(&["--class", "1", "--method", "hires-cam"], "d").success();
    let map = |out: &str| fs::read(root.join(format!("{out}/hires-cam/07.npy"))).unwrap();
    assert_ne!(map("c"), map("d"));

    // A mask of another size is named, and its patch still mapped.
    image::GrayImage::new(3, 3)
        .save(root.join("masks/05.png"))
        .unwrap();
    let done = run(&["--masks", "masks", "--method", "grad-cam"], "e").code(1);
    let words = told(&done);
    assert!(
        words.contains("05") && words.contains("3 x 3") && words.contains("76 x 76"),
        "{words}"
    );
    assert!(root.join("e/grad-cam/05.png").is_file());

    for (wrong, word) in [
        (["--class", "necrosis"], "normal, tumor"),
        (["--masks", "nowhere"], "nowhere"),
        (["--colours", "rainbow"], "viridis"),
        (["--method", "cam"], "did you mean"),
    ] {
        let done = run(&wrong, "f").code(2);
        assert!(told(&done).contains(word), "{}", told(&done));
    }
}
