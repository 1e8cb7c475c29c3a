//! Random layers and random small networks against their definition (`naive.rs`), and the same bytes on any number of
//! threads.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rayon::ThreadPoolBuilder;

use super::{
    conv::Kernel,
    naive::{Array, Parameters, convolution_gradients, convolve},
    share::Layout,
    tests::{gathered, spread},
    winograd,
};
use crate::{
    Convention, Cpu, Cut, Engine, Initialisation, Network, Normalisation, ReluGradient, StageId,
    Tensor, Weights,
    graph::{BatchNorm, Conv, Op, Stage, Window},
    initialise,
};

/// Values in -1 to 1 without structure.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

/// The same result on 1, 2 and 3 threads.
fn on_threads<T: PartialEq + Send>(work: impl Fn() -> T + Sync) -> T {
    let run = |threads| {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(&work)
    };
    let one = run(1);
    assert!(run(2) == one, "2 threads give other bytes than 1");
    assert!(run(3) == one, "3 threads give other bytes than 1");
    one
}

fn near(what: &str, found: &[f32], expected: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    let rms = (expected.iter().map(|v| v * v).sum::<f64>() / expected.len().max(1) as f64).sqrt();
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let far = (f64::from(*f) - e).abs() > tolerance * (e.abs() + rms) + 1e-6;
        prop_assert!(!far, "{what}[{i}]: {f}, by definition {e}");
    }
    Ok(())
}

/// A view of its own, or channels 2.. of a wider buffer.
fn layout([images, height, width, channels]: [usize; 4], wide: bool) -> Layout {
    Layout {
        images,
        height,
        width,
        stride: channels + if wide { 5 } else { 0 },
        offset: if wide { 2 } else { 0 },
        channels,
    }
}

fn any_conv() -> impl Strategy<Value = Conv> {
    (
        (1..20usize, 1..40usize),
        [1..=5usize, 1..=5],
        1..=3usize,
        [0..=2usize, 0..=2],
    )
        .prop_map(|((inputs, outputs), kernel, stride, padding)| Conv {
            name: "c".into(),
            inputs,
            outputs,
            kernel,
            stride,
            padding,
            bias: false,
            norm: None,
            relu: false,
        })
}

