//! What the page and the figures say of concepts, from made-up run folders.

mod fixture;

use std::error::Error;
use std::fs;
use std::path::Path;

type Done = Result<(), Box<dyn Error>>;

/// The page of a run folder.
fn page(run: &Path) -> Result<String, Box<dyn Error>> {
    Ok(fs::read_to_string(spolia_report::write(run)?.report)?)
}

/// A run folder with all that concepts can leave, and nothing else.
fn concepts() -> Result<tempfile::TempDir, Box<dyn Error>> {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    fixture::patches(run.path())?;
    fixture::concepts(run.path())?;
    fixture::measures(run.path())?;
    fixture::relevance(run.path())?;
    fixture::controls(run.path())?;
    Ok(run)
}

/// How often a text stands in an SVG as a word of its own.
fn words(svg: &str, text: &str) -> usize {
    svg.matches(&format!("\n{text}\n")).count()
}

#[test]
fn a_heat_map_shows_each_value_and_crosses_out_chance() -> Done {
    let run = tempfile::tempdir()?;
    fixture::full(run.path())?;
    page(run.path())?;
    let map = fs::read_to_string(run.path().join("figures/heatmap_random.svg"))?;
    // Held-out R² of glcm_contrast at the six layers: .5 − 1.3 d², d = 0, .2, …, 1.
    for value in [
        "0.50",
        "0.45",
        "0.29",
        "0.03",
        "\u{2212}0.33",
        "\u{2212}0.80",
    ] {
        assert!(words(&map, value) >= 1, "{value}");
    }
    assert_eq!(words(&map, "random: held-out R\u{b2} (n = 1,000)"), 1);
    assert_eq!(words(&map, "concept"), 1);
    assert_eq!(words(&map, "layer, from input to output"), 1);
    // Three values have q > .05: two lines each, and two in the legend; six ticks.
    assert_eq!(map.matches("<polyline").count(), 3 * 2 + 2 + 6);
    Ok(())
}

#[test]
fn a_heat_map_needs_two_concepts_and_two_layers() -> Done {
    let run = concepts()?;
    let table = run.path().join("concepts/r2.csv");
    let text = fs::read_to_string(&table)?;
    let one: Vec<&str> = text
        .lines()
        .filter(|l| l.starts_with("network,") || l.contains(",glcm_asm,"))
        .collect();
    fs::write(&table, one.join("\n"))?;
    assert!(!page(run.path())?.contains("Held-out R² of every concept"));
    assert!(!run.path().join("figures/heatmap_random.svg").exists());
    Ok(())
}

#[test]
fn example_patches_go_from_low_to_high() -> Done {
    let run = concepts()?;
    let page = page(run.path())?;
    // Of 60 patches with values 0 to .059, ranks .02 · 59 = 1.18, 11.8, 23.6, 35.4, 47.2, 57.82.
    let tiles = [
        ("0.00100", 2),
        ("0.0120", 20),
        ("0.0240", 40),
        ("0.0350", 60),
        ("0.0470", 80),
        ("0.0580", 98),
    ];
    let mut from = page
        .find("What each measure sees")
        .map(|_| 0)
        .ok_or("no examples")?;
    for (value, percentile) in tiles {
        let tile = format!("<b>{value}</b><br>{percentile}%");
        from += page[from..].find(&tile).ok_or(tile)?;
    }
    assert!(
        page.contains("alt=\"Patch p000/0001: glcm_asm is 0.00100\"")
            || page.contains("alt=\"Patch p000&#x2f;0001: glcm_asm is 0.00100\"")
    );
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 18);
    Ok(())
}

#[test]
fn example_patches_that_cannot_be_read_are_told_once() -> Done {
    let run = concepts()?;
    fs::remove_dir_all(run.path().join("patches"))?;
    let absent = page(run.path())?;
    assert_eq!(
        absent
            .matches("Example patches of 3 measures are not shown")
            .count(),
        1
    );
    assert!(!absent.contains("What each measure sees"));

    let table = run.path().join("patches.csv");
    let inside = fs::read_to_string(&table)?.replace(",patches/", ",all.h5::");
    fs::write(&table, inside)?;
    let inside = page(run.path())?;
    assert_eq!(inside.matches("lies inside an HDF5 file").count(), 1);
    Ok(())
}

#[test]
fn claims_are_judged_with_their_numbers() -> Done {
    let run = concepts()?;
    let page = page(run.path())?;
    // Held out, last less first, over three networks: asm .3 − .25, correlation −.1, contrast −1.3.
    assert!(page.contains(
        "held out: <b>no</b>, 1 of 3 concepts (differences \u{2212}1.30 to +0.05; intervals apart that way in 0 of 9 comparisons)."
    ));
    assert!(page.contains("In sample, noise alone would rise by 0.70 on that way, from 0.06 at Conv2d_2b_3x3 to 0.77 at Mixed_6e."));
    // Pretrained less random: .06, .04 and .1; the last is not below .1 by more than rounding.
    assert!(page.contains("differences +0.04 to +0.10"));
    // At equal dimension: −1.2, −.15 and +.15 by network, median −.15; only finetuned rises clearly.
    assert!(page.contains(
        "held out at equal dimension (64 components a layer): <b>no</b>, 0 of 1 concept (difference \u{2212}0.15; intervals apart that way in 1 of 3 comparisons)."
    ));
    // Finetuned less pretrained: −.05 and +.25.
    assert!(page.contains(
        "<b>yes</b>, 1 of 1 concept (difference +0.10; intervals apart that way in 1 of 2 comparisons)."
    ));
    Ok(())
}

