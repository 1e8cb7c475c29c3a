//! Augmentation, by hand.

use spolia_dataset::{Augment, Change, augment};

/// A pixel for each number: red carries it.
fn image(numbers: &[u8]) -> Vec<f32> {
    numbers
        .iter()
        .flat_map(|&n| [f32::from(n) / 10.0, 0.0, 0.0])
        .collect()
}

fn applied(change: Change, mut rgb: Vec<f32>, width: usize, height: usize) -> Vec<f32> {
    change.apply(&mut rgb, width, height);
    rgb
}

fn near(got: &[f32], wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len());
    for (g, w) in got.iter().zip(wanted) {
        assert!((g - w).abs() < 1e-6, "{got:?}, not {wanted:?}");
    }
}

#[test]
fn flips_mirror_pixels_and_rows() {
    let rows = image(&[1, 2, 3, 4, 5, 6]);
    let horizontal = Change {
        flip_horizontal: true,
        ..Default::default()
    };
    assert_eq!(
        applied(horizontal, rows.clone(), 3, 2),
        image(&[3, 2, 1, 6, 5, 4])
    );
    let vertical = Change {
        flip_vertical: true,
        ..Default::default()
    };
    assert_eq!(
        applied(vertical, rows.clone(), 3, 2),
        image(&[4, 5, 6, 1, 2, 3])
    );
    assert_eq!(
        applied(vertical, rows.clone(), 2, 3),
        image(&[5, 6, 3, 4, 1, 2])
    );
    let both = Change {
        flip_horizontal: true,
        flip_vertical: true,
        ..Default::default()
    };
    assert_eq!(applied(both, rows, 2, 3), image(&[6, 5, 4, 3, 2, 1]));
}

#[test]
fn hue_turns_at_constant_saturation_and_value() {
    let turned = |rgb: [f32; 3], hue| {
        applied(
            Change {
                hue,
                ..Default::default()
            },
            rgb.to_vec(),
            1,
            1,
        )
    };
    // A third of a turn: red to green to blue and back.
    near(&turned([1.0, 0.0, 0.0], 1.0 / 3.0), &[0.0, 1.0, 0.0]);
    near(&turned([0.0, 1.0, 0.0], 1.0 / 3.0), &[0.0, 0.0, 1.0]);
    near(&turned([0.0, 0.0, 1.0], 1.0 / 3.0), &[1.0, 0.0, 0.0]);
    // (0.8, 0.4, 0.2): value .8, chroma .6, hue 1/3 of a sixth. 0.04 turns are .24 sixths more:
    // green = .2 + .6 * (1/3 + .24) = .544.
    near(&turned([0.8, 0.4, 0.2], 0.04), &[0.8, 0.544, 0.2]);
    // Back by .04 turns: still between red and yellow, .2 + .6 * (1/3 - .24) = .256.
    near(&turned([0.8, 0.4, 0.2], -0.04), &[0.8, 0.256, 0.2]);
    // Pink, hue -1/6 of a sixth: across red, green = .4 + .6 * (.24 - 1/6) = .444.
    near(&turned([1.0, 0.4, 0.5], 0.04), &[1.0, 0.444, 0.4]);
    // Gray has no hue.
    near(&turned([0.3, 0.3, 0.3], 0.04), &[0.3, 0.3, 0.3]);
}

#[test]
fn brightness_is_added_and_clipped() {
    let lit = |brightness| {
        applied(
            Change {
                brightness,
                ..Default::default()
            },
            vec![0.1, 0.5, 0.9],
            1,
            1,
        )
    };
    near(&lit(0.2), &[0.3, 0.7, 1.0]);
    near(&lit(-0.25), &[0.0, 0.25, 0.65]);
}

#[test]
fn the_papers_draws_have_its_probabilities_and_ranges() {
    let draws: Vec<Change> = (0..4_000).map(|seed| Augment::PAPER.draw(seed)).collect();
    let share = |of: fn(&Change) -> bool| draws.iter().filter(|c| of(c)).count() as f64 / 4_000.0;
    for share in [
        share(|c| c.flip_horizontal),
        share(|c| c.flip_vertical),
        share(|c| c.hue != 0.0),
        share(|c| c.brightness != 0.0),
    ] {
        // Four standard errors: 4 * sqrt(.25 / 4000) = .032.
        assert!((share - 0.5).abs() < 0.032, "{share}");
    }
    // The quarter in which two of them meet shows that they are drawn apart.
    assert!((share(|c| c.flip_horizontal && c.hue != 0.0) - 0.25).abs() < 0.028);
    let most = |of: fn(&Change) -> f32| draws.iter().map(of).fold(0.0, |m: f32, v| m.max(v.abs()));
    assert!((0.0395..=0.04).contains(&most(|c| c.hue)));
    assert!((0.247..=0.25).contains(&most(|c| c.brightness)));
    let mean = draws.iter().map(|c| c.brightness).sum::<f32>() / 4_000.0;
    assert!(mean.abs() < 0.0065, "{mean}"); // four standard errors of ±.25 in half of the draws
}

#[test]
fn a_seed_makes_one_change() {
    let start: Vec<f32> = (0..48).map(|i| i as f32 / 48.0).collect();
    let run = |seed| {
        let mut rgb = start.clone();
        let change = augment(&mut rgb, 4, 4, &Augment::PAPER, seed);
        (change, rgb)
    };
    assert_eq!(run(5), run(5));
    assert!((0..10).any(|seed| run(seed) != run(5)));
    let (change, rgb) = run(5);
    assert_eq!(rgb, applied(change, start.clone(), 4, 4));
    assert!(rgb.iter().all(|v| (0.0..=1.0).contains(v)));
}

#[test]
fn stains_change_by_name_and_the_papers_draws_stay() {
    let named = |text: &str| text.parse::<Augment>();
    assert_eq!(named("flips,hue,brightness"), Ok(Augment::PAPER));
    let hed = named("flips, hed").expect("an augmentation");
    assert_eq!(hed, Augment::HED);
    for text in [
        "paper",
        "none",
        "hue",
        "flips,hed",
        "flips,hue,brightness,hed",
    ] {
        assert_eq!(named(text).map(|a| a.to_string()), Ok(text.to_owned()));
    }
    let wrong = named("flips,stain").expect_err("no such word");
    assert!(
        wrong.contains("\"stain\"") && wrong.contains("hed"),
        "{wrong}"
    );
    for seed in 0..200 {
        let (paper, change) = (Augment::PAPER.draw(seed), hed.draw(seed));
        assert_eq!(paper.stain, None);
        assert_eq!(paper.flip_vertical, change.flip_vertical);
        assert_eq!((change.hue, change.brightness), (0.0, 0.0));
        let stain = change.stain.expect("always");
        assert!(stain.scale.iter().all(|s| (0.95..=1.05).contains(s)));
        assert!(stain.shift.iter().all(|s| s.abs() <= 0.05));
    }
    // Twice as much of all three stains is twice the density: .5 to .25.
    let twice = Change {
        stain: Some(spolia_measure::stain::HedChange {
            scale: [2.0; 3],
            shift: [0.0; 3],
        }),
        ..Default::default()
    };
    near(
        &applied(twice, vec![0.5, 1.0, 0.1], 1, 1),
        &[0.25, 1.0, 0.01],
    );
}
