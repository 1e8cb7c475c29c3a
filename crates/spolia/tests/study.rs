//! What a study file may say, and what is said of a wrong one.

use std::path::{Path, PathBuf};

use spolia::jobs::slides::Labelling;
use spolia::study::{
    Channels, Init, Origin, Part, PresetPlan, SplitBy, Study, StudyError, template,
};
use spolia_dataset::Augment;
use spolia_interpret::attention::Method;

fn parse(text: &str) -> Study {
    match Study::parse(Path::new("folder/study.toml"), text) {
        Ok(study) => study,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    }
}

/// Line, message and remedy of every fault.
fn faults(text: &str) -> Vec<(usize, String, String)> {
    match Study::parse(Path::new("study.toml"), text) {
        Err(StudyError::Faults { faults, .. }) => faults
            .into_iter()
            .map(|fault| (fault.line, fault.what, fault.remedy.unwrap_or_default()))
            .collect(),
        other => panic!("no fault in {text}: {other:?}"),
    }
}

fn one_fault(text: &str) -> (usize, String, String) {
    let mut all = faults(text);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

const EXAMPLE: &str = r#"
name = "camelyon17"
seed = 7

[patches]
images = ["a", "b/labels.csv"]
size = 96

[network.reused-6a]
start = "pretrained"
keep = "mixed6a"
train = { epochs = 3, shuffle = "no", augment = "none" }

[network.random]
init = "mean-var"

[network.pretrained]
weights = "w.safetensors"
convention = "keras"

[network.finetuned]
start = "pretrained"
train = {}

[visualize]
channels = { sample = 5 }
preset = "lucid"
networks = ["finetuned", "random"]

[attention]
select = { class = "normal", most = 3 }

[concepts]
measures = ["glcm_contrast"]
layers = ["MIXED_5B", "mixed3"]
split = "test"
"#;

#[test]
fn a_study_is_resolved_with_its_defaults() {
    let study = parse(EXAMPLE);
    assert_eq!((study.name.as_str(), study.seed), ("camelyon17", 7));
    let patches = study.patches.as_ref().unwrap();
    assert_eq!(
        patches.images,
        ["folder/a", "folder/b/labels.csv"].map(PathBuf::from)
    );
    assert_eq!(
        (patches.size, patches.most, patches.split_by),
        (Some(96), None, SplitBy::Patient)
    );
    assert_eq!(
        (patches.val, patches.test, patches.allow_leaks),
        (0.15, 0.15, false)
    );

    let names: Vec<&str> = study.networks.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["pretrained", "reused-6a", "random", "finetuned"]);
    let kinds: Vec<&str> = study.networks.iter().map(|n| n.kind()).collect();
    assert_eq!(kinds, ["pretrained", "reused", "random", "finetuned"]);
    assert_eq!(
        study.network("random").unwrap().origin,
        Origin::Random(Init::MeanVar("pretrained".into()))
    );
    assert_eq!(
        study.network("reused-6a").unwrap().origin,
        Origin::Network {
            start: "pretrained".into(),
            keep: Some("Mixed_6a"),
            rest: Init::Xavier
        }
    );
    let train = study.network("finetuned").unwrap().train.clone().unwrap();
    assert_eq!((train.epochs, train.batch, train.shuffle), (30, 32, true));
    assert_eq!(
        (train.learning_rate, train.decay, train.momentum),
        (1e-4, 1e-6, 0.9)
    );
    assert_eq!(train.augment, Augment::PAPER);
    let train = study.network("reused-6a").unwrap().train.clone().unwrap();
    assert_eq!(
        (train.epochs, train.shuffle, train.augment),
        (3, false, Augment::NONE)
    );

    let visualize = study.visualize.as_ref().unwrap();
    assert_eq!(
        visualize.layers,
        ["Mixed_5b", "Mixed_5c", "Mixed_6a", "Mixed_7c"]
    );
    assert_eq!(
        (&visualize.channels, visualize.preset),
        (&Channels::Sample(5), PresetPlan::Lucid)
    );
    assert_eq!(
        (visualize.steps, visualize.size, visualize.batch),
        (None, 128, 8)
    );
    assert_eq!(visualize.networks, ["random", "finetuned"]);

    let attention = study.attention.as_ref().unwrap();
    assert_eq!(
        attention.methods,
        [Method::GradCam, Method::GradCamPlusPlus]
    );
    assert_eq!(
        attention.networks,
        ["pretrained", "reused-6a", "random", "finetuned"]
    );
    assert_eq!(
        (attention.class, attention.p_min, attention.most),
        (0, 0.99, 3)
    );
    assert_eq!(attention.split, Part::Test);

    let concepts = study.concepts.as_ref().unwrap();
    assert_eq!(concepts.layers, ["Mixed_5b", "Mixed_6a"]);
    assert_eq!(
        (concepts.images, concepts.repeats, concepts.split),
        (1000, 10, Part::Test)
    );
}

#[test]
fn a_section_left_out_is_a_step_left_out() {
    let study = parse("[network.random]\n[visualize]\n");
    assert!(study.patches.is_none() && study.attention.is_none() && study.concepts.is_none());
    assert_eq!(
        study.visualize.unwrap().channels,
        Channels::These((0..8).collect())
    );
}

