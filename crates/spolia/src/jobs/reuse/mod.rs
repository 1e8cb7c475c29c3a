//! What partial reuse buys: the networks of a sweep judged on the same patches, and compared arm by arm.

pub mod arms;
pub mod centres;
pub mod comparisons;
pub mod estimate;
pub mod scores;
pub mod stages;

use spolia_stats::RunDraws;

/// Draws of the bootstraps.
const RESAMPLES: usize = 2000;
/// Coverage of their intervals.
const LEVEL: f64 = 0.95;
/// Bins of the calibration error.
const BINS: usize = 10;

/// The bootstraps' draws over these groups: the same for every arm, so that arms are judged on the same draws.
fn draws(groups: &[usize], seed: u64) -> RunDraws<'_> {
    RunDraws {
        groups,
        resamples: RESAMPLES,
        level: LEVEL,
        seed,
    }
}

/// A number with the ends of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    fn of(over: &spolia_stats::OverRuns) -> Self {
        Self {
            value: over.mean,
            low: over.interval.low,
            high: over.interval.high,
        }
    }

    /// Its three cells of a table.
    fn cells(self) -> [String; 3] {
        [self.value, self.low, self.high].map(|v| v.to_string())
    }
}
