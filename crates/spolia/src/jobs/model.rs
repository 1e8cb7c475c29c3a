//! A weights file with the graph that it belongs to.

use std::path::Path;

use miette::IntoDiagnostic;
use spolia_network::{Convention, Cut, Frozen, Network, StageId, Weights};

/// A network with its numbers.
pub struct Model {
    /// The graph.
    pub network: Network,
    /// The numbers.
    pub weights: Weights,
}

impl Model {
    /// The graph for these weights, checked against them.
    ///
    /// # Errors
    /// The convention is not known, or a tensor is missing, of a wrong shape or not finite.
    pub fn new(mut weights: Weights, convention: Option<Convention>) -> miette::Result<Self> {
        let network = weights.network(convention).into_diagnostic()?;
        weights.metadata.convention = Some(network.convention());
        weights.check(&network).into_diagnostic()?;
        Ok(Model { network, weights })
    }

    /// From a file.
    ///
    /// # Errors
    /// As [`Model::new`]; the file cannot be read.
    pub fn load(file: &Path, convention: Option<Convention>) -> miette::Result<Self> {
        Self::new(
            Weights::load(file, convention).into_diagnostic()?,
            convention,
        )
    }

    /// A cut of it, ready to run.
    ///
    /// # Errors
    /// A parameter of the cut is unsound.
    pub fn frozen(&self, cut: Cut) -> miette::Result<Box<dyn Frozen>> {
        crate::engine::chosen()
            .frozen(&self.network, &self.weights, cut)
            .into_diagnostic()
    }

    /// The stages of these names.
    ///
    /// # Errors
    /// A name is none of the network's layers.
    pub fn stages(&self, names: &[impl AsRef<str>]) -> miette::Result<Vec<StageId>> {
        names
            .iter()
            .map(|name| self.network.stage(name.as_ref()).into_diagnostic())
            .collect()
    }

    /// How many logits it has.
    ///
    /// # Errors
    /// The weights have no classification layer.
    pub fn logits(&self) -> miette::Result<usize> {
        match self.network.outputs() {
            0 => Err(spolia_network::Error::NoHead {
                file: self.weights.source.clone(),
            })
            .into_diagnostic(),
            logits => Ok(logits),
        }
    }

    /// The stage of the logit.
    ///
    /// # Errors
    /// The weights have no classification layer, or one of several classes.
    pub fn logit(&self) -> miette::Result<StageId> {
        match self.logits()? {
            1 => Ok(self.network.last()),
            many => Err(crate::context::Wrong::usage(format!(
                "{}: {many} classes; this needs a network with one logit (normal or tumour): finetune it with `spolia train`",
                self.weights.source
            ))),
        }
    }
}
