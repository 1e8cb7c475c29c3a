//! Every estimator on data whose truth is known: noise, a planted concept, degenerate input.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use spolia_stats::{
    Classification, Error, Estimator, Evaluation, HeldOutOptions, Matrix, held_out,
    held_out_classification, held_out_partial, held_out_r2, kolmogorov_uniform, mean,
};

const ALL: [Estimator; 5] = [
    Estimator::Ols,
    Estimator::Ridge,
    Estimator::RidgeByGroups,
    Estimator::Pls { most: 4 },
    Estimator::Lasso,
];

fn normal(n: usize, p: usize, seed: u64) -> Matrix {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let data = (0..n * p).map(|_| rng.sample(StandardNormal)).collect();
    Matrix::new(n, p, data).unwrap()
}

fn quick(estimator: Estimator, permutations: usize) -> Evaluation {
    Evaluation {
        estimator,
        options: HeldOutOptions {
            folds: 4,
            repeats: 2,
            permutations,
            resamples: 200,
            seed: 3,
        },
        ..Evaluation::default()
    }
}

fn blocks(n: usize, each: usize) -> Vec<usize> {
    (0..n).map(|i| i / each).collect()
}

#[test]
fn noise_is_not_explained_and_its_p_values_are_uniform() {
    let (n, targets) = (60, 80);
    let x = normal(n, 8, 1);
    let y = normal(n, targets, 2);
    for estimator in ALL {
        let permutations = if estimator == Estimator::Lasso {
            19
        } else {
            59
        };
        let evaluation = quick(estimator, permutations);
        let fits = held_out(&x, &y, &blocks(n, 3), &evaluation).unwrap();
        let r2: Vec<f64> = fits.iter().map(|fit| fit.held_out.r2).collect();
        assert!(mean(&r2) < 0.0, "{estimator:?}: {}", mean(&r2));
        let p: Vec<f64> = fits.iter().filter_map(|fit| fit.held_out.p_value).collect();
        if estimator == Estimator::Lasso {
            // Many permutations end at the mean, as the data do: equal R², so p errs upwards.
            let small = p.iter().filter(|p| **p <= 0.1).count();
            assert!(small <= 14, "{small} of {targets}");
            continue;
        }
        // p is a multiple of 1/60: half of that is taken off to centre it.
        let p: Vec<f64> = p.iter().map(|p| p - 0.5 / 60.0).collect();
        let test = kolmogorov_uniform(&p).unwrap();
        assert!(test.p_value > 0.01, "{estimator:?}: {test:?}");
    }
}

#[test]
fn p_values_of_classes_at_random_are_uniform() {
    let n = 40;
    let groups = blocks(n, 2);
    let p: Vec<f64> = (0..50)
        .map(|draw| {
            let x = normal(n, 4, 100 + draw);
            let noise = normal(n, 1, 500 + draw);
            let labels: Vec<usize> = (0..n).map(|i| usize::from(noise.row(i)[0] > 0.0)).collect();
            let classification = Classification {
                c: Some(0.1),
                options: quick(Estimator::Ols, 39).options,
                ..Classification::default()
            };
            let fit = held_out_classification(&x, &labels, &groups, &classification).unwrap();
            fit.auc.p_value.unwrap() - 0.5 / 40.0
        })
        .collect();
    let test = kolmogorov_uniform(&p).unwrap();
    assert!(test.p_value > 0.01, "{test:?}");
}

