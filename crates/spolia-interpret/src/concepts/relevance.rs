//! Does the decision use a concept? Directional derivatives of the logit along the concept's direction.
//!
//! The sensitivity of image i is `S_i = ∇_f logit_i · v / |v|` (Kim et al. 2018, eq. 1; Graziani et al. 2018): f are
//! the layer's channels, v the concept vector. The vector lives in the space of spatial means, so a step along it moves
//! every position alike, and ∇_f is the sum of the gradient over positions. TCAV (Kim et al. 2018, eq. 2) is the share of
//! images with S > 0; the bidirectional relevance is `Br = R² mean(S) / sd(S)` (Graziani et al. 2018, eq. 5), here with the
//! held-out R² and its sign kept: above 0 more of the concept raises the logit.
//!
//! Any direction of a layer has some sensitivity, so both stand beside those of directions regressed, in the same way,
//! on shuffled concepts, and of random directions. The first is the stricter: the regression prefers directions in which
//! the layer varies, and along those the logit moves more than along any.

use spolia_stats::{mean, standard_deviation};

/// A score beside the same score of directions that mean nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Null {
    /// Mean over those directions.
    pub mean: f64,
    /// Standard deviation over them.
    pub sd: f64,
    /// Share of them whose score is at least as far from their mean, (1 + count) / (1 + number).
    pub p: f64,
}

impl Null {
    fn of(found: f64, scores: &[f64]) -> Self {
        let (mean, sd) = mean_sd(scores);
        Self {
            mean,
            sd,
            p: share_beyond(scores, mean, (found - mean).abs()),
        }
    }
}

/// Sensitivities of one concept at one layer, over the images of one class or all.
#[derive(Debug, Clone, PartialEq)]
pub struct Relevance {
    /// Images.
    pub n: usize,
    /// Mean of S, logits per unit of activation.
    pub mean: f64,
    /// Standard deviation of S (n - 1).
    pub sd: f64,
    /// Share of S > 0; S = 0 counts half.
    pub tcav: f64,
    /// TCAV of shuffled concepts.
    pub tcav_shuffled: Null,
    /// TCAV of random directions.
    pub tcav_random: Null,
    /// Bidirectional relevance; none where S does not vary, or R² is below 0 (the layer does not tell the concept).
    pub br: Option<f64>,
    /// `R² mean(S) / sd(S)` of shuffled concepts, with the concept's own R²; p counts larger |mean(S) / sd(S)|.
    pub br_shuffled: Option<Null>,
    /// The same of random directions.
    pub br_random: Option<Null>,
}

/// S of every image: `gradients` are images x channels (the gradient of the logit, summed over positions).
#[must_use]
pub fn sensitivities(gradients: &[f32], direction: &[f64]) -> Vec<f64> {
    let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
    gradients
        .chunks_exact(direction.len().max(1))
        .map(|g| {
            let dot: f64 = g
                .iter()
                .zip(direction)
                .map(|(g, v)| f64::from(*g) * v)
                .sum();
            if length > 0.0 { dot / length } else { 0.0 }
        })
        .collect()
}

/// Relevance of a concept whose direction gave `own`, beside the sensitivities of `shuffled` concepts and `random`
/// directions (one list each), over the images of `rows`; `r2` is its held-out R². `None` for fewer than two images or
/// where a null is empty.
#[must_use]
pub fn relevance(
    own: &[f64],
    (shuffled, random): (&[Vec<f64>], &[Vec<f64>]),
    rows: &[usize],
    r2: f64,
) -> Option<Relevance> {
    if rows.len() < 2 || shuffled.is_empty() || random.is_empty() {
        return None;
    }
    let own = Score::of(own, rows);
    let ratio = own.ratio().filter(|_| r2 > 0.0);
    let [(tcav_shuffled, br_shuffled), (tcav_random, br_random)] = [shuffled, random].map(|null| {
        let scores: Vec<Score> = null.iter().map(|s| Score::of(s, rows)).collect();
        let tcavs: Vec<f64> = scores.iter().map(|s| s.tcav).collect();
        let ratios: Vec<f64> = scores.iter().filter_map(Score::ratio).collect();
        let br = ratio.filter(|_| ratios.len() > 1).map(|ratio| {
            let (mean, sd) = mean_sd(&ratios);
            Null {
                mean: r2 * mean,
                sd: r2 * sd,
                p: share_beyond(&ratios, 0.0, ratio.abs()),
            }
        });
        (Null::of(own.tcav, &tcavs), br)
    });
    Some(Relevance {
        n: rows.len(),
        mean: own.mean,
        sd: own.sd,
        tcav: own.tcav,
        tcav_shuffled,
        tcav_random,
        br: ratio.map(|r| r2 * r),
        br_shuffled,
        br_random,
    })
}

