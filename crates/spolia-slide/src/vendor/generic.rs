//! TIFF pyramids of no vendor: vips, GDAL, ImageJ, this crate, or one plain image. The first image
//! is level 0; tiled images that follow or hang below it (SubIFDs) are levels where they shrink.

use super::{Found, Mpp, Vendor, raster, text};
use crate::tiff::{At, Directory, Tiff, tags};
use crate::xml::{Node, Nodes, XmlFault, attribute};

pub(super) fn read(tiff: &Tiff, first: &Directory) -> Result<Option<Found>, At> {
    let base = raster(tiff, first)?;
    let (mut levels, mut associated) = (vec![base.into()], Vec::new());
    let others = first.below.iter().chain(tiff.directories.iter().skip(1));
    for dir in others {
        let about = text(tiff, dir, tags::IMAGE_DESCRIPTION)?.to_lowercase();
        let named = ["label", "macro", "thumbnail"]
            .into_iter()
            .find(|n| about.starts_with(n));
        // pages that are not of this slide (masks, say) may be stored in any way
        let Ok(image) = raster(tiff, dir) else {
            continue;
        };
        let reduced = tiff
            .int_or(dir, tags::NEW_SUBFILE_TYPE, 0)
            .is_ok_and(|kind| kind & 1 == 1);
        match named {
            Some(name) => associated.push((name.to_owned(), image.into())),
            None if image.tiled || reduced => levels.push(image.into()),
            None => {}
        }
    }
    Ok(Some(Found {
        vendor: Vendor::GenericTiff,
        levels,
        associated,
        mpp: described(tiff, first)?.or_else(|| resolution(tiff, first, "")),
        objective: None,
    }))
}

/// µm/px from the description: vips' XML properties or ImageJ's `unit=`.
fn described(tiff: &Tiff, first: &Directory) -> Result<Option<Mpp>, At> {
    let description = text(tiff, first, tags::IMAGE_DESCRIPTION)?;
    if description.starts_with("ImageJ") {
        let unit = description
            .lines()
            .find_map(|line| line.strip_prefix("unit="));
        return Ok(unit.and_then(|unit| resolution(tiff, first, unit.trim())));
    }
    if description.trim_start().starts_with('<') {
        return Ok(vips(&description).unwrap_or_default());
    }
    Ok(None)
}

/// µm/px from the resolution tags; `unit` replaces the unit's tag where the description has one.
fn resolution(tiff: &Tiff, dir: &Directory, unit: &str) -> Option<Mpp> {
    let um = match (unit, tiff.int_or(dir, tags::RESOLUTION_UNIT, 2).ok()?) {
        ("micron" | "microns" | "um" | "µm" | "\u{3bc}m" | "\\u00B5m", _) => 1.0,
        ("mm", _) => 1e3,
        ("cm", _) | ("", 3) => 1e4,
        ("inch", _) | ("", 2) => 25_400.0,
        _ => return None,
    };
    let x = tiff.number(dir, tags::X_RESOLUTION)?;
    let y = tiff.number(dir, tags::Y_RESOLUTION).unwrap_or(x);
    // fractions of two 32-bit numbers carry no more than nine decimals of µm
    let side = |pixels: f64| (um / pixels * 1e9).round() / 1e9;
    // 300 dots per inch are 85 µm: a resolution meant for print stays below one µm/px of any slide
    Mpp::plausible(side(x), side(y)).filter(|mpp| mpp.mean() < 20.0)
}

/// vips keeps OpenSlide's properties as `<property><name>..</name><value>..</value></property>`.
fn vips(xml: &str) -> Result<Option<Mpp>, XmlFault> {
    let mut nodes = Nodes::new(xml);
    let (mut x, mut y) = (None, None);
    let (mut within, mut name) = (String::new(), String::new());
    while let Some(node) = nodes.next()? {
        match node {
            Node::Open { name, attributes } if attribute(&attributes, "name").is_none() => {
                within = name;
            }
            Node::Text(text) if within == "name" => name = text,
            Node::Text(text) if within == "value" => match name.as_str() {
                "openslide.mpp-x" => x = text.parse().ok(),
                "openslide.mpp-y" => y = text.parse().ok(),
                _ => {}
            },
            _ => {}
        }
    }
    Ok(x.and_then(|x| Mpp::plausible(x, y.unwrap_or(x))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_of_vips() {
        let xml = "<?xml version=\"1.0\"?><image><properties>\
            <property><name>openslide.mpp-x</name><value type=\"VipsRefString\">0.25</value></property>\
            <property><name>openslide.mpp-y</name><value type=\"VipsRefString\">0.26</value></property>\
            </properties></image>";
        assert_eq!(vips(xml).ok().flatten(), Some(Mpp { x: 0.25, y: 0.26 }));
    }
}
