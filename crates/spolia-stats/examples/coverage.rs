//! How often the 95 % intervals hold the truth, on simulated patients: the table of
//! docs/statistics.md. Arguments: draws for each line (400), seed (1), part (all of `r2`, `gain`,
//! `scores`, `others`).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use spolia_stats::{
    Classification, Error, Estimator, Evaluation, HeldOutOptions, Matrix, auc_bootstrap,
    group_bootstrap, held_out, held_out_classification, held_out_gain, mean, repeatability,
};

/// Rows of patients that have a share `icc` of the variance in common.
struct Patients {
    rng: ChaCha8Rng,
    groups: Vec<usize>,
    count: usize,
    icc: f64,
}

impl Patients {
    fn new(n: usize, count: usize, icc: f64, seed: u64, draw: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(draw);
        Self {
            rng,
            groups: (0..n).map(|i| i * count / n).collect(),
            count,
            icc,
        }
    }

    /// A standard normal column.
    fn column(&mut self) -> Vec<f64> {
        let shared: Vec<f64> = (0..self.count)
            .map(|_| self.rng.sample(StandardNormal))
            .collect();
        let (own, common) = ((1.0 - self.icc).sqrt(), self.icc.sqrt());
        self.groups
            .iter()
            .map(|&g| own * self.rng.sample::<f64, _>(StandardNormal) + common * shared[g])
            .collect()
    }

    fn columns(&mut self, p: usize) -> Result<Matrix, Error> {
        Matrix::from_columns(&(0..p).map(|_| self.column()).collect::<Vec<_>>())
    }
}

/// Estimate, lower, upper end.
type Ends = (f64, f64, f64);

fn line(
    what: &str,
    truth: f64,
    draws: u64,
    one: impl Fn(u64) -> Result<Ends, Error> + Sync + Send,
) -> Result<(), Error> {
    let found: Vec<Ends> = (0..draws)
        .into_par_iter()
        .map(one)
        .collect::<Result<_, _>>()?;
    let estimates: Vec<f64> = found.iter().map(|f| f.0).collect();
    let held = |value: f64| {
        let held = found.iter().filter(|f| f.1 <= value && value <= f.2);
        100.0 * held.count() as f64 / found.len() as f64
    };
    let widths: Vec<f64> = found.iter().map(|f| f.2 - f.1).collect();
    let expected = mean(&estimates);
    println!(
        "{what} | {truth:.3} | {:.1} | {expected:.3} | {:.1} | {:.3}",
        held(truth),
        held(expected),
        mean(&widths)
    );
    Ok(())
}

/// Prints the lines of one part, given draws and seed.
type Measure = fn(u64, u64) -> Result<(), Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| {
        let given = arguments.get(at).and_then(|a| a.parse().ok());
        given.unwrap_or(default)
    };
    let (draws, seed) = (number(0, 400), number(1, 1));
    let part = arguments.get(2).map(String::as_str);
    println!("what | truth | holds it, % | mean estimate | holds that, % | mean width");
    let parts: [(&str, Measure); 4] = [
        ("r2", r2),
        ("gain", gain),
        ("scores", scores),
        ("others", others),
    ];
    for (name, measure) in parts {
        if part.is_none_or(|part| part == name) {
            measure(draws, seed)?;
        }
    }
    Ok(())
}

fn options(seed: u64) -> HeldOutOptions {
    HeldOutOptions {
        repeats: 5,
        permutations: 0,
        resamples: 500,
        seed,
        ..HeldOutOptions::default()
    }
}

fn r2(draws: u64, seed: u64) -> Result<(), Error> {
    let settings = [
        (Estimator::Ols, 200, 20, 4),
        (Estimator::Ols, 400, 20, 4),
        (Estimator::Ols, 400, 40, 4),
        (Estimator::Ols, 400, 80, 4),
        (Estimator::Ols, 1000, 200, 4),
        (Estimator::Ridge, 400, 80, 4),
        (Estimator::Ridge, 400, 40, 40),
        (Estimator::Ridge, 200, 40, 200),
    ];
    for (estimator, n, groups, p) in settings {
        for icc in [0.0, 0.3] {
            for planted in [0.0, 0.3, 0.6, 0.9] {
                let what = format!("R², {estimator:?}, n {n}, {groups} groups, p {p}, icc {icc}");
                // The wide ones take long.
                let draws = if p > 4 { draws.min(200) } else { draws };
                line(&what, planted, draws, |draw| {
                    let mut patients = Patients::new(n, groups, icc, seed, draw);
                    let x = patients.columns(p)?;
                    let noise = patients.column();
                    let weight = (planted / p as f64).sqrt();
                    let y = (0..n).map(|i| {
                        weight * x.row(i).iter().sum::<f64>() + (1.0 - planted).sqrt() * noise[i]
                    });
                    let evaluation = Evaluation {
                        estimator,
                        options: options(draw),
                        ..Evaluation::default()
                    };
                    let y = Matrix::new(n, 1, y.collect())?;
                    let fit = &held_out(&x, &y, &patients.groups, &evaluation)?[0].held_out;
                    Ok((fit.r2, fit.low, fit.high))
                })?;
            }
        }
    }
    Ok(())
}

