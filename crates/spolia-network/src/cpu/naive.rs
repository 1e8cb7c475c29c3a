//! The definition of every operation in double precision, by plain loops: what the engine is tested against.

use crate::{
    Tensor, Weights,
    graph::{BatchNorm, Conv, Op, Window},
};

/// N H W C.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub shape: [usize; 4],
    pub data: Vec<f64>,
}

impl Array {
    pub fn zeros(shape: [usize; 4]) -> Self {
        Self {
            shape,
            data: vec![0.0; shape.iter().product()],
        }
    }

    pub fn of(tensor: &Tensor) -> Self {
        Self {
            shape: tensor.shape(),
            data: tensor.data().iter().map(|&v| f64::from(v)).collect(),
        }
    }

    fn at(&self, [n, y, x, c]: [usize; 4]) -> usize {
        let [_, h, w, channels] = self.shape;
        ((n * h + y) * w + x) * channels + c
    }

    /// Every index, channels fastest.
    fn indices(&self) -> impl Iterator<Item = [usize; 4]> + use<> {
        let [n, h, w, c] = self.shape;
        (0..n * h * w * c).map(move |i| [i / c / w / h, i / c / w % h, i / c % w, i % c])
    }

    fn map(mut self, f: impl Fn(f64) -> f64) -> Self {
        self.data.iter_mut().for_each(|v| *v = f(*v));
        self
    }

    fn join(parts: &[Self]) -> Self {
        let [n, h, w, _] = parts[0].shape;
        let mut joined = Self::zeros([n, h, w, parts.iter().map(|p| p.shape[3]).sum()]);
        let mut offset = 0;
        for part in parts {
            assert_eq!(part.shape[..3], [n, h, w]);
            for (i, [n, y, x, c]) in part.indices().enumerate() {
                let to = joined.at([n, y, x, offset + c]);
                joined.data[to] = part.data[i];
            }
            offset += part.shape[3];
        }
        joined
    }
}

/// Parameters in double precision, by name.
pub(super) struct Parameters<'a> {
    pub weights: &'a Weights,
    /// Added to the weights: a step along a direction.
    pub direction: Option<(&'a Weights, f64)>,
    /// Does batch norm use the batch's statistics?
    pub training: bool,
}

impl Parameters<'_> {
    fn get(&self, name: &str) -> Vec<f64> {
        let mut values: Vec<f64> = self.weights.tensors[name]
            .data
            .iter()
            .map(|&v| f64::from(v))
            .collect();
        if let Some((direction, step)) = self.direction
            && let Some(tensor) = direction.tensors.get(name)
        {
            for (v, d) in values.iter_mut().zip(&tensor.data) {
                *v += step * f64::from(*d);
            }
        }
        values
    }

    /// The output of a path.
    pub fn run(&self, ops: &[Op], input: &Array) -> Array {
        ops.iter().fold(input.clone(), |x, op| self.op(op, &x))
    }

    fn op(&self, op: &Op, x: &Array) -> Array {
        match op {
            Op::Conv(c) => {
                let mut y = convolve(c, &self.get(&format!("{}.weight", c.name)), x);
                if c.bias {
                    let bias = self.get(&format!("{}.bias", c.name));
                    for (i, v) in y.data.iter_mut().enumerate() {
                        *v += bias[i % c.outputs];
                    }
                }
                if let Some(norm) = &c.norm {
                    y = self.norm(norm, y);
                }
                if c.relu { y.map(|v| v.max(0.0)) } else { y }
            }
            Op::NormRelu(norm) => self.norm(norm, x.clone()).map(|v| v.max(0.0)),
            Op::MaxPool(window) => pool(*window, x, f64::NEG_INFINITY, f64::max, |v, _| v),
            Op::AveragePool {
                window,
                count_padding,
            } => pool(
                *window,
                x,
                0.0,
                |a, b| a + b,
                |sum, covered| {
                    let whole = window.size * window.size;
                    sum / if *count_padding { whole } else { covered } as f64
                },
            ),
            Op::Concat(paths) => {
                let parts: Vec<_> = paths.iter().map(|path| self.run(path, x)).collect();
                Array::join(&parts)
            }
            Op::Dense(paths) => paths.iter().fold(x.clone(), |x, path| {
                let new = self.run(path, &x);
                Array::join(&[x, new])
            }),
            Op::Residual { path, shortcut } => {
                let mut y = self.run(path, x);
                let beside = self.run(shortcut, x);
                assert_eq!(y.shape, beside.shape);
                y.data
                    .iter_mut()
                    .zip(beside.data)
                    .for_each(|(y, b)| *y += b);
                y.map(|v| v.max(0.0))
            }
            Op::GlobalAverage => {
                let [n, h, w, c] = x.shape;
                let mut y = Array::zeros([n, 1, 1, c]);
                for (i, [n, _, _, channel]) in x.indices().enumerate() {
                    y.data[n * c + channel] += x.data[i] / (h * w) as f64;
                }
                y
            }
            Op::Linear {
                name,
                inputs,
                outputs,
            } => {
                let weights = self.get(&format!("{name}.weight"));
                let bias = self.get(&format!("{name}.bias"));
                let mut y = Array::zeros([x.shape[0], 1, 1, *outputs]);
                for (i, v) in y.data.iter_mut().enumerate() {
                    let (image, out) = (i / outputs, i % outputs);
                    let row = &weights[out * inputs..][..*inputs];
                    let values = &x.data[image * inputs..][..*inputs];
                    *v = bias[out] + row.iter().zip(values).map(|(w, v)| w * v).sum::<f64>();
                }
                y
            }
        }
    }

    fn norm(&self, norm: &BatchNorm, mut x: Array) -> Array {
        let part = |p: &str| self.get(&format!("{}.{p}", norm.name));
        let (gamma, beta) = (part("weight"), part("bias"));
        let (mut mean, mut variance) = (part("running_mean"), part("running_var"));
        let c = norm.channels;
        if self.training {
            let n = (x.data.len() / c) as f64;
            for channel in 0..c {
                let values = x.data.iter().skip(channel).step_by(c);
                mean[channel] = values.clone().sum::<f64>() / n;
                let squares = values.map(|v| (v - mean[channel]).powi(2));
                variance[channel] = squares.sum::<f64>() / n;
            }
        }
        for (i, v) in x.data.iter_mut().enumerate() {
            let k = i % c;
            let deviation = (variance[k] + f64::from(norm.epsilon)).sqrt();
            *v = (*v - mean[k]) / deviation * gamma[k] + beta[k];
        }
        x
    }
}

