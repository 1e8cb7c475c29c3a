//! Insertion and deletion (Petsiuk et al. 2018, "RISE", section 4.1).
//!
//! Pixels are taken by falling attention. Deletion replaces more and more of the image by [`Settings::deleted`];
//! insertion starts from [`Settings::inserted_into`] and puts more and more of the image back. The area under the
//! score's curve over the share of pixels is small for deletion, large for insertion, where the map is faithful.

use spolia_network::Tensor;

use super::{Score, Settings, ranking::ranking, score_all, size_of};
use crate::{Error, attention::Map};

/// A score over the share of pixels changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Shares from 0 to 1.
    pub shares: Vec<f64>,
    /// The score at each.
    pub scores: Vec<f64>,
}

impl Curve {
    /// Area by trapezoids; the shares span 1, so that it is a mean score.
    #[must_use]
    pub fn area(&self) -> f64 {
        let points = self.shares.iter().zip(&self.scores);
        points
            .clone()
            .zip(points.skip(1))
            .map(|((x0, y0), (x1, y1))| (x1 - x0) * (y0 + y1) / 2.0)
            .sum()
    }
}

/// The score while the strongest pixels are deleted. `image` is 1 x H x W x 3; the map is resized to it.
///
/// # Errors
/// [`Error::Shape`] for another number of images or an empty map, [`Error::Setting`] for no steps or a blur that is
/// none, [`Error::NotFinite`] for a map or score that is no number, and what `score` answers.
pub fn deletion(
    image: &Tensor,
    map: &Map,
    settings: &Settings,
    score: &mut Score<'_>,
) -> Result<Curve, Error> {
    let size = size_of(image)?;
    let end = settings.deleted.of(image, size)?;
    curve(image.image(0), &end, size, map, settings, score)
}

/// The score while the strongest pixels are inserted.
///
/// # Errors
/// As [`deletion`].
pub fn insertion(
    image: &Tensor,
    map: &Map,
    settings: &Settings,
    score: &mut Score<'_>,
) -> Result<Curve, Error> {
    let size = size_of(image)?;
    let start = settings.inserted_into.of(image, size)?;
    curve(&start, image.image(0), size, map, settings, score)
}

/// From one image to another, pixel by pixel.
fn curve(
    start: &[f32],
    end: &[f32],
    size: [usize; 2],
    map: &Map,
    settings: &Settings,
    score: &mut Score<'_>,
) -> Result<Curve, Error> {
    if settings.steps == 0 {
        return Err(Error::Setting {
            what: "the number of steps of a curve",
            value: "0".into(),
            allowed: "at least 1",
        });
    }
    let order = ranking(map, size, settings.seed)?;
    // Fewer pixels than steps: one pixel a step.
    let steps = settings.steps.min(order.len());
    let changed = |k: usize| k * order.len() / steps;
    let mut now = start.to_vec();
    let scores = score_all(steps + 1, size, settings.batch, score, |k| {
        for &pixel in &order[changed(k.saturating_sub(1))..changed(k)] {
            now[pixel * 3..pixel * 3 + 3].copy_from_slice(&end[pixel * 3..pixel * 3 + 3]);
        }
        Ok(now.clone())
    })?;
    Ok(Curve {
        shares: (0..=steps)
            .map(|k| changed(k) as f64 / order.len() as f64)
            .collect(),
        scores,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::faithfulness::Fill;

    #[test]
    fn areas() {
        let curve = |scores: [f64; 3]| Curve {
            shares: vec![0.0, 0.5, 1.0],
            scores: scores.to_vec(),
        };
        assert!((curve([1.0, 0.3, 0.0]).area() - 0.4).abs() < 1e-15);
        assert!((curve([0.0, 0.7, 1.0]).area() - 0.6).abs() < 1e-15);
    }

    /// Two pixels whose red adds .7 and .3 to the score: deletion 1, .3, 0 (area .4), insertion 0, .7, 1 (area .6);
    /// the reverse map: 1, .7, 0 and 0, .3, 1.
    #[test]
    fn two_pixels() {
        let image = Tensor::new([1, 1, 2, 3], vec![0.7, 0.0, 0.0, 0.3, 0.0, 0.0]).unwrap();
        let settings = Settings {
            steps: 2,
            deleted: Fill::Colour([0.0; 3]),
            inserted_into: Fill::Colour([0.0; 3]),
            batch: 2,
            ..Settings::default()
        };
        let mut score = |batch: &Tensor| {
            Ok((0..batch.shape()[0])
                .map(|i| {
                    batch
                        .image(i)
                        .iter()
                        .step_by(3)
                        .map(|&v| f64::from(v))
                        .sum()
                })
                .collect())
        };
        for (values, deleted, inserted) in [([0.9, 0.1], 0.4, 0.6), ([0.1, 0.9], 0.6, 0.4)] {
            let map = Map {
                height: 1,
                width: 2,
                values: values.to_vec(),
            };
            let curve = deletion(&image, &map, &settings, &mut score).unwrap();
            assert_eq!(curve.shares, [0.0, 0.5, 1.0]);
            assert!((curve.area() - deleted).abs() < 1e-7);
            let curve = insertion(&image, &map, &settings, &mut score).unwrap();
            assert!((curve.area() - inserted).abs() < 1e-7);
        }
    }

    #[test]
    fn what_is_refused() {
        let image = Tensor::zeros([1, 2, 2, 3]);
        let map = Map {
            height: 1,
            width: 1,
            values: vec![1.0],
        };
        let run = |image: &Tensor, settings: &Settings, value: f64| {
            deletion(image, &map, settings, &mut |batch| {
                Ok(vec![value; batch.shape()[0]])
            })
        };
        let none = Settings {
            steps: 0,
            ..Settings::default()
        };
        assert!(run(&image, &none, 1.0).is_err());
        assert!(run(&Tensor::zeros([2, 2, 2, 3]), &Settings::default(), 1.0).is_err());
        assert!(run(&image, &Settings::default(), f64::NAN).is_err());
        assert!(deletion(&image, &map, &Settings::default(), &mut |_| Ok(vec![])).is_err());
        // More steps than pixels: one pixel a step.
        assert_eq!(
            run(&image, &Settings::default(), 1.0).unwrap().shares.len(),
            5
        );
    }
}
