//! The page's answer: what each stage became, and what keeping it is worth.

use std::error::Error;

#[allow(dead_code, reason = "shared with other tests")]
mod fixture;
#[path = "fixture/reuse.rs"]
mod reuse;

#[test]
fn the_answer_is_worded_from_the_tables() -> Result<(), Box<dyn Error>> {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    reuse::reuse(run.path())?;
    let summary = spolia_report::write(run.path())?;
    let page = std::fs::read_to_string(&summary.report)?;
    for words in [
        "Partial reuse: keeping pretrained through Mixed_6a loses less than 0.02 of AUC",
        "What is worth keeping?",
        "1 of 2 stages were kept, no further from their start",
        "Conv2d_2b_3x3 (0.99)",
        "whether Mixed_7c was kept, adapted or rebuilt, since there are no two random networks",
        "what was pretrained helps by 0.200 (95% interval 0.150 to 0.250)",
        "Keeping the stages through Mixed_6a is enough",
        "Cuts worse than keeping all (difference of AUC): none \u{2212}0.200",
        "Control, training labels in a random order: AUC 0.500 (0.450 to 0.550), as chance gives",
        "Whether the pretrained weights&#x27; values in a random order help",
        "with 3 networks an arm, the intervals see a part of that; 10 are the rule",
        "1 of 1 pairs of an arm and a centre lose AUC where the centre was not trained on",
        "glcm_contrast 0.50 \u{2192} 0.55",
        "Answers to natural-like images",
    ] {
        assert!(page.contains(words), "no {words:?}");
    }
    for figure in [
        "reuse_auc.svg",
        "reuse_calibration.svg",
        "filters.svg",
        "drift_natural.svg",
    ] {
        let text = std::fs::read_to_string(run.path().join("figures").join(figure))?;
        assert!(text.contains("<svg") && !text.contains("NaN"), "{figure}");
    }
    let auc = std::fs::read_to_string(run.path().join("figures/reuse_auc.svg"))?;
    // Means and runs as circles and other marks, the axis named.
    assert!(auc.contains("AUC (no unit)") && auc.contains("last stage kept, and controls"));
    assert!(
        auc.matches("<circle").count() >= 15,
        "each network is a dot"
    );
    Ok(())
}

#[test]
fn without_a_sweep_or_drift_there_is_no_answer() -> Result<(), Box<dyn Error>> {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    let summary = spolia_report::write(run.path())?;
    let page = std::fs::read_to_string(&summary.report)?;
    assert!(!page.contains("What is worth keeping?"));
    // A table that is there and broken is named.
    std::fs::create_dir_all(run.path().join("reuse"))?;
    std::fs::write(run.path().join("reuse/arms.csv"), "arm,auc\na,b\n")?;
    let error = spolia_report::write(run.path())
        .expect_err("a broken table")
        .to_string();
    assert!(error.contains("arms.csv"), "{error}");
    Ok(())
}
