//! Stains against torchstain, scikit-image and the published steps (tests/reference/stain.py), and
//! images whose stains cannot be told.

mod images;

use std::collections::BTreeMap;

use images::lcg;
use spolia_measure::stain::{HedChange, Reinhard, StainBasis, StainOptions};

const WIDTH: usize = 64;
const HEIGHT: usize = 48;

/// Image `k` of the script.
fn image(k: usize) -> Vec<u8> {
    let colours = [[88, 60, 150], [214, 120, 184], [240, 238, 241]];
    lcg(k as u32 + 1, 4 * WIDTH * HEIGHT)
        .chunks_exact(4)
        .flat_map(|noise| {
            let base = colours[usize::from((noise[0] >> 5) / 3)];
            [0, 1, 2].map(|c| {
                let value = base[c] + i32::from(noise[c + 1]) / [4, 6, 8][k % 3] - 16;
                value.clamp(0, 255) as u8
            })
        })
        .collect()
}

fn reference() -> BTreeMap<(usize, String), Vec<f64>> {
    let text = include_str!("reference/stain.csv");
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let values = cells[2].split(' ').map(|v| v.parse().expect("a number"));
        let key = (cells[0].parse().expect("an image"), cells[1].to_owned());
        (key, values.collect())
    });
    rows.collect()
}

fn near(got: &[f64], wanted: &[f64], within: f64, what: &str) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    for (g, w) in got.iter().zip(wanted) {
        assert!((g - w).abs() <= within, "{what}: {g}, not {w}");
    }
}

/// Every 400th pixel, and the sum of each channel.
fn pixels(rgb: &[u8]) -> (Vec<f64>, Vec<f64>) {
    let some = rgb.chunks_exact(3).step_by(400).flatten();
    let sum = |c: usize| rgb.iter().skip(c).step_by(3).map(|&v| f64::from(v)).sum();
    (
        some.map(|&v| f64::from(v)).collect(),
        vec![sum(0), sum(1), sum(2)],
    )
}

#[test]
fn numbers_are_those_of_the_references() {
    let reference = reference();
    let options = StainOptions::default();
    for k in 0..6 {
        let rgb = image(k);
        let wanted = |what: &str| &reference[&(k, what.to_owned())];

        let basis = StainBasis::estimate(&rgb, WIDTH, HEIGHT, &options).expect("stains");
        let all = [basis.haematoxylin, basis.eosin].concat();
        near(
            &[all.as_slice(), &basis.most].concat(),
            wanted("macenko"),
            1e-6,
            "macenko",
        );
        let amounts = basis
            .concentrations(&rgb, WIDTH, HEIGHT, options.light)
            .expect("amounts");
        let some: Vec<f64> = amounts.iter().step_by(400).flatten().copied().collect();
        near(&some, wanted("amounts"), 1e-6, "amounts");
        let painted = basis
            .normalise(&StainBasis::REFERENCE, &rgb, WIDTH, HEIGHT, options.light)
            .expect("an image");
        let (some, sum) = pixels(&painted);
        near(&some, wanted("macenko_pixels"), 0.0, "macenko pixels");
        // A value halfway between two may be rounded either way.
        near(&sum, wanted("macenko_sum"), 2.0, "macenko sum");

        let own = Reinhard::of(&rgb, WIDTH, HEIGHT, &options).expect("colours");
        near(
            &[own.mean, own.sd].concat(),
            wanted("reinhard"),
            1e-6,
            "reinhard",
        );
        let moved = own
            .normalise(&Reinhard::REFERENCE, &rgb, WIDTH, HEIGHT, &options)
            .expect("an image");
        let (some, sum) = pixels(&moved);
        near(&some, wanted("reinhard_pixels"), 0.0, "reinhard pixels");
        near(&sum, wanted("reinhard_sum"), 2.0, "reinhard sum");

        let mut unit: Vec<f32> = rgb.iter().map(|&v| f32::from(v) / 255.0).collect();
        HedChange {
            scale: [1.05, 0.9, 1.02],
            shift: [0.01, -0.02, 0.005],
        }
        .apply(&mut unit);
        let some = unit.chunks_exact(3).step_by(400).flatten();
        let some: Vec<f64> = some.map(|&v| f64::from(v)).collect();
        near(&some, wanted("hed"), 2e-6, "hed"); // 32 bit
    }
}

