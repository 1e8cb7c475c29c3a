//! Pictures of the run folder, read and packed for the page.

use std::path::Path;

use base64::Engine as _;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageReader, RgbImage};

use crate::Error;

/// Pictures that a table promises but that could not be shown, each with the reason.
#[derive(Default)]
pub(crate) struct Missing(pub(crate) Vec<String>);

/// Reads a picture below the run folder; one that is absent or broken is noted, not fatal.
pub(crate) fn read(folder: &Path, below: &str, missing: &mut Missing) -> Option<RgbImage> {
    let path = folder.join(below);
    let picture = ImageReader::open(&path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(image::ImageError::from)
        .and_then(ImageReader::decode);
    match picture {
        Ok(picture) => Some(picture.into_rgb8()),
        Err(reason) => {
            missing.0.push(format!("{below}: {reason}"));
            None
        }
    }
}

/// A picture as a data address for the page: JPEG, quality 90 (the PNG stays in the folder).
pub(crate) fn data_address(picture: &RgbImage, name: &str) -> Result<String, Error> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .write_image(
            picture,
            picture.width(),
            picture.height(),
            ExtendedColorType::Rgb8,
        )
        .map_err(|e| Error::Figure {
            figure: name.to_owned(),
            reason: e.to_string(),
        })?;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    Ok(format!("data:image/jpeg;base64,{text}"))
}

/// A small picture as a data address for the page: PNG, every pixel kept.
pub(crate) fn png_address(picture: &RgbImage, name: &str) -> Result<String, Error> {
    let text = base64::engine::general_purpose::STANDARD.encode(png(picture, name)?);
    Ok(format!("data:image/png;base64,{text}"))
}

/// A sheet as the bytes of a PNG file.
pub(crate) fn png(sheet: &RgbImage, name: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(
            sheet,
            sheet.width(),
            sheet.height(),
            ExtendedColorType::Rgb8,
        )
        .map_err(|e| Error::Figure {
            figure: name.to_owned(),
            reason: e.to_string(),
        })?;
    Ok(bytes)
}
