//! Concepts that are classes: told from noise, and named where they cannot be judged.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use spolia_interpret::concepts::{Categories, ClassOptions, ClassRow, Error, classify};

const IMAGES: usize = 120;
const CHANNELS: usize = 24;
const CLASSES: ClassOptions = ClassOptions {
    c: None,
    components: 8,
    folds: 4,
    repeats: 1,
    permutations: 19,
    resamples: 50,
    seed: 2,
};

/// Activations and the patients.
fn data() -> (Vec<f32>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let activations = (0..IMAGES * CHANNELS).map(|_| rng.sample::<f32, _>(StandardNormal));
    (activations.collect(), (0..IMAGES).map(|i| i / 4).collect())
}

fn channel(activations: &[f32], k: usize) -> Vec<f64> {
    activations
        .iter()
        .skip(k)
        .step_by(CHANNELS)
        .map(|&a| f64::from(a))
        .collect()
}

#[test]
fn a_category_is_told_from_noise() {
    let (mut activations, groups) = data();
    // Channel 5 is near 1 where there is a mitosis, near -1 elsewhere.
    for a in activations.iter_mut().skip(5).step_by(CHANNELS) {
        *a = a.signum() + 0.1 * *a;
    }
    let of = |categories: &Categories| {
        classify(
            ("a", "b"),
            (&activations, CHANNELS),
            categories,
            &groups,
            ClassOptions {
                components: CHANNELS,
                ..CLASSES
            },
        )
        .unwrap()
    };
    let mitosis: Vec<&str> = channel(&activations, 5)
        .iter()
        .map(|&a| if a > 0.0 { "yes" } else { "no" })
        .collect();
    let found = of(&Categories::new("mitosis", &mitosis));
    let scores = found.row.scores.unwrap();
    assert!(
        scores.balanced_accuracy > 0.9 && scores.auc > 0.95 && scores.p_value == Some(0.05),
        "{scores:?}"
    );
    let (null, null_high) = (scores.null.unwrap(), scores.null_high.unwrap());
    assert!(
        (0.3..0.6).contains(&null) && null < null_high && null_high < 0.9,
        "{scores:?}"
    );
    assert!(scores.low <= scores.balanced_accuracy && scores.balanced_accuracy <= scores.high);
    // Towards `yes`, the second name.
    let unit = found.unit.unwrap();
    assert!(unit[5] > 0.8 && (unit.iter().map(|u| u * u).sum::<f64>() - 1.0).abs() < 1e-12);

    let noise: Vec<&str> = (0..IMAGES)
        .map(|i| ["a", "b", "c"][i * 7 % 11 % 3])
        .collect();
    let found = of(&Categories::new("noise", &noise));
    assert_eq!((found.row.classes, found.unit.is_none()), (3, true));
    assert!(found.row.scores.unwrap().balanced_accuracy < 0.5);
    assert_eq!(found.row.fields().len(), ClassRow::COLUMNS.len());
}

#[test]
fn categories_that_cannot_be_judged_are_named() {
    let (activations, groups) = data();
    let run = |activations: &[f32], values: &[&str], groups: &[usize]| {
        let categories = Categories::new("grade", values);
        classify(
            ("a", "b"),
            (activations, CHANNELS),
            &categories,
            groups,
            CLASSES,
        )
    };
    let one = run(&activations, &["x"; IMAGES], &groups).unwrap_err();
    assert_eq!(
        one.to_string(),
        "all 120 images are of one category of grade; leave it out"
    );
    let two: Vec<&str> = (0..IMAGES).map(|i| ["x", "y"][i / 8 % 2]).collect();
    let group = run(&activations, &two, &[0; IMAGES]).unwrap_err();
    assert!(matches!(group, Error::Groups { groups: 1, .. }));
    assert!(matches!(
        run(&activations, &two[1..], &groups),
        Err(Error::Values { .. })
    ));
    let dead = run(&vec![0.0; IMAGES * CHANNELS], &two, &groups).unwrap();
    assert_eq!((dead.row.scores, dead.unit), (None, None));
    assert_eq!(dead.row.fields()[5..], [const { String::new() }; 7]);
}
