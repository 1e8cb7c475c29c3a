//! `visualize/comparison.csv` and `comparison_slopes.csv`: two networks' images of the same channels.

use std::path::Path;

use super::table::Table;
use crate::Error;
use crate::run::judged::Estimate;

/// A layer's mean over channels.
pub(crate) struct Compared {
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) layer: String,
    pub(crate) measure: String,
    pub(crate) channels: usize,
    /// Between the networks.
    pub(crate) between: Estimate,
    /// Between two starts of one network.
    pub(crate) null: Estimate,
    /// Between the networks less between starts.
    pub(crate) excess: Estimate,
    pub(crate) q: Option<f64>,
}

impl Compared {
    /// Both networks, as the figures name them.
    pub(crate) fn pair(&self) -> String {
        format!("{} \u{2192} {}", self.before, self.after)
    }
}

/// How the excess changes from layer to layer.
pub(crate) struct Slope {
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) measure: String,
    pub(crate) layers: usize,
    pub(crate) channels: usize,
    pub(crate) slope: Estimate,
}

/// Reads the table of layers; empty where there is none.
pub(super) fn compared(path: &Path) -> Result<Vec<Compared>, Error> {
    let Some(table) = Table::open(path)? else {
        return Ok(Vec::new());
    };
    table
        .rows()
        .map(|row| {
            let estimate = |name: &str| -> Result<Estimate, Error> {
                let low = row.known_finite(&format!("{name}_low"))?;
                let high = row.known_finite(&format!("{name}_high"))?;
                Ok(Estimate {
                    value: row.number(name)?,
                    ends: low.zip(high),
                })
            };
            Ok(Compared {
                before: row.text("before")?.to_owned(),
                after: row.text("after")?.to_owned(),
                layer: row.text("layer")?.to_owned(),
                measure: row.text("measure")?.to_owned(),
                channels: row.whole("channels")?,
                between: estimate("between")?,
                null: estimate("null")?,
                excess: estimate("excess")?,
                q: row.known_finite("q_value")?,
            })
        })
        .collect()
}

/// Reads the table of slopes; empty where there is none.
pub(super) fn slopes(path: &Path) -> Result<Vec<Slope>, Error> {
    let Some(table) = Table::open(path)? else {
        return Ok(Vec::new());
    };
    table
        .rows()
        .map(|row| {
            let ends = row.known_finite("low")?.zip(row.known_finite("high")?);
            Ok(Slope {
                before: row.text("before")?.to_owned(),
                after: row.text("after")?.to_owned(),
                measure: row.text("measure")?.to_owned(),
                layers: row.whole("layers")?,
                channels: row.whole("channels")?,
                slope: Estimate {
                    value: row.number("slope")?,
                    ends,
                },
            })
        })
        .collect()
}