/// Share of draws whose interval holds the planted R²: y = x'b + noise, n 400, p 4, in `groups`.
fn coverage(planted: f64, groups: usize, estimator: Estimator, draws: u64) -> f64 {
    let (n, p) = (400, 4);
    let mut evaluation = quick(estimator, 0);
    evaluation.options.resamples = 300;
    let held = (0..draws).into_par_iter().filter(|&draw| {
        let x = normal(n, p, FIRST_SEED + 2 * draw);
        let noise = normal(n, 1, FIRST_SEED + 2 * draw + 1);
        let weight = (planted / p as f64).sqrt();
        let y = (0..n).map(|i| {
            weight * x.row(i).iter().sum::<f64>() + (1.0 - planted).sqrt() * noise.row(i)[0]
        });
        let y = Matrix::new(n, 1, y.collect()).unwrap();
        let fit = &held_out(&x, &y, &blocks(n, n / groups), &evaluation).unwrap()[0].held_out;
        assert!(fit.low <= fit.r2 && fit.r2 <= fit.high, "{fit:?}");
        assert!(fit.without_noise.is_some());
        fit.low <= planted && planted <= fit.high
    });
    held.count() as f64 / draws as f64
}

/// The day this test was written, not a number that was found to pass.
const FIRST_SEED: u64 = 20_261_124;

#[test]
fn the_interval_holds_the_planted_r2() {
    // Of 1,000 draws an interval of 95 % holds it in fewer than 929 with probability 1e-3; plain
    // percentiles of 20 groups hold it in about 900. docs/statistics.md has the exact coverage.
    for (planted, groups) in [(0.0, 20), (0.5, 20), (0.5, 80)] {
        let held = coverage(planted, groups, Estimator::Ols, 1000);
        assert!(held >= 0.929, "R² {planted}, {groups} groups: {held}");
    }
    // Of 100 draws fewer than 87 with the same probability.
    let held = coverage(0.3, 20, Estimator::Ridge, 100);
    assert!(held >= 0.87, "{held}");
}

#[test]
fn p_values_beyond_covariates_are_uniform() {
    // Six covariates carry most of y, two of them some of x, also between patients; x carries nothing
    // beyond. Residuals exchanged without taking the covariates out anew fail here.
    let (n, q, each) = (48, 6, 3);
    for estimator in [Estimator::Ols, Estimator::Ridge] {
        let p: Vec<f64> = (0..240)
            .into_par_iter()
            .map(|draw| {
                let seed = FIRST_SEED + 10 * draw;
                let (patient, row) = (normal(n / each, q, seed), normal(n, q, seed + 1));
                let z = (0..n * q).map(|k| {
                    let (i, j) = (k / q, k % q);
                    patient.row(i / each)[j] + row.row(i)[j]
                });
                let z = Matrix::new(n, q, z.collect()).unwrap();
                let own = normal(n, 4, seed + 2);
                let x = (0..n * 4).map(|k| own.row(k / 4)[k % 4] + z.row(k / 4)[k % 2]);
                let x = Matrix::new(n, 4, x.collect()).unwrap();
                let noise = normal(n, 1, seed + 3);
                let y = (0..n).map(|i| 3.0 * z.row(i).iter().sum::<f64>() + noise.row(i)[0]);
                let y = Matrix::new(n, 1, y.collect()).unwrap();
                let mut evaluation = quick(estimator, 59);
                evaluation.options.seed = seed;
                let fits = held_out_partial(&x, &z, &y, &blocks(n, each), &evaluation).unwrap();
                fits[0].partial.held_out.p_value.unwrap() - 0.5 / 60.0
            })
            .collect();
        let test = kolmogorov_uniform(&p).unwrap();
        assert!(test.p_value > 0.01, "{estimator:?}: {test:?}");
    }
}

