//! scikit-image 0.26.0, mahotas 1.4.19 and pyradiomics 3.0.1 on a hundred images each:
//! tests/reference/haralick.py at the repository root.

mod images;

use std::f64::consts::FRAC_PI_4;

use images::{image, mask, rows};
use spolia_measure::{Binning, Feature, TextureOptions, Workspace, haralick13};

/// Within 1e-9, of the value or of 1.
fn close(got: f64, expected: f64, what: &str) {
    assert!(
        (got - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        "{what}: got {got}, expected {expected}"
    );
}

#[test]
fn scikit_image() {
    use Feature::*;
    let features = [
        Asm,
        Contrast,
        Correlation,
        Dissimilarity,
        Energy,
        Homogeneity,
        Mean,
        Variance,
        StandardDeviation,
        Entropy,
    ];
    let mut workspace = Workspace::new();
    let rows = rows(include_str!("reference/skimage.csv"));
    assert_eq!(rows.len(), 400);
    for row in &rows {
        let k = row[0] as usize;
        let mut options = TextureOptions::skimage(&[row[1]], &[row[2] * FRAC_PI_4]).unwrap();
        options.symmetric = k.is_multiple_of(2);
        let image = image(k);
        let texture = workspace.texture(&image, &options).unwrap();
        for (&feature, &expected) in features.iter().zip(&row[3..]) {
            let got = texture.get(feature, 0).unwrap();
            close(got, expected, &format!("{feature} of {:?}", &row[..3]));
        }
    }
}

#[test]
fn mahotas() {
    let mut workspace = Workspace::new();
    let rows = rows(include_str!("reference/mahotas.csv"));
    assert_eq!(rows.len(), 400);
    for rows in rows.chunks(4) {
        let (k, distance) = (rows[0][0] as usize, rows[0][1] as u32);
        let image = image(k);
        let mut options = TextureOptions::mahotas(distance).unwrap();
        options.ignore_zeros = k % 3 == 2;
        let texture = workspace.texture(&image, &options).unwrap();
        for (direction, row) in rows.iter().enumerate() {
            for (&feature, &expected) in Feature::HARALICK.iter().zip(&row[3..]) {
                let got = texture.get(feature, direction).unwrap();
                if expected.is_nan() {
                    // mahotas fails where a row of the matrix has no variance.
                    assert_eq!((k, feature), (74, Feature::Mcc));
                    assert!(got.is_finite());
                    continue;
                }
                close(got, expected, &format!("{feature} of {:?}", &row[..3]));
            }
        }
        // The paper's definitions agree but for features 10 and 14.
        let mut options = TextureOptions::haralick(distance).unwrap();
        options.ignore_zeros = k % 3 == 2;
        let texture = workspace.texture(&image, &options).unwrap();
        for (direction, row) in rows.iter().enumerate() {
            for (f, &feature) in Feature::HARALICK.iter().enumerate().take(13) {
                let expected = if f == 9 { row[17] } else { row[3 + f] };
                let got = texture.get(feature, direction).unwrap();
                close(
                    got,
                    expected,
                    &format!("paper's {feature} of {:?}", &row[..3]),
                );
            }
        }
        if k % 3 != 2 {
            let all = haralick13(&image, distance, &mut workspace).unwrap();
            for (row, got) in rows.iter().zip(all) {
                for (f, got) in got.into_iter().enumerate() {
                    close(got, row[3 + f], &format!("f{} of {:?}", f + 1, &row[..3]));
                }
            }
        }
    }
}

#[test]
fn pyradiomics() {
    use Feature::*;
    let features = [
        Energy,
        Contrast,
        Correlation,
        Variance,
        Idm,
        SumAverage,
        ClusterTendency,
        SumEntropy,
        Entropy,
        DifferenceVariance,
        DifferenceEntropy,
        Imc1,
        Imc2,
        Mcc,
        Autocorrelation,
        ClusterProminence,
        ClusterShade,
        Dissimilarity,
        InverseDifference,
        InverseDifferenceNormalized,
        IdmNormalized,
        InverseVariance,
        MaximumProbability,
        Mean,
    ];
    let mut workspace = Workspace::new();
    let rows = rows(include_str!("reference/pyradiomics.csv"));
    assert_eq!(rows.len(), 100);
    for row in &rows {
        let k = row[0] as usize;
        let mut options = TextureOptions::pyradiomics(&[row[1] as u32]).unwrap();
        options.binning = [
            Binning::Width(25.0),
            Binning::Width(7.5),
            Binning::Count(8),
            Binning::Width(3.0),
        ][k % 4];
        options.symmetric = k % 5 != 4;
        let image = image(k);
        let texture = if k % 3 == 1 {
            let mask = mask(k, image.pixels().len());
            workspace.texture_in(&image, &mask, &options)
        } else {
            workspace.texture(&image, &options)
        }
        .unwrap();
        for (&feature, &expected) in features.iter().zip(&row[2..]) {
            close(
                texture.mean(feature),
                expected,
                &format!("{feature} of {:?}", &row[..2]),
            );
        }
    }
}
