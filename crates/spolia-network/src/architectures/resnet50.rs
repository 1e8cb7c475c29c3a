//! ResNet-50 (He et al. 2016, "Deep Residual Learning for Image Recognition", table 1) as torchvision has it: the
//! stride lies in a block's 3 x 3 convolution ("v1.5").

use super::{conv, named, plain, pooled_head};
use crate::{
    Convention,
    graph::{Network, Op, Window},
    normalisation::Normalisation,
};

/// The stage names, in order; `fc` is there only where the network has a classification layer.
const STAGES: [&str; 20] = [
    "conv1", "maxpool", "layer1.0", "layer1.1", "layer1.2", "layer2.0", "layer2.1", "layer2.2",
    "layer2.3", "layer3.0", "layer3.1", "layer3.2", "layer3.3", "layer3.4", "layer3.5", "layer4.0",
    "layer4.1", "layer4.2", "avgpool", "fc",
];

pub(super) const HEAD: &str = "fc";

/// torchvision's names; `layer1` is its last block, `pool` and `logits` are `avgpool` and `fc`.
fn stage_name(name: &str) -> Option<&'static str> {
    let wanted = match plain(name).as_str() {
        "layer1" => "layer12".into(),
        "layer2" => "layer23".into(),
        "layer3" => "layer35".into(),
        "layer4" => "layer42".into(),
        "pool" => "avgpool".into(),
        "logits" => "fc".into(),
        other => other.to_owned(),
    };
    STAGES.into_iter().find(|s| plain(s) == wanted)
}

/// A bottleneck block (figure 5, right): 1 x 1, 3 x 3, 1 x 1, beside the input or its projection.
fn bottleneck(name: &str, inputs: usize, width: usize, stride: usize, project: bool) -> Op {
    let part = |k: usize, io, side, stride| {
        let names = (format!("{name}.conv{k}"), Some(format!("{name}.bn{k}")));
        conv(names.0, names.1, io, side, stride)
    };
    let mut last = part(3, [width, 4 * width], 1, 1);
    last.relu = false;
    let shortcut = project.then(|| {
        let names = (
            format!("{name}.downsample.0"),
            Some(format!("{name}.downsample.1")),
        );
        let mut projection = conv(names.0, names.1, [inputs, 4 * width], 1, stride);
        projection.relu = false;
        Op::Conv(projection)
    });
    Op::Residual {
        path: vec![
            Op::Conv(part(1, [inputs, width], 1, 1)),
            Op::Conv(part(2, [width, width], 3, stride)),
            Op::Conv(last),
        ],
        shortcut: shortcut.into_iter().collect(),
    }
}

/// ResNet-50; `outputs` logits after the global average, or none.
pub(super) fn resnet50(convention: Convention, outputs: Option<usize>) -> Network {
    let stem = conv("conv1".into(), Some("bn1".into()), [3, 64], 7, 2);
    let mut ops = vec![
        vec![Op::Conv(stem)],
        vec![Op::MaxPool(Window {
            size: 3,
            stride: 2,
            padding: 1,
            partial: false,
        })],
    ];
    let mut inputs = 64;
    for (layer, (width, blocks)) in [(64, 3), (128, 4), (256, 6), (512, 3)]
        .into_iter()
        .enumerate()
    {
        for block in 0..blocks {
            let stride = if layer > 0 && block == 0 { 2 } else { 1 };
            let name = format!("layer{}.{block}", layer + 1);
            ops.push(vec![bottleneck(&name, inputs, width, stride, block == 0)]);
            inputs = 4 * width;
        }
    }
    ops.extend(pooled_head(HEAD, inputs, outputs));
    Network {
        architecture: "resnet50",
        convention,
        stages: named(&STAGES, ops),
        least_side: 32,
        resolve: stage_name,
        normalisation: Normalisation::IMAGENET,
        head: HEAD,
        outputs,
    }
}
