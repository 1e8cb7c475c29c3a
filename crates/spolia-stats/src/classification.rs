//! Which class is it? Accuracy and AUC on patients that the fit has not seen.

use faer::Mat;
use rayon::prelude::*;

use crate::auc::{falling, weighted_auc};
use crate::bootstrap::weighted_draws;
use crate::fold::{Fold, rows_of_fold};
use crate::folds::{group_folds, number_groups, rows_by_group};
use crate::interval::{Interval, of_share};
use crate::logistic::{check_c, check_labels, count_classes, minimise, predict, start};
use crate::matrix::check_groups;
use crate::permutation::{p_value, permutation};
use crate::summary::{mean, quantile, standard_deviation};
use crate::{Error, HeldOutOptions, Matrix};

/// Streams of the generator: splits of the repeats take 0, 1, ...
const INNER_STREAM: u64 = 1 << 34;
const BOOTSTRAP_STREAM: u64 = 1 << 33;

/// Values of C among which groups choose: 1e-4 to 1e2, one per decade.
const CHOICES: i32 = 7;

/// Gradient, relative to n C, at which a fit of a cross-validation is done.
const TOLERANCE: f64 = 1e-5;

/// How classes are predicted, and how that is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Classification {
    /// Inverse penalty C on standardised features; none lets the groups of the training rows choose
    /// among 1e-4, 1e-3, …, 1e2 by log loss.
    pub c: Option<f64>,
    /// Principal components that replace the standardised features, as in [`crate::Evaluation`].
    pub components: Option<usize>,
    /// Folds of the choice of C, at least 2; fewer where there are fewer groups.
    pub inner_folds: usize,
    /// Whether each permutation chooses its own C, which takes about twenty times as long. Otherwise it keeps
    /// the C that the fold chose for the true labels of its training rows; the held-out labels take no part in
    /// that choice either.
    pub permutations_choose: bool,
    /// Folds, repeats, permutations, draws and seed.
    pub options: HeldOutOptions,
}

impl Default for Classification {
    /// C chosen by three inner folds, on all features.
    fn default() -> Self {
        Self {
            c: None,
            components: None,
            inner_folds: 3,
            permutations_choose: true,
            options: HeldOutOptions::default(),
        }
    }
}

/// A held-out score of a classification.
///
/// What chance gives is [`Score::null`]. On paper it is 1 / classes for balanced accuracy and 1/2 for
/// AUC, but where whole groups are held out it is below: a class many of whose rows are in the test
/// fold is the rarer in training, and the less predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Mean over the repeats.
    pub value: f64,
    /// Standard deviation over the repeats (noise of the split); none for one repeat.
    pub sd: Option<f64>,
    /// 95 % bootstrap interval over groups, of the repeats together, as of
    /// [`crate::auc_bootstrap`].
    pub interval: Interval,
    /// (1 + permutations at least as large) / (1 + permutations), over the first repeat; none
    /// without permutations.
    pub p_value: Option<f64>,
    /// Mean score of the permutations: what chance gives with these groups; none without
    /// permutations.
    pub null: Option<f64>,
    /// 95th percentile of the permutations' scores; none without permutations.
    pub null_high: Option<f64>,
}

/// Held-out classification.
#[derive(Debug, Clone, PartialEq)]
pub struct Classified {
    /// Number of classes.
    pub classes: usize,
    /// Mean over the classes of the share of each that is recognised.
    pub balanced_accuracy: Score,
    /// Area under the curve of class 1; of more than two classes, the mean over them of each
    /// against all others.
    pub auc: Score,
    /// Share of each class that is recognised, over all repeats.
    pub recall: Vec<f64>,
    /// Held-out probabilities, n x classes, mean over the repeats.
    pub probabilities: Matrix,
    /// C of each fold, repeat by repeat.
    pub c: Vec<f64>,
}

