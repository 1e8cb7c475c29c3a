//! Names that a study may use and that other crates define: layers and measures.

use spolia_measure::Measure;
use spolia_network::{ARCHITECTURES, Network, architecture, conventions};

/// Layers and measures that this version knows.
pub struct Known {
    /// Layer names of all architectures, each in order of depth: the stages that are images of channels.
    pub layers: Vec<&'static str>,
    /// Measure names.
    pub measures: Vec<&'static str>,
}

impl Known {
    /// What this version knows.
    pub fn new() -> Self {
        let stages = networks().flat_map(|network| {
            let inner = network
                .stages()
                .filter(|(id, _)| network.receptive_fields(*id).is_some());
            inner.map(|(_, stage)| stage.name).collect::<Vec<_>>()
        });
        let mut layers: Vec<&'static str> = Vec::new();
        for stage in stages {
            if !layers.contains(&stage) {
                layers.push(stage);
            }
        }
        Known {
            layers,
            measures: Measure::ALL.iter().map(|measure| measure.name()).collect(),
        }
    }

    /// A layer's own name from its name or an alias (`mixed0`, `mixed5b`).
    pub fn layer(&self, name: &str) -> Option<&'static str> {
        let mut found =
            networks().filter_map(|network| Some(network.name(network.stage(name).ok()?)));
        found.find(|stage| self.layers.contains(stage))
    }
}

/// Every architecture, InceptionV3 first.
fn networks() -> impl Iterator<Item = Network> {
    ARCHITECTURES.into_iter().filter_map(|name| {
        let convention = *conventions(name).ok()?.first()?;
        architecture(name, convention, None).ok()
    })
}

impl Default for Known {
    fn default() -> Self {
        Known::new()
    }
}