#[test]
fn a_misspelt_key_is_named_with_its_line_and_the_nearest() {
    let (line, what, remedy) = one_fault("[patches]\nimages = \"a\"\nclases = [\"a\", \"b\"]\n");
    assert_eq!(line, 3);
    assert_eq!(what, "unknown key `clases` in [patches]");
    assert_eq!(remedy, "did you mean `classes`?");
    let (_, what, remedy) = one_fault("[patches]\nepochs = 3\n");
    assert_eq!(what, "unknown key `epochs` in [patches]");
    assert_eq!(remedy, "`epochs` belongs to train = { … }");
}

#[test]
fn unknown_names_are_named_with_the_nearest() {
    let base = "[patches]\n[network.random]\n";
    let cases = [
        (
            "[visualize]\nlayers = [\"Mixed_5x\"]",
            4,
            "layer \"Mixed_5x\"",
            "Mixed_5b",
        ),
        (
            "[visualize]\nnetworks = [\"randon\"]",
            4,
            "network \"randon\"",
            "random",
        ),
        (
            "[concepts]\nmeasures = [\"glcm_contrst\"]",
            4,
            "measure \"glcm_contrst\"",
            "glcm_contrast",
        ),
        (
            "[attention]\nmethods = [\"gradcam\"]",
            4,
            "method \"gradcam\"",
            "grad-cam",
        ),
        (
            "[attention]\nselect = { class = \"tumour\" }",
            4,
            "class \"tumour\"",
            "tumor",
        ),
        (
            "[network.b]\nstart = \"rando\"\ntrain = {}",
            4,
            "network \"rando\"",
            "random",
        ),
        (
            "[network.b]\ninit = \"xavir\"",
            4,
            "init \"xavir\"",
            "xavier",
        ),
    ];
    for (text, line, what, near) in cases {
        let fault = one_fault(&format!("{base}{text}\n"));
        let expected = (
            line,
            format!("unknown {what}"),
            format!("did you mean \"{near}\"?"),
        );
        assert_eq!(fault, expected);
    }
}

#[test]
fn patches_of_slides_need_one_resolution() {
    let (line, what, _) = one_fault("[patches]\nslides = \"slides/*.tif\"\n");
    assert_eq!((line, what.contains("need a resolution")), (2, true));
    let (line, what, _) = one_fault("[patches]\nslides = \"a.svs\"\nmpp = 1\nlevel = 2\n");
    assert_eq!((line, what.contains("both say the resolution")), (4, true));
    let plan = parse("[patches]\nslides = \"a.svs\"\nmpp = 0.5\n")
        .patches
        .unwrap();
    let slides = plan.slides.unwrap();
    assert_eq!(
        (slides.mpp, slides.per_slide, plan.images.len()),
        (Some(0.5), 500, 0)
    );
}

#[test]
fn all_faults_are_shown_at_once_in_order() {
    let text = "seed = -1\n[patches]\nval = 2\n[network.a]\ntrain = { epochs = 0 }\n";
    let lines: Vec<usize> = faults(text).into_iter().map(|(line, ..)| line).collect();
    assert_eq!(lines, [1, 3, 5]);
}

#[test]
fn networks_that_start_from_each_other_are_a_fault() {
    let text = "[patches]\n[network.a]\nstart = \"b\"\ntrain = {}\n[network.b]\nstart = \"a\"\ntrain = {}\n[network.c]\nstart = \"a\"\ntrain = {}\n";
    let (line, what, _) = one_fault(text);
    assert_eq!(
        (line, what.as_str()),
        (2, "networks start from each other: a -> b -> a")
    );
}

#[test]
fn contradictions_of_a_network_are_faults() {
    let cases = [
        ("weights = \"w\"\nstart = \"r\"", "exclude each other"),
        ("weights = \"w\"\ninit = \"xavier\"", "exclude each other"),
        ("keep = \"Mixed_6a\"", "keep says nothing without start"),
        (
            "convention = \"keras\"",
            "convention says nothing without weights",
        ),
        ("start = \"r\"", "would be a copy of r"),
        (
            "start = \"r\"\ninit = \"xavier\"\ntrain = {}",
            "init says nothing without keep",
        ),
        ("init = \"mean-var\"", "whose weights to take it from"),
        ("freeze = \"Mixed_5b\"", "freeze says nothing without train"),
    ];
    for (text, what) in cases {
        let fault = one_fault(&format!("[patches]\n[network.r]\n[network.n]\n{text}\n"));
        assert!(fault.1.contains(what), "{fault:?}");
    }
}

#[test]
fn what_a_step_needs_must_be_there() {
    assert!(
        one_fault("[network.a]\n[concepts]\n")
            .1
            .contains("[concepts] needs patches")
    );
    assert!(
        one_fault("[network.a]\ntrain = {}\n")
            .1
            .contains("training a needs patches")
    );
    assert!(
        one_fault("[patches]\n[visualize]\n")
            .1
            .contains("needs at least one network")
    );
    assert!(
        one_fault("[patches]\nval = 0.6\ntest = 0.4\n")
            .1
            .contains("nothing to train on")
    );
}

