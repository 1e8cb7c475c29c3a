//! Tissue and patches on slides whose truth is known.

use std::path::PathBuf;
use std::sync::LazyLock;

use image::{Rgb, RgbImage};
use spolia_slide::annotation::{Label, LabelRule, Shape};
use spolia_slide::patches::{self, Patch, Resolved, Sampling};
use spolia_slide::tissue::{self, Flags, Mask, Method, NoTissue};
use spolia_slide::write::{self, Codec};
use spolia_slide::{Error, Slide};

const GLASS: [u8; 3] = [240, 240, 242];
const TISSUE: [u8; 3] = [200, 110, 165];

/// The slides are drawn once for all tests.
static CLEAN: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| drawn(false));
static MARKED: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| drawn(true));

fn slide(pen: bool) -> Slide {
    Slide::open(&if pen { &MARKED } else { &CLEAN }.1).unwrap()
}

/// A slide of 4,096 px at 0.5 µm/px: a square of tissue from 1,024 to 3,072, drawn with a little
/// noise, a speck of dust and, where `pen` says so, a green stroke.
fn drawn(pen: bool) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patient_007_node_1.tif");
    let options = write::Options {
        mpp: Some(0.5),
        codec: Codec::Jpeg { quality: 85 },
        ..write::Options::default()
    };
    write::pyramid(&path, 4_096, 4_096, &options, |area| {
        Ok(Some(RgbImage::from_fn(area.width, area.height, |x, y| {
            let (x, y) = (area.x + u64::from(x), area.y + u64::from(y));
            let within = |left: u64, top: u64, side: u64| {
                (left..left + side).contains(&x) && (top..top + side).contains(&y)
            };
            let color = if within(1_024, 1_024, 2_048) || within(3_600, 100, 6) {
                TISSUE
            } else if pen && (200..300).contains(&x) {
                [30, 170, 70]
            } else {
                GLASS
            };
            let noise = ((x * 31 + y * 17) ^ (x * y)) as i16 % 7;
            Rgb(color.map(|v| (i16::from(v) + noise).clamp(0, 255) as u8))
        })))
    })
    .unwrap();
    (folder, path)
}

fn overlap(a: &Patch, b: &Patch) -> f64 {
    let side = |p: u64, q: u64| (a.span - p.abs_diff(q) as f64).max(0.0);
    side(a.x, b.x) * side(a.y, b.y) / (a.span * a.span)
}

#[test]
fn tissue_is_found_by_both_rules() {
    let slide = slide(false);
    let white = Method::White {
        white_level: 200,
        gray_threshold: 90,
    };
    for method in [Method::Otsu, white] {
        let options = tissue::Options {
            method,
            longest: 1_024,
            ..tissue::Options::default()
        };
        let mask = Mask::find(&slide, &options).unwrap();
        assert_eq!(
            (mask.dimensions(), mask.downsample()),
            ((1_024, 1_024), 4.0)
        );
        assert!(
            (mask.total_share() - 0.25).abs() < 0.005,
            "{}",
            mask.total_share()
        );
        assert!(mask.share(1_100.0, 1_100.0, 1_000.0, 1_000.0) > 0.999);
        // half over the border, to the nearest cell
        assert!((mask.share(924.0, 1_200.0, 200.0, 200.0) - 0.5).abs() < 0.03);
        assert_eq!(
            mask.share(3_500.0, 0.0, 300.0, 300.0),
            0.0,
            "dust is no tissue"
        );
        assert_eq!(mask.empty_reason(), None);
        let flags = Flags::of(&slide, &mask).unwrap();
        assert!(!flags.has_pen() && !flags.has_folds(), "{flags:?}");
    }
}

#[test]
fn an_empty_slide_says_why() {
    let options = tissue::Options::default();
    let of = |color: [u8; 3], options: &tissue::Options| {
        Mask::of(&RgbImage::from_pixel(100, 80, Rgb(color)), 1.0, options).empty_reason()
    };
    assert_eq!(of(GLASS, &options), Some(NoTissue::NoColour));
    let white = Method::White {
        white_level: 200,
        gray_threshold: 90,
    };
    let options = tissue::Options {
        method: white,
        ..options
    };
    assert_eq!(of(GLASS, &options), Some(NoTissue::NoneBetweenThresholds));
    assert_eq!(of(TISSUE, &options), None);
    let speck = RgbImage::from_fn(100, 80, |x, y| {
        Rgb(if x < 5 && y < 5 { TISSUE } else { GLASS })
    });
    assert_eq!(
        Mask::of(&speck, 1.0, &options).empty_reason(),
        Some(NoTissue::OnlySpecks)
    );
}

