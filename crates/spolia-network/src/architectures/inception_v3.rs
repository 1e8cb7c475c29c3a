//! InceptionV3 (Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision", table 1).

use crate::{
    Convention,
    graph::{BatchNorm, Conv, Network, Op, Stage, Window},
    normalisation::Normalisation,
};

/// The stage names, in order; `logits` is there only where the network has a classification layer.
pub const STAGES: [&str; 20] = [
    "Conv2d_1a_3x3",
    "Conv2d_2a_3x3",
    "Conv2d_2b_3x3",
    "maxpool1",
    "Conv2d_3b_1x1",
    "Conv2d_4a_3x3",
    "maxpool2",
    "Mixed_5b",
    "Mixed_5c",
    "Mixed_5d",
    "Mixed_6a",
    "Mixed_6b",
    "Mixed_6c",
    "Mixed_6d",
    "Mixed_6e",
    "Mixed_7a",
    "Mixed_7b",
    "Mixed_7c",
    "pool",
    "logits",
];

pub(super) const HEAD: &str = "fc";

/// The stage that a name means: TF-slim's, torchvision's, or Keras's `mixed0`..`mixed10`; case and underscores do not
/// matter.
#[must_use]
pub fn stage_name(name: &str) -> Option<&'static str> {
    let plain = |s: &str| s.to_ascii_lowercase().replace('_', "");
    let wanted = plain(name);
    if let Some(k) = wanted
        .strip_prefix("mixed")
        .and_then(|k| k.parse::<usize>().ok())
    {
        return STAGES[7..18].get(k).copied();
    }
    STAGES.into_iter().find(|s| plain(s) == wanted)
}

fn conv(
    stage: &str,
    branch: &str,
    io: [usize; 2],
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
) -> Op {
    let name = if branch.is_empty() {
        stage.to_owned()
    } else {
        format!("{stage}.{branch}")
    };
    Op::Conv(Conv {
        norm: Some(BatchNorm {
            name: format!("{name}.bn"),
            channels: io[1],
            epsilon: 1e-3, // in both conventions
        }),
        name: format!("{name}.conv"),
        inputs: io[0],
        outputs: io[1],
        kernel,
        stride,
        padding,
        bias: false,
        relu: true,
    })
}

/// A convolution of stride 1 that keeps the size.
fn same(stage: &str, branch: &str, io: [usize; 2], kernel: [usize; 2]) -> Op {
    conv(stage, branch, io, kernel, 1, [kernel[0] / 2, kernel[1] / 2])
}

const SHRINK: Window = Window {
    size: 3,
    stride: 2,
    padding: 0,
    partial: false,
};

/// The branch "average over 3 x 3, then 1 x 1 convolution" of every block that keeps the size.
fn pool_branch(stage: &str, io: [usize; 2], count_padding: bool) -> Vec<Op> {
    vec![
        Op::AveragePool {
            window: Window {
                size: 3,
                stride: 1,
                padding: 1,
                partial: false,
            },
            count_padding,
        },
        same(stage, "branch_pool", io, [1, 1]),
    ]
}

/// Mixed_5b, 5c, 5d (figure 5 of the paper).
fn block_5(s: &str, c: usize, pool: usize, count_padding: bool) -> Op {
    Op::Concat(vec![
        vec![same(s, "branch1x1", [c, 64], [1, 1])],
        vec![
            same(s, "branch5x5_1", [c, 48], [1, 1]),
            same(s, "branch5x5_2", [48, 64], [5, 5]),
        ],
        vec![
            same(s, "branch3x3dbl_1", [c, 64], [1, 1]),
            same(s, "branch3x3dbl_2", [64, 96], [3, 3]),
            same(s, "branch3x3dbl_3", [96, 96], [3, 3]),
        ],
        pool_branch(s, [c, pool], count_padding),
    ])
}

/// Mixed_6a: 35 x 35 to 17 x 17 (figure 10).
fn block_6a(s: &str) -> Op {
    Op::Concat(vec![
        vec![conv(s, "branch3x3", [288, 384], [3, 3], 2, [0, 0])],
        vec![
            same(s, "branch3x3dbl_1", [288, 64], [1, 1]),
            same(s, "branch3x3dbl_2", [64, 96], [3, 3]),
            conv(s, "branch3x3dbl_3", [96, 96], [3, 3], 2, [0, 0]),
        ],
        vec![Op::MaxPool(SHRINK)],
    ])
}

/// Mixed_6b..6e: 7 x 7 factorised into 1 x 7 and 7 x 1 (figure 6, n = 7).
fn block_6(s: &str, m: usize, count_padding: bool) -> Op {
    Op::Concat(vec![
        vec![same(s, "branch1x1", [768, 192], [1, 1])],
        vec![
            same(s, "branch7x7_1", [768, m], [1, 1]),
            same(s, "branch7x7_2", [m, m], [1, 7]),
            same(s, "branch7x7_3", [m, 192], [7, 1]),
        ],
        vec![
            same(s, "branch7x7dbl_1", [768, m], [1, 1]),
            same(s, "branch7x7dbl_2", [m, m], [7, 1]),
            same(s, "branch7x7dbl_3", [m, m], [1, 7]),
            same(s, "branch7x7dbl_4", [m, m], [7, 1]),
            same(s, "branch7x7dbl_5", [m, 192], [1, 7]),
        ],
        pool_branch(s, [768, 192], count_padding),
    ])
}

