//! The centre that a patch comes from: how well layers tell it, and which concepts carry it.

use std::collections::{BTreeMap, BTreeSet};

use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_dataset::{Patch, Unit};
use spolia_interpret::concepts::{
    Between, Categories, ClassOptions, Concept, accuracy_without, between, classify,
};

use super::Job;
use crate::jobs::kept::kept;
use crate::progress::Task;
use crate::run_folder::cell;
use crate::seed;

/// Permutations of the concepts that may carry the centre.
const PERMUTATIONS: usize = 999;

/// Columns of centre.csv.
pub const HEADER: [&str; 13] = [
    "network",
    "layer",
    "n",
    "centres",
    "groups",
    "unit",
    "balanced_accuracy",
    "low",
    "high",
    "chance",
    "null",
    "null_high",
    "p_value",
];

/// Columns of carriers.csv.
pub const CARRIERS: [&str; 10] = [
    "network",
    "layer",
    "concept",
    "n",
    "eta_squared",
    "eta_squared_null",
    "p_value",
    "q_value",
    "balanced_accuracy",
    "balanced_accuracy_without",
];
/// Place of `p_value` in [`CARRIERS`].
pub const CARRIERS_P: usize = 6;

/// The centre as a concept.
#[derive(Debug)]
pub struct Centres {
    /// The images whose centre can be asked, by their places in the list given.
    pub images: Vec<usize>,
    /// Their centres.
    pub categories: Categories,
    /// Their groups.
    pub groups: Vec<usize>,
    /// What these are: patient or slide.
    pub unit: Unit,
    /// Centres that were left out, having a single group.
    pub left_out: Vec<String>,
}

impl Centres {
    /// The centres of patches that are stated and have at least two groups each.
    ///
    /// # Errors
    /// A sentence on why it cannot be asked how well a layer tells them.
    pub fn of(patches: &[&Patch], groups: &[usize], unit: Unit) -> Result<Self, String> {
        let because = |why: &str| {
            Err(format!(
                "How well layers tell the centre was not measured: {why}."
            ))
        };
        let mut members: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (patch, &group) in patches.iter().zip(groups) {
            if let Some(centre) = patch.centre.as_deref() {
                members.entry(centre).or_default().insert(group);
            }
        }
        if members.is_empty() {
            return because("the patches state no centre");
        }
        if unit == Unit::Image {
            return because(
                "some patches state neither patient nor slide, so that those of one patient cannot be kept together",
            );
        }
        let (enough, alone): (Vec<_>, Vec<_>) = members
            .into_iter()
            .partition(|(_, groups)| groups.len() > 1);
        if enough.len() < 2 {
            return because(&format!(
                "it takes two centres of at least two {unit}s each, and there are {}",
                enough.len()
            ));
        }
        let kept: BTreeSet<&str> = enough.iter().map(|(centre, _)| *centre).collect();
        let images: Vec<usize> = (0..patches.len())
            .filter(|&i| {
                patches[i]
                    .centre
                    .as_deref()
                    .is_some_and(|c| kept.contains(c))
            })
            .collect();
        let names: Vec<&str> = images
            .iter()
            .map(|&i| patches[i].centre.as_deref().unwrap_or_default())
            .collect();
        Ok(Centres {
            categories: Categories::new("centre", &names),
            groups: images.iter().map(|&i| groups[i]).collect(),
            unit,
            left_out: alone.into_iter().map(|(centre, _)| centre.into()).collect(),
            images,
        })
    }

    /// A sentence on the centres that were left out.
    pub fn without(&self) -> Option<String> {
        (!self.left_out.is_empty()).then(|| {
            format!(
                "Centres of a single {} were left out of concepts/centre.csv: {}.",
                self.unit,
                self.left_out.join(", ")
            )
        })
    }
}

/// What is kept of a layer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Layer {
    /// Its row of centre.csv.
    pub row: Vec<String>,
    /// Its rows of carriers.csv, one per concept.
    pub carriers: Vec<Vec<String>>,
}

