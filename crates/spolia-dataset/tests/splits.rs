//! Splits keep groups whole, leaks are found.

use proptest::prelude::*;
use spolia_dataset::{
    ContentHash, Error, Patch, PatchTable, Shared, Source, Split, SplitOptions, Unit,
    default_classes, duplicates, ensure_no_leaks, groups, leaks, split,
};

fn patch(number: usize, label: u8, patient: Option<&str>, slide: Option<&str>) -> Patch {
    let id = format!("p{number:03}");
    Patch {
        label: Some(label),
        patient: patient.map(str::to_owned),
        slide: slide.map(str::to_owned),
        ..Patch::new(id.clone(), id.clone(), Source::File(id.into()))
    }
}

fn table(patches: Vec<Patch>) -> PatchTable {
    PatchTable::new(patches, default_classes()).expect("valid")
}

fn hash(n: u8) -> Option<ContentHash> {
    Some(ContentHash([n; 32]))
}

/// Ten patients with five normal and five tumour patches each.
fn cohort() -> PatchTable {
    table(
        (0..100)
            .map(|i| patch(i, (i % 2) as u8, Some(&format!("patient{}", i / 10)), None))
            .collect(),
    )
}

fn count(table: &PatchTable, split: Split, label: u8) -> usize {
    table
        .of_split(split)
        .filter(|p| p.label == Some(label))
        .count()
}

#[test]
fn by_patient_the_shares_are_met_for_both_classes() {
    let options = SplitOptions {
        val: 0.2,
        test: 0.1,
        seed: 3,
        ..Default::default()
    };
    let divided = split(&cohort(), None, &options).expect("divided");
    assert_eq!((divided.unit, divided.groups), (Some(Unit::Patient), 10));
    for label in [0, 1] {
        let counts = Split::ALL.map(|s| count(&divided.table, s, label));
        assert_eq!(counts, [35, 10, 5]);
    }
    assert_eq!(leaks(&divided.table, None).expect("looked"), []);
    assert_eq!(split(&cohort(), None, &options).expect("divided"), divided);
    let other = SplitOptions { seed: 4, ..options };
    assert_ne!(
        split(&cohort(), None, &other).expect("divided").table,
        divided.table
    );
}

#[test]
fn by_image_the_classes_are_exact() {
    let options = SplitOptions {
        by: Unit::Image,
        val: 0.25,
        test: 0.25,
        seed: 1,
        ..Default::default()
    };
    let divided = split(&cohort(), None, &options).expect("divided");
    // Half of 50 and a quarter of 50 twice; the odd ones (12.5) go either way.
    for label in [0, 1] {
        assert_eq!(count(&divided.table, Split::Train, label), 25);
        assert!((12..=13).contains(&count(&divided.table, Split::Val, label)));
    }
    let leak = ensure_no_leaks(&divided.table, None, false).expect_err("patients are shared");
    let message = leak.to_string();
    assert!(
        message.contains("patient patient0 is in train (p00"),
        "{message}"
    );
    assert!(message.contains("allow_leaks"), "{message}");
    let allowed = ensure_no_leaks(&divided.table, None, true).expect("allowed");
    assert_eq!(allowed.len(), 10);
}

#[test]
fn splits_that_are_given_stay_and_pull_their_patient_along() {
    let mut patches = cohort().patches().to_vec();
    patches[0].split = Some(Split::Test);
    let divided = split(&table(patches.clone()), None, &SplitOptions::default()).expect("divided");
    assert_eq!(divided.groups, 9);
    assert!(
        divided.table.patches()[..10]
            .iter()
            .all(|p| p.split == Some(Split::Test))
    );
    patches.iter_mut().for_each(|p| p.split = Some(Split::Val));
    let kept = split(&table(patches.clone()), None, &SplitOptions::default()).expect("kept");
    assert_eq!((kept.unit, kept.table), (None, table(patches)));
}

