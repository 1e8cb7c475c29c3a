//! The architectures, a file each, and the one entry to them by name.

mod densenet121;
mod inception_v3;
mod resnet50;
mod squeezenet1_1;

pub use inception_v3::{STAGES, inception_v3, stage_name};
pub(crate) use squeezenet1_1::from_caffe;

use crate::{
    Convention, Error, Network,
    graph::{BatchNorm, Conv, Op, Stage},
};

/// The names of all architectures.
pub const ARCHITECTURES: [&str; 4] = ["inception_v3", "resnet50", "densenet121", "squeezenet1_1"];

/// An architecture by name.
struct Known {
    name: &'static str,
    conventions: &'static [Convention],
    build: fn(Convention, Option<usize>) -> Network,
    /// Parameters that only this architecture has.
    signs: &'static [&'static str],
    head: &'static str,
}

/// In the order of [`ARCHITECTURES`].
const KNOWN: [Known; 4] = [
    Known {
        name: ARCHITECTURES[0],
        conventions: &[Convention::Keras, Convention::Torchvision],
        build: inception_v3,
        signs: &["Conv2d_1a_3x3.conv.weight"],
        head: inception_v3::HEAD,
    },
    Known {
        name: ARCHITECTURES[1],
        conventions: &[Convention::Torchvision],
        build: resnet50::resnet50,
        // ResNet-34 has the second, ResNet-101 has it too but goes on to layer3.22.
        signs: &["layer1.0.conv3.weight", "layer3.5.conv1.weight"],
        head: resnet50::HEAD,
    },
    Known {
        name: ARCHITECTURES[2],
        conventions: &[Convention::Torchvision],
        build: densenet121::densenet121,
        signs: &["features.denseblock1.denselayer1.conv1.weight"],
        head: densenet121::HEAD,
    },
    Known {
        name: ARCHITECTURES[3],
        conventions: &[Convention::Torchvision, Convention::Caffe],
        build: squeezenet1_1::squeezenet1_1,
        signs: &["features.3.squeeze.weight"],
        head: squeezenet1_1::HEAD,
    },
];

fn known(name: &str) -> Result<&'static Known, Error> {
    KNOWN
        .iter()
        .find(|known| known.name == name)
        .ok_or_else(|| Error::UnknownArchitecture {
            name: name.into(),
            known: ARCHITECTURES.join(", "),
        })
}

/// Stages of these names; names beyond the operations are those of a classification layer that is not there.
fn named(names: &[&'static str], ops: Vec<Vec<Op>>) -> Vec<Stage> {
    let stages = names.iter().zip(ops);
    stages.map(|(&name, ops)| Stage { name, ops }).collect()
}

/// The network of that architecture with `classes` logits, or without a classification layer.
///
/// # Errors
/// [`Error::UnknownArchitecture`], which lists the names; [`Error::ConventionOfArchitecture`] where weights of it do not
/// come in that convention.
pub fn architecture(
    name: &str,
    convention: Convention,
    classes: Option<usize>,
) -> Result<Network, Error> {
    let known = known(name)?;
    if !known.conventions.contains(&convention) {
        return Err(Error::ConventionOfArchitecture {
            architecture: known.name.into(),
            convention,
            known: known
                .conventions
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        });
    }
    Ok((known.build)(convention, classes))
}

/// The conventions in which weights of an architecture come.
///
/// # Errors
/// [`Error::UnknownArchitecture`].
pub fn conventions(name: &str) -> Result<&'static [Convention], Error> {
    Ok(known(name)?.conventions)
}

/// The architecture whose parameters these are.
pub(crate) fn recognise(has: impl Fn(&str) -> bool) -> Option<&'static str> {
    KNOWN
        .iter()
        .find(|known| known.signs.iter().all(|sign| has(sign)))
        .map(|known| known.name)
}

/// Parameter prefixes of the classification layers.
pub(crate) fn heads() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.head)
}

/// A stage name without what does not matter in it: case, underscores, points.
fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "")
}