#[test]
fn an_image_normalised_to_itself_or_twice_stays() {
    let rgb = image(1);
    let options = StainOptions::default();
    let basis = StainBasis::estimate(&rgb, WIDTH, HEIGHT, &options).expect("stains");
    let target = StainBasis::REFERENCE;
    let once = basis
        .normalise(&target, &rgb, WIDTH, HEIGHT, options.light)
        .expect("an image");
    let again = StainBasis::estimate(&once, WIDTH, HEIGHT, &options).expect("stains");
    for (got, wanted) in [
        (again.haematoxylin, target.haematoxylin),
        (again.eosin, target.eosin),
    ] {
        let cosine: f64 = got.iter().zip(wanted).map(|(a, b)| a * b).sum();
        assert!(cosine > 4f64.to_radians().cos(), "{got:?}, not {wanted:?}");
    }
    let own = Reinhard::of(&rgb, WIDTH, HEIGHT, &options).expect("colours");
    let same = own.normalise(&own, &rgb, WIDTH, HEIGHT, &options);
    assert_eq!(same.expect("an image"), rgb);
    let mut unit: Vec<f32> = rgb.iter().map(|&v| f32::from(v) / 255.0).collect();
    let before = unit.clone();
    HedChange {
        scale: [1.0; 3],
        shift: [0.0; 3],
    }
    .apply(&mut unit);
    for (a, b) in unit.iter().zip(before) {
        assert!((a - b).abs() < 2e-6, "{a}, not {b}");
    }
}

#[test]
fn what_has_no_two_stains_is_refused_in_words() {
    let options = StainOptions::default();
    let refused = |rgb: &[u8]| {
        StainBasis::estimate(rgb, WIDTH, HEIGHT, &options)
            .expect_err("unsound")
            .to_string()
    };
    let of = |colour: &dyn Fn(f64, f64) -> [f64; 3]| -> Vec<u8> {
        lcg(9, 2 * WIDTH * HEIGHT)
            .chunks_exact(2)
            .flat_map(|n| colour(f64::from(n[0]) / 255.0, f64::from(n[1]) / 255.0))
            .map(|v| v as u8)
            .collect()
    };
    let glass = refused(&of(&|a, b| [240.0 + 9.0 * a, 240.0 + 9.0 * b, 245.0]));
    assert!(
        glass.contains("0 pixels are tissue, fewer than 500"),
        "{glass}"
    );
    // Different amounts of one stain, and hardly anything beside it.
    let one = refused(&of(&|a, b| {
        let amount = 0.5 + a;
        [0.6, 0.7, 0.39].map(|od| 240.0 * f64::exp(-(amount * od + 0.012 * b)))
    }));
    assert!(one.contains("one stain"), "{one}");
    // Green and blue ink.
    let ink = refused(&of(&|a, b| {
        if a < 0.5 {
            [20.0, 90.0 + 100.0 * b, 60.0]
        } else {
            [180.0 * b + 20.0, 30.0, 160.0]
        }
    }));
    assert!(
        ink.contains("would be none") && ink.contains("pen"),
        "{ink}"
    );
    let flat = [90u8, 60, 120].repeat(WIDTH * HEIGHT);
    let flat = Reinhard::of(&flat, WIDTH, HEIGHT, &options).expect_err("one colour");
    assert!(flat.to_string().contains("the same"), "{flat}");
    let short = StainBasis::estimate(&[0; 5], 2, 1, &options).expect_err("too short");
    assert!(short.to_string().contains("6 bytes"), "{short}");
}
