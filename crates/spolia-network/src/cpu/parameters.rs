//! What is trained: every parameter in the engine's layout, and values for each of them (gradients, velocities).

use super::{conv::Kernel, layers::Linear, norm::Norm};
use crate::{Error, WeightTensor, Weights, plan::Plan};

/// The parameters of a plan, in its order.
pub(crate) struct Parameters {
    pub kernels: Vec<Kernel>,
    /// A convolution's own bias, empty where it has none.
    pub biases: Vec<Vec<f32>>,
    pub norms: Vec<Norm>,
    pub linears: Vec<Linear>,
    norm_names: Vec<String>,
    linear_names: Vec<String>,
}

/// A value for each trained parameter, laid out as the parameter is.
#[derive(Clone, Default)]
pub(crate) struct Values {
    pub kernels: Vec<Vec<f32>>,
    pub biases: Vec<Vec<f32>>,
    pub gammas: Vec<Vec<f32>>,
    pub betas: Vec<Vec<f32>>,
    pub linears: Vec<Vec<f32>>,
    pub linear_biases: Vec<Vec<f32>>,
}

impl Values {
    /// All of them, in the order of [`Parameters::parts`].
    pub fn parts(&self) -> impl Iterator<Item = &[f32]> {
        [
            &self.kernels,
            &self.biases,
            &self.gammas,
            &self.betas,
            &self.linears,
            &self.linear_biases,
        ]
        .into_iter()
        .flatten()
        .map(Vec::as_slice)
    }

    fn parts_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        [
            &mut self.kernels,
            &mut self.biases,
            &mut self.gammas,
            &mut self.betas,
            &mut self.linears,
            &mut self.linear_biases,
        ]
        .into_iter()
        .flatten()
        .map(Vec::as_mut_slice)
    }
}

impl Parameters {
    pub fn new(weights: &Weights, plan: &Plan) -> Result<Self, Error> {
        let mut kernels = Vec::new();
        let mut biases = Vec::new();
        for conv in &plan.convs {
            let oihw = &weights.get(&format!("{}.weight", conv.name))?.data;
            kernels.push(Kernel::new(conv, oihw, |_| 1.0, true));
            biases.push(if conv.bias {
                weights.get(&format!("{}.bias", conv.name))?.data.clone()
            } else {
                Vec::new()
            });
        }
        let norms = plan.norms.iter().map(|norm| Norm::new(weights, norm));
        let linears = plan.linears.iter().map(|l| Linear::new(weights, l));
        Ok(Self {
            kernels,
            biases,
            norms: norms.collect::<Result<_, _>>()?,
            linears: linears.collect::<Result<_, _>>()?,
            norm_names: plan.norms.iter().map(|n| n.name.clone()).collect(),
            linear_names: plan.linears.iter().map(|l| l.0.clone()).collect(),
        })
    }

    /// Is there nothing to train?
    pub fn is_empty(&self) -> bool {
        self.kernels.is_empty() && self.norms.is_empty() && self.linears.is_empty()
    }

    /// The parameters' present values.
    pub fn values(&self) -> Values {
        let of_linears =
            |part: fn(&Linear) -> &Vec<f32>| self.linears.iter().map(part).cloned().collect();
        Values {
            kernels: self.kernels.iter().map(|k| k.forward.clone()).collect(),
            biases: self.biases.clone(),
            gammas: self.norms.iter().map(|n| n.gamma.clone()).collect(),
            betas: self.norms.iter().map(|n| n.beta.clone()).collect(),
            linears: of_linears(|l| &l.weights),
            linear_biases: of_linears(|l| &l.bias),
        }
    }

    /// A zero for each parameter.
    pub fn zeros(&self) -> Values {
        let mut values = self.values();
        values.parts_mut().for_each(|part| part.fill(0.0));
        values
    }