/// Predicts labels 0, 1, … of `x` (n x p) by logistic regression on groups it has not seen.
///
/// The permutation test moves whole groups' labels as [`crate::held_out_r2`] does, and repeats the
/// choice of C unless told otherwise. A class that no training row has is given probability 0. AUC is of the predictions
/// of all folds together: where the folds' shares of a class differ much, it errs to the low side.
///
/// # Errors
/// [`Error::Rows`], [`Error::NotFinite`], [`Error::TooFew`], [`Error::TooFewGroups`],
/// [`Error::Classes`] for labels of one class or with a number left out, [`Error::Setting`] for a C
/// that is not above 0, [`Error::NoConvergence`], [`Error::NotReached`].
pub fn held_out_classification(
    x: &Matrix,
    labels: &[usize],
    groups: &[usize],
    classification: &Classification,
) -> Result<Classified, Error> {
    check_labels(x, labels)?;
    check_groups(x.rows(), groups)?;
    let classes = count_classes(labels)?;
    let options = classification.options;
    for (what, needed, got) in [
        ("repeats", 1, options.repeats),
        ("draws of the bootstrap", 1, options.resamples),
        ("inner folds", 2, classification.inner_folds),
        ("components", 1, classification.components.unwrap_or(1)),
    ] {
        if got < needed {
            return Err(Error::TooFew { what, needed, got });
        }
    }
    check_c(classification.c.unwrap_or(1.0))?;

    let members = rows_by_group(groups);
    let mut tables: Vec<Vec<usize>> = vec![labels.to_vec()];
    for k in 0..options.permutations as u64 {
        let order = permutation(&members, labels.len(), options.seed, k);
        tables.push(order.iter().map(|&row| labels[row]).collect());
    }
    let mut c = Vec::new();
    let mut repeats = Vec::with_capacity(options.repeats);
    let mut permuted = Vec::new();
    for repeat in 0..options.repeats {
        let split = group_folds(groups, options.folds, options.seed, repeat as u64)?;
        let tables = if repeat == 0 { &tables } else { &tables[..1] };
        let mut probabilities = vec![Mat::zeros(labels.len(), classes); tables.len()];
        let results: Vec<_> = (0..options.folds)
            .into_par_iter()
            .map(|fold| {
                let stream = INNER_STREAM + (repeat * options.folds + fold) as u64;
                one_fold(
                    x,
                    tables,
                    classes,
                    groups,
                    classification,
                    &split,
                    fold,
                    stream,
                )
            })
            .collect::<Result<_, Error>>()?;
        for (test, fits) in results {
            c.push(fits[0].1);
            for (all, (part, _)) in probabilities.iter_mut().zip(&fits) {
                for (i, &row) in test.iter().enumerate() {
                    all.row_mut(row).copy_from(part.row(i));
                }
            }
        }
        let mut probabilities = probabilities.into_iter();
        repeats.extend(probabilities.next());
        if repeat == 0 {
            permuted = probabilities.collect();
        }
    }

    let one = vec![1; labels.len()];
    let scores = |truth: &[usize], p: &Mat<f64>| {
        let correct: Vec<bool> = (0..truth.len())
            .map(|i| most_likely(p, i) == truth[i])
            .collect();
        (
            balanced_accuracy(truth, classes, &[correct], &one).unwrap_or(f64::NAN),
            mean_auc(truth, &Curves::new(p), &one).unwrap_or(f64::NAN),
        )
    };
    let (accuracies, areas): (Vec<f64>, Vec<f64>) =
        repeats.iter().map(|p| scores(labels, p)).unzip();
    let (null_accuracies, null_areas): (Vec<f64>, Vec<f64>) = tables[1..]
        .iter()
        .zip(&permuted)
        .map(|(truth, p)| scores(truth, p))
        .unzip();

    let correct: Vec<Vec<bool>> = repeats
        .iter()
        .map(|p| {
            (0..labels.len())
                .map(|i| most_likely(p, i) == labels[i])
                .collect()
        })
        .collect();
    let curves: Vec<Curves> = repeats.iter().map(Curves::new).collect();
    let score = |values: &[f64],
                 null: &[f64],
                 statistic: &dyn Fn(&[usize]) -> Option<f64>|
     -> Result<Score, Error> {
        let draws = weighted_draws(
            &members,
            labels.len(),
            options.resamples,
            options.seed,
            BOOTSTRAP_STREAM,
            statistic,
        );
        let value = mean(values);
        let tested = !null.is_empty();
        Ok(Score {
            value,
            sd: standard_deviation(values),
            interval: of_share(&draws, value, members.len(), 0.95)?,
            p_value: tested.then(|| p_value(values[0], null.iter().copied())),
            null: tested.then(|| mean(null)),
            null_high: tested.then(|| quantile(null, 0.95)).transpose()?,
        })
    };
    let recall =
        (0..classes).map(|class| recall(labels, class, &correct, &one).unwrap_or(f64::NAN));
    let mut averaged = Mat::zeros(labels.len(), classes);
    for p in &repeats {
        averaged += faer::Scale(1.0 / repeats.len() as f64) * p;
    }
    let cells = (0..labels.len()).flat_map(|i| (0..classes).map(move |k| (i, k)));
    Ok(Classified {
        classes,
        balanced_accuracy: score(&accuracies, &null_accuracies, &|weights| {
            balanced_accuracy(labels, classes, &correct, weights)
        })?,
        auc: score(&areas, &null_areas, &|weights| {
            let areas: Option<Vec<f64>> = curves
                .iter()
                .map(|c| mean_auc(labels, c, weights))
                .collect();
            areas.map(|areas| mean(&areas))
        })?,
        recall: recall.collect(),
        probabilities: Matrix::new(
            labels.len(),
            classes,
            cells.map(|at| averaged[at]).collect(),
        )?,
        c,
    })
}

