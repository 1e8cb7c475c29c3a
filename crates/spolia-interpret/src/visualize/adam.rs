//! Adam (Kingma and Ba 2015, algorithm 1) with beta .9 and .999, epsilon 1e-8.

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// The optimiser's state: running means of the gradient and of its square.
#[derive(Clone, Debug)]
pub struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
    steps: i32,
}

impl Adam {
    /// For `len` parameters.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self {
            mean: vec![0.0; len],
            square: vec![0.0; len],
            steps: 0,
        }
    }

    /// Forgets the past, as a new optimiser.
    pub fn reset(&mut self) {
        self.mean.fill(0.0);
        self.square.fill(0.0);
        self.steps = 0;
    }

    /// One step downhill with learning rate `rate`.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32], rate: f64) {
        self.steps = self.steps.saturating_add(1);
        let first = 1.0 - f64::from(BETA1).powi(self.steps);
        let second = 1.0 - f64::from(BETA2).powi(self.steps);
        let rate = (rate / first) as f32;
        let unbias = (1.0 / second.sqrt()) as f32;
        let len = self.mean.len().min(parameters.len()).min(gradient.len());
        let (parameters, gradient) = (&mut parameters[..len], &gradient[..len]);
        let (mean, square) = (&mut self.mean[..len], &mut self.square[..len]);
        for i in 0..len {
            let g = gradient[i];
            let m = BETA1 * mean[i] + (1.0 - BETA1) * g;
            let v = BETA2 * square[i] + (1.0 - BETA2) * g * g;
            mean[i] = m;
            square[i] = v;
            parameters[i] -= rate * m / (v.sqrt() * unbias + EPSILON);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: the first step has the size of the rate, whatever the gradient; the second from
    /// m = .9 * .1 * 2 + .1 * 1 = .28, v = .999 * .004 + .001 = .004996.
    #[test]
    fn two_steps_by_hand() {
        let mut adam = Adam::new(2);
        let mut p = [1.0, 1.0];
        adam.step(&mut p, &[2.0, 0.0], 0.1);
        assert!((p[0] - 0.9).abs() < 1e-6);
        assert_eq!(p[1], 1.0);
        adam.step(&mut p, &[1.0, 0.0], 0.1);
        let expected = 0.9 - 0.1 * (0.28 / 0.19) / (0.004_996f64 / 0.001_999).sqrt();
        assert!(
            (f64::from(p[0]) - expected).abs() < 1e-6,
            "{} instead of {expected}",
            p[0]
        );
    }

    #[test]
    fn reset_starts_anew() {
        let (mut adam, mut p) = (Adam::new(1), [0.0]);
        adam.step(&mut p, &[5.0], 0.1);
        adam.reset();
        let mut q = [0.0];
        adam.step(&mut q, &[-3.0], 0.1);
        assert!((q[0] - 0.1).abs() < 1e-6);
    }
}