#[test]
fn pen_and_blur_are_flagged() {
    let slide = slide(true);
    let options = tissue::Options {
        longest: 1_024,
        ..tissue::Options::default()
    };
    let mask = Mask::find(&slide, &options).unwrap();
    let flags = Flags::of(&slide, &mask).unwrap();
    assert!(
        flags.has_pen() && (flags.pen - 100.0 / 4_096.0).abs() < 0.002,
        "{flags:?}"
    );
    // tissue of one colour has nothing sharp in it
    assert!(flags.is_blurred(), "{flags:?}");
}

#[test]
fn random_patches_keep_their_rules() {
    let slide = slide(false);
    let options = tissue::Options {
        longest: 1_024,
        ..tissue::Options::default()
    };
    let mask = Mask::find(&slide, &options).unwrap();
    let tumor = Shape::rectangle(1_024.0, 1_024.0, 1_000.0, 2_048.0);
    let sampling = Sampling {
        size: 96,
        resolved: Resolved::Mpp(1.0),
        tissue: 0.6,
        ..Sampling::default()
    };
    let draw = |seed| patches::random(&slide, &mask, Some(&tumor), &sampling, 200, seed).unwrap();
    let drawn = draw(3);
    assert_eq!(
        drawn
            .iter()
            .filter(|p| p.label == Some(Label::Normal))
            .count(),
        200
    );
    assert_eq!(
        drawn
            .iter()
            .filter(|p| p.label == Some(Label::Tumor))
            .count(),
        200
    );
    for patch in &drawn {
        assert_eq!(
            (patch.span, patch.level, patch.mpp_asked),
            (192.0, 1, Some(1.0))
        );
        assert_eq!(patch.slide, "patient_007_node_1");
        // by hand, apart from the sampler: the part of the square that the patch covers
        let part = |at: u64| {
            ((at as f64 + 192.0).min(3_072.0) - (at as f64).max(1_024.0)).max(0.0) / 192.0
        };
        let covered = part(patch.x) * part(patch.y);
        assert!(covered > 0.55, "no patch outside tissue: {patch:?}");
        let inside =
            ((patch.x as f64 + 192.0).min(2_024.0) - (patch.x as f64).max(1_024.0)).max(0.0);
        let share = inside / 192.0 * part(patch.y);
        assert!((share - patch.tumor_share.unwrap()).abs() < 1e-6);
        // what straddles the border has no label and is not taken
        assert!(share >= 0.6 - 1e-9 || share == 0.0, "{patch:?}");
    }
    assert_eq!(drawn, draw(3));
    assert_ne!(drawn, draw(4));
    // fewer threads, the same patches
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    assert_eq!(pool.install(|| draw(3)), drawn);
    // tumour alone, where normal tissue is not known to be normal
    let only = Sampling {
        classes: vec![Label::Tumor],
        ..sampling.clone()
    };
    let some = patches::random(&slide, &mask, Some(&tumor), &only, 10, 3).unwrap();
    assert!(some.len() == 10 && some.iter().all(|p| p.label == Some(Label::Tumor)));
    // without overlap no more fit than the area allows
    let apart = Sampling {
        overlap: 0.0,
        ..sampling.clone()
    };
    let some = patches::random(&slide, &mask, None, &apart, 500, 3).unwrap();
    assert!((40..=150).contains(&some.len()), "{}", some.len());
    for (i, a) in some.iter().enumerate() {
        assert!(some[..i].iter().all(|b| overlap(a, b) == 0.0) && a.label.is_none());
    }
    let picture = tissue::picture(&slide, &mask, Some(&tumor), &drawn).unwrap();
    assert_eq!(picture.dimensions(), (1_024, 1_024));
    assert_eq!(picture.get_pixel(256, 400).0, [220, 30, 30]);
}

