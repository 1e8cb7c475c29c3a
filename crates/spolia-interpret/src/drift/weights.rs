//! How far a layer's weights moved.

use spolia_network::{BatchNorm, Network, Op, StageId, Weights};
use spolia_stats::{mean, quantile};

use super::Error;

/// A stage's weights in one network and another.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightDrift {
    /// `|b - a| / |a|` of all convolution (and linear) weights of the stage together.
    pub distance: f64,
    /// Cosine between them.
    pub cosine: f64,
    /// `|b - a| / |a|` of what batch norm multiplies by and adds, `γ / √(σ² + ε)` and `β - μ γ / √(σ² + ε)`; none without
    /// batch norm. Statistics alone may move it: finetuning sees other images.
    pub batch_norm: Option<f64>,
    /// Kernel by kernel.
    pub kernels: KernelDrift,
}

/// Drift of the single kernels of a stage: the weights of one output channel each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KernelDrift {
    /// Kernels.
    pub count: usize,
    /// Mean cosine of a kernel with itself.
    pub mean_cosine: f64,
    /// 5th percentile of these cosines: the kernels that turned most.
    pub low_cosine: f64,
    /// Mean of `|b - a| / |a|`.
    pub mean_distance: f64,
}

/// Drift of one stage's weights from `a` to `b`, two sets of weights of `network`. None for a stage without weights (a
/// pool).
///
/// # Errors
/// [`Error::Weights`] where a parameter is missing, [`Error::Channels`] where a layer has another size.
pub fn weight_drift(
    network: &Network,
    stage: StageId,
    a: &Weights,
    b: &Weights,
) -> Result<Option<WeightDrift>, Error> {
    let (mut all, mut norm) = (Sums::default(), Sums::default());
    let (mut cosines, mut distances) = (Vec::new(), Vec::new());
    let mut norms = Vec::new();
    for (_, own) in network.stages().filter(|(id, _)| *id == stage) {
        gather(&own.ops, &mut norms);
    }
    for (name, _) in network.stage_parameters(stage) {
        let Some(layer) = name.strip_suffix(".weight") else {
            continue;
        };
        if let Some(of) = norms.iter().find(|norm| norm.name == layer) {
            for (before, after) in affine(a, of)?.into_iter().zip(affine(b, of)?) {
                norm.add(before, after);
            }
            continue;
        }
        let (before, after) = (a.get(&name)?, b.get(&name)?);
        if before.shape != after.shape {
            return Err(Error::Channels {
                first: before.shape.first().copied().unwrap_or(0),
                second: after.shape.first().copied().unwrap_or(0),
            });
        }
        let kernel: usize = before.shape.iter().skip(1).product();
        let kernels = before.data.chunks_exact(kernel.max(1));
        for (before, after) in kernels.zip(after.data.chunks_exact(kernel.max(1))) {
            let mut own = Sums::default();
            for (x, y) in before.iter().zip(after) {
                own.add(f64::from(*x), f64::from(*y));
            }
            if let Some((distance, cosine)) = own.drift() {
                distances.push(distance);
                cosines.push(cosine);
            }
            all.join(&own);
        }
    }
    let Some((distance, cosine)) = all.drift() else {
        return Ok(None);
    };
    Ok(Some(WeightDrift {
        distance,
        cosine,
        batch_norm: norm.drift().map(|d| d.0),
        kernels: KernelDrift {
            count: cosines.len(),
            mean_cosine: mean(&cosines),
            low_cosine: quantile(&cosines, 0.05)?,
            mean_distance: mean(&distances),
        },
    }))
}

/// All batch norms of some operations.
fn gather<'n>(ops: &'n [Op], norms: &mut Vec<&'n BatchNorm>) {
    for op in ops {
        match op {
            Op::Conv(conv) => norms.extend(&conv.norm),
            Op::NormRelu(norm) => norms.push(norm),
            Op::Concat(paths) | Op::Dense(paths) => {
                paths.iter().for_each(|path| gather(path, norms));
            }
            Op::Residual { path, shortcut } => {
                gather(path, norms);
                gather(shortcut, norms);
            }
            _ => {}
        }
    }
}

/// What batch norm multiplies by, then what it adds, channel by channel.
fn affine(weights: &Weights, norm: &BatchNorm) -> Result<Vec<f64>, Error> {
    let of = |part: &str| weights.get(&format!("{}.{part}", norm.name));
    let (gamma, beta) = (of("weight")?, of("bias")?);
    let (mu, variance) = (of("running_mean")?, of("running_var")?);
    let channels = gamma
        .data
        .iter()
        .zip(&beta.data)
        .zip(&mu.data)
        .zip(&variance.data);
    Ok(channels
        .flat_map(|(((gamma, beta), mu), variance)| {
            let scale = f64::from(*gamma) / (f64::from(*variance) + f64::from(norm.epsilon)).sqrt();
            [scale, f64::from(*beta) - f64::from(*mu) * scale]
        })
        .collect())
}

/// Sums of squares and products.
#[derive(Default)]
struct Sums {
    before: f64,
    after: f64,
    product: f64,
    moved: f64,
}

impl Sums {
    fn add(&mut self, before: f64, after: f64) {
        self.before += before * before;
        self.after += after * after;
        self.product += before * after;
        self.moved += (after - before).powi(2);
    }

    fn join(&mut self, other: &Self) {
        self.before += other.before;
        self.after += other.after;
        self.product += other.product;
        self.moved += other.moved;
    }

    /// Relative distance and cosine; none where either side is zero.
    fn drift(&self) -> Option<(f64, f64)> {
        (self.before > 0.0 && self.after > 0.0).then(|| {
            (
                (self.moved / self.before).sqrt(),
                (self.product / (self.before * self.after).sqrt()).clamp(-1.0, 1.0),
            )
        })
    }
}
