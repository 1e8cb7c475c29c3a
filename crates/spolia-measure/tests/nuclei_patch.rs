//! Segmentation of drawn nuclei, and the numbers of a patch.

use spolia_measure::Error;
use spolia_measure::nuclei::{
    InstanceMask, NucleiMeasure, NucleiOptions, measure_patch, measure_patch_with_mask,
    nuclear_diameter, segment_nuclei,
};

const PINK: [u8; 3] = [230, 185, 215];
const PURPLE: [u8; 3] = [95, 60, 140];

/// Disks (x, y, radius) on pink.
fn draw(width: usize, height: usize, disks: &[(f64, f64, f64)]) -> Vec<u8> {
    let pixels = (0..width * height).map(|k| ((k % width) as f64, (k / width) as f64));
    pixels
        .flat_map(|(x, y)| {
            let inside = |d: &(f64, f64, f64)| (x - d.0).hypot(y - d.1) <= d.2;
            if disks.iter().any(inside) {
                PURPLE
            } else {
                PINK
            }
        })
        .collect()
}

fn label_at(mask: &InstanceMask, x: f64, y: f64) -> u32 {
    mask.labels()[y as usize * mask.width() + x as usize]
}

#[test]
fn touching_nuclei_are_parted_at_all_magnifications() {
    // 10x to 40x: radii of 5 to 20 px.
    for scale in [1.0, 2.0, 4.0] {
        let side = (60.0 * scale) as usize;
        let mut disks = [
            (15.0, 15.0, 5.0),
            (24.0, 15.0, 5.0),
            (40.0, 40.0, 5.0),
            (12.0, 45.0, 5.0),
        ];
        for disk in &mut disks {
            *disk = (disk.0 * scale, disk.1 * scale, disk.2 * scale);
        }
        let rgb = draw(side, side, &disks);
        let mask = segment_nuclei(&rgb, side, side, &NucleiOptions::default()).unwrap();
        let labels = disks.map(|disk| label_at(&mask, disk.0, disk.1));
        assert_eq!(mask.nuclei(), [1, 2, 3, 4], "scale {scale}");
        // In the order of their first pixels.
        assert_eq!(labels, [1, 2, 3, 4], "scale {scale}");
    }
}

#[test]
fn a_hole_is_filled_and_a_speck_dropped() {
    let mut rgb = draw(
        80,
        80,
        &[(25.0, 25.0, 9.0), (55.0, 55.0, 9.0), (60.0, 20.0, 1.5)],
    );
    for (x, y) in [(25, 25), (26, 25), (25, 26)] {
        rgb[3 * (y * 80 + x)..][..3].copy_from_slice(&PINK);
    }
    let mask = segment_nuclei(&rgb, 80, 80, &NucleiOptions::default()).unwrap();
    assert_eq!(mask.nuclei(), [1, 2]);
    assert_eq!(label_at(&mask, 25.0, 25.0), 1);
    assert_eq!(label_at(&mask, 60.0, 20.0), 0);
}

#[test]
fn diameter_given_or_estimated() {
    let rgb = draw(100, 100, &[(30.0, 30.0, 10.0), (70.0, 60.0, 10.0)]);
    let diameter = |options: &NucleiOptions| nuclear_diameter(&rgb, 100, 100, options).unwrap();
    let given = |diameter, microns_per_pixel| NucleiOptions {
        diameter,
        microns_per_pixel,
        ..NucleiOptions::default()
    };
    assert_eq!(diameter(&given(Some(18.0), None)), Some(18.0));
    assert_eq!(diameter(&given(Some(8.0), Some(0.5))), Some(16.0));
    // Disks of 21 px across are taken for a little less.
    let estimate = diameter(&given(None, None)).unwrap();
    assert!((14.0..22.0).contains(&estimate), "{estimate}");
    // At 1 µm/px they would be 14 µm and more; 10 µm is the most that is believed.
    assert_eq!(diameter(&given(None, Some(1.0))), Some(10.0));
    // Nothing stands out.
    let blank = draw(100, 100, &[]);
    assert_eq!(
        nuclear_diameter(&blank, 100, 100, &given(None, None)).unwrap(),
        None
    );
}

