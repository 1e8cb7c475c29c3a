//! Pyramids written by this crate and read back.

use image::{Rgb, RgbImage};
use spolia_slide::write::{self, Codec, Options};
use spolia_slide::{Error, Slide, TileCache, Vendor, slide};
use std::sync::Arc;

/// A colour that tells where a pixel lies.
fn at(x: u64, y: u64) -> Rgb<u8> {
    Rgb([
        (x % 251) as u8,
        (y % 241) as u8,
        ((x / 251 + y / 241) * 16 % 256) as u8,
    ])
}

fn draw(area: write::Area) -> spolia_slide::Result<Option<RgbImage>> {
    Ok(Some(RgbImage::from_fn(area.width, area.height, |x, y| {
        at(area.x + u64::from(x), area.y + u64::from(y))
    })))
}

#[test]
fn lossless_pixels_come_back_from_every_codec() {
    let folder = tempfile::tempdir().unwrap();
    for (codec, big) in [
        (Codec::Raw, false),
        (Codec::Deflate, true),
        (Codec::Deflate, false),
    ] {
        let path = folder.path().join("slide.tif");
        let options = Options {
            tile: 64,
            codec,
            big,
            mpp: Some(0.25),
            ..Options::default()
        };
        write::pyramid(&path, 333, 201, &options, draw).unwrap();
        let slide = Slide::open(&path).unwrap();
        assert_eq!(slide.vendor(), Vendor::GenericTiff);
        let levels: Vec<_> = slide
            .levels()
            .iter()
            .map(|l| (l.width, l.height, l.downsample))
            .collect();
        assert_eq!(
            levels,
            [
                (333, 201, 1.0),
                (166, 100, 2.0),
                (83, 50, 4.0),
                (41, 25, 8.0)
            ]
        );
        assert_eq!(slide.level_mpp(1).unwrap().x, 0.5);
        let image = slide.region(0, 0, 0, 333, 201).unwrap();
        assert!(
            image
                .enumerate_pixels()
                .all(|(x, y, p)| *p == at(x.into(), y.into()))
        );
        // across tiles and over the border
        let part = slide.region(0, 300, -5, 60, 60).unwrap();
        assert_eq!(*part.get_pixel(0, 5), at(300, 0));
        assert_eq!(*part.get_pixel(32, 59), at(332, 54));
        assert_eq!(part.get_pixel(33, 59).0, [255; 3]);
        assert_eq!(part.get_pixel(0, 4).0, [255; 3]);
        // a pixel of level 1 is the mean of four of level 0
        let half = slide.region(1, 70, 30, 1, 1).unwrap();
        let mean = [140, 141]
            .map(|x| u32::from(at(x, 60).0[0]))
            .iter()
            .sum::<u32>()
            .div_ceil(2);
        assert_eq!(u32::from(half.get_pixel(0, 0).0[0]), mean);
    }
}

#[test]
fn jpeg_tiles_share_their_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.tif");
    let color = |x: u64, y: u64| Rgb([(x / 2) as u8, (y / 2) as u8, 128]);
    let options = Options {
        mpp: Some(0.5),
        description: "a slide".into(),
        ..Options::default()
    };
    write::pyramid(&path, 500, 400, &options, |area| {
        Ok(Some(RgbImage::from_fn(area.width, area.height, |x, y| {
            color(area.x + u64::from(x), area.y + u64::from(y))
        })))
    })
    .unwrap();
    let slide = Slide::open(&path).unwrap();
    assert_eq!(slide.levels()[0].compression, "JPEG");
    assert_eq!(slide.description(), "a slide");
    let image = slide.region(0, 0, 0, 500, 400).unwrap();
    for (x, y, pixel) in image.enumerate_pixels() {
        let wanted = color(x.into(), y.into());
        for channel in 0..3 {
            let off = pixel.0[channel].abs_diff(wanted.0[channel]);
            assert!(off <= 6, "{x}, {y}: {pixel:?} for {wanted:?}");
        }
    }
}

