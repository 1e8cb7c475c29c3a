//! Regression concept vectors: does a layer encode a concept that can be measured in the image?
//!
//! A concept is a number per image, such as the contrast of its texture. It is regressed on the
//! channels of a layer, averaged over space (Graziani, Andrearczyk, Müller, *Regression Concept
//! Vectors for Bidirectional Explanations in Histopathology*, 2018; *Visualizing and Interpreting
//! Feature Reuse of Pretrained CNNs for Histopathology*, 2019). The coefficients are the concept's
//! direction in the layer, R² says how much of the concept the layer explains.
//!
//! The papers' R² is in sample and rises with the number of channels even for noise, so it cannot
//! compare layers of different width. [`regress`] gives it beside the adjusted R², the expectation
//! for noise and the held-out R² on other patients, with an interval and a permutation test.
//!
//! Departures from the papers: by default the concept vector is of ridge regression with the penalty
//! from cross-validation over groups, not of least squares, as the latter is not unique where there
//! are more channels than images; R² of least squares is kept as `r2_paper`. Channels may be
//! averaged, as in the papers, pooled by their maximum or taken cell by cell ([`Pool`]).

mod carriers;
mod classes;
mod controls;
mod error;
mod paper;
mod pooling;
mod reduce;
mod relevance;
mod row;
mod shuffles;
#[cfg(test)]
mod tests;
mod vector;

pub use carriers::{Between, accuracy_without, between};
pub use classes::{Categories, ClassOptions, ClassRow, ClassScores, LayerClasses, classify};
pub use controls::{Control, controls};
pub use error::Error;
pub use pooling::Pool;
pub use reduce::{Reduced, reduce, restore};
pub use relevance::{Null, Relevance, relevance, sensitivities};
pub use row::{R2Row, fill_q_values};
pub use shuffles::{random_directions, shuffled_directions};
pub use vector::ConceptVector;

use std::collections::BTreeSet;

pub use spolia_stats::Estimator;
use spolia_stats::{Evaluation, HeldOutOptions, Matrix, fit, held_out, null_r2, ols};

/// One measure of all images.
#[derive(Debug, Clone, PartialEq)]
pub struct Concept {
    /// Name of the measure, such as `glcm_asm`.
    pub id: String,
    /// One value per image.
    pub values: Vec<f64>,
}

/// How concepts are regressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConceptOptions {
    /// The linear model of the held-out R² and of the concept vector.
    pub estimator: Estimator,
    /// Images of each subset of `r2_paper`, where more exist; else a subset is 90 % of them.
    pub images: usize,
    /// Subsets of `r2_paper` and cross-validations of `r2_test`, at least 1.
    pub repeats: usize,
    /// Folds of each cross-validation, at least 2; as many as groups where there are fewer.
    pub folds: usize,
    /// Permutations of the test; 0 leaves it out.
    pub permutations: usize,
    /// Draws of the bootstrap over groups, at least 1.
    pub resamples: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for ConceptOptions {
    fn default() -> Self {
        Self {
            // Generalised cross-validation leaves out single images, and fits a layer with rare, large activations so
            // closely that the next patient's are far off.
            estimator: Estimator::RidgeByGroups,
            images: 1000,
            repeats: 10,
            folds: 5,
            permutations: 200,
            resamples: 1000,
            seed: 0,
        }
    }
}

impl ConceptOptions {
    /// How a held-out R² over so many groups is judged.
    fn evaluation(&self, groups: usize) -> Evaluation {
        Evaluation {
            estimator: self.estimator,
            options: HeldOutOptions {
                folds: self.folds.min(groups),
                repeats: self.repeats,
                permutations: self.permutations,
                resamples: self.resamples,
                seed: self.seed,
            },
            ..Evaluation::default()
        }
    }
}

/// The concepts as the columns of a matrix: images x concepts.
fn targets<'a>(
    concepts: impl IntoIterator<Item = &'a Concept>,
) -> Result<Matrix, spolia_stats::Error> {
    let columns: Vec<&[f64]> = concepts.into_iter().map(|c| c.values.as_slice()).collect();
    Matrix::from_columns(&columns)
}

