//! SqueezeNet 1.1 (Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters"; 1.1 is its
//! authors' faster revision): no batch norm, biases everywhere, a convolution instead of a linear layer.

use super::{conv, plain};
use crate::{
    Convention,
    graph::{Conv, Network, Op, Stage, Window},
    normalisation::Normalisation,
};

/// The stage names, in order, and torchvision's; without a classification layer there is no `conv10`.
const STAGES: [(&str, &str); 14] = [
    ("conv1", "features.0"),
    ("maxpool1", "features.2"),
    ("fire2", "features.3"),
    ("fire3", "features.4"),
    ("maxpool3", "features.5"),
    ("fire4", "features.6"),
    ("fire5", "features.7"),
    ("maxpool5", "features.8"),
    ("fire6", "features.9"),
    ("fire7", "features.10"),
    ("fire8", "features.11"),
    ("fire9", "features.12"),
    ("conv10", HEAD),
    ("avgpool", "classifier.3"),
];

pub(super) const HEAD: &str = "classifier.1";

/// The paper's names and torchvision's; `pool` and `logits` are `avgpool`.
fn stage_name(name: &str) -> Option<&'static str> {
    let wanted = match plain(name).as_str() {
        "pool" | "logits" => "avgpool".into(),
        other => other.to_owned(),
    };
    STAGES
        .into_iter()
        .find(|(own, torchvision)| plain(own) == wanted || plain(torchvision) == wanted)
        .map(|(own, _)| own)
}

/// Caffe's names of the parameters, which are the stages', and ours.
pub(crate) fn from_caffe(parameter: &str) -> Option<String> {
    let (stage, rest) = parameter.split_once('.')?;
    let (_, torchvision) = STAGES.into_iter().find(|(own, _)| *own == stage)?;
    let rest = match rest.split_once('.') {
        Some(("squeeze1x1", part)) => format!("squeeze.{part}"),
        _ => rest.to_owned(),
    };
    Some(format!("{torchvision}.{rest}"))
}

fn biased(name: String, io: [usize; 2], side: usize) -> Conv {
    Conv {
        bias: true,
        relu: true,
        ..conv(name, None, io, side, 1)
    }
}

/// Squeeze to few channels, then expand by 1 x 1 and 3 x 3 (figure 1).
fn fire(name: &str, inputs: usize, squeeze: usize, expand: usize) -> Vec<Op> {
    let expanded = |side: usize| {
        let name = format!("{name}.expand{side}x{side}");
        vec![Op::Conv(biased(name, [squeeze, expand], side))]
    };
    vec![
        Op::Conv(biased(format!("{name}.squeeze"), [inputs, squeeze], 1)),
        Op::Concat(vec![expanded(1), expanded(3)]),
    ]
}

/// SqueezeNet 1.1; `outputs` logits, or none. The logits are the mean over `conv10`'s positions. torchvision's and
/// Caffe's `conv10` ends with a ReLU; a single logit must be able to fall below 0, so there it has none.
pub(super) fn squeezenet1_1(convention: Convention, outputs: Option<usize>) -> Network {
    let pool = || {
        vec![Op::MaxPool(Window {
            size: 3,
            stride: 2,
            padding: 0,
            partial: true,
        })]
    };
    let ops = |stage: &str, torchvision: &str| match stage {
        "conv1" => vec![Op::Conv(Conv {
            stride: 2,
            padding: [0; 2],
            ..biased(torchvision.into(), [3, 64], 3)
        })],
        "fire2" => fire(torchvision, 64, 16, 64),
        "fire3" => fire(torchvision, 128, 16, 64),
        "fire4" => fire(torchvision, 128, 32, 128),
        "fire5" => fire(torchvision, 256, 32, 128),
        "fire6" => fire(torchvision, 256, 48, 192),
        "fire7" => fire(torchvision, 384, 48, 192),
        "fire8" => fire(torchvision, 384, 64, 256),
        "fire9" => fire(torchvision, 512, 64, 256),
        "conv10" => vec![Op::Conv(Conv {
            relu: outputs != Some(1),
            ..biased(torchvision.into(), [512, outputs.unwrap_or(0)], 1)
        })],
        "avgpool" => vec![Op::GlobalAverage],
        _ => pool(),
    };
    Network {
        architecture: "squeezenet1_1",
        convention,
        stages: STAGES
            .into_iter()
            .filter(|(name, _)| outputs.is_some() || *name != "conv10")
            .map(|(name, torchvision)| Stage {
                name,
                ops: ops(name, torchvision),
            })
            .collect(),
        least_side: 32,
        resolve: stage_name,
        normalisation: match convention {
            Convention::Caffe => Normalisation::CAFFE,
            _ => Normalisation::IMAGENET,
        },
        head: HEAD,
        outputs,
    }
}
