//! Concepts of patches: measured in the image, and from a table of the user's own.

use std::collections::BTreeMap;

use miette::IntoDiagnostic;
use rayon::prelude::*;
use spolia_dataset::{Problem, Unit, groups};
use spolia_interpret::concepts::{Categories, Concept};
use spolia_measure::Measure;
use spolia_stats::{Matrix, Repeatability, repeatability};

use super::Run;
use crate::jobs::concepts::Measured;
use crate::jobs::concepts::controls::COVARIATES;
use crate::jobs::concepts::own_table::{Own, Table};
use crate::jobs::measure::{Copies, measure_with_copies};
use crate::run_folder::{Begin, cell};
use crate::seed;
use crate::study::ConceptsPlan;

/// Concepts that are numbers.
const MEASURES: &str = "concepts/measures.csv";
/// Concepts that are categories.
const CATEGORIES: &str = "concepts/categories.csv";
/// Colour and brightness, which controls.csv takes out.
const COLOUR: &str = "concepts/colour.csv";

/// How far measures agree with themselves.
const REPEATABILITY: &str = "concepts/repeatability.csv";
const REPEATABILITY_COLUMNS: [&str; 8] = [
    "concept",
    "n",
    "copies",
    "icc",
    "icc_low",
    "icc_high",
    "within_sd",
    "groups",
];
/// Changed copies of each patch that are measured again.
const COPIES: u64 = 5;

/// Places in the study's table of the patches of the concepts: as many as wanted of the part wanted, and of those that the
/// user's own table has, drawn by the seed.
pub fn chosen(run: &Run<'_>, plan: &ConceptsPlan, table: Option<&Table>) -> Vec<usize> {
    run.draw("concepts/draw", plan.images, |p| {
        plan.split.holds(p.split) && table.is_none_or(|t| t.has(&p.id))
    })
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
        .with("seed", &run.seed)?
        .with("copies", &COPIES)?;
    if let Some(file) = &plan.table {
        key = key.file("table", file)?;
    }
    if run.begin(
        "measures",
        key,
        &[MEASURES, CATEGORIES, COLOUR, REPEATABILITY],
    )? == Begin::Done
    {
        return Ok(());
    }
    let table = own_table(plan)?;
    let chosen = chosen(run, plan, table.as_ref());
    let patches = run.patches(&chosen);
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
        let mut found = table.concepts(run.table.patches(), &patches)?;
        problems.append(&mut found.problems);
        own = Some(found);
    }
    let all: Vec<usize> = (0..patches.len()).collect();
    let rows = own.as_ref().map_or(all.as_slice(), |own| &own.rows);
    let task = run.context.progress.start("measures", rows.len());
    let asked = [plan.measures.as_slice(), &COVARIATES].concat();
    let measured: Vec<Result<(Vec<f64>, Copies), Problem>> = rows
        .par_iter()
        .map(|&row| {
            let patch = patches[row];
            let seed = |copy: u64| seed::derive(run.seed, &format!("copy {copy}"), &patch.id);
            let seeds: Vec<u64> = (0..COPIES).map(seed).collect();
            let copies = (plan.measures.as_slice(), seeds.as_slice());
            let found = measure_with_copies(patch, &run.reader, &asked, copies);
            task.advance(1);
            found
        })
        .collect();
    task.finish();
    let (mut measures, mut categories, mut colours) = (Vec::new(), Vec::new(), Vec::new());
    let mut copies = Vec::new();
    for (at, values) in measured.into_iter().enumerate() {
        match values {
            Err(problem) => problems.push(problem),
            Ok((values, again)) => {
                copies.push((chosen[rows[at]], again));
                let id = patches[rows[at]].id.clone();
                let texts: Vec<String> = values.iter().map(f64::to_string).collect();
                let (measured, colour) = texts.split_at(names.len());
                let (numbers, labels) = cells(own.as_ref(), at);
                measures.push([std::slice::from_ref(&id), measured, &numbers].concat());
                colours.push([std::slice::from_ref(&id), colour].concat());
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
    let repeated = repeatability_rows(run, plan, &copies)?;
    run.folder
        .write_csv(REPEATABILITY, &REPEATABILITY_COLUMNS, repeated)?;
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

/// Rows of repeatability.csv, of the measures of copies of patches, each with its place in the study's table. A measure
/// whose agreement is not defined, being constant, has empty cells.
fn repeatability_rows(
    run: &Run<'_>,
    plan: &ConceptsPlan,
    copies: &[(usize, Copies)],
) -> miette::Result<Vec<Vec<String>>> {
    let grouped = groups(&run.table, Unit::Patient, None).into_diagnostic()?;
    let (mut of, mut values) = (Vec::new(), Vec::new());
    for (row, copies) in copies {
        if let Some(all) = copies
            .iter()
            .map(Option::as_ref)
            .collect::<Option<Vec<_>>>()
        {
            of.push(grouped.of[*row]);
            values.push(all);
        }
    }
    let row = |(k, measure): (usize, &Measure)| {
        let table = values
            .iter()
            .flat_map(|copies| copies.iter().map(move |v| v[k]));
        let table = Matrix::new(values.len(), COPIES as usize, table.collect());
        let found = table.and_then(|table| repeatability(&table, &of)).ok();
        let value = |of: fn(&Repeatability) -> f64| cell(found.as_ref().map(of));
        vec![
            measure.name().to_string(),
            values.len().to_string(),
            COPIES.to_string(),
            value(|f| f.icc),
            value(|f| f.low),
            value(|f| f.high),
            value(|f| f.within),
            value(|f| f.groups as f64),
        ]
    };
    Ok(plan.measures.iter().enumerate().map(row).collect())
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
    let concepts = |columns: Vec<Column>| -> miette::Result<Vec<Concept>> {
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
        ceilings: ceilings(run)?,
    };
    Ok((ids, measured))
}

/// The agreement of each measure with itself, where it is defined: no predictor that sees copies alike can tell more.
fn ceilings(run: &Run<'_>) -> miette::Result<BTreeMap<String, f64>> {
    let (concepts, cells) = columns(run, REPEATABILITY)?;
    let icc = cells
        .into_iter()
        .find(|c| c.0 == "icc")
        .unwrap_or_default()
        .1;
    let known = concepts.into_iter().zip(icc);
    Ok(known
        .filter_map(|(concept, icc)| Some((concept, icc.parse().ok()?)))
        .collect())
}

/// A column: its name and its cells.
type Column = (String, Vec<String>);

/// The ids of a table, and its other columns.
fn columns(run: &Run<'_>, table: &str) -> miette::Result<(Vec<String>, Vec<Column>)> {
    let mut reader = csv::Reader::from_path(run.folder.path(table)).into_diagnostic()?;
    let header = reader.headers().into_diagnostic()?.clone();
    let mut columns: Vec<Column> = header
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