#[test]
fn what_is_no_toml_is_a_fault_of_its_line() {
    assert_eq!(one_fault("name = \"a\"\nseed = = 3\n").0, 2);
    assert_eq!(one_fault("name = \"a\"\nname = \"b\"\n").0, 2);
}

#[test]
fn the_template_is_valid_and_says_the_defaults() {
    let study = parse(&template::template());
    let defaults = parse(
        "[patches]\n[network.random]\n[network.finetuned]\nstart = \"random\"\ntrain = {}\n\
         [visualize]\n[attention]\n[concepts]\n",
    );
    assert_eq!(study.patches, defaults.patches);
    assert_eq!(study.networks, defaults.networks);
    assert_eq!(study.visualize, defaults.visualize);
    assert_eq!(study.attention, defaults.attention);
    assert_eq!(study.concepts, defaults.concepts);
}

#[test]
fn every_default_and_example_is_accepted() {
    use spolia::study::OF_SLIDES;
    use spolia::study::keys::{Absent, KEYS, Section};
    for key in KEYS {
        let value = match key.absent {
            Absent::Value(value) => value,
            Absent::Nothing { example, .. } => example,
        };
        let line = format!("{} = {value}\n", key.name);
        let text = match key.section {
            Section::Study => line,
            Section::Patches if key.name == "mpp" || key.name == "level" => {
                format!("[patches]\nslides = \"a.svs\"\n{line}")
            }
            Section::Patches if key.name == "slides" => format!("[patches]\nmpp = 1.0\n{line}"),
            Section::Patches if OF_SLIDES.contains(&key.name) => {
                let with = match key.name {
                    "stain_target" => "stain = \"macenko\"\n",
                    _ => "",
                };
                format!("[patches]\nslides = \"a.svs\"\nmpp = 1.0\n{with}{line}")
            }
            Section::Patches => format!("[patches]\n{line}"),
            Section::Network => {
                let with = match key.name {
                    "convention" => "weights = \"w\"\n",
                    "start" | "freeze" => "train = {}\n",
                    "keep" => "start = \"pretrained\"\n",
                    _ => "",
                };
                format!("[patches]\n[network.pretrained]\n[network.b]\n{with}{line}")
            }
            Section::Train => format!("[patches]\n[network.a.train]\n{line}"),
            Section::Sweep => {
                format!("[patches]\n[network.pretrained]\nweights = \"w\"\n[sweep]\n{line}")
            }
            Section::Visualize => format!("[network.a]\n[visualize]\n{line}"),
            Section::Attention => format!("[patches]\n[network.a]\n[attention]\n{line}"),
            Section::Select => format!("[patches]\n[network.a]\n[attention.select]\n{line}"),
            Section::Concepts => format!("[patches]\n[network.a]\n[concepts]\n{line}"),
            Section::Drift => format!("[patches]\n[network.a]\n[network.b]\n[drift]\n{line}"),
        };
        parse(&text);
    }
}

/// Rewrite with `SPOLIA_WRITE_DOCS=1 cargo test -p spolia --test study`.
#[test]
fn docs_study_md_is_written_from_the_list() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/study.md");
    let wanted = template::markdown();
    if std::env::var_os("SPOLIA_WRITE_DOCS").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), wanted);
}

#[test]
fn slides_are_labelled_and_stained_as_the_study_says() {
    let text = |more: &str| format!("[patches]\nslides = \"s/*.tif\"\nmpp = 1.0\n{more}\n");
    let plan = |more: &str| parse(&text(more)).patches.unwrap().slides.unwrap();
    let plain = plan("");
    let share = Labelling::Share {
        tumor: 0.6,
        normal: 0.0,
    };
    assert_eq!((plain.label, plain.stain), (share, None));
    let central =
        plan("label = \"central\"\ncentral = 16\nstain = \"reinhard\"\nstain_target = \"t.png\"");
    assert_eq!(central.label, Labelling::Central { side: 16 });
    assert_eq!(
        central.stain.unwrap().target,
        Some(PathBuf::from("folder/t.png"))
    );
    let told = |text: &str| {
        let all = faults(text).into_iter();
        let words = all.map(|(_, what, remedy)| format!("{what}; {remedy}"));
        words.collect::<Vec<_>>().join("; ")
    };
    for (wrong, words) in [
        (
            "tumor_share = 0.1\nnormal_share = 0.3",
            "first must be the larger",
        ),
        ("label = \"central\"\ncentral = 300", "the patch's 224"),
        ("stain_target = \"t.png\"", "says nothing without stain"),
        ("stain = \"makenko\"", "did you mean \"macenko\""),
        ("label = \"center\"", "did you mean \"centre\""),
    ] {
        assert!(told(&text(wrong)).contains(words), "{}", told(&text(wrong)));
    }
    let alone = told("[patches]\nstain = \"macenko\"\n");
    assert!(alone.contains("`stain` says how slides are cut"), "{alone}");
    let train = told("[patches]\n[network.a.train]\naugment = \"flips,stain\"\n");
    assert!(train.contains("`augment` must be"), "{train}");
}