/// A convolution in all directions, beside its definition.
fn assert_defined(
    conv: &Conv,
    (images, more): (usize, [usize; 2]),
    wide: bool,
    seed: u64,
) -> Result<(), TestCaseError> {
    // At least one position.
    let side = |k: usize| conv.kernel[k].saturating_sub(2 * conv.padding[k]).max(1) + more[k];
    let shape = [images, side(0), side(1), conv.inputs];
    let from = layout(shape, wide);
    let x = noise(seed, from.pixels() * conv.inputs);
    let count = conv.inputs * conv.outputs * conv.kernel[0] * conv.kernel[1];
    let oihw = noise(seed ^ 1, count);
    let double = |v: &[f32]| -> Vec<f64> { v.iter().map(|&v| f64::from(v)).collect() };
    let input = Array {
        shape,
        data: double(&x),
    };
    let expected = convolve(conv, &double(&oihw), &input);
    let to = layout(expected.shape, wide);
    let dy = noise(seed ^ 2, to.pixels() * conv.outputs);
    let output_gradient = Array {
        shape: expected.shape,
        data: double(&dy),
    };
    let (dx, dw) = convolution_gradients(conv, &double(&oihw), &input, &output_gradient);
    let (wide_x, wide_dy) = (spread(&x, from), spread(&dy, to));
    let shift = noise(seed ^ 3, conv.outputs);
    let before = noise(seed ^ 4, dx.data.len());
    let found = on_threads(|| {
        let mut kernel = Kernel::new(conv, &noise(seed ^ 5, count), |_| 1.0, true);
        let mut y = vec![0.0; to.pixels() * to.stride];
        let mut dx = spread(&before, from);
        // What was laid out of other values is laid out again.
        kernel.forward(&wide_x, from, &mut y, to, None, false);
        kernel.input_gradient(&wide_dy, to, &mut dx, from, false);
        kernel.forward = Kernel::new(conv, &oihw, |_| 1.0, false).forward;
        kernel.lay_out();
        kernel.forward(&wide_x, from, &mut y, to, None, false);
        kernel.input_gradient(&wide_dy, to, &mut dx, from, false);
        let (mut shifted, mut added) = (vec![0.0; y.len()], spread(&before, from));
        kernel.forward(&wide_x, from, &mut shifted, to, Some(&shift), true);
        kernel.input_gradient(&wide_dy, to, &mut added, from, true);
        let mut dw = vec![0.0; kernel.forward.len()];
        kernel.weight_gradient(&wide_x, from, &wide_dy, to, &mut dw);
        let (y, shifted) = (gathered(&y, to), gathered(&shifted, to));
        let (dx, added) = (gathered(&dx, from), gathered(&added, from));
        [y, dx, kernel.to_oihw(&dw), shifted, added]
    });
    // Tiles round more than direct sums, the more taps the more; the worst of tens of thousands of values is looked at.
    let suits = |channels, grid| winograd::suits(conv.kernel, conv.stride, channels, grid);
    let tiled = suits([conv.inputs, conv.outputs], [to.height, to.width])
        || suits([conv.outputs, conv.inputs], [from.height, from.width]);
    let [tolerance, of_kernel] = match conv.kernel[0].max(conv.kernel[1]) {
        7 if tiled => [8e-5, 2e-4],
        5 if tiled => [4e-5, 6e-5],
        3 if tiled => [2e-5, 3e-5],
        _ => [1e-5, 1e-5],
    };
    near("output", &found[0], &expected.data, tolerance)?;
    near("input gradient", &found[1], &dx.data, tolerance)?;
    near("kernel gradient", &found[2], &dw, of_kernel)?;
    for (i, (one, finished)) in found[0].iter().zip(&found[3]).enumerate() {
        prop_assert_eq!((one + shift[i % conv.outputs]).max(0.0), *finished);
    }
    for ((one, before), sum) in found[1].iter().zip(&before).zip(&found[4]) {
        prop_assert_eq!(one + before, *sum);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_are_what_they_are_defined_to_be(
        conv in any_conv(),
        (images, more) in (1..=5usize, [0..14usize, 0..14]),
        wide: bool,
        seed: u64,
    ) {
        assert_defined(&conv, (images, more), wide, seed)?;
    }

    #[test]
    fn convolutions_by_tiles_are_what_they_are_defined_to_be(
        (inputs, outputs) in (16..40usize, 16..70usize),
        kernel in prop::sample::select(vec![[3, 3], [5, 5], [1, 7], [7, 1]]),
        (pad, images, more) in ([any::<bool>(), any::<bool>()], 1..=3usize, [12..23usize, 12..23]),
        wide: bool,
        seed: u64,
    ) {
        let padding = [0, 1].map(|k| if pad[k] { kernel[k] / 2 } else { 0 });
        let conv = Conv {
            name: "c".into(),
            inputs,
            outputs,
            kernel,
            stride: 1,
            padding,
            bias: false,
            norm: None,
            relu: false,
        };
        let grid = more.map(|more| more + 1);
        prop_assume!(winograd::suits(kernel, 1, [inputs, outputs], grid));
        assert_defined(&conv, (images, more), wide, seed)?;
    }
}

/// Builds random networks of operations that fit each other.
struct Builder {
    channels: usize,
    names: usize,
}

impl Builder {
    fn norm(&mut self, channels: usize) -> BatchNorm {
        self.names += 1;
        BatchNorm {
            name: format!("n{}", self.names),
            channels,
            epsilon: 1e-3,
        }
    }

    /// `style` bits: 1 batch norm, 2 bias, 4 ReLU.
    fn conv(&mut self, io: [usize; 2], side: usize, stride: usize, style: u8) -> Op {
        self.names += 1;
        let name = format!("c{}", self.names);
        Op::Conv(Conv {
            name,
            inputs: io[0],
            outputs: io[1],
            kernel: [side; 2],
            stride,
            padding: [side / 2; 2],
            bias: style & 2 != 0,
            norm: (style & 1 != 0).then(|| self.norm(io[1])),
            relu: style & 4 != 0,
        })
    }

    fn ops(&mut self, kind: u8, width: usize, style: u8) -> Vec<Op> {
        let c = self.channels;
        let window = |size, stride, padding| Window {
            size,
            stride,
            padding,
            partial: style & 1 != 0,
        };
        let (ops, channels) = match kind {
            0 => (vec![self.conv([c, width], 3, 1, style)], width),
            1 => (vec![self.conv([c, width], 1, 2, style)], width),
            2 => {
                let norm = Op::NormRelu(self.norm(c));
                (vec![norm, self.conv([c, width], 3, 1, style)], width)
            }
            3 => (vec![Op::MaxPool(window(3, 2, 1))], c),
            4 => {
                let pool = Op::AveragePool {
                    window: Window {
                        partial: false,
                        ..window(3, 1, 1)
                    },
                    count_padding: style & 2 != 0,
                };
                let paths = vec![
                    vec![self.conv([c, width], 1, 1, style)],
                    vec![pool, self.conv([c, 3], 3, 1, style)],
                ];
                (vec![Op::Concat(paths)], width + 3)
            }
            5 => {
                let path = vec![
                    self.conv([c, width], 1, 1, 4 | style),
                    self.conv([width, c], 3, 1, style & 3),
                ];
                let shortcut = Vec::new();
                (vec![Op::Residual { path, shortcut }], c)
            }
            6 => {
                let path = vec![
                    self.conv([c, width], 3, 2, 4 | style),
                    self.conv([width, width], 1, 1, style & 3),
                ];
                let shortcut = vec![self.conv([c, width], 1, 2, style & 3)];
                (vec![Op::Residual { path, shortcut }], width)
            }
            _ => {
                let mut paths = Vec::new();
                for k in 0..2 {
                    let norm = Op::NormRelu(self.norm(c + 3 * k));
                    let narrow = self.conv([c + 3 * k, width], 1, 1, 5);
                    paths.push(vec![norm, narrow, self.conv([width, 3], 3, 1, 0)]);
                }
                (vec![Op::Dense(paths)], c + 6)
            }
        };
        self.channels = channels;
        ops
    }
}

/// Two random stages between a first convolution and the classification layer.
pub(crate) fn network(kinds: &[(u8, usize, u8)]) -> Network {
    let mut builder = Builder {
        channels: 5,
        names: 0,
    };
    let first = vec![builder.conv([3, 5], 3, 1, 5)];
    let half = kinds.len() / 2;
    let mut stage = |kinds: &[(u8, usize, u8)]| -> Vec<Op> {
        let parts = kinds
            .iter()
            .map(|&(kind, width, style)| builder.ops(kind, width, style));
        parts.flatten().collect()
    };
    let (early, late) = (stage(&kinds[..half]), stage(&kinds[half..]));
    let head = vec![
        Op::GlobalAverage,
        Op::Linear {
            name: "fc".into(),
            inputs: builder.channels,
            outputs: 1,
        },
    ];
    Network {
        architecture: "toy",
        convention: Convention::Torchvision,
        stages: [
            ("first", first),
            ("early", early),
            ("late", late),
            ("logits", head),
        ]
        .into_iter()
        .map(|(name, ops)| Stage { name, ops })
        .collect(),
        least_side: 1,
        resolve: |_| None,
        normalisation: Normalisation::IMAGENET,
        head: "fc",
        outputs: Some(1),
    }
}

/// Drawn weights with biases, scales, shifts and statistics that are not 0 or 1.
pub(crate) fn weights(network: &Network, seed: u64) -> Weights {
    let mut weights = initialise(network, Initialisation::Xavier, seed);
    for (k, (name, tensor)) in weights.tensors.iter_mut().enumerate() {
        if tensor.shape.len() == 1 {
            let by = noise(seed ^ (100 + k as u64), tensor.data.len());
            let spread = if name.ends_with("running_mean") {
                0.1
            } else {
                0.3
            };
            for (v, n) in tensor.data.iter_mut().zip(by) {
                *v += spread * n;
            }
        }
    }
    weights
}

/// Mean binary cross-entropy.
fn loss(logits: &Array, labels: &[f32]) -> f64 {
    let each = logits.data.iter().zip(labels).map(|(&z, &y)| {
        let y = f64::from(y);
        z.max(0.0) - z * y + (-z.abs()).exp().ln_1p()
    });
    each.sum::<f64>() / labels.len() as f64
}

fn path(network: &Network) -> Vec<Op> {
    network.stages().flat_map(|(_, s)| s.ops.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn networks_are_what_they_are_defined_to_be(
        kinds in prop::collection::vec((0..8u8, 1..7usize, 0..8u8), 2..4),
        // A batch norm of very few values has gradients that cancel; float32 leaves noise there.
        (images, height, width) in (2..=5usize, 9..15usize, 9..15usize),
        seed in 0..1_000_000u64,
    ) {
        let network = network(&kinds);
        let weights = weights(&network, seed);
        let shape = [images, height, width, 3];
        let input = Tensor::new(shape, noise(seed ^ 7, shape.iter().product())).unwrap();
        let labels: Vec<f32> = (0..images).map(|i| (i % 2) as f32).collect();
        let ops = path(&network);
        let last = network.last();
        let double = Array::of(&input);
        let plain = Parameters { weights: &weights, direction: None, training: false };

        // Frozen: every stage, and the gradient of the image along a direction.
        let taps: Vec<StageId> = network.stages().map(|(id, _)| id).collect();
        let (activations, gradient) = on_threads(|| {
            let mut frozen = Cpu.frozen(&network, &weights, Cut::to(last)).unwrap();
            let activations = frozen.forward(&input, &taps).unwrap();
            let mut ones = |t: &[Tensor]| vec![Tensor::new(t[0].shape(), vec![1.0; images]).unwrap()];
            let gradient = frozen.input_gradient(&input, &[last], ReluGradient::True, &mut ones);
            (activations, gradient.unwrap())
        });
        let mut expected = double.clone();
        for ((_, stage), found) in network.stages().zip(&activations) {
            expected = plain.run(&stage.ops, &expected);
            prop_assert_eq!(found.shape(), expected.shape);
            near(stage.name, found.data(), &expected.data, 1e-5)?;
        }
        let direction = noise(seed ^ 8, double.data.len());
        let moved = |step: f64| {
            let mut x = double.clone();
            x.data.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * f64::from(*d));
            plain.run(&ops, &x).data.iter().sum::<f64>()
        };
        let slope = slope(moved);
        let found: f64 = gradient.data().iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
        let size = norm(gradient.data().iter().copied()) * norm(direction.iter().copied());
        agree("image gradient", found, slope, size)?;

        // Training: the loss, and each parameter's gradient along a direction.
        let (found_loss, gradients) = on_threads(|| {
            Cpu.trainable(&network, &weights).unwrap().gradients(&input, &labels).unwrap()
        });
        let along = |name: &str| {
            let mut direction = Weights::default();
            let mut tensor = weights.tensors[name].clone();
            tensor.data = noise(seed ^ 9, tensor.data.len());
            direction.tensors.insert(name.into(), tensor);
            direction
        };
        let training = Parameters { weights: &weights, direction: None, training: true };
        let expected = loss(&training.run(&ops, &double), &labels);
        prop_assert!((f64::from(found_loss) - expected).abs() < 1e-5 * expected.max(1.0));
        let trained: BTreeMap<_, _> = network.parameters().into_iter().filter(|(n, _)| !n.contains(".running_")).collect();
        prop_assert_eq!(gradients.tensors.len(), trained.len());
        let whole = norm(gradients.tensors.values().flat_map(|t| t.data.iter().copied()));
        for name in trained.keys() {
            let direction = along(name);
            let moved = |step: f64| {
                let there = Parameters { weights: &weights, direction: Some((&direction, step)), training: true };
                loss(&there.run(&ops, &double), &labels)
            };
            let slope = self::slope(moved);
            let (g, d) = (&gradients.tensors[name].data, &direction.tensors[name].data);
            let found: f64 = g.iter().zip(d).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
            let size = whole * norm(d.iter().copied());
            agree(name, found, slope, size)?;
        }
    }
}

fn norm(values: impl Iterator<Item = f32>) -> f64 {
    values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
}

/// The derivative at 0, where a smaller step gives the same; `None` at a kink of a ReLU or a maximum.
fn slope(f: impl Fn(f64) -> f64) -> Option<f64> {
    let of = |step: f64| (f(step) - f(-step)) / (2.0 * step);
    let (coarse, fine) = (of(1e-5), of(1e-6));
    ((coarse - fine).abs() <= 1e-5 * (1e-3 + fine.abs())).then_some(fine)
}

fn agree(what: &str, found: f64, slope: Option<f64>, size: f64) -> Result<(), TestCaseError> {
    let Some(slope) = slope else { return Ok(()) };
    let far = (found - slope).abs() > 2e-4 * slope.abs() + 2e-5 * size + 2e-6;
    prop_assert!(
        !far,
        "{what}: along a direction {found}, by definition {slope}"
    );
    Ok(())
}
