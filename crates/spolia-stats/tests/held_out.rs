//! Properties of the held-out R² and of the permutation test, on data whose truth is known.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use spolia_stats::{Error, HeldOutOptions, Matrix, held_out_r2, mean, null_r2, ols};

fn normal(n: usize, p: usize, seed: u64) -> Matrix {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let data = (0..n * p).map(|_| rng.sample(StandardNormal)).collect();
    Matrix::new(n, p, data).unwrap()
}

const QUICK: HeldOutOptions = HeldOutOptions {
    folds: 5,
    repeats: 3,
    permutations: 99,
    resamples: 200,
    seed: 7,
};

#[test]
fn noise_fits_in_sample_and_not_held_out() {
    let (n, p, targets) = (200, 100, 8);
    let x = normal(n, p, 1);
    let y = normal(n, targets, 2);
    let in_sample: Vec<f64> = ols(&x, &y).unwrap().iter().map(|fit| fit.r2).collect();
    // sd of one R² is about sqrt(2 (1 - m) m / n) = .05.
    assert!((mean(&in_sample) - null_r2(n, p)).abs() < 0.05);
    let groups: Vec<usize> = (0..n).map(|i| i / 5).collect();
    let fits = held_out_r2(&x, &y, &groups, QUICK).unwrap();
    for fit in &fits {
        assert!(fit.r2 < 0.05, "held-out R² of noise is {}", fit.r2);
    }
    let small = fits
        .iter()
        .filter(|fit| fit.p_value.unwrap() <= 0.05)
        .count();
    assert!(
        small <= 3,
        "{small} of {targets} noise targets are significant"
    );
}

#[test]
fn a_relation_is_found_for_tall_and_wide_features() {
    for p in [20, 300] {
        let n = 150;
        let x = normal(n, p, 3);
        let noise = normal(n, 1, 4);
        let y: Vec<f64> = (0..n)
            .map(|i| {
                let row = x.row(i);
                3.0 * row[0] - 2.0 * row[1] + noise.row(i)[0]
            })
            .collect();
        let y = Matrix::new(n, 1, y).unwrap();
        let groups: Vec<usize> = (0..n).map(|i| i % 30).collect();
        let fit = &held_out_r2(&x, &y, &groups, QUICK).unwrap()[0];
        let least = if p == 20 { 0.8 } else { 0.1 };
        assert!(fit.r2 > least && fit.r2 < 0.97, "p = {p}: {}", fit.r2);
        assert_eq!(fit.p_value, Some(0.01));
        assert!(fit.low < fit.r2 && fit.r2 < fit.high);
    }
}

#[test]
fn a_patient_effect_does_not_count() {
    // Features know the patient, the target is a patient's constant: within patients it would be
    // predicted perfectly; across patients there is nothing to learn.
    let (patients, each) = (12, 15);
    let n = patients * each;
    let codes = normal(patients, 40, 5);
    let effects = normal(patients, 1, 6);
    let jitter = normal(n, 40, 8);
    let x: Vec<f64> = (0..n)
        .flat_map(|i| {
            let (code, jitter) = (codes.row(i / each), jitter.row(i));
            (0..40).map(move |j| code[j] + 0.1 * jitter[j])
        })
        .collect();
    let x = Matrix::new(n, 40, x).unwrap();
    let y = Matrix::new(n, 1, (0..n).map(|i| effects.row(i / each)[0]).collect()).unwrap();
    let by_patient: Vec<usize> = (0..n).map(|i| i / each).collect();
    let by_row: Vec<usize> = (0..n).collect();
    let grouped = &held_out_r2(&x, &y, &by_patient, QUICK).unwrap()[0];
    let leaking = &held_out_r2(&x, &y, &by_row, QUICK).unwrap()[0];
    assert!(leaking.r2 > 0.9, "{}", leaking.r2);
    assert!(grouped.r2 < 0.2, "{}", grouped.r2);
    assert!(grouped.p_value.unwrap() > 0.05);
}

#[test]
fn targets_do_not_disturb_each_other_and_threads_do_not_matter() {
    let x = normal(60, 10, 11);
    let y = normal(60, 3, 12);
    let groups: Vec<usize> = (0..60).map(|i| i / 3).collect();
    let together = held_out_r2(&x, &y, &groups, QUICK).unwrap();
    let alone = Matrix::new(60, 1, y.column(1)).unwrap();
    let alone = &held_out_r2(&x, &alone, &groups, QUICK).unwrap()[0];
    assert!((together[1].r2 - alone.r2).abs() < 1e-12);
    assert_eq!(together[1].p_value, alone.p_value);
    let one_thread = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let again = one_thread.install(|| held_out_r2(&x, &y, &groups, QUICK).unwrap());
    assert_eq!(again, together);
}

#[test]
fn impossible_requests_are_typed() {
    let x = normal(20, 3, 1);
    let y = normal(20, 1, 2);
    let groups: Vec<usize> = (0..20).map(|i| i % 4).collect();
    assert_eq!(
        held_out_r2(&x, &y, &groups, QUICK),
        Err(Error::TooFewGroups {
            groups: 4,
            folds: 5
        })
    );
    assert!(matches!(
        held_out_r2(&x, &y, &groups[..19], QUICK),
        Err(Error::Rows { .. })
    ));
    let constant = Matrix::new(20, 1, vec![2.0; 20]).unwrap();
    assert_eq!(
        held_out_r2(&x, &constant, &groups, QUICK),
        Err(Error::ConstantTarget { column: 0 })
    );
}
