//! JPEG 2000 tiles (Aperio's compressions 33003 and 33005, and 34712).

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

/// Samples a pixel and the samples of a tile, in the colours they are stored in.
pub(super) fn decode(
    bytes: &[u8],
    width: usize,
    height: usize,
) -> Result<(usize, Vec<u8>), String> {
    let image = Image::new(bytes, &DecodeSettings::default()).map_err(|e| e.to_string())?;
    let found = (image.width() as usize, image.height() as usize);
    if found != (width, height) {
        return Err(format!(
            "{}x{} px instead of {width}x{height}",
            found.0, found.1
        ));
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|e| e.to_string())?;
    let each = decoded.components().len();
    if each == 0
        || decoded
            .components()
            .iter()
            .any(|c| c.samples().len() != width * height)
    {
        return Err(format!("{each} channels, not all of {width}x{height} px"));
    }
    Ok((each, decoded.data_u8()))
}
