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

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use pull::{Checksum, SOURCES, Source};
pub use starter::{starter, starter_path};

use crate::{Convention, Error, Network, StageId};

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
    /// `inception_v3`.
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
    /// Outputs of the classification layer `fc`, if there is one.
    #[must_use]
    pub fn outputs(&self) -> Option<usize> {
        self.tensors
            .get("fc.weight")
            .and_then(|t| t.shape.first().copied())
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
            if name.starts_with("fc.") {
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
