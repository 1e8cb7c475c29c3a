use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::*;

const IMAGES: usize = 120;
const CHANNELS: usize = 30;

const OPTIONS: ConceptOptions = ConceptOptions {
    estimator: Estimator::RidgeByGroups,
    images: 100,
    repeats: 4,
    folds: 5,
    permutations: 99,
    resamples: 100,
    seed: 7,
};

/// Activations of noise; one concept that follows channels 3 and 8, one of noise; 24 patients.
fn layer() -> (Vec<f32>, Vec<Concept>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut normal = || -> f64 { rng.sample(StandardNormal) };
    let activations: Vec<f32> = (0..IMAGES * CHANNELS).map(|_| normal() as f32).collect();
    let follows = (0..IMAGES)
        .map(|i| {
            let row = &activations[i * CHANNELS..];
            3.0 * f64::from(row[3]) - 4.0 * f64::from(row[8]) + 0.1 * normal()
        })
        .collect();
    let noise = (0..IMAGES).map(|_| normal()).collect();
    let concepts = vec![
        Concept {
            id: "follows".into(),
            values: follows,
        },
        Concept {
            id: "noise".into(),
            values: noise,
        },
    ];
    (activations, concepts, (0..IMAGES).map(|i| i / 5).collect())
}

fn run(options: ConceptOptions) -> LayerConcepts {
    let (activations, concepts, groups) = layer();
    regress(
        "pretrained",
        "Mixed_5b",
        &activations,
        CHANNELS,
        &concepts,
        &groups,
        options,
    )
    .unwrap()
}

#[test]
fn a_concept_is_told_from_noise() {
    let layer = run(OPTIONS);
    let [follows, noise] = &layer.rows[..] else {
        panic!("two concepts make two rows");
    };
    assert_eq!((follows.n, follows.features), (IMAGES, CHANNELS));
    assert_eq!(follows.r2_null, 30.0 / 119.0);
    assert!(follows.r2_test > 0.99 && follows.p_value == Some(0.01));
    // In sample noise looks explained, held out it is not.
    assert!(noise.r2_train > 0.1 && noise.r2_paper > noise.r2_train - 0.05);
    assert!(noise.r2_test < 0.05 && noise.p_value.unwrap() > 0.05);
    assert!(noise.r2_adjusted.unwrap() < noise.r2_train);
    assert!(noise.r2_paper_se.unwrap() > 0.0);

    // 3, -4 on channels 3 and 8: unit vector .6, -.8.
    let vector = &layer.vectors[0];
    let unit = vector.unit.as_ref().unwrap();
    assert!((unit[3] - 0.6).abs() < 0.01 && (unit[8] + 0.8).abs() < 0.01);
    assert!((vector.coefficients[8] + 4.0).abs() < 0.05);
}

#[test]
fn same_seed_same_numbers() {
    assert_eq!(run(OPTIONS), run(OPTIONS));
    let other = run(ConceptOptions { seed: 8, ..OPTIONS });
    assert_ne!(run(OPTIONS).rows[1].r2_paper, other.rows[1].r2_paper);
}

#[test]
fn subsets_have_the_size_asked_for_or_nine_tenths() {
    assert_eq!(paper::subset_size(2000, 1000), 1000);
    assert_eq!(paper::subset_size(1000, 1000), 900);
    assert_eq!(paper::subset_size(300, 1000), 270);
}

#[test]
fn q_values_are_of_the_whole_table() {
    let mut rows = run(OPTIONS).rows;
    rows.push(R2Row {
        p_value: None,
        ..rows[0].clone()
    });
    fill_q_values(&mut rows).unwrap();
    assert_eq!(rows[0].q_value, Some(0.02));
    assert_eq!(rows[1].q_value, rows[1].p_value);
    assert_eq!(rows[2].q_value, None);
    let fields = rows[2].fields();
    assert_eq!(fields[0], "pretrained");
    assert_eq!((fields[14].as_str(), fields[15].as_str()), ("", ""));
    assert_eq!(fields[4].parse(), Ok(rows[2].features));
    assert_eq!(fields[10].parse(), Ok(rows[2].r2_test));
}

#[test]
fn fewer_patients_than_folds_make_fewer_folds() {
    let (activations, concepts, _) = layer();
    let groups: Vec<usize> = (0..IMAGES).map(|i| i % 3).collect();
    let three = regress(
        "a",
        "b",
        &activations,
        CHANNELS,
        &concepts,
        &groups,
        OPTIONS,
    )
    .unwrap();
    assert!(three.rows[0].r2_test > 0.99);
    let halves: Vec<usize> = (0..IMAGES).map(|i| i % 2).collect();
    let two = regress(
        "a",
        "b",
        &activations,
        CHANNELS,
        &concepts,
        &halves,
        OPTIONS,
    )
    .unwrap();
    assert!(two.rows[0].r2_test > 0.99);
    let one = regress(
        "a",
        "b",
        &activations,
        CHANNELS,
        &concepts,
        &[0; IMAGES],
        OPTIONS,
    );
    assert_eq!(
        one,
        Err(Error::Groups {
            images: IMAGES,
            groups: 1
        })
    );
}

#[test]
fn a_dead_layer_explains_nothing() {
    let (_, concepts, groups) = layer();
    let dead = vec![0.0; IMAGES * CHANNELS];
    let layer = regress("a", "b", &dead, CHANNELS, &concepts, &groups, OPTIONS).unwrap();
    assert_eq!((layer.rows[0].r2_train, layer.rows[0].r2_test), (0.0, 0.0));
    assert_eq!(layer.vectors[0].unit, None);
}

#[test]
fn errors_name_the_measure() {
    let (mut activations, concepts, groups) = layer();
    let message = |activations: &[f32], concepts: &[Concept]| {
        regress(
            "pretrained",
            "Mixed_5b",
            activations,
            CHANNELS,
            concepts,
            &groups,
            OPTIONS,
        )
        .unwrap_err()
        .to_string()
    };
    let mut bad = concepts.clone();
    bad[1].values[17] = f64::NAN;
    let text = message(&activations, &bad);
    assert!(text.contains("noise is NaN for image 17"), "{text}");
    bad[1].values = vec![2.5; IMAGES];
    assert!(message(&activations, &bad).contains("noise is the same in all 120"));
    bad[1].values.pop();
    assert!(message(&activations, &bad).contains("119 values"));
    assert!(message(&activations, &[]).contains("no measure"));
    assert!(message(&activations[1..], &concepts).contains("3599 activations"));
    activations[61] = f32::INFINITY;
    let text = message(&activations, &concepts);
    assert!(
        text.contains("Mixed_5b") && text.contains("row 2, column 1"),
        "{text}"
    );
}

#[test]
fn controls_use_as_many_folds_as_there_are_patients() {
    let (activations, concepts, _) = layer();
    let covariates = &concepts[1..];
    for patients in [2, 3, 24] {
        let groups: Vec<usize> = (0..IMAGES).map(|i| i % patients).collect();
        let place = ("network", "layer");
        let layer = (activations.as_slice(), CHANNELS);
        let found = controls(place, layer, &concepts, covariates, &groups, 10, OPTIONS).unwrap();
        // All channels tell the concept that follows two of them; ten components need not.
        let [gain, low, high] = found[0].unique.unwrap();
        assert!(
            gain > 0.9 && low <= gain && gain <= high,
            "{patients}: {found:?}"
        );
        assert!(found[0].equal[0] < gain, "{patients}: {found:?}");
        assert_eq!((found[0].components, found[1].unique), (10, None));
    }
}