/// How many different groups there are.
fn different(groups: &[usize]) -> usize {
    groups.iter().collect::<BTreeSet<_>>().len()
}

/// What is known of a layer after the regression.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerConcepts {
    /// One row per concept, in their order; `q_value` is still empty.
    pub rows: Vec<R2Row>,
    /// One direction per concept, in their order.
    pub vectors: Vec<ConceptVector>,
}

/// Regresses concepts on one layer of one network.
///
/// `activations` are images x channels, row-major, averaged over space; `groups[i]` numbers the
/// patient (or slide) of image i, see [`spolia_stats::number_groups`]. All concepts share the
/// decompositions, so that a second one costs little. The result does not depend on the number of
/// threads.
///
/// # Errors
/// [`Error::Activations`], [`Error::Values`] for wrong lengths, [`Error::MeasureNotFinite`],
/// [`Error::Constant`], [`Error::NoConcepts`], [`Error::Groups`] for fewer than two groups,
/// [`Error::Statistics`] for too few images or an activation that is not finite.
pub fn regress(
    network: &str,
    layer: &str,
    activations: &[f32],
    channels: usize,
    concepts: &[Concept],
    groups: &[usize],
    options: ConceptOptions,
) -> Result<LayerConcepts, Error> {
    let images = groups.len();
    check_activations((network, layer), activations, channels, images)?;
    check_concepts(concepts, images)?;
    let different = different(groups);
    if different < 2 {
        return Err(Error::Groups {
            images,
            groups: different,
        });
    }
    let evaluation = options.evaluation(different);

    let compute = || {
        let x = Matrix::from_f32(images, channels, activations)?;
        let y = targets(concepts)?;
        let tests = held_out(&x, &y, groups, &evaluation)?;
        let papers = paper::r2_paper(&x, &y, options.images, options.repeats, options.seed)?;
        let fits = ols(&x, &y)?;
        let rows = concepts.iter().zip(fits).zip(papers).zip(tests);
        let rows = rows.map(|(((concept, fit), (r2_paper, r2_paper_se)), test)| R2Row {
            network: network.to_owned(),
            layer: layer.to_owned(),
            concept: concept.id.clone(),
            n: images,
            features: channels,
            r2_train: fit.r2,
            r2_adjusted: fit.r2_adjusted,
            r2_null: null_r2(images, channels),
            r2_paper,
            r2_paper_se,
            r2_test: test.held_out.r2,
            r2_test_sd: test.held_out.sd,
            r2_test_low: test.held_out.low,
            r2_test_high: test.held_out.high,
            p_value: test.held_out.p_value,
            q_value: None,
        });
        let fits = fit(
            &x,
            &y,
            groups,
            evaluation.estimator,
            evaluation.inner_folds,
            options.seed,
        )?;
        let vectors = concepts.iter().zip(fits);
        let vectors = vectors.map(|(concept, fit)| ConceptVector::new(&concept.id, fit));
        Ok(LayerConcepts {
            rows: rows.collect(),
            vectors: vectors.collect(),
        })
    };
    compute().map_err(|source| Error::Statistics {
        network: network.to_owned(),
        layer: layer.to_owned(),
        source,
    })
}

fn check_activations(
    (network, layer): (&str, &str),
    activations: &[f32],
    channels: usize,
    images: usize,
) -> Result<(), Error> {
    if activations.len() == images.saturating_mul(channels) {
        return Ok(());
    }
    Err(Error::Activations {
        network: network.to_owned(),
        layer: layer.to_owned(),
        images,
        channels,
        got: activations.len(),
    })
}

fn check_concepts(concepts: &[Concept], images: usize) -> Result<(), Error> {
    if concepts.is_empty() {
        return Err(Error::NoConcepts);
    }
    for Concept { id, values } in concepts {
        if values.len() != images {
            return Err(Error::Values {
                concept: id.clone(),
                images,
                got: values.len(),
            });
        }
        if let Some(image) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::MeasureNotFinite {
                concept: id.clone(),
                image,
                value: values[image],
            });
        }
        if values.iter().all(|value| value == &values[0]) {
            return Err(Error::Constant {
                concept: id.clone(),
                images,
            });
        }
    }
    Ok(())
}