/// Held-out rows, and for each table of labels their probabilities and the C of the fit.
type FoldFits = (Vec<usize>, Vec<(Mat<f64>, f64)>);

#[allow(clippy::too_many_arguments)]
fn one_fold(
    x: &Matrix,
    tables: &[Vec<usize>],
    classes: usize,
    groups: &[usize],
    classification: &Classification,
    split: &[usize],
    fold: usize,
    stream: u64,
) -> Result<FoldFits, Error> {
    let (test, train) = rows_of_fold(split, fold)?;
    let components = classification.components;
    let outer = Fold::new(x, &train, &test, components)?;
    // Held-out rows, training rows and features of the folds that choose C.
    let mut inner = Vec::new();
    if classification.c.is_none() {
        let own: Vec<usize> = train.iter().map(|&row| groups[row]).collect();
        let different = 1 + number_groups(&own).into_iter().max().unwrap_or(0);
        let folds = classification.inner_folds.min(different);
        let split = group_folds(&own, folds, classification.options.seed, stream)?;
        for fold in 0..folds {
            let (held, kept) = rows_of_fold(&split, fold)?;
            let of = |rows: Vec<usize>| rows.into_iter().map(|k| train[k]).collect::<Vec<_>>();
            let (held, kept) = (of(held), of(kept));
            let features = Fold::new(x, &kept, &held, components)?;
            inner.push((held, kept, features));
        }
    }
    let chosen = match classification.c {
        Some(c) => c,
        None => choose_c(&inner, &tables[0], classes)?,
    };
    let fits = tables
        .par_iter()
        .enumerate()
        .map(|(table, labels)| {
            let chooses =
                table > 0 && classification.c.is_none() && classification.permutations_choose;
            let c = if chooses {
                choose_c(&inner, labels, classes)?
            } else {
                chosen
            };
            let own = train.iter().map(|&row| labels[row]).collect::<Vec<_>>();
            Ok((classify(&outer, &own, classes, c, &mut None)?, c))
        })
        .collect::<Result<_, Error>>()?;
    Ok((test, fits))
}

