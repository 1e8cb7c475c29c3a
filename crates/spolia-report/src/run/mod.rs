//! Reads a run folder. What a study left out is empty; what is broken is an error.

pub(crate) mod attention;
pub(crate) mod carriers;
pub(crate) mod comparison;
pub(crate) mod concepts;
pub(crate) mod controls;
pub(crate) mod decoded;
pub(crate) mod drift;
pub(crate) mod filters;
pub(crate) mod judged;
pub(crate) mod likeness;
pub(crate) mod manifest;
pub(crate) mod measures;
pub(crate) mod networks;
pub(crate) mod patches;
pub(crate) mod relevance;
pub(crate) mod reuse;
mod table;
pub(crate) mod visualize;

use std::path::{Path, PathBuf};

use manifest::Manifest;

use crate::Error;

/// A run folder's tables.
pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) patches: Vec<patches::Patch>,
    pub(crate) problems: Vec<patches::Problem>,
    /// In the manifest's order, but for a sweep's, which `reuse` tells of; `manifest.networks` is emptied into it.
    pub(crate) networks: Vec<networks::Network>,
    pub(crate) channels: Vec<visualize::Channel>,
    pub(crate) maps: Vec<attention::Map>,
    pub(crate) compared: Vec<comparison::Compared>,
    pub(crate) slopes: Vec<comparison::Slope>,
    pub(crate) judged: judged::Judged,
    pub(crate) fits: Vec<concepts::Fit>,
    pub(crate) relevance: Vec<relevance::Relevance>,
    pub(crate) controls: Vec<controls::Control>,
    pub(crate) classes: Vec<decoded::Classes>,
    pub(crate) centres: Vec<decoded::Centre>,
    pub(crate) carriers: Vec<carriers::Carrier>,
    pub(crate) drift: Vec<drift::Drift>,
    /// Drift on natural-like images.
    pub(crate) natural: Vec<drift::Drift>,
    pub(crate) filters: Vec<filters::Filter>,
    pub(crate) reuse: reuse::Reuse,
    pub(crate) measures: Vec<measures::Measure>,
}

impl Run {
    /// Reads every table of `folder`.
    ///
    /// # Errors
    /// [`Error::NotARun`] without a manifest; [`Error::Read`], [`Error::Json`],
    /// [`Error::Line`], [`Error::NoColumn`] or [`Error::Cell`] for a file that is there but
    /// broken.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let mut manifest: Manifest =
            json(&folder.join("manifest.json"))?.ok_or_else(|| Error::NotARun {
                path: folder.to_path_buf(),
            })?;
        let networks = std::mem::take(&mut manifest.networks)
            .into_iter()
            .filter(|about| !about.swept)
            .map(|about| {
                let below = folder.join("networks").join(&about.name);
                networks::network(&below, about)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            patches: patches::patches(&folder.join("patches.csv"))?,
            problems: patches::problems(&folder.join("problems.csv"))?,
            networks,
            channels: visualize::channels(&folder.join("visualize/channels.csv"))?,
            maps: attention::maps(&folder.join("attention/attention.csv"))?,
            compared: comparison::compared(&folder.join("visualize/comparison.csv"))?,
            slopes: comparison::slopes(&folder.join("visualize/comparison_slopes.csv"))?,
            judged: judged::judged(&folder.join("attention"))?,
            fits: concepts::fits(&folder.join("concepts/r2.csv"))?,
            controls: controls::controls(&folder.join("concepts/controls.csv"))?,
            classes: decoded::classes(&folder.join("concepts/classes.csv"))?,
            centres: decoded::centres(&folder.join("concepts/centre.csv"))?,
            carriers: carriers::carriers(&folder.join("concepts/carriers.csv"))?,
            drift: drift::drift(&folder.join("drift/drift.csv"))?,
            natural: drift::drift(&folder.join("drift/natural.csv"))?,
            filters: filters::filters(&folder.join("drift/filters.csv"))?,
            reuse: reuse::reuse(&folder.join("reuse"))?,
            measures: measures::measures(&folder.join("concepts/measures.csv"))?,
            relevance: relevance::relevance(&folder.join("concepts/relevance.csv"))?,
            folder: folder.to_path_buf(),
            manifest,
        })
    }

    /// A class's name.
    pub(crate) fn class(&self, label: Option<usize>) -> String {
        match label {
            None => "unknown".to_owned(),
            Some(index) => match self.manifest.classes.get(index) {
                Some(name) => name.clone(),
                None => format!("class {index}"),
            },
        }
    }

    /// The class whose probability is reported.
    pub(crate) fn positive(&self) -> &str {
        match self.manifest.positive.as_str() {
            "" => self.manifest.classes.last().map_or("positive", |c| c),
            named => named,
        }
    }

    /// A network's place in the manifest, which decides its colour everywhere; those the
    /// manifest does not know come after.
    pub(crate) fn place(&self, network: &str) -> usize {
        self.networks
            .iter()
            .position(|n| n.about.name == network)
            .unwrap_or(self.networks.len())
    }

    /// The networks named in `names`, each once, in the manifest's order.
    pub(crate) fn ordered<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let mut found = first_seen(names);
        found.sort_by_key(|name| self.place(name));
        found
    }
}

/// Two networks, as figures and sentences call a change from one to the other.
fn pair(before: &str, after: &str) -> String {
    format!("{before} \u{2192} {after}")
}

/// Each value once, in order of first appearance.
pub(crate) fn first_seen<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

/// Reads a JSON file; `None` where it does not exist.
fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| Error::Json {
                path: path.to_path_buf(),
                source,
            }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read {
            path: path.to_path_buf(),
            source,
        }),
    }
}
