//! A small cohort of slides whose tissue and tumour are known.

use std::fs;
use std::path::Path;

use spolia_slide::write;

/// Side of a slide, pixels.
pub const SIDE: u64 = 2_048;

/// Four slides of four patients: tissue on the left 1,280 px, glass on the right; tumour is annotated in its upper half.
pub fn slides(root: &Path) {
    fs::create_dir_all(root.join("centre_1")).unwrap();
    fs::create_dir_all(root.join("xml")).unwrap();
    for patient in 0..4u8 {
        let name = format!("patient_00{patient}_node_1");
        let options = write::Options {
            mpp: Some(0.5),
            ..write::Options::default()
        };
        let file = root.join(format!("centre_1/{name}.tif"));
        write::pyramid(&file, SIDE, SIDE, &options, |area| {
            let image = image::RgbImage::from_fn(area.width, area.height, |x, y| {
                let (x, y) = (area.x + u64::from(x), area.y + u64::from(y));
                if x >= 1_280 {
                    return image::Rgb([243, 243, 243]);
                }
                let stripe = (x / 8 + y / 8) % 2 == 0;
                image::Rgb([if stripe { 180 } else { 140 } + patient, 70, 150])
            });
            Ok(Some(image))
        })
        .unwrap();
        let corners = [(0, 0), (1280, 0), (1280, 1024), (0, 1024)];
        let points: String = corners
            .iter()
            .enumerate()
            .map(|(k, (x, y))| format!("<Coordinate Order=\"{k}\" X=\"{x}\" Y=\"{y}\"/>"))
            .collect();
        let xml = format!(
            "<?xml version=\"1.0\"?><ASAP_Annotations><Annotations><Annotation Name=\"a\" Type=\"Polygon\" PartOfGroup=\"metastases\" Color=\"#F4FA58\"><Coordinates>{points}</Coordinates></Annotation></Annotations><AnnotationGroups><Group Name=\"metastases\" PartOfGroup=\"None\" Color=\"#ff0000\"><Attributes/></Group></AnnotationGroups></ASAP_Annotations>"
        );
        fs::write(root.join(format!("xml/{name}.xml")), xml).unwrap();
    }
}
