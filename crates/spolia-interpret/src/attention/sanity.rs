//! Sanity check by randomised weights (Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3.1).
//!
//! The network's stages are made random from the top down, one after the other, and its maps compared with those of the
//! trained network by rank. A method whose maps stay alike does not explain what the network has learnt.

use spolia_network::{Initialisation, Network, StageId, Weights, initialise, keep_until};

use super::Map;
use crate::Error;

/// The stages that have weights, from the top (the logits) down: the steps of the check.
#[must_use]
pub fn cascade(network: &Network) -> Vec<StageId> {
    let mut stages: Vec<StageId> = network
        .stages()
        .map(|(id, _)| id)
        .filter(|&id| !network.stage_parameters(id).is_empty())
        .collect();
    stages.reverse();
    stages
}

/// Weights with `from` and every later stage random (Xavier, batch norm reset), the earlier ones as they were. Each
/// stage gets the same random values at every step of the cascade.
///
/// # Errors
/// [`Error::Network`] where a kept parameter is missing.
pub fn randomised(
    network: &Network,
    weights: &Weights,
    from: StageId,
    seed: u64,
) -> Result<Weights, Error> {
    let fresh = initialise(network, Initialisation::Xavier, seed);
    let last_kept = network
        .stages()
        .map(|(id, _)| id)
        .take_while(|&id| id < from);
    match last_kept.last() {
        Some(last) => Ok(keep_until(network, weights, &fresh, last)?),
        None => Ok(fresh),
    }
}

/// How alike two networks' maps of the same images are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Mean over images of Spearman's rank correlation of the maps' values; none where no pair of maps varies.
    pub rho: Option<f64>,
    /// Mean of its absolute value.
    pub absolute: Option<f64>,
    /// Images compared.
    pub compared: usize,
    /// Images left out, because one of the maps is the same everywhere and has no ranks.
    pub flat: usize,
}

/// Compares the maps of the trained network with those of a randomised one, image by image.
///
/// # Errors
/// [`Error::Shape`] for unequal numbers or sizes of maps, [`Error::Statistics`] for values that are no numbers.
pub fn similarity(trained: &[Map], randomised: &[Map]) -> Result<Similarity, Error> {
    if trained.len() != randomised.len() {
        return Err(Error::Shape {
            what: "maps of the randomised network".into(),
            expected: trained.len().to_string(),
            got: randomised.len().to_string(),
        });
    }
    let mut found = Vec::with_capacity(trained.len());
    for (a, b) in trained.iter().zip(randomised) {
        if (a.height, a.width) != (b.height, b.width) {
            return Err(Error::Shape {
                what: "map of the randomised network".into(),
                expected: format!("{} x {}", a.height, a.width),
                got: format!("{} x {}", b.height, b.width),
            });
        }
        let wide = |map: &Map| map.values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        match spolia_stats::spearman(&wide(a), &wide(b)) {
            Ok(rho) => found.push(rho),
            Err(spolia_stats::Error::Constant { .. } | spolia_stats::Error::TooFew { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    let mean = |values: Vec<f64>| (!values.is_empty()).then(|| spolia_stats::mean(&values));
    Ok(Similarity {
        compared: found.len(),
        flat: trained.len() - found.len(),
        absolute: mean(found.iter().map(|r| r.abs()).collect()),
        rho: mean(found),
    })
}

#[cfg(test)]
mod tests {
    use spolia_network::{Convention, inception_v3};

    use super::*;

    fn map(values: &[f32]) -> Map {
        Map {
            height: 1,
            width: values.len(),
            values: values.to_vec(),
        }
    }

    #[test]
    fn ranks() {
        let trained = [
            map(&[1.0, 2.0, 3.0, 4.0]),
            map(&[1.0, 2.0, 3.0]),
            map(&[5.0, 5.0]),
        ];
        // 1 - 6 * 2 / 60 = .8, -1, and one flat map.
        let other = [
            map(&[1.0, 3.0, 2.0, 9.0]),
            map(&[3.0, 2.0, 1.0]),
            map(&[1.0, 2.0]),
        ];
        let found = similarity(&trained, &other).unwrap();
        assert!((found.rho.unwrap() + 0.1).abs() < 1e-12);
        assert!((found.absolute.unwrap() - 0.9).abs() < 1e-12);
        assert_eq!((found.compared, found.flat), (2, 1));
        assert_eq!(similarity(&trained[2..], &other[2..]).unwrap().rho, None);
        assert!(similarity(&trained, &other[..2]).is_err());
        assert!(similarity(&[map(&[1.0, f32::NAN])], &[map(&[1.0, 2.0])]).is_err());
    }

    #[test]
    fn from_the_top_down() {
        let network = inception_v3(Convention::Keras, Some(1));
        let weights = initialise(&network, Initialisation::Xavier, 1);
        let stages = cascade(&network);
        let names: Vec<_> = stages.iter().map(|&s| network.name(s)).collect();
        assert_eq!(names[..3], ["logits", "Mixed_7c", "Mixed_7b"]);
        assert_eq!(names[names.len() - 1], "Conv2d_1a_3x3");
        assert!(!names.contains(&"maxpool1"));
        let random = randomised(&network, &weights, stages[1], 2).unwrap();
        for (id, _) in network.stages() {
            for (name, shape) in network.stage_parameters(id) {
                let kept = random.get(&name).unwrap() == weights.get(&name).unwrap();
                // Batch norm of Xavier's weights is the same whatever the seed.
                assert!(kept == (id < stages[1]) || shape.len() == 1, "{name}");
            }
        }
        let all = randomised(&network, &weights, stages[stages.len() - 1], 2).unwrap();
        assert_eq!(
            all.tensors,
            initialise(&network, Initialisation::Xavier, 2).tensors
        );
    }
}
