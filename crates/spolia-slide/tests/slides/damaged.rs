//! Files that are damaged: an error that names the file and the fault, never a panic, and no
//! memory taken for what a few bytes claim.

use image::{Rgb, RgbImage};
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use spolia_slide::write::{self, Codec, Options};
use spolia_slide::{Error, Fault, Slide};

use crate::tiff_parts::{Tiff, longs, shorts, with};

fn refused(bytes: &[u8]) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.tif");
    std::fs::write(&path, bytes).unwrap();
    let read = Slide::open(&path).and_then(|slide| slide.region(0, 0, 0, 64, 64).map(|_| ()));
    let error = read.unwrap_err();
    assert!(error.to_string().contains("broken.tif"), "{error}");
    error
}

fn fault(bytes: &[u8]) -> Fault {
    match refused(bytes) {
        Error::Slide { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

/// A sound file whose tags are replaced.
fn tagged(tags: Vec<crate::tiff_parts::Entry>) -> Vec<u8> {
    let mut tiff = Tiff::new();
    let base = tiff.tiled(64, 64, 32, [1, 2, 3]);
    tiff.directory(with(base, tags));
    tiff.bytes
}

#[test]
fn a_truncated_file() {
    let whole = tagged(vec![]);
    for length in [9, 100, whole.len() - 100, whole.len() - 1] {
        assert!(
            matches!(fault(&whole[..length]), Fault::Truncated { .. }),
            "{length}"
        );
    }
    // a tile that reaches over the end is found on opening
    let long = tagged(vec![longs(325, &[3072, 3072, 3072, 1 << 20])]);
    assert!(matches!(
        fault(&long),
        Fault::Truncated { what: "a tile", .. }
    ));
    // shorter than its pixels need
    let short = tagged(vec![longs(325, &[3000; 4])]);
    assert!(matches!(fault(&short), Fault::Decode { codec: "none", .. }));
}

#[test]
fn a_loop_of_directories() {
    let mut tiff = Tiff::new();
    let base = tiff.tiled(64, 64, 32, [1, 2, 3]);
    let at = tiff.directory(base);
    let end = tiff.bytes.len() - 4;
    tiff.bytes[end..].copy_from_slice(&at.to_le_bytes());
    assert!(matches!(fault(&tiff.bytes), Fault::Loop { offset } if offset == u64::from(at)));
    // and one whose SubIFDs are itself: built twice, first to learn where it lies
    let build = |below: u32| {
        let mut tiff = Tiff::new();
        let base = tiff.tiled(64, 64, 32, [1, 2, 3]);
        let at = tiff.directory(with(base, vec![longs(330, &[below])]));
        (tiff.bytes, at)
    };
    let (_, at) = build(0);
    let (bytes, same) = build(at);
    assert_eq!(at, same);
    assert!(matches!(fault(&bytes), Fault::Loop { .. }));
}

#[test]
fn sizes_and_counts_that_no_slide_has() {
    // an image of 4 thousand million pixels a side in tiles of 16: the table cannot be that long
    let huge = tagged(vec![
        longs(256, &[u32::MAX]),
        longs(257, &[u32::MAX]),
        longs(322, &[16]),
        longs(323, &[16]),
    ]);
    assert!(matches!(
        fault(&huge),
        Fault::Value {
            name: "TileOffsets",
            ..
        }
    ));
    // one tile of that size
    let tile = tagged(vec![
        longs(256, &[1 << 30]),
        longs(257, &[1 << 30]),
        longs(322, &[1 << 30]),
        longs(323, &[1 << 30]),
        longs(324, &[8]),
        longs(325, &[100]),
    ]);
    assert!(matches!(
        fault(&tile),
        Fault::Value {
            name: "TileLength",
            ..
        }
    ));
    assert!(matches!(
        fault(&tagged(vec![longs(322, &[0])])),
        Fault::Value {
            name: "TileWidth",
            value: 0,
            ..
        }
    ));
    assert!(matches!(
        fault(&tagged(vec![longs(256, &[0])])),
        Fault::Value {
            name: "ImageWidth",
            ..
        }
    ));
    assert!(matches!(
        fault(&tagged(vec![shorts(277, &[0])])),
        Fault::Value {
            name: "SamplesPerPixel",
            ..
        }
    ));
    assert!(matches!(
        fault(&tagged(vec![shorts(258, &[32; 3])])),
        Fault::Value {
            name: "BitsPerSample",
            ..
        }
    ));
    // a table whose count is 2^32 - 1: more than the tiles, and than the file
    let mut bytes = tagged(vec![]);
    let at = bytes.windows(4).position(|w| w == [0x44, 1, 4, 0]).unwrap();
    bytes[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(
        fault(&bytes),
        Fault::TooMany {
            what: "TileOffsets",
            ..
        }
    ));
    // a BigTIFF whose directory says that it has 2^63 tags
    let mut bytes = vec![b'I', b'I', 43, 0, 8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend((1_u64 << 63).to_le_bytes());
    assert!(matches!(fault(&bytes), Fault::TooMany { what: "tags", .. }));
    // a directory that lies beyond the file
    assert!(matches!(
        fault(&[b'I', b'I', 42, 0, 255, 255, 255, 255]),
        Fault::Truncated { .. }
    ));
    assert!(matches!(
        fault(&[b'I', b'I', 42, 0, 0, 0, 0, 0]),
        Fault::NoLevel { .. }
    ));
}

#[test]
fn a_wrong_compression_tag() {
    for (code, codec) in [
        (7, "JPEG"),
        (5, "LZW"),
        (8, "deflate"),
        (33_005, "JPEG 2000"),
    ] {
        match fault(&tagged(vec![shorts(259, &[code])])) {
            Fault::Decode { codec: found, .. } => assert_eq!(found, codec),
            other => panic!("{other}"),
        }
    }
    let message = fault(&tagged(vec![shorts(259, &[50_001])])).to_string();
    assert!(
        message.contains("259 (Compression) is 50001") && message.contains("vips"),
        "{message}"
    );
}

#[test]
fn a_jpeg_of_another_size_than_its_tile() {
    let mut stream = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut stream);
    RgbImage::new(48, 48).write_with_encoder(encoder).unwrap();
    let mut tiff = Tiff::new();
    let base = tiff.tiled(32, 32, 32, [0; 3]);
    let at = tiff.append(&stream);
    let tags = vec![
        shorts(259, &[7]),
        shorts(262, &[6]),
        longs(324, &[at]),
        longs(325, &[stream.len() as u32]),
    ];
    tiff.directory(with(base, tags));
    assert!(matches!(
        fault(&tiff.bytes),
        Fault::Decode { codec: "JPEG", .. }
    ));
}

#[test]
fn what_is_no_slide() {
    assert!(matches!(
        Slide::open("/nowhere/slide.tif"),
        Err(Error::Read { .. })
    ));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let noise: Vec<u8> = (0..10 << 20).map(|_| rng.random()).collect();
    assert!(matches!(refused(&noise), Error::NotSlide { .. }));
    assert!(matches!(refused(b""), Error::NotSlide { .. }));
    assert!(matches!(refused(b"II*\0"), Error::NotSlide { .. }));
    assert!(matches!(
        refused(&[0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0]),
        Error::NotSlide { .. }
    ));
    // noise behind a TIFF's header
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend(&noise[..1 << 16]);
    assert!(matches!(refused(&bytes), Error::Slide { .. }));
}

/// Rounds of mutation: a few thousand in all, or `SPOLIA_MUTATIONS` times as many.
fn rounds(few: usize) -> usize {
    let times = std::env::var("SPOLIA_MUTATIONS")
        .ok()
        .and_then(|times| times.parse().ok());
    few * times.unwrap_or(1)
}

fn mutate(bytes: &mut [u8], from: usize, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..6) {
        let from = if rng.random_bool(0.7) { from } else { 0 };
        let at = rng.random_range(from..bytes.len());
        bytes[at] = match rng.random_range(0..3) {
            0 => rng.random(),
            1 => 0xFF,
            _ => bytes[at] ^ 1 << rng.random_range(0..8),
        };
    }
}

/// Reads all that a file offers; only panics and time without end would be wrong.
fn read_all(path: &std::path::Path) {
    let Ok(slide) = Slide::open(path) else { return };
    for level in 0..slide.levels().len().min(4) {
        let _ = slide.region(level, 10, 10, 40, 40);
    }
    let names: Vec<String> = slide.associated().map(str::to_owned).collect();
    for name in names {
        let _ = slide.associated_image(&name);
    }
    let _ = slide.region_at(1.0, 0, 0, 16, 16);
}

#[test]
fn mutations_of_sound_files_do_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.tif");
    let mut sound = Vec::new();
    for (codec, big) in [
        (Codec::Jpeg { quality: 80 }, false),
        (Codec::Deflate, true),
        (Codec::Raw, false),
    ] {
        let options = Options {
            tile: 32,
            codec,
            big,
            mpp: Some(0.5),
            ..Options::default()
        };
        write::pyramid(&path, 90, 70, &options, |area| {
            Ok(Some(RgbImage::from_fn(area.width, area.height, |x, y| {
                Rgb([(x * 7) as u8, (y * 5) as u8, 90])
            })))
        })
        .unwrap();
        sound.push(std::fs::read(&path).unwrap());
    }
    sound.push(tagged(vec![shorts(259, &[5])]));
    for (number, bytes) in sound.iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(number as u64);
        // tags lie at the end: most changes go there
        let tail = bytes.len().saturating_sub(1_200);
        for _ in 0..rounds(600) {
            let mut changed = bytes.clone();
            mutate(&mut changed, tail, &mut rng);
            if rng.random_bool(0.1) {
                changed.truncate(rng.random_range(0..changed.len()));
            }
            std::fs::write(&path, &changed).unwrap();
            read_all(&path);
        }
    }
}

