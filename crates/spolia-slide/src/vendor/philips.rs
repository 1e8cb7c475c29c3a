//! Philips TIFF: `Software` begins with its name, the description is XML (`DataObject` of type
//! `DPUfsImport`) with a pixel spacing for each level. Levels are padded to whole tiles, so their
//! sizes do not tell the downsampling: the ratio of the spacings does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Found, Mpp, Picture, Stage, Vendor, raster, text};
use crate::tiff::{At, Directory, Tiff, tags};
use crate::xml::{Node, Nodes, XmlFault, attribute};

pub(super) fn read(tiff: &Tiff, first: &Directory) -> Result<Option<Found>, At> {
    if !text(tiff, first, tags::SOFTWARE)?.starts_with("Philips") || !first.has(tags::TILE_WIDTH) {
        return Ok(None);
    }
    let xml = text(tiff, first, tags::IMAGE_DESCRIPTION)?;
    // a slide whose XML is unreadable still has its pixels: without µm/px, as if none were stated
    let spacings = spacings(&xml).unwrap_or_default();
    let (mut levels, mut associated) = (Vec::<Stage>::new(), Vec::<(String, Picture)>::new());
    for dir in &tiff.directories {
        if !dir.has(tags::TILE_WIDTH) {
            let about = text(tiff, dir, tags::IMAGE_DESCRIPTION)?.to_lowercase();
            for name in ["macro", "label"] {
                if about.starts_with(name)
                    && let Ok(image) = raster(tiff, dir)
                {
                    associated.push((name.to_owned(), image.into()));
                }
            }
            continue;
        }
        let mut stage = Stage::from(raster(tiff, dir)?);
        stage.downsample = match (spacings.first(), spacings.get(levels.len())) {
            (Some(base), Some(own)) => Some(own.x / base.x).filter(|&d| d >= 1.0),
            _ => None,
        };
        levels.push(stage);
    }
    for (name, jpeg) in pictures(&xml).unwrap_or_default() {
        if !associated.iter().any(|(own, _)| *own == name) {
            associated.push((name, Picture::Jpeg(jpeg)));
        }
    }
    Ok(Some(Found {
        vendor: Vendor::Philips,
        levels,
        associated,
        mpp: spacings.first().copied(),
        objective: None,
    }))
}

/// µm/px of each level, in order: `DICOM_PIXEL_SPACING` inside the representations of the image
/// itself, in mm, `"down" "across"`.
fn spacings(xml: &str) -> Result<Vec<Mpp>, XmlFault> {
    let mut nodes = Nodes::new(xml);
    let mut found = Vec::new();
    let (mut spacing, mut inside, mut depth) = (false, None, 0_usize);
    while let Some(node) = nodes.next()? {
        match node {
            Node::Open { name, attributes } => {
                depth += 1;
                let kind = attribute(&attributes, "ObjectType");
                if name == "DataObject" && kind == Some("PixelDataRepresentation") {
                    inside = inside.or(Some(depth));
                }
                spacing = name == "Attribute"
                    && attribute(&attributes, "Name") == Some("DICOM_PIXEL_SPACING");
            }
            Node::Text(text) if spacing && inside.is_some() => {
                let sides: Vec<f64> = text
                    .split(['"', ' '])
                    .filter_map(|part| part.parse().ok())
                    .map(|mm: f64| mm * 1_000.0)
                    .collect();
                // levels may be coarser than any scanner: only level 0 must be plausible
                if let [y, x] = sides[..]
                    && x > 0.0
                    && y > 0.0
                    && x.is_finite()
                    && y.is_finite()
                {
                    found.push(Mpp { x, y });
                }
            }
            Node::Text(_) => {}
            Node::Close(_) => {
                spacing = false;
                if inside == Some(depth) {
                    inside = None;
                }
                depth = depth.saturating_sub(1);
            }
        }
    }
    if found
        .first()
        .is_some_and(|base| Mpp::plausible(base.x, base.y).is_none())
    {
        found.clear();
    }
    Ok(found)
}

/// Label and macro photograph where no directory has them: a scanned image of type `LABELIMAGE` or `MACROIMAGE`, whose JPEG is
/// text in base 64 (`PIM_DP_IMAGE_DATA`).
fn pictures(xml: &str) -> Result<Vec<(String, Vec<u8>)>, XmlFault> {
    let mut nodes = Nodes::new(xml);
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    let mut within = String::new();
    let (mut kind, mut data) = (None, None);
    while let Some(node) = nodes.next()? {
        match node {
            Node::Open { name, attributes } if name == "Attribute" => {
                within = attribute(&attributes, "Name")
                    .unwrap_or_default()
                    .to_owned();
            }
            Node::Text(text) if within == "PIM_DP_IMAGE_TYPE" => kind = Some(text),
            Node::Text(text) if within == "PIM_DP_IMAGE_DATA" => data = Some(text),
            Node::Close(name) if name == "Attribute" => within.clear(),
            Node::Close(name) if name == "DataObject" => {
                // What was met inside of a representation of the slide itself has no data.
                let name = match kind.as_deref() {
                    Some("LABELIMAGE") => "label",
                    Some("MACROIMAGE") => "macro",
                    _ => continue,
                };
                if let Some(jpeg) = data.take().and_then(|text: String| decoded(&text)) {
                    found.push((name.to_owned(), jpeg));
                }
                kind = None;
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Base 64 that may be broken into lines.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let plain: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacings_of_levels() {
        let level = |mm: &str| {
            format!(
                "<DataObject ObjectType=\"PixelDataRepresentation\"><Attribute Name=\"DICOM_PIXEL_SPACING\">\
                 &quot;{mm}&quot; &quot;{mm}&quot;</Attribute></DataObject>"
            )
        };
        let xml = format!(
            "<DataObject ObjectType=\"DPUfsImport\">\
             <Attribute Name=\"DICOM_PIXEL_SPACING\">\"1\" \"1\"</Attribute>{}{}</DataObject>",
            level("0.00025"),
            level("0.0005")
        );
        let found = spacings(&xml).unwrap_or_default();
        assert_eq!(found, [Mpp { x: 0.25, y: 0.25 }, Mpp { x: 0.5, y: 0.5 }]);
    }
}
