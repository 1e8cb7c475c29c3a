//! Parameters under torchvision's names, in PyTorch's axis order, with where they come from.

mod atomic;
mod element;
mod format;
mod keras;
mod names;
mod pull;
mod pytorch;
mod safetensors;
mod starter;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use pull::{Checksum, SOURCES, Source};
pub use starter::{starter, starter_path};

use crate::{
    ARCHITECTURES, Convention, Error, Network, StageId, architecture,
    architectures::{conventions, heads, recognise},
};

/// One parameter or statistic.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightTensor {
    /// PyTorch's shape: O I H W for a convolution, outputs x inputs for a linear layer, C for batch norm.
    pub shape: Vec<usize>,
    /// Values, last axis fastest.
    pub data: Vec<f32>,
}

/// What is known about a set of weights; kept in the file's header.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// One of [`ARCHITECTURES`].
    pub architecture: Option<String>,
    /// What the numbers mean.
    pub convention: Option<Convention>,
    /// Class names in label order; empty without a classification layer.
    pub classes: Vec<String>,
    /// How they came to be, oldest first: one sentence each (pretraining, finetuning, conversion).
    pub history: Vec<String>,
    /// What in them is ImageNet and what is not.
    pub provenance: Option<String>,
    /// Licence of the weights.
    pub license: Option<String>,
}

/// A set of weights and their story.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// By torchvision's parameter name.
    pub tensors: BTreeMap<String, WeightTensor>,
    /// Their story.
    pub metadata: Metadata,
    /// Where they came from (a file name), for messages.
    pub source: String,
}

impl Weights {
    /// Outputs of the classification layer, if there is one.
    #[must_use]
    pub fn outputs(&self) -> Option<usize> {
        heads()
            .find_map(|head| self.tensors.get(&format!("{head}.weight")))
            .and_then(|t| t.shape.first().copied())
    }

    /// Of which architecture they are: by the metadata, else by the names of the tensors.
    ///
    /// # Errors
    /// [`Error::NoArchitecture`] where neither says it.
    pub fn architecture(&self) -> Result<&str, Error> {
        self.metadata
            .architecture
            .as_deref()
            .or_else(|| recognise(|name| self.tensors.contains_key(name)))
            .ok_or_else(|| Error::NoArchitecture {
                file: self.source.clone(),
                known: ARCHITECTURES.join(", "),
            })
    }

    /// The network that they belong to. Its convention is `given`, else the metadata's, else the only one in which
    /// weights of the architecture come.
    ///
    /// # Errors
    /// [`Error::NoArchitecture`], [`Error::UnknownArchitecture`], [`Error::NoConvention`] or
    /// [`Error::ConventionOfArchitecture`]. Nothing is said about the tensors yet: see [`Weights::check`].
    pub fn network(&self, given: Option<Convention>) -> Result<Network, Error> {
        let name = self.architecture()?;
        let convention = match conventions(name)? {
            [only] => given.or(self.metadata.convention).unwrap_or(*only),
            _ => self.convention_or(given)?,
        };
        architecture(name, convention, self.outputs())
    }

    /// [`Weights::check`], and are there no others?
    ///
    /// # Errors
    /// As [`Weights::check`]; [`Error::UnexpectedTensor`], naming the first.
    pub fn check_exact(&self, network: &Network) -> Result<(), Error> {
        self.check(network)?;
        let known: BTreeSet<String> = network.parameters().into_iter().map(|p| p.0).collect();
        let mut others = self.tensors.keys().filter(|name| !known.contains(*name));
        let Some(first) = others.next() else {
            return Ok(());
        };
        Err(Error::UnexpectedTensor {
            file: self.source.clone(),
            tensor: first.clone(),
            count: 1 + others.count(),
            architecture: network.architecture().into(),
        })
    }

    /// A parameter's values.
    ///
    /// # Errors
    /// [`Error::MissingTensor`].
    pub fn get(&self, name: &str) -> Result<&WeightTensor, Error> {
        self.tensors.get(name).ok_or_else(|| Error::MissingTensor {
            file: self.source.clone(),
            tensor: name.into(),
            count: 1,
            architecture: self
                .metadata
                .architecture
                .clone()
                .unwrap_or_else(|| "the network".into()),
        })
    }

    /// Their story and source, with the tensors of the stages through `last` alone.
    pub(crate) fn through(&self, network: &Network, last: Option<StageId>) -> Result<Self, Error> {
        let mut part = Self {
            metadata: self.metadata.clone(),
            source: self.source.clone(),
            ..Self::default()
        };
        for (stage, _) in network.stages().filter(|(id, _)| Some(*id) <= last) {
            for (name, _) in network.stage_parameters(stage) {
                let tensor = self.get(&name)?.clone();
                part.tensors.insert(name, tensor);
            }
        }
        Ok(part)
    }

    /// Are all of the network's parameters there, of the right shape and finite?
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`] or [`Error::NotFinite`], naming the first.
    pub fn check(&self, network: &Network) -> Result<(), Error> {
        self.check_stages(network, None, network.last())
    }

    /// [`Weights::check`] for the stages behind `from` (all, where `None`) through `to`.
    ///
    /// # Errors
    /// As [`Weights::check`].
    pub fn check_stages(
        &self,
        network: &Network,
        from: Option<StageId>,
        to: StageId,
    ) -> Result<(), Error> {
        let wanted: Vec<_> = network
            .stages()
            .filter(|(id, _)| from.is_none_or(|from| *id > from) && *id <= to)
            .flat_map(|(id, _)| network.stage_parameters(id))
            .collect();
        let missing: Vec<_> = wanted
            .iter()
            .filter(|(name, _)| !self.tensors.contains_key(name))
            .collect();
        if let Some((name, _)) = missing.first() {
            if network.is_head(name) {
                return Err(Error::NoHead {
                    file: self.source.clone(),
                });
            }
            return Err(Error::MissingTensor {
                file: self.source.clone(),
                tensor: name.clone(),
                count: missing.len(),
                architecture: network.architecture().into(),
            });
        }
        for (name, shape) in &wanted {
            let tensor = &self.tensors[name];
            if &tensor.shape != shape || tensor.data.len() != shape.iter().product::<usize>() {
                return Err(Error::TensorShape {
                    file: self.source.clone(),
                    tensor: name.clone(),
                    expected: shape.clone(),
                    got: tensor.shape.clone(),
                    architecture: network.architecture().into(),
                });
            }
            if let Some(position) = tensor.data.iter().position(|v| !v.is_finite()) {
                return Err(Error::NotFinite {
                    file: self.source.clone(),
                    tensor: name.clone(),
                    position,
                    value: tensor.data[position],
                });
            }
        }
        Ok(())
    }
}
