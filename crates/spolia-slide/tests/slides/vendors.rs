//! Vendors' layouts in small synthetic files, and the ways TIFF stores pixels.

use base64::Engine;
use spolia_slide::{Error, Slide, Vendor};

use crate::tiff_parts::{Tiff, fraction, longs, shorts, text, with};

fn open(tiff: &Tiff) -> Slide {
    let folder = tempfile::tempdir().unwrap();
    Slide::open(tiff.save(folder.path())).unwrap()
}

fn first(slide: &Slide, level: usize) -> [u8; 3] {
    slide.region(level, 0, 0, 1, 1).unwrap().get_pixel(0, 0).0
}

#[test]
fn philips_levels_are_padded() {
    let spacing = |mm: &str| {
        format!(
            "<DataObject ObjectType=\"PixelDataRepresentation\"><Attribute Name=\"DICOM_PIXEL_SPACING\">\
             &quot;{mm}&quot; &quot;{mm}&quot;</Attribute></DataObject>"
        )
    };
    let xml = format!(
        "<?xml version=\"1.0\"?><DataObject ObjectType=\"DPUfsImport\">{}{}</DataObject>",
        spacing("0.00025"),
        spacing("0.0005")
    );
    let mut tiff = Tiff::new();
    let base = tiff.tiled(100, 90, 32, [1, 2, 3]);
    tiff.directory(with(
        base,
        vec![text(305, "Philips DP v1.0"), text(270, &xml)],
    ));
    // 100/2 = 50 padded to 64 px
    let level = tiff.tiled(64, 64, 32, [4, 5, 6]);
    tiff.directory(level);
    let label = tiff.striped((2, 1), 3, &[9, 9, 9, 8, 8, 8]);
    tiff.directory(with(label, vec![text(270, "Label of it")]));
    let slide = open(&tiff);
    assert_eq!(slide.vendor(), Vendor::Philips);
    assert_eq!(slide.mpp().unwrap().x, 0.25);
    let level = &slide.levels()[1];
    assert_eq!((level.width, level.height, level.downsample), (50, 45, 2.0));
    // what lies in the padding is outside
    assert_eq!(slide.region(1, 50, 0, 1, 1).unwrap().as_raw()[..], [255; 3]);
    assert_eq!(first(&slide, 1), [4, 5, 6]);
    assert_eq!(
        slide.associated_image("label").unwrap().as_raw()[..],
        [9, 9, 9, 8, 8, 8]
    );
}

/// A label in the XML alone, and a macro photograph in both: the directory's goes first.
#[test]
fn philips_pictures_in_the_description() {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let drawn = image::RgbImage::from_pixel(24, 16, image::Rgb([200, 40, 90]));
    drawn.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let mut text64 = base64::engine::general_purpose::STANDARD.encode(jpeg.into_inner());
    text64.insert(60, '\n');
    let scanned = |kind: &str, data: &str| {
        format!(
            "<DataObject ObjectType=\"DPScannedImage\"><Attribute Name=\"PIM_DP_IMAGE_TYPE\">{kind}</Attribute>\
             <Attribute Name=\"PIM_DP_IMAGE_DATA\">{data}</Attribute></DataObject>"
        )
    };
    let xml = format!(
        "<DataObject ObjectType=\"DPUfsImport\"><Attribute Name=\"PIM_DP_SCANNED_IMAGES\"><Array>{}{}{}</Array></Attribute></DataObject>",
        scanned("WSI", ""),
        scanned("LABELIMAGE", &text64),
        scanned("MACROIMAGE", "no base 64!")
    );
    let mut tiff = Tiff::new();
    let base = tiff.tiled(64, 64, 32, [1, 2, 3]);
    tiff.directory(with(
        base,
        vec![text(305, "Philips DP v1.0"), text(270, &xml)],
    ));
    let macro_image = tiff.striped((2, 1), 3, &[9, 9, 9, 8, 8, 8]);
    tiff.directory(with(macro_image, vec![text(270, "Macro")]));
    let slide = open(&tiff);
    assert_eq!(slide.associated().collect::<Vec<_>>(), ["macro", "label"]);
    let label = slide.associated_image("label").unwrap();
    assert_eq!(label.dimensions(), (24, 16));
    let near = label
        .get_pixel(12, 8)
        .0
        .iter()
        .zip([200, 40, 90])
        .all(|(a, b)| a.abs_diff(b) < 4);
    assert!(near, "{:?}", label.get_pixel(12, 8));
    assert_eq!(
        slide.associated_image("macro").unwrap().dimensions(),
        (2, 1)
    );
}

