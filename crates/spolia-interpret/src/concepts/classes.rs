//! Concepts that are classes: present or not, one of several categories, the centre.

use std::collections::BTreeSet;

use spolia_stats::{
    Classification, HeldOutOptions, Matrix, held_out_classification, logistic, quantile,
};

use super::{Error, check_activations, different};

/// A category per image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categories {
    /// Name of the concept.
    pub id: String,
    /// Names of the categories.
    pub names: Vec<String>,
    /// The category of each image, an index into the names; all occur.
    pub labels: Vec<usize>,
}

impl Categories {
    /// Numbers the categories in the order of their names.
    #[must_use]
    pub fn new(id: &str, values: &[&str]) -> Self {
        let names: BTreeSet<&str> = values.iter().copied().collect();
        Self {
            id: id.to_owned(),
            names: names.into_iter().map(str::to_owned).collect(),
            labels: spolia_stats::number_groups(values),
        }
    }
}

/// How [`classify`] judges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassOptions {
    /// Inverse penalty C of the logistic regression; none chooses it inside the training rows of each fold.
    pub c: Option<f64>,
    /// Principal components that the channels are reduced to for the held-out scores.
    pub components: usize,
    /// Folds of each cross-validation, at least 2; as many as groups where there are fewer.
    pub folds: usize,
    /// Cross-validations, at least 1.
    pub repeats: usize,
    /// Permutations of the test; 0 leaves it out.
    pub permutations: usize,
    /// Draws of the bootstrap over groups, at least 1.
    pub resamples: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for ClassOptions {
    fn default() -> Self {
        Self {
            c: None,
            components: 64,
            folds: 5,
            repeats: 2,
            permutations: 99,
            resamples: 1000,
            seed: 0,
        }
    }
}

/// How well a layer tells the categories of a concept: a row of `classes.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassRow {
    /// Network.
    pub network: String,
    /// Layer.
    pub layer: String,
    /// Concept.
    pub concept: String,
    /// Images.
    pub n: usize,
    /// Categories.
    pub classes: usize,
    /// The scores; none where the layer has not so many independent channels as components.
    pub scores: Option<ClassScores>,
}

/// Held-out scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScores {
    /// Mean over the categories of the share of each that is recognised; guessing gives 1 / categories, less where whole
    /// groups are held out and a category has few of them (see `null`).
    pub balanced_accuracy: f64,
    /// Lower end of its 95 % bootstrap interval over groups.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Mean balanced accuracy where whole groups' categories are permuted: chance, with these groups; none without
    /// permutations.
    pub null: Option<f64>,
    /// 95th percentile of the same.
    pub null_high: Option<f64>,
    /// Area under the ROC curve of the second category; of more than two, the mean over them of each
    /// against the others.
    pub auc: f64,
    /// Permutation test of the balanced accuracy; none without permutations.
    pub p_value: Option<f64>,
    /// Median of the inverse penalties C of the folds.
    pub c: f64,
}

impl ClassRow {
    /// Names of the columns, in order.
    pub const COLUMNS: [&str; 12] = [
        "network",
        "layer",
        "concept",
        "n",
        "classes",
        "balanced_accuracy",
        "low",
        "high",
        "null",
        "null_high",
        "auc",
        "p_value",
    ];

    /// The fields as text, in the order of [`ClassRow::COLUMNS`], empty where not defined.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let option = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
        let mut fields = vec![
            self.network.clone(),
            self.layer.clone(),
            self.concept.clone(),
            self.n.to_string(),
            self.classes.to_string(),
        ];
        fields.extend(match &self.scores {
            None => vec![String::new(); 7],
            Some(s) => vec![
                s.balanced_accuracy.to_string(),
                s.low.to_string(),
                s.high.to_string(),
                option(s.null),
                option(s.null_high),
                s.auc.to_string(),
                option(s.p_value),
            ],
        });
        fields
    }
}