/// Mixed_7a: 17 x 17 to 8 x 8.
fn block_7a(s: &str) -> Op {
    Op::Concat(vec![
        vec![
            same(s, "branch3x3_1", [768, 192], [1, 1]),
            conv(s, "branch3x3_2", [192, 320], [3, 3], 2, [0, 0]),
        ],
        vec![
            same(s, "branch7x7x3_1", [768, 192], [1, 1]),
            same(s, "branch7x7x3_2", [192, 192], [1, 7]),
            same(s, "branch7x7x3_3", [192, 192], [7, 1]),
            conv(s, "branch7x7x3_4", [192, 192], [3, 3], 2, [0, 0]),
        ],
        vec![Op::MaxPool(SHRINK)],
    ])
}

/// Mixed_7b, 7c: branches that fork once more (figure 7).
fn block_7(s: &str, c: usize, count_padding: bool) -> Op {
    let fork = |prefix: &str| {
        Op::Concat(vec![
            vec![same(s, &format!("{prefix}a"), [384, 384], [1, 3])],
            vec![same(s, &format!("{prefix}b"), [384, 384], [3, 1])],
        ])
    };
    Op::Concat(vec![
        vec![same(s, "branch1x1", [c, 320], [1, 1])],
        vec![
            same(s, "branch3x3_1", [c, 384], [1, 1]),
            fork("branch3x3_2"),
        ],
        vec![
            same(s, "branch3x3dbl_1", [c, 448], [1, 1]),
            same(s, "branch3x3dbl_2", [448, 384], [3, 3]),
            fork("branch3x3dbl_3"),
        ],
        pool_branch(s, [c, 192], count_padding),
    ])
}

/// InceptionV3 without its auxiliary classifier; `outputs` logits after the global average, or none.
#[must_use]
pub fn inception_v3(convention: Convention, outputs: Option<usize>) -> Network {
    let pad = convention == Convention::Torchvision;
    let ops = |name: &'static str| match name {
        "Conv2d_1a_3x3" => vec![conv(name, "", [3, 32], [3, 3], 2, [0, 0])],
        "Conv2d_2a_3x3" => vec![conv(name, "", [32, 32], [3, 3], 1, [0, 0])],
        "Conv2d_2b_3x3" => vec![same(name, "", [32, 64], [3, 3])],
        "Conv2d_3b_1x1" => vec![same(name, "", [64, 80], [1, 1])],
        "Conv2d_4a_3x3" => vec![conv(name, "", [80, 192], [3, 3], 1, [0, 0])],
        "Mixed_5b" => vec![block_5(name, 192, 32, pad)],
        "Mixed_5c" => vec![block_5(name, 256, 64, pad)],
        "Mixed_5d" => vec![block_5(name, 288, 64, pad)],
        "Mixed_6a" => vec![block_6a(name)],
        "Mixed_6b" => vec![block_6(name, 128, pad)],
        "Mixed_6c" | "Mixed_6d" => vec![block_6(name, 160, pad)],
        "Mixed_6e" => vec![block_6(name, 192, pad)],
        "Mixed_7a" => vec![block_7a(name)],
        "Mixed_7b" => vec![block_7(name, 1280, pad)],
        "Mixed_7c" => vec![block_7(name, 2048, pad)],
        "pool" => vec![Op::GlobalAverage],
        "logits" => {
            vec![Op::Linear {
                name: HEAD.into(),
                inputs: 2048,
                outputs: outputs.unwrap_or(0),
            }]
        }
        _ => vec![Op::MaxPool(SHRINK)],
    };
    let count = if outputs.is_some() {
        STAGES.len()
    } else {
        STAGES.len() - 1
    };
    Network {
        architecture: "inception_v3",
        convention,
        stages: STAGES[..count]
            .iter()
            .map(|&name| Stage {
                name,
                ops: ops(name),
            })
            .collect(),
        least_side: 75,
        resolve: stage_name,
        normalisation: Normalisation::SYMMETRIC,
        head: HEAD,
        outputs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases() {
        for (written, meant) in [
            ("mixed0", "Mixed_5b"),
            ("mixed10", "Mixed_7c"),
            ("mixed6a", "Mixed_6a"),
            ("MIXED_7B", "Mixed_7b"),
            ("conv2d4a3x3", "Conv2d_4a_3x3"),
            ("Logits", "logits"),
        ] {
            assert_eq!(stage_name(written), Some(meant));
        }
        for wrong in ["mixed11", "mixed", "Mixed_8a", ""] {
            assert_eq!(stage_name(wrong), None);
        }
    }

    #[test]
    fn widths_and_parameter_count() {
        let network = inception_v3(Convention::Keras, Some(1));
        let width = |s| network.channels(network.stage(s).unwrap());
        let expected = [
            ("Conv2d_2b_3x3", 64),
            ("Conv2d_4a_3x3", 192),
            ("Mixed_5b", 256),
            ("Mixed_5c", 288),
            ("Mixed_6a", 768),
            ("Mixed_6e", 768),
            ("Mixed_7a", 1280),
            ("Mixed_7c", 2048),
            ("logits", 1),
        ];
        for (stage, channels) in expected {
            assert_eq!(width(stage), channels, "{stage}");
        }
        // torchvision: 21,785,568 trainable without auxiliary classifier and head, 34,432 running statistics.
        let all: usize = network
            .parameters()
            .iter()
            .map(|(_, s)| s.iter().product::<usize>())
            .sum();
        assert_eq!(all, 21_785_568 + 34_432 + 2_049);
    }
}
