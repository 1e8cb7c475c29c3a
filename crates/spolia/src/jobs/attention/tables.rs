//! What maps show over many patches: means with intervals over patients, beside maps that know nothing.

use std::path::Path;

use miette::IntoDiagnostic;
use spolia_dataset::Patch;
use spolia_interpret::Error;
use spolia_interpret::attention::atypia::{Morphology, Observation, RegressionOptions, claim};
use spolia_interpret::attention::faithfulness::Faithfulness;
use spolia_interpret::attention::localization::Localization;
use spolia_interpret::attention::mean_over_groups;

use super::checks::{self, Judged};
use super::regions::{BASELINES, OnRegion, Target};
use super::{Job, Mapped};
use crate::jobs::concepts::tables::fill_q;
use crate::run_folder::{cell, write_csv};

/// Rows of a table.
pub type Rows = Vec<Vec<String>>;

/// A table to be written.
pub struct Table {
    /// Its file's name, without `.csv`.
    pub name: &'static str,
    /// Its columns.
    pub header: Vec<&'static str>,
    /// Its rows.
    pub rows: Rows,
}

impl Table {
    pub(super) fn new(name: &'static str, header: &[&'static str], rows: Rows) -> Self {
        Self {
            name,
            header: header.to_vec(),
            rows,
        }
    }

    /// Writes it into a folder.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> miette::Result<()> {
        let file = folder.join(format!("{}.csv", self.name));
        Ok(write_csv(&file, &self.header, &self.rows)?)
    }
}

/// Fills the q-values of atypia's rows: Benjamini-Hochberg over all rows of the p over groups.
///
/// # Errors
/// A p-value is out of range.
pub fn fill_atypia_q(rows: &mut Rows) -> miette::Result<()> {
    fill_q(rows, ATYPIA.len() - 2, ATYPIA.len() - 1)
}

/// Bootstrap resamples of an interval.
const RESAMPLES: usize = 1_000;
/// Coverage of an interval.
const LEVEL: f64 = 0.95;

/// Whose maps are summed up.
pub struct Over<'a> {
    /// What was mapped.
    pub job: &'a Job<'a>,
    /// The layers' names.
    pub layer: &'a str,
    /// The mapped patches.
    pub patches: &'a [&'a Patch],
    /// Each patch's group, a patient where it is known.
    pub groups: &'a [usize],
    /// What a group is.
    pub unit: &'a str,
}

/// Columns of faithfulness.csv.
pub const FAITHFULNESS: [&str; 16] = [
    "network",
    "method",
    "layer",
    "measure",
    "n",
    "groups",
    "unit",
    "mean",
    "low",
    "high",
    "minus_random",
    "minus_random_low",
    "minus_random_high",
    "minus_centre",
    "minus_centre_low",
    "minus_centre_high",
];

/// Columns of localization.csv.
pub const LOCALIZATION: [&str; 24] = [
    "network",
    "method",
    "layer",
    "target",
    "measure",
    "n",
    "groups",
    "unit",
    "chance",
    "mean",
    "low",
    "high",
    "minus_random",
    "minus_random_low",
    "minus_random_high",
    "minus_centre",
    "minus_centre_low",
    "minus_centre_high",
    "minus_stain",
    "minus_stain_low",
    "minus_stain_high",
    "minus_mask",
    "minus_mask_low",
    "minus_mask_high",
];

/// Columns of curves.csv.
pub const CURVES: [&str; 7] = ["network", "method", "layer", "curve", "share", "n", "score"];

/// Columns of atypia.csv.
pub const ATYPIA: [&str; 18] = [
    "network",
    "method",
    "layer",
    "target",
    "morphology",
    "nuclei",
    "patches",
    "groups",
    "unit",
    "rho",
    "rho_p",
    "slope",
    "partial",
    "partial_p",
    "low",
    "high",
    "groups_p",
    "q_value",
];

/// Columns of a network's nuclei.csv.
fn nuclei_header() -> Vec<&'static str> {
    let fixed = [
        "network", "method", "layer", "id", "nucleus", "x", "y", "whole",
    ];
    let shapes = Morphology::ALL.map(Morphology::name);
    fixed
        .into_iter()
        .chain(shapes)
        .chain(["attention"])
        .collect()
}

