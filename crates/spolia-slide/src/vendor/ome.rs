//! OME-TIFF: the description is OME-XML; `PhysicalSizeX` of its first image is the µm/px, smaller
//! levels hang below the first directory (SubIFDs) or, in older files, follow it.

use super::{Found, Mpp, Vendor, raster, text};
use crate::tiff::{At, Directory, Tiff, tags};
use crate::xml::{Node, Nodes, XmlFault, attribute};

pub(super) fn read(tiff: &Tiff, first: &Directory) -> Result<Option<Found>, At> {
    let xml = text(tiff, first, tags::IMAGE_DESCRIPTION)?;
    if !xml.contains("<OME") {
        return Ok(None);
    }
    let about = about(&xml).unwrap_or_default();
    let mut levels = vec![raster(tiff, first)?.into()];
    for dir in &first.below {
        levels.push(raster(tiff, dir)?.into());
    }
    let mut associated = Vec::new();
    for (number, dir) in tiff.directories.iter().enumerate().skip(1) {
        let Ok(image) = raster(tiff, dir) else {
            continue;
        };
        let name = about
            .names
            .get(number)
            .map_or("", String::as_str)
            .to_lowercase();
        let named = ["label", "macro", "thumbnail"]
            .into_iter()
            .find(|n| name.contains(n));
        match named {
            Some(name) => associated.push((name.to_owned(), image.into())),
            None if first.below.is_empty() && image.tiled => levels.push(image.into()),
            None => {}
        }
    }
    Ok(Some(Found {
        vendor: Vendor::Ome,
        levels,
        associated,
        mpp: about.mpp,
        objective: about.objective,
    }))
}

#[derive(Default)]
struct About {
    mpp: Option<Mpp>,
    objective: Option<f64>,
    /// Names of the images, in order.
    names: Vec<String>,
}

/// µm of one unit of length.
fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "" | "µm" | "\u{3bc}m" | "um" | "micron" | "microns" => 1.0,
        "nm" => 1e-3,
        "mm" => 1e3,
        "cm" => 1e4,
        "m" => 1e6,
        "Å" => 1e-4,
        _ => return None,
    })
}

fn about(xml: &str) -> Result<About, XmlFault> {
    let mut nodes = Nodes::new(xml);
    let mut about = About::default();
    let mut pixels = 0;
    while let Some(node) = nodes.next()? {
        let Node::Open { name, attributes } = node else {
            continue;
        };
        // names may carry a namespace
        match name.rsplit(':').next().unwrap_or_default() {
            "Image" => {
                about.names.push(
                    attribute(&attributes, "Name")
                        .unwrap_or_default()
                        .to_owned(),
                );
            }
            "Objective" => {
                let power = attribute(&attributes, "NominalMagnification");
                about.objective = about.objective.or_else(|| power?.parse().ok());
            }
            "Pixels" => {
                pixels += 1;
                let side = |size: &str, of: &str| -> Option<f64> {
                    let value: f64 = attribute(&attributes, size)?.parse().ok()?;
                    Some(value * unit(attribute(&attributes, of).unwrap_or_default())?)
                };
                let x = side("PhysicalSizeX", "PhysicalSizeXUnit");
                let y = side("PhysicalSizeY", "PhysicalSizeYUnit").or(x);
                if let (1, Some(x), Some(y)) = (pixels, x, y) {
                    about.mpp = Mpp::plausible(x, y);
                }
            }
            _ => {}
        }
    }
    Ok(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn physical_sizes() {
        let xml = "<OME:OME xmlns:OME='x'><OME:Instrument><OME:Objective NominalMagnification='20'/></OME:Instrument>\
            <OME:Image Name='slide'><OME:Pixels PhysicalSizeX='503' PhysicalSizeXUnit='nm' PhysicalSizeY='0.504'/></OME:Image>\
            <OME:Image Name='label image'><OME:Pixels PhysicalSizeX='9'/></OME:Image></OME:OME>";
        let about = about(xml).unwrap_or_default();
        assert_eq!(about.mpp, Some(Mpp { x: 0.503, y: 0.504 }));
        assert_eq!(about.objective, Some(20.0));
        assert_eq!(about.names, ["slide", "label image"]);
    }
}