#[test]
fn a_small_lesion_is_found() {
    let slide = slide(false);
    let mask = Mask::find(
        &slide,
        &tissue::Options {
            longest: 256,
            ..tissue::Options::default()
        },
    )
    .unwrap();
    // 40 px, smaller than three cells of the mask
    let tumor = Shape::rectangle(2_000.0, 2_000.0, 40.0, 40.0);
    let sampling = Sampling {
        size: 64,
        resolved: Resolved::Level(0),
        rule: LabelRule::Central { side: 32 },
        classes: vec![Label::Tumor],
        ..Sampling::default()
    };
    let drawn = patches::random(&slide, &mask, Some(&tumor), &sampling, 30, 1).unwrap();
    assert_eq!(drawn.len(), 30);
    for patch in drawn {
        let reaches = |at: u64| at + 48 > 2_000 && at + 16 < 2_040;
        assert!(reaches(patch.x) && reaches(patch.y), "{patch:?}");
        assert_eq!((patch.mpp_asked, patch.mpp), (None, Some(0.5)));
    }
}

#[test]
fn a_grid_covers_the_tissue() {
    let slide = slide(false);
    let mask = Mask::find(
        &slide,
        &tissue::Options {
            longest: 1_024,
            ..tissue::Options::default()
        },
    )
    .unwrap();
    let sampling = Sampling {
        size: 256,
        resolved: Resolved::Level(0),
        tissue: 0.9,
        overlap: 0.0,
        ..Sampling::default()
    };
    let all = patches::grid(&slide, &mask, None, &sampling).unwrap();
    assert_eq!(all.len(), 64);
    assert_eq!(
        (all[0].x, all[0].y, all[63].x, all[63].y),
        (1_024, 1_024, 2_816, 2_816)
    );
    let half = Sampling {
        overlap: 0.5,
        ..sampling.clone()
    };
    assert_eq!(
        patches::grid(&slide, &mask, None, &half).unwrap().len(),
        15 * 15
    );
    let read: Vec<_> = patches::read(&slide, &all).collect();
    assert_eq!(read.len(), 64);
    for ((patch, image), wanted) in read.into_iter().zip(&all) {
        assert_eq!(patch, wanted);
        assert_eq!(image.unwrap(), wanted.read(&slide).unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    patches::write_png(folder.path(), &all[0], all[0].read(&slide).unwrap()).unwrap();
    let written = folder.path().join("patient_007_node_1_x1024_y1024.png");
    assert_eq!(image::open(written).unwrap().width(), 256);
}

#[test]
fn settings_out_of_range_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.png");
    RgbImage::from_pixel(300, 300, Rgb(TISSUE))
        .save(&path)
        .unwrap();
    let slide = Slide::open(&path).unwrap();
    let mask = Mask::everywhere(&slide, 100).unwrap();
    let draw = |sampling: &Sampling| patches::random(&slide, &mask, None, sampling, 5, 1);
    let level = Sampling {
        size: 64,
        resolved: Resolved::Level(0),
        ..Sampling::default()
    };
    assert_eq!(draw(&level).unwrap().len(), 5);
    assert!(matches!(
        draw(&Sampling {
            size: 0,
            ..level.clone()
        }),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        draw(&Sampling {
            tissue: f64::NAN,
            ..level.clone()
        }),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        draw(&Sampling {
            overlap: 2.0,
            ..level.clone()
        }),
        Err(Error::Setting { .. })
    ));
    let none = Sampling {
        resolved: Resolved::Level(3),
        ..level.clone()
    };
    assert!(matches!(draw(&none), Err(Error::Region { .. })));
    let mpp = Sampling {
        resolved: Resolved::Mpp(1.0),
        ..level.clone()
    };
    assert!(matches!(draw(&mpp), Err(Error::NoResolution { .. })));
    assert!(
        patches::grid(&slide, &mask, None, &level).is_err(),
        "an overlap of 1"
    );
    // larger than the slide: no patch, and no error
    assert!(draw(&Sampling { size: 400, ..level }).unwrap().is_empty());
}
