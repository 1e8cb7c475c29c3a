//! The slides of `[patches]`: how patches are cut, labelled and stained.

use std::path::PathBuf;

use super::plan::{SLIDE_PATCH, SlidesPlan};
use super::resolve::Resolver;
use super::written::Table;
use crate::jobs::slides::{LabelBy, Labelling, Normalisation, StainMethod};

/// Keys of `[patches]` that say nothing without slides.
pub const OF_SLIDES: [&str; 13] = [
    "annotations",
    "mpp",
    "level",
    "slide_mpp",
    "per_slide",
    "unannotated",
    "label",
    "tumor_share",
    "normal_share",
    "central",
    "exclude",
    "stain",
    "stain_target",
];

/// A list of names that need not be known.
pub fn names(table: &Table<'_, '_>, key: &str) -> Vec<String> {
    let names = table.texts(key).into_iter();
    names.map(|(name, _)| name).collect()
}

/// The slides of `[patches]`; the outer `None` where it has none.
pub fn slides(
    resolver: &Resolver<'_, '_>,
    table: &Table<'_, '_>,
    paths: &dyn Fn(&str) -> Vec<PathBuf>,
) -> Option<Option<SlidesPlan>> {
    if table.has("slides") {
        return Some(cut(resolver, table, paths));
    }
    if let Some(key) = OF_SLIDES.iter().find(|key| table.changed(key)) {
        let what = format!("`{key}` says how slides are cut, and there are none");
        let remedy = "add slides = \"…\", or leave it out".to_string();
        resolver
            .written
            .fault(table.span_of(key), what, Some(remedy));
    }
    None
}

fn cut(
    resolver: &Resolver<'_, '_>,
    table: &Table<'_, '_>,
    paths: &dyn Fn(&str) -> Vec<PathBuf>,
) -> Option<SlidesPlan> {
    if table.has("mpp") == table.has("level") {
        let both = table.has("mpp");
        let what = if both {
            "mpp and level both say the resolution of the patches; leave one out"
        } else {
            "patches of slides need a resolution"
        };
        let key = if both { "level" } else { "slides" };
        let remedy = (!both).then(|| "add mpp = 1.0, in µm per pixel, or a level".to_string());
        resolver.written.fault(table.span_of(key), what, remedy);
    }
    let unannotated = [("leave-out", false), ("normal", true)];
    let number = |key: &str| {
        let given = table.has(key).then(|| table.number(key, 1e-3..=1e4));
        given.flatten()
    };
    Some(SlidesPlan {
        slides: paths("slides"),
        annotations: paths("annotations"),
        mpp: number("mpp"),
        level: table
            .has("level")
            .then(|| table.whole("level", 0..=64))
            .flatten()
            .unwrap_or(0) as usize,
        slide_mpp: number("slide_mpp"),
        per_slide: table.whole("per_slide", 1..=1_000_000)? as usize,
        unannotated_normal: table.word("unannotated", &unannotated)?,
        label: label(resolver, table)?,
        exclude: names(table, "exclude"),
        stain: stain(resolver, table)?,
    })
}

fn label(resolver: &Resolver<'_, '_>, table: &Table<'_, '_>) -> Option<Labelling> {
    let shares = (
        table.number("tumor_share", 0.0..=1.0)?,
        table.number("normal_share", 0.0..=1.0)?,
    );
    let side = table.whole("central", 1..=16_384)? as u32;
    let size = table
        .whole_or("size", "as-is")
        .unwrap_or(SLIDE_PATCH.into());
    let by = table.choice::<LabelBy>("label")?;
    match by.with(shares, side, u32::try_from(size).unwrap_or(u32::MAX)) {
        Ok(label) => Some(label),
        Err(what) => {
            let keys = ["tumor_share", "normal_share", "central"];
            let key = keys.into_iter().find(|key| table.has(key));
            resolver
                .written
                .fault(table.span_of(key.unwrap_or("label")), what, None);
            None
        }
    }
}

/// The outer `None` is a fault.
fn stain(resolver: &Resolver<'_, '_>, table: &Table<'_, '_>) -> Option<Option<Normalisation>> {
    let methods = [
        ("as-is", None),
        ("macenko", Some(StainMethod::Macenko)),
        ("reinhard", Some(StainMethod::Reinhard)),
    ];
    let method = table.word("stain", &methods)?;
    let target = table.text("stain_target");
    if let (None, Some((_, span))) = (method, &target) {
        let what = "stain_target says nothing without stain";
        let remedy = "add stain = \"macenko\" or \"reinhard\", or leave it out".to_string();
        resolver.written.fault(span.clone(), what, Some(remedy));
    }
    let target = target.map(|(path, _)| resolver.folder.join(path));
    Some(method.map(|method| Normalisation { method, target }))
}
