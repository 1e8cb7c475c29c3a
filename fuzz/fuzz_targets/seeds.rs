//! Writes small sound files to begin with: `seeds FOLDER` makes FOLDER/tiff, xml, geojson and hdf5.

use std::fs;
use std::path::Path;

use hdf5_pure::{AttrValue, FileBuilder};
use image::{Rgb, RgbImage};
use spolia_slide::annotation::Annotations;
use spolia_slide::write::{self, Codec, Options};

const ASAP: &str = r##"<?xml version="1.0"?>
<ASAP_Annotations><Annotations>
<Annotation Name="a" Type="Polygon" PartOfGroup="metastases" Color="#F4FA58"><Coordinates>
<Coordinate Order="0" X="10.5" Y="20" /><Coordinate Order="1" X="300" Y="20" /><Coordinate Order="2" X="300" Y="400.25" />
</Coordinates></Annotation>
<Annotation Name="b" Type="Rectangle" PartOfGroup="Exclusion" Color="#64FE2E"><Coordinates>
<Coordinate Order="0" X="50" Y="50" /><Coordinate Order="1" X="90" Y="50" /><Coordinate Order="2" X="90" Y="90" /><Coordinate Order="3" X="50" Y="90" />
</Coordinates></Annotation>
<Annotation Name="c" Type="Dot" PartOfGroup="None" Color="#64FE2E"><Coordinates><Coordinate Order="0" X="5e1" Y="-5" /></Coordinates></Annotation>
<Annotation Name="d" Type="Spline" PartOfGroup="part" Color="#64FE2E"><Coordinates>
<Coordinate Order="1" X="0" Y="0" /><Coordinate Order="0" X="200" Y="0" /><Coordinate Order="2" X="100" Y="50" /></Coordinates></Annotation>
</Annotations><AnnotationGroups><Group Name="metastases" PartOfGroup="None" Color="#ff0000"><Attributes /></Group>
<Group Name="part" PartOfGroup="metastases" Color="#ff0000"><Attributes /></Group></AnnotationGroups></ASAP_Annotations>"##;

const GEOJSON: &str = r#"{"type":"FeatureCollection","features":[
{"type":"Feature","id":"1","geometry":{"type":"Polygon","coordinates":[[[0,0],[100,0],[100,100],[0,0]],[[10,5],[20,5],[20,15],[10,5]]]},
"properties":{"objectType":"annotation","name":"x","classification":{"name":"Tumor","color":[200,0,0]},"measurements":{"a":1.5}}},
{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[0,0],[9,0],[9,9],[0,0]]],[[[20,0],[29,0],[29,9],[20,0]]]]},
"properties":{"classification":{"name":"Ignore*","colorRGB":-65536}}},
{"type":"Feature","geometry":{"type":"MultiPoint","coordinates":[[1,2],[3,4]]},"properties":{}},
{"type":"Feature","geometry":{"type":"LineString","coordinates":[[1,2],[3,4]]},"properties":null}]}"#;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let root = std::env::args().nth(1).ok_or("usage: seeds FOLDER")?;
    let root = Path::new(&root);
    for name in ["tiff", "xml", "geojson", "hdf5"] {
        fs::create_dir_all(root.join(name))?;
    }
    fs::write(root.join("xml/asap"), ASAP)?;
    fs::write(root.join("xml/written"), Annotations::parse(GEOJSON)?.to_asap())?;
    fs::write(root.join("geojson/qupath"), GEOJSON)?;
    fs::write(root.join("geojson/written"), Annotations::parse(ASAP)?.to_geojson())?;
    slides(&root.join("tiff"))?;
    hdf5(&root.join("hdf5"))
}

fn slides(folder: &Path) -> Result<(), Failed> {
    for (codec, name) in [
        (Codec::Jpeg { quality: 40 }, "jpeg"),
        (Codec::Deflate, "deflate"),
        (Codec::Raw, "raw"),
    ] {
        for big in [false, true] {
            let options = Options {
                codec,
                big,
                tile: 32,
                mpp: Some(0.5),
                ..Options::default()
            };
            let path = folder.join(format!("{name}-{big}"));
            write::pyramid(&path, 72, 48, &options, |area| {
                let drawn = (area.x + area.y) % 64 == 0;
                let colour = |x: u32, y: u32| Rgb([(x * 7) as u8, (y * 5) as u8, 90]);
                Ok(drawn.then(|| RgbImage::from_fn(area.width, area.height, colour)))
            })?;
        }
    }
    Ok(())
}

fn hdf5(folder: &Path) -> Result<(), Failed> {
    let pixels = vec![7; 3 * 4 * 4 * 3];
    let mut pcam = FileBuilder::new();
    pcam.create_dataset("x").with_u8_data(&pixels).with_shape(&[3, 4, 4, 3]);
    fs::write(folder.join("pcam"), pcam.finish()?)?;
    let mut chunked = FileBuilder::new();
    let images = chunked.create_dataset("x");
    images.with_u8_data(&pixels).with_shape(&[3, 4, 4, 3]);
    images.with_chunks(&[1, 4, 4, 3]).with_deflate(4).with_shuffle();
    fs::write(folder.join("pcam-chunked"), chunked.finish()?)?;
    let mut clam = FileBuilder::new();
    let coords = clam.create_dataset("coords");
    coords.with_i64_data(&[0, 0, 8, 8]).with_shape(&[2, 2]);
    coords.set_attr("patch_level", AttrValue::I64(0));
    coords.set_attr("patch_size", AttrValue::I64(8));
    fs::write(folder.join("clam"), clam.finish()?)?;
    let path = folder.join("camelyon");
    FileBuilder::new().write(&path)?;
    let file = hdf5_pure::File::open_rw(&path)?;
    let mut group = file.root();
    for name in ["tumor", "level1", "centre0", "patient7", "node2"] {
        group = group.create_group(name)?;
    }
    group.create_dataset("patches", |dataset| {
        dataset.with_u8_data(&pixels).with_shape(&[3, 4, 4, 3]);
    })?;
    file.commit()?;
    Ok(())
}