/// A square convolution that keeps the size where its stride is 1, with the batch norm of that name behind it.
fn conv(name: String, norm: Option<String>, io: [usize; 2], side: usize, stride: usize) -> Conv {
    Conv {
        name,
        inputs: io[0],
        outputs: io[1],
        kernel: [side; 2],
        stride,
        padding: [side / 2; 2],
        bias: false,
        relu: norm.is_some(),
        norm: norm.map(|name| batch_norm(name, io[1])),
    }
}

/// Batch norm as torchvision has it.
fn batch_norm(name: String, channels: usize) -> BatchNorm {
    BatchNorm {
        name,
        channels,
        epsilon: 1e-5,
    }
}

/// The global average and, where asked for, the linear layer behind it.
fn pooled_head(name: &str, inputs: usize, outputs: Option<usize>) -> Vec<Vec<Op>> {
    let linear = outputs.map(|outputs| {
        vec![Op::Linear {
            name: name.into(),
            inputs,
            outputs,
        }]
    });
    [vec![Op::GlobalAverage]]
        .into_iter()
        .chain(linear)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stages_and_parameter_counts() {
        // Parameters of torchvision's models with 1000 classes, and running statistics.
        let expected = [
            ("resnet50", 25_557_032, 53_120),
            ("densenet121", 7_978_856, 83_648),
            ("squeezenet1_1", 1_235_496, 0),
        ];
        for (name, parameters, statistics) in expected {
            let network = architecture(name, Convention::Torchvision, Some(1000)).unwrap();
            let all = network.parameters();
            let count = |running: bool| -> usize {
                all.iter()
                    .filter(|(n, _)| n.contains(".running_") == running)
                    .map(|(_, s)| s.iter().product::<usize>())
                    .sum()
            };
            assert_eq!(
                (count(false), count(true)),
                (parameters, statistics),
                "{name}"
            );
            assert_eq!(network.channels(network.last()), 1000, "{name}");
            assert!(all.iter().any(|(n, _)| network.is_head(n)), "{name}");
            assert_eq!(
                recognise(|sign| all.iter().any(|(n, _)| n == sign)),
                Some(name)
            );
            for (id, stage) in network.stages() {
                assert_eq!(network.stage(stage.name).unwrap(), id, "{name}");
            }
            let bare = architecture(name, Convention::Torchvision, None).unwrap();
            assert_eq!(bare.outputs(), 0);
            assert!(!bare.parameters().iter().any(|(n, _)| bare.is_head(n)));
            assert_eq!(
                bare.name(bare.stage("pool").unwrap()),
                bare.name(bare.last())
            );
        }
    }

    #[test]
    fn widths_and_aliases() {
        let expected = [
            ("resnet50", "conv1", "conv1", 64),
            ("resnet50", "layer1", "layer1.2", 256),
            ("resnet50", "LAYER3_5", "layer3.5", 1024),
            ("resnet50", "logits", "fc", 2),
            ("densenet121", "denseblock3", "denseblock3", 1024),
            ("densenet121", "features.transition3", "transition3", 512),
            ("densenet121", "norm5", "norm5", 1024),
            ("densenet121", "logits", "classifier", 2),
            ("squeezenet1_1", "features.0", "conv1", 64),
            ("squeezenet1_1", "features.12", "fire9", 512),
            ("squeezenet1_1", "Fire_4", "fire4", 256),
            ("squeezenet1_1", "logits", "avgpool", 2),
        ];
        for (name, written, meant, channels) in expected {
            let network = architecture(name, Convention::Torchvision, Some(2)).unwrap();
            let stage = network.stage(written).unwrap();
            assert_eq!(
                (network.name(stage), network.channels(stage)),
                (meant, channels)
            );
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        let error = architecture("vgg16", Convention::Keras, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no architecture `vgg16`; there are inception_v3, resnet50, densenet121, squeezenet1_1"
        );
        let error = architecture("resnet50", Convention::Keras, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "weights of resnet50 do not come in the convention `keras`; known are torchvision"
        );
        assert_eq!(conventions("squeezenet1_1").unwrap().len(), 2);
    }
}