/// One covariate and four features; y of variance 1.
fn gain(draws: u64, seed: u64) -> Result<(), Error> {
    for groups in [20, 80] {
        for planted in [0.0, 0.1, 0.3] {
            let n = 400;
            let what = format!("gain, Ols, n {n}, {groups} groups, p 4, icc 0.3");
            line(&what, planted, draws, |draw| {
                let mut patients = Patients::new(n, groups, 0.3, seed, draw);
                let (x, z) = (patients.columns(4)?, patients.columns(1)?);
                let noise = patients.column();
                let weight = (planted / 4.0_f64).sqrt();
                let y = (0..n).map(|i| {
                    weight * x.row(i).iter().sum::<f64>()
                        + 0.3_f64.sqrt() * z.row(i)[0]
                        + (0.7 - planted).sqrt() * noise[i]
                });
                let evaluation = Evaluation {
                    estimator: Estimator::Ols,
                    options: options(draw),
                    ..Evaluation::default()
                };
                let y = Matrix::new(n, 1, y.collect())?;
                let gain = held_out_gain(&x, &z, &y, &patients.groups, &evaluation)?[0];
                Ok((gain.gain, gain.low, gain.high))
            })?;
        }
    }
    Ok(())
}

/// Five rows a patient, classes by patient.
fn scores(draws: u64, seed: u64) -> Result<(), Error> {
    for groups in [10, 20, 40, 80] {
        // Normal scores a shift d apart have the AUC Φ(d/√2).
        for (truth, shift) in [
            (0.5, 0.0),
            (0.75, 0.953_87),
            (0.9, 1.812_39),
            (0.97, 2.659_84),
        ] {
            let what = format!("AUC, {groups} groups of 5, icc 0.3");
            line(&what, truth, draws, |draw| {
                let mut patients = Patients::new(groups * 5, groups, 0.3, seed, draw);
                let positive: Vec<bool> = patients.groups.iter().map(|g| g % 2 == 0).collect();
                let mut scores = patients.column();
                for (score, &positive) in scores.iter_mut().zip(&positive) {
                    *score += if positive { shift } else { 0.0 };
                }
                let got = auc_bootstrap(&scores, &positive, &patients.groups, 500, 0.95, draw)?;
                Ok((got.auc, got.low, got.high))
            })?;
        }
    }
    for groups in [20, 80] {
        for shift in [0.0, 1.5] {
            for accuracy in [true, false] {
                let score = if accuracy { "balanced accuracy" } else { "AUC" };
                let what = format!("held-out {score}, {groups} groups of 5, shift {shift}");
                line(&what, 0.5, draws.min(400), |draw| {
                    let mut patients = Patients::new(groups * 5, groups, 0.3, seed, draw);
                    let labels: Vec<usize> = patients.groups.iter().map(|g| g % 2).collect();
                    let mut x = vec![patients.column(), patients.column(), patients.column()];
                    for (value, label) in x[0].iter_mut().zip(&labels) {
                        *value += shift * *label as f64;
                    }
                    let x = Matrix::from_columns(&x)?;
                    let classification = Classification {
                        c: Some(1.0),
                        options: options(draw),
                        ..Classification::default()
                    };
                    let fit =
                        held_out_classification(&x, &labels, &patients.groups, &classification)?;
                    let got = if accuracy {
                        fit.balanced_accuracy
                    } else {
                        fit.auc
                    };
                    Ok((got.value, got.interval.low, got.interval.high))
                })?;
            }
        }
    }
    Ok(())
}

fn others(draws: u64, seed: u64) -> Result<(), Error> {
    for groups in [10, 20, 80] {
        let what = format!("mean of lognormal values, {groups} groups of 5, icc 0.3");
        line(&what, 0.5_f64.exp(), draws, |draw| {
            let mut patients = Patients::new(groups * 5, groups, 0.3, seed, draw);
            let values: Vec<f64> = patients.column().into_iter().map(f64::exp).collect();
            let of = |rows: &[usize]| mean(&rows.iter().map(|&r| values[r]).collect::<Vec<_>>());
            let all: Vec<usize> = (0..values.len()).collect();
            let got = group_bootstrap(&patients.groups, 500, 0.95, draw, |rows| Some(of(rows)))?;
            Ok((of(&all), got.low, got.high))
        })?;
        for icc in [0.3_f64, 0.6, 0.9] {
            let what = format!("ICC(1,1), 3 measurements, {groups} groups of 5 items, icc 0.3");
            line(&what, icc, draws, |draw| {
                let mut patients = Patients::new(groups * 5, groups, 0.3, seed, draw);
                let item = patients.column();
                patients.icc = 0.0;
                let columns: Vec<Vec<f64>> = (0..3)
                    .map(|_| {
                        let noise = patients.column();
                        item.iter()
                            .zip(noise)
                            .map(|(a, e)| icc.sqrt() * a + (1.0 - icc).sqrt() * e)
                            .collect()
                    })
                    .collect();
                let got = repeatability(&Matrix::from_columns(&columns)?, &patients.groups)?;
                Ok((got.icc, got.low, got.high))
            })?;
        }
    }
    Ok(())
}
