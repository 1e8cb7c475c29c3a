//! The phantom cohort: the same from the same seed, true to its own truth, and hard enough.

use std::fs;

use image::RgbImage;
use spolia_slide::phantom::{self, PhantomPatch, Truth};

fn cohort(seed: u64) -> Vec<PhantomPatch> {
    phantom::cohort(10, 5, 12, 96, seed)
        .expect("a cohort")
        .collect()
}

fn few(seed: u64) -> Vec<PhantomPatch> {
    phantom::cohort(10, 5, 8, 96, seed)
        .expect("a cohort")
        .collect()
}

fn drawn(seed: u64) -> Vec<(RgbImage, Truth)> {
    few(seed)
        .iter()
        .map(|spec| phantom::patch(spec, seed).expect("a patch"))
        .collect()
}

/// Share of pairs in which the tumour patch has the larger value.
fn auc(values: &[(u8, f64)]) -> f64 {
    let of = |label: u8| values.iter().filter(move |v| v.0 == label).map(|v| v.1);
    let pairs = of(1).flat_map(|t| {
        of(0).map(move |n| {
            if t > n {
                1.0
            } else if t == n {
                0.5
            } else {
                0.0
            }
        })
    });
    let (sum, count) = pairs.fold((0.0, 0.0), |(s, c), p| (s + p, c + 1.0));
    sum / count
}

#[test]
fn a_cohort_is_balanced_within_patients_and_blocked_by_centre() {
    let patches = cohort(7);
    assert_eq!(patches.len(), 120);
    for patient in 0..10 {
        let of: Vec<_> = patches.iter().filter(|p| p.patient == patient).collect();
        assert_eq!(of.len(), 12);
        assert_eq!(of.iter().filter(|p| p.label == 1).count(), 6);
        assert!(of.iter().all(|p| p.centre == patient / 2));
        assert_eq!(of.iter().filter(|p| p.slide == 0).count(), 6);
    }
    assert_eq!(patches[0].id, "patient_000_node_0_0000");
    assert_eq!((patches[18 + 1].x, patches[18 + 1].y), (3 * 96, 0)); // 8th of patient 1: place 3
    let mut ids: Vec<_> = patches.iter().map(|p| &p.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 120);
}

#[test]
fn the_same_seed_draws_the_same_and_another_does_not() {
    let spec = &cohort(7)[5];
    let first = phantom::patch(spec, 7).expect("a patch");
    let second = phantom::patch(spec, 7).expect("a patch");
    assert_eq!(first, second);
    assert_ne!(first.0, phantom::patch(spec, 8).expect("a patch").0);
}

#[test]
fn truth_agrees_with_the_mask() {
    for ((_, truth), spec) in drawn(3).iter().zip(few(3)) {
        let size = spec.size as usize;
        let mut areas = vec![0usize; truth.n_nuclei];
        let mut cut = vec![false; truth.n_nuclei];
        for (pixel, &number) in truth.mask.iter().enumerate() {
            if number > 0 {
                let (row, column) = (pixel / size, pixel % size);
                areas[usize::from(number) - 1] += 1;
                cut[usize::from(number) - 1] |=
                    row == 0 || column == 0 || row == size - 1 || column == size - 1;
            }
        }
        assert!(
            areas.iter().all(|&a| a >= 4),
            "{}: a nucleus without pixels",
            spec.id
        );
        let whole: Vec<f64> = areas
            .iter()
            .zip(&cut)
            .filter(|(_, cut)| !**cut)
            .map(|(&a, _)| a as f64 * 0.25)
            .collect();
        let mean = whole.iter().sum::<f64>() / whole.len() as f64;
        match truth.mean_area {
            Some(area) => assert!((area - mean).abs() < 1e-9, "{}: {area} and {mean}", spec.id),
            None => assert!(whole.is_empty()),
        }
    }
}