#[test]
fn chance_of_classes_whose_groups_are_held_out_is_below_one_in_k() {
    // Five classes of three patients each, noise: a class is the rarer where it is held out.
    let n = 60;
    let x = normal(n, 5, 17);
    let labels: Vec<usize> = (0..n).map(|i| i / 4 % 5).collect();
    let classification = Classification {
        c: Some(0.1),
        options: quick(Estimator::Ols, 99).options,
        ..Classification::default()
    };
    let fit = held_out_classification(&x, &labels, &blocks(n, 4), &classification).unwrap();
    let score = &fit.balanced_accuracy;
    let (null, high) = (score.null.unwrap(), score.null_high.unwrap());
    assert!(null < 0.18 && null < high && high < 0.35, "{score:?}");
    let regression = &held_out_r2(
        &x,
        &normal(n, 1, 18),
        &blocks(n, 4),
        quick(Estimator::Ridge, 99).options,
    )
    .unwrap()[0];
    assert!(regression.null.unwrap() < 0.0);
    assert!(regression.null_high.unwrap() > regression.null.unwrap());
    let untested = Classification {
        options: quick(Estimator::Ols, 0).options,
        ..classification
    };
    let fit = held_out_classification(&x, &labels, &blocks(n, 4), &untested).unwrap();
    assert_eq!(
        (fit.auc.null, fit.auc.null_high, fit.auc.p_value),
        (None, None, None)
    );
}

#[test]
fn every_estimator_finds_a_concept_in_tall_and_wide_features() {
    for p in [10, 130] {
        let n = 120;
        let x = normal(n, p, 3);
        let noise = normal(n, 1, 4);
        // One strong direction that is also the features' own, so that few components hold it.
        let data = (0..n).flat_map(|i| {
            let (row, strong) = (x.row(i).to_vec(), 2.0 * x.row(i)[0]);
            row.into_iter().map(move |v| v + strong)
        });
        let features = Matrix::new(n, p, data.collect()).unwrap();
        let y = (0..n)
            .map(|i| 3.0 * x.row(i)[0] + noise.row(i)[0])
            .collect();
        let y = Matrix::new(n, 1, y).unwrap();
        for estimator in ALL {
            for components in [None, Some(3)] {
                let permutations = if p < n { 19 } else { 0 };
                let mut evaluation = quick(estimator, permutations);
                evaluation.components = components;
                let fit = &held_out(&features, &y, &blocks(n, 4), &evaluation).unwrap()[0];
                let r2 = fit.held_out.r2;
                // Nothing tames least squares on more features than rows.
                let tame = p < n || estimator != Estimator::Ols || components.is_some();
                assert!(
                    r2 > if tame { 0.75 } else { 0.4 } && r2 < 0.95,
                    "{estimator:?}, {p}, {components:?}: {r2}"
                );
                assert_eq!(fit.held_out.p_value, (p < n).then_some(0.05));
                let chosen = match estimator {
                    Estimator::Ols | Estimator::Ridge => 0,
                    _ => 8,
                };
                assert_eq!(fit.hyperparameters.len(), chosen);
            }
        }
    }
}

#[test]
fn threads_do_not_matter() {
    let (x, y) = (normal(40, 6, 1), normal(40, 2, 2));
    let labels: Vec<usize> = (0..40).map(|i| i / 5 % 3).collect();
    let groups = blocks(40, 2);
    let everything = || {
        let fits = ALL.map(|e| held_out(&x, &y, &groups, &quick(e, 9)).unwrap());
        let classification = Classification {
            options: quick(Estimator::Ols, 5).options,
            ..Classification::default()
        };
        let classes = held_out_classification(&x, &labels, &groups, &classification).unwrap();
        (fits, classes)
    };
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    let one = pool(1).install(everything);
    assert!(one == pool(3).install(everything));
}

