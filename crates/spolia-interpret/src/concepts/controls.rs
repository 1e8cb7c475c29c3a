//! Is it depth, or width? Is it texture, or merely stain? Two controls of the held-out R².

use spolia_stats::{Evaluation, Matrix, held_out, held_out_gain};

use super::{Concept, ConceptOptions, Error, different, targets};

/// Cross-validations of a control; the interval is over groups, so that few will do.
const REPEATS: usize = 3;

/// Controls of one concept at one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Principal components that every layer is reduced to.
    pub components: usize,
    /// Held-out R² on that many components of the training images of each fold, and its 95 % bootstrap interval over
    /// groups: layers of different widths then offer the regression equally much.
    pub equal: [f64; 3],
    /// Held-out R² of covariates and channels together less that of the covariates alone, with its interval; none where the
    /// concept is a covariate itself, or there are none.
    pub unique: Option<[f64; 3]>,
}

/// Controls of all `concepts` at one layer. `activations` are images x `channels`, averaged over space; `covariates` are
/// what the concept should tell more than, such as the image's mean colour.
///
/// # Errors
/// [`Error::Statistics`] for too few images or groups, a value that is no number, or more components than a training
/// fold allows.
pub fn controls(
    (network, layer): (&str, &str),
    (activations, channels): (&[f32], usize),
    concepts: &[Concept],
    covariates: &[Concept],
    groups: &[usize],
    components: usize,
    options: ConceptOptions,
) -> Result<Vec<Control>, Error> {
    let evaluation = |components| Evaluation {
        components,
        ..ConceptOptions {
            repeats: options.repeats.min(REPEATS),
            permutations: 0,
            ..options
        }
        .evaluation(different(groups))
    };
    let compute = || {
        let x = Matrix::from_f32(groups.len(), channels, activations)?;
        let equal = held_out(
            &x,
            &targets(concepts)?,
            groups,
            &evaluation(Some(components)),
        )?;
        let others: Vec<&Concept> = concepts
            .iter()
            .filter(|c| covariates.iter().all(|z| z.id != c.id))
            .collect();
        let gains = if covariates.is_empty() || others.is_empty() {
            Vec::new()
        } else {
            let y = targets(others.iter().copied())?;
            held_out_gain(&x, &targets(covariates)?, &y, groups, &evaluation(None))?
        };
        Ok(concepts
            .iter()
            .zip(equal)
            .map(|(concept, e)| Control {
                components,
                equal: [e.held_out.r2, e.held_out.low, e.held_out.high],
                unique: others
                    .iter()
                    .zip(&gains)
                    .find(|(other, _)| other.id == concept.id)
                    .map(|(_, g)| [g.gain, g.low, g.high]),
            })
            .collect())
    };
    compute().map_err(|source| Error::Statistics {
        network: network.to_owned(),
        layer: layer.to_owned(),
        source,
    })
}
