//! Sensitivity-n (Ancona et al. 2018, section 3.4).
//!
//! The correlation, over random subsets of n pixels, between the map's sum over the subset and the fall of the score
//! when the subset is replaced by [`Settings::deleted`]. A map in the score's own units has correlation 1 for a linear
//! network; maps without signs can only follow evidence for the class.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spolia_network::Tensor;

use super::{Score, Settings, score_all, size_of};
use crate::{Error, attention::Map};

/// Pearson's correlation at n = `share` of the pixels; none where the sums or the scores do not vary.
///
/// # Errors
/// [`Error::Setting`] for a share that is not between 0 and 1 or fewer than two subsets, and as [`super::deletion`].
pub fn sensitivity_n(
    image: &Tensor,
    map: &Map,
    share: f64,
    settings: &Settings,
    score: &mut Score<'_>,
) -> Result<Option<f64>, Error> {
    let size = size_of(image)?;
    map.check()?;
    let pixels = size[0] * size[1];
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::Setting {
            what: "the share of pixels in a subset",
            value: share.to_string(),
            allowed: "a number between 0 and 1",
        });
    }
    if settings.subsets < 2 {
        return Err(Error::Setting {
            what: "the number of subsets",
            value: settings.subsets.to_string(),
            allowed: "at least 2",
        });
    }
    let n = ((share * pixels as f64).round() as usize).clamp(1, pixels);
    let resized = map.resized(size[1], size[0]);
    let fill = settings.deleted.of(image, size)?;
    let mut sums = Vec::with_capacity(settings.subsets);
    // Image 0 is whole, image k + 1 lacks subset k.
    let scores = score_all(settings.subsets + 1, size, settings.batch, score, |k| {
        let mut now = image.image(0).to_vec();
        if k > 0 {
            let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
            rng.set_stream(k as u64);
            let mut order: Vec<usize> = (0..pixels).collect();
            let mut sum = 0f64;
            for i in 0..n {
                order.swap(i, rng.random_range(i..pixels));
                let pixel = order[i];
                sum += f64::from(resized.values[pixel]);
                now[pixel * 3..pixel * 3 + 3].copy_from_slice(&fill[pixel * 3..pixel * 3 + 3]);
            }
            sums.push(sum);
        }
        Ok(now)
    })?;
    let falls: Vec<f64> = scores[1..].iter().map(|s| scores[0] - s).collect();
    Ok(pearson(&sums, &falls))
}

fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let (mx, my) = (spolia_stats::mean(x), spolia_stats::mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        xx += (x - mx).powi(2);
        yy += (y - my).powi(2);
        xy += (x - mx) * (y - my);
    }
    // A sum of equal values differs by rounding alone.
    let n = x.len() as f64;
    let varies = |square: f64, mean: f64| square > n * (1e-12 * mean.abs()).powi(2);
    (varies(xx, mx) && varies(yy, my)).then(|| xy / (xx * yy).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::faithfulness::Fill;

    /// The score is the sum of red over 20 pixels and the map is red itself: correlation 1, and -1 for its reverse.
    #[test]
    fn linear_network() {
        let red: Vec<f32> = (0..20).map(|i| (i * 7 % 11) as f32 / 11.0).collect();
        let data = red.iter().flat_map(|&r| [r, 0.0, 0.0]).collect();
        let image = Tensor::new([1, 4, 5, 3], data).unwrap();
        let settings = Settings {
            deleted: Fill::Colour([0.0; 3]),
            ..Settings::default()
        };
        let mut sum = |batch: &Tensor| {
            Ok((0..batch.shape()[0])
                .map(|i| batch.image(i).iter().map(|&v| f64::from(v)).sum())
                .collect())
        };
        let mut run = |values: Vec<f32>| {
            let map = Map {
                height: 4,
                width: 5,
                values,
            };
            sensitivity_n(&image, &map, 0.3, &settings, &mut sum).unwrap()
        };
        assert!((run(red.clone()).unwrap() - 1.0).abs() < 1e-6);
        assert!((run(red.iter().map(|r| 1.0 - r).collect()).unwrap() + 1.0).abs() < 1e-6);
        assert_eq!(run(vec![0.3; 20]), None);
    }
}