#[test]
fn mutations_of_jpeg_2000_do_not_panic() {
    let Some(folder) = std::env::var_os("SPOLIA_DATA") else {
        eprintln!("skipped: SPOLIA_DATA does not name the folder of real data");
        return;
    };
    let path = std::path::Path::new(&folder).join("slides/tcga-cr-7395-01a-01-ts1.svs");
    let bytes = std::fs::read(path).unwrap();
    // the shortest of the first tiles: from one start of a codestream to the next
    let starts: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, w)| w == &[0xFF, 0x4F, 0xFF, 0x51])
        .map(|(at, _)| at)
        .take(60)
        .collect();
    let tile = starts
        .windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .min_by_key(|t| t.len())
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut decoded = 0;
    for round in 0..rounds(300) {
        let mut changed = tile.to_vec();
        if round > 0 {
            mutate(&mut changed, tile.len().min(200), &mut rng);
        }
        let mut tiff = Tiff::new();
        let base = tiff.tiled(256, 256, 16, [0; 3]);
        let at = tiff.append(&changed);
        let tags = vec![
            shorts(259, &[33_005]),
            longs(322, &[256]),
            longs(323, &[256]),
            longs(324, &[at]),
            longs(325, &[changed.len() as u32]),
        ];
        tiff.directory(with(base, tags));
        let slide = Slide::open(tiff.save(folder.path())).unwrap();
        decoded += usize::from(slide.region(0, 0, 0, 256, 256).is_ok());
        assert!(round > 0 || decoded == 1, "the tile itself is sound");
    }
}