#[test]
fn beyond_covariates() {
    // y follows z strongly and x[0] weakly; x[1] is a copy of z.
    let n = 300;
    let (z, x, noise) = (normal(n, 1, 1), normal(n, 2, 2), normal(n, 1, 3));
    let y = (0..n).flat_map(|i| {
        let (z, e) = (3.0 * z.row(i)[0], noise.row(i)[0]);
        [z + x.row(i)[0] + e, z + e]
    });
    let y = Matrix::new(n, 2, y.collect()).unwrap();
    let copied = (0..n).flat_map(|i| [x.row(i)[0], z.row(i)[0]]);
    let copied = Matrix::new(n, 2, copied.collect()).unwrap();
    let evaluation = quick(Estimator::Ols, 99);
    let fits = held_out_partial(&copied, &z, &y, &blocks(n, 5), &evaluation).unwrap();
    // Population: 1 of 2 that z leaves; 1 of 11 in all.
    let found = &fits[0];
    assert!((found.partial.held_out.r2 - 0.5).abs() < 0.1, "{found:?}");
    assert!((found.gain - 1.0 / 11.0).abs() < 0.03);
    assert!(found.gain_low < 1.0 / 11.0 && 1.0 / 11.0 < found.gain_high);
    assert!(
        (found.both - 10.0 / 11.0).abs() < 0.03 && (found.covariates - 9.0 / 11.0).abs() < 0.05
    );
    assert_eq!(found.partial.held_out.p_value, Some(0.01));
    // A copy of the covariate adds nothing.
    let nothing = &fits[1];
    assert!(nothing.partial.held_out.r2 < 0.02 && nothing.gain < 0.005);
    assert!(nothing.partial.held_out.p_value.unwrap() > 0.01);
}

#[test]
fn classes_are_found() {
    let n = 120;
    let x = normal(n, 6, 7);
    let groups = blocks(n, 4);
    for classes in [2, 3] {
        let labels: Vec<usize> = (0..n).map(|i| i / 4 % classes).collect();
        let shifted = (0..n).flat_map(|i| {
            let label = labels[i];
            let row = x.row(i).to_vec().into_iter().enumerate();
            row.map(move |(j, v)| v + if j == label { 2.5 } else { 0.0 })
        });
        let shifted = Matrix::new(n, 6, shifted.collect()).unwrap();
        for components in [None, Some(4)] {
            let classification = Classification {
                components,
                options: quick(Estimator::Ols, 19).options,
                ..Classification::default()
            };
            let fit = held_out_classification(&shifted, &labels, &groups, &classification).unwrap();
            let chance = 1.0 / classes as f64;
            for (score, least) in [(&fit.balanced_accuracy, chance + 0.3), (&fit.auc, 0.85)] {
                assert!(score.value > least, "{score:?}");
                assert!(score.interval.low < score.value && score.value < score.interval.high);
                assert_eq!(score.p_value, Some(0.05));
            }
            assert!((mean(&fit.recall) - fit.balanced_accuracy.value).abs() < 1e-12);
            assert_eq!((fit.c.len(), fit.probabilities.cols()), (8, classes));
        }
    }
}

