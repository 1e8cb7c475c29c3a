//! What was asked of the maps: `attention/faithfulness.csv`, `localization.csv`, `atypia.csv`, `sanity.csv`, and how the
//! overlays were drawn, `overlays.json`.

use std::path::Path;

use serde::Deserialize;

use super::table::{self, Row};
use crate::Error;
use crate::numbers::bracketed;

/// An estimate with its interval, where it is known.
#[derive(Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) ends: Option<(f64, f64)>,
}

impl Estimate {
    /// From three columns of a row; none where the value is not known.
    pub(super) fn read(
        row: &Row<'_>,
        [value, low, high]: [&str; 3],
    ) -> Result<Option<Self>, Error> {
        let ends = row.known_finite(low)?.zip(row.known_finite(high)?);
        let value = row.known_finite(value)?;
        Ok(value.map(|value| Self { value, ends }))
    }

    /// As [`Estimate::read`], of a value that must be there.
    pub(super) fn required(row: &Row<'_>, [value, low, high]: [&str; 3]) -> Result<Self, Error> {
        let ends = row.known_finite(low)?.zip(row.known_finite(high)?);
        let value = row.number(value)?;
        Ok(Self { value, ends })
    }

    /// In words: the value and its interval.
    pub(crate) fn words(&self) -> String {
        bracketed(Some(self.value), self.ends)
    }

    /// Whether the whole interval lies above `level`.
    pub(crate) fn above(&self, level: f64) -> bool {
        self.ends.is_some_and(|ends| ends.0 > level)
    }

    /// Whether the whole interval lies below `level`.
    pub(crate) fn below(&self, level: f64) -> bool {
        self.ends.is_some_and(|ends| ends.1 < level)
    }
}

/// A measure's mean over patches: of a method's maps, or of a map that knows nothing.
pub(crate) struct Measured {
    pub(crate) network: String,
    pub(crate) method: String,
    pub(crate) layer: String,
    /// `nuclei` or `segmented_nuclei`; empty for faithfulness.
    pub(crate) target: String,
    pub(crate) measure: String,
    pub(crate) n: usize,
    pub(crate) groups: usize,
    pub(crate) unit: String,
    /// What a map scores on average that knows nothing; of faithfulness it is not known.
    pub(crate) chance: Option<f64>,
    pub(crate) mean: Estimate,
    /// The difference to the random map, the centred blob and the stain, on the same patches; none of a baseline's own.
    pub(crate) minus: [Option<Estimate>; 3],
}

/// How attention on nuclei goes with their shape.
pub(crate) struct Atypia {
    pub(crate) network: String,
    pub(crate) method: String,
    pub(crate) layer: String,
    pub(crate) target: String,
    /// `area`, ..., `atypia`.
    pub(crate) morphology: String,
    pub(crate) nuclei: usize,
    pub(crate) patches: usize,
    pub(crate) groups: usize,
    pub(crate) unit: String,
    /// Rank correlation within patches.
    pub(crate) rho: Option<f64>,
    /// Standardised slope with area and stain held fixed.
    pub(crate) slope: Option<Estimate>,
    /// p over groups, and its q over the table.
    pub(crate) p: Option<f64>,
    pub(crate) q: Option<f64>,
}

/// How alike maps are to those of the network with its stages random from one on.
pub(crate) struct Sanity {
    pub(crate) network: String,
    pub(crate) method: String,
    pub(crate) stage: String,
    pub(crate) rho: Option<f64>,
    pub(crate) patches: usize,
    pub(crate) flat: usize,
}

/// How overlays were drawn.
#[derive(Deserialize)]
pub(crate) struct Style {
    pub(crate) colours: String,
    /// `own` or `shared`.
    pub(crate) scale: String,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            colours: "viridis".into(),
            scale: "own".into(),
        }
    }
}

/// All of it.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) faithfulness: Vec<Measured>,
    pub(crate) localization: Vec<Measured>,
    pub(crate) atypia: Vec<Atypia>,
    pub(crate) sanity: Vec<Sanity>,
    pub(crate) style: Style,
}

/// Reads the tables in `folder`; empty where there are none.
pub(super) fn judged(folder: &Path) -> Result<Judged, Error> {
    Ok(Judged {
        faithfulness: table::read(&folder.join("faithfulness.csv"), |row| measured(row, false))?,
        localization: table::read(&folder.join("localization.csv"), |row| measured(row, true))?,
        atypia: table::read(&folder.join("atypia.csv"), atypia)?,
        sanity: table::read(&folder.join("sanity.csv"), sanity)?,
        style: super::json(&folder.join("overlays.json"))?.unwrap_or_default(),
    })
}

fn measured(row: &Row<'_>, localized: bool) -> Result<Measured, Error> {
    let minus = |baseline: &str| {
        let name = format!("minus_{baseline}");
        let (low, high) = (format!("{name}_low"), format!("{name}_high"));
        Estimate::read(row, [&name, &low, &high])
    };
    Ok(Measured {
        network: row.text("network")?.to_owned(),
        method: row.text("method")?.to_owned(),
        layer: row.text("layer")?.to_owned(),
        target: if localized {
            row.text("target")?.to_owned()
        } else {
            String::new()
        },
        measure: row.text("measure")?.to_owned(),
        n: row.whole("n")?,
        groups: row.whole("groups")?,
        unit: row.text("unit")?.to_owned(),
        chance: if localized {
            row.known_finite("chance")?
        } else {
            None
        },
        mean: Estimate::required(row, ["mean", "low", "high"])?,
        minus: [
            minus("random")?,
            minus("centre")?,
            if localized { minus("stain")? } else { None },
        ],
    })
}

fn atypia(row: &Row<'_>) -> Result<Atypia, Error> {
    Ok(Atypia {
        network: row.text("network")?.to_owned(),
        method: row.text("method")?.to_owned(),
        layer: row.text("layer")?.to_owned(),
        target: row.text("target")?.to_owned(),
        morphology: row.text("morphology")?.to_owned(),
        nuclei: row.whole("nuclei")?,
        patches: row.whole("patches")?,
        groups: row.whole("groups")?,
        unit: row.text("unit")?.to_owned(),
        rho: row.known_finite("rho")?,
        slope: Estimate::read(row, ["slope", "low", "high"])?,
        p: row.known_finite("groups_p")?,
        q: row.known_finite("q_value")?,
    })
}

fn sanity(row: &Row<'_>) -> Result<Sanity, Error> {
    Ok(Sanity {
        network: row.text("network")?.to_owned(),
        method: row.text("method")?.to_owned(),
        stage: row.text("stage")?.to_owned(),
        rho: row.known_finite("rho")?,
        patches: row.whole("patches")?,
        flat: row.whole("flat")?,
    })
}
