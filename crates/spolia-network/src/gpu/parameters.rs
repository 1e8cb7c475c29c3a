//! What is trained, laid out for the device: all parameters stand in one buffer, so gradients and velocities are buffers
//! of the same layout and one kernel makes a step.

use super::{
    norm::Norm,
    product::Kernel,
    runner::{Runner, Values, fours},
};
use crate::{Error, WeightTensor, Weights, plan::Plan};

/// Where a parameter lies.
enum Place {
    Kernel(Kernel),
    /// From there on, as many numbers.
    Vector(usize, usize),
}

/// The parameters of a plan.
pub(super) struct Parameters {
    pub kernels: Vec<Kernel>,
    pub linears: Vec<Kernel>,
    pub norms: Vec<Norm>,
    pub values: Values,
    /// Running means of all batch norms, and their variances behind them.
    pub running: Values,
    /// Channels of all batch norms.
    pub channels: usize,
    /// Name, shape in PyTorch's order, and place of each.
    entries: Vec<(String, Vec<usize>, Place)>,
    norm_names: Vec<String>,
    len: usize,
}

impl Parameters {
    pub fn new(runner: &Runner, weights: &Weights, plan: &Plan) -> Result<Self, Error> {
        let mut own = Self {
            kernels: Vec::new(),
            linears: Vec::new(),
            norms: Vec::new(),
            values: runner.empty(4)?,
            running: runner.empty(4)?,
            channels: 0,
            entries: Vec::new(),
            norm_names: Vec::new(),
            len: 0,
        };
        for conv in &plan.convs {
            let mut kernel = Kernel::of(conv, own.len, None);
            let shape = vec![conv.outputs, conv.inputs, conv.kernel[0], conv.kernel[1]];
            own.kernel(format!("{}.weight", conv.name), shape, &kernel);
            if conv.bias {
                kernel.bias = Some(own.vector(format!("{}.bias", conv.name), conv.outputs));
            }
            own.kernels.push(kernel);
        }
        for (name, inputs, outputs) in &plan.linears {
            let mut kernel = Kernel::linear(*inputs, *outputs, own.len, None);
            own.kernel(format!("{name}.weight"), vec![*outputs, *inputs], &kernel);
            kernel.bias = Some(own.vector(format!("{name}.bias"), *outputs));
            own.linears.push(kernel);
        }
        let mut running = [Vec::new(), Vec::new()];
        for norm in &plan.norms {
            let gamma = own.vector(format!("{}.weight", norm.name), norm.channels);
            let beta = own.vector(format!("{}.bias", norm.name), norm.channels);
            own.norms.push(Norm {
                channels: norm.channels,
                epsilon: norm.epsilon,
                at: own.channels,
                gamma,
                beta,
            });
            own.channels += norm.channels;
            own.norm_names.push(norm.name.clone());
            for (to, part) in running.iter_mut().zip(["running_mean", "running_var"]) {
                to.extend_from_slice(&weights.get(&format!("{}.{part}", norm.name))?.data);
            }
        }
        own.values = runner.upload(own.pack(weights, "")?);
        let mut running = running.concat();
        running.resize(fours(running.len().max(1)), 0.0);
        own.running = runner.upload(running);
        Ok(own)
    }

    fn kernel(&mut self, name: String, shape: Vec<usize>, kernel: &Kernel) {
        self.entries
            .push((name, shape, Place::Kernel(kernel.clone())));
        self.len += kernel.len();
    }

    fn vector(&mut self, name: String, len: usize) -> usize {
        let at = self.len;
        self.entries.push((name, vec![len], Place::Vector(at, len)));
        self.len += fours(len);
        at
    }

    /// Is there nothing to train?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Numbers of the layout.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Values in the device's layout, from their names.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`].
    pub fn pack(&self, named: &Weights, architecture: &str) -> Result<Vec<f32>, Error> {
        let mut values = vec![0.0; fours(self.len.max(1))];
        for (name, shape, place) in &self.entries {
            let tensor = named.get(name)?;
            if &tensor.shape != shape || tensor.data.len() != shape.iter().product::<usize>() {
                return Err(Error::TensorShape {
                    file: named.source.clone(),
                    tensor: name.clone(),
                    expected: shape.clone(),
                    got: tensor.shape.clone(),
                    architecture: architecture.into(),
                });
            }
            match place {
                Place::Kernel(kernel) => {
                    let to = &mut values[kernel.weights..][..kernel.len()];
                    kernel.pack(&tensor.data, |_| 1.0, to);
                }
                Place::Vector(at, len) => values[*at..][..*len].copy_from_slice(&tensor.data),
            }
        }
        Ok(values)
    }

    /// Values in the device's layout by parameter name.
    pub fn named(&self, values: &[f32]) -> Weights {
        let mut weights = Weights::default();
        for (name, shape, place) in &self.entries {
            let data = match place {
                Place::Kernel(kernel) => kernel.unpack(&values[kernel.weights..][..kernel.len()]),
                Place::Vector(at, len) => values[*at..][..*len].to_vec(),
            };
            let shape = shape.clone();
            weights
                .tensors
                .insert(name.clone(), WeightTensor { shape, data });
        }
        weights
    }

    /// The running statistics by name, from means and variances.
    pub fn named_statistics(&self, running: &[f32]) -> Weights {
        let mut weights = Weights::default();
        for (name, norm) in self.norm_names.iter().zip(&self.norms) {
            for (part, from) in [("running_mean", 0), ("running_var", self.channels)] {
                let data = running[from + norm.at..][..norm.channels].to_vec();
                let shape = vec![norm.channels];
                weights
                    .tensors
                    .insert(format!("{name}.{part}"), WeightTensor { shape, data });
            }
        }
        weights
    }
}