/// (1 + scores at least `limit` away from `centre`) / (1 + scores).
fn share_beyond(scores: &[f64], centre: f64, limit: f64) -> f64 {
    // Rounding must not make an equal score smaller.
    let limit = limit - 1e-12 * (1.0 + limit);
    let count = scores
        .iter()
        .filter(|s| (*s - centre).abs() >= limit)
        .count();
    (1 + count) as f64 / (1 + scores.len()) as f64
}

struct Score {
    mean: f64,
    sd: f64,
    tcav: f64,
}

impl Score {
    fn of(all: &[f64], rows: &[usize]) -> Self {
        let values: Vec<f64> = rows
            .iter()
            .filter_map(|&row| all.get(row).copied())
            .collect();
        let (mean, sd) = mean_sd(&values);
        let half = |s: f64| {
            if s > 0.0 {
                1.0
            } else if s == 0.0 {
                0.5
            } else {
                0.0
            }
        };
        let tcav = values.iter().map(|&s| half(s)).sum::<f64>() / values.len().max(1) as f64;
        Self { mean, sd, tcav }
    }

    fn ratio(&self) -> Option<f64> {
        // Equal sensitivities differ by rounding alone.
        (self.sd > 1e-9 * self.mean.abs()).then(|| self.mean / self.sd)
    }
}

/// Mean, and standard deviation: 0 for a single value.
fn mean_sd(values: &[f64]) -> (f64, f64) {
    (mean(values), standard_deviation(values).unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gradients of 4 images in 2 channels: all along the first channel, of different length.
    const GRADIENTS: [f32; 8] = [1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 2.0, 0.0];

    #[test]
    fn sensitivity_is_the_derivative_along_the_unit_direction() {
        assert_eq!(sensitivities(&GRADIENTS, &[5.0, 0.0]), [1.0, 2.0, 3.0, 2.0]);
        let oblique = sensitivities(&GRADIENTS, &[-3.0, 4.0]);
        assert!((oblique[2] + 1.8).abs() < 1e-12);
        assert_eq!(sensitivities(&GRADIENTS, &[0.0, 0.0]), [0.0; 4]);
    }

    #[test]
    fn a_concept_along_the_gradient_pulls_and_against_it_pushes() {
        let null: Vec<Vec<f64>> = (0..9)
            .map(|k| sensitivities(&GRADIENTS, &[if k % 2 == 0 { 0.1 } else { -0.1 }, 1.0]))
            .collect();
        let rows = [0, 1, 2, 3];
        let with = relevance(
            &sensitivities(&GRADIENTS, &[1.0, 0.0]),
            (&null, &null),
            &rows,
            0.5,
        )
        .unwrap();
        assert_eq!((with.n, with.tcav, with.mean), (4, 1.0, 2.0));
        let sd = (2.0_f64 / 3.0).sqrt();
        assert!((with.br.unwrap() - 0.5 * 2.0 / sd).abs() < 1e-12);
        let against = relevance(
            &sensitivities(&GRADIENTS, &[-1.0, 0.0]),
            (&null, &null),
            &rows,
            0.5,
        )
        .unwrap();
        assert_eq!(against.tcav, 0.0);
        assert!((against.br.unwrap() + with.br.unwrap()).abs() < 1e-12);
        // Of the nine shuffles, five have TCAV 1 and four 0.
        assert!((with.tcav_shuffled.mean - 5.0 / 9.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let own = [1.0, 1.0, 1.0];
        let null = vec![vec![1.0, -1.0, 0.5]];
        let flat = relevance(&own, (&null, &null), &[0, 1, 2], 0.5).unwrap();
        assert_eq!((flat.sd, flat.br, flat.br_shuffled), (0.0, None, None));
        assert!(relevance(&own, (&null, &null), &[0], 0.5).is_none());
        assert!(relevance(&own, (&null, &[]), &[0, 1], 0.5).is_none());
        let untold = relevance(&[1.0, 2.0, 3.0], (&null, &null), &[0, 1, 2], -0.1).unwrap();
        assert_eq!((untold.br, untold.tcav), (None, 1.0));
    }

    #[test]
    fn random_directions_are_near_one_half_and_their_p_is_large() {
        // Gradients of both signs, directions of a fixed sequence.
        let mut state = 1u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / 8_388_608.0 - 1.0
        };
        let gradients: Vec<f32> = (0..200 * 16).map(|_| draw() as f32).collect();
        let mut s = || {
            let direction: Vec<f64> = (0..16).map(|_| draw()).collect();
            sensitivities(&gradients, &direction)
        };
        let null: Vec<Vec<f64>> = (0..99).map(|_| s()).collect();
        let rows: Vec<usize> = (0..200).collect();
        let found = relevance(&s(), (&null, &null), &rows, 0.5).unwrap();
        assert!((found.tcav - 0.5).abs() < 0.15, "{found:?}");
        assert!(
            found.tcav_random.p > 0.01 && found.br_random.unwrap().p > 0.01,
            "{found:?}"
        );
    }
}
