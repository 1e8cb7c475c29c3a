//! The tables of all networks, from what is kept of their layers.

use std::path::{Path, PathBuf};

use miette::IntoDiagnostic;
use serde::de::DeserializeOwned;
use spolia_interpret::concepts::R2Row;

use super::{categories, centre, controls, regression, relevance};
use crate::run_folder::write_csv;

/// Rows of a table.
pub type Rows = Vec<Vec<String>>;

/// Writes r2.csv, controls.csv, relevance.csv, classes.csv, centre.csv, carriers.csv and vectors.safetensors into `out`, from
/// the `folders` of the networks and their `layers`. A table that nothing was made for has its header alone.
///
/// # Errors
/// What is kept cannot be read, or a file cannot be written.
pub fn write(folders: &[PathBuf], layers: &[&str], out: &Path) -> miette::Result<()> {
    let regressed: Vec<regression::Layer> = finished(folders, layers, "json")?;
    let told: Vec<categories::Layer> = finished(folders, layers, "classes.json")?;
    let mut r2: Rows = regressed.iter().flat_map(|l| l.rows.clone()).collect();
    let last = R2Row::COLUMNS.len() - 1;
    fill_q(&mut r2, last - 1, last)?;
    write_csv(&out.join("r2.csv"), &R2Row::COLUMNS, &r2)?;

    let rows = |ending: &str| -> miette::Result<Rows> {
        let layers: Vec<Rows> = finished(folders, layers, ending)?;
        Ok(layers.into_iter().flatten().collect())
    };
    write_csv(
        &out.join("controls.csv"),
        &controls::HEADER,
        rows("controls.json")?,
    )?;
    let relevances = relevance::finish(rows("relevance.json")?)?;
    write_csv(&out.join("relevance.csv"), &relevance::HEADER, relevances)?;
    let classes = told.iter().flat_map(|layer| &layer.rows);
    write_csv(&out.join("classes.csv"), &categories::HEADER, classes)?;
    let centres: Vec<centre::Layer> = finished(folders, layers, "centre.json")?;
    let rows = centres.iter().map(|layer| &layer.row);
    write_csv(&out.join("centre.csv"), &centre::HEADER, rows)?;
    let mut carriers: Rows = centres
        .into_iter()
        .flat_map(|layer| layer.carriers)
        .collect();
    fill_q(&mut carriers, centre::CARRIERS_P, centre::CARRIERS_P + 1)?;
    write_csv(&out.join("carriers.csv"), &centre::CARRIERS, carriers)?;

    let vectors = (regressed.iter().map(|l| (&l.rows, &l.vectors)))
        .chain(told.iter().map(|l| (&l.rows, &l.vectors)))
        .flat_map(|(rows, vectors)| rows.iter().zip(vectors));
    write_vectors(vectors, &out.join("vectors.safetensors"))
}

/// Writes one tensor for each row that has a vector, called network/layer/concept.
fn write_vectors<'a>(
    vectors: impl Iterator<Item = (&'a Vec<String>, &'a Vec<String>)>,
    file: &Path,
) -> miette::Result<()> {
    let mut weights = spolia_network::Weights::default();
    for (row, unit) in vectors.filter(|(_, unit)| !unit.is_empty()) {
        let data: Vec<f32> = unit
            .iter()
            .map(|v| v.parse())
            .collect::<Result<_, _>>()
            .into_diagnostic()?;
        let tensor = spolia_network::WeightTensor {
            shape: vec![data.len()],
            data,
        };
        weights.tensors.insert(row[..3].join("/"), tensor);
    }
    weights.metadata.history.push(
        "unit concept vectors, network/layer/concept: one number per channel, or rows x columns of cells x channels where layers were not pooled"
            .into(),
    );
    weights.save(file).into_diagnostic()
}

/// What is kept of each finished layer in `LAYER.ending`, network by network.
fn finished<T: DeserializeOwned>(
    folders: &[PathBuf],
    layers: &[&str],
    ending: &str,
) -> miette::Result<Vec<T>> {
    let mut all = Vec::new();
    for folder in folders {
        for layer in layers {
            if let Ok(bytes) = std::fs::read(folder.join(format!("{layer}.{ending}"))) {
                all.push(serde_json::from_slice(&bytes).into_diagnostic()?);
            }
        }
    }
    Ok(all)
}

/// Fills column `q` with Benjamini-Hochberg's q-values over all rows whose column `p` holds a number.
///
/// # Errors
/// A p-value is out of range.
pub fn fill_q(rows: &mut [Vec<String>], p: usize, q: usize) -> miette::Result<()> {
    let tested: Vec<(usize, f64)> = rows
        .iter()
        .enumerate()
        .filter_map(|(i, row)| Some((i, row[p].parse().ok()?)))
        .collect();
    let values: Vec<f64> = tested.iter().map(|t| t.1).collect();
    let adjusted = spolia_stats::benjamini_hochberg(&values).into_diagnostic()?;
    for ((i, _), value) in tested.iter().zip(adjusted) {
        rows[*i][q] = value.to_string();
    }
    Ok(())
}
