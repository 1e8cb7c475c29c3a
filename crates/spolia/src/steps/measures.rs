//! Concepts of patches: measured in the image, and from a table of the user's own.

use std::collections::BTreeMap;

use miette::IntoDiagnostic;
use rayon::prelude::*;
use spolia_dataset::{Patch, Problem};
use spolia_interpret::concepts::{Categories, Concept};
use spolia_measure::Measure;

use super::Run;
use crate::jobs::concepts::Measured;
use crate::jobs::concepts::controls::COVARIATES;
use crate::jobs::concepts::own_table::{Own, Table};
use crate::jobs::measure::measure;
use crate::run_folder::Begin;
use crate::seed;
use crate::study::ConceptsPlan;

/// Concepts that are numbers.
const MEASURES: &str = "concepts/measures.csv";
/// Concepts that are categories.
const CATEGORIES: &str = "concepts/categories.csv";
/// Colour and brightness, which controls.csv takes out.
const COLOUR: &str = "concepts/colour.csv";

/// The patches of the concepts, with their places in the study's table: as many as wanted of the part wanted, and of those
/// that the user's own table has, drawn by the seed, in the table's order.
pub fn chosen<'r>(
    run: &'r Run<'_>,
    plan: &ConceptsPlan,
    table: Option<&Table>,
) -> Vec<(usize, &'r Patch)> {
    let mut drawn: Vec<(u64, usize)> = run
        .table
        .patches()
        .iter()
        .enumerate()
        .filter(|(_, p)| plan.split.holds(p.split) && table.is_none_or(|t| t.has(&p.id)))
        .map(|(row, p)| (seed::derive(run.seed, "concepts/draw", &p.id), row))
        .collect();
    drawn.sort_unstable();
    let mut rows: Vec<usize> = drawn.into_iter().take(plan.images).map(|d| d.1).collect();
    rows.sort_unstable();
    rows.into_iter()
        .map(|row| (row, &run.table.patches()[row]))
        .collect()
}

/// The user's own table, if the study names one.
///
/// # Errors
/// It cannot be read, or a column is called as a measure of the study.
pub fn own_table(plan: &ConceptsPlan) -> miette::Result<Option<Table>> {
    let Some(file) = &plan.table else {
        return Ok(None);
    };
    let table = Table::read(file)?;
    let named = plan.measures.iter().map(|m| m.name());
    if let Some(name) = named
        .into_iter()
        .find(|name| table.names().any(|n| n == *name))
    {
        return Err(miette::miette!(
            "{}: column `{name}` is called as a measure of the study; rename it, or take it out of `measures`",
            file.display()
        ));
    }
    Ok(Some(table))
}