#[test]
fn a_patch_without_nuclei_is_named() {
    for disks in [&[][..], &[(20.0, 20.0, 60.0)]] {
        let rgb = draw(40, 40, disks);
        let patch = measure_patch(&rgb, 40, 40, &NucleiOptions::default()).unwrap();
        assert_eq!((patch.count, patch.density_per_megapixel), (0, 0.0));
        assert_eq!(patch.density_per_mm2, None);
        assert_eq!(patch.mean_area_px, None);
        assert_eq!(patch.area_cv, None);
        assert_eq!(NucleiMeasure::Count.of(&patch), Ok(0.0));
        let error = NucleiMeasure::AreaCv.of(&patch).unwrap_err();
        let expected = Error::TooFewNuclei {
            measure: "nuclei_area_cv",
            needed: 2,
            whole: 0,
        };
        assert_eq!(error, expected);
        let error = NucleiMeasure::DensityPerMm2.of(&patch).unwrap_err();
        assert_eq!(
            error,
            Error::UnknownPixelSize {
                measure: "nuclei_per_mm2"
            }
        );
    }
}

#[test]
fn numbers_of_a_given_mask() {
    // Squares of 2 x 2 and 4 x 4 px inside, one of 1 px in the corner.
    let (width, height) = (20, 10);
    let labels = (0..width * height)
        .map(|k| match (k % width, k / width) {
            (0, 0) => 9,
            (3..=4, 3..=4) => 4,
            (10..=13, 4..=7) => 2,
            _ => 0,
        })
        .collect();
    let mask = InstanceMask::new(labels, width, height).unwrap();
    let rgb = draw(width, height, &[]);
    let patch = measure_patch_with_mask(&rgb, &mask, Some(0.5)).unwrap();
    assert_eq!((patch.count, patch.whole), (3, 2));
    assert_eq!(patch.density_per_megapixel, 15_000.0);
    // 200 px of 0.25 µm² each.
    assert_eq!(patch.density_per_mm2, Some(60_000.0));
    // Areas 4 and 16: mean 10, variance 2 * 36 / 1.
    assert_eq!(patch.mean_area_px, Some(10.0));
    assert_eq!(patch.sd_area_px, Some(72.0_f64.sqrt()));
    assert_eq!(patch.mean_area_um2, Some(2.5));
    assert_eq!(patch.area_cv, Some(72.0_f64.sqrt() / 10.0));
    assert_eq!(patch.mean_eccentricity, Some(0.0));
    assert_eq!(patch.eccentricity_cv, None);
    assert_eq!(patch.mean_solidity, Some(1.0));
    assert_eq!(patch.solidity_cv, Some(0.0));
    assert_eq!(patch.mean_chromatin_sd.map(|sd| sd < 1e-6), Some(true));
    assert!(measure_patch_with_mask(&rgb, &mask, Some(0.0)).is_err());
    assert!(measure_patch_with_mask(&rgb[3..], &mask, None).is_err());
}

#[test]
fn options_out_of_range_are_named() {
    let rgb = draw(8, 8, &[]);
    let default = NucleiOptions::default();
    let wrong = [
        NucleiOptions {
            microns_per_pixel: Some(-1.0),
            ..default
        },
        NucleiOptions {
            diameter: Some(f64::NAN),
            ..default
        },
        NucleiOptions {
            smallest: 1.0,
            ..default
        },
        NucleiOptions {
            contrast: f64::NAN,
            ..default
        },
    ];
    let names = ["microns_per_pixel", "diameter", "smallest", "contrast"];
    for (options, name) in wrong.into_iter().zip(names) {
        let message = segment_nuclei(&rgb, 8, 8, &options)
            .unwrap_err()
            .to_string();
        assert!(message.contains(name), "{message}");
    }
    assert!(segment_nuclei(&rgb, 8, 9, &default).is_err());
    assert!(segment_nuclei(&[], 0, 9, &default).is_err());
}

#[test]
fn tiny_images_do_not_fail() {
    for (width, height) in [(1, 1), (1, 7), (5, 1), (2, 2), (3, 9)] {
        let rgb: Vec<u8> = (0..3 * width * height)
            .map(|k| (k * 37 % 251) as u8)
            .collect();
        let patch = measure_patch(&rgb, width, height, &NucleiOptions::default()).unwrap();
        assert!(patch.whole <= patch.count);
    }
}

#[test]
fn names_are_found_again() {
    for &measure in NucleiMeasure::ALL {
        assert_eq!(NucleiMeasure::parse(measure.name()), Ok(measure));
    }
    let message = NucleiMeasure::parse("nuclei").unwrap_err().to_string();
    assert!(message.contains("nuclei_area_cv"), "{message}");
}