#[test]
fn ome_levels_hang_below() {
    let xml = "<?xml version=\"1.0\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">\
        <Image Name=\"slide\"><Pixels PhysicalSizeX=\"0.5\" PhysicalSizeXUnit=\"µm\" PhysicalSizeY=\"0.5\"/></Image>\
        <Image Name=\"macro image\"><Pixels/></Image></OME>";
    let mut tiff = Tiff::new();
    let below = tiff.tiled(32, 32, 16, [7, 7, 7]);
    let at = tiff.below(below);
    let base = tiff.tiled(64, 64, 16, [5, 5, 5]);
    tiff.directory(with(base, vec![text(270, xml), longs(330, &[at])]));
    let pair = tiff.striped((1, 1), 3, &[1, 2, 3]);
    tiff.directory(pair);
    let slide = open(&tiff);
    assert_eq!(slide.vendor(), Vendor::Ome);
    assert_eq!(slide.mpp().unwrap().mean(), 0.5);
    assert_eq!(slide.levels().len(), 2);
    assert_eq!((first(&slide, 0), first(&slide, 1)), ([5; 3], [7; 3]));
    assert_eq!(slide.associated().collect::<Vec<_>>(), ["macro"]);
}

#[test]
fn resolution_tags() {
    let resolved = |unit: u16, pixels: (u32, u32)| {
        let mut tiff = Tiff::new();
        let base = tiff.tiled(32, 32, 16, [5, 5, 5]);
        let tags = vec![
            fraction(282, pixels),
            fraction(283, pixels),
            shorts(296, &[unit]),
        ];
        tiff.directory(with(base, tags));
        open(&tiff).mpp().map(|mpp| mpp.x)
    };
    assert_eq!(resolved(3, (20_000, 1)), Some(0.5));
    assert_eq!(resolved(2, (25_400, 1)), Some(1.0));
    assert_eq!(resolved(2, (72, 1)), None, "a printer's");
    assert_eq!(resolved(1, (20_000, 1)), None, "no unit");
    assert_eq!(resolved(3, (0, 0)), None);
}

#[test]
fn imagej_says_its_unit() {
    let mut tiff = Tiff::new();
    let base = tiff.tiled(32, 32, 16, [5, 5, 5]);
    let about = "ImageJ=1.53\nunit=micron\n";
    tiff.directory(with(
        base,
        vec![
            text(270, about),
            fraction(282, (4, 1)),
            fraction(283, (4, 1)),
        ],
    ));
    assert_eq!(open(&tiff).mpp().unwrap().x, 0.25);
}

