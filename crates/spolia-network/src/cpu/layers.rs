//! The layers without weights, and the linear layer, dispatched for a step of a plan.

use rayon::prelude::*;

use super::{elementwise, pool, share::Layout};
use crate::{Error, Weights, plan::Action};

/// Runs a step that is neither a convolution nor a batch norm.
pub(crate) fn forward(
    action: Action,
    linears: &[Linear],
    (x, from): (&[f32], Layout),
    (y, to): (&mut [f32], Layout),
) {
    match action {
        Action::Max { window } => pool::max_forward(window, x, from, y, to),
        Action::Average {
            window,
            count_padding,
        } => pool::average_forward(window, count_padding, (x, from), y, to),
        Action::GlobalAverage => pool::global_forward(x, from, y),
        Action::Linear { index } => linears[index].forward(x, y),
        Action::Add { relu } => elementwise::add((x, from), (y, to), relu),
        Action::Copy => elementwise::copy((x, from), (y, to)),
        Action::Conv { .. } | Action::Norm { .. } => unreachable!("they have their own path"),
    }
}

/// dx (+)= the gradient through a step that is neither a convolution nor a batch norm; `seen` are its input and output,
/// `dy` is behind the step's ReLU already.
pub(crate) fn backward(
    action: Action,
    linears: &[Linear],
    seen: (&[f32], &[f32]),
    (dy, to): (&[f32], Layout),
    (dx, from): (&mut [f32], Layout),
    add: bool,
) {
    match action {
        Action::Average {
            window,
            count_padding,
        } => {
            pool::average_backward(window, count_padding, (dy, to), dx, from, add);
        }
        Action::Add { .. } | Action::Copy if add => {
            elementwise::add((dy, to), (dx, from), false);
        }
        Action::Add { .. } | Action::Copy => elementwise::copy((dy, to), (dx, from)),
        _ => {
            if !add {
                dx.par_chunks_mut(1 << 16).for_each(|part| part.fill(0.0));
            }
            match action {
                Action::Max { window } => {
                    pool::max_backward(window, (seen.0, seen.1, dy), (from, to), dx)
                }
                Action::GlobalAverage => pool::global_backward(dy, dx, from),
                Action::Linear { index } => linears[index].input_gradient(dy, dx),
                _ => unreachable!("they have their own path"),
            }
        }
    }
}

/// A linear layer: weights outputs x inputs.
pub(crate) struct Linear {
    pub inputs: usize,
    pub outputs: usize,
    pub weights: Vec<f32>,
    pub bias: Vec<f32>,
}

impl Linear {
    /// From a plan's name, inputs and outputs.
    pub fn new(
        weights: &Weights,
        (name, inputs, outputs): &(String, usize, usize),
    ) -> Result<Self, Error> {
        Ok(Self {
            inputs: *inputs,
            outputs: *outputs,
            weights: weights.get(&format!("{name}.weight"))?.data.clone(),
            bias: weights.get(&format!("{name}.bias"))?.data.clone(),
        })
    }

    /// y = W x + b for each image.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) {
        for (x, y) in x
            .chunks_exact(self.inputs)
            .zip(y.chunks_exact_mut(self.outputs))
        {
            for ((row, b), out) in self
                .weights
                .chunks_exact(self.inputs)
                .zip(&self.bias)
                .zip(y)
            {
                let sum: f64 = row
                    .iter()
                    .zip(x)
                    .map(|(w, v)| f64::from(*w) * f64::from(*v))
                    .sum();
                *out = (sum + f64::from(*b)) as f32;
            }
        }
    }

    /// dx += W' dy for each image.
    pub fn input_gradient(&self, dy: &[f32], dx: &mut [f32]) {
        for (dy, dx) in dy
            .chunks_exact(self.outputs)
            .zip(dx.chunks_exact_mut(self.inputs))
        {
            for (row, g) in self.weights.chunks_exact(self.inputs).zip(dy) {
                dx.iter_mut().zip(row).for_each(|(d, w)| *d += w * g);
            }
        }
    }

    /// dW = dy x', db = dy, summed over images.
    pub fn weight_gradient(&self, x: &[f32], dy: &[f32], dw: &mut [f32], db: &mut [f32]) {
        dw.fill(0.0);
        db.fill(0.0);
        for (x, dy) in x
            .chunks_exact(self.inputs)
            .zip(dy.chunks_exact(self.outputs))
        {
            for ((row, b), g) in dw.chunks_exact_mut(self.inputs).zip(db.iter_mut()).zip(dy) {
                row.iter_mut().zip(x).for_each(|(d, v)| *d += v * g);
                *b += g;
            }
        }
    }
}
