//! Average drop and increase in confidence (Chattopadhay et al. 2018, section 4.1).
//!
//! The image is multiplied with the map, brought to its size and then to 0-1; in the network's values what is hidden turns
//! mid-gray. With the score Y before and O after, the drop is max(0, Y - O) / Y, and the score has increased where
//! O > Y; both are averaged over images. pytorch-grad-cam leaves the division by Y out.

use spolia_network::Tensor;

use super::{Score, score_all, size_of};
use crate::{Error, attention::Map};

/// What becomes of a score under a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drop {
    /// Of the whole image.
    pub before: f64,
    /// Of the image times the map.
    pub after: f64,
    /// max(0, before - after) / before, 0 to 1 for a probability.
    pub drop: f64,
    /// after > before.
    pub increase: bool,
}

/// Of one image (1 x H x W x 3) and a score that is a probability.
///
/// # Errors
/// [`Error::Shape`] for another number of images, [`Error::Setting`] for a score that is not above 0 before, of which a
/// drop has no meaning, [`Error::NotFinite`], and what `score` answers.
pub fn average_drop(image: &Tensor, map: &Map, score: &mut Score<'_>) -> Result<Drop, Error> {
    let size = size_of(image)?;
    map.check()?;
    let mask = map.resized(size[1], size[0]).normalised();
    let scores = score_all(2, size, 2, score, |k| {
        let pixels = image.image(0);
        Ok(if k == 0 {
            pixels.to_vec()
        } else {
            let pixels = pixels.chunks_exact(3).zip(&mask.values);
            pixels
                .flat_map(|(p, m)| p.iter().map(move |v| v * m))
                .collect()
        })
    })?;
    let (before, after) = (scores[0], scores[1]);
    if before <= 0.0 {
        return Err(Error::Setting {
            what: "the score of the whole image",
            value: before.to_string(),
            allowed: "the probability of the class, above 0",
        });
    }
    Ok(Drop {
        before,
        after,
        drop: (before - after).max(0.0) / before,
        increase: after > before,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let image = Tensor::new([1, 1, 2, 3], vec![0.6, 0.0, 0.0, 0.2, 0.0, 0.0]).unwrap();
        let map = |values: [f32; 2]| Map {
            height: 1,
            width: 2,
            values: values.to_vec(),
        };
        let mut sum = |batch: &Tensor| {
            Ok((0..batch.shape()[0])
                .map(|i| batch.image(i).iter().map(|&v| f64::from(v)).sum())
                .collect())
        };
        let found = average_drop(&image, &map([5.0, 1.0]), &mut sum).unwrap();
        assert!((found.drop - 0.25).abs() < 1e-6 && !found.increase);
        // The second pixel lowers this score: without it, it rises from .4 to .6.
        let mut difference = |batch: &Tensor| {
            Ok((0..batch.shape()[0])
                .map(|i| f64::from(batch.image(i)[0] - batch.image(i)[3]))
                .collect())
        };
        let found = average_drop(&image, &map([5.0, 1.0]), &mut difference).unwrap();
        assert!(found.drop == 0.0 && found.increase);
        assert!(average_drop(&Tensor::zeros([1, 1, 2, 3]), &map([1.0, 0.0]), &mut sum).is_err());
    }
}
