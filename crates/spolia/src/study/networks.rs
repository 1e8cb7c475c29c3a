//! The networks of a study: their origins, and the order in which they can be made.

use std::ops::Range;

use spolia_dataset::Augment;
use spolia_network::Convention;

use super::keys::Section;
use super::plan::*;
use super::resolve::Resolver;
use super::written::Table;

/// What was written of one network, before other networks are looked at.
struct Draft<'w, 'a> {
    name: String,
    span: Range<usize>,
    table: Table<'w, 'a>,
    start: Option<(String, Range<usize>)>,
    from_file: bool,
}

/// Reads all networks and orders each after the one that it starts from.
pub fn networks(resolver: &Resolver<'_, '_>, top: &Table<'_, '_>, seed: u64) -> Vec<NetworkPlan> {
    let written = resolver.written;
    let mut drafts: Vec<Draft> = Vec::new();
    for ((name, span), table) in top.tables("network", Section::Network) {
        let folder_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        if !name.chars().all(folder_name) || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
        {
            let remedy =
                "use letters, digits, - _ . +, starting with a letter or digit; it names a folder";
            written.fault(
                span.clone(),
                format!("network name \"{name}\""),
                Some(remedy.into()),
            );
        }
        let start = table.text("start");
        let from_file = table.has("weights");
        drafts.push(Draft {
            name,
            span,
            table,
            start,
            from_file,
        });
    }
    let plans: Vec<Option<NetworkPlan>> = drafts
        .iter()
        .map(|draft| plan(resolver, draft, &drafts, seed))
        .collect();
    let plans: Vec<(NetworkPlan, Range<usize>)> = plans
        .into_iter()
        .zip(&drafts)
        .filter_map(|(plan, draft)| Some((plan?, draft.span.clone())))
        .collect();
    in_order(resolver, plans)
}

fn plan(
    resolver: &Resolver<'_, '_>,
    draft: &Draft<'_, '_>,
    all: &[Draft<'_, '_>],
    seed: u64,
) -> Option<NetworkPlan> {
    let train = if draft.table.has("train") {
        Some(train(&draft.table.table("train", Section::Train))?)
    } else {
        None
    };
    let seed = draft.table.whole("seed", 0..=u64::MAX).unwrap_or(seed);
    let origin = origin(resolver, draft, all, train.is_some())?;
    let freeze = match draft.table.text("freeze") {
        Some((layer, span)) if train.is_some() => Some(resolver.layer(&layer, span)?),
        Some((_, span)) => {
            let what = format!("network {}: freeze says nothing without train", draft.name);
            let remedy = "add train = { … }, or leave it out".to_string();
            resolver.written.fault(span, what, Some(remedy));
            None
        }
        None => None,
    };
    Some(NetworkPlan {
        name: draft.name.clone(),
        origin,
        seed,
        freeze,
        train,
        swept: false,
    })
}

/// Training as a table says it, with its defaults.
pub fn train(table: &Table<'_, '_>) -> Option<TrainPlan> {
    Some(TrainPlan {
        epochs: table.whole("epochs", 1..=1_000_000)? as usize,
        learning_rate: table.number("learning_rate", f64::MIN_POSITIVE..=1e6)?,
        decay: table.number("decay", 0.0..=1.0)?,
        momentum: table.number("momentum", 0.0..=1.0 - f64::EPSILON)?,
        batch: table.whole("batch", 1..=65_536)? as usize,
        augment: augment(table)?,
        shuffle: table.word("shuffle", &[("yes", true), ("no", false)])?,
        most: table.whole_or("most", "all").map(|n| n as usize),
        random_labels: table.word("labels", &[("true", false), ("random", true)])?,
        leave_out: table.text("leave_out").map(|(centre, _)| centre),
    })
}

fn augment(table: &Table<'_, '_>) -> Option<Augment> {
    table.read("augment", |value| value.get_ref().as_str()?.parse().ok())
}