/// The C of least log loss over inner folds: held-out rows, training rows and their features.
fn choose_c(
    inner: &[(Vec<usize>, Vec<usize>, Fold)],
    labels: &[usize],
    classes: usize,
) -> Result<f64, Error> {
    let of = |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<Vec<_>>();
    let mut losses = [0.0; CHOICES as usize];
    for (held, kept, features) in inner {
        let truth = of(held);
        let mut start = None;
        for (choice, loss) in losses.iter_mut().enumerate() {
            let c = choice_of_c(choice);
            let p = classify(features, &of(kept), classes, c, &mut start)?;
            for (i, &label) in truth.iter().enumerate() {
                *loss -= p[(i, label)].max(f64::EPSILON).ln();
            }
        }
    }
    let mut best = 0;
    for (choice, loss) in losses.iter().enumerate() {
        if *loss < losses[best] {
            best = choice;
        }
    }
    Ok(choice_of_c(best))
}

fn choice_of_c(choice: usize) -> f64 {
    10_f64.powi(choice as i32 - 4)
}

/// Probabilities of the fold's new rows; `from` holds the last fit to start from.
fn classify(
    fold: &Fold,
    labels: &[usize],
    classes: usize,
    c: f64,
    from: &mut Option<Mat<f64>>,
) -> Result<Mat<f64>, Error> {
    let mut present = labels.to_vec();
    present.sort_unstable();
    present.dedup();
    let mut out = Mat::zeros(fold.new.nrows(), classes);
    if let [only] = present[..] {
        out.col_mut(only).fill(1.0);
        return Ok(out);
    }
    let numbered = number_groups(labels);
    let mut w = from
        .take()
        .unwrap_or_else(|| start(fold.train.ncols(), present.len()));
    if !minimise(fold.train.as_ref(), &numbered, c, TOLERANCE, &mut w) {
        return Err(Error::NotReached {
            what: "logistic regression",
        });
    }
    let p = predict(fold.new.as_ref(), &w);
    for (k, &class) in present.iter().enumerate() {
        out.col_mut(class).copy_from(p.col(k));
    }
    *from = Some(w);
    Ok(out)
}

/// Of equals the first class.
fn most_likely(p: &Mat<f64>, row: usize) -> usize {
    (1..p.ncols()).fold(0, |best, k| {
        if p[(row, k)] > p[(row, best)] {
            k
        } else {
            best
        }
    })
}

/// Share of a class recognised, rows counting `weights` times; none where it has no row.
fn recall(labels: &[usize], class: usize, correct: &[Vec<bool>], weights: &[usize]) -> Option<f64> {
    let (mut right, mut all) = (0, 0);
    for i in (0..labels.len()).filter(|&i| labels[i] == class) {
        all += weights[i] * correct.len();
        right += weights[i] * correct.iter().filter(|repeat| repeat[i]).count();
    }
    (all > 0).then(|| right as f64 / all as f64)
}

fn balanced_accuracy(
    labels: &[usize],
    classes: usize,
    correct: &[Vec<bool>],
    weights: &[usize],
) -> Option<f64> {
    let recalls: Option<Vec<f64>> = (0..classes)
        .map(|class| recall(labels, class, correct, weights))
        .collect();
    recalls.map(|recalls| mean(&recalls))
}

/// Scores of the classes that are judged, with their order: class 1 of two, else all.
struct Curves(Vec<(usize, Vec<f64>, Vec<usize>)>);

impl Curves {
    fn new(p: &Mat<f64>) -> Self {
        let first = usize::from(p.ncols() == 2);
        let curves = (first..p.ncols()).map(|class| {
            let scores = p.col_as_slice(class).to_vec();
            let order = falling(&scores);
            (class, scores, order)
        });
        Self(curves.collect())
    }
}

fn mean_auc(labels: &[usize], curves: &Curves, weights: &[usize]) -> Option<f64> {
    let areas: Option<Vec<f64>> = curves
        .0
        .iter()
        .map(|(class, scores, order)| {
            let positive: Vec<bool> = labels.iter().map(|label| label == class).collect();
            weighted_auc(scores, &positive, order, weights)
        })
        .collect();
    areas.map(|areas| mean(&areas))
}
