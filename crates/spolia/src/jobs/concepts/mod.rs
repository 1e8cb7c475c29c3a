//! Concepts and one network: what its layers tell of them, and whether its decision follows them. Whatever is made of a layer
//! is kept, so that an interrupted run goes on layer by layer.

pub mod categories;
pub mod centre;
pub mod controls;
pub mod own_table;
pub mod regression;
pub mod relevance;
pub mod tables;

use std::collections::BTreeMap;
use std::path::PathBuf;

use spolia_dataset::{Patch, Reader, Unit};
use spolia_interpret::concepts::{Categories, Concept, ConceptOptions, Pool};
use spolia_network::StageId;

use super::features::Features;
use super::model::Model;
use crate::context::Context;

/// What was measured of the patches that features are of, in their order.
#[derive(Debug, Default)]
pub struct Measured {
    /// Concepts that are numbers.
    pub numbers: Vec<Concept>,
    /// Concepts that are present or not, or one of several categories.
    pub categories: Vec<Categories>,
    /// What a concept should tell more than: colour and brightness.
    pub covariates: Vec<Concept>,
    /// By concept, the R² that the measure's own variation allows, where it is known.
    pub ceilings: BTreeMap<String, f64>,
}

impl Measured {
    /// Of what was measured of all patches, that of the patches at these places.
    pub fn of(&self, rows: &[usize]) -> Measured {
        let numbers = |concepts: &[Concept]| {
            let of = |c: &Concept| Concept {
                id: c.id.clone(),
                values: rows.iter().map(|&row| c.values[row]).collect(),
            };
            concepts.iter().map(of).collect()
        };
        Measured {
            numbers: numbers(&self.numbers),
            categories: self
                .categories
                .iter()
                .map(|c| {
                    let named = rows.iter().map(|&row| c.names[c.labels[row]].as_str());
                    Categories::new(&c.id, &named.collect::<Vec<_>>())
                })
                .collect(),
            covariates: numbers(&self.covariates),
            ceilings: self.ceilings.clone(),
        }
    }
}

/// Concepts, and a network whose layers may tell them.
pub struct Job<'a> {
    /// Network's name in the tables.
    pub network: &'a str,
    /// The network.
    pub model: &'a Model,
    /// Layers and their names, in the order of `features.layers`.
    pub layers: Vec<(StageId, &'static str)>,
    /// The patches that `features.rows` are places of.
    pub patches: &'a [&'a Patch],
    /// Where pixels come from.
    pub reader: &'a Reader,
    /// Names of the labels' classes.
    pub classes: &'a [String],
    /// How features were made.
    pub pool: Pool,
    /// Features of the patches that could be read; what follows is of those.
    pub features: Features,
    /// The concepts.
    pub measured: Measured,
    /// Group (patient, slide, image) of each.
    pub groups: Vec<usize>,
    /// What a group is.
    pub unit: Unit,
    /// How concepts are regressed.
    pub options: ConceptOptions,
    /// Folder of what is finished: `LAYER.json`, `LAYER.controls.json`, …
    pub folder: PathBuf,
}

impl Job<'_> {
    /// Does everything that the concepts and the network allow. Returns sentences on what could not be done.
    ///
    /// # Errors
    /// A concept is constant, there are too few patches or groups, the network cannot run, or the folder cannot be written.
    pub fn run(&self, context: &Context) -> miette::Result<Vec<String>> {
        let mut notes = Vec::new();
        let progress = context.progress;
        let start =
            |what: &str| progress.start(&format!("{}, {what}", self.network), self.layers.len());
        if self.measured.numbers.is_empty() {
            notes.push(
                "No concept is a number, so that r2.csv, controls.csv and relevance.csv are empty."
                    .into(),
            );
        } else {
            let task = start("regression");
            let found = self.regression(&task)?;
            task.finish();
            let task = start("controls");
            self.controls(&task)?;
            task.finish();
            if self.model.network.outputs() == 1 {
                self.relevance(&found, context)?;
            } else {
                notes.push(format!(
                    "{} has no single logit, so that relevance.csv says nothing of it.",
                    self.network
                ));
            }
        }
        if !self.measured.categories.is_empty() {
            let task = start("categories");
            self.categories(&task)?;
            task.finish();
        }
        let patches: Vec<&Patch> = self
            .features
            .rows
            .iter()
            .map(|&row| self.patches[row])
            .collect();
        match centre::Centres::of(&patches, &self.groups, self.unit) {
            Err(why) => notes.push(why),
            Ok(centres) => {
                notes.extend(centres.without());
                let task = start("centre");
                self.centre(&centres, &task)?;
                task.finish();
            }
        }
        Ok(notes)
    }

    /// Images that the concepts are of.
    fn images(&self) -> usize {
        self.groups.len()
    }

    /// Principal components alike for all layers: a training fold must hold several images for each.
    fn components(&self, most: usize) -> usize {
        let narrowest = (0..self.layers.len())
            .map(|k| self.features.layer(k).1)
            .min();
        most.min(narrowest.unwrap_or(1))
            .min((self.images() / 4).max(1))
    }
}