fn origin(
    resolver: &Resolver<'_, '_>,
    draft: &Draft<'_, '_>,
    all: &[Draft<'_, '_>],
    trained: bool,
) -> Option<Origin> {
    let (written, table) = (resolver.written, &draft.table);
    let clash = |key: &str, with: &str, why: &str| {
        if table.has(key) && table.has(with) {
            let what = format!(
                "network {}: {key} and {with} exclude each other",
                draft.name
            );
            written.fault(table.span_of(key), what, Some(why.to_string()));
        }
    };
    clash(
        "start",
        "weights",
        "weights come from a file or from another network; leave one out",
    );
    clash(
        "init",
        "weights",
        "init draws random weights; leave it out where a file gives them",
    );
    for (key, needs) in [("convention", "weights"), ("keep", "start")] {
        if table.has(key) && !table.has(needs) {
            let what = format!("network {}: {key} says nothing without {needs}", draft.name);
            written.fault(
                table.span_of(key),
                what,
                Some(format!("add {needs}, or leave it out")),
            );
        }
    }
    if let Some((file, _)) = table.text("weights") {
        let conventions = [
            ("keras", Convention::Keras),
            ("torchvision", Convention::Torchvision),
        ];
        let convention = table.word("convention", &conventions);
        return Some(Origin::File {
            weights: resolver.folder.join(file),
            convention,
        });
    }
    if let Some((start, span)) = &draft.start
        && !all.iter().any(|other| other.name == *start)
    {
        let known: Vec<&str> = all
            .iter()
            .map(|o| o.name.as_str())
            .filter(|name| *name != draft.name)
            .collect();
        written.unknown("network", (start, span.clone()), &known);
        return None;
    }
    let keep = match table.text("keep") {
        Some((layer, span)) => Some(resolver.layer(&layer, span)?),
        None => None,
    };
    type Of = fn(String) -> Init;
    let ways: [(&str, Option<Of>); 4] = [
        ("xavier", None),
        ("mean-var", Some(Init::MeanVar)),
        ("shuffled", Some(Init::Shuffled)),
        ("statistics", Some(Init::Statistics)),
    ];
    let way = table.word("init", &ways)?;
    let init = match way {
        Some(way) => way(statistics(resolver, draft, all)?),
        None => Init::Xavier,
    };
    match &draft.start {
        None => Some(Origin::Random(init)),
        // Nothing is kept: start only lends its statistics.
        Some(_) if keep.is_none() && way.is_some() => Some(Origin::Random(init)),
        Some((start, span)) => {
            if keep.is_none() && table.has("init") {
                let what = format!("network {}: init says nothing without keep", draft.name);
                let remedy =
                    "all of start's layers are kept; name the last one kept, or leave init out";
                written.fault(table.span_of("init"), what, Some(remedy.to_string()));
            }
            if keep.is_none() && !trained {
                let what = format!("network {} would be a copy of {start}", draft.name);
                let remedy = "give it train = { … } or keep = \"layer\"";
                written.fault(span.clone(), what, Some(remedy.to_string()));
            }
            Some(Origin::Network {
                start: start.clone(),
                keep,
                rest: init,
            })
        }
    }
}

/// The network that init takes something of: start's, else the only one from a file.
fn statistics(
    resolver: &Resolver<'_, '_>,
    draft: &Draft<'_, '_>,
    all: &[Draft<'_, '_>],
) -> Option<String> {
    if let Some((start, _)) = &draft.start {
        return Some(start.clone());
    }
    let mut from_files = all.iter().filter(|other| other.from_file);
    match (from_files.next(), from_files.next()) {
        (Some(only), None) => Some(only.name.clone()),
        _ => {
            let what = format!(
                "network {}: init needs to know whose weights to take it from",
                draft.name
            );
            let remedy = "name the pretrained network: start = \"…\"".to_string();
            resolver
                .written
                .fault(draft.table.span_of("init"), what, Some(remedy));
            None
        }
    }
}

/// The network that must exist before this one.
fn needs(plan: &NetworkPlan) -> Option<&str> {
    match &plan.origin {
        Origin::Random(init) => init.of(),
        Origin::Network { start, .. } => Some(start),
        Origin::File { .. } => None,
    }
}

/// Each network after the one it needs, otherwise in the order of the file. A circle is a fault.
fn in_order(
    resolver: &Resolver<'_, '_>,
    mut waiting: Vec<(NetworkPlan, Range<usize>)>,
) -> Vec<NetworkPlan> {
    let mut ordered: Vec<NetworkPlan> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|(plan, _)| match needs(plan) {
            // A needed network that is in neither list has a fault of its own.
            Some(name) => !waiting.iter().any(|(other, _)| other.name == name),
            None => true,
        });
        let Some(ready) = ready else {
            // Whoever is left needs somebody who is left; some may only hang on the circle.
            let mut circle: Vec<&str> = Vec::new();
            let mut at = waiting[0].0.name.as_str();
            while !circle.contains(&at) {
                circle.push(at);
                let here = waiting.iter().find(|(plan, _)| plan.name == at);
                match here.and_then(|(plan, _)| needs(plan)) {
                    Some(next) => at = next,
                    None => break,
                }
            }
            let first = circle.iter().position(|name| *name == at).unwrap_or(0);
            let mut circle: Vec<&str> = circle[first..].to_vec();
            circle.push(at);
            let span = waiting
                .iter()
                .find(|(p, _)| p.name == at)
                .map_or(0..0, |(_, s)| s.clone());
            let what = format!("networks start from each other: {}", circle.join(" -> "));
            let remedy = "let one of them start from a file or from random weights".to_string();
            resolver.written.fault(span, what, Some(remedy));
            break;
        };
        ordered.push(waiting.remove(ready).0);
    }
    ordered
}
