//! Whole reports from made-up run folders.

mod fixture;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

type Done = Result<(), Box<dyn Error>>;

/// A file's path and bytes.
type File = (PathBuf, Vec<u8>);

/// All files of a folder, sorted.
fn files(folder: &Path) -> Result<Vec<File>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        found.push((path.clone(), fs::read(path)?));
    }
    found.sort();
    Ok(found)
}

/// The error's words for a run folder that `break_it` broke.
fn refusal(break_it: impl FnOnce(&Path) -> Done) -> Result<String, Box<dyn Error>> {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    break_it(run.path())?;
    match spolia_report::write(run.path()) {
        Ok(_) => Err("a broken run folder was accepted".into()),
        Err(error) => Ok(error.to_string()),
    }
}

#[test]
fn a_full_run_gives_one_page_and_its_figures() -> Done {
    // Left in target/tmp, so that the page can be looked at.
    let run = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    if run.exists() {
        fs::remove_dir_all(&run)?;
    }
    fixture::full(&run)?;
    let summary = spolia_report::write(&run)?;
    assert!(summary.left_out.is_empty(), "{:?}", summary.left_out);
    assert!(summary.missing.is_empty(), "{:?}", summary.missing);
    assert_eq!(
        summary.headline,
        "On 600 test patches, the area under the ROC curve for telling tumor from normal is: \
         finetuned 0.94 (0.92 to 0.96) and reused-6a 0.90 (0.88 to 0.92); in brackets, 95% \
         intervals, bootstrap over 5 patients."
    );
    let names: Vec<_> = summary
        .figures
        .iter()
        .filter_map(|f| f.file_name()?.to_str())
        .collect();
    assert_eq!(
        names,
        [
            "training_loss_finetuned.svg",
            "training_scores_finetuned.svg",
            "training_loss_reused-6a.svg",
            "training_scores_reused-6a.svg",
            "roc.svg",
            "calibration.svg",
            "faithfulness_insertion.svg",
            "sanity_finetuned.svg",
            "sanity_reused-6a.svg",
            "localization_nuclei_auc.svg",
            "atypia_nuclei_grad-cam.svg",
            "figure3_glcm_asm.svg",
            "figure3_glcm_correlation.svg",
            "figure3_glcm_contrast.svg",
            "heatmap_random.svg",
            "heatmap_pretrained.svg",
            "heatmap_finetuned.svg",
            "controls_glcm_asm.svg",
            "centre.svg",
            "relevance_finetuned.svg",
            "figure1.png",
            "figure2.png",
        ]
    );

    let page = fs::read_to_string(&summary.report)?;
    // The study's name is text, not markup.
    assert!(page.contains("<h1>camelyon17 &lt;pilot&gt;</h1>"));
    // Measured figures, in words.
    assert!(page.contains("With 768 features and 1,000 patches, features that are pure noise give an in-sample R² of 0.77"));
    assert!(page.contains("finetuned: the validation loss is lowest at epoch"));
    assert!(page.contains("The intervals rest on 5 patients only"));
    assert!(page.contains("no patient has patches in more than one part"));
    assert!(page.contains("All test patches come from centres that training saw as well"));
    assert!(page.contains(
        "finetuned: 36 channels visualized, 2 dead; the objective rose in 34 of the other 34."
    ));
    assert!(page.contains("Shown are 6 of 9 patches"));
    assert!(page.contains("1 of 36 maps is zero everywhere."));
    assert!(page.contains(
        "finetuned, grad-cam: AUC 0.70 (0.67 to 0.73) for nuclei; more than a random map (0.50), more than a centred blob \
         (0.52), less than the stain alone (0.80)."
    ));
    assert!(page.contains("finetuned, grad-cam: attention rises with atypia: 0.15 (0.10 to 0.20)"));
    assert!(page.contains("reused-6a, grad-cam: no relation to atypia is told apart from none"));
    assert!(page.contains(
        "finetuned, grad-cam: of 1 measures, more faithful than a random map by insertion; than a centred blob by none"
    ));
    assert!(page.contains("of 1 of them the last map is the same everywhere"));
    assert!(page.contains("4 of 36 maps explain a class that is not the patch&#x27;s own."));
    assert!(page.contains("Steps that did not finish: concepts&#x2f;reused-6a (failed)."));
    // Dead channels are named, once each.
    assert_eq!(page.matches("dead: never activated").count(), 2);
    // The failed items and the notes are shown.
    assert!(page.contains("the file ends within tile 311; copy it again"));
    assert!(page.contains("Slides of isolated tumour cells"));
    assert!(
        page.contains("glcm_contrast from random has R² 0.86 in sample and \u{2212}0.80 held out")
    );
    assert!(page.contains("3,584 steps at 128 × 128 pixels, alike for every network"));
    // Values below the axis are written beside their marks.
    let panel = fs::read_to_string(run.join("figures/figure3_glcm_contrast.svg"))?;
    for value in ["\u{2212}0.80", "\u{2212}0.70", "\u{2212}0.60"] {
        assert_eq!(panel.matches(&format!("\n{value}\n")).count(), 1, "{value}");
    }
    // Seconds vary from run to run and stay out.
    assert!(!page.contains("4211"));
    assert_self_contained(&page);
    Ok(())
}

