//! Logistic regression with a squared penalty, of two or more classes.
//!
//! The objective is scikit-learn's, `|W|² / 2 + C Σ -ln p(class of row i)`, intercepts not penalised;
//! two classes have one column of coefficients, K > 2 classes have K (multinomial). It is minimised
//! by Newton steps whose systems are solved by conjugate gradients (Lin, Weng, Keerthi 2008).

use faer::{Mat, MatRef};

use crate::standardise::Scaling;
use crate::{Error, Matrix};

/// Newton steps before a fit is given up.
const STEPS: usize = 200;

/// A fit of class probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// Number of classes.
    pub classes: usize,
    /// Coefficients per unit of the features as given: 1 x p for two classes (towards class 1; as a
    /// direction, the concept activation vector of Kim et al. 2018), else one row per class.
    pub coefficients: Matrix,
    /// One per row of the coefficients.
    pub intercepts: Vec<f64>,
}

impl Logistic {
    /// Probability of each class for one observation.
    #[must_use]
    pub fn probabilities(&self, features: &[f64]) -> Vec<f64> {
        let logits: Vec<f64> = self
            .intercepts
            .iter()
            .enumerate()
            .map(|(k, intercept)| {
                let products = self.coefficients.row(k).iter().zip(features);
                intercept + products.map(|(b, x)| b * x).sum::<f64>()
            })
            .collect();
        if logits.len() == 1 {
            let p = sigmoid(logits[0]);
            vec![1.0 - p, p]
        } else {
            softmax(&logits)
        }
    }
}

/// Fits labels 0, 1, … on `x` (n x p) with inverse penalty `c`. Features are as given, or with
/// `standardised` divided by their standard deviation for the fit.
///
/// # Errors
/// [`Error::Rows`], [`Error::NotFinite`], [`Error::Setting`] for a `c` not above 0,
/// [`Error::Classes`] where fewer than two classes, or not all of 0, 1, …, occur,
/// [`Error::NotReached`].
pub fn logistic(
    x: &Matrix,
    labels: &[usize],
    c: f64,
    standardised: bool,
) -> Result<Logistic, Error> {
    check_labels(x, labels)?;
    check_c(c)?;
    let classes = count_classes(labels)?;
    let rows: Vec<usize> = (0..x.rows()).collect();
    let mut scaling = Scaling::new(x, &rows);
    if !standardised {
        // Centring changes the intercept alone.
        for inverse in &mut scaling.inverse_scales {
            *inverse = f64::from(u8::from(*inverse > 0.0));
        }
    }
    let z = scaling.apply(x, &rows);
    let mut w = start(x.cols(), classes);
    if !minimise(z.as_ref(), labels, c, 1e-11, &mut w) {
        return Err(Error::NotReached {
            what: "logistic regression",
        });
    }
    let p = x.cols();
    let mut coefficients = Vec::with_capacity(p * w.ncols());
    let mut intercepts = Vec::with_capacity(w.ncols());
    for column in w.col_iter() {
        let (b, shift) = scaling.unscale(column.subrows(0, p).iter());
        coefficients.extend(b);
        intercepts.push(column[p] - shift);
    }
    Ok(Logistic {
        classes,
        coefficients: Matrix::new(w.ncols(), p, coefficients)?,
        intercepts,
    })
}

pub(crate) fn check_labels(x: &Matrix, labels: &[usize]) -> Result<(), Error> {
    if labels.len() != x.rows() {
        return Err(Error::Rows {
            what: "the labels",
            expected: x.rows(),
            got: labels.len(),
        });
    }
    if x.cols() == 0 {
        return Err(Error::TooFew {
            what: "features",
            needed: 1,
            got: 0,
        });
    }
    x.check_finite("the features x")
}

pub(crate) fn check_c(c: f64) -> Result<(), Error> {
    if c > 0.0 && c.is_finite() {
        return Ok(());
    }
    Err(Error::Setting {
        what: "the inverse penalty C of logistic regression",
        value: c,
        allowed: "a number above 0",
    })
}

/// Number of classes, all of 0, 1, … present.
pub(crate) fn count_classes(labels: &[usize]) -> Result<usize, Error> {
    let classes = labels.iter().max().map_or(0, |most| most.saturating_add(1));
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < 2 || sorted.len() != classes {
        return Err(Error::Classes {
            present: sorted.len(),
            classes,
        });
    }
    Ok(classes)
}

/// Parameters to start from, features and intercept x columns.
pub(crate) fn start(features: usize, classes: usize) -> Mat<f64> {
    Mat::zeros(features + 1, if classes == 2 { 1 } else { classes })
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|l| (l - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|p| p / sum).collect()
}

/// `Z W` and intercepts.
fn logits(z: MatRef<'_, f64>, w: &Mat<f64>) -> Mat<f64> {
    let p = z.ncols();
    let mut out = z * w.subrows(0, p);
    for k in 0..w.ncols() {
        let intercept = w[(p, k)];
        out.col_mut(k)
            .iter_mut()
            .for_each(|value| *value += intercept);
    }
    out
}

