//! The patches: counts by part of the split, and whether the parts are apart.

use serde::Serialize;

use crate::figures::split_words;
use crate::numbers::{count, counted};
use crate::run::patches::Patch;
use crate::run::{Run, first_seen};

/// The section's table and sentences.
#[derive(Serialize)]
pub(super) struct Section {
    classes: Vec<String>,
    rows: Vec<Row>,
    sentences: Vec<String>,
}

/// Counts of one part of the split.
#[derive(Serialize)]
struct Row {
    part: String,
    patches: String,
    by_class: Vec<String>,
    patients: String,
    slides: String,
    centres: String,
}

/// A column of the patch table that names what a patch belongs to.
type Owner = fn(&Patch) -> Option<&str>;

fn patient(p: &Patch) -> Option<&str> {
    p.patient.as_deref()
}
fn slide(p: &Patch) -> Option<&str> {
    p.slide.as_deref()
}
fn centre(p: &Patch) -> Option<&str> {
    p.centre.as_deref()
}

/// Counts the patches; `None` where there is no patch table.
pub(super) fn section(run: &Run) -> Option<Section> {
    if run.patches.is_empty() {
        return None;
    }
    let mut labels = first_seen(run.patches.iter().map(|p| p.label));
    labels.sort_unstable();
    let row = |part: &str, patches: &[&Patch]| Row {
        part: part.to_owned(),
        patches: count(patches.len()),
        by_class: labels
            .iter()
            .map(|label| count(patches.iter().filter(|p| p.label == *label).count()))
            .collect(),
        patients: distinct(patches, patient),
        slides: distinct(patches, slide),
        centres: distinct(patches, centre),
    };
    let parts = parts(run);
    let mut rows: Vec<Row> = parts
        .iter()
        .map(|(split, patches)| row(split.map_or("not in the split", split_words), patches))
        .collect();
    rows.push(row("all", &run.patches.iter().collect::<Vec<_>>()));
    Some(Section {
        classes: labels.iter().map(|l| run.class(*l)).collect(),
        rows,
        sentences: sentences(run, &parts),
    })
}

/// The parts of the split: training, validation, test, then any other name, then none.
fn parts(run: &Run) -> Vec<(Option<&str>, Vec<&Patch>)> {
    let order = |split: &Option<&str>| match split {
        Some("train") => 0,
        Some("val") => 1,
        Some("test") => 2,
        Some(_) => 3,
        None => 4,
    };
    let mut splits = first_seen(run.patches.iter().map(|p| p.split.as_deref()));
    splits.sort_by_key(order);
    splits
        .into_iter()
        .map(|split| {
            let own = run.patches.iter().filter(|p| p.split.as_deref() == split);
            (split, own.collect())
        })
        .collect()
}

/// How many owners the patches have; `unknown` where none is named.
fn distinct(patches: &[&Patch], owner: Owner) -> String {
    let mut owners: Vec<&str> = patches.iter().filter_map(|p| owner(p)).collect();
    owners.sort_unstable();
    owners.dedup();
    match owners.len() {
        0 => "unknown".to_owned(),
        n => count(n),
    }
}

fn sentences(run: &Run, parts: &[(Option<&str>, Vec<&Patch>)]) -> Vec<String> {
    let mut size = format!(
        "Each of the {}",
        counted(run.patches.len(), "patch", "patches")
    );
    if let Some(side) = run.manifest.patch_size.filter(|side| *side > 0) {
        size += &format!(" is {side} pixels wide and high");
        match run.manifest.mpp {
            Some(mpp) => {
                size += &format!(
                    ", {:.0} \u{b5}m of tissue at {mpp} \u{b5}m per pixel.",
                    f64::from(side) * mpp
                );
            }
            None => size += "; how many \u{b5}m of tissue that is, the data do not say.",
        }
    } else {
        size += " has one row in patches.csv.";
    }
    let made = match run.manifest.split_by.as_str() {
        "patient" => "The split was made by patient: all patches of a patient lie in one part.",
        "slide" => {
            "The split was made by slide: all patches of a slide lie in one part, but two slides \
             of one patient may not."
        }
        "image" => {
            "The split was made patch by patch: patches of one patient may lie in several parts, \
             and figures on the test patches are then too good."
        }
        "given" => "The split is the one that came with the data.",
        _ => "",
    };
    [size, made.to_owned(), apart(run, parts), centres(parts)]
        .into_iter()
        .filter(|s| !s.is_empty())
        .collect()
}

/// Checks in the table itself whether a patient (a slide, where patients are unknown) has
/// patches in several parts.
fn apart(run: &Run, parts: &[(Option<&str>, Vec<&Patch>)]) -> String {
    let named = |owner: Owner| run.patches.iter().filter(|p| owner(p).is_some()).count();
    let (owner, word, known): (Owner, _, _) = match (named(patient), named(slide)) {
        (0, 0) => {
            return "Neither patients nor slides are named, so nobody can check whether one \
                    patient's patches lie in several parts of the split."
                .to_owned();
        }
        (0, known) => (slide, "slide", known),
        (known, _) => (patient, "patient", known),
    };
    let mut homes: Vec<(&str, Option<&str>)> = parts
        .iter()
        .filter(|(split, _)| split.is_some())
        .flat_map(|(split, patches)| patches.iter().filter_map(|p| Some((owner(p)?, *split))))
        .collect();
    homes.sort_unstable();
    homes.dedup();
    let mut shared: Vec<&str> = homes
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| pair[0].0)
        .collect();
    shared.dedup();
    let mut text = match shared.len() {
        0 => format!("In the table itself, no {word} has patches in more than one part."),
        n => format!(
            "In the table itself, {} patches in more than one part: what is measured on the test \
             patches is too good by an unknown amount.",
            counted(n, &format!("{word} has"), &format!("{word}s have"))
        ),
    };
    if known < run.patches.len() {
        text += &format!(
            " {} no {word} and could not be checked.",
            counted(run.patches.len() - known, "patch names", "patches name")
        );
    }
    text
}

/// Whether the test patches come from centres that training saw.
fn centres(parts: &[(Option<&str>, Vec<&Patch>)]) -> String {
    let of = |wanted: &str| {
        let patches = parts.iter().filter(|(split, _)| *split == Some(wanted));
        first_seen(patches.flat_map(|(_, p)| p.iter().filter_map(|p| centre(p))))
    };
    let (train, test) = (of("train"), of("test"));
    if train.is_empty() || test.is_empty() {
        return String::new();
    }
    let seen = test.iter().filter(|c| train.contains(c)).count();
    if seen == test.len() {
        "All test patches come from centres that training saw as well, so the study does not show \
         how the networks do in another hospital."
            .to_owned()
    } else if seen == 0 {
        "All test patches come from centres that training never saw.".to_owned()
    } else {
        format!(
            "Of the {} of the test patches, training saw {}.",
            counted(test.len(), "centre", "centres"),
            count(seen)
        )
    }
}