#[test]
fn an_unknown_patient_falls_back_to_the_slide() {
    let patches = vec![
        patch(0, 0, Some("a"), Some("s1")),
        patch(1, 0, Some("a"), Some("s2")),
        patch(2, 0, None, Some("s2")),
        patch(3, 0, None, Some("s3")),
        patch(4, 0, None, None),
    ];
    let table = table(patches);
    let by = |unit| groups(&table, unit, None).expect("grouped");
    assert_eq!(by(Unit::Patient).of, [0, 0, 0, 1, 2]);
    assert_eq!(by(Unit::Patient).unit, Unit::Image);
    assert_eq!(by(Unit::Slide).of, [0, 1, 1, 2, 3]);
    assert_eq!(by(Unit::Image).count, 5);
    let known = table.filtered(|p| p.slide.is_some());
    assert_eq!(
        groups(&known, Unit::Patient, None).expect("grouped").unit,
        Unit::Slide
    );
}

#[test]
fn by_centre_no_centre_is_cut() {
    let mut patches = cohort().patches().to_vec();
    for (i, p) in patches.iter_mut().enumerate() {
        p.centre = Some(format!("c{}", i / 20));
    }
    let options = SplitOptions {
        by: Unit::Centre,
        val: 0.2,
        test: 0.2,
        seed: 0,
        ..Default::default()
    };
    let divided = split(&table(patches), None, &options).expect("divided");
    assert_eq!((divided.unit, divided.groups), (Some(Unit::Centre), 5));
    assert_eq!(
        Split::ALL.map(|s| divided.table.of_split(s).count()),
        [60, 20, 20]
    );
}

#[test]
fn the_same_pixels_stay_together_and_are_a_leak_apart() {
    let mut patches: Vec<_> = (0..6)
        .map(|i| patch(i, (i / 3) as u8, Some(&format!("p{i}")), None))
        .collect();
    let hashes = [hash(1), hash(2), hash(3), hash(1), None, None];
    let grouped = groups(&table(patches.clone()), Unit::Patient, Some(&hashes)).expect("grouped");
    assert_eq!(grouped.of, [0, 1, 2, 0, 3, 4]);

    for (p, s) in patches.iter_mut().zip([0, 0, 1, 2, 2, 2]) {
        p.split = Some(Split::ALL[s]);
    }
    let table = table(patches);
    let found = duplicates(&table, &hashes).expect("looked");
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].rows.as_slice(), found[0].labels_differ),
        ([0, 3].as_slice(), true)
    );
    assert_eq!(found[0].splits, [Split::Train, Split::Test]);
    let leak = leaks(&table, Some(&hashes)).expect("looked");
    assert_eq!(leak.len(), 1);
    assert_eq!(leak[0].shared, Shared::Content(ContentHash([1; 32])));
    assert_eq!(
        leak[0].to_string(),
        "the same image is in train (p000) and test (p003)"
    );
}

#[test]
fn a_slide_leaks_only_where_its_patient_is_unknown() {
    let mut known = vec![
        patch(0, 0, Some("a"), Some("s")),
        patch(1, 0, Some("a"), Some("s")),
    ];
    known[0].split = Some(Split::Train);
    known[1].split = Some(Split::Test);
    let leak = leaks(&table(known.clone()), None).expect("looked");
    assert_eq!(leak.len(), 1);
    assert_eq!(leak[0].shared, Shared::Patient("a".to_owned()));
    known[1].patient = None;
    let leak = leaks(&table(known), None).expect("looked");
    assert_eq!(
        leak[0].to_string(),
        "slide s is in train (p000) and test (p001)"
    );
}

#[test]
fn too_few_groups_and_impossible_shares_are_refused() {
    let two = table(
        (0..6)
            .map(|i| patch(i, 0, Some(["a", "b"][i % 2]), None))
            .collect(),
    );
    let refused = |val, test| {
        split(
            &two,
            None,
            &SplitOptions {
                val,
                test,
                ..Default::default()
            },
        )
        .expect_err("refused")
    };
    let few = refused(0.1, 0.1);
    assert_eq!(
        few.to_string(),
        "split by patient: 2 patient(s) cannot fill 3 splits; ask for fewer splits, more data, or split by a smaller unit"
    );
    assert!(
        split(
            &two,
            None,
            &SplitOptions {
                val: 0.1,
                test: 0.0,
                ..Default::default()
            }
        )
        .is_ok()
    );
    for (val, test) in [(0.5, 0.5), (-0.1, 0.0), (f64::NAN, 0.0)] {
        assert!(matches!(refused(val, test), Error::Fractions { .. }));
    }
    assert!(matches!(
        leaks(&two, Some(&[None])),
        Err(Error::Hashes {
            hashes: 1,
            patches: 6
        })
    ));
}