#[test]
fn nuclei_are_darker_than_what_lies_between() {
    for (image, truth) in drawn(5) {
        let mut sums = [[0.0f64; 2]; 2];
        for (pixel, &number) in image.pixels().zip(&truth.mask) {
            let side = &mut sums[usize::from(number > 0)];
            side[0] += f64::from(pixel[0]);
            side[1] += 1.0;
        }
        let [between, nuclei] = sums.map(|s| s[0] / s[1]);
        assert!(
            nuclei < 0.75 * between,
            "red {nuclei} in nuclei, {between} between"
        );
    }
}

#[test]
fn nuclei_tell_the_classes_apart_and_mean_colour_does_not() {
    let drawn = drawn(11);
    let truth = |measure: fn(&Truth) -> Option<f64>| -> Vec<(u8, f64)> {
        drawn
            .iter()
            .filter_map(|(_, t)| Some((t.label, measure(t)?)))
            .collect()
    };
    assert!(auc(&truth(|t| t.mean_area)) > 0.97);
    assert!(auc(&truth(|t| t.area_cv)) > 0.8);
    assert!(auc(&truth(|t| t.chromatin_contrast)) > 0.9);
    for channel in 0..3 {
        let mean: Vec<(u8, f64)> = drawn
            .iter()
            .map(|(image, t)| {
                let sum: f64 = image.pixels().map(|p| f64::from(p[channel])).sum();
                (t.label, sum / f64::from(image.width() * image.height()))
            })
            .collect();
        let auc = auc(&mean);
        assert!(
            (0.15..=0.85).contains(&auc),
            "channel {channel} alone has an AUC of {auc}"
        );
    }
}

#[test]
fn files_hold_what_was_drawn() {
    let dir = tempfile::tempdir().expect("a folder");
    let specs: Vec<_> = phantom::cohort(2, 1, 3, 48, 9).expect("a cohort").collect();
    let mut told = Vec::new();
    phantom::write(dir.path(), specs.clone(), 9, |done| told.push(done)).expect("written");
    assert_eq!(told, [1, 2, 3, 4, 5, 6]);

    let table = fs::read_to_string(dir.path().join("patches.csv")).expect("patches.csv");
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines[0], "id,file,label,patient,centre,slide,x,y,mpp,split");
    assert_eq!(
        lines[1],
        format!(
            "patient_000_node_0_0000,patches/patient_000_node_0_0000.png,{},patient_000,centre_0,patient_000_node_0,0,0,0.5,",
            specs[0].label
        )
    );
    assert_eq!(lines.len(), 7);
    let truths = fs::read_to_string(dir.path().join("truth.csv")).expect("truth.csv");
    for (spec, row) in specs.iter().zip(truths.lines().skip(1)) {
        let (image, truth) = phantom::patch(spec, 9).expect("a patch");
        let saved =
            image::open(dir.path().join(format!("patches/{}.png", spec.id))).expect("a PNG");
        assert_eq!(saved.to_rgb8(), image);
        let mask = image::open(dir.path().join(format!("masks/{}.png", spec.id))).expect("a mask");
        assert_eq!(mask.color(), image::ColorType::L16);
        assert_eq!(mask.to_luma16().into_raw(), truth.mask);
        assert!(row.starts_with(&format!("{},{},{},", spec.id, spec.label, truth.n_nuclei)));
        assert_eq!(
            row.split(',').count(),
            truths.lines().next().map_or(0, |h| h.split(',').count())
        );
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_in_words() {
    let refused = |patients, centres, count| match phantom::cohort(patients, centres, count, 96, 0)
    {
        Ok(_) => String::new(),
        Err(e) => e.to_string(),
    };
    assert!(refused(0, 1, 1).contains("no patient"));
    assert!(refused(2, 3, 1).contains("more centres than patients"));
    let mut spec = cohort(0)[0].clone();
    spec.size = 8;
    let small = phantom::patch(&spec, 0).map(drop).expect_err("too small");
    assert_eq!(
        small.to_string(),
        "phantom patch `patient_000_node_0_0000`: size is 8, not 16 to 4096 pixels"
    );
    spec.size = 96;
    spec.mpp = f64::NAN;
    let unknown = phantom::patch(&spec, 0)
        .map(drop)
        .expect_err("no pixel width");
    assert!(unknown.to_string().contains("mpp is NaN"));
}