/// Writes measures.csv, categories.csv and colour.csv.
pub fn step(run: &mut Run<'_>, plan: &ConceptsPlan) -> miette::Result<()> {
    let names: Vec<&str> = plan.measures.iter().map(|m| m.name()).collect();
    let mut key = run
        .key("measures", &["patches"])
        .with("measures", &names)?
        .with("images", &(plan.images, plan.split))?
        .with("covariates", &COVARIATES.map(Measure::name))?
        .with("seed", &run.seed)?;
    if let Some(file) = &plan.table {
        key = key.file("table", file)?;
    }
    if run.begin("measures", key, &[MEASURES, CATEGORIES, COLOUR])? == Begin::Done {
        return Ok(());
    }
    let table = own_table(plan)?;
    let patches = chosen(run, plan, table.as_ref());
    let mut notes = Vec::new();
    let mut problems = Vec::new();
    let mut own = None;
    if let (Some(table), Some(file)) = (&table, &plan.table) {
        let without = run
            .table
            .patches()
            .iter()
            .filter(|p| !table.has(&p.id))
            .count();
        if without > 0 {
            notes.push(format!(
                "Concepts are of the patches that {} has; {without} of {} have no line there.",
                file.display(),
                run.table.len()
            ));
        }
        let patches: Vec<&Patch> = patches.iter().map(|p| p.1).collect();
        let mut found = table.concepts(run.table.patches(), &patches)?;
        problems.append(&mut found.problems);
        own = Some(found);
    }
    let all: Vec<usize> = (0..patches.len()).collect();
    let rows = own.as_ref().map_or(all.as_slice(), |own| &own.rows);
    let task = run.context.progress.start("measures", rows.len());
    let asked = [plan.measures.as_slice(), &COVARIATES].concat();
    let measured: Vec<Result<Vec<f64>, Problem>> = rows
        .par_iter()
        .map(|&row| {
            let values = measure(patches[row].1, &run.reader, &asked)?;
            task.advance(1);
            Ok(values)
        })
        .collect();
    task.finish();
    let (mut measures, mut categories, mut colours) = (Vec::new(), Vec::new(), Vec::new());
    for (at, values) in measured.into_iter().enumerate() {
        match values {
            Err(problem) => problems.push(problem),
            Ok(values) => {
                let id = patches[rows[at]].1.id.clone();
                let texts: Vec<String> = values.iter().map(f64::to_string).collect();
                let (measured, colour) = texts.split_at(names.len());
                let (numbers, labels) = cells(own.as_ref(), at);
                measures.push([&[id.clone()], measured, &numbers].concat());
                colours.push([&[id.clone()], colour].concat());
                categories.push([&[id], labels.as_slice()].concat());
            }
        }
    }
    let (numbers, labels) = own.as_ref().map_or((Vec::new(), Vec::new()), |own| {
        (
            own.numbers.iter().map(|c| c.id.as_str()).collect(),
            own.categories.iter().map(|c| c.id.as_str()).collect(),
        )
    });
    let colour = COVARIATES.map(Measure::name);
    let items = measures.len();
    run.folder.write_csv(
        MEASURES,
        &[&["id"], names.as_slice(), &numbers].concat(),
        measures,
    )?;
    run.folder.write_csv(
        CATEGORIES,
        &[&["id"], labels.as_slice()].concat(),
        categories,
    )?;
    run.folder
        .write_csv(COLOUR, &[&["id"], colour.as_slice()].concat(), colours)?;
    run.notes(notes)?;
    run.problems("measures", &problems)?;
    Ok(run.folder.finish("measures", items)?)
}

/// Numbers and categories of one patch of the user's own table, as text.
fn cells(own: Option<&Own>, at: usize) -> (Vec<String>, Vec<String>) {
    let Some(own) = own else {
        return (Vec::new(), Vec::new());
    };
    let numbers = own.numbers.iter().map(|c| c.values[at].to_string());
    let labels = own.categories.iter().map(|c| c.names[c.labels[at]].clone());
    (numbers.collect(), labels.collect())
}

/// What the step wrote: ids of the patches, and their concepts.
///
/// # Errors
/// A table cannot be read.
pub fn read(run: &Run<'_>) -> miette::Result<(Vec<String>, Measured)> {
    let (ids, numbers) = columns(run, MEASURES)?;
    let (_, labels) = columns(run, CATEGORIES)?;
    let (_, colours) = columns(run, COLOUR)?;
    let concepts = |columns: Vec<(String, Vec<String>)>| -> miette::Result<Vec<Concept>> {
        let parse = |(id, texts): (String, Vec<String>)| {
            let values = texts.iter().map(|t| t.parse()).collect::<Result<_, _>>();
            Ok(Concept {
                id,
                values: values.into_diagnostic()?,
            })
        };
        columns.into_iter().map(parse).collect()
    };
    let categories = labels.into_iter().map(|(id, texts)| {
        Categories::new(&id, &texts.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let measured = Measured {
        categories: categories.collect(),
        numbers: concepts(numbers)?,
        covariates: concepts(colours)?,
        ceilings: BTreeMap::new(),
    };
    Ok((ids, measured))
}

/// The ids of a table, and its other columns.
fn columns(
    run: &Run<'_>,
    table: &str,
) -> miette::Result<(Vec<String>, Vec<(String, Vec<String>)>)> {
    let mut reader = csv::Reader::from_path(run.folder.path(table)).into_diagnostic()?;
    let header = reader.headers().into_diagnostic()?.clone();
    let mut columns: Vec<(String, Vec<String>)> = header
        .iter()
        .map(|name| (name.to_string(), Vec::new()))
        .collect();
    for record in reader.records() {
        for (column, cell) in columns.iter_mut().zip(&record.into_diagnostic()?) {
            column.1.push(cell.to_string());
        }
    }
    let ids = columns.remove(0).1;
    Ok((ids, columns))
}