    /// Each parameter with its value in two sets, to change the parameter and the first.
    pub fn parts<'a>(
        &'a mut self,
        first: &'a mut Values,
        second: &'a Values,
    ) -> Vec<(&'a mut [f32], &'a mut [f32], &'a [f32])> {
        let mut own: Vec<&mut [f32]> = Vec::new();
        own.extend(self.kernels.iter_mut().map(|k| k.forward.as_mut_slice()));
        own.extend(self.biases.iter_mut().map(Vec::as_mut_slice));
        let (gammas, betas): (Vec<_>, Vec<_>) = self
            .norms
            .iter_mut()
            .map(|n| (n.gamma.as_mut_slice(), n.beta.as_mut_slice()))
            .unzip();
        let (weights, biases): (Vec<_>, Vec<_>) = self
            .linears
            .iter_mut()
            .map(|l| (l.weights.as_mut_slice(), l.bias.as_mut_slice()))
            .unzip();
        own.into_iter()
            .chain(gammas)
            .chain(betas)
            .chain(weights)
            .chain(biases)
            .zip(first.parts_mut())
            .zip(second.parts())
            .map(|((own, first), second)| (own, first, second))
            .collect()
    }

    /// `values` by parameter name, in PyTorch's axis order.
    pub fn named(&self, values: &Values) -> Weights {
        let mut weights = Weights::default();
        let mut put = |name: String, shape: Vec<usize>, data: Vec<f32>| {
            weights.tensors.insert(name, WeightTensor { shape, data });
        };
        for (i, kernel) in self.kernels.iter().enumerate() {
            let c = &kernel.shape;
            let shape = vec![c.outputs, c.inputs, c.kernel[0], c.kernel[1]];
            let oihw = kernel.to_oihw(&values.kernels[i]);
            put(format!("{}.weight", c.name), shape, oihw);
            if c.bias {
                let bias = values.biases[i].clone();
                put(format!("{}.bias", c.name), vec![c.outputs], bias);
            }
        }
        for (i, name) in self.norm_names.iter().enumerate() {
            for (part, data) in [("weight", &values.gammas[i]), ("bias", &values.betas[i])] {
                put(format!("{name}.{part}"), vec![data.len()], data.clone());
            }
        }
        for (i, (name, linear)) in self.linear_names.iter().zip(&self.linears).enumerate() {
            let shape = vec![linear.outputs, linear.inputs];
            put(format!("{name}.weight"), shape, values.linears[i].clone());
            let bias = values.linear_biases[i].clone();
            put(format!("{name}.bias"), vec![linear.outputs], bias);
        }
        weights
    }

    /// The parameters and the running statistics by name.
    pub fn weights(&self) -> Weights {
        let mut weights = self.named(&self.values());
        for (name, norm) in self.norm_names.iter().zip(&self.norms) {
            for (part, data) in [
                ("running_mean", &norm.mean),
                ("running_var", &norm.variance),
            ] {
                let tensor = WeightTensor {
                    shape: vec![data.len()],
                    data: data.clone(),
                };
                weights.tensors.insert(format!("{name}.{part}"), tensor);
            }
        }
        weights
    }

    /// Values from their names.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`].
    pub fn values_of(&self, named: &Weights, architecture: &str) -> Result<Values, Error> {
        let mut values = self.zeros();
        let get = |name: String, shape: &[usize]| {
            let tensor = named.get(&name)?;
            if tensor.shape == shape && tensor.data.len() == shape.iter().product::<usize>() {
                return Ok(&tensor.data);
            }
            Err(Error::TensorShape {
                file: named.source.clone(),
                tensor: name,
                expected: shape.to_vec(),
                got: tensor.shape.clone(),
                architecture: architecture.into(),
            })
        };
        for (i, kernel) in self.kernels.iter().enumerate() {
            let c = &kernel.shape;
            let shape = [c.outputs, c.inputs, c.kernel[0], c.kernel[1]];
            let oihw = get(format!("{}.weight", c.name), &shape)?;
            values.kernels[i] = Kernel::new(c, oihw, |_| 1.0, false).forward;
            if c.bias {
                values.biases[i].clone_from(get(format!("{}.bias", c.name), &[c.outputs])?);
            }
        }
        for (i, name) in self.norm_names.iter().enumerate() {
            let shape = [values.gammas[i].len()];
            values.gammas[i].clone_from(get(format!("{name}.weight"), &shape)?);
            values.betas[i].clone_from(get(format!("{name}.bias"), &shape)?);
        }
        for (i, (name, linear)) in self.linear_names.iter().zip(&self.linears).enumerate() {
            let shape = [linear.outputs, linear.inputs];
            values.linears[i].clone_from(get(format!("{name}.weight"), &shape)?);
            values.linear_biases[i].clone_from(get(format!("{name}.bias"), &shape[..1])?);
        }
        Ok(values)
    }
}