/// Calls `meet` with an index into the output, the input and the kernel (O I H W) for each product of a convolution.
fn products(conv: &Conv, x: &Array, y: &Array, mut meet: impl FnMut(usize, usize, usize)) {
    let [kh, kw] = conv.kernel;
    for (i, [n, oy, ox, o]) in y.indices().enumerate() {
        for ky in 0..kh {
            for kx in 0..kw {
                let iy = (oy * conv.stride + ky).checked_sub(conv.padding[0]);
                let ix = (ox * conv.stride + kx).checked_sub(conv.padding[1]);
                let (Some(iy), Some(ix)) = (iy, ix) else {
                    continue;
                };
                if iy >= x.shape[1] || ix >= x.shape[2] {
                    continue;
                }
                for c in 0..conv.inputs {
                    meet(
                        i,
                        x.at([n, iy, ix, c]),
                        ((o * conv.inputs + c) * kh + ky) * kw + kx,
                    );
                }
            }
        }
    }
}

/// The output of a convolution; kernel O I H W.
pub(super) fn convolve(conv: &Conv, kernel: &[f64], x: &Array) -> Array {
    let [n, h, w, _] = x.shape;
    let side =
        |size: usize, k: usize| (size + 2 * conv.padding[k] - conv.kernel[k]) / conv.stride + 1;
    let mut y = Array::zeros([n, side(h, 0), side(w, 1), conv.outputs]);
    let shape = y.clone();
    products(conv, x, &shape, |i, j, k| {
        y.data[i] += x.data[j] * kernel[k]
    });
    y
}

/// The gradients of a convolution's input and kernel from that of its output.
pub(super) fn convolution_gradients(
    conv: &Conv,
    kernel: &[f64],
    x: &Array,
    dy: &Array,
) -> (Array, Vec<f64>) {
    let mut dx = Array::zeros(x.shape);
    let mut dw = vec![0.0; kernel.len()];
    products(conv, x, dy, |i, j, k| {
        dx.data[j] += dy.data[i] * kernel[k];
        dw[k] += dy.data[i] * x.data[j];
    });
    (dx, dw)
}

/// Output positions of a pool: PyTorch's rule.
fn positions(size: usize, window: Window) -> usize {
    let (size, pad, step) = (size as i64, window.padding as i64, window.stride as i64);
    let room = size + 2 * pad - window.size as i64 + if window.partial { step - 1 } else { 0 };
    let count = room / step + 1;
    let begins_outside = window.partial && (count - 1) * step >= size + pad;
    (count - i64::from(begins_outside)) as usize
}

fn pool(
    window: Window,
    x: &Array,
    start: f64,
    join: impl Fn(f64, f64) -> f64,
    finish: impl Fn(f64, usize) -> f64,
) -> Array {
    let [n, h, w, c] = x.shape;
    let mut y = Array::zeros([n, positions(h, window), positions(w, window), c]);
    for (i, [n, oy, ox, c]) in y.indices().enumerate() {
        let (mut value, mut covered) = (start, 0);
        for k in 0..window.size * window.size {
            let iy = (oy * window.stride + k / window.size).checked_sub(window.padding);
            let ix = (ox * window.stride + k % window.size).checked_sub(window.padding);
            if let (Some(iy), Some(ix)) = (iy.filter(|&v| v < h), ix.filter(|&v| v < w)) {
                value = join(value, x.data[x.at([n, iy, ix, c])]);
                covered += 1;
            }
        }
        y.data[i] = finish(value, covered);
    }
    y
}
