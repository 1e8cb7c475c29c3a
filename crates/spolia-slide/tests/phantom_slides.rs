//! Phantom slides: the same from the same seed, read as any slide is, true to their own truth.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use spolia_slide::Slide;
use spolia_slide::annotation::{Annotations, Scheme};
use spolia_slide::instances::Instances;
use spolia_slide::phantom::slides::{self, PhantomSlide, SlidePlan};
use spolia_slide::tissue::{self, Mask};

const SEED: u64 = 5;

/// Slides small enough for a test.
fn small(patients: u32, centres: u32, each: u32) -> Vec<PhantomSlide> {
    let cohort = slides::cohort(patients, centres, each, SEED).expect("a cohort");
    cohort
        .map(|slide| PhantomSlide {
            width: 1_100,
            height: 800,
            ..slide
        })
        .collect()
}

fn write(slides: &[PhantomSlide], threads: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads");
    let mut told = Vec::new();
    let copy = slides.to_vec();
    pool.install(|| slides::write(folder.path(), copy, SEED, |done| told.push(done)))
        .expect("written");
    assert_eq!(told, (1..=slides.len()).collect::<Vec<_>>());
    folder
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("inside");
                found.insert(
                    name.display().to_string(),
                    fs::read(&path).expect("readable"),
                );
            }
        }
    }
    found
}

#[test]
fn half_of_a_cohort_holds_tumour_and_names_say_who_and_where() {
    let cohort: Vec<_> = slides::cohort(10, 5, 2, 3).expect("a cohort").collect();
    assert_eq!(cohort.len(), 20);
    for pair in cohort.chunks(2) {
        assert_ne!(pair[0].tumour, pair[1].tumour);
    }
    assert_eq!(cohort[7].name(), "patient_003_node_1");
    assert_eq!(cohort[7].centre_name(), "centre_1");
    let singles: Vec<_> = slides::cohort(10, 5, 1, 3).expect("a cohort").collect();
    assert_eq!(singles.iter().filter(|s| s.tumour).count(), 5);
    assert!(singles[0].width.max(singles[0].height) >= 8_192);
    let refused = |patients, centres, each| match slides::cohort(patients, centres, each, 0) {
        Ok(_) => String::new(),
        Err(e) => e.to_string(),
    };
    assert!(refused(1, 1, 0).contains("no slide"));
    assert!(refused(1, 2, 1).contains("more centres than patients"));
    assert!(refused(1 << 30, 1, 1 << 30).contains("million"));
    let wide = PhantomSlide {
        width: 100,
        ..cohort[0]
    };
    let error = SlidePlan::new(&wide, 0).map(drop).expect_err("too small");
    assert!(error.to_string().contains("width is 100"), "{error}");
}

#[test]
fn bytes_depend_on_the_seed_alone() {
    let slides = small(2, 1, 1);
    let (one, three) = (write(&slides, 1), write(&slides, 3));
    let (one, three) = (files(one.path()), files(three.path()));
    assert_eq!(one, three);
    let names: Vec<&str> = one.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "annotations/patient_000_node_0.xml",
            "annotations/patient_001_node_0.xml",
            "nuclei/patient_000_node_0.tif",
            "nuclei/patient_001_node_0.tif",
            "slides/centre_0/patient_000_node_0.tif",
            "slides/centre_0/patient_001_node_0.tif",
            "truth.csv",
        ]
    );
    // Any tile alone, in any order.
    let plan = SlidePlan::new(&slides[1], SEED).expect("a plan");
    let last = plan.tile(2, 1);
    let _ = plan.tile(1, 1);
    assert_eq!(plan.tile(2, 1), last);
    let other = SlidePlan::new(&slides[1], SEED + 1).expect("a plan");
    assert_ne!(other.tile(2, 1), last);
}

