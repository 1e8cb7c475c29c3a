//! `[sweep]`: networks that keep more and more of another one, written out one by one.

use std::ops::Range;

use serde::Serialize;
use toml::de::DeValue;

use super::keys::Section;
use super::networks::train;
use super::plan::{Init, NetworkPlan, Origin, Study, TrainPlan};
use super::resolve::Resolver;
use super::written::{Table, texts, whole};

/// The stage that is frozen where all is kept: the last one before the classification layer.
const LAST: &str = "pool";

/// `[sweep]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepPlan {
    /// The network whose stages are kept.
    pub start: String,
    /// The cuts from shallow to deep: `none`, stages, `all`.
    pub cuts: Vec<&'static str>,
    /// Seeds of each arm.
    pub seeds: Vec<u64>,
    /// AUC whose epoch is told.
    pub target: f64,
    /// Loss of AUC that counts as none.
    pub margin: f64,
    /// Bytes of activations that are kept on disk.
    pub cache: u64,
    /// The arms, in the order of the tables.
    pub arms: Vec<Arm>,
}

/// Networks that differ by their seeds alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arm {
    /// Its networks are called so, and `-s` with their seed.
    pub name: String,
    /// The last stage kept, `none` or `all`; of a control `none` or, with random labels, `all`.
    pub cut: &'static str,
    /// How the later stages are drawn.
    pub init: &'static str,
    /// The kept stages are not trained.
    pub frozen: bool,
    /// Most training patches of each class.
    pub most: Option<usize>,
    /// Centre that is not trained on.
    pub leave_out: Option<String>,
    /// What it controls for, if it is a control.
    pub control: Option<Control>,
    /// Names of its networks, in the order of the seeds.
    pub networks: Vec<String>,
}

/// Trainings that show what something else than the kept features is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// Each parameter's values in a random order.
    Shuffled,
    /// Batch norm alone.
    Statistics,
    /// Each layer's mean and variance alone.
    MeanVar,
    /// All weights; labels in a random order.
    RandomLabels,
}

impl Control {
    /// All of them.
    pub const ALL: [Control; 4] = [
        Control::Shuffled,
        Control::Statistics,
        Control::MeanVar,
        Control::RandomLabels,
    ];

    /// Its word in the study file.
    pub fn word(self) -> &'static str {
        match self {
            Control::Shuffled => "shuffled",
            Control::Statistics => "statistics",
            Control::MeanVar => "mean-var",
            Control::RandomLabels => "random-labels",
        }
    }
}

impl Study {
    /// Finetuned networks that keep all of their start, each behind it; those of the sweep aside.
    pub fn finetuned(&self) -> Vec<(String, String)> {
        let networks = self.networks.iter().filter(|n| !n.swept);
        let found = networks.filter_map(|network| match &network.origin {
            Origin::Network {
                start, keep: None, ..
            } if network.train.is_some() => Some((start.clone(), network.name.clone())),
            _ => None,
        });
        found.collect()
    }

    /// Whether the study says what is worth keeping: by a sweep, or by drift between a network and one finetuned from it.
    pub fn judges_reuse(&self) -> bool {
        let compared = |name: &String| {
            let mut drift = self.drift.iter().flat_map(|d| &d.networks);
            drift.any(|n| n == name)
        };
        let pairs = self.finetuned();
        let drift = pairs.iter().any(|(a, b)| compared(a) && compared(b));
        self.sweep.is_some() || drift
    }
}