/// A mean over patches with the ends of its interval, as cells, and its number of groups.
fn mean(over: &Over<'_>, values: &[(usize, f64)]) -> miette::Result<([String; 3], usize)> {
    let groups: Vec<usize> = values.iter().map(|v| over.groups[v.0]).collect();
    let values: Vec<f64> = values.iter().map(|v| v.1).collect();
    let found =
        mean_over_groups(&values, &groups, RESAMPLES, LEVEL, over.job.seed).into_diagnostic()?;
    let ends = found.interval.map(|i| (i.low, i.high));
    let cells = [Some(found.mean), ends.map(|e| e.0), ends.map(|e| e.1)].map(cell);
    Ok((cells, found.groups))
}

/// The rows of every map and measure: the mean, then its difference to each baseline on the same patches.
/// `values[patch][map]` are a patch's measures; the baselines come after the methods.
fn compared<const N: usize>(
    over: &Over<'_>,
    names: &[&str],
    baselines: usize,
    measures: &[&str],
    values: &[(usize, Vec<[Option<f64>; N]>)],
    before: impl Fn(&str, usize, usize) -> Vec<String>,
) -> miette::Result<Rows> {
    let mut rows = Rows::new();
    let methods = names.len() - baselines;
    for (map, name) in names.iter().enumerate() {
        for (k, measure) in measures.iter().enumerate() {
            let own: Vec<(usize, f64)> = values
                .iter()
                .filter_map(|(place, maps)| Some((*place, maps[map][k]?)))
                .collect();
            if own.is_empty() {
                continue;
            }
            let (cells, groups) = mean(over, &own)?;
            let mut row = vec![over.job.network.into(), name.to_string(), over.layer.into()];
            row.extend(before(measure, own.len(), groups));
            row.extend(cells);
            for baseline in methods..names.len() {
                let pairs: Vec<(usize, f64)> = values
                    .iter()
                    .filter_map(|(place, maps)| Some((*place, maps[map][k]? - maps[baseline][k]?)))
                    .collect();
                let difference = map < methods && !pairs.is_empty();
                row.extend(if difference {
                    mean(over, &pairs)?.0
                } else {
                    Default::default()
                });
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Rows of faithfulness.csv.
///
/// # Errors
/// A mean is not defined.
pub fn faithfulness(over: &Over<'_>, judged: &[Judged]) -> miette::Result<Rows> {
    let values: Vec<_> = judged
        .iter()
        .map(|j| (j.place, j.measures.clone()))
        .collect();
    let names = checks::names(over.job);
    compared(
        over,
        &names,
        checks::BASELINES.len(),
        &Faithfulness::NAMES,
        &values,
        |measure, n, groups| {
            vec![
                measure.into(),
                n.to_string(),
                groups.to_string(),
                over.unit.into(),
            ]
        },
    )
}

/// Rows of curves.csv: the mean score at each share of the pixels.
pub fn curves<'a>(over: &Over<'_>, judged: &'a [Judged]) -> Rows {
    let mut rows = Rows::new();
    for (map, name) in checks::names(over.job).iter().enumerate() {
        for (k, curve) in checks::CURVES.iter().enumerate() {
            let of = |j: &'a Judged| &j.curves[map][k];
            let Some((shares, _)) = judged.first().map(of) else {
                continue;
            };
            for (at, share) in shares.iter().enumerate() {
                let scores = judged.iter().filter_map(|j| of(j).1.get(at));
                let sum: f64 = scores.sum();
                rows.push(vec![
                    over.job.network.into(),
                    name.to_string(),
                    over.layer.into(),
                    curve.to_string(),
                    share.to_string(),
                    judged.len().to_string(),
                    (sum / judged.len() as f64).to_string(),
                ]);
            }
        }
    }
    rows
}

/// The regions of each kind, with their patches' places.
fn targets(mapped: &[Mapped]) -> Vec<(Target, Vec<(usize, &OnRegion)>)> {
    let all = mapped
        .iter()
        .flat_map(|m| m.on.iter().map(|on| (m.place, on)));
    let all: Vec<(usize, &OnRegion)> = all.collect();
    Target::ALL
        .into_iter()
        .map(|target| {
            let of = all.iter().copied().filter(|(_, on)| on.target == target);
            (target, of.collect::<Vec<_>>())
        })
        .filter(|(_, of)| !of.is_empty())
        .collect()
}

/// Rows of localization.csv, apart for given masks, segmented nuclei and annotations.
///
/// # Errors
/// A mean is not defined.
pub fn localization(over: &Over<'_>, mapped: &[Mapped]) -> miette::Result<Rows> {
    let methods = over.job.methods.iter().map(|m| m.name());
    let names: Vec<&str> = methods.chain(BASELINES).collect();
    let mut rows = Rows::new();
    for (target, of) in targets(mapped) {
        let values: Vec<_> = of
            .iter()
            .map(|(place, on)| {
                let maps = on.methods.iter().chain(&on.baselines);
                (*place, maps.map(|v| v.map(Some)).collect::<Vec<_>>())
            })
            .collect();
        let chance = |measure: &str| {
            let k = Localization::NAMES.iter().position(|n| *n == measure);
            let sum: f64 = of.iter().map(|(_, on)| on.chance[k.unwrap_or(0)]).sum();
            sum / of.len() as f64
        };
        rows.extend(compared(
            over,
            &names,
            BASELINES.len(),
            &Localization::NAMES,
            &values,
            |measure, n, groups| {
                vec![
                    target.name().into(),
                    measure.into(),
                    n.to_string(),
                    groups.to_string(),
                    over.unit.into(),
                    cell(Some(chance(measure))),
                ]
            },
        )?);
    }
    Ok(rows)
}

/// Writes nuclei.csv: each nucleus with its shape, its stain and the attention on it, row by row, since a cohort has millions.
///
/// # Errors
/// The file cannot be written.
pub fn write_nuclei(over: &Over<'_>, mapped: &[Mapped], folder: &Path) -> miette::Result<()> {
    let methods = over.job.methods.iter().enumerate();
    let rows = mapped.iter().flat_map(|found| {
        methods.clone().flat_map(move |(k, method)| {
            let nuclei = found.on.iter().flat_map(|on| &on.nuclei);
            nuclei.map(move |nucleus| {
                let mut row = vec![
                    over.job.network.into(),
                    method.name().into(),
                    over.layer.into(),
                    over.patches[found.place].id.clone(),
                    nucleus.label.to_string(),
                    nucleus.centroid.1.to_string(),
                    nucleus.centroid.0.to_string(),
                    u8::from(nucleus.whole).to_string(),
                ];
                row.extend(nucleus.morphology.iter().map(f64::to_string));
                row.push(nucleus.attention[k].to_string());
                row
            })
        })
    });
    Ok(write_csv(
        &folder.join("nuclei.csv"),
        &nuclei_header(),
        rows,
    )?)
}

/// Rows of atypia.csv, without their q-values, and sentences on what could not be told.
///
/// # Errors
/// A statistic refuses for another reason than too few or constant values.
pub fn atypia(over: &Over<'_>, mapped: &[Mapped]) -> miette::Result<(Rows, Vec<String>)> {
    let (mut rows, mut notes) = (Rows::new(), Vec::new());
    for (target, of) in targets(mapped) {
        if target == Target::Annotation {
            continue;
        }
        for (k, method) in over.job.methods.iter().enumerate() {
            let observations: Vec<Observation> = of
                .iter()
                .flat_map(|&(place, on)| {
                    on.nuclei.iter().map(move |nucleus| Observation {
                        attention: nucleus.attention[k],
                        morphology: nucleus.morphology,
                        whole: nucleus.whole,
                        patch: place,
                        group: over.groups[place],
                    })
                })
                .collect();
            let options = RegressionOptions {
                seed: over.job.seed,
                ..RegressionOptions::default()
            };
            let relations = match claim(&observations, &options) {
                Ok(relations) => relations,
                Err(Error::Statistics(why)) => {
                    notes.push(format!(
                        "{}, {}: whether attention rises with atypia cannot be told of {} {}: {why}.",
                        over.job.network,
                        method.name(),
                        observations.len(),
                        target.name().replace('_', " ")
                    ));
                    continue;
                }
                Err(other) => return Err(other).into_diagnostic(),
            };
            for relation in relations {
                let slope = relation.controlled;
                let ends = slope.interval.map(|i| (i.low, i.high));
                let mut row = vec![
                    over.job.network.into(),
                    method.name().into(),
                    over.layer.into(),
                    target.name().into(),
                    relation.morphology.into(),
                ];
                row.extend(slope.counts.map(|n| n.to_string()));
                row.push(over.unit.into());
                row.extend(
                    [
                        Some(relation.alone.rho),
                        Some(relation.alone.p_value),
                        Some(slope.standardised),
                        Some(slope.partial),
                        Some(slope.p_value),
                        ends.map(|e| e.0),
                        ends.map(|e| e.1),
                        slope.p_groups,
                        None,
                    ]
                    .map(cell),
                );
                rows.push(row);
            }
        }
    }
    Ok((rows, notes))
}
