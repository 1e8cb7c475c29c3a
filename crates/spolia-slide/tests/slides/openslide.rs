//! Real slides against values exported by tests/reference/slide/openslide_regions.py.

use std::path::{Path, PathBuf};

use spolia_slide::{Error, Slide, Vendor};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Means of channels over a 4 x 4 grid of each region, at most 2 of 255 apart, and half a step for
/// their rounding, which by itself makes a mean difference of 0.25.
fn compare(slide: &Slide, literals: &str) {
    let bytes = std::fs::read(data(literals)).unwrap();
    let (mut sum, mut count) = (0.0, 0);
    for record in bytes.chunks_exact(16 + 48) {
        let downsample = f64::from_le_bytes(record[..8].try_into().unwrap());
        let x = u32::from_le_bytes(record[8..12].try_into().unwrap());
        let y = u32::from_le_bytes(record[12..16].try_into().unwrap());
        let image = slide
            .region_scaled(downsample, x.into(), y.into(), 96, 96)
            .unwrap();
        for (cell, wanted) in record[16..].chunks_exact(3).enumerate() {
            let (left, top) = (cell as u32 % 4 * 24, cell as u32 / 4 * 24);
            for (channel, &wanted) in wanted.iter().enumerate() {
                let mut total = 0_u32;
                for py in top..top + 24 {
                    for px in left..left + 24 {
                        total += u32::from(image.get_pixel(px, py).0[channel]);
                    }
                }
                let difference = (f64::from(total) / 576.0 - f64::from(wanted)).abs();
                assert!(
                    difference <= 2.5,
                    "downsample {downsample} at {x}, {y}: {difference}"
                );
                sum += difference;
                count += 1;
            }
        }
    }
    assert_eq!(count, 3 * 200 * 48);
    let mean = sum / f64::from(count);
    assert!(mean <= 0.4, "mean difference of cells {mean}");
}

#[test]
fn aperio_jpeg() {
    let slide = Slide::open(data("CMU-1-Small-Region.svs")).unwrap();
    assert_eq!(slide.vendor(), Vendor::Aperio);
    assert_eq!(slide.vendor().name(), "aperio");
    assert_eq!(slide.dimensions(), (2220, 2967));
    assert_eq!(slide.levels().len(), 1);
    assert_eq!(slide.levels()[0].tile, (240, 240));
    let mpp = slide.mpp().unwrap();
    assert_eq!((mpp.x, mpp.y), (0.499, 0.499));
    assert_eq!(slide.objective(), Some(20.0));
    let names: Vec<_> = slide.associated().collect();
    assert_eq!(names, ["thumbnail", "label", "macro"]);
    for (name, size) in [
        ("label", (387, 463)),
        ("macro", (1280, 431)),
        ("thumbnail", (574, 768)),
    ] {
        assert_eq!(slide.associated_image(name).unwrap().dimensions(), size);
    }
    assert!(matches!(
        slide.associated_image("map"),
        Err(Error::Associated { .. })
    ));
    compare(&slide, "CMU-1-Small-Region.regions.bin");
}

#[test]
fn resolutions_asked_and_given() {
    let slide = Slide::open(data("CMU-1-Small-Region.svs")).unwrap();
    // within 1%: pixels as they are
    let near = slide.region_at(0.5, 100, 200, 64, 64).unwrap();
    assert_eq!(
        (near.resolution.asked, near.resolution.effective),
        (0.5, 0.499)
    );
    assert_eq!(near.image, slide.region(0, 100, 200, 64, 64).unwrap());
    let far = slide.region_at(1.0, 100, 200, 64, 64).unwrap();
    assert_eq!((far.resolution.effective, far.resolution.level), (1.0, 0));
    assert_eq!(far.image.dimensions(), (64, 64));
    // neighbours join without a seam: the left half of a wide region is the narrow region
    let wide = slide.region_at(1.0, 100, 200, 128, 64).unwrap();
    let left = image::imageops::crop_imm(&wide.image, 0, 0, 64, 64).to_image();
    assert_eq!(left, far.image);
    let thumbnail = slide.thumbnail(100).unwrap();
    assert_eq!(thumbnail.dimensions(), (75, 100));
}

#[test]
fn aperio_jpeg_2000_without_resolution() {
    let Some(folder) = std::env::var_os("SPOLIA_DATA") else {
        eprintln!("skipped: SPOLIA_DATA does not name the folder of real data");
        return;
    };
    let path = Path::new(&folder).join("slides/tcga-cr-7395-01a-01-ts1.svs");
    let slide = Slide::open(path).unwrap();
    assert_eq!(slide.vendor(), Vendor::Aperio);
    let sizes: Vec<_> = slide.levels().iter().map(|l| (l.width, l.height)).collect();
    assert_eq!(sizes, [(4443, 3567), (2221, 1783)]);
    // OpenSlide: 2.0005055500659967, the mean ratio of the sizes
    assert_eq!(slide.levels()[1].downsample, 2.0);
    assert_eq!(slide.levels()[0].compression, "JPEG 2000");
    assert_eq!(slide.mpp(), None);
    assert_eq!(slide.associated().collect::<Vec<_>>(), ["thumbnail"]);
    assert_eq!(
        slide.associated_image("thumbnail").unwrap().dimensions(),
        (956, 768)
    );
    let message = slide.region_at(1.0, 0, 0, 8, 8).unwrap_err().to_string();
    assert!(message.contains("--slide-mpp"), "{message}");
    compare(&slide, "tcga-cr-7395-01a-01-ts1.regions.bin");
}

/// Both backends see the same pixels, whatever the region.
#[cfg(feature = "openslide")]
#[test]
fn openslide_behind_the_same_slide() {
    let path = data("CMU-1-Small-Region.svs");
    let own = Slide::open(&path).unwrap();
    let other = Slide::open_by_openslide(&path, &Default::default()).unwrap();
    assert_eq!(other.vendor().name(), "aperio");
    assert_eq!(own.dimensions(), other.dimensions());
    assert_eq!(own.mpp(), other.mpp());
    assert_eq!(own.objective(), other.objective());
    for (x, y, mpp) in [
        (0, 0, 0.499),
        (1_000, 700, 1.0),
        (2_100, 2_900, 0.499),
        (-40, 500, 2.3),
    ] {
        let [a, b] = [&own, &other].map(|s| s.region_at(mpp, x, y, 200, 150).unwrap().image);
        let pairs = a.as_raw().iter().zip(b.as_raw());
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / a.as_raw().len() as f64;
        assert!(mean <= 2.0, "{x}, {y} at {mpp}: {mean}");
    }
    let names: Vec<String> = other.associated().map(str::to_owned).collect();
    assert!(names.iter().any(|name| name == "thumbnail"), "{names:?}");
    for name in names {
        assert!(other.associated_image(&name).unwrap().width() > 10);
    }
    let refused = Slide::open_by_openslide(data("../data"), &Default::default());
    assert!(matches!(refused, Err(Error::OpenSlide { .. })));
}
