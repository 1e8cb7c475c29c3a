//! Each measure by name is the value that its name promises.

mod images;

use images::{image, rows};
use spolia_measure::{
    Colour, Feature, Measure, Pattern, TextureOptions, Workspace, lbp_histogram, measure_gray,
    measure_rgb,
};

fn close(got: f64, expected: f64, what: &str) {
    assert!(
        (got - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        "{what}: got {got}, expected {expected}"
    );
}

fn measured(k: usize, name: &str) -> f64 {
    measure_gray(&image(k), &[Measure::parse(name).unwrap()]).unwrap()[0]
}

/// Mean and range of mahotas' four directions, features 1 to 13, feature 10 that of
/// `use_x_minus_y_variance`.
#[test]
fn haralick_as_mahotas() {
    let mut compared = 0;
    for rows in rows(include_str!("reference/mahotas.csv")).chunks(4) {
        let k = rows[0][0] as usize;
        if rows[0][1] != 1.0 {
            continue;
        }
        for (f, feature) in Feature::HARALICK.iter().enumerate().take(13) {
            let column = if f == 9 { 17 } else { 3 + f };
            let values = [0, 1, 2, 3].map(|direction: usize| rows[direction][column]);
            let low = values.into_iter().fold(f64::INFINITY, f64::min);
            let high = values.into_iter().fold(f64::NEG_INFINITY, f64::max);
            let name = format!("haralick_{feature}");
            close(measured(k, &name), values.iter().sum::<f64>() / 4.0, &name);
            let name = format!("haralick_{feature}_range");
            close(measured(k, &name), high - low, &name);
            compared += 1;
        }
    }
    assert_eq!(compared, 34 * 13);
}

/// The rows of scikit-image at distance 1, 0 degrees, symmetric.
#[test]
fn glcm_as_scikit_image() {
    let names = [
        "asm",
        "contrast",
        "correlation",
        "dissimilarity",
        "energy",
        "homogeneity",
        "mean",
        "variance",
        "std",
        "entropy",
    ];
    let mut compared = 0;
    for row in rows(include_str!("reference/skimage.csv")) {
        let k = row[0] as usize;
        if row[1] != 1.0 || row[2] != 0.0 || !k.is_multiple_of(2) {
            continue;
        }
        for (name, &expected) in names.iter().zip(&row[3..]) {
            if *name != "std" {
                close(measured(k, &format!("glcm_{name}")), expected, name);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 17 * 9);
}

#[test]
fn every_name_has_its_own_source() {
    let rgb = images::lcg(5, 20 * 15 * 3);
    let value =
        |name: &str| measure_rgb(&rgb, 20, 15, &[Measure::parse(name).unwrap()]).unwrap()[0];
    let gray = spolia_measure::Gray::from_rgb(&rgb, 20, 15).unwrap();

    let shares = lbp_histogram(&gray, 8, 1.0, Pattern::Uniform).unwrap();
    for (code, &share) in shares.iter().enumerate() {
        assert_eq!(value(&format!("lbp_uniform_{code}")), share);
    }
    let entropy = -shares
        .iter()
        .filter(|&&p| p > 0.0)
        .map(|p| p * p.log2())
        .sum::<f64>();
    close(value("lbp_uniform_entropy"), entropy, "entropy");

    let colour = Colour::of(&rgb, 20, 15).unwrap();
    assert_eq!(value("hed_haematoxylin_cv"), colour.haematoxylin.cv());
    assert_eq!(value("hed_eosin_cv"), colour.eosin.cv());

    let mut workspace = Workspace::new();
    let texture = workspace
        .texture(&gray, &TextureOptions::haralick(1).unwrap())
        .unwrap();
    assert_eq!(value("haralick_mcc"), texture.mean(Feature::Mcc));
    assert_eq!(value("haralick_mcc_range"), texture.range(Feature::Mcc));
    for (name, feature) in [
        ("glcm_cluster_shade", Feature::ClusterShade),
        ("glcm_cluster_prominence", Feature::ClusterProminence),
    ] {
        assert_eq!(Some(value(name)), texture.get(feature, 0));
    }
}
