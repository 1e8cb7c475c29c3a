//! One set of names for all sources: torchvision's.

use std::collections::BTreeMap;

use super::WeightTensor;
use crate::architectures::from_caffe;

/// What wrappers put before every name: DataParallel, `torch.compile`, and a module that holds the network.
const PREFIXES: [&str; 4] = ["module.", "_orig_mod.", "model.", "backbone."];

/// The classification layer's names in other ports of the networks.
const HEADS: [&str; 2] = ["last_linear.", "classif."];

/// The same tensors under torchvision's names.
///
/// A prefix that all names share is taken off; the classification layer gets its name in torchvision; the auxiliary
/// classifier (`AuxLogits`) and batch norm's counters are left out, since nothing here uses them. DenseNet's names from
/// before torchvision 0.2 (`denselayer1.norm.1`) and SqueezeNet's in Caffe (`fire2.squeeze1x1`) are brought up to date.
pub(super) fn torchvision<T>(named: impl IntoIterator<Item = (String, T)>) -> BTreeMap<String, T> {
    let mut named: Vec<(String, T)> = named.into_iter().collect();
    while let Some(prefix) = PREFIXES
        .iter()
        .find(|p| !named.is_empty() && named.iter().all(|(n, _)| n.starts_with(**p)))
    {
        for (name, _) in &mut named {
            name.drain(..prefix.len());
        }
    }
    if is_caffe(named.iter().map(|(name, _)| name.as_str())) {
        for (name, _) in &mut named {
            *name = from_caffe(name).unwrap_or_else(|| std::mem::take(name));
        }
    }
    let dense = |name: &str| name.starts_with("features.denseblock");
    let head = if named.iter().any(|(name, _)| dense(name)) {
        "classifier"
    } else {
        "fc"
    };
    let has_head = named
        .iter()
        .any(|(name, _)| name.strip_prefix(head).is_some_and(|r| r.starts_with('.')));
    for (name, _) in &mut named {
        if dense(name) {
            for part in ["norm", "conv"] {
                *name = name.replace(&format!(".{part}."), &format!(".{part}"));
            }
        } else if !has_head && let Some(rest) = HEADS.iter().find_map(|h| name.strip_prefix(h)) {
            *name = format!("{head}.{rest}");
        }
    }
    named
        .into_iter()
        .filter(|(name, _)| {
            !name.starts_with("AuxLogits.") && !name.ends_with("num_batches_tracked")
        })
        .collect()
}

/// Are these SqueezeNet's names in Caffe?
pub(super) fn is_caffe<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| name.ends_with(".squeeze1x1.weight"))
}

/// Batch norm's scale of 1 where a source has none at all, as Keras's InceptionV3 (`scale=False`). Where some layers
/// have one and others don't, nothing is added: there the file is incomplete.
pub(super) fn add_unit_scales(tensors: &mut BTreeMap<String, WeightTensor>) {
    if tensors.keys().any(|name| name.ends_with(".bn.weight")) {
        return;
    }
    let scales: Vec<_> = tensors
        .iter()
        .filter_map(|(name, tensor)| {
            let layer = name.strip_suffix(".bn.running_var")?;
            let ones = WeightTensor {
                shape: tensor.shape.clone(),
                data: vec![1.0; tensor.data.len()],
            };
            Some((format!("{layer}.bn.weight"), ones))
        })
        .collect();
    tensors.extend(scales);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(names: &[&str]) -> Vec<String> {
        torchvision(names.iter().map(|&n| (n.to_owned(), ())))
            .into_keys()
            .collect()
    }

    #[test]
    fn prefixes_heads_and_the_unused() {
        let wrapped = [
            "module.model.fc.bias",
            "module.model.Mixed_5b.branch1x1.conv.weight",
        ];
        assert_eq!(
            renamed(&wrapped),
            ["Mixed_5b.branch1x1.conv.weight", "fc.bias"]
        );
        assert_eq!(
            renamed(&["last_linear.weight", "a.weight"]),
            ["a.weight", "fc.weight"]
        );
        assert_eq!(
            renamed(&["fc.weight", "last_linear.weight"]),
            ["fc.weight", "last_linear.weight"]
        );
        assert_eq!(
            renamed(&[
                "AuxLogits.fc.weight",
                "a.bn.num_batches_tracked",
                "a.bn.bias"
            ]),
            ["a.bn.bias"]
        );
        // DenseNet's old names, and its classification layer's.
        assert_eq!(
            renamed(&[
                "features.denseblock1.denselayer2.norm.1.weight",
                "features.denseblock1.denselayer2.conv.2.weight",
                "features.denseblock1.denselayer2.norm2.bias",
                "features.transition1.norm.weight",
                "last_linear.weight"
            ]),
            [
                "classifier.weight",
                "features.denseblock1.denselayer2.conv2.weight",
                "features.denseblock1.denselayer2.norm1.weight",
                "features.denseblock1.denselayer2.norm2.bias",
                "features.transition1.norm.weight"
            ]
        );
        assert_eq!(
            renamed(&[
                "conv1.bias",
                "fire9.squeeze1x1.weight",
                "fire9.expand3x3.bias",
                "conv10.weight"
            ]),
            [
                "classifier.1.weight",
                "features.0.bias",
                "features.12.expand3x3.bias",
                "features.12.squeeze.weight"
            ]
        );
        // A prefix that only some have belongs to their names.
        assert_eq!(renamed(&["model.a", "b"]), ["b", "model.a"]);
        assert!(renamed(&[]).is_empty());
    }

    #[test]
    fn scales_of_one_only_where_none_is_given() {
        let tensor = |v| WeightTensor {
            shape: vec![2],
            data: vec![v; 2],
        };
        let mut none = BTreeMap::from([("a.bn.running_var".to_owned(), tensor(3.0))]);
        add_unit_scales(&mut none);
        assert_eq!(none["a.bn.weight"], tensor(1.0));
        let mut some = BTreeMap::from([
            ("a.bn.running_var".to_owned(), tensor(3.0)),
            ("b.bn.running_var".to_owned(), tensor(3.0)),
            ("b.bn.weight".to_owned(), tensor(2.0)),
        ]);
        add_unit_scales(&mut some);
        assert!(!some.contains_key("a.bn.weight"));
    }
}