/// Reads the section and appends its networks.
pub fn sweep(
    resolver: &Resolver<'_, '_>,
    table: &Table<'_, '_>,
    networks: &mut Vec<NetworkPlan>,
) -> Option<SweepPlan> {
    let start = start(resolver, table, networks)?;
    let cuts = cuts(resolver, table);
    let seeds = table.read("seeds", |value| {
        let list = value.get_ref().as_array()?;
        let seeds: Option<Vec<u64>> = list.iter().map(whole).collect();
        seeds.filter(|seeds| !seeds.is_empty() && distinct(seeds))
    })?;
    let inits = words(
        resolver,
        table,
        "init",
        &["xavier", "mean-var", "shuffled", "statistics"],
    );
    let freezes = words(resolver, table, "freeze", &["no", "yes"]);
    let sizes = table.read("sizes", |value| {
        let list = value.get_ref().as_array()?;
        let size = |value: &toml::Spanned<DeValue<'_>>| match value.get_ref().as_str() {
            Some(text) => (text == "all").then_some(None),
            None => whole(value).filter(|&n| n > 0).map(|n| Some(n as usize)),
        };
        let sizes: Option<Vec<Option<usize>>> = list.iter().map(size).collect();
        sizes.filter(|sizes| !sizes.is_empty() && distinct(sizes))
    })?;
    let controls = controls(resolver, table);
    let left_out: Vec<Option<String>> = [None]
        .into_iter()
        .chain(table.texts("leave_out").into_iter().map(|c| Some(c.0)))
        .collect();
    let how = train(&table.table("train", Section::Train))?;
    if how.most.is_some() || how.random_labels || how.leave_out.is_some() {
        let what = "[sweep] itself says most (sizes), labels (controls) and leave_out";
        let remedy = "take them out of train".to_string();
        resolver
            .written
            .fault(table.span_of("train"), what, Some(remedy));
    }

    let mut arms: Vec<Arm> = Vec::new();
    for leave_out in &left_out {
        for &most in &sizes {
            for &cut in &cuts {
                for init in if cut == "all" {
                    &inits[..1]
                } else {
                    &inits[..]
                } {
                    // Where nothing is kept, nothing can be frozen.
                    for &freeze in freezes.iter().filter(|f| cut != "none" || **f == "no") {
                        // Where all is kept, nothing is drawn.
                        let init = if cut == "all" { "xavier" } else { init };
                        let frozen = freeze == "yes";
                        arms.push(Arm::new(cut, init, frozen, most, leave_out.clone(), None));
                    }
                }
            }
            for &control in controls.iter().filter(|_| leave_out.is_none()) {
                let (cut, init) = match control {
                    Control::RandomLabels => ("all", "xavier"),
                    other => ("none", other.word()),
                };
                arms.push(Arm::new(cut, init, false, most, None, Some(control)));
            }
        }
    }
    for arm in &mut arms {
        for &seed in &seeds {
            let name = format!("{}-s{seed}", arm.name);
            if networks.iter().any(|other| other.name == name) {
                let what = format!("two networks would be called {name}");
                resolver.written.fault(table.span(), what, None);
            }
            networks.push(arm.network(&name, seed, &start, &how));
            arm.networks.push(name);
        }
    }
    Some(SweepPlan {
        start,
        cuts,
        seeds,
        target: table.number("target", 0.5..=1.0)?,
        margin: table.number("margin", 0.0..=0.5)?,
        cache: (table.number("cache", 0.0..=1e6)? * 1e9) as u64,
        arms,
    })
}

impl Arm {
    fn new(
        cut: &'static str,
        init: &'static str,
        frozen: bool,
        most: Option<usize>,
        leave_out: Option<String>,
        control: Option<Control>,
    ) -> Self {
        let mut name = match control {
            Some(control) => format!("sweep-{}", control.word()),
            None => format!("sweep-{cut}"),
        };
        if control.is_none() && init != "xavier" {
            name += &format!("-{init}");
        }
        if frozen {
            name += "-frozen";
        }
        if let Some(most) = most {
            name += &format!("-n{most}");
        }
        if let Some(centre) = &leave_out {
            let safe = |c: char| {
                let plain = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                if plain { c } else { '_' }
            };
            name += "-without-";
            name.extend(centre.chars().map(safe));
        }
        Arm {
            name,
            cut,
            init,
            frozen,
            most,
            leave_out,
            control,
            networks: Vec::new(),
        }
    }