#[test]
fn foreign_vendors_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut tiff = Tiff::new();
    let base = tiff.tiled(32, 32, 16, [5, 5, 5]);
    tiff.directory(with(base, vec![longs(65_420, &[1])]));
    let error = Slide::open(tiff.save(folder.path())).unwrap_err();
    // With OpenSlide behind it, the file is handed on, and is too poor for it.
    #[cfg(feature = "openslide")]
    assert!(matches!(error, Error::OpenSlide { .. }), "{error}");
    #[cfg(not(feature = "openslide"))]
    assert!(
        matches!(
            error,
            Error::Vendor {
                vendor: "Hamamatsu NDPI",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn ways_to_store_pixels() {
    let strip = |tags, size, samples, bytes: &[u8]| {
        let mut tiff = Tiff::new();
        let base = tiff.striped(size, samples, bytes);
        tiff.directory(with(base, tags));
        open(&tiff)
            .region(0, 0, 0, size.0, size.1)
            .unwrap()
            .into_raw()
    };
    // gray, white is zero
    assert_eq!(
        strip(vec![shorts(262, &[0])], (2, 1), 1, &[0, 55]),
        [255, 255, 255, 200, 200, 200]
    );
    // RGBA over white: colours not multiplied by alpha
    let alpha = vec![shorts(338, &[2])];
    assert_eq!(
        strip(alpha, (2, 1), 4, &[9, 9, 9, 0, 10, 20, 30, 255]),
        [255, 255, 255, 10, 20, 30]
    );
    // a fourth sample that is nothing in particular
    assert_eq!(strip(vec![], (1, 1), 4, &[1, 2, 3, 0]), [1, 2, 3]);
    // 16 bits
    let wide = vec![shorts(258, &[16])];
    assert_eq!(
        strip(wide, (2, 1), 1, &[0xFF, 0x12, 0x00, 0xFE]),
        [0x12, 0x12, 0x12, 0xFE, 0xFE, 0xFE]
    );
    // differences between pixels
    let difference = vec![shorts(317, &[2])];
    assert_eq!(
        strip(difference, (3, 1), 1, &[10, 5, 251]),
        [10, 10, 10, 15, 15, 15, 10, 10, 10]
    );
    // YCbCr without JPEG
    let ycbcr = vec![shorts(262, &[6]), shorts(530, &[1, 1])];
    assert_eq!(strip(ycbcr, (1, 1), 3, &[76, 85, 255]), [254, 0, 0]);
    // PackBits: three times 7, then 8
    assert_eq!(
        strip(vec![shorts(259, &[32_773])], (4, 1), 1, &[0xFE, 7, 0, 8])[8..],
        [7, 8, 8, 8]
    );
    // LZW of 7 7 7 7 (clear, 7, 258, 7, end), 9-bit codes, high bit first
    let codes = [256_u32, 7, 258, 7, 257];
    let bits: Vec<bool> = codes
        .iter()
        .flat_map(|c| (0..9).rev().map(move |b| c >> b & 1 == 1))
        .collect();
    let packed: Vec<u8> = bits
        .chunks(8)
        .map(|b| {
            b.iter()
                .enumerate()
                .map(|(i, &on)| u8::from(on) << (7 - i))
                .sum()
        })
        .collect();
    assert_eq!(strip(vec![shorts(259, &[5])], (4, 1), 1, &packed), [7; 12]);
}

#[test]
fn planes_apart_and_strips_in_part() {
    let mut tiff = Tiff::new();
    let offsets = [[1_u8, 2], [3, 4], [5, 6]].map(|plane| tiff.append(&plane));
    let base = tiff.striped((2, 1), 3, &[0]);
    let tags = vec![
        shorts(284, &[2]),
        longs(273, &offsets),
        longs(279, &[2, 2, 2]),
    ];
    tiff.directory(with(base, tags));
    assert_eq!(
        open(&tiff).region(0, 0, 0, 2, 1).unwrap().as_raw()[..],
        [1, 3, 5, 2, 4, 6]
    );
    // one uncompressed strip of 3 MiB is read in parts
    let mut tiff = Tiff::new();
    let pixels: Vec<u8> = (0..1_024 * 1_024 * 3_u32)
        .map(|i| (i / 3 / 1_024 % 251) as u8)
        .collect();
    let base = tiff.striped((1_024, 1_024), 3, &pixels);
    tiff.directory(base);
    let slide = open(&tiff);
    assert!(slide.levels()[0].tile.1 < 1_024);
    let column = slide.region(0, 1_023, 0, 1, 1_024).unwrap();
    assert!(
        column
            .enumerate_pixels()
            .all(|(_, y, p)| u32::from(p.0[0]) == y % 251)
    );
}

#[test]
fn the_high_byte_first() {
    // the same as a striped gray image of two pixels, big-endian
    let mut bytes = vec![b'M', b'M', 0, 42, 0, 0, 0, 10, 40, 50];
    let entries: [(u16, u16, u32); 9] = [
        (256, 4, 2),
        (257, 4, 1),
        (258, 3, 8 << 16),
        (259, 3, 1 << 16),
        (262, 3, 1 << 16),
        (273, 4, 8),
        (277, 3, 1 << 16),
        (278, 4, 1),
        (279, 4, 2),
    ];
    bytes.extend((entries.len() as u16).to_be_bytes());
    for (tag, kind, value) in entries {
        bytes.extend(tag.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend(1_u32.to_be_bytes());
        bytes.extend(value.to_be_bytes());
    }
    bytes.extend([0; 4]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.tif");
    std::fs::write(&path, bytes).unwrap();
    let image = Slide::open(path).unwrap().region(0, 0, 0, 2, 1).unwrap();
    assert_eq!(image.as_raw()[..], [40, 40, 40, 50, 50, 50]);
}
