//! From what was written to what it means.

use std::ops::Range;
use std::path::{Path, PathBuf};

use spolia_interpret::attention::{ColourMap, Method};
use spolia_measure::Measure;
use toml::de::DeValue;

use super::channels;
use super::error::Fault;
use super::keys::Section;
use super::known::Known;
use super::networks::networks;
use super::plan::*;
use super::slides::{names, slides};
use super::sweep::sweep;
use super::written::{Placed, Table, Written, whole};
use crate::jobs::attention::Checks;

/// Resolves a study; every fault found is returned at once.
pub fn resolve(file: &str, text: &str, folder: &Path, known: &Known) -> Result<Study, Vec<Fault>> {
    let written = Written::new(file, text);
    let study = written.parse().and_then(|parsed| {
        let span = 0..0;
        let top = Table::new(&written, Section::Study, Some(parsed.into_inner()), span);
        Resolver {
            written: &written,
            known,
            folder,
            text,
        }
        .study(&top)
    });
    let faults = written.into_faults();
    match study {
        Some(study) if faults.is_empty() => Ok(study),
        _ => Err(faults),
    }
}

/// What every section needs to know.
pub struct Resolver<'r, 'a> {
    pub written: &'r Written<'a>,
    pub known: &'r Known,
    pub folder: &'r Path,
    text: &'r str,
}

const PARTS: [(&str, Part); 4] = [
    ("train", Part::Train),
    ("val", Part::Val),
    ("test", Part::Test),
    ("all", Part::All),
];