    /// One of its networks.
    fn network(&self, name: &str, seed: u64, start: &str, how: &TrainPlan) -> NetworkPlan {
        let of = start.to_string();
        let init = match self.init {
            "mean-var" => Init::MeanVar(of.clone()),
            "shuffled" => Init::Shuffled(of.clone()),
            "statistics" => Init::Statistics(of.clone()),
            _ => Init::Xavier,
        };
        let keep = (self.cut != "all").then_some(self.cut);
        NetworkPlan {
            name: name.to_string(),
            origin: match self.cut {
                "none" => Origin::Random(init),
                _ => Origin::Network {
                    start: of,
                    keep,
                    rest: init,
                },
            },
            seed,
            freeze: self.frozen.then_some(keep.unwrap_or(LAST)),
            train: Some(TrainPlan {
                most: self.most,
                random_labels: self.control == Some(Control::RandomLabels),
                leave_out: self.leave_out.clone(),
                ..how.clone()
            }),
            swept: true,
        }
    }
}

/// The network that stages are kept from.
fn start(
    resolver: &Resolver<'_, '_>,
    table: &Table<'_, '_>,
    networks: &[NetworkPlan],
) -> Option<String> {
    let known: Vec<&str> = networks.iter().map(|n| n.name.as_str()).collect();
    if let Some((name, span)) = table.text("start") {
        if !known.contains(&name.as_str()) {
            resolver.written.unknown("network", (&name, span), &known);
            return None;
        }
        return Some(name);
    }
    let from_files = |n: &&NetworkPlan| matches!(n.origin, Origin::File { .. });
    let mut files = networks.iter().filter(from_files);
    match (files.next(), files.next()) {
        (Some(only), None) => Some(only.name.clone()),
        _ => {
            let what = "[sweep] needs to know whose stages are kept";
            let remedy = "name the pretrained network: start = \"…\"".to_string();
            resolver.written.fault(table.span(), what, Some(remedy));
            None
        }
    }
}

/// The cuts, from shallow to deep.
fn cuts(resolver: &Resolver<'_, '_>, table: &Table<'_, '_>) -> Vec<&'static str> {
    let mut cuts = Vec::new();
    for (name, span) in table.list("cuts") {
        let cut = match name.as_str() {
            "none" => Some("none"),
            "all" => Some("all"),
            layer => resolver.layer(layer, span.clone()),
        };
        keep_once(resolver, &mut cuts, cut, span);
    }
    let layers = &resolver.known.layers;
    cuts.sort_by_key(|cut| match *cut {
        "none" => 0,
        "all" => layers.len() + 1,
        layer => 1 + layers.iter().position(|l| *l == layer).unwrap_or(0),
    });
    cuts
}

fn controls(resolver: &Resolver<'_, '_>, table: &Table<'_, '_>) -> Vec<Control> {
    let written = table.texts("controls");
    if matches!(&written[..], [(none, _)] if none == "none") {
        return Vec::new();
    }
    let mut controls = Vec::new();
    for (word, span) in written {
        let control = Control::ALL.into_iter().find(|c| c.word() == word);
        if control.is_none() {
            let known = Control::ALL.map(Control::word);
            resolver
                .written
                .unknown("control", (&word, span.clone()), &known);
        }
        keep_once(resolver, &mut controls, control, span);
    }
    controls
}

/// Words of a list, each of them known and there once; the first known one where none is.
fn words(
    resolver: &Resolver<'_, '_>,
    table: &Table<'_, '_>,
    key: &str,
    known: &[&'static str],
) -> Vec<&'static str> {
    let mut found = Vec::new();
    let listed = table.read(key, texts).unwrap_or_default();
    for (word, span) in listed {
        let one = known.iter().copied().find(|k| *k == word);
        if one.is_none() {
            resolver.written.unknown(key, (&word, span.clone()), known);
        }
        keep_once(resolver, &mut found, one, span);
    }
    if found.is_empty() {
        found.push(known[0]);
    }
    found
}

fn keep_once<T: PartialEq>(
    resolver: &Resolver<'_, '_>,
    list: &mut Vec<T>,
    value: Option<T>,
    span: Range<usize>,
) {
    match value {
        Some(value) if list.contains(&value) => {
            resolver.written.fault(span, "listed twice", None);
        }
        Some(value) => list.push(value),
        None => {}
    }
}

fn distinct<T: PartialEq>(values: &[T]) -> bool {
    (1..values.len()).all(|k| !values[..k].contains(&values[k]))
}