impl Job<'_> {
    /// How well every layer tells the centre, and how much of that each concept carries, kept in `LAYER.centre.json`.
    ///
    /// # Errors
    /// The statistics fail, or the folder cannot be written.
    pub fn centre(&self, centres: &Centres, task: &Task) -> miette::Result<()> {
        let options = self.class_options();
        let seed = seed::derive(self.options.seed, "centre", "");
        let numbers = self.measured.of(&centres.images).numbers;
        let differ =
            |c: &Concept| between(c, &centres.categories, &centres.groups, PERMUTATIONS, seed);
        let concepts: Vec<(Concept, Between)> = numbers
            .into_iter()
            .map(|c| {
                let found = differ(&c);
                (c, found)
            })
            .collect();
        for index in 0..self.layers.len() {
            let name = self.layers[index].1;
            kept(&self.folder.join(format!("{name}.centre.json")), || {
                self.centre_of_layer(index, centres, &concepts, options)
            })?;
            task.advance(1);
        }
        Ok(())
    }

    fn centre_of_layer(
        &self,
        index: usize,
        centres: &Centres,
        concepts: &[(Concept, Between)],
        options: ClassOptions,
    ) -> miette::Result<Layer> {
        let name = self.layers[index].1;
        let place = (self.network, name);
        let values = self.features.layer_of(index, &centres.images);
        let layer = (values.as_slice(), self.features.layer(index).1);
        let Centres {
            categories, groups, ..
        } = centres;
        let found = classify(place, layer, categories, groups, options)
            .into_diagnostic()?
            .row;
        let mut carriers = Vec::new();
        for (concept, between) in concepts {
            let without = match found.scores {
                None => None,
                Some(scores) => {
                    let options = ClassOptions {
                        c: Some(scores.c),
                        ..options
                    };
                    accuracy_without(place, layer, concept, categories, groups, options)
                        .into_diagnostic()?
                }
            };
            let accuracy = found.scores.map(|s| s.balanced_accuracy);
            carriers.push(vec![
                self.network.to_string(),
                name.to_string(),
                concept.id.clone(),
                concept.values.len().to_string(),
                between.eta_squared.to_string(),
                between.null.to_string(),
                between.p.to_string(),
                String::new(),
                cell(accuracy),
                cell(without),
            ]);
        }
        Ok(Layer {
            row: centres.row(&found.fields()),
            carriers,
        })
    }
}

impl Centres {
    /// A row of centre.csv from one of classes.csv.
    fn row(&self, row: &[String]) -> Vec<String> {
        let groups = self.groups.iter().collect::<BTreeSet<_>>().len();
        let centres = self.categories.names.len();
        vec![
            row[0].clone(),
            row[1].clone(),
            row[3].clone(),
            centres.to_string(),
            groups.to_string(),
            self.unit.to_string(),
            row[5].clone(),
            row[6].clone(),
            row[7].clone(),
            (1.0 / centres as f64).to_string(),
            row[8].clone(),
            row[9].clone(),
            row[11].clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spolia_dataset::Source;

    fn patch(id: &str, centre: Option<&str>) -> Patch {
        let mut patch = Patch::new(id, id, Source::File(id.into()));
        patch.centre = centre.map(Into::into);
        patch
    }

    #[test]
    fn centres_need_two_patients_each() {
        let patches = [
            patch("a", Some("rumc")),
            patch("b", Some("rumc")),
            patch("c", Some("umcu")),
            patch("d", Some("umcu")),
            patch("e", None),
            patch("f", Some("lpon")),
        ];
        let patches: Vec<&Patch> = patches.iter().collect();
        let of = |groups: &[usize], unit| Centres::of(&patches[..groups.len()], groups, unit);
        let found = of(&[0, 1, 2, 3, 4, 5], Unit::Patient).unwrap();
        assert_eq!(found.images, [0, 1, 2, 3]);
        assert_eq!(found.categories.labels, [0, 0, 1, 1]);
        assert_eq!(
            (found.groups.as_slice(), found.left_out.as_slice()),
            (&[0, 1, 2, 3][..], &["lpon".to_string()][..])
        );
        let why = of(&[0, 1, 2, 2], Unit::Slide).unwrap_err();
        assert!(why.contains("two slides each, and there are 1"), "{why}");
        assert!(
            of(&[0, 1, 2, 3], Unit::Image)
                .unwrap_err()
                .contains("neither patient nor slide")
        );
        assert!(
            Centres::of(&patches[4..5], &[0], Unit::Patient)
                .unwrap_err()
                .contains("no centre")
        );
    }
}
