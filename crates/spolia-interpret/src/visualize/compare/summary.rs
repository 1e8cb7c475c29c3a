//! Differences between networks beside those between seeds, by layer and over depth.

use spolia_stats::{
    Interval, LineFit, group_bootstrap, line, mean, sign_flip_test, slope_interval,
};

use crate::Error;

/// One channel's differences: any statistic of this module, or a difference of two [`super::Complexity`] values.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelPair {
    /// The layer.
    pub layer: String,
    /// Its place on the path, from 0; what slopes are over.
    pub depth: f64,
    /// The channel.
    pub channel: usize,
    /// Between the images of two networks (the pretrained and the finetuned one).
    pub between: f64,
    /// Between images of one network from different seeds; the mean over both networks and all pairs of seeds.
    pub null: f64,
}

/// How intervals and tests are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resampling {
    /// Draws of the bootstrap, and permutations of the test.
    pub draws: usize,
    /// Coverage of the intervals.
    pub level: f64,
    /// Seed.
    pub seed: u64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self {
            draws: 2000,
            level: 0.95,
            seed: 0,
        }
    }
}

/// A mean over channels and its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Bootstrap over channels; none for a single channel.
    pub interval: Option<Interval>,
}

/// A layer's differences.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSummary {
    /// The layer.
    pub layer: String,
    /// Its place on the path.
    pub depth: f64,
    /// How many channels.
    pub channels: usize,
    /// Between networks.
    pub between: Estimate,
    /// Between seeds.
    pub null: Estimate,
    /// Between networks less between seeds, channel by channel.
    pub excess: Estimate,
    /// Sign-flip test of the excess, two-sided: that networks differ as seeds do. With n channels at least 2 / 2^n.
    pub p_value: f64,
}

/// How the excess changes over depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthSlope {
    /// Change of the excess per layer, least squares over all channels.
    pub slope: f64,
    /// Bootstrap over channels; it holds for these layers.
    pub interval: Interval,
}

/// The summary of each layer, by depth. Intervals and p-values speak of channels like those drawn, in these two
/// networks; they do not say what other finetunings would give.
///
/// # Errors
/// [`Error::Statistics`] for a value that is no number, a level that is not between 0 and 1, or no draws.
pub fn by_layer(pairs: &[ChannelPair], how: Resampling) -> Result<Vec<LayerSummary>, Error> {
    let mut layers: Vec<(&str, f64)> = pairs.iter().map(|p| (p.layer.as_str(), p.depth)).collect();
    layers.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(b.0)));
    layers.dedup();
    layers
        .into_iter()
        .map(|(layer, depth)| {
            let own: Vec<_> = pairs
                .iter()
                .filter(|p| p.layer == layer && p.depth.total_cmp(&depth).is_eq())
                .collect();
            let between: Vec<f64> = own.iter().map(|p| p.between).collect();
            let null: Vec<f64> = own.iter().map(|p| p.null).collect();
            let excess: Vec<f64> = own.iter().map(|p| p.between - p.null).collect();
            Ok(LayerSummary {
                layer: layer.into(),
                depth,
                channels: own.len(),
                between: estimate(&between, how)?,
                null: estimate(&null, how)?,
                p_value: sign_flip_test(&excess, 0.0, how.draws, how.seed)?.p_value,
                excess: estimate(&excess, how)?,
            })
        })
        .collect()
}

fn estimate(values: &[f64], how: Resampling) -> Result<Estimate, Error> {
    let channels: Vec<usize> = (0..values.len()).collect();
    let interval = if values.len() < 2 {
        None
    } else {
        let of = |rows: &[usize]| Some(mean(&rows.iter().map(|&r| values[r]).collect::<Vec<_>>()));
        Some(group_bootstrap(
            &channels, how.draws, how.level, how.seed, of,
        )?)
    };
    Ok(Estimate {
        mean: mean(values),
        interval,
    })
}

/// The slope of the excess over depth, channels resampled.
///
/// # Errors
/// [`Error::Statistics`] for channels of one depth alone, fewer than two, or a value that is no number.
pub fn over_depth(pairs: &[ChannelPair], how: Resampling) -> Result<DepthSlope, Error> {
    let depth: Vec<f64> = pairs.iter().map(|p| p.depth).collect();
    let excess: Vec<f64> = pairs.iter().map(|p| p.between - p.null).collect();
    let channels: Vec<usize> = (0..pairs.len()).collect();
    let fit = LineFit::LeastSquares;
    Ok(DepthSlope {
        slope: line(&depth, &excess, fit)?.slope,
        interval: slope_interval(
            &depth, &excess, &channels, fit, how.draws, how.level, how.seed,
        )?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three layers of six channels; the excess is 0, 1 and 2 plus -.1 … .1.
    fn pairs() -> Vec<ChannelPair> {
        let mut pairs = Vec::new();
        for (depth, layer) in ["Mixed_5b", "Mixed_6a", "Mixed_7c"].into_iter().enumerate() {
            for channel in 0..6 {
                let noise = 0.04 * (channel as f64 - 2.5);
                pairs.push(ChannelPair {
                    layer: layer.into(),
                    depth: depth as f64,
                    channel,
                    between: 0.5 + depth as f64 + noise,
                    null: 0.5,
                });
            }
        }
        pairs.reverse();
        pairs
    }

    #[test]
    fn layers_beside_their_null() {
        let found = by_layer(&pairs(), Resampling::default()).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|l| (l.layer.as_str(), l.channels))
            .collect();
        assert_eq!(names, [("Mixed_5b", 6), ("Mixed_6a", 6), ("Mixed_7c", 6)]);
        for (depth, layer) in found.iter().enumerate() {
            assert!((layer.excess.mean - depth as f64).abs() < 1e-12);
            assert!((layer.null.mean - 0.5).abs() < 1e-12);
            let interval = layer.excess.interval.unwrap();
            assert!(interval.low < layer.excess.mean && layer.excess.mean < interval.high);
            assert_eq!(interval.low < 0.0, depth == 0, "{interval:?}");
        }
        // All 64 sign patterns: none but the two with equal signs is as extreme.
        assert_eq!(found[2].p_value, 2.0 / 64.0);
        assert!(found[0].p_value > 0.5);
    }

    #[test]
    fn slope_over_depth() {
        let slope = over_depth(&pairs(), Resampling::default()).unwrap();
        assert!((slope.slope - 1.0).abs() < 1e-12);
        assert!(slope.interval.low > 0.8 && slope.interval.low < 1.0 && slope.interval.high < 1.2);
        assert!(over_depth(&pairs()[..6], Resampling::default()).is_err());
    }

    #[test]
    fn one_channel_has_no_interval() {
        let found = by_layer(&pairs()[..1], Resampling::default()).unwrap();
        assert_eq!((found[0].excess.interval, found[0].p_value), (None, 1.0));
        assert!(by_layer(&[], Resampling::default()).unwrap().is_empty());
        let mut broken = pairs();
        broken[3].between = f64::NAN;
        assert!(by_layer(&broken, Resampling::default()).is_err());
    }
}
