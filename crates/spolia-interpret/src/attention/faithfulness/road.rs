//! Remove and debias, ROAD (Rong et al. 2022).
//!
//! A share of the pixels, the most or the least relevant first, is imputed from the rest ([`super::impute`]), so that
//! the shape of what was removed tells the network as little as possible. A faithful map loses much score with the most
//! relevant pixels and little with the least.

use rayon::prelude::*;
use spolia_network::Tensor;

use super::{Score, Settings, impute::impute, ranking::ranking, score_all, size_of};
use crate::{Error, attention::Map};

/// Scores with shares of the pixels imputed.
#[derive(Clone, Debug, PartialEq)]
pub struct Road {
    /// Shares imputed.
    pub shares: Vec<f64>,
    /// Score at each share, most relevant pixels first.
    pub most_first: Vec<f64>,
    /// Score at each share, least relevant pixels first.
    pub least_first: Vec<f64>,
}

impl Road {
    /// Half the mean difference of least and most relevant first, pytorch-grad-cam's `ROADCombined`: above 0 where the
    /// map is better than chance. 0 for no shares.
    #[must_use]
    pub fn gap(&self) -> f64 {
        let pairs = self.least_first.iter().zip(&self.most_first);
        let sum: f64 = pairs.map(|(least, most)| least - most).sum();
        sum / 2.0 / self.shares.len().max(1) as f64
    }
}

/// ROAD of one image (1 x H x W x 3) at [`Settings::shares`].
///
/// # Errors
/// [`Error::Setting`] for a share that is not between 0 and 1 or leaves no pixel, and as [`super::deletion`].
pub fn road(
    image: &Tensor,
    map: &Map,
    settings: &Settings,
    score: &mut Score<'_>,
) -> Result<Road, Error> {
    let size = size_of(image)?;
    let order = ranking(map, size, settings.seed)?;
    let mut counts = Vec::with_capacity(settings.shares.len());
    for &share in &settings.shares {
        let count = (share * order.len() as f64).round() as usize;
        if !(share > 0.0 && share < 1.0 && count < order.len()) {
            return Err(Error::Setting {
                what: "a share of pixels to impute",
                value: share.to_string(),
                allowed: "numbers between 0 and 1 that leave a pixel",
            });
        }
        counts.push(count);
    }
    let imputed: Vec<Vec<f32>> = (0..2 * counts.len())
        .into_par_iter()
        .map(|k| {
            let count = counts[k / 2];
            let mut removed = vec![false; order.len()];
            let pixels = if k % 2 == 0 {
                &order[..count]
            } else {
                &order[order.len() - count..]
            };
            for &pixel in pixels {
                removed[pixel] = true;
            }
            let seed = settings.seed.wrapping_add(k as u64);
            impute(image.image(0), size, &removed, settings.noise, seed)
        })
        .collect::<Result<_, _>>()?;
    let mut images = imputed.into_iter();
    let scores = score_all(2 * counts.len(), size, settings.batch, score, |_| {
        Ok(images.next().unwrap_or_default())
    })?;
    Ok(Road {
        shares: settings.shares.clone(),
        most_first: scores.iter().step_by(2).copied().collect(),
        least_first: scores.iter().skip(1).step_by(2).copied().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One bright pixel among 16 makes the score; the map that knows it loses it first, the reverse one last.
    #[test]
    fn the_pixel_that_counts() {
        let mut data = vec![0f32; 16 * 3];
        data[5 * 3] = 1.0;
        let image = Tensor::new([1, 4, 4, 3], data).unwrap();
        let settings = Settings {
            shares: vec![0.25, 0.5],
            noise: 0.0,
            ..Settings::default()
        };
        let mut red = |batch: &Tensor| {
            Ok((0..batch.shape()[0])
                .map(|i| f64::from(batch.image(i)[5 * 3]))
                .collect())
        };
        let mut values = vec![0f32; 16];
        values[5] = 1.0;
        let mut map = Map {
            height: 4,
            width: 4,
            values,
        };
        let found = road(&image, &map, &settings, &mut red).unwrap();
        assert!(found.most_first.iter().all(|s| s.abs() < 1e-6));
        assert_eq!(found.least_first, [1.0, 1.0]);
        assert!((found.gap() - 0.5).abs() < 1e-6);
        map.values.iter_mut().for_each(|v| *v = 1.0 - *v);
        let found = road(&image, &map, &settings, &mut red).unwrap();
        assert!((found.gap() + 0.5).abs() < 1e-6);

        let all = Settings {
            shares: vec![1.0],
            ..settings
        };
        assert!(road(&image, &map, &all, &mut red).is_err());
    }
}
