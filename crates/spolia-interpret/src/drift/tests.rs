//! Against published implementations (tests/reference/drift/export.py), and what must hold whatever the numbers.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::*;

const N: usize = 12;

/// The two matrices of the reference.
fn pair() -> (Matrix, Matrix) {
    let x = |i: usize, j: usize| {
        let (i, j) = (i as f64, j as f64);
        (1.0 + (2.3 + 0.31 * j * j) * i).sin()
    };
    let y = |i: usize, j: usize| {
        let own = (0.5 + 1.1 * i as f64 * (1.0 + j as f64)).cos();
        own + 0.8 * x(i, [0, 1, 2, 3, 0][j])
    };
    (matrix(N, 4, x), matrix(N, 5, y))
}

fn matrix(rows: usize, columns: usize, of: impl Fn(usize, usize) -> f64) -> Matrix {
    let cells = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
    Matrix::new(rows, columns, cells.map(|(i, j)| of(i, j)).collect()).unwrap()
}

fn noise(rows: usize, columns: usize, seed: u64) -> Matrix {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let data = (0..rows * columns).map(|_| rng.sample(StandardNormal));
    Matrix::new(rows, columns, data.collect()).unwrap()
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
}

#[test]
fn published_values() {
    let (x, y) = pair();
    let linear = cka(&x, &y, Kernel::Linear).unwrap();
    near(linear.biased, 0.7521237950362921);
    near(linear.debiased, 0.6621572540427737);
    let gaussian = cka(&x, &y, Kernel::Gaussian { scale: 0.5 }).unwrap();
    near(gaussian.biased, 0.8330768305502017);
    near(gaussian.debiased, 0.5086196830678865);
    for (share, wanted, weighted) in [
        (
            0.9,
            [
                0.9913011045964969,
                0.9653619179643114,
                0.7906954707818181,
                0.45706544966710155,
            ],
            0.7911262046216354,
        ),
        (
            1.0 - 1e-12,
            [
                0.996230460782822,
                0.9695219544735646,
                0.8939930084051985,
                0.7749091867643416,
            ],
            0.9085944557388581,
        ),
    ] {
        let found = svcca(&x, &y, share).unwrap();
        assert_eq!(found.dimensions, [4, if share == 0.9 { 4 } else { 5 }]);
        for (found, wanted) in found.correlations.iter().zip(wanted) {
            near(*found, wanted);
        }
        near(found.svcca(), wanted.iter().sum::<f64>() / 4.0);
        near(found.pwcca(), weighted);
    }
    near(procrustes(&x, &y).unwrap(), 0.322547643102145);
}

#[test]
fn a_rotation_and_a_scale_do_not_matter() {
    let (x, _) = pair();
    let (c, s) = (0.6, 0.8);
    // The first two channels rotated, all three times as large, and moved.
    let turned = matrix(N, 4, |i, j| {
        let r = x.row(i);
        let v = match j {
            0 => c * r[0] - s * r[1],
            1 => s * r[0] + c * r[1],
            _ => r[j],
        };
        3.0 * v + 7.0
    });
    for kernel in [Kernel::Linear, Kernel::Gaussian { scale: 0.8 }] {
        let same = cka(&x, &turned, kernel).unwrap();
        near(same.biased, 1.0);
        near(same.debiased, 1.0);
    }
    near(procrustes(&x, &turned).unwrap(), 0.0);
    let canonical = svcca(&x, &turned, 0.99).unwrap();
    near(canonical.svcca(), 1.0);
    near(canonical.pwcca(), 1.0);
    let own = channels(&x, &turned).unwrap();
    near(own.own[2].unwrap(), 1.0);
    assert!(own.own[0].unwrap() < 0.99);
    assert_eq!(own.nearest[3].unwrap().0, 3);
}

#[test]
fn unrelated_answers_have_the_bias_that_is_known() {
    // 100 images, 20 channels: debiased CKA has mean 0; the biased one and SVCCA have not.
    let (mut debiased, mut biased, mut correlations) = (0.0, 0.0, 0.0);
    for seed in 0..40 {
        let (x, y) = (noise(100, 20, 2 * seed), noise(100, 20, 2 * seed + 1));
        let found = cka(&x, &y, Kernel::Linear).unwrap();
        debiased += found.debiased / 40.0;
        biased += found.biased / 40.0;
        let all = svcca(&x, &y, 1.0).unwrap();
        correlations += all.correlations.iter().map(|r| r * r).sum::<f64>() / 20.0 / 40.0;
    }
    assert!(debiased.abs() < 0.01, "{debiased}");
    // E tr(K H L H) = p q (n - 1), E tr(K H K H) = p (n - 1) (n + p - 1 + ...): about p / (n + p).
    assert!((biased - 20.0 / 119.0).abs() < 0.02, "{biased}");
    // Squared canonical correlations of unrelated Gaussians average q / (n - 1).
    assert!((correlations - 20.0 / 99.0).abs() < 0.01, "{correlations}");
}

