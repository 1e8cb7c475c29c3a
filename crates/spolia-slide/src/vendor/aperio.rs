//! Aperio SVS: tiled images are levels, the first striped one is the thumbnail, the others carry
//! their name in the second line of their description; `MPP` and `AppMag` stand in the first's.

use super::{Found, Mpp, Vendor, raster, text};
use crate::tiff::{At, Directory, Tiff, tags};

pub(super) fn read(tiff: &Tiff, first: &Directory) -> Result<Option<Found>, At> {
    let description = text(tiff, first, tags::IMAGE_DESCRIPTION)?;
    if !description.starts_with("Aperio") || !first.has(tags::TILE_WIDTH) {
        return Ok(None);
    }
    let (mut levels, mut associated) = (Vec::new(), Vec::new());
    for dir in &tiff.directories {
        if dir.has(tags::TILE_WIDTH) {
            levels.push(raster(tiff, dir)?.into());
            continue;
        }
        let about = text(tiff, dir, tags::IMAGE_DESCRIPTION)?;
        let name = about
            .lines()
            .nth(1)
            .and_then(|line| line.split_whitespace().next());
        let name = match name {
            Some(name) if name.chars().all(char::is_alphabetic) => name.to_lowercase(),
            _ if dir.index == 1 => "thumbnail".to_owned(),
            _ => continue,
        };
        // an unreadable label does not spoil a slide: asking for it says that it is not there
        if let Ok(image) = raster(tiff, dir) {
            associated.push((name, image.into()));
        }
    }
    let number = |key| field(&description, key).and_then(|v| v.parse::<f64>().ok());
    Ok(Some(Found {
        vendor: Vendor::Aperio,
        levels,
        associated,
        mpp: number("MPP").and_then(|mpp| Mpp::plausible(mpp, mpp)),
        objective: number("AppMag").filter(|m| m.is_finite() && *m > 0.0),
    }))
}

/// The value of `key` among the `|key = value` of a description.
fn field<'a>(description: &'a str, key: &str) -> Option<&'a str> {
    description.split('|').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        (name.trim() == key).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_of_a_description() {
        let text = "Aperio Image Library v11\n4x4 JPEG/RGB Q=30|AppMag = 20|MPP = 0.4990|x";
        assert_eq!(field(text, "MPP"), Some("0.4990"));
        assert_eq!(field(text, "AppMag"), Some("20"));
        assert_eq!(field(text, "Q"), None);
    }
}