/// Class probabilities of rows, n x classes.
pub(crate) fn predict(z: MatRef<'_, f64>, w: &Mat<f64>) -> Mat<f64> {
    let logits = logits(z, w);
    if w.ncols() == 1 {
        return Mat::from_fn(z.nrows(), 2, |i, k| {
            let logit = logits[(i, 0)];
            sigmoid(if k == 1 { logit } else { -logit })
        });
    }
    let mut out = logits;
    for i in 0..out.nrows() {
        let row: Vec<f64> = out.row(i).iter().copied().collect();
        for (k, p) in softmax(&row).into_iter().enumerate() {
            out[(i, k)] = p;
        }
    }
    out
}

/// Objective, and the probabilities that belong to the parameters (class 1 alone for two classes).
fn objective(z: MatRef<'_, f64>, labels: &[usize], c: f64, w: &Mat<f64>) -> (f64, Mat<f64>) {
    let mut out = logits(z, w);
    let mut loss = 0.0;
    for (i, &label) in labels.iter().enumerate() {
        if w.ncols() == 1 {
            let logit = out[(i, 0)];
            // ln(1 + exp(-m)) of the margin m, without overflow.
            let margin = if label == 1 { logit } else { -logit };
            loss += (-margin.abs()).exp().ln_1p() + (-margin).max(0.0);
            out[(i, 0)] = sigmoid(logit);
        } else {
            let row: Vec<f64> = out.row(i).iter().copied().collect();
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|l| (l - most).exp()).sum();
            loss += sum.ln() + most - row[label];
            for (k, l) in row.iter().enumerate() {
                out[(i, k)] = (l - most).exp() / sum;
            }
        }
    }
    let penalised = w.subrows(0, z.ncols()).squared_norm_l2();
    (0.5 * penalised + c * loss, out)
}

/// `c [Z 1]' r`, and the penalty's part of `w`.
fn pull_back(z: MatRef<'_, f64>, r: &Mat<f64>, c: f64, w: &Mat<f64>) -> Mat<f64> {
    let p = z.ncols();
    let inner = z.transpose() * r;
    Mat::from_fn(p + 1, r.ncols(), |j, k| {
        if j < p {
            w[(j, k)] + c * inner[(j, k)]
        } else {
            c * r.col(k).iter().sum::<f64>()
        }
    })
}

/// Minimises the objective from `w` on until the gradient is below `tolerance` times its size
/// at zero coefficients (at least the number of rows times C); returns whether it got there.
pub(crate) fn minimise(
    z: MatRef<'_, f64>,
    labels: &[usize],
    c: f64,
    tolerance: f64,
    w: &mut Mat<f64>,
) -> bool {
    let q = w.ncols();
    let enough = tolerance * c * labels.len() as f64;
    let (mut value, mut p) = objective(z, labels, c, w);
    for _ in 0..STEPS {
        let mut error = p.clone();
        for (i, &label) in labels.iter().enumerate() {
            if q == 1 {
                error[(i, 0)] -= label as f64;
            } else {
                error[(i, label)] -= 1.0;
            }
        }
        let gradient = pull_back(z, &error, c, w);
        let size = gradient.norm_l2();
        if size <= enough {
            return true;
        }
        let curved = |v: &Mat<f64>| {
            let mut u = logits(z, v);
            for i in 0..u.nrows() {
                if q == 1 {
                    u[(i, 0)] *= p[(i, 0)] * (1.0 - p[(i, 0)]);
                } else {
                    let mean: f64 = (0..q).map(|k| p[(i, k)] * u[(i, k)]).sum();
                    for k in 0..q {
                        u[(i, k)] = p[(i, k)] * (u[(i, k)] - mean);
                    }
                }
            }
            pull_back(z, &u, c, v)
        };
        let step = conjugate_gradients(&gradient, curved, (size / enough * tolerance).sqrt());
        let slope = inner(&gradient, &step);
        let mut length = 1.0;
        loop {
            let next = &*w + faer::Scale(length) * &step;
            let (next_value, next_p) = objective(z, labels, c, &next);
            if next_value <= value + 1e-4 * length * slope {
                (*w, value, p) = (next, next_value, next_p);
                break;
            }
            length *= 0.5;
            if length < 1e-6 {
                // Rounding of the objective: the gradient says how near the minimum is.
                return size <= 1e4 * enough;
            }
        }
    }
    false
}

fn inner(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    a.col_iter()
        .zip(b.col_iter())
        .map(|(a, b)| a.iter().zip(b.iter()).map(|(a, b)| a * b).sum::<f64>())
        .sum()
}

/// Solves `H s = -gradient` until the residual is `forcing` (at most a half) of the gradient.
fn conjugate_gradients(
    gradient: &Mat<f64>,
    curved: impl Fn(&Mat<f64>) -> Mat<f64>,
    forcing: f64,
) -> Mat<f64> {
    let mut step = Mat::zeros(gradient.nrows(), gradient.ncols());
    let mut residual = faer::Scale(-1.0) * gradient;
    let mut direction = residual.clone();
    let mut square = inner(&residual, &residual);
    let enough = square * forcing.min(0.5).powi(2);
    for _ in 0..4 * gradient.nrows() {
        let image = curved(&direction);
        let curvature = inner(&direction, &image);
        if curvature <= 0.0 {
            break;
        }
        let length = square / curvature;
        step += faer::Scale(length) * &direction;
        residual -= faer::Scale(length) * &image;
        let next = inner(&residual, &residual);
        if next <= enough {
            break;
        }
        direction = &residual + faer::Scale(next / square) * &direction;
        square = next;
    }
    step
}