#[test]
fn a_slide_reads_as_slides_do_and_agrees_with_its_truth() {
    let slides = small(2, 1, 1);
    let folder = write(&slides, 2);
    let table = fs::read_to_string(folder.path().join("truth.csv")).expect("truth.csv");
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    assert_eq!(
        header[..7],
        [
            "slide",
            "region",
            "label",
            "n_nuclei",
            "mean_area_um2",
            "area_cv",
            "chromatin_contrast"
        ]
    );
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == header.len()));
    for spec in &slides {
        let name = spec.name();
        let own: Vec<_> = rows.iter().filter(|row| row[0] == name).collect();
        assert_eq!(own.len() > 1, spec.tumour);

        let file = folder.path().join(format!("slides/centre_0/{name}.tif"));
        let slide = Slide::open(file).expect("a slide");
        assert_eq!(slide.dimensions(), (1_100, 800));
        assert_eq!(slide.mpp().map(|mpp| (mpp.x, mpp.y)), Some((0.5, 0.5)));
        assert!(slide.levels().len() > 2);
        let tissue = Mask::find(&slide, &tissue::Options::default()).expect("a mask");
        assert!(
            (0.2..0.6).contains(&tissue.total_share()),
            "{}",
            tissue.total_share()
        );
        assert_eq!(tissue.share(0.0, 0.0, 60.0, 60.0), 0.0);

        let xml = folder.path().join(format!("annotations/{name}.xml"));
        let annotations = Annotations::read(xml).expect("annotations");
        assert!(annotations.problems(Some(slide.dimensions())).is_empty());
        assert!(annotations.unknown_groups(&Scheme::default()).is_empty());
        let tumor = annotations.tumor(&Scheme::default());
        assert_eq!(tumor.area() > 2_000.0, spec.tumour);

        let mask = Instances::open(folder.path().join(format!("nuclei/{name}.tif")));
        let mask = mask.expect("a mask");
        assert_eq!(mask.dimensions(), (1_100, 800));
        let numbers = mask.region(0, 0, 1_100, 800).expect("numbers");
        // Area and centre of each nucleus.
        let mut seen: BTreeMap<u32, [f64; 3]> = BTreeMap::new();
        for (pixel, &number) in numbers.iter().enumerate().filter(|(_, n)| **n > 0) {
            let sums = seen.entry(number).or_default();
            sums[0] += 1.0;
            sums[1] += (pixel % 1_100) as f64 + 0.5;
            sums[2] += (pixel / 1_100) as f64 + 0.5;
        }
        let counted: usize = own
            .iter()
            .map(|row| row[3].parse::<usize>().expect("a count"))
            .sum();
        assert_eq!(seen.len(), counted);
        let in_tumour: Vec<bool> = seen
            .values()
            .map(|[n, x, y]| tumor.contains(x / n, y / n))
            .collect();
        let mean = |wanted: bool| {
            let areas = seen.values().zip(&in_tumour).filter(|(_, t)| **t == wanted);
            let areas: Vec<f64> = areas.map(|(s, _)| 0.25 * s[0]).collect();
            areas.iter().sum::<f64>() / areas.len() as f64
        };
        // Centres of pixels and of outlines differ a little, so a few nuclei at the border of a
        // tumour count on the other side.
        let said: f64 = own[0][4].parse().expect("an area");
        assert!((mean(false) / said - 1.0).abs() < 0.03);
        if spec.tumour {
            let number = |column: usize| -> (f64, f64) {
                let of = |row: &[&str]| row[column].parse().expect("a number");
                (of(own[0]), of(own[1]))
            };
            let (normal, tumour) = number(4);
            assert!(tumour > 1.5 * normal && mean(true) > 1.5 * normal);
            let (normal, tumour) = number(5);
            assert!(tumour > 1.3 * normal, "area: {tumour} and {normal}");
            let (normal, tumour) = number(6);
            assert!(tumour > 1.2 * normal, "chromatin: {tumour} and {normal}");
        }
    }
}

#[test]
fn a_mask_of_another_kind_is_refused_in_words() {
    let folder = write(&small(1, 1, 1), 2);
    let slide = folder.path().join("slides/centre_0/patient_000_node_0.tif");
    let error = Instances::open(slide).map(drop).expect_err("no mask");
    assert!(error.to_string().contains("SamplesPerPixel"), "{error}");
    let mask = folder.path().join("nuclei/patient_000_node_0.tif");
    let error = Slide::open(mask).map(drop).expect_err("no slide");
    assert!(error.to_string().contains("BitsPerSample"), "{error}");
}
