//! DenseNet-121 (Huang et al. 2017, "Densely Connected Convolutional Networks", table 1) as torchvision has it.
//!
//! A dense block is one stage: inside of it there is no single activation, since every layer reads all those before.

use super::{batch_norm, conv, named, plain, pooled_head};
use crate::{
    Convention,
    graph::{Network, Op, Window},
    normalisation::Normalisation,
};

/// The stage names, in order; `classifier` is there only where the network has a classification layer.
const STAGES: [&str; 12] = [
    "conv0",
    "pool0",
    "denseblock1",
    "transition1",
    "denseblock2",
    "transition2",
    "denseblock3",
    "transition3",
    "denseblock4",
    "norm5",
    "avgpool",
    "classifier",
];

pub(super) const HEAD: &str = "classifier";

/// torchvision's names, with or without `features.`; `pool` and `logits` are `avgpool` and `classifier`.
fn stage_name(name: &str) -> Option<&'static str> {
    let name = plain(name);
    let wanted = match name.strip_prefix("features").unwrap_or(&name) {
        "pool" => "avgpool",
        "logits" => "classifier",
        other => other,
    };
    STAGES.into_iter().find(|s| plain(s) == wanted)
}

/// Channels that a layer adds ("growth rate").
const GROWTH: usize = 32;

/// A layer of a dense block ("bottleneck layer"): batch norm, ReLU, 1 x 1; batch norm, ReLU, 3 x 3.
fn layer(name: &str, inputs: usize) -> Vec<Op> {
    let narrow = 4 * GROWTH;
    vec![
        Op::NormRelu(batch_norm(format!("{name}.norm1"), inputs)),
        Op::Conv(conv(
            format!("{name}.conv1"),
            Some(format!("{name}.norm2")),
            [inputs, narrow],
            1,
            1,
        )),
        Op::Conv(conv(format!("{name}.conv2"), None, [narrow, GROWTH], 3, 1)),
    ]
}

/// Half the channels, half the side.
fn transition(name: &str, inputs: usize) -> Vec<Op> {
    vec![
        Op::NormRelu(batch_norm(format!("{name}.norm"), inputs)),
        Op::Conv(conv(
            format!("{name}.conv"),
            None,
            [inputs, inputs / 2],
            1,
            1,
        )),
        Op::AveragePool {
            window: Window {
                size: 2,
                stride: 2,
                padding: 0,
                partial: false,
            },
            count_padding: true,
        },
    ]
}

/// DenseNet-121; `outputs` logits after the global average, or none.
pub(super) fn densenet121(convention: Convention, outputs: Option<usize>) -> Network {
    let norm = Some("features.norm0".into());
    let mut ops = vec![
        vec![Op::Conv(conv("features.conv0".into(), norm, [3, 64], 7, 2))],
        vec![Op::MaxPool(Window {
            size: 3,
            stride: 2,
            padding: 1,
            partial: false,
        })],
    ];
    let mut channels = 64;
    for (block, layers) in [6, 12, 24, 16].into_iter().enumerate() {
        let block = block + 1;
        let paths = (0..layers)
            .map(|k| {
                let name = format!("features.denseblock{block}.denselayer{}", k + 1);
                layer(&name, channels + k * GROWTH)
            })
            .collect();
        ops.push(vec![Op::Dense(paths)]);
        channels += layers * GROWTH;
        if block < 4 {
            ops.push(transition(&format!("features.transition{block}"), channels));
            channels /= 2;
        }
    }
    ops.push(vec![Op::NormRelu(batch_norm(
        "features.norm5".into(),
        channels,
    ))]);
    ops.extend(pooled_head(HEAD, channels, outputs));
    Network {
        architecture: "densenet121",
        convention,
        stages: named(&STAGES, ops),
        least_side: 32,
        resolve: stage_name,
        normalisation: Normalisation::IMAGENET,
        head: HEAD,
        outputs,
    }
}
