//! NAdam: Adam that looks one step ahead (Dozat 2016), with PyTorch's momentum schedule: beta .9 and .999, epsilon
//! 1e-8, momentum decay .004.

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
const DECAY: f64 = 0.004;

/// The optimiser's state: running means of the gradient and of its square, and the product of the momenta so far.
#[derive(Clone, Debug)]
pub struct NAdam {
    mean: Vec<f32>,
    square: Vec<f32>,
    momenta: f64,
    steps: i32,
}

impl NAdam {
    /// For `len` parameters.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self {
            mean: vec![0.0; len],
            square: vec![0.0; len],
            momenta: 1.0,
            steps: 0,
        }
    }

    /// One step downhill with learning rate `rate`.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32], rate: f64) {
        self.steps = self.steps.saturating_add(1);
        let momentum = |t: i32| BETA1 * (1.0 - 0.5 * 0.96f64.powf(f64::from(t) * DECAY));
        let (now, next) = (momentum(self.steps), momentum(self.steps.saturating_add(1)));
        self.momenta *= now;
        let by_gradient = (rate * (1.0 - now) / (1.0 - self.momenta)) as f32;
        let by_mean = (rate * next / (1.0 - self.momenta * next)) as f32;
        let unbias = (1.0 / (1.0 - BETA2.powi(self.steps)).sqrt()) as f32;
        let (beta1, beta2, epsilon) = (BETA1 as f32, BETA2 as f32, EPSILON as f32);
        let state = self.mean.iter_mut().zip(&mut self.square);
        for ((p, &g), (mean, square)) in parameters.iter_mut().zip(gradient).zip(state) {
            *mean = beta1 * *mean + (1.0 - beta1) * g;
            *square = beta2 * *square + (1.0 - beta2) * g * g;
            *p -= (by_gradient * g + by_mean * *mean) / (square.sqrt() * unbias + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torch.optim.NAdam(lr=.1) of torch 2.15 on p = (1, -2), gradients (p0², sin p1), exported with
    /// tests/reference/visualize_optimisers.py.
    #[test]
    fn follows_pytorch() {
        let expected = [
            [0.894_354_821_9, -1.894_354_822_0],
            [0.824_137_571_7, -1.814_553_383_9],
            [0.762_636_418_1, -1.739_545_776_1],
            [0.704_829_741_0, -1.664_475_859_4],
            [0.649_444_866_1, -1.587_868_604_3],
            [0.596_277_466_3, -1.509_381_374_7],
        ];
        let (mut nadam, mut p) = (NAdam::new(2), [1f32, -2.0]);
        for at in expected {
            let gradient = [p[0] * p[0], p[1].sin()];
            nadam.step(&mut p, &gradient, 0.1);
            for (got, at) in p.iter().zip(at) {
                assert!((f64::from(*got) - at).abs() < 1e-5, "{got} instead of {at}");
            }
        }
    }
}