#[test]
fn degenerate_input_is_typed_or_defined() {
    let (x, y) = (normal(20, 3, 1), normal(20, 1, 2));
    let groups = blocks(20, 4);
    let nan = Matrix::new(20, 1, [vec![f64::NAN], vec![0.0; 19]].concat()).unwrap();
    let constant = Matrix::new(20, 1, vec![2.0; 20]).unwrap();
    let empty = Matrix::new(0, 3, vec![]).unwrap();
    let flat = Matrix::new(20, 2, vec![1.0; 40]).unwrap();
    for estimator in ALL {
        let evaluation = quick(estimator, 9);
        let run = |x: &Matrix, y: &Matrix, g: &[usize]| held_out(x, y, g, &evaluation);
        assert_eq!(
            run(&x, &constant, &groups),
            Err(Error::ConstantTarget { column: 0 })
        );
        assert!(matches!(
            run(&x, &nan, &groups),
            Err(Error::NotFinite { .. })
        ));
        assert!(matches!(
            run(&nan, &y, &groups),
            Err(Error::NotFinite { .. })
        ));
        assert!(matches!(
            run(&x, &y, &[0; 20]),
            Err(Error::TooFewGroups { .. })
        ));
        assert!(run(&empty, &Matrix::new(0, 1, vec![]).unwrap(), &[]).is_err());
        // Features without variance: the mean is the prediction.
        let fit = &run(&flat, &y, &groups).unwrap()[0].held_out;
        assert_eq!((fit.r2, fit.p_value), (0.0, Some(1.0)), "{estimator:?}");
        // A target that varies in one group only is constant in some training rows.
        let rare = Matrix::new(20, 1, (0..20).map(|i| f64::from(i < 2)).collect()).unwrap();
        assert!(run(&x, &rare, &groups).unwrap()[0].held_out.r2.is_finite());
        let partial = |z: &Matrix| held_out_partial(&x, z, &y, &groups, &evaluation);
        assert!(matches!(partial(&nan), Err(Error::NotFinite { .. })));
        assert!(matches!(partial(&empty), Err(Error::Rows { .. })));
        // A constant covariate takes nothing away.
        let plain = run(&x, &y, &groups).unwrap()[0].held_out.r2;
        let beyond = partial(&constant).unwrap()[0].partial.held_out.r2;
        assert!((plain - beyond).abs() < 1e-9);
    }
    let mut evaluation = quick(Estimator::Pls { most: 0 }, 0);
    assert!(held_out(&x, &y, &groups, &evaluation).is_err());
    evaluation = quick(Estimator::Ridge, 0);
    evaluation.components = Some(4);
    assert!(matches!(
        held_out(&x, &y, &groups, &evaluation),
        Err(Error::TooFew { .. })
    ));

    let options = quick(Estimator::Ols, 3).options;
    let classification = Classification {
        options,
        ..Classification::default()
    };
    let run = |x: &Matrix, labels: &[usize], g: &[usize]| {
        held_out_classification(x, labels, g, &classification)
    };
    let labels: Vec<usize> = (0..20).map(|i| i % 2).collect();
    assert!(matches!(
        run(&x, &[1; 20], &groups),
        Err(Error::Classes { .. })
    ));
    assert!(matches!(run(&x, &[], &groups), Err(Error::Rows { .. })));
    assert!(matches!(
        run(&nan, &labels, &groups),
        Err(Error::NotFinite { .. })
    ));
    assert!(matches!(
        run(&x, &labels, &[0; 20]),
        Err(Error::TooFewGroups { .. })
    ));
    assert_eq!(run(&flat, &labels, &groups).unwrap().auc.value, 0.5);
    // A centre of one patient is never in training and test at once.
    let centre: Vec<usize> = (0..20).map(|i| usize::from(i < 4)).collect();
    assert_eq!(run(&x, &centre, &groups).unwrap().recall[1], 0.0);
    // The free permutations of a wider matrix still work.
    let wide = normal(20, 60, 9);
    assert!(held_out_r2(&wide, &y, &groups, options).is_ok());
}

#[test]
fn kept_penalties_do_not_make_p_values_small() {
    // Labels of noise in whole groups; every permutation keeps the C that the true labels chose.
    let p_values: Vec<f64> = (0..200u64)
        .map(|draw| {
            let x = normal(48, 6, 7000 + draw);
            let signs = normal(16, 1, 9000 + draw);
            let labels: Vec<usize> = (0..48)
                .map(|i| usize::from(signs.row(i / 3)[0] > 0.0))
                .collect();
            let classification = Classification {
                permutations_choose: false,
                options: HeldOutOptions {
                    folds: 4,
                    repeats: 1,
                    permutations: 39,
                    resamples: 1,
                    seed: draw,
                },
                ..Classification::default()
            };
            let found =
                held_out_classification(&x, &labels, &blocks(48, 3), &classification).unwrap();
            found.auc.p_value.unwrap()
        })
        .collect();
    // Ties, and folds whose classes differ, make p larger, never smaller: what remains to check is that small p are no
    // more frequent than they say. Bounds are exceeded once in a thousand studies of uniform p.
    for (level, most) in [(0.05, 20), (0.1, 33), (0.25, 69), (0.5, 122)] {
        let below = p_values.iter().filter(|p| **p <= level).count();
        assert!(below <= most, "{below} of 200 at most {level}");
    }
    assert!(p_values.iter().filter(|p| **p <= 0.25).count() >= 25);
}