#[test]
fn the_interval_is_over_patients() {
    let x = noise(80, 6, 1);
    let y = matrix(80, 6, |i, j| x.row(i)[j] + noise(80, 6, 2).row(i)[j]);
    let alone: Vec<usize> = (0..80).collect();
    let (found, [low, high]) = cka_jackknife(&x, &y, Kernel::Linear, &alone).unwrap();
    assert!(low < found.debiased && found.debiased < high && high - low < 0.4);
    // Signal of variance 1, noise of variance 1: half of the alignment is left.
    assert!(low < 0.5 && 0.5 < high, "{low} {high}");
}

#[test]
fn what_cannot_be_compared_is_named() {
    let (x, y) = pair();
    let fewer = x.select_rows(&[0, 1, 2, 3, 4]);
    assert!(matches!(
        procrustes(&fewer, &y),
        Err(Error::Images {
            first: 5,
            second: 12
        })
    ));
    let three = x.select_rows(&[0, 1, 2]);
    assert!(matches!(
        svcca(&three, &three, 0.99),
        Err(Error::TooFew { images: 3 })
    ));
    let still = matrix(N, 3, |_, j| j as f64);
    for kernel in [Kernel::Linear, Kernel::Gaussian { scale: 1.0 }] {
        assert!(matches!(
            cka(&x, &still, kernel),
            Err(Error::Still { which: "second" })
        ));
    }
    assert!(matches!(
        svcca(&still, &y, 0.99),
        Err(Error::Still { which: "first" })
    ));
    assert!(matches!(procrustes(&still, &y), Err(Error::Still { .. })));
    assert!(matches!(
        channels(&x, &y),
        Err(Error::Channels {
            first: 4,
            second: 5
        })
    ));
    let nan = matrix(N, 4, |i, _| if i == 3 { f64::NAN } else { 1.0 });
    assert!(matches!(
        cka(&nan, &y, Kernel::Linear),
        Err(Error::NotFinite { which: "first" })
    ));
    // A channel that answers alike to all images has no correlation; the others have.
    let dead = matrix(N, 4, |i, j| if j == 1 { 2.0 } else { x.row(i)[j] });
    let found = channels(&x, &dead).unwrap();
    assert!(found.own[1].is_none() && found.own[0].unwrap() > 0.999);
    assert!(found.nearest[1].unwrap().0 != 1);
    assert_eq!(found.share_same(), Some(0.75));
}

#[test]
fn weights_that_moved() {
    use spolia_network::{Convention, Initialisation, inception_v3, initialise};
    let network = inception_v3(Convention::Keras, None);
    let a = initialise(&network, Initialisation::Xavier, 1);
    let stage = network.stage("Conv2d_2a_3x3").unwrap();
    let same = weight_drift(&network, stage, &a, &a).unwrap().unwrap();
    assert_eq!((same.distance, same.batch_norm), (0.0, Some(0.0)));
    assert!((same.cosine - 1.0).abs() < 1e-12 && same.kernels.count == 32);
    let mut b = a.clone();
    let name = "Conv2d_2a_3x3.conv.weight";
    for v in &mut b.tensors.get_mut(name).unwrap().data {
        *v *= 1.5;
    }
    let longer = weight_drift(&network, stage, &a, &b).unwrap().unwrap();
    assert!((longer.distance - 0.5).abs() < 1e-6 && (longer.cosine - 1.0).abs() < 1e-9);
    assert!((longer.kernels.mean_distance - 0.5).abs() < 1e-6);
    let mean = "Conv2d_2a_3x3.bn.running_mean";
    b.tensors.get_mut(mean).unwrap().data[0] += 1.0;
    let moved = weight_drift(&network, stage, &a, &b).unwrap().unwrap();
    assert!(moved.batch_norm.unwrap() > 0.0);
    // Two random networks share nothing: a cosine near 0, a distance near √2.
    let other = initialise(&network, Initialisation::Xavier, 2);
    let random = weight_drift(&network, stage, &a, &other).unwrap().unwrap();
    assert!(random.cosine.abs() < 0.05 && (random.distance - 2f64.sqrt()).abs() < 0.1);
    let pool = network.stage("maxpool1").unwrap();
    assert_eq!(weight_drift(&network, pool, &a, &b).unwrap(), None);
}
