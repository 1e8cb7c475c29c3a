//! `concepts/classes.csv` and `concepts/centre.csv`: what else can be told from a layer's features.

use std::path::Path;

use super::table;
use crate::Error;

/// How well a concept that is a class (not a number) is told from a layer's features.
pub(crate) struct Classes {
    pub(crate) network: String,
    pub(crate) layer: String,
    pub(crate) concept: String,
    /// Patches, and values that the concept has.
    pub(crate) n: usize,
    pub(crate) classes: usize,
    /// Mean recall over the classes, held out, with its interval.
    pub(crate) accuracy: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// Area under the ROC curve.
    pub(crate) auc: Option<f64>,
    /// What guessing gives: the mean of permuted classes, else one in so many.
    pub(crate) chance: Option<f64>,
    pub(crate) p: Option<f64>,
}

/// How well the centre that a patch comes from is told from a layer's features.
pub(crate) struct Centre {
    pub(crate) network: String,
    pub(crate) layer: String,
    /// Patches, centres, and the groups (patients, slides) that were held out together.
    pub(crate) n: usize,
    pub(crate) centres: usize,
    pub(crate) groups: usize,
    /// What such a group is.
    pub(crate) unit: String,
    /// Mean recall over the centres, held out, with its interval.
    pub(crate) accuracy: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// What guessing gives: where permuted centres were told, their mean and 95th percentile.
    pub(crate) chance: Option<f64>,
    pub(crate) chance_high: Option<f64>,
    pub(crate) p: Option<f64>,
}

/// Reads the table of classes; empty where there is none.
pub(super) fn classes(path: &Path) -> Result<Vec<Classes>, Error> {
    table::read(path, |row| {
        let classes = row.whole("classes")?;
        let equal = (classes > 0).then(|| 1.0 / classes as f64);
        Ok(Classes {
            network: row.text("network")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            concept: row.text("concept")?.to_owned(),
            n: row.whole("n")?,
            classes,
            accuracy: row.known_number("balanced_accuracy")?,
            low: row.known_number("low")?,
            high: row.known_number("high")?,
            auc: row.known_number("auc")?,
            chance: row.optional_number("null")?.or(equal),
            p: row.known_number("p_value")?,
        })
    })
}

/// Reads the table of centres; empty where there is none.
pub(super) fn centres(path: &Path) -> Result<Vec<Centre>, Error> {
    table::read(path, |row| {
        Ok(Centre {
            network: row.text("network")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            n: row.whole("n")?,
            centres: row.whole("centres")?,
            groups: row.whole("groups")?,
            unit: row.text("unit")?.to_owned(),
            accuracy: row.known_number("balanced_accuracy")?,
            low: row.known_number("low")?,
            high: row.known_number("high")?,
            chance: row.optional_number("null")?.or(row.known_number("chance")?),
            chance_high: row.optional_number("null_high")?,
            p: row.known_number("p_value")?,
        })
    })
}
