use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::{Error, Network, StageId, WeightTensor, Weights};

/// How untrained weights are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initialisation {
    /// Glorot and Bengio 2010, equation 16: uniform within ± sqrt(6 / (fan in + fan out)), where a convolution's fans
    /// count its kernel's pixels.
    Xavier,
}

/// Untrained weights for every parameter: kernels and the classification layer by `how`; batch norm 1, 0, mean 0,
/// variance 1; biases 0. Each parameter has a random stream of its own, in path order, so a shared prefix of two
/// networks gets the same values.
#[must_use]
pub fn initialise(network: &Network, how: Initialisation, seed: u64) -> Weights {
    let Initialisation::Xavier = how;
    let mut weights = Weights {
        source: "random weights".into(),
        ..Weights::default()
    };
    for (stream, (name, shape)) in network.parameters().into_iter().enumerate() {
        let data = if shape.len() > 1 {
            let area: usize = shape[2..].iter().product();
            let limit = (6.0 / ((shape[0] + shape[1]) * area) as f64).sqrt() as f32;
            let mut rng = stream_of(seed, stream);
            (0..shape.iter().product())
                .map(|_| rng.random_range(-limit..limit))
                .collect()
        } else {
            // A weight of one axis is batch norm's scale.
            let ones = name.ends_with(".running_var") || name.ends_with(".weight");
            vec![if ones { 1.0 } else { 0.0 }; shape[0]]
        };
        weights.tensors.insert(name, WeightTensor { shape, data });
    }
    describe(
        &mut weights,
        network,
        format!("Xavier (Glorot uniform), seed {seed}"),
    );
    weights
}

/// Untrained weights that keep, of every parameter of `like`, only its mean and variance: "mean-var" initialisation
/// (Raghu et al. 2019, "Transfusion", section 4.1). Kernels are drawn from a normal distribution; batch norm's
/// statistics are 0 and 1, since the weights that they belonged to are gone.
///
/// # Errors
/// [`Error::MissingTensor`] where `like` lacks a parameter other than the classification layer's, which is drawn by
/// Xavier then.
pub fn mean_var(network: &Network, like: &Weights, seed: u64) -> Result<Weights, Error> {
    let draw = |source: &[f32], mut rng: ChaCha8Rng| {
        let n = source.len().max(1) as f64;
        let mean = source.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let sd = (source
            .iter()
            .map(|&v| (f64::from(v) - mean).powi(2))
            .sum::<f64>()
            / n)
            .sqrt();
        (0..source.len())
            .map(|_| {
                let z: f64 = StandardNormal.sample(&mut rng);
                (mean + sd * z) as f32
            })
            .collect()
    };
    from_each(
        network,
        like,
        seed,
        draw,
        "mean and variance of each parameter",
    )
}

/// The parameters of `like`, the values of each in a random order: what their distributions alone are worth, without
/// where they stand (a control for feature reuse, after Raghu et al. 2019, "Transfusion", section 4.1). Batch norm's
/// statistics are 0 and 1, as in [`mean_var`].
///
/// # Errors
/// As [`mean_var`].
pub fn shuffled(network: &Network, like: &Weights, seed: u64) -> Result<Weights, Error> {
    let shuffle = |source: &[f32], mut rng: ChaCha8Rng| {
        let mut values = source.to_vec();
        values.shuffle(&mut rng);
        values
    };
    from_each(
        network,
        like,
        seed,
        shuffle,
        "shuffled values of each parameter",
    )
}

/// Untrained weights (Xavier) that keep only batch norm of `like`: its scale, shift and running statistics, what the scale
/// of activations alone is worth. The running statistics by themselves would be worth nothing: training looks at each
/// batch's own.
///
/// # Errors
/// [`Error::NoBatchNorm`] where the network has none, [`Error::MissingTensor`] where `like` lacks one.
pub fn keep_batch_norm(network: &Network, like: &Weights, seed: u64) -> Result<Weights, Error> {
    let mut weights = initialise(network, Initialisation::Xavier, seed);
    let norms: Vec<String> = weights
        .tensors
        .keys()
        .filter_map(|name| name.strip_suffix(".running_mean").map(str::to_owned))
        .collect();
    for (name, tensor) in &mut weights.tensors {
        let layer = name.rsplit_once('.').map_or("", |(layer, _)| layer);
        if norms.iter().any(|n| n == layer) {
            tensor.clone_from(like.get(name)?);
        }
    }
    if norms.is_empty() {
        return Err(Error::NoBatchNorm {
            architecture: network.architecture().into(),
        });
    }
    weights.metadata.history.clear();
    let story = format!(
        "batch norm of {}, all else Xavier, seed {seed}",
        like.source
    );
    describe(&mut weights, network, story);
    Ok(weights)
}

/// Makes each parameter's values out of those of `like`, with a random stream of its own.
fn from_each(
    network: &Network,
    like: &Weights,
    seed: u64,
    make: impl Fn(&[f32], ChaCha8Rng) -> Vec<f32>,
    what: &str,
) -> Result<Weights, Error> {
    let mut weights = initialise(network, Initialisation::Xavier, seed);
    for (stream, (name, _)) in network.parameters().into_iter().enumerate() {
        if network.is_head(&name) && !like.tensors.contains_key(&name) || name.contains(".running_")
        {
            continue;
        }
        let source = &like.get(&name)?.data;
        if let Some(tensor) = weights.tensors.get_mut(&name) {
            tensor.data = make(source, stream_of(seed, stream));
        }
    }
    weights.metadata.history.clear();
    let story = format!("{what} of {}, seed {seed}", like.source);
    describe(&mut weights, network, story);
    Ok(weights)
}

/// Partial reuse: the stages through `last_kept` from `pretrained`, the later ones from `fresh`.
///
/// # Errors
/// [`Error::MissingTensor`] where `pretrained` lacks a kept parameter.
pub fn keep_until(
    network: &Network,
    pretrained: &Weights,
    fresh: &Weights,
    last_kept: StageId,
) -> Result<Weights, Error> {
    let mut weights = fresh.clone();
    for (id, _) in network.stages().take_while(|(id, _)| *id <= last_kept) {
        for (name, _) in network.stage_parameters(id) {
            let tensor = pretrained.get(&name)?.clone();
            weights.tensors.insert(name, tensor);
        }
    }
    weights.metadata = pretrained.metadata.clone();
    weights.metadata.classes.clear();
    let stage = network.name(last_kept);
    weights.metadata.history.push(format!(
        "kept through {stage}; later stages: {}",
        fresh.metadata.history.join("; ")
    ));
    weights.source.clone_from(&pretrained.source);
    Ok(weights)
}

fn stream_of(seed: u64, stream: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream as u64);
    rng
}

fn describe(weights: &mut Weights, network: &Network, story: String) {
    weights.metadata.architecture = Some(network.architecture().into());
    weights.metadata.convention = Some(network.convention());
    weights.metadata.history.push(format!("random: {story}"));
}
