//! Segmentation of the stained images of the 2018 Data Science Bowl, where they are at hand.

use std::path::{Path, PathBuf};

use spolia_measure::nuclei::{Agreement, InstanceMask, NucleiOptions, agreement, segment_nuclei};

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("SPOLIA_DATA")?).join("nuclei_dsb2018");
    folder.is_dir().then_some(folder)
}

fn score(folder: &Path, id: &str) -> Agreement {
    let image = image::open(folder.join(format!("images/{id}.png")))
        .unwrap()
        .to_rgb8();
    let truth = image::open(folder.join(format!("instance_masks/{id}.png"))).unwrap();
    let (width, height) = (image.width() as usize, image.height() as usize);
    let labels = truth
        .to_luma16()
        .into_raw()
        .into_iter()
        .map(u32::from)
        .collect();
    let truth = InstanceMask::new(labels, width, height).unwrap();
    let options = NucleiOptions::default();
    let found = segment_nuclei(image.as_raw(), width, height, &options).unwrap();
    agreement(&truth, &found).unwrap()
}

/// The table of docs/nuclei.md: images by the order of their ids, even places for tuning.
#[test]
fn means_are_ahead_of_the_classical_baseline() {
    let Some(folder) = folder() else {
        println!("skipped: SPOLIA_DATA does not name a folder with nuclei_dsb2018");
        return;
    };
    let index = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let mut ids: Vec<&str> = index
        .lines()
        .skip(1)
        .filter_map(|row| row.split(',').next())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids.len(), 107);
    for (half, name, baseline) in [(0, "tuning", TUNING), (1, "held out", HELD_OUT)] {
        let scores: Vec<Agreement> = ids
            .iter()
            .skip(half)
            .step_by(2)
            .map(|id| score(&folder, id))
            .collect();
        let mean =
            |of: fn(&Agreement) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
        let means = [mean(|s| s.dice), mean(|s| s.aji), mean(|s| s.f1)];
        println!("{name}, n = {}: Dice, AJI, F1 {means:.4?}", scores.len());
        for (ours, (baseline, margin)) in means.into_iter().zip(baseline.into_iter().zip(MARGIN)) {
            assert!(
                ours > baseline + margin,
                "{name}: {ours} against {baseline}"
            );
        }
    }
}

/// Dice, AJI, F1 of tests/reference/nuclei_baseline.py.
const TUNING: [f64; 3] = [0.8058, 0.4568, 0.5618];
const HELD_OUT: [f64; 3] = [0.8185, 0.5017, 0.5927];
const MARGIN: [f64; 3] = [0.018, 0.055, 0.08];
