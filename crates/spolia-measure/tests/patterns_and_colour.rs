//! scikit-image 0.26.0: tests/reference/lbp.py and colour.py at the repository root.

mod images;

use images::{image, lcg, rows};
use spolia_measure::{
    Colour, Measure, Pattern, lbp_histogram, local_binary_pattern, local_variance, measure_rgb,
};

fn close(got: f64, expected: f64, what: &str) {
    assert!(
        (got - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        "{what}: got {got}, expected {expected}"
    );
}

#[test]
fn local_binary_patterns() {
    let patterns = [
        Pattern::Default,
        Pattern::RotationInvariant,
        Pattern::Uniform,
        Pattern::UniformNotRotationInvariant,
    ];
    let rows = rows(include_str!("reference/lbp.csv"));
    assert_eq!(rows.len(), 150);
    for row in &rows {
        let image = image(row[0] as usize);
        let (points, radius) = (row[1] as u32, row[2]);
        for (pattern, &expected) in patterns.into_iter().zip(&row[3..]) {
            let codes = local_binary_pattern(&image, points, radius, pattern).unwrap();
            let checksum: u64 = (1..).zip(&codes).map(|(k, &c)| k * u64::from(c)).sum();
            assert_eq!(
                checksum as f64,
                expected,
                "{} of {:?}",
                pattern.name(),
                &row[..3]
            );
            assert!(
                codes
                    .iter()
                    .all(|&code| (code as usize) < pattern.codes(points))
            );
        }
        let variances = local_variance(&image, points, radius).unwrap();
        let checksum: f64 = (1..).zip(&variances).map(|(k, v)| f64::from(k) * v).sum();
        close(checksum, row[7], &format!("variance of {:?}", &row[..3]));
    }
}

#[test]
fn a_histogram_sums_to_one() {
    let shares = lbp_histogram(&image(3), 8, 1.0, Pattern::Uniform).unwrap();
    assert_eq!(shares.len(), 10);
    close(shares.iter().sum(), 1.0, "sum");
}

/// Image `k` of colour.py: width, height, RGB.
fn coloured(k: usize) -> (usize, usize, Vec<u8>) {
    const BASES: [[i32; 3]; 5] = [
        [0, 0, 0],
        [150, 90, 160],
        [225, 140, 190],
        [235, 235, 235],
        [90, 120, 60],
    ];
    let (width, height) = (6 + k * 7 % 20, 6 + k * 3 % 17);
    let noise = lcg(k as u32 + 1, width * height * 3);
    let rgb = (0..noise.len())
        .map(|place| {
            let source = if k % 4 == 3 { place - place % 3 } else { place };
            let value = i32::from(noise[source]) / [1, 4, 8][k % 3];
            (BASES[k % 5][place % 3] + value - 12).clamp(0, 255) as u8
        })
        .collect();
    (width, height, rgb)
}

#[test]
fn colours() {
    use Measure::*;
    let measures = [
        HedHaematoxylinMean,
        HedHaematoxylinSd,
        HedEosinMean,
        HedEosinSd,
        HueMean,
        HueVariance,
        SaturationMean,
        SaturationSd,
        BrightnessMean,
        BrightnessSd,
        WhiteShare,
    ];
    let rows = rows(include_str!("reference/colour.csv"));
    assert_eq!(rows.len(), 40);
    for row in &rows {
        let (width, height, rgb) = coloured(row[0] as usize);
        let got = measure_rgb(&rgb, width, height, &measures).unwrap();
        for ((measure, got), &expected) in measures.iter().zip(got).zip(&row[1..]) {
            close(got, expected, &format!("{measure} of image {}", row[0]));
        }
    }
}

#[test]
fn stains_of_known_pixels() {
    // White has no stain, and a pixel of haematoxylin's own colour no eosin to speak of.
    let white = Colour::of(&[255; 12], 2, 2).unwrap();
    assert_eq!(white.haematoxylin.mean, 0.0);
    assert_eq!(white.eosin.cv(), 0.0);
    assert_eq!((white.hue_mean, white.hue_variance), (0.0, 0.0));
    assert_eq!(white.white_share, 1.0);
    let pixel = [0.65, 0.70, 0.29].map(|d: f64| (255.0 * 10_f64.powf(-d)).round() as u8);
    let [haematoxylin, eosin, _] = spolia_measure::stains(pixel);
    assert!((haematoxylin * 6.0 - 1.0).abs() < 0.02, "{haematoxylin}");
    assert!(eosin * 6.0 < 0.02, "{eosin}");
}