#[test]
fn claims_need_the_networks_that_they_compare() -> Done {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    fixture::concepts(run.path())?;
    let table = run.path().join("concepts/r2.csv");
    let text = fs::read_to_string(&table)?;
    let kept: Vec<&str> = text.lines().filter(|l| !l.starts_with("random,")).collect();
    fs::write(&table, kept.join("\n"))?;
    let page = page(run.path())?;
    assert!(page.contains("held out: <b>not in this study</b>."));
    assert!(page.contains("this run did not measure them at equal dimension"));
    Ok(())
}

#[test]
fn relevance_shows_the_deepest_layer_and_every_layer() -> Done {
    let run = concepts()?;
    page(run.path())?;
    let svg = fs::read_to_string(run.path().join("figures/relevance_finetuned.svg"))?;
    assert_eq!(words(&svg, "Mixed_6e, the deepest layer (n = 200)"), 1);
    for layer in ["Mixed_5b", "Mixed_6e"] {
        assert_eq!(words(&svg, layer), 1, "{layer}");
    }
    // Both concepts of the deepest layer pull beyond chance: in the large and in the small panel.
    assert_eq!(words(&svg, "*"), 4);
    // The scale reaches 1.25 × .41 on either side: ticks at ±.5 in the small panels, every .2 in the large one.
    assert_eq!(words(&svg, "\u{2212}0.5"), 2);
    assert_eq!(words(&svg, "\u{2212}0.4"), 1);
    assert_eq!(words(&svg, "not told"), 1);
    assert_eq!(words(&svg, "towards tumor \u{2192}"), 1);
    assert_eq!(words(&svg, "Br (no unit)"), 1);
    Ok(())
}

#[test]
fn controls_centre_and_classes_are_shown() -> Done {
    let run = concepts()?;
    let page = page(run.path())?;
    assert!(page.contains(
        "depth is then not confounded with width. The interval lies above zero in 5 of 6 fits."
    ));
    assert!(page.contains("has 0 here. The interval lies above zero in 6 of 6 fits."));
    assert!(page.contains("\u{2212}0.70 (\u{2212}0.75 to \u{2212}0.65)"));
    assert!(page.contains("<td class=\"n\">0.93</td>"));
    let panel = fs::read_to_string(run.path().join("figures/controls_glcm_asm.svg"))?;
    // −.7 lies below the axis, which ends at −.5.
    assert_eq!(words(&panel, "\u{2212}0.70"), 1);
    assert_eq!(words(&panel, "blind to augmentation: at most"), 1);
    assert_eq!(words(&panel, "held-out R\u{b2} (no unit)"), 1);
    assert!(page.contains("On 1,000 patches of 5 centres in 20 groups (unit: patient), the interval lies above chance in 3 of 6 fits."));
    assert!(page.contains(
        "It is told best by random at Mixed_6e: balanced accuracy 0.70 where guessing gives 0.15."
    ));
    assert!(page.contains("glcm_asm: 0.41 of its variance lies between centres where permuted centres leave 0.06 (q 0.002); taking it out of a layer costs most for finetuned at Mixed_6e, where the centre is told 0.35 instead of 0.65."));
    assert!(page.contains("glcm_contrast: 0.03 of its variance"));
    assert!(page.contains("no layer tells the centre less well without it."));
    let centre = fs::read_to_string(run.path().join("figures/centre.svg"))?;
    assert_eq!(words(&centre, "chance: 0.15"), 1);
    assert_eq!(words(&centre, "Which of 5 centres? (n = 1,000)"), 1);
    assert!(
        page.contains("necrosis by random at Mixed_6e (0.70 where guessing gives 0.50, n = 800)")
    );
    Ok(())
}

#[test]
fn tables_that_are_absent_leave_no_trace() -> Done {
    let run = tempfile::tempdir()?;
    fixture::manifest(run.path())?;
    fixture::concepts(run.path())?;
    let page = page(run.path())?;
    for absent in [
        "id=\"controls\"",
        "id=\"centre\"",
        "id=\"classes\"",
        "id=\"relevance\"",
        "What each measure sees",
        "Example patches",
    ] {
        assert!(!page.contains(absent), "{absent}");
    }
    Ok(())
}

#[test]
fn broken_cells_are_named() -> Done {
    for (file, from, to, told) in [
        (
            "measures.csv",
            "p000/0002,0.002",
            "p000/0002,low",
            "measures.csv, line 4, column 'glcm_asm': 'low' is not a number",
        ),
        (
            "controls.csv",
            ",0.93\n",
            ",high\n",
            "controls.csv, line 2, column 'r2_ceiling': 'high' is not a number",
        ),
        (
            "centre.csv",
            ",1000,5,",
            ",1000,five,",
            "centre.csv, line 2, column 'centres': 'five' is not a whole number",
        ),
        (
            "classes.csv",
            "p_value",
            "p",
            "classes.csv, line 1: there is no column 'p_value'",
        ),
    ] {
        let run = concepts()?;
        let path = run.path().join("concepts").join(file);
        let text = fs::read_to_string(&path)?;
        assert!(text.contains(from), "{file}");
        fs::write(&path, text.replacen(from, to, 1))?;
        let error = spolia_report::write(run.path())
            .err()
            .ok_or_else(|| format!("a broken {file} was read"))?;
        assert!(error.to_string().contains(told), "{error}");
    }
    Ok(())
}