/// A row, and for two categories the concept activation vector.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerClasses {
    /// The scores.
    pub row: ClassRow,
    /// Direction of unit length towards the second category (Kim et al. 2018), one entry per channel,
    /// of a logistic regression on all channels and images; none for more than two categories, or
    /// where no channel is active.
    pub unit: Option<Vec<f64>>,
}

/// How well one layer tells the categories of a concept on groups it has not seen.
///
/// Logistic regression with a squared penalty on principal components of the standardised channels,
/// components and penalty chosen inside the training rows of each fold. `activations` are images x
/// channels, averaged over space; `groups[i]` is the patient of image i. For two categories the concept
/// activation vector is fitted on all channels with the median of the penalties chosen.
///
/// # Errors
/// [`Error::Activations`], [`Error::Values`] for wrong lengths, [`Error::OneCategory`],
/// [`Error::Groups`], [`Error::Statistics`].
pub fn classify(
    (network, layer): (&str, &str),
    (activations, channels): (&[f32], usize),
    concept: &Categories,
    groups: &[usize],
    options: ClassOptions,
) -> Result<LayerClasses, Error> {
    let images = groups.len();
    check_activations((network, layer), activations, channels, images)?;
    let classes = check(concept, groups)?;
    let different = different(groups);
    let classification = Classification {
        c: options.c,
        components: Some(options.components.min(channels).min(images / 4).max(1)),
        options: HeldOutOptions {
            folds: options.folds.min(different),
            repeats: options.repeats,
            permutations: options.permutations,
            resamples: options.resamples,
            seed: options.seed,
        },
        permutations_choose: false,
        ..Classification::default()
    };
    let compute = || {
        let x = Matrix::from_f32(images, channels, activations)?;
        let found = match held_out_classification(&x, &concept.labels, groups, &classification) {
            Ok(found) => {
                let c = quantile(&found.c, 0.5)?;
                Some((found, c))
            }
            // Dead channels leave fewer directions than wanted.
            Err(spolia_stats::Error::TooFew { .. }) => None,
            Err(error) => return Err(error),
        };
        let direction = match &found {
            Some((_, c)) if classes == 2 => {
                let c = *c;
                unit(
                    logistic(&x, &concept.labels, c, true)?
                        .coefficients
                        .row(0)
                        .to_vec(),
                )
            }
            _ => None,
        };
        Ok((found, direction))
    };
    let (found, unit) = compute().map_err(|source| Error::Statistics {
        network: network.to_owned(),
        layer: layer.to_owned(),
        source,
    })?;
    let row = ClassRow {
        network: network.to_owned(),
        layer: layer.to_owned(),
        concept: concept.id.clone(),
        n: images,
        classes,
        scores: found.map(|(found, c)| ClassScores {
            balanced_accuracy: found.balanced_accuracy.value,
            low: found.balanced_accuracy.interval.low,
            high: found.balanced_accuracy.interval.high,
            null: found.balanced_accuracy.null,
            null_high: found.balanced_accuracy.null_high,
            auc: found.auc.value,
            p_value: found.balanced_accuracy.p_value,
            c,
        }),
    };
    Ok(LayerClasses { row, unit })
}

/// The vector divided by its length; none for one of length 0.
fn unit(mut values: Vec<f64>) -> Option<Vec<f64>> {
    let length = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    values.iter_mut().for_each(|v| *v /= length);
    (length > 0.0).then_some(values)
}

/// Number of categories.
fn check(concept: &Categories, groups: &[usize]) -> Result<usize, Error> {
    let images = groups.len();
    if concept.labels.len() != images {
        return Err(Error::Values {
            concept: concept.id.clone(),
            images,
            got: concept.labels.len(),
        });
    }
    let classes = concept.labels.iter().collect::<BTreeSet<_>>().len();
    if classes < 2 {
        return Err(Error::OneCategory {
            concept: concept.id.clone(),
            images,
        });
    }
    let different = different(groups);
    if different < 2 {
        return Err(Error::Groups {
            images,
            groups: different,
        });
    }
    Ok(classes)
}