/// Nothing is fetched, and everything that is drawn is described.
fn assert_self_contained(page: &str) {
    let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in ["http", "<script", "<link", "@import", "url(", "@font-face"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let count = |text: &str| page.matches(text).count();
    assert!(count("src=\"") > 0);
    let inside = ["jpeg", "png"].map(|kind| count(&format!("src=\"data:image/{kind};base64,")));
    assert_eq!(count("src=\""), inside.iter().sum::<usize>());
    assert_eq!(count("<img "), count(" alt=\""));
    assert_eq!(
        count("<svg "),
        count("role=\"img\" aria-label=\"") - count("class=\"bar\"")
    );
    assert_eq!(count("<table"), count("<caption>"));
}

#[test]
fn the_same_files_give_the_same_bytes() -> Done {
    let run = tempfile::tempdir()?;
    fixture::full(run.path())?;
    let first = spolia_report::write(run.path())?;
    let page = fs::read(&first.report)?;
    let figures = files(&run.path().join("figures"))?;
    assert_eq!(
        figures.len(),
        first.figures.len(),
        "nothing half-written is left"
    );
    // Another duration and number of threads change nothing that the page shows.
    let manifest = run.path().join("manifest.json");
    let text = fs::read_to_string(&manifest)?;
    let other = text
        .replace("4211.0", "17.5")
        .replace("\"threads\": 2", "\"threads\": 64");
    assert_ne!(text, other);
    fs::write(manifest, other)?;
    let second = spolia_report::write(run.path())?;
    assert_eq!(first, second);
    assert!(page == fs::read(&second.report)?);
    assert!(figures == files(&run.path().join("figures"))?);
    Ok(())
}

#[test]
fn relevance_is_drawn_and_worded() -> Done {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    fixture::concepts(run.path())?;
    let header = "network,layer,concept,class,n,sensitivity_mean,sensitivity_sd,tcav,tcav_null,tcav_null_sd,tcav_p,tcav_q,br,br_normalised,br_null_sd,br_p,br_q";
    let rows = [
        "finetuned,Mixed_6a,glcm_contrast,all,200,1,2,0.91,0.5,0.2,0.0099,0.02,0.41,1,0.1,0.0099,0.02",
        "finetuned,Mixed_6a,glcm_asm,all,200,-1,2,0.2,0.5,0.2,0.2,0.3,-0.3,-0.7,0.2,0.3,0.4",
        "finetuned,Mixed_6a,glcm_correlation,all,200,1,0,1,0.5,0.2,0.2,0.3,,,,,",
        "finetuned,Mixed_6a,glcm_contrast,tumor,90,1,2,0.87,0.5,0.2,0.0099,0.02,0.4,0.9,0.1,0.0099,0.02",
    ];
    let table = run.path().join("concepts/relevance.csv");
    fs::write(&table, format!("{header}\n{}\n", rows.join("\n")))?;
    let page = fs::read_to_string(spolia_report::write(run.path())?.report)?;
    assert!(
        page.contains("these pull towards tumor: glcm_contrast (at Mixed_6a); these away: none.")
    );
    assert!(page.contains("finetuned: of 3 pairs of concept and layer"));
    assert!(page.contains("not told by this layer"));
    assert!(run.path().join("figures/relevance_finetuned.svg").exists());
    fs::write(
        &table,
        format!("{header}\n{}\n", rows[0].replace(",200,", ",few,")),
    )?;
    let told = spolia_report::write(run.path())
        .err()
        .ok_or("a broken cell was read")?;
    assert!(
        told.to_string()
            .contains("relevance.csv, line 2, column 'n'")
    );
    Ok(())
}

#[test]
fn claims_are_counted_in_three_ways() -> Done {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    fixture::concepts(run.path())?;
    let mut table = "network,layer,concept,n,components,r2_equal,r2_equal_low,r2_equal_high,r2_unique,r2_unique_low,r2_unique_high\n".to_owned();
    for (network, first, last) in [
        ("random", 0.5, 0.2),
        ("pretrained", 0.6, 0.4),
        ("finetuned", 0.5, 0.7),
    ] {
        for (layer, r2) in [("Mixed_5b", first), ("Mixed_6e", last)] {
            table += &format!("{network},{layer},glcm_asm,1000,64,{r2},0.1,0.8,0.05,0.01,0.09\n");
        }
    }
    fs::write(run.path().join("concepts/controls.csv"), table)?;
    let page = fs::read_to_string(spolia_report::write(run.path())?.report)?;
    let start = page
        .find("R\u{b2} rises with depth")
        .ok_or("no first claim")?;
    let row = |claim: &str| format!("<th scope=\"row\">{claim}");
    // Three curves, of which one rises; pretrained above random at both layers; finetuned above pretrained at one.
    let cells = |from: &str| -> Option<String> {
        let row = &page[page.find(from)?..];
        let row = &row[..row.find("</tr>")?];
        row.rsplit("<td class=\"n\">")
            .next()
            .map(|c| c.replace("</td>", ""))
    };
    assert!(page[start..].contains("64 components a layer"));
    for (claim, of) in [
        ("R\u{b2} rises with depth", "1 of 3"),
        ("a random network lies below", "2 of 2"),
        ("finetuning raises R", "1 of 2"),
    ] {
        assert_eq!(cells(&row(claim)).as_deref(), Some(of), "{claim}");
    }
    assert!(page.contains("0.05 (0.01 to 0.09)"));
    Ok(())
}

#[test]
fn a_study_may_leave_out_steps() -> Done {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    fixture::patches(run.path())?;
    fixture::predictions(run.path())?;
    let summary = spolia_report::write(run.path())?;
    assert_eq!(
        summary.left_out,
        ["visualizations", "attention maps", "concepts"]
    );
    let page = fs::read_to_string(summary.report)?;
    assert!(page.contains("Not part of this run: visualizations, attention maps, concepts."));
    for absent in ["Figure 1", "Figure 2", "Figure 3", "id=\"channels\""] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert!(page.contains("ROC curves."));
    Ok(())
}

#[test]
fn a_manifest_alone_is_a_report_without_predictions() -> Done {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    let summary = spolia_report::write(run.path())?;
    assert_eq!(
        summary.headline,
        "This run holds no predictions: no network was trained in it."
    );
    assert!(summary.figures.is_empty());
    Ok(())
}

#[test]
fn a_leak_and_unknown_patients_are_told() -> Done {
    let header = "id,file,label,patient,centre,slide,x,y,mpp,split\n";
    let page = |rows: &str| -> Result<String, Box<dyn Error>> {
        let run = tempfile::tempdir()?;
        fixture::manifest(run.path())?;
        fs::write(run.path().join("patches.csv"), format!("{header}{rows}"))?;
        Ok(fs::read_to_string(
            spolia_report::write(run.path())?.report,
        )?)
    };
    let leak =
        page("a,a.png,0,p1,1,s1,,,,train\nb,b.png,1,p1,2,s2,,,,test\nc,c.png,1,,2,s3,,,,test\n")?;
    assert!(leak.contains("1 patient has patches in more than one part"));
    assert!(leak.contains("1 patch names no patient and could not be checked."));
    assert!(leak.contains("All test patches come from centres that training never saw."));
    let unknown = page("a,a.png,0,,,,,,,train\nb,b.png,1,,,,,,,test\n")?;
    assert!(unknown.contains("Neither patients nor slides are named"));
    Ok(())
}

#[test]
fn a_picture_that_is_absent_or_broken_is_named() -> Done {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    fixture::visualizations(run.path())?;
    let layer = run.path().join("visualize/pretrained/Mixed_5b");
    fs::remove_file(layer.join("channel_0001.png"))?;
    fs::write(layer.join("channel_0002.png"), b"\x89PNG\r\n\x1a\ncut")?;
    let summary = spolia_report::write(run.path())?;
    assert_eq!(summary.missing.len(), 2);
    assert!(summary.missing[0].starts_with("visualize/pretrained/Mixed_5b/channel_0001.png: "));
    assert!(summary.missing[1].starts_with("visualize/pretrained/Mixed_5b/channel_0002.png: "));
    let page = fs::read_to_string(summary.report)?;
    assert!(page.contains("2 pictures could not be shown"));
    assert_eq!(
        page.matches("<span class=\"empty\">no picture</span>")
            .count(),
        2
    );
    Ok(())
}

#[test]
fn broken_files_are_named_with_line_and_column() -> Done {
    let cell = refusal(|run| {
        fixture::concepts(run)?;
        let path = run.join("concepts/r2.csv");
        let text = fs::read_to_string(&path)?;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[4] = lines[4].replacen("1000", "many", 1);
        fs::write(path, lines.join("\n"))?;
        Ok(())
    })?;
    assert!(
        cell.contains("r2.csv, line 5, column 'n': 'many' is not a whole number"),
        "{cell}"
    );

    let column = refusal(|run| {
        fs::write(run.join("patches.csv"), "id,label\na,1\n")?;
        Ok(())
    })?;
    assert!(
        column.contains(
            "patches.csv, line 1: there is no column 'patient' (the header is: id,label)"
        ),
        "{column}"
    );

    let short = refusal(|run| {
        fs::write(
            run.join("problems.csv"),
            "item,step,error\na,patches,bad\nb,patches\n",
        )?;
        Ok(())
    })?;
    assert!(
        short.contains("problems.csv, line 3: 2 cells, but the header has 3 columns"),
        "{short}"
    );

    let json = refusal(|run| {
        fs::create_dir_all(run.join("networks/finetuned"))?;
        fs::write(
            run.join("networks/finetuned/metrics.json"),
            "{\"test\": {\"n\": 5,",
        )?;
        Ok(())
    })?;
    assert!(
        json.contains("metrics.json: EOF while parsing") && json.contains("line 1"),
        "{json}"
    );

    let none = tempfile::tempdir()?;
    let none = spolia_report::write(none.path())
        .map(|_| ())
        .map_err(|e| e.to_string());
    assert!(none.is_err_and(|e| e.contains("no manifest.json here")));
    Ok(())
}
