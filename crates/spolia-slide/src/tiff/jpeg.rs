//! JPEG tiles, whole streams or abbreviated ones (TIFF technical note 2).

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

const START: [u8; 2] = [0xFF, 0xD8];
const END: [u8; 2] = [0xFF, 0xD9];

/// Samples a pixel and the samples of a tile. The tile's photometric tag, not the stream, says
/// whether three channels are YCbCr: Aperio writes RGB without a marker that tells so.
pub(super) fn decode(
    tables: Option<&[u8]>,
    bytes: &[u8],
    width: usize,
    height: usize,
    ycbcr: bool,
) -> Result<(usize, Vec<u8>), String> {
    let merged = match tables {
        Some(tables) if tables.starts_with(&START) && bytes.starts_with(&START) => {
            let tables = tables.strip_suffix(&END).unwrap_or(tables);
            [tables, &bytes[2..]].concat()
        }
        _ => Vec::new(),
    };
    let stream = if merged.is_empty() { bytes } else { &merged };
    let options = DecoderOptions::default()
        .set_max_width(width)
        .set_max_height(height);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stream), options);
    decoder.decode_headers().map_err(|e| e.to_string())?;
    let found = decoder.dimensions().unwrap_or_default();
    if found != (width, height) {
        return Err(format!(
            "{}x{} px instead of {width}x{height}",
            found.0, found.1
        ));
    }
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let wanted = match stored {
        ColorSpace::Luma => ColorSpace::Luma,
        ColorSpace::RGB => ColorSpace::RGB,
        ColorSpace::YCbCr if ycbcr => ColorSpace::RGB,
        ColorSpace::YCbCr => ColorSpace::YCbCr,
        other => return Err(format!("colours are stored as {other:?}")),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let samples = decoder.decode().map_err(|e| e.to_string())?;
    let each = wanted.num_components();
    if samples.len() != width * height * each {
        return Err(format!(
            "{} samples instead of {}",
            samples.len(),
            width * height * each
        ));
    }
    Ok((each, samples))
}
