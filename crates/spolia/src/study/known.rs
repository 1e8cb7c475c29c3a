//! Names that a study may use and that other crates define: layers and measures.

use spolia_measure::Measure;

/// Layers and measures that this version knows.
pub struct Known {
    /// Layer names, in order of depth: the stages that are images of channels.
    pub layers: Vec<&'static str>,
    /// Measure names.
    pub measures: Vec<&'static str>,
}

impl Known {
    /// What this version knows.
    pub fn new() -> Self {
        let stages = spolia_network::STAGES.into_iter();
        Known {
            layers: stages
                .filter(|stage| !matches!(*stage, "pool" | "logits"))
                .collect(),
            measures: Measure::ALL.iter().map(|measure| measure.name()).collect(),
        }
    }

    /// A layer's own name from its name or an alias (`mixed0`, `mixed5b`).
    pub fn layer(&self, name: &str) -> Option<&'static str> {
        spolia_network::stage_name(name).filter(|stage| self.layers.contains(stage))
    }
}

impl Default for Known {
    fn default() -> Self {
        Known::new()
    }
}