proptest! {
    #[test]
    fn no_split_ever_leaks(
        rows in prop::collection::vec((0u8..2, prop::option::of(0u8..8), prop::option::of(0u8..12), 0u8..30), 12..60),
        seed: u64,
    ) {
        let patches = rows.iter().enumerate().map(|(i, &(label, patient, slide, _))| {
            let name = |n: Option<u8>| n.map(|n| n.to_string());
            patch(i, label, name(patient).as_deref(), name(slide).as_deref())
        });
        let table = table(patches.collect());
        let hashes: Vec<_> = rows.iter().map(|r| hash(r.3)).collect();
        let options = SplitOptions { val: 0.2, test: 0.2, seed, ..Default::default() };
        match split(&table, Some(&hashes), &options) {
            Ok(divided) => {
                prop_assert!(divided.table.patches().iter().all(|p| p.split.is_some()));
                prop_assert_eq!(leaks(&divided.table, Some(&hashes)).expect("looked"), []);
                for split in Split::ALL {
                    prop_assert!(divided.table.of_split(split).count() > 0);
                }
            }
            Err(Error::TooFewGroups { groups, wanted, .. }) => prop_assert!(groups < wanted),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

/// Four centres of three patients; one patient was seen at two of them.
fn centres() -> PatchTable {
    let mut patches: Vec<Patch> = (0..120)
        .map(|i| {
            let mut patch = patch(i, (i % 2) as u8, Some(&format!("patient{}", i / 10)), None);
            patch.centre = Some(format!("centre{}", i / 30));
            patch
        })
        .collect();
    patches[119].patient = Some("patient0".to_owned());
    table(patches)
}

#[test]
fn a_centre_held_out_is_the_test_and_nothing_else_of_it_is_seen() {
    let options = |held: &str| SplitOptions {
        val: 0.25,
        held_out: vec![held.to_owned()],
        ..Default::default()
    };
    for held in ["centre1", "centre3"] {
        let divided = split(&centres(), None, &options(held))
            .expect("divided")
            .table;
        assert_eq!(leaks(&divided, None).expect("looked"), []);
        let with_it = held == "centre3";
        for patch in divided.patches() {
            let own = patch.centre.as_deref() == Some(held);
            // patient0 has a patch at centre3, and goes with it
            let along = with_it && patch.patient.as_deref() == Some("patient0");
            assert_eq!(patch.split == Some(Split::Test), own || along, "{patch:?}");
        }
        let [train, val] = [Split::Train, Split::Val].map(|s| divided.of_split(s).count());
        assert_eq!((train, val), if with_it { (60, 20) } else { (70, 20) });
    }
}

#[test]
fn what_cannot_be_held_out_is_told() {
    let told = |table: &PatchTable, held: &str| {
        let options = SplitOptions {
            held_out: vec![held.to_owned()],
            ..Default::default()
        };
        split(table, None, &options)
            .expect_err("refused")
            .to_string()
    };
    let whole = centres();
    let words = told(&whole, "centre9");
    assert!(
        words.contains("no patch is of it") && words.contains("centre0, centre1"),
        "{words}"
    );
    let mut patches = whole.patches().to_vec();
    patches[5].centre = None;
    assert!(told(&table(patches.clone()), "centre1").contains("p005 may be of it or not"));
    patches[5].centre = Some("centre1".to_owned());
    patches[5].split = Some(Split::Train);
    assert!(told(&table(patches), "centre1").contains("p005 of centre1 is given the split train"));
}