#[test]
fn resampling_by_hand() {
    // a slide of vertical stripes, 4 px black and 4 px white: at 8 px a pixel everything is gray
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.tif");
    let options = Options {
        tile: 64,
        codec: Codec::Deflate,
        levels: 1,
        ..Options::default()
    };
    write::pyramid(&path, 256, 256, &options, |area| {
        Ok(Some(RgbImage::from_fn(area.width, area.height, |x, _| {
            Rgb([if (area.x + u64::from(x)) / 4 % 2 == 0 {
                0
            } else {
                255
            }; 3])
        })))
    })
    .unwrap();
    let slide = Slide::open(&path).unwrap();
    let gray = slide.region_scaled(8.0, 64, 64, 8, 8).unwrap();
    assert!(
        gray.pixels().all(|p| p.0[0].abs_diff(128) <= 2),
        "{:?}",
        gray.as_raw()
    );
    // and twice as fine as it is: stripes of 8 px
    let fine = slide.region_scaled(0.5, 0, 0, 16, 4).unwrap();
    let row: Vec<u8> = (0..16).map(|x| fine.get_pixel(x, 2).0[0]).collect();
    assert_eq!((row[1], row[4], row[14]), (0, 0, 255));
    // half of the region lies outside, where it is white
    let border = slide.region_scaled(8.0, 256, 0, 4, 4).unwrap();
    assert!(
        border.pixels().skip(1).all(|p| p.0[0] >= 250),
        "{:?}",
        border.as_raw()
    );
}

#[test]
fn a_sparse_slide_of_ten_gigapixels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.tif");
    let options = Options {
        mpp: Some(0.25),
        ..Options::default()
    };
    write::pyramid(&path, 100_000, 100_000, &options, |area| {
        let here = (area.x, area.y) == (51_200, 51_200);
        Ok(here.then(|| RgbImage::from_pixel(area.width, area.height, Rgb([10, 20, 30]))))
    })
    .unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 8 << 20);
    let cache = Arc::new(TileCache::new(1 << 20));
    let slide = Slide::open_with(
        &path,
        &slide::Options {
            cache: Some(cache.clone()),
            mpp: None,
        },
    )
    .unwrap();
    assert_eq!(slide.dimensions(), (100_000, 100_000));
    assert_eq!(
        slide.region(0, 51_199, 51_300, 2, 1).unwrap().as_raw()[..3],
        [255; 3]
    );
    let pixel = slide
        .region(0, 51_300, 51_300, 1, 1)
        .unwrap()
        .get_pixel(0, 0)
        .0;
    assert!(
        pixel
            .iter()
            .zip([10, 20, 30])
            .all(|(a, b)| a.abs_diff(b) <= 3),
        "{pixel:?}"
    );
    assert_eq!(
        slide.region(0, 99_999, 99_999, 4, 4).unwrap().as_raw()[..],
        [255; 48]
    );
    let coarse = slide.region_at(16.0, 51_200, 51_200, 4, 4).unwrap();
    assert_eq!(coarse.resolution.level, 6);
    assert!(coarse.image.get_pixel(1, 1).0[0] < 40);
    assert_eq!(slide.thumbnail(512).unwrap().dimensions(), (512, 512));
    assert!(cache.bytes() <= 1 << 20);
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, threads| {
        let path = folder.path().join(name);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| write::pyramid(&path, 700, 500, &Options::default(), draw))
            .unwrap();
        std::fs::read(path).unwrap()
    };
    assert!(write("one.tif", 1) == write("four.tif", 4));
}