impl<'a> Resolver<'_, 'a> {
    fn study(&self, top: &Table<'_, 'a>) -> Option<Study> {
        let (name, span) = top.text("name")?;
        if name.trim().is_empty() {
            self.written.fault(span, "`name` is empty", None);
        }
        let seed = top.whole("seed", 0..=u64::MAX)?;
        let section = |name, section| top.has(name).then(|| top.table(name, section));
        let patches = section("patches", Section::Patches).and_then(|table| self.patches(&table));
        let mut networks = networks(self, top, seed);
        let sweep =
            section("sweep", Section::Sweep).and_then(|table| sweep(self, &table, &mut networks));
        let class_names = patches.as_ref().map(|patches| &patches.classes);
        let visualize =
            section("visualize", Section::Visualize).and_then(|t| self.visualize(&t, &networks));
        let attention = section("attention", Section::Attention)
            .and_then(|t| self.attention(&t, &networks, class_names));
        let concepts =
            section("concepts", Section::Concepts).and_then(|t| self.concepts(&t, &networks));
        let drift = section("drift", Section::Drift).and_then(|t| self.drift(&t, &networks));
        self.needs_patches(top, &networks);
        self.needs_networks(top, &networks);
        Some(Study {
            name,
            seed,
            text: self.text.to_string(),
            folder: self.folder.to_path_buf(),
            patches,
            networks,
            sweep,
            visualize,
            attention,
            concepts,
            drift,
        })
    }

    fn needs_patches(&self, top: &Table<'_, 'a>, networks: &[NetworkPlan]) {
        if top.has("patches") {
            return;
        }
        let needing = ["attention", "concepts", "drift"]
            .into_iter()
            .find(|name| top.has(name));
        let training = networks.iter().find(|network| network.train.is_some());
        let (key, who) = match (needing, training) {
            (Some(name), _) => (name, format!("[{name}]")),
            (None, Some(network)) if network.swept => ("sweep", "[sweep]".to_string()),
            (None, Some(network)) => ("network", format!("training {}", network.name)),
            (None, None) => return,
        };
        let remedy = "add [patches] with images = \"…\"".to_string();
        self.written.fault(
            top.span_of(key),
            format!("{who} needs patches"),
            Some(remedy),
        );
    }

    fn needs_networks(&self, top: &Table<'_, 'a>, networks: &[NetworkPlan]) {
        let methods = ["visualize", "attention", "concepts", "drift"];
        let Some(name) = methods.into_iter().find(|name| top.has(name)) else {
            return;
        };
        if networks.is_empty() && !top.has("network") {
            let remedy = "add one, such as [network.random]".to_string();
            self.written.fault(
                top.span_of(name),
                format!("[{name}] needs at least one network"),
                Some(remedy),
            );
        }
    }

    fn patches(&self, table: &Table<'_, 'a>) -> Option<PatchesPlan> {
        let paths = |key: &str| -> Vec<PathBuf> {
            let texts = table.texts(key);
            texts
                .iter()
                .map(|(path, _)| self.folder.join(path))
                .collect()
        };
        let slides = slides(self, table, &paths);
        let from_images = slides.is_none() || table.has("images");
        let images = if from_images {
            paths("images")
        } else {
            Vec::new()
        };
        let size = table
            .whole_or("size", "as-is")
            .map(|n| self.at_most(table, "size", n, 65_536));
        let classes = table.list("classes");
        let classes: Vec<String> = classes.into_iter().map(|(class, _)| class).collect();
        let split_by = [
            ("centre", SplitBy::Centre),
            ("patient", SplitBy::Patient),
            ("slide", SplitBy::Slide),
            ("image", SplitBy::Image),
        ];
        let val = table.number("val", 0.0..=1.0)?;
        let test = table.number("test", 0.0..=1.0)?;
        if val + test >= 1.0 {
            let what = format!("val + test = {} leaves nothing to train on", val + test);
            let key = if table.has("test") { "test" } else { "val" };
            self.written.fault(table.span_of(key), what, None);
        }
        let classes: [String; 2] = match <[String; 2]>::try_from(classes) {
            Ok([a, b]) if a != b => [a, b],
            _ => {
                let what = "`classes` must be two different names: what 0 means, what 1 means";
                self.written.fault(table.span_of("classes"), what, None);
                return None;
            }
        };
        Some(PatchesPlan {
            images,
            slides: slides.flatten(),
            size: size.map(|n| n as u32),
            classes,
            most: table.whole_or("most", "all"),
            split_by: table.word("split_by", &split_by)?,
            val,
            test,
            test_centres: names(table, "test_centres"),
            allow_leaks: table.yes("allow_leaks"),
        })
    }

    fn visualize(&self, t: &Table<'_, 'a>, networks: &[NetworkPlan]) -> Option<VisualizePlan> {
        let channels = t.read("channels", |value| match value.get_ref() {
            DeValue::String(text) => channels::parse(text),
            DeValue::Table(table) if table.len() == 1 => {
                let n = whole(table.get("sample")?)? as usize;
                (1..channels::MOST)
                    .contains(&n)
                    .then_some(Channels::Sample(n))
            }
            _ => None,
        })?;
        let presets = [("paper", PresetPlan::Paper), ("lucid", PresetPlan::Lucid)];
        let steps = t
            .whole_or("steps", "preset")
            .map(|n| self.at_most(t, "steps", n, 10_000_000) as usize);
        Some(VisualizePlan {
            layers: self.layers(t),
            channels,
            preset: t.word("preset", &presets)?,
            steps,
            size: t.whole("size", 75..=8192)? as usize,
            batch: t.whole("batch", 1..=65_536)? as usize,
            again: t.whole("again", 0..=u32::MAX as u64)? as usize,
            exemplars: t.whole("exemplars", 0..=u32::MAX as u64)? as usize,
            objectives: t
                .texts("objectives")
                .into_iter()
                .map(|(text, _)| text)
                .collect(),
            parametrization: t.choice("parametrization")?,
            own_colours: t.word("colours", &[("natural", false), ("patches", true)])?,
            networks: self.chosen(t, "all", networks, |_| true),
        })
    }

    fn attention(
        &self,
        t: &Table<'_, 'a>,
        networks: &[NetworkPlan],
        classes: Option<&[String; 2]>,
    ) -> Option<AttentionPlan> {
        let mut methods = Vec::new();
        for (name, span) in t.list("methods") {
            match Method::ALL.into_iter().find(|known| known.name() == name) {
                Some(method) if !methods.contains(&method) => methods.push(method),
                Some(_) => self
                    .written
                    .fault(span, format!("\"{name}\" is listed twice"), None),
                None => {
                    let known = Method::ALL.map(Method::name);
                    self.written.unknown("method", (&name, span), &known);
                }
            }
        }
        let layers = self.distinct_layers(t.texts("layer"));
        let colours = ColourMap::ALL.map(|map| (map.name(), map));
        let segment = [("segment", true), ("masks", false)];
        let select = t.table("select", Section::Select);
        Some(AttentionPlan {
            methods,
            layers,
            compat: t.choice("compat")?,
            networks: self.chosen(t, "all", networks, |_| true),
            class: self.class(&select, classes)?,
            p_min: select.number("p_min", 0.0..=1.0)?,
            most: select.whole("most", 1..=u32::MAX as u64)? as usize,
            split: select.word("split", &PARTS)?,
            masks: t.text("masks").map(|(folder, _)| self.folder.join(folder)),
            segment: t.word("nuclei", &segment)?,
            checks: Checks {
                faithfulness: t.whole("faithfulness", 0..=u32::MAX as u64)? as usize,
                sanity: t.whole("sanity", 0..=u32::MAX as u64)? as usize,
            },
            colours: t.word("colours", &colours)?,
            scale: t.choice("scale")?,
        })
    }

    /// The label of the class that `select` names.
    fn class(&self, select: &Table<'_, 'a>, classes: Option<&[String; 2]>) -> Option<usize> {
        let (name, span) = select.text("class")?;
        if let Some(label) = classes.and_then(|names| names.iter().position(|n| *n == name)) {
            return Some(label);
        }
        if name == "positive" {
            return Some(1);
        }
        let names = classes?;
        self.written
            .unknown("class", (&name, span), &[&names[0], &names[1], "positive"]);
        None
    }

    fn concepts(&self, t: &Table<'_, 'a>, networks: &[NetworkPlan]) -> Option<ConceptsPlan> {
        let mut measures: Vec<Measure> = Vec::new();
        for (name, span) in t.list("measures") {
            match Measure::parse(&name) {
                Ok(measure) if measures.contains(&measure) => {
                    self.written
                        .fault(span, format!("\"{name}\" is listed twice"), None);
                }
                Ok(measure) => measures.push(measure),
                Err(_) => self
                    .written
                    .unknown("measure", (&name, span), &self.known.measures),
            }
        }
        Some(ConceptsPlan {
            measures,
            table: t.text("table").map(|(file, _)| self.folder.join(file)),
            layers: self.layers(t),
            images: t.whole("images", 2..=u32::MAX as u64)? as usize,
            repeats: t.whole("repeats", 1..=100_000)? as usize,
            estimator: t.choice("estimator")?,
            pool: t.choice("pool")?,
            split: t.word("split", &PARTS)?,
            networks: self.chosen(t, "all", networks, |_| true),
        })
    }

    fn drift(&self, t: &Table<'_, 'a>, networks: &[NetworkPlan]) -> Option<DriftPlan> {
        let chosen = self.chosen(t, "all", networks, |_| true);
        if chosen.len() < 2 && !networks.is_empty() {
            self.written.fault(
                t.span(),
                format!("[drift] is between networks, and there is {}", chosen.len()),
                Some("add another, such as one finetuned from it".into()),
            );
        }
        Some(DriftPlan {
            layers: self.layers(t),
            images: t.whole("images", 4..=100_000)? as usize,
            split: t.word("split", &PARTS)?,
            natural: t
                .texts("natural")
                .iter()
                .map(|(path, _)| self.folder.join(path))
                .collect(),
            natural_images: t
                .read("natural_images", |v| {
                    whole(v).filter(|n| *n == 0 || (4..=100_000).contains(n))
                })
                .unwrap_or(0) as usize,
            networks: chosen,
        })
    }

    /// A layer's own name; an unknown one is a fault.
    pub fn layer(&self, name: &str, span: Range<usize>) -> Option<&'static str> {
        let layer = self.known.layer(name);
        if layer.is_none() {
            self.written
                .unknown("layer", (name, span), &self.known.layers);
        }
        layer
    }

    fn layers(&self, table: &Table<'_, 'a>) -> Vec<&'static str> {
        self.distinct_layers(table.list("layers"))
    }

    fn distinct_layers(&self, names: Vec<Placed<String>>) -> Vec<&'static str> {
        let mut layers = Vec::new();
        for (name, span) in names {
            match self.layer(&name, span.clone()) {
                Some(layer) if layers.contains(&layer) => {
                    self.written
                        .fault(span, format!("{layer} is listed twice"), None);
                }
                Some(layer) => layers.push(layer),
                None => {}
            }
        }
        layers
    }

    /// The networks of a step: those listed, or all that `word` stands for.
    fn chosen(
        &self,
        table: &Table<'_, 'a>,
        word: &str,
        networks: &[NetworkPlan],
        fits: impl Fn(&NetworkPlan) -> bool,
    ) -> Vec<String> {
        let listed: Vec<Placed<String>> = table.texts("networks");
        if let [(only, _)] = listed.as_slice()
            && only == word
        {
            let fitting = networks
                .iter()
                .filter(|network| !network.swept && fits(network));
            return fitting.map(|network| network.name.clone()).collect();
        }
        let mut known: Vec<&str> = networks
            .iter()
            .map(|network| network.name.as_str())
            .collect();
        for (name, span) in &listed {
            if !known.contains(&name.as_str()) {
                known.push(word);
                self.written
                    .unknown("network", (name, span.clone()), &known);
                known.pop();
            }
        }
        // The study's order, whatever the order of the list.
        let named = |network: &&NetworkPlan| listed.iter().any(|(name, _)| *name == network.name);
        networks
            .iter()
            .filter(named)
            .map(|network| network.name.clone())
            .collect()
    }

    fn at_most(&self, table: &Table<'_, 'a>, key: &str, value: u64, most: u64) -> u64 {
        if value > most {
            let what = format!("`{key}` must be at most {most}");
            self.written.fault(table.span_of(key), what, None);
        }
        value.min(most)
    }
}
