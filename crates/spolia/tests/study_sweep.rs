//! What `[sweep]` may say, and the networks that it stands for.

use std::path::Path;

use spolia::study::{Init, Origin, Study, StudyError};

fn parse(text: &str) -> Study {
    match Study::parse(Path::new("study.toml"), text) {
        Ok(study) => study,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    }
}

/// Message and remedy of the only fault.
fn fault(text: &str) -> (String, String) {
    match Study::parse(Path::new("study.toml"), text) {
        Err(StudyError::Faults { mut faults, .. }) => {
            assert_eq!(faults.len(), 1, "{faults:?}");
            let fault = faults.remove(0);
            (fault.what, fault.remedy.unwrap_or_default())
        }
        other => panic!("no fault in {text}: {other:?}"),
    }
}

const BASE: &str = "[patches]\n[network.pretrained]\nweights = \"w.safetensors\"\n[sweep]\n";

#[test]
fn a_sweep_is_written_out_as_networks() {
    let study = parse(&format!(
        "{BASE}cuts = [\"all\", \"mixed6a\", \"none\"]\nseeds = [4, 9]\ninit = [\"xavier\", \"mean-var\"]\n\
         freeze = [\"no\", \"yes\"]\nsizes = [\"all\", 50]\ncontrols = [\"shuffled\"]\n[visualize]\n"
    ));
    let sweep = study.sweep.as_ref().unwrap();
    assert_eq!(sweep.start, "pretrained");
    assert_eq!(sweep.cuts, ["none", "Mixed_6a", "all"]);
    let names: Vec<&str> = sweep.arms.iter().map(|a| a.name.as_str()).collect();
    let expected = [
        "sweep-none",
        "sweep-none-mean-var",
        "sweep-Mixed_6a",
        "sweep-Mixed_6a-frozen",
        "sweep-Mixed_6a-mean-var",
        "sweep-Mixed_6a-mean-var-frozen",
        "sweep-all",
        "sweep-all-frozen",
        "sweep-shuffled",
    ];
    assert_eq!(names[..9], expected);
    assert_eq!(names[9], "sweep-none-n50");
    assert_eq!(names.len(), 18);
    assert_eq!(study.networks.len(), 1 + 2 * 18);

    let network = study
        .network("sweep-Mixed_6a-mean-var-frozen-n50-s9")
        .unwrap();
    assert_eq!(
        network.origin,
        Origin::Network {
            start: "pretrained".into(),
            keep: Some("Mixed_6a"),
            rest: Init::MeanVar("pretrained".into())
        }
    );
    assert_eq!((network.seed, network.freeze), (9, Some("Mixed_6a")));
    assert_eq!(network.train.as_ref().unwrap().most, Some(50));
    let shuffled = study.network("sweep-shuffled-s4").unwrap();
    assert_eq!(
        shuffled.origin,
        Origin::Random(Init::Shuffled("pretrained".into()))
    );
    // Other steps do not look at a sweep's networks unless they are named.
    assert_eq!(study.visualize.unwrap().networks, ["pretrained"]);
}

#[test]
fn a_sweep_has_defaults() {
    let study = parse(BASE);
    let sweep = study.sweep.unwrap();
    // Seven cuts and three controls, three seeds each.
    assert_eq!((sweep.arms.len(), study.networks.len()), (10, 31));
    let labels = study
        .networks
        .iter()
        .find(|n| n.name == "sweep-random-labels-s1")
        .unwrap();
    assert!(labels.train.as_ref().unwrap().random_labels);
    assert_eq!(
        (sweep.target, sweep.margin, sweep.cache),
        (0.8, 0.02, 4_000_000_000)
    );
    let without = parse(&format!(
        "{BASE}controls = \"none\"\nleave_out = [\"Site 2\"]\n"
    ));
    let name = "sweep-Mixed_6a-without-Site_2-s1";
    let network = without.network(name).unwrap();
    assert_eq!(
        network.train.as_ref().unwrap().leave_out.as_deref(),
        Some("Site 2")
    );
}

#[test]
fn what_is_wrong_with_a_sweep_is_said() {
    let cases = [
        (
            "cuts = [\"Mixed_6x\"]",
            "unknown layer \"Mixed_6x\"",
            "Mixed_6",
        ),
        ("cuts = [\"all\", \"all\"]", "listed twice", ""),
        (
            "start = \"pretraind\"",
            "unknown network \"pretraind\"",
            "pretrained",
        ),
        ("init = [\"xavir\"]", "unknown init \"xavir\"", "xavier"),
        (
            "controls = [\"shufled\"]",
            "unknown control \"shufled\"",
            "shuffled",
        ),
        ("seeds = [1, 1]", "`seeds` must be", ""),
        ("sizes = [0]", "`sizes` must be", ""),
        (
            "train = { most = 3 }",
            "[sweep] itself says most",
            "take them out",
        ),
        ("target = 0.4", "`target` must be", ""),
        ("cutz = [\"all\"]", "unknown key `cutz` in [sweep]", "cuts"),
    ];
    for (line, what, remedy) in cases {
        let (found, told) = fault(&format!("{BASE}{line}\n"));
        assert!(
            found.contains(what) && told.contains(remedy),
            "{line}: {found}; {told}"
        );
    }
    let (what, _) = fault("[patches]\n[network.a]\n[network.b]\n[sweep]\n");
    assert!(what.contains("whose stages are kept"), "{what}");
    let (what, _) = fault("[network.pretrained]\nweights = \"w\"\n[sweep]\n");
    assert_eq!(what, "[sweep] needs patches");
    let (what, _) = fault(&format!("[network.sweep-all-s1]\n{BASE}"));
    assert!(
        what.contains("two networks would be called sweep-all-s1"),
        "{what}"
    );
}