#[test]
fn plain_images_are_slides_of_one_level() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["image.png", "image.tif", "image.bmp", "image.jpg"] {
        let path = folder.path().join(name);
        RgbImage::from_pixel(50, 40, Rgb([200, 100, 150]))
            .save(&path)
            .unwrap();
        let slide = Slide::open(&path).unwrap();
        assert_eq!(
            (slide.dimensions(), slide.levels().len()),
            ((50, 40), 1),
            "{name}"
        );
        let pixel = slide.region(0, 49, 39, 1, 1).unwrap().get_pixel(0, 0).0;
        assert!(
            pixel
                .iter()
                .zip([200, 100, 150])
                .all(|(a, b)| a.abs_diff(b) <= 2),
            "{name}"
        );
        assert!(matches!(
            slide.region_at(1.0, 0, 0, 4, 4),
            Err(Error::NoResolution { .. })
        ));
        let said = slide::Options {
            cache: None,
            mpp: Some(0.5),
        };
        let slide = Slide::open_with(&path, &said).unwrap();
        let region = slide.region_at(1.0, 0, 0, 4, 4).unwrap();
        assert_eq!(region.resolution.level_mpp, 0.5);
    }
}

#[test]
fn a_slide_is_read_by_many_threads() {
    use rayon::prelude::*;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.tif");
    let options = Options {
        tile: 64,
        codec: Codec::Deflate,
        ..Options::default()
    };
    write::pyramid(&path, 600, 600, &options, draw).unwrap();
    // smaller than what the regions touch, so that tiles come and go
    let cache = Arc::new(TileCache::new(5 * 64 * 64 * 3));
    let open = slide::Options {
        cache: Some(cache),
        mpp: None,
    };
    let slides = [
        Slide::open_with(&path, &open).unwrap(),
        Slide::open_with(&path, &open).unwrap(),
    ];
    let good = (0..200_u32).into_par_iter().all(|i| {
        let (x, y) = (i * 37 % 500, i * 53 % 500);
        let image = slides[i as usize % 2]
            .region(0, x.into(), y.into(), 90, 90)
            .unwrap();
        image
            .enumerate_pixels()
            .all(|(px, py, p)| *p == at(u64::from(x + px), u64::from(y + py)))
    });
    assert!(good);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.tif");
    let options = Options {
        tile: 64,
        mpp: Some(0.5),
        ..Options::default()
    };
    write::pyramid(&path, 100, 100, &options, draw).unwrap();
    let slide = Slide::open(&path).unwrap();
    for wrong in [
        slide.region(9, 0, 0, 1, 1).err(),
        slide.region(0, 0, 0, 0, 1).err(),
        slide.region(0, 0, 0, u32::MAX, u32::MAX).err(),
        slide.region_at(f64::NAN, 0, 0, 1, 1).err(),
        slide.region_at(0.0, 0, 0, 1, 1).err(),
        slide.region_at(-1.0, 0, 0, 1, 1).err(),
        slide.thumbnail(0).err(),
    ] {
        assert!(matches!(wrong, Some(Error::Region { .. })), "{wrong:?}");
    }
    assert_eq!(
        slide.region(0, i64::MAX, i64::MIN, 1, 1).unwrap().as_raw()[..],
        [255; 3]
    );
    let nowhere = slide.region_at(1.0, i64::MAX, i64::MIN, 2, 2).unwrap();
    assert!(nowhere.image.as_raw().iter().all(|&v| v == 255));
    let nan = slide::Options {
        cache: None,
        mpp: Some(f64::NAN),
    };
    assert!(Slide::open_with(&path, &nan).is_err());
    for wrong in [
        Options {
            tile: 50,
            ..Options::default()
        },
        Options {
            levels: 0,
            ..Options::default()
        },
        Options {
            codec: Codec::Jpeg { quality: 0 },
            ..Options::default()
        },
        Options {
            mpp: Some(-1.0),
            ..Options::default()
        },
    ] {
        let error = write::pyramid(&path, 100, 100, &wrong, draw).err();
        assert!(matches!(error, Some(Error::Setting { .. })), "{error:?}");
    }
    let small = |_| Ok(Some(RgbImage::new(3, 3)));
    assert!(write::pyramid(&path, 100, 100, &options, small).is_err());
    // a slide that could not be written leaves the one before, and nothing beside it
    assert!(Slide::open(&path).is_ok());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
